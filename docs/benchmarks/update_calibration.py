"""Write the tables of the docs on prior correction from a run of ``calibration``.

    python docs/benchmarks/update_calibration.py results/calibration/cells.jsonl

Run it from the repository root, after
``benchmarks/imblearn27.py --preset calibration``.
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep.reporting import wilcoxon_holm  # noqa: E402
from imbdeep_bench.report.cells import read_cells  # noqa: E402

PLAIN = "net"
MEANS = ["log_loss", "brier", "average_precision"]
LINE = ["calibration_slope", "calibration_intercept"]


def by_set(cells, metric):
    """Means over the folds that all methods have, sets by methods."""
    scores = cells.scores[cells.scores["metric"] == metric]
    folds = scores.pivot_table("value", ["dataset", "fold"], "method")
    return folds[cells.methods].dropna().groupby("dataset").mean()


def main(cells_path):
    cells = read_cells(cells_path)
    table = pd.DataFrame(index=cells.methods)
    for metric in MEANS:
        table[metric.replace("_", " ")] = by_set(cells, metric).mean()
    for metric in LINE:
        table[f"{metric.split('_')[1]}, median"] = by_set(cells, metric).median()
    duels = wilcoxon_holm(by_set(cells, "log_loss"), PLAIN, greater_is_better=False)
    duels = duels.set_index("method")
    pairs = duels["wins"].astype(str) + " to " + duels["losses"].astype(str)
    table = table.map("{:.3f}".format)
    table["log loss: sets better to worse than the net"] = pairs
    table["p (Holm)"] = duels["p_holm"].map("{:.2g}".format)
    table.fillna("").to_csv(HERE / "calibration.csv", index_label="method")
    corrected = [name for name in cells.methods if name.endswith("_corrected")]
    sets = by_set(cells, "log_loss")[[PLAIN, *corrected]].map("{:.3f}".format)
    sets.to_csv(HERE / "calibration_sets.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
