"""Tests of significance over data sets, and of two methods on one data set."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from imbdeep.reporting._ranks import rank_methods

MIN_DATASETS = 3
# Most data sets for which ranks with ties are tested by enumerating all signs.
MAX_ENUMERATED = 13


def why_not_testable(table, *, min_methods=2):
    """Return a sentence on why a table is too small for a test, or None."""
    n_datasets, n_methods = table.shape
    if n_methods < min_methods:
        return (
            f"The table has {n_methods} method(s); this test compares at least "
            f"{min_methods}."
        )
    if n_datasets < MIN_DATASETS:
        return (
            f"The table has {n_datasets} data set(s); tests over data sets need at "
            f"least {MIN_DATASETS}, since the folds of one set are not independent."
        )
    return None


def check_testable(table, *, min_methods=2):
    """Raise a ValueError if the table is too small for a test."""
    reason = why_not_testable(table, min_methods=min_methods)
    if reason is not None:
        raise ValueError(reason)


@dataclass(frozen=True)
class FriedmanResult:
    """Result of Friedman's test with Iman and Davenport's correction.

    Parameters
    ----------
    n_datasets, n_methods : int
        Size of the table.
    average_ranks : Series of shape (n_methods,)
        Average ranks, 1 is best.
    chi2, chi2_p_value : float
        Friedman's statistic, with ``n_methods - 1`` degrees of freedom.
    f, f_p_value : float
        Iman and Davenport's statistic, with ``n_methods - 1`` and
        ``(n_methods - 1) * (n_datasets - 1)`` degrees of freedom.

    See Also
    --------
    friedman_iman_davenport : Computes it.
    """

    n_datasets: int
    n_methods: int
    average_ranks: pd.Series
    chi2: float
    chi2_p_value: float
    f: float
    f_p_value: float


def friedman_iman_davenport(table, *, greater_is_better=True):
    """Test whether all methods rank equally over the data sets.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method, at least 3 by 3. A block is a data set,
        never a fold: folds of one set share rows, and so may two sets. NaN ranks last.
    greater_is_better : bool, default=True
        False for losses.

    Returns
    -------
    result : FriedmanResult
        Both statistics with their p-values.

    Raises
    ------
    ValueError
        If there are fewer than three methods or data sets.

    See Also
    --------
    wilcoxon_holm : Tests which methods differ.
    critical_difference : Nemenyi's test.

    Notes
    -----
    With average ranks :math:`R_j` of k methods over N sets,

    .. math::
        \\chi^2 = \\frac{12 N}{k (k + 1)} \\left(\\sum_j R_j^2
        - \\frac{k (k + 1)^2}{4}\\right), \\qquad
        F = \\frac{(N - 1) \\chi^2}{N (k - 1) - \\chi^2}.

    This is the statistic of [1]_, without a correction for ties, which is the
    conservative choice: :func:`scipy.stats.friedmanchisquare` corrects, and agrees if
    there are none. If all sets rank the methods in the same order, :math:`\\chi^2 = N
    (k - 1)`; F is then infinite and its p-value 0.

    References
    ----------
    .. [1] J. Demsar, "Statistical comparisons of classifiers over multiple data
       sets", Journal of Machine Learning Research 7, 2006.
    .. [2] R. L. Iman, J. M. Davenport, "Approximations of the critical region of the
       Friedman statistic", Communications in Statistics 9, 1980.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import friedman_iman_davenport
    >>> table = pd.DataFrame({"a": [0.9, 0.8, 0.7, 0.9], "b": [0.8, 0.7, 0.6, 0.7],
    ...                       "c": [0.7, 0.6, 0.8, 0.6]})
    >>> result = friedman_iman_davenport(table)
    >>> round(result.chi2, 2), round(result.f, 2)
    (3.5, 2.33)
    """
    check_testable(table, min_methods=3)
    n, k = table.shape
    ranks = rank_methods(table, greater_is_better=greater_is_better).mean()
    chi2 = 12 * n / (k * (k + 1)) * float(np.sum((ranks - (k + 1) / 2) ** 2))
    rest = n * (k - 1) - chi2
    # If all orders agree, rounding leaves a rest of about 1e-14.
    f = (n - 1) * chi2 / rest if rest > 1e-9 else np.inf
    return FriedmanResult(
        n_datasets=n,
        n_methods=k,
        average_ranks=ranks,
        chi2=chi2,
        chi2_p_value=float(stats.chi2.sf(chi2, k - 1)),
        f=f,
        f_p_value=float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
    )


def signed_gains(first, second, greater_is_better):
    """Return by how much the first beats the second; a single failure loses by inf."""
    # Rounded, as ranks are: means of the same scores may differ in their last bit.
    gains = (first - second).round(12) * (1 if greater_is_better else -1)
    gains = gains.mask(first.isna() & second.notna(), -np.inf)
    gains = gains.mask(second.isna() & first.notna(), np.inf)
    return gains.mask(first.isna() & second.isna(), 0.0)


def enumerated_test(won, lost, tied):
    """Wilcoxon's signed-rank test of ranks with ties, by enumerating all signs.

    scipy does the same up to this number of ranks, but ranks anew for each combination.
    """
    sums = np.zeros(1)
    for rank in (*won, *lost):
        sums = np.concatenate([sums, sums + rank])
    tail = min(np.mean(sums <= won.sum()), np.mean(sums >= won.sum()))
    statistic = min(won.sum(), lost.sum()) + tied.sum() / 2
    return float(statistic), float(min(2 * tail, 1.0))


def signed_rank_test(gains):
    """Wilcoxon's signed-rank test of gains that may be infinite."""
    if not gains.any():
        return 0.0, 1.0
    # Ranks replace the gains, as the statistic depends on nothing else: scipy would
    # subtract infinities.
    ranks = np.abs(gains).rank()
    if len(gains) <= MAX_ENUMERATED and (ranks.duplicated() | (gains == 0)).any():
        return enumerated_test(ranks[gains > 0], ranks[gains < 0], ranks[gains == 0])
    ranked = np.sign(gains) * ranks
    result = stats.wilcoxon(ranked.to_numpy(), zero_method="zsplit")
    return float(result.statistic), float(result.pvalue)


