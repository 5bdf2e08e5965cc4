"""Make sets imbalanced, by a kind and a ratio, by removing rows."""

import math
from numbers import Real

import numpy as np
from imblearn.under_sampling import RandomUnderSampler
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d

from imbdeep._arguments import WholeNumber, check_arguments
from imbdeep.datasets._bunch import check_choice

KINDS = ("step", "exponential", "linear")


def class_shares(n_classes, kind, ratio):
    """Rows of each class per row of the first, from 1 down to 1 / ratio."""
    position = np.arange(n_classes)
    if kind == "step":
        return np.where(position < n_classes - n_classes // 2, 1.0, 1 / ratio)
    if kind == "exponential":
        return float(ratio) ** (-position / (n_classes - 1))
    return np.linspace(1.0, 1 / ratio, n_classes)


def round_to_sum(quotas, total):
    """Round numbers so that they add up to `total`, by largest remainders.

    >>> round_to_sum(np.array([2.5, 1.25, 1.25]), 5)
    array([3, 1, 1])
    """
    sizes = np.floor(quotas + 1e-9).astype(int)
    by_remainder = np.argsort(sizes - quotas, kind="stable")
    sizes[by_remainder[: total - sizes.sum()]] += 1
    return sizes


def imbalanced_counts(counts, kind="step", ratio=10, *, n_samples=None):
    r"""Compute the class sizes of a set to be made imbalanced.

    Parameters
    ----------
    counts : array-like of shape (n_classes,), int
        Available rows per class, from the class to keep most frequent to the rarest.

    kind : {'step', 'exponential', 'linear'}, default='step'
        With :math:`C` classes, :math:`K` the ratio and :math:`n_{max}` rows of the
        first class, class :math:`c = 0, ..., C - 1` keeps

        - 'step': :math:`n_{max}` in the first half of the classes (including the middle
          of an odd number) and :math:`n_{max} / K` in the second;
        - 'exponential': :math:`n_{max} K^{-c / (C - 1)}`, a long tail;
        - 'linear': numbers that fall evenly from :math:`n_{max}` to
          :math:`n_{max} / K`.

    ratio : float, at least 1, default=10
        :math:`K`, rows of the largest class per row of the smallest.

    n_samples : int or None, default=None
        Rows to keep of all classes together, so that sets of different imbalance have
        the same size. None keeps as many as the classes allow.

    Returns
    -------
    sizes : ndarray of shape (n_classes,), int
        Rows to keep per class, at least one.

    Raises
    ------
    ValueError
        If there are fewer than two classes, a count is below 1, the kind is unknown,
        the ratio is below 1 or so large that a class would have no rows left, or
        `n_samples` is more than the classes allow or leaves a class without rows.

    See Also
    --------
    make_imbalanced : Makes a set of these sizes.

    Notes
    -----
    :math:`n_{max}` is the largest number for which every class has enough rows, so the
    ratio is exact up to rounding, even if the original classes differ in size. With
    `n_samples` it is what gives that many rows, and ``ratio=1`` is the balanced set of
    the same size.

    The levels of [2]_ are ``ratio=1``, 'linear' and 'exponential', its long tail. It
    does not print how far the last two go; 100 is what others take.

    NOTE[DIFF]: the exponential rule of [1]_, section 4.5.1, keeps :math:`n_i \tau^i` of
    the :math:`n_i` available rows. For classes of equal size, as in CIFAR, it is the
    same, with :math:`\tau = K^{-1 / (C - 1)}`; for others its ratio is not :math:`K`,
    and a class may even end up larger than the one before.

    Sizes are rounded to the nearest integer; some published code rounds down.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023.
    .. [2] P. Pradhan, R. Rawal, G. Kishan. "Rendezvous between robustness and dataset
       bias: an empirical study". NeurIPS 2020 Pre-registration Workshop. Figure 1.

    Examples
    --------
    >>> from imbdeep.datasets import imbalanced_counts
    >>> imbalanced_counts([500] * 5, "step", 10)
    array([500, 500, 500,  50,  50])
    >>> imbalanced_counts([500] * 5, "exponential", 16)
    array([500, 250, 125,  62,  31])
    >>> imbalanced_counts([500] * 5, "linear", 10)
    array([500, 388, 275, 162,  50])
    >>> imbalanced_counts([708, 542, 308], "step", 10)
    array([542, 542,  54])
    >>> imbalanced_counts([500] * 5, ratio=1, n_samples=968)
    array([194, 194, 194, 193, 193])
    """
    counts = column_or_1d(counts)
    check_choice("kind", kind, KINDS)
    if not (isinstance(ratio, Real) and 1 <= ratio < math.inf):
        raise ValueError(
            f"ratio must be a number of at least 1, got {ratio!r}; it is the rows of "
            "the largest class for each row of the smallest."
        )
    if len(counts) < 2:
        raise ValueError(
            f"counts must have at least two classes, got {len(counts)}; one class "
            "cannot be imbalanced."
        )
    if counts.dtype.kind not in "iu" or counts.min() < 1:
        raise ValueError(
            f"counts must be integers of at least 1, got {counts.tolist()}."
        )
    shares = class_shares(len(counts), kind, ratio)
    if n_samples is not None:
        return counts_of_sum(counts, shares, n_samples)
    # The small number keeps a quotient such as 5 / (1 / 3) from falling below 15.
    n_max = np.floor((counts / shares).min() + 1e-9)
    sizes = np.rint(n_max * shares).astype(int)
    if sizes.min() < 1:
        raise ValueError(
            f"ratio={ratio!r} leaves a class without rows: the largest class can have "
            f"{int(n_max)} rows, and {int(n_max)} / {ratio!r} is rounded to 0. Pass a "
            f"ratio of at most {int(n_max)}, or gather more rows."
        )
    return sizes


def counts_of_sum(counts, shares, n_samples):
    """Sizes in the proportion of `shares` that add up to `n_samples`."""
    check_arguments({"n_samples": [WholeNumber(1)]}, {"n_samples": n_samples})
    sizes = round_to_sum(n_samples * shares / shares.sum(), n_samples)
    short = np.flatnonzero(sizes > counts)
    if len(short):
        most = int(np.floor((counts / shares).min() * shares.sum()))
        raise ValueError(
            f"n_samples={n_samples!r} takes {sizes[short[0]]} rows of class number "
            f"{short[0]}, which has {counts[short[0]]}. Pass at most {most}."
        )
    if sizes.min() < 1:
        raise ValueError(
            f"n_samples={n_samples!r} leaves class number {sizes.argmin()} without "
            "rows. Pass more, or a smaller ratio."
        )
    return sizes


def class_positions(labels, class_order):
    """Return the classes in the given order, as indices into `labels`."""
    if class_order is None:
        return np.arange(len(labels))
    order, known = np.asarray(class_order), labels.tolist()
    if order.shape != labels.shape or set(order.tolist()) != set(known):
        raise ValueError(
            f"class_order must hold each class once, got {order.tolist()}; the classes "
            f"are {known}."
        )
    return np.array([known.index(label) for label in order.tolist()])


def make_imbalanced(
    X,
    y,
    kind="step",
    ratio=10,
    *,
    n_samples=None,
    class_order=None,
    random_state=None,
    return_indices=False,
):
    """Remove rows until the classes have a given imbalance.

    Unlike :func:`imblearn.datasets.make_imbalance`, which takes the size of each class,
    it takes the shape and the ratio of the imbalance, and rows of any shape.

    Parameters
    ----------
    X : {array-like, DataFrame} of shape (n_samples, ...)
        Rows of a table, images, or anything with one entry per label.

    y : array-like of shape (n_samples,)
        Labels of any type that can be sorted.

    kind : {'step', 'exponential', 'linear'}, default='step'
        Shape of the imbalance, see :func:`imbalanced_counts`.

    ratio : float, at least 1, default=10
        Rows of the largest class per row of the smallest.

    n_samples : int or None, default=None
        Rows to keep of all classes together, see :func:`imbalanced_counts`. With
        ``ratio=1`` it makes a balanced set of the size of an imbalanced one.

    class_order : sequence of labels or None, default=None
        All classes, from the one that keeps most rows to the one that keeps fewest.
        None sorts them.

    random_state : int, RandomState instance or None, default=None
        Determines which rows of a class are kept.

    return_indices : bool, default=False
        Whether to also return the positions of the kept rows.

    Returns
    -------
    X_imbalanced : {ndarray, DataFrame, list} of shape (n_kept, ...)
        Kept rows, in their original order.

    y_imbalanced : {ndarray, Series, list} of shape (n_kept,)
        Labels of the kept rows.

    indices : ndarray of shape (n_kept,)
        Positions of the kept rows in `X`, in increasing order. Only with
        ``return_indices=True``.

    Raises
    ------
    ValueError
        If `X` and `y` differ in length, there is only one class, `class_order` does not
        hold each class once, the kind is unknown, the ratio is below 1 or too large for
        the available rows, or they are fewer than `n_samples` takes.

    See Also
    --------
    imbalanced_counts : The sizes of the classes.
    imblearn.datasets.make_imbalance : Takes the size of each class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.datasets import make_imbalanced
    >>> images, label = np.zeros((300, 3, 8, 8)), np.repeat(["cat", "dog", "fox"], 100)
    >>> X, y = make_imbalanced(images, label, "exponential", 4, random_state=0)
    >>> X.shape
    (175, 3, 8, 8)
    >>> np.unique(y, return_counts=True)
    (array(['cat', 'dog', 'fox'], dtype='<U3'), array([100,  50,  25]))
    """
    check_consistent_length(X, y)
    try:
        labels, target = np.unique(column_or_1d(y), return_inverse=True)
    except TypeError:
        raise ValueError(
            "y mixes labels that cannot be sorted, such as text and numbers or None. "
            "Use labels of one type."
        ) from None
    if len(labels) < 2:
        raise ValueError(
            f"y must have at least two classes, got {labels.tolist()}; one class "
            "cannot be imbalanced."
        )
    order = class_positions(labels, class_order)
    sizes = imbalanced_counts(
        np.bincount(target)[order], kind, ratio, n_samples=n_samples
    )
    sampler = RandomUnderSampler(
        sampling_strategy=dict(zip(order.tolist(), sizes.tolist(), strict=True)),
        random_state=random_state,
    )
    # On positions: the sampler takes tables only.
    sampler.fit_resample(np.arange(len(target))[:, None], target)
    # The sampler groups rows by class; unshuffled batches would hold one class each.
    kept = np.sort(sampler.sample_indices_)
    rows = _safe_indexing(X, kept), _safe_indexing(y, kept)
    return (*rows, kept) if return_indices else rows
