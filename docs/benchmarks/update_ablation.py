"""Write the table of the docs on what the parts of members are worth.

    python docs/benchmarks/update_ablation.py results/tables

Run it from the repository root, after ``benchmarks/tables.py members --methods
members,ablation``. The table goes to ``docs/benchmarks/members/ablation.csv``.
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep.reporting import rank_methods, wilcoxon_holm  # noqa: E402
from imbdeep_bench.report.runs import Study  # noqa: E402
from imbdeep_bench.tables.experiment import Members  # noqa: E402

WHOLE = "members"
METRICS = {"ap": "average precision", "log_loss": "log loss"}
LESS_IS_MORE = "log_loss"


def beside_whole(means, metric):
    """Means; mean ranks; tables won to lost by the whole, and Holm's p."""
    rows = means[means["metric"] == metric]
    # A run that goes on may lack methods of a table.
    table = rows.pivot(index="dataset", columns="method", values="mean").dropna()
    is_more = metric != LESS_IS_MORE
    ranks = rank_methods(table if is_more else -table).mean()
    duels = wilcoxon_holm(table, WHOLE, greater_is_better=is_more).set_index("method")
    score = table.mean().map("{:.3f}".format) + ranks.map(" ({:.1f})".format)
    # Told from the side of the whole: what another method won, it lost.
    won = duels["losses"].astype(str) + ":" + duels["wins"].astype(str)
    told = won + ", p = " + duels["p_holm"].map("{:.2g}".format)
    name = METRICS[metric]
    return pd.DataFrame({f"{name} (rank)": score, f"{name}, whole to this": told})


def main(results):
    by = ["dataset"]
    study = Study("", Members.methods, METRICS, by, {"dataset": ()}, {})
    cells = study.read(results / Members.file)
    means = study.means(cells)
    table = pd.concat([beside_whole(means, metric) for metric in METRICS], axis=1)
    table = table.loc[[name for name in Members.methods if name in table.index]]
    table = table.rename(index=study.titles).fillna("")
    table.to_csv(HERE / "members" / "ablation.csv", index_label="net")
    n_folds = cells.groupby("dataset")["fold"].nunique()
    print(n_folds.value_counts().to_dict(), "tables by folds;", len(cells), "cells")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