def wilcoxon_holm(table, control=None, *, greater_is_better=True):
    """Compare methods in pairs by Wilcoxon's signed-rank test, adjusted by Holm.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method. A NaN loses to every score, by more
        than any other difference.
    control : hashable, default=None
        Compare every other method with this one. None compares all pairs, which
        requires a stronger adjustment.
    greater_is_better : bool, default=True
        False for losses.

    Returns
    -------
    comparisons : DataFrame of shape (n_pairs, 9)
        Columns ``method``, ``against``, ``wins``, ``losses``, ``ties`` (numbers of data
        sets, for ``method``), ``median_gain`` (positive: ``method`` is better),
        ``statistic``, ``p_value`` and ``p_holm``.

    Raises
    ------
    ValueError
        If there are fewer than two methods or three data sets, or the control is not
        a column.

    See Also
    --------
    friedman_iman_davenport : Tests whether any methods differ.
    corrected_resampled_ttest : Two methods on one data set.

    Notes
    -----
    Unlike tests of mean ranks, the result for a pair does not depend on the other
    methods in the table [1]_. Zero differences are split evenly between the two rank
    sums, as in [2]_. With five data sets or fewer, no two-sided p-value is below 0.05.

    References
    ----------
    .. [1] A. Benavoli, G. Corani, F. Mangili, "Should we really use post-hoc tests
       based on mean-ranks?", Journal of Machine Learning Research 17, 2016.
    .. [2] J. Demsar, "Statistical comparisons of classifiers over multiple data
       sets", Journal of Machine Learning Research 7, 2006.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import wilcoxon_holm
    >>> table = pd.DataFrame({"net": [0.5, 0.6, 0.7, 0.8, 0.9, 0.4],
    ...                       "remix": [0.6, 0.8, 0.8, 0.9, 1.0, 0.7]})
    >>> result = wilcoxon_holm(table, control="net")
    >>> result[["method", "against", "wins", "losses", "p_holm"]]
      method against  wins  losses   p_holm
    0  remix     net     6       0  0.03125
    """
    check_testable(table)
    if control is not None and control not in table.columns:
        raise ValueError(
            f"control={control!r} is not a method of the table; use one of "
            f"{', '.join(map(str, table.columns))}."
        )
    if control is None:
        pairs = list(combinations(table.columns, 2))
    else:
        pairs = [(name, control) for name in table.columns if name != control]
    rows = []
    for method, against in pairs:
        gains = signed_gains(table[method], table[against], greater_is_better)
        rows.append(
            {
                "method": method,
                "against": against,
                "wins": int((gains > 0).sum()),
                "losses": int((gains < 0).sum()),
                "ties": int((gains == 0).sum()),
                "median_gain": median_gain(gains),
                **dict(
                    zip(("statistic", "p_value"), signed_rank_test(gains), strict=True)
                ),
            }
        )
    comparisons = pd.DataFrame(rows)
    adjusted = multipletests(comparisons["p_value"], method="holm")[1]
    return comparisons.assign(p_holm=adjusted)


