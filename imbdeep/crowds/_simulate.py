"""Simulated annotators that err, for known labels."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments

_NUMBERS = {
    "n_workers": [WholeNumber(1)],
    "annotation_rate": [FiniteReal(0, 1, closed="right")],
}
# Tolerance for the sum of a row's probabilities, loose enough for half precision.
_SUM_TOLERANCE = 1e-2


def class_ranks(codes, values):
    """Rank values within their class, spread evenly over (0, 1).

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Classes.
    values : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        Mean 0.5 in each class; equal values share their mean rank.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._simulate import class_ranks
    >>> class_ranks(np.array([0, 0, 1, 1]), np.array([7, 3, 5, 5]))
    array([0.75, 0.25, 0.5 , 0.5 ])
    """
    ranks = np.empty(len(codes))
    for code in np.unique(codes):
        rows = codes == code
        ranks[rows] = (rankdata(values[rows]) - 0.5) / rows.sum()
    return ranks


def error_probability(error_rate, difficulty):
    """Probability that a worker gets a row wrong.

    Parameters
    ----------
    error_rate : ndarray of shape (W,)
        Mean over the rows, in [0, 1].
    difficulty : ndarray of shape (n,)
        In (0, 1), with mean 0.5.

    Returns
    -------
    ndarray of shape (n, W)
        Linear in the difficulty, and as steep as its mean allows.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._simulate import error_probability
    >>> error_probability(np.array([0.3, 0.9]), np.array([0.25, 0.75]))
    array([[0.15, 0.85],
           [0.45, 0.95]])
    """
    d = difficulty[:, None]
    return np.where(
        error_rate <= 0.5, 2 * error_rate * d, 1 - 2 * (1 - error_rate) * (1 - d)
    )


def wrong_label_shares(codes, proba):
    """Probability of each label, given that it is not the true one.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        True classes.
    proba : ndarray of shape (n, C)

    Returns
    -------
    ndarray of shape (n, C)
        Proportional to ``proba``, and 0 for the true class. Uniform over the other
        classes if ``proba`` is 0 for all of them.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._simulate import wrong_label_shares
    >>> wrong_label_shares(np.array([0, 0]), np.array([[0.6, 0.1, 0.3], [1, 0, 0]]))
    array([[0.  , 0.25, 0.75],
           [0.  , 0.5 , 0.5 ]])
    """
    is_other = np.arange(proba.shape[1]) != codes[:, None]
    others = np.where(is_other, proba, 0)
    others = np.where(others.any(1, keepdims=True), others, is_other)
    return others / others.sum(1, keepdims=True)


def draw_columns(shares, uniform):
    """Draw columns by inverting each row's cumulative shares.

    Parameters
    ----------
    shares : ndarray of shape (n, C)
        Rows sum to 1.
    uniform : ndarray of shape (n, W)
        Draws from [0, 1).

    Returns
    -------
    ndarray of shape (n, W), int
        Never a column with share 0.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._simulate import draw_columns
    >>> draw_columns(np.array([[0.2, 0, 0.8]]), np.array([[0.1, 0.2, 0.9]]))
    array([[0, 2, 2]])
    """
    cumulative = shares.cumsum(1)
    # Rounding may leave the last sum below 1, and no draw may exceed it.
    level = uniform * cumulative[:, -1:]
    columns = np.zeros(level.shape, dtype=np.intp)
    for upper in cumulative.T:
        columns += upper[:, None] <= level
    return columns


def label_difficulty(y, proba):
    """Compute how hard each row is for a net, relative to its class.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        True labels.
    proba : array-like of shape (n_samples, n_classes)
        Class probabilities of a net, columns in the order of the sorted labels.

    Returns
    -------
    difficulty : ndarray of shape (n_samples,)
        In (0, 1), with mean 0.5 in each class: the rank of a row in its class by ``1 -
        proba`` of its true label, minus 0.5, divided by the number of rows of the
        class. Ties share their mean rank.

    Raises
    ------
    ValueError
        If ``proba`` does not hold a probability for each row and label.

    See Also
    --------
    simulate_annotators : Draws annotations by it.

    Notes
    -----
    NOTE[DIFF]: the difficulty of [1]_, Section 3.3.1.1, comes from the softmax outputs
    "for each class"; it does not say how. Ranks are our choice: a net with 98 %
    training accuracy is sure of nearly all rows, so its raw probabilities would make
    them equally easy.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023. Chapter 3.

    Examples
    --------
    >>> from imbdeep.crowds import label_difficulty
    >>> proba = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]]
    >>> label_difficulty(["no", "no", "no", "yes"], proba).round(2)
    array([0.17, 0.5 , 0.83, 0.5 ])
    """
    classes, codes = _read_labels(y)
    return _difficulty(codes, _read_proba(proba, classes, len(codes)))


def simulate_annotators(
    y,
    proba=None,
    *,
    n_workers=5,
    error_rate=0.3,
    annotation_rate=1.0,
    random_state=None,
):
    r"""Draw annotations of simulated workers, who err more often on harder rows.

    As in [1]_, Section 3.3.1.1, a net determines how hard the rows are. To make a set
    like those there: train a net on all rows of balanced classes, stop when its
    training accuracy exceeds 98 %, take its ``predict_proba`` of the training rows as
    ``proba``, draw annotations, and only then remove 90 % of the minority's rows.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        True labels, of at least two classes.
    proba : array-like of shape (n_samples, n_classes) or None, default=None
        Class probabilities of a net, columns in the order of the sorted labels. None
        makes all rows equally hard and all wrong labels equally likely.
    n_workers : int, at least 1, default=5
        Columns of the result. The sets of [1]_ have 5 to 11.
    error_rate : float or array-like of shape (n_workers,), in [0, 1], default=0.3
        Average share of rows that a worker gets wrong: one for all workers, or one per
        worker. Above ``1 - 1 / n_classes`` a worker does worse than by guessing.
    annotation_rate : float, in (0, 1], default=1.0
        Probability that a worker annotates a row. A random worker annotates a row that
        nobody else would, so a small rate yields a greater share of annotations.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws. With the same seed, a lower `annotation_rate` drops annotations
        and changes none, and a greater `error_rate` only adds errors.

    Returns
    -------
    annotations : ndarray of shape (n_samples, n_workers)
        Labels of the type of `y` if `annotation_rate` is 1. Otherwise numbers are
        floats, with NaN for missing annotations, and other labels are objects, with
        None.

    Raises
    ------
    ValueError
        If a parameter is out of range, ``y`` does not hold labels of two or more
        classes, or ``proba`` does not hold a probability for each row and label.

    See Also
    --------
    label_difficulty : How hard each row is.
    DawidSkene : Infers labels from annotations.

    Notes
    -----
    A worker with error rate :math:`e` gets a row of difficulty :math:`d` (see
    :func:`label_difficulty`) wrong with probability

    .. math::
        p = \begin{cases}
            2 e d & \text{if } e \le 1/2 \\
            1 - 2 (1 - e) (1 - d) & \text{otherwise,}
        \end{cases}

    independently of the other workers. As :math:`d` has mean 1/2 in each class,
    :math:`p` has mean :math:`e` there: no class is harder than another. A wrong label
    is drawn in proportion to the net's probabilities of the other labels.

    NOTE[DIFF]: the paper says "the higher the difficulty, the higher the mislabeling
    probability for all crowd workers" and gives no numbers. The function of :math:`d`,
    error rates that differ between workers, and the default of 0.3 are our choices. So
    are the wrong labels of more than two classes, and missing annotations: the paper's
    simulated sets have two classes and all annotations.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023. Chapter 3.

    Examples
    --------
    A careful worker, and one who guesses:

    >>> import numpy as np
    >>> from imbdeep.crowds import simulate_annotators
    >>> y = np.repeat(["no", "yes"], [900, 100])
    >>> annotations = simulate_annotators(
    ...     y, n_workers=2, error_rate=[0.1, 0.5], random_state=0
    ... )
    >>> annotations.shape
    (1000, 2)
    >>> (annotations != y[:, None]).mean(0).round(1)
    array([0.1, 0.5])

    Rows that a net finds hard have more errors:

    >>> from sklearn.datasets import make_classification
    >>> from sklearn.neural_network import MLPClassifier
    >>> from imbdeep.crowds import label_difficulty
    >>> X, y = make_classification(1000, flip_y=0.05, random_state=0)
    >>> net = MLPClassifier(max_iter=30, random_state=0)
    >>> proba = net.partial_fit(X, y, classes=[0, 1]).predict_proba(X)
    >>> annotations = simulate_annotators(y, proba, error_rate=0.2, random_state=0)
    >>> is_wrong = (annotations != y[:, None]).mean(1)
    >>> is_hard = label_difficulty(y, proba) > 0.5
    >>> bool(is_wrong[is_hard].mean() > 2 * is_wrong[~is_hard].mean())
    True
    """
    classes, codes = _read_labels(y)
    n_rows, n_classes = len(codes), len(classes)
    if n_classes < 2:
        raise ValueError(
            f"y holds the label {classes.tolist()[0]!r} only, so no label is wrong. "
            "Pass labels of two or more classes."
        )
    check_arguments(_NUMBERS, locals())
    error_rate = _read_error_rate(error_rate, n_workers)
    if proba is None:
        difficulty = np.full(n_rows, 0.5)
        proba = np.full((n_rows, n_classes), 1 / n_classes)
    else:
        proba = _read_proba(proba, classes, n_rows)
        difficulty = _difficulty(codes, proba)
    random_state = check_random_state(random_state)
    shape = (n_rows, n_workers)
    # All draws are made whatever the rates, so that a seed means the same for each.
    is_wrong = random_state.uniform(size=shape) < error_probability(
        error_rate, difficulty
    )
    wrong = draw_columns(
        wrong_label_shares(codes, proba), random_state.uniform(size=shape)
    )
    annotations = classes[np.where(is_wrong, wrong, codes[:, None])]
    if annotation_rate == 1:
        return annotations
    return _leave_out(annotations, _draw_given(shape, annotation_rate, random_state))


def _difficulty(codes, proba):
    # 1 - proba would round probabilities near 0 to ties.
    return class_ranks(codes, -proba[np.arange(len(codes)), codes])


def _draw_given(shape, annotation_rate, random_state):
    """Draw which annotations are given: at least one in each row."""
    given = random_state.uniform(size=shape) < annotation_rate
    n_rows, n_workers = shape
    chosen = random_state.randint(n_workers, size=n_rows)
    empty = np.flatnonzero(~given.any(1))
    given[empty, chosen[empty]] = True
    return given


def _leave_out(annotations, given):
    kind = annotations.dtype.kind
    if kind in "iuf":
        dtype = annotations.dtype if kind == "f" else np.float64
        return np.where(given, annotations, np.array(np.nan, dtype=dtype))
    return np.where(given, annotations.astype(object), None)


def _read_labels(y):
    # As an array first: scikit-learn turns pandas' nullable integers into floats.
    y = column_or_1d(np.asarray(y))
    if pd.isna(y).any():
        raise ValueError(
            f"y holds {int(pd.isna(y).sum())} missing labels. It is the truth that "
            "workers get wrong; leave the rows without it out."
        )
    if not len(y):
        raise ValueError("y is empty. Pass at least one row of each class.")
    check_classification_targets(y)
    return np.unique(y, return_inverse=True)


def _read_proba(proba, classes, n_rows):
    proba = check_array(proba, dtype=np.float64, input_name="proba")
    expected = (n_rows, len(classes))
    if proba.shape != expected:
        raise ValueError(
            f"proba must have a row for each of the {n_rows} labels and a column for "
            f"each of the {len(classes)} classes {classes.tolist()}, got shape "
            f"{proba.shape}."
        )
    sums_to_1 = np.allclose(proba.sum(1), 1, rtol=0, atol=_SUM_TOLERANCE)
    if proba.min() < 0 or not sums_to_1:
        raise ValueError(
            "proba must hold probabilities, rows that sum to 1, got values from "
            f"{proba.min():.3g} to {proba.max():.3g} and sums from "
            f"{proba.sum(1).min():.3g} to {proba.sum(1).max():.3g}. Pass what "
            "predict_proba gives."
        )
    return proba


def _read_error_rate(error_rate, n_workers):
    rates = np.asarray(error_rate, dtype=np.float64)
    if rates.ndim and rates.shape != (n_workers,):
        raise ValueError(
            f"error_rate must be a number or hold one for each of the {n_workers} "
            f"workers, got shape {rates.shape}. Set n_workers to the length of "
            "error_rate."
        )
    if not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(f"error_rate must be in [0, 1], got {error_rate!r}.")
    return np.broadcast_to(rates, (n_workers,))
