"""What ten nets that are trained as one cost, beside one net."""

import pickle
from functools import partial
from time import perf_counter

import numpy as np

from imbdeep.classifiers import NetClassifier
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal, middle

NETS = {
    "MLP 128-16": {},
    "MLP 256-256": {"module__hidden_sizes": (256, 256)},
    "NCA": {"module": "nca"},
}
# Members cost a third of as many nets: for ten, 3.3 times one.
SHARE = 3


def time_fit(X, y, params, n_members, *, epochs, device, repeat):
    """Seconds of a fit on all rows, and the fitted net."""
    net = NetClassifier(
        n_members=n_members,
        batch_size=128,
        max_epochs=epochs,
        train_split=None,
        early_stopping=False,
        device=device,
        random_state=repeat,
        **params,
    )
    start = perf_counter()
    net.fit(X, y)
    return measure.finished(device) - start, net


def rows_of_net(title, fits):
    """Rows of the table, with ratios to one net's fits."""
    alone = np.array([seconds for seconds, _ in fits[1]])
    for n_members, runs in fits.items():
        ratios = np.array([seconds for seconds, _ in runs]) / alone
        goal = Goal("<=", round(n_members / SHARE, 2))
        is_alone = n_members == 1
        yield {
            "net": title,
            "members": n_members,
            "fit [s]": middle([seconds for seconds, _ in runs]),
            "fit / one net's": middle(ratios),
            "pickle [MB]": f"{len(pickle.dumps(runs[0][1])) / 1e6:.2f}",
            **(measure.NO_GOAL if is_alone else goal.cells(np.median(ratios))),
        }


class MemberSpeed(measure.SpeedPart):
    """What ten nets that are trained as one cost, beside one net.

        python benchmarks/speed.py members --threads 2 --out member_speed.md

    Fits of one net and of members on all rows, in batches of 128, without validation.
    They take turns in one process; a ratio compares fits of the same repeat.
    """

    numbers = {
        "--members": (10, "nets that are trained as one", 2),
        "--epochs": (5, "epochs of a fit"),
        "--repeats": (3, "fits of each"),
    }

    @staticmethod
    def report(args):
        table = measure.small_table()
        few = {"epochs": args.epochs, "device": args.device}
        rows = []
        for title, params in NETS.items():
            fit = partial(time_fit, table.X, table.y, params, **few)
            timings = {
                n: (lambda repeat, n=n, fit=fit: fit(n, repeat=repeat))
                for n in (1, args.members)
            }
            # The first fit of a process loads parts of torch.
            measure.in_turn(timings, 1)
            rows += rows_of_net(title, measure.in_turn(timings, args.repeats))
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(args.device, args.threads),
            name=table.name,
            rows=len(table.y),
            columns=table.X.shape[1],
            times=rows_to_markdown(rows),
        )
