"""Sets of the collection of 27 in the experiments: rows, and tests over them."""

import pandas as pd
from _explicit_gradient.markdown import print_p_values, to_markdown
from _names import check_names
from _paper_data import Dataset, fingerprint

from imbdeep.datasets import IMBLEARN27_NAMES, load_imblearn27
from imbdeep.reporting import friedman_iman_davenport, wilcoxon_holm

# Fewer sets cannot be told apart by tests.
LEAST_SETS, LEAST_METHODS = 3, 3


def read_sets(names, data_home):
    """Read sets of the collection, the minority labelled 1 and the majority 0.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    check_names(names, IMBLEARN27_NAMES, "--datasets")
    sets = []
    for name, bunch in load_imblearn27(names, data_home).items():
        y = (bunch.target == 1).astype(int)
        sets.append(Dataset(name, bunch.data, y, fingerprint(bunch.data, y)))
    return sets


def significance_blocks(table, title, control, titles):
    """Print Friedman's test, and Wilcoxon's of a method against every other one.

    Parameters
    ----------
    table : DataFrame
        Means, sets by methods; NaN where some run failed.
    title : str
        Of the metric.
    control : str
        The method that the others are subtracted from.
    titles : dict of str to str
        Of the methods.
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
