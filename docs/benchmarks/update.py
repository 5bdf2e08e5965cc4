"""Write the result tables of the docs and of the README from a run of the benchmark.

    python docs/benchmarks/update.py results/full/cells.jsonl

Run it from the repository root, after ``benchmarks/imblearn27.py``. Tables go to
``docs/benchmarks/*.csv`` and between the markers of README.md, pictures to
``docs/benchmarks/*.png``. Learners behind a sampler have a table of their own, where
each is ranked against the same learner without one.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
from markers import replace_between_markers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep_bench.report.cells import read_cells  # noqa: E402
from imbdeep_bench.report.plots import (  # noqa: E402
    plot_rank_heat_map,
    plot_reliability,
)
from imbdeep_bench.report.tables import (  # noqa: E402
    mean_table,
    rank_sums,
    rank_table,
)

METRICS = [
    "average_precision",
    "roc_auc",
    "g_mean",
    "g_mean_tuned",
    "balanced_brier",
    "log_loss",
]
BY_SET = ["average_precision", "g_mean", "balanced_brier"]
LEARNERS = ("logistic", "random_forest", "hist_gb")
SAMPLERS = ("smote", "meta_augment")
GENERATORS = ("latent_smote", "gl_gan", "conditional_gan", "conditional_wgan")


def behind(learner, samplers):
    """Names of a learner's variants with each sampler."""
    return [f"{learner}_{sampler}" for sampler in samplers]


def write_variants(cells, learners, samplers, name):
    """Write a table of learners, each ranked against itself behind samplers.

    Returns the variants, or nothing if the run has not all of them.
    """
    variants = [behind(learner, samplers) for learner in learners]
    if not set(learners).union(*variants) <= set(cells.methods):
        return set()
    by_learner = [
        summary(only(cells, [learner, *behind_it]))
        for learner, behind_it in zip(learners, variants, strict=True)
    ]
    pd.concat(by_learner).to_csv(HERE / name, index_label="method")
    return set().union(*variants)


def only(cells, methods):
    """The cells of some of the methods."""
    return replace(
        cells,
        run={**cells.run, "methods": methods},
        cells=cells.cells[cells.cells["method"].isin(methods)],
        scores=cells.scores[cells.scores["method"].isin(methods)],
    )


def summary(cells):
    """Mean score (rank sum) of each method, best average precision first."""
    sums = rank_sums(cells, METRICS)
    table = pd.DataFrame(index=sums.index)
    for metric in METRICS:
        mean = mean_table(cells, metric).mean.mean().map("{:.3f}".format)
        ranks = sums[metric].map(" ({:g})".format)
        table[metric.replace("_", " ")] = mean + ranks
    return table.loc[sums.sort_values("average_precision").index]


def by_set(cells, metric):
    """Mean and standard deviation over the folds, sets by methods."""
    table = mean_table(cells, metric)
    pairs = table.mean.map("{:.3f}".format) + " ± " + table.sd.map("{:.3f}".format)
    ranks = rank_table(cells, [metric])[metric]
    pairs.loc["average rank"] = ranks.map("{:.1f}".format)
    return pairs.T


def main(cells_path):
    cells = read_cells(cells_path)
    variants = write_variants(cells, LEARNERS, SAMPLERS, "samplers.csv")
    variants |= write_variants(
        cells, ("net", "hist_gb"), ("smote", *GENERATORS), "generative.csv"
    )
    variants.discard("net_smote")  # has its place among the nets
    rest = [name for name in cells.methods if name not in variants]
    if set(rest) <= {"net", "net_smote", "hist_gb"}:
        return  # learners behind samplers were all there was
    cells = only(cells, rest)
    table = summary(cells)
    table.to_csv(HERE / "summary.csv", index_label="method")
    replace_between_markers("results", table.to_markdown(disable_numparse=True))
    for metric in BY_SET:
        by_set(cells, metric).to_csv(HERE / f"{metric}.csv", index_label="method")
    plot_rank_heat_map(cells, "balanced_brier").savefig(HERE / "ranks.png", dpi=80)
    plot_reliability(cells).savefig(HERE / "reliability.png", dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
