"""The accuracies that the dissertation published (Tables 4.1 to 4.7, 5.1 to 5.7)."""

from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).with_name("published.csv")
# Whose accuracies stand beside ours. CIFAR10 is another set than USPS.
BESIDE = {"usps": "cifar10", "cifar10": "cifar10", "cifar100": "cifar100"}
SHOWN = {"cifar10": "CIFAR10", "cifar100": "CIFAR100"}


def title_of(data):
    """Name what stands beside a data set.

    Examples
    --------
    >>> title_of("usps"), title_of("cifar100")
    ('published, of CIFAR10', 'published')
    """
    return "published" + ("" if BESIDE[data] == data else f", of {SHOWN[BESIDE[data]]}")


def published_table(chapter, data, imbalance, norm):
    """Return what a chapter published on a data set, or its stand-in.

    Parameters
    ----------
    chapter : {4, 5}
    data : {'usps', 'cifar10', 'cifar100'}
    imbalance : str
        Such as ``'step-10'``.
    norm : {'linf', 'l2'}

    Returns
    -------
    number : str or None
        Of the table; None where there is no twin.
    scores : DataFrame or None
        ``mean`` and ``std`` in percent, by method, by the dissertation's name, and
        metric.
    """
    long = pd.read_csv(PUBLISHED, dtype={"table": str})
    key = [BESIDE[data], imbalance, norm]
    where = (long[["dataset", "imbalance", "norm"]] == key).all(axis=1)
    rows = long[where & long["table"].str.startswith(f"{chapter}.")]
    if rows.empty:
        return None, None
    return rows["table"].iloc[0], rows.set_index(["method", "metric"])[["mean", "std"]]
