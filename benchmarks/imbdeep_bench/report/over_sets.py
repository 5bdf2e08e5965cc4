"""Tests over data sets, as the papers' reports print them."""

import pandas as pd

from imbdeep.reporting import friedman_iman_davenport, rank_methods, wilcoxon_holm
from imbdeep_bench.report.markdown import print_p_values, to_markdown

# Fewer sets cannot be told apart by tests.
LEAST_SETS, LEAST_METHODS = 3, 3


def set_table(means, metric, data):
    """Return means of one metric, sets by methods; NaN where some run failed.

    Means are as :func:`~imbdeep_bench.report.runs.mean_table` gives them; the column
    ``data`` names the sets.
    """
    rows = means[means["metric"] == metric]
    rows = rows.assign(mean=rows["mean"].where(rows["n_failed"] == 0))
    table = rows.pivot(index=data, columns="method", values="mean")
    # As a report has them, not the alphabet.
    table = table.loc[rows[data].unique(), rows["method"].unique()]
    return table.rename_axis(columns=None)


def significance_blocks(table, title, control, titles):
    """Print Friedman's test, and Wilcoxon's of a method against every other one.

    ``table`` has means, sets by methods, NaN where some run failed; ``title`` is that
    of the metric, ``titles`` are those of the methods. The others are subtracted from
    ``control``.
    """
    if len(table) < LEAST_SETS or table.shape[1] < LEAST_METHODS:
        return [f"Too few sets or methods to test {title}."]
    result = friedman_iman_davenport(table)
    blocks = [
        f"By {title}: Friedman's test, p = {result.f_p_value:.2g} (Iman and Davenport)."
    ]
    if control in table:
        blocks.append(duels_over_sets(table, control, titles))
    return blocks


def duels_over_sets(table, control, titles):
    """Print Wilcoxon's tests of a method against every other one, adjusted by Holm."""
    duels = wilcoxon_holm(table, control=control)
    duels = duels.sort_values("median_gain", ascending=False, kind="stable")
    # Told from the side of the control: what another method won, it lost.
    shown = pd.DataFrame(
        {
            "median difference": (-duels["median_gain"]).map("{:+.3f}".format),
            "won": duels["losses"],
            "lost": duels["wins"],
            "p_value": duels["p_value"],
            "p_holm": duels["p_holm"],
        }
    ).set_axis([titles[name] for name in duels["method"]])
    shown = print_p_values(shown.rename_axis(f"{titles[control]} minus"))
    return to_markdown(shown)


def summary_table(means, metrics, titles):
    """Print the mean over the sets, and the mean rank in brackets, of every metric."""
    columns = {}
    for metric, title in metrics.items():
        table = set_table(means, metric, "dataset")
        average, ranks = table.mean(), rank_methods(table).mean()
        columns[title] = average.map("{:.3f}".format) + ranks.map(" ({:.2f})".format)
    # Not all methods have all scores, and the alphabet is no order.
    laid = pd.DataFrame(columns).reindex(means["method"].unique())
    return laid.rename(index=titles).rename_axis("method")


def metric_blocks(means, metric, title, controls, titles):
    """Print tests over the sets, of each control against all, and means on each."""
    table = set_table(means, metric, "dataset")
    first, *others = controls
    tests = significance_blocks(table, title, first, titles)
    # Where there are duels, there are sets enough for more of them.
    if len(tests) > 1:
        tests += [duels_over_sets(table, c, titles) for c in others if c in table]
    return [*tests, table.rename(columns=titles)]
