"""What a step of meta-augmentation costs, beside a plain training step."""

from functools import partial

import torch

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed.measure import (
    ENCODINGS,
    MEMORY_STEPS,
    Goal,
    add_machine_arguments,
    add_number,
    add_rows_large,
    describe,
    growth_of_steps,
    in_fresh_process,
    in_turn,
    large_table,
    machine_line,
    median_step,
    publish,
    small_table,
    step_rows,
)

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

    def timing(make_net):
        make = partial(make_net, numeric_encoding=encoding)
        return lambda repeat: median_step(
            make, table.X, table.y, device=device, n_steps=n_steps, seed=repeat
        )

    seconds = in_turn({name: timing(net) for name, net in NETS.items()}, repeats)
    labels = {"table": table.name, "encoding": str(encoding)}
    goals = {"meta, 1 inner step": STEP_GOAL}
    return step_rows(labels, seconds, {"step / plain": "plain"}, goals)


def make_report(tables, times, growth, *, device, threads):
    """Return the report as Markdown."""
    described = "\n".join(f"- {describe(table)}" for table in tables)
    return f"""# What a step of meta-augmentation costs

{machine_line(device, threads)}
All numbers come from one run: medians over repeats, with the least and largest value in
brackets, of the median over the steps of a fit.

{described}

A plain step trains on {STEP_ROWS} rows; a step of meta-augmentation on
{STEP_ROWS // 2} rows and {STEP_ROWS // 2} synthetic ones, and it looks at
{STEP_ROWS // 2} validation rows.

{rows_to_markdown(times)}

{MEMORY_STEPS:,} steps on the small table raised the peak memory by {growth:.1f} MB
(goal {MEMORY_GOAL} MB, met: {MEMORY_GOAL.verdict(growth)}).
"""


class MetaStep:
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

    @staticmethod
    def add_arguments(parser):
        """Add all options."""
        add_number(parser, "--steps", 200, "timed steps of a fit")
        add_number(parser, "--repeats", 5, "fits of each kind")
        add_rows_large(parser, least=60_000)
        add_machine_arguments(parser)

    @staticmethod
    def run(args):
        """Measure and publish; return the exit code."""
        torch.set_num_threads(args.threads)
        device, threads = args.device, args.threads
        tables = [small_table(), large_table(args.rows_large)]
        X, y = tables[0].X, tables[0].y
        growth = in_fresh_process(growth_of_steps, meta_net, X, y, device, threads)
        times = [
            row
            for table in tables
            for encoding in ENCODINGS
            for row in time_rows(
                table, encoding, device=device, n_steps=args.steps, repeats=args.repeats
            )
        ]
        report = make_report(tables, times, growth, device=device, threads=threads)
        publish(report, args.out)
        return 0