def median_gain(gains):
    """Return the median; NaN if the middle two are infinite with opposite signs."""
    middle = np.sort(gains)[[(len(gains) - 1) // 2, len(gains) // 2]]
    return np.nan if np.isinf(middle).all() and middle[0] < middle[1] else middle.mean()


@dataclass(frozen=True)
class CriticalDifference:
    """Result of Nemenyi's test: average ranks, and the critical difference.

    Parameters
    ----------
    average_ranks : Series of shape (n_methods,)
        Average ranks, 1 is best.
    p_values : DataFrame of shape (n_methods, n_methods)
        Family-wise p-values of all pairs.
    distance : float
        Average ranks further apart than this differ significantly.
    alpha : float
        The level.

    See Also
    --------
    critical_difference : Computes it.
    """

    average_ranks: pd.Series
    p_values: pd.DataFrame
    distance: float
    alpha: float


def critical_difference(table, *, greater_is_better=True, alpha=0.05):
    """Compare all pairs of average ranks by Nemenyi's test.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method. NaN ranks last.
    greater_is_better : bool, default=True
        False for losses.
    alpha : float, default=0.05
        Family-wise level, in (0, 1).

    Returns
    -------
    result : CriticalDifference
        The numbers that :func:`plot_critical_difference` draws.

    Raises
    ------
    ValueError
        If there are fewer than two methods or three data sets.

    See Also
    --------
    wilcoxon_holm : A test that does not depend on the other methods in the table.
    plot_critical_difference : The diagram.

    Notes
    -----
    The distance is :math:`q_\\alpha \\sqrt{k (k + 1) / (6 N)}`, with the studentised
    range's quantile over :math:`\\sqrt 2` for :math:`q_\\alpha` [1]_.

    References
    ----------
    .. [1] J. Demsar, "Statistical comparisons of classifiers over multiple data
       sets", Journal of Machine Learning Research 7, 2006.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import critical_difference
    >>> table = pd.DataFrame({"a": [0.9, 0.8, 0.7, 0.9], "b": [0.8, 0.7, 0.6, 0.7],
    ...                       "c": [0.7, 0.6, 0.8, 0.6]})
    >>> round(critical_difference(table).distance, 3)
    1.657
    """
    check_testable(table)
    n, k = table.shape
    ranks = rank_methods(table, greater_is_better=greater_is_better)
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(ranks.to_numpy())
    # Nemenyi's q is that of the studentized range divided by the square root of 2.
    quantile = stats.studentized_range.ppf(1 - alpha, k, np.inf) / np.sqrt(2)
    return CriticalDifference(
        average_ranks=ranks.mean(),
        p_values=p_values.set_axis(ranks.columns).set_axis(ranks.columns, axis=1),
        distance=float(quantile * np.sqrt(k * (k + 1) / (6 * n))),
        alpha=alpha,
    )
