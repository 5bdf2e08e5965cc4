"""Tests of significance over data sets, and plots that compare methods.

All of them take plain tables, such as mean scores by data set and method.
"""

from imbdeep.reporting._plots import (
    plot_critical_difference,
    plot_performance_profiles,
    plot_precision_recall,
    plot_reliability,
)
from imbdeep.reporting._profiles import performance_profile, performance_ratios
from imbdeep.reporting._ranks import rank_methods
from imbdeep.reporting._resampled_ttest import TTestResult, corrected_resampled_ttest
from imbdeep.reporting._significance import (
    CriticalDifference,
    FriedmanResult,
    critical_difference,
    friedman_iman_davenport,
    wilcoxon_holm,
)

__all__ = [
    "CriticalDifference",
    "FriedmanResult",
    "TTestResult",
    "corrected_resampled_ttest",
    "critical_difference",
    "friedman_iman_davenport",
    "performance_profile",
    "performance_ratios",
    "plot_critical_difference",
    "plot_performance_profiles",
    "plot_precision_recall",
    "plot_reliability",
    "rank_methods",
    "wilcoxon_holm",
]
