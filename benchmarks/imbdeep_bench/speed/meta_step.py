"""What a step of meta-augmentation costs, beside a plain training step."""

from functools import partial

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal

STEP_ROWS = 256
STEP_GOAL = Goal("<=", 4)
MEMORY_GOAL = Goal("<=", 5)  # MB


def plain_net(**params):
    """A net whose steps are plain ones."""
    return NetClassifier(batch_size=STEP_ROWS, early_stopping=False, **params)


def meta_net(inner_steps=1, **params):
    """A net whose steps are those of meta-augmentation, from the first on."""
    return MetaAugmentClassifier(
        batch_size=STEP_ROWS // 2,
        # As many synthetic rows as balance the classes: enough for full batches.
        sampling_strategy="auto",
        pretrain_epochs=0,
        inner_steps=inner_steps,
        early_stopping=False,
        **params,
    )


NETS = {
    "plain": plain_net,
    "meta, 1 inner step": meta_net,
    "meta, 3 inner steps": partial(meta_net, inner_steps=3),
}


def time_rows(table, encoding, *, device, n_steps, repeats):
    """Rows of the table of times and ratios, one for each kind of step."""

    def time_once(make_net, repeat):
        make = partial(make_net, numeric_encoding=encoding)
        told = {"device": device, "n_steps": n_steps, "seed": repeat}
        return measure.median_step(make, table.X, table.y, **told)

    timings = {name: partial(time_once, make_net) for name, make_net in NETS.items()}
    seconds = measure.in_turn(timings, repeats)
    labels = {"table": table.name, "encoding": str(encoding)}
    goals = {"meta, 1 inner step": STEP_GOAL}
    return measure.step_rows(labels, seconds, {"step / plain": "plain"}, goals)


def make_report(tables, times, growth, *, device, threads):
    """Return the report as Markdown."""
    return measure.fill_in(
        __file__,
        machine=measure.machine_line(device, threads),
        tables=measure.list_tables(tables),
        step_rows=STEP_ROWS,
        half=STEP_ROWS // 2,
        times=rows_to_markdown(times),
        memory_steps=measure.MEMORY_STEPS,
        growth=growth,
        goal=str(MEMORY_GOAL),
        verdict=MEMORY_GOAL.verdict(growth),
    )


class MetaStep(measure.SpeedPart):
    """What a step of meta-augmentation costs, beside a plain training step.

        python benchmarks/speed.py meta_step --out meta_step_speed.md

    ``NetClassifier`` and ``MetaAugmentClassifier`` are fitted in turn in one process,
    with the same net on the same table, and every training step is timed. A plain step
    trains on 256 rows; a step of meta-augmentation trains on 128 rows of the table and
    128 synthetic ones, and then looks at 128 validation rows to move the latter.
    Medians over the steps of a fit are compared, repeat by repeat. The first steps of
    each fit are left out.

    Memory is the rise of the peak memory of the process between step 100 and step 1,100
    of one fit of meta-augmentation. The goal allows for what an allocator keeps; a
    graph kept alive would take more than that in each step.
    """

    numbers = {
        "--steps": (200, "timed steps of a fit"),
        "--repeats": (5, "fits of each kind"),
        "--rows-large": (*measure.ROWS_LARGE, 60_000),
    }

    @staticmethod
    def report(args):
        device, threads = args.device, args.threads
        tables = [measure.small_table(), measure.large_table(args.rows_large)]
        arguments = meta_net, tables[0].X, tables[0].y, device, threads
        growth = measure.in_fresh_process(measure.growth_of_steps, *arguments)
        told = {"device": device, "n_steps": args.steps, "repeats": args.repeats}
        times = [
            row
            for table in tables
            for encoding in measure.ENCODINGS
            for row in time_rows(table, encoding, **told)
        ]
        return make_report(tables, times, growth, device=device, threads=threads)
