"""The scores that the dissertation published (Tables 3.2 and 3.3)."""

from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).with_name("published.csv")
# Whose scores stand beside ours. Gisette is another set than Madelon, which stands in.
BESIDE = {"usps": "usps", "madelon": "gisette"}
TITLES = {"usps": "published", "madelon": "published, of Gisette"}


def published_scores(table, dataset):
    """Return what was published on a data set.

    Parameters
    ----------
    table : {'3.2', '3.3'}
    dataset : {'usps', 'gisette', 'gas', 'emotion'}

    Returns
    -------
    scores : DataFrame
        Methods, by the dissertation's names, by metric. NaN where there is a dash.
    """
    long = pd.read_csv(PUBLISHED, dtype={"table": str})
    long = long[(long["table"] == table) & (long["dataset"] == dataset)]
    scores = long.pivot(index="method", columns="metric", values="score")
    return scores.loc[long["method"].unique()]


def scores_beside(table, data, crowd):
    """Return what stands beside ours, or None: the dissertation's workers are alike."""
    if data not in BESIDE or crowd != "alike":
        return None
    return published_scores(table, BESIDE[data])
