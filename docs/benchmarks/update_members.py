"""Write the tables of the docs on peers from a run of the preset ``members``.

    python docs/benchmarks/update_members.py results/members/cells.jsonl

Run it from the repository root, after ``benchmarks/imblearn27.py --preset members``.
Tables and pictures go to ``docs/benchmarks/members``, and with them the scores of every
fit, ``fits.csv``: who compares another method on the same splits needs them. The first
table goes to README.md, too.
"""

import sys
from pathlib import Path

import pandas as pd
from markers import replace_between_markers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep.reporting import wilcoxon_holm  # noqa: E402
from imbdeep_bench.report.cells import read_cells  # noqa: E402
from imbdeep_bench.report.metrics import metric_info  # noqa: E402
from imbdeep_bench.report.plots import plot_critical_difference  # noqa: E402
from imbdeep_bench.report.tables import mean_table, rank_table  # noqa: E402

METRICS = ["average_precision", "log_loss", "g_mean_tuned"]
CONTROL = "imbalanced"
# As the README has them; others go by their names.
TITLES = {
    "imbalanced": "`ImbalancedClassifier`",
    "catboost": "CatBoost",
    "lightgbm": "LightGBM",
    "hist_gb": "HistGradientBoosting",
    "random_forest": "random forest",
}
OUT = HERE / "members"


def summary(cells):
    """Mean score and mean rank of each method, best ranks first, and its seconds."""
    ranks = rank_table(cells, METRICS)
    order = ranks["average_precision"].sort_values().index
    table = pd.DataFrame(index=order)
    for metric in METRICS:
        means = mean_table(cells, metric).mean.mean().map("{:.3f}".format)
        table[metric.replace("_", " ")] = means
        told = ranks[metric].map("{:.2f}".format)
        table[f"rank by {metric.replace('_', ' ')}"] = told
    seconds = cells.cells.astype({"fit_seconds": float}).groupby("method")
    table["fit [s], median"] = seconds["fit_seconds"].median().map("{:.1f}".format)
    return table


def duels(cells):
    """The first method against every other: sets won and lost, and Holm's p."""
    told = []
    for metric in METRICS:
        means = mean_table(cells, metric).mean
        better = metric_info(metric).greater_is_better
        pairs = wilcoxon_holm(means, CONTROL, greater_is_better=better)
        told.append(
            pd.DataFrame(
                {
                    "metric": metric.replace("_", " "),
                    "against": pairs["method"],
                    "won": pairs["losses"],
                    "lost": pairs["wins"],
                    "median gain": (-pairs["median_gain"]).map("{:+.3f}".format),
                    "p (Holm)": pairs["p_holm"].map("{:.2g}".format),
                }
            )
        )
    return pd.concat(told)


def fits(cells):
    """The scores of every fit, and its seconds."""
    keys = ["dataset", "fold", "method"]
    table = cells.scores[cells.scores["metric"].isin(METRICS)]
    table = table.pivot(index=keys, columns="metric", values="value")[METRICS]
    seconds = cells.cells.set_index(keys)["fit_seconds"].astype(float)
    return table.assign(fit_seconds=seconds).map("{:.4f}".format)


def main(cells_path):
    cells = read_cells(cells_path)
    OUT.mkdir(exist_ok=True)
    fits(cells).to_csv(OUT / "fits.csv")
    told = summary(cells)
    told.to_csv(OUT / "summary.csv", index_label="method")
    shown = told.rename(index=TITLES).rename_axis(None)
    replace_between_markers("peers", shown.to_markdown(disable_numparse=True))
    duels(cells).to_csv(OUT / "duels.csv", index=False)
    for metric in METRICS[:2]:
        means = mean_table(cells, metric).mean.map("{:.3f}".format)
        means.to_csv(OUT / f"{metric}.csv")
        figure = plot_critical_difference(cells, metric)
        figure.savefig(OUT / f"{metric}.png", dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
