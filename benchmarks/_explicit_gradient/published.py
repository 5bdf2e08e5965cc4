"""The scores that the paper published (Tables 2 and 3)."""

from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).with_name("published_tables_2_3.csv")

# The paper's name of each method that is run here.
NAMES = {
    "ce": "CE",
    "ros": "ROS",
    "smote": "SMOTE",
    "adasyn": "ADASYN",
    "bsmote": "BSMOTE",
    "cwgan": "CWGAN",
    "focal": "FOCAL",
    "ldam": "LDAM",
    "explicit_gradient": "ExplicitGradient",
}
# Those of Table 2, by their names here.
TABLE_2 = ["ce", "ros", "smote", "adasyn", "bsmote"]


def published_table(value="average_precision"):
    """Return what was published, data sets by methods, by the paper's names.

    Parameters
    ----------
    value : {'average_precision', 'std'}, default='average_precision'
        The mean over four splits, or the deviation beside it.

    Returns
    -------
    table : DataFrame of shape (27, 10)
        In the paper's order. NaN where nothing was published: MESA has scores on five
        sets.
    """
    long = pd.read_csv(PUBLISHED)
    table = long.pivot(index="dataset", columns="method", values=value)
    return table.loc[long["dataset"].unique(), long["method"].unique()]


def published_scores(datasets, value="average_precision"):
    """Return what was published of the methods that are run here, by their names here.

    Parameters
    ----------
    datasets : list of str
        The sets to keep.
    value : {'average_precision', 'std'}, default='average_precision'
        As for :func:`published_table`.

    Returns
    -------
    table : DataFrame of shape (n_datasets, 9)
    """
    table = published_table(value)[list(NAMES.values())]
    return table.set_axis(list(NAMES), axis=1).loc[datasets]
