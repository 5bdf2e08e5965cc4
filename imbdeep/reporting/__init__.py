"""Tables, tests of significance and plots that turn benchmark cells into a report.

A benchmark appends one JSON object a line to ``cells.jsonl``; everything here starts
from that file. :func:`write_report` does it all; the other functions are its parts,
and the tests of significance take any table of mean scores, data sets by methods.
"""

from imbdeep.reporting._cells import BenchmarkCells, independent_blocks, read_cells
from imbdeep.reporting._curves import (
    expected_calibration_error,
    precision_recall_table,
    reliability_table,
)
from imbdeep.reporting._metric_info import HEADLINE_METRICS, METRICS
from imbdeep.reporting._plots import (
    plot_critical_difference,
    plot_performance_profiles,
    plot_precision_recall,
    plot_rank_heat_map,
    plot_reliability,
    plot_scores,
)
from imbdeep.reporting._profiles import performance_profile, performance_ratios
from imbdeep.reporting._report import write_report
from imbdeep.reporting._significance import (
    CriticalDifference,
    FriedmanResult,
    TTestResult,
    corrected_resampled_ttest,
    critical_difference,
    friedman_iman_davenport,
    holm,
    wilcoxon_holm,
)
from imbdeep.reporting._tables import (
    MeanTable,
    mean_table,
    rank_methods,
    rank_sums,
    rank_table,
)

__all__ = [
    "HEADLINE_METRICS",
    "METRICS",
    "BenchmarkCells",
    "CriticalDifference",
    "FriedmanResult",
    "MeanTable",
    "TTestResult",
    "corrected_resampled_ttest",
    "critical_difference",
    "expected_calibration_error",
    "friedman_iman_davenport",
    "holm",
    "independent_blocks",
    "mean_table",
    "performance_profile",
    "performance_ratios",
    "plot_critical_difference",
    "plot_performance_profiles",
    "plot_precision_recall",
    "plot_rank_heat_map",
    "plot_reliability",
    "plot_scores",
    "precision_recall_table",
    "rank_methods",
    "rank_sums",
    "rank_table",
    "read_cells",
    "reliability_table",
    "wilcoxon_holm",
    "write_report",
]
