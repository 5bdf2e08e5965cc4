"""What a fit at its defaults costs, beside what people would pick instead."""

from time import process_time

import numpy as np
from sklearn.datasets import make_classification

from imbdeep_bench.engine.experiment import by_name
from imbdeep_bench.members import BLEND, PLAIN
from imbdeep_bench.peers import PEERS
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal, Table, middle

CONTROL = "catboost"
METHODS = by_name([PEERS[CONTROL], PEERS["lightgbm"], PLAIN, BLEND])
GOAL = Goal("<=", 4)


def learnable_table(n_rows, n_features):
    """Rows of two classes, a tenth of them rare, that take as long as real ones.

    Nets end early where there is nothing to learn.
    """
    X, y = make_classification(
        n_rows,
        n_features,
        n_informative=n_features // 2,
        n_clusters_per_class=4,
        weights=[0.9],
        random_state=0,
    )
    return Table("defaults", "synthetic, four clusters in each class", X, y)


def cpu_seconds(method, table, repeat):
    """Processor time of a fit; wall time depends on what else the machine does."""
    model = method.make(repeat)
    start = process_time()
    model.fit(table.X, table.y)
    return process_time() - start


class DefaultSpeed(measure.SpeedPart):
    """What a fit at its defaults costs, beside what people would pick instead.

        python benchmarks/speed.py defaults --out default_speed.md

    Fits of CatBoost, LightGBM, the ensemble of nets, and the blend of nets and trees
    take turns in one process. CatBoost and LightGBM come with the extra peers.
    """

    numbers = {
        "--rows": (3_000, "rows", 200),
        "--columns": (20, "columns", 6),
        "--repeats": (2, "fits of each"),
    }

    @staticmethod
    def report(args):
        table = learnable_table(args.rows, args.columns)
        timings = {
            name: (lambda repeat, m=method: cpu_seconds(m, table, repeat))
            for name, method in METHODS.items()
        }
        # The first fit of a process loads parts of the libraries.
        small = learnable_table(200, args.columns)
        for method in METHODS.values():
            cpu_seconds(method, small, 0)
        seconds = measure.in_turn(timings, args.repeats)
        rows = []
        for name, taken in seconds.items():
            ratios = np.divide(taken, seconds[CONTROL])
            is_ours = name == BLEND.name
            goal = GOAL.cells(np.median(ratios)) if is_ours else measure.NO_GOAL
            rows.append(
                {
                    "method": METHODS[name].title,
                    "fit [CPU s]": middle(taken),
                    "fit / CatBoost's": middle(ratios),
                    **goal,
                }
            )
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(args.device, args.threads),
            tables=measure.list_tables([table]),
            times=rows_to_markdown(rows),
        )
