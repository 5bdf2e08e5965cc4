"""Cross-validation with annotations for training and a truth for scoring."""

from numbers import Integral

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import _safe_indexing

from imbdeep._tables.frames import is_pandas
from imbdeep.crowds._annotations import MISSING, count_votes, encode_annotations
from imbdeep.crowds._known_truth import known_truth


def split_truth(y, truth_column=None):
    """Split the column with the truth from a table of annotations.

    scikit-learn passes the same `y` to ``fit`` and to scorers. If the truth is one of
    its columns, classifiers can learn from the workers and be scored by the truth.

    Parameters
    ----------
    y : {array-like, DataFrame} of shape (n_samples, n_workers + 1)
        Annotations, and a column with the truth.
    truth_column : int, str, hashable or None, default=None
        The column with the truth: an int is its position, -1 the last; anything else is
        its name in a data frame. None if there is no such column.

    Returns
    -------
    annotations : {ndarray, DataFrame} of shape (n_samples, n_workers)
        The other columns; `y` itself if `truth_column` is None.
    truth : {ndarray, Series} of shape (n_samples,) or None
        None if `truth_column` is None.

    Raises
    ------
    ValueError
        If there is no such column, or it is the only one.

    See Also
    --------
    StratifiedCrowdKFold : Folds of such a table.
    make_crowd_scorer : Scores by the truth.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.crowds import split_truth
    >>> y = pd.DataFrame({"Ann": [0, 1], "expert": [1, 1], "Bob": [0, 0]})
    >>> annotations, truth = split_truth(y, "expert")
    >>> annotations
       Ann  Bob
    0    0    0
    1    1    0
    >>> truth.tolist()
    [1, 1]
    """
    if truth_column is None:
        return y, None
    y = _as_table(y)
    position = _truth_position(y, truth_column)
    if is_pandas(y):
        others = np.delete(np.arange(y.shape[1]), position)
        return y.iloc[:, others], y.iloc[:, position]
    return np.delete(y, position, axis=1), y[:, position]


def n_columns(y):
    """Number of columns of annotations; 0 for a list of labels.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_workers) or (n_samples,)

    Returns
    -------
    int

    Examples
    --------
    >>> from imbdeep.crowds._truth import n_columns
    >>> n_columns([[0, 1], [0, 0]]), n_columns([0, 1])
    (2, 0)
    """
    shape = _as_table(y).shape
    return shape[1] if len(shape) > 1 else 0


def read_truth(y, truth_column=None, missing_values=-1):
    """Read the rows whose true label is known from the `y` of a scorer.

    Parameters
    ----------
    y : array-like of shape (n_samples,), (n_samples, 1) or (n_samples, n_workers + 1)
        True labels, or annotations with the truth in one column.
    truth_column : int, str, hashable or None, default=None
        Column with the truth, see :func:`split_truth`.
    missing_values : int, float, NaN or None, default=-1
        Number that marks an unknown truth in a column of annotations.

    Returns
    -------
    rows : ndarray of shape (n_known,), int
    labels : ndarray of shape (n_known,)

    Raises
    ------
    ValueError
        If there is no truth in ``y``, or none of it is known.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._truth import read_truth
    >>> read_truth(np.array([[0, 1, -1], [1, 1, 1]]), truth_column=2)
    (array([1]), array([1]))
    """
    if n_columns(y) < 2:
        return _check_some_are_known(*known_truth(np.ravel(_as_table(y))))
    if truth_column is None:
        raise ValueError(
            f"y has {n_columns(y)} columns, and scores need the truth: a 1-D y, or "
            "annotations with the truth in one column, named by truth_column."
        )
    _, truth = split_truth(y, truth_column)
    return _check_some_are_known(*known_truth(truth, missing_values))


def _check_some_are_known(rows, labels):
    if not len(rows):
        raise ValueError(
            "No true label is known among the rows to score. Give those of some, or "
            "let folds be stratified by the truth."
        )
    return rows, labels


class StratifiedCrowdKFold(StratifiedKFold):
    """Stratified folds for annotations, where no column is the label.

    Rows are stratified by the truth if it is known, otherwise by the majority of their
    annotations; ties go to the first label. A one-dimensional `y` is split as by
    :class:`sklearn.model_selection.StratifiedKFold`.

    Parameters
    ----------
    n_splits : int, at least 2, default=5
        Number of folds.
    shuffle : bool, default=False
        Whether to shuffle the rows of each class first.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffling; leave it None otherwise.
    truth_column : int, str, hashable or None, default=None
        Column of `y` that holds the truth, see :func:`split_truth`; NaN, None and
        ``pandas.NA`` are unknown. None if there is no such column.
    missing_values : int, float, NaN or None, default=-1
        Number that also marks a missing annotation or an unknown truth. None if there
        is no such number, as for the labels -1 and 1.

    See Also
    --------
    make_crowd_scorer : Scores a fold by its truth.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds import StratifiedCrowdKFold, simulate_annotators
    >>> truth = np.repeat([0, 1], [16, 4])
    >>> annotations = simulate_annotators(truth, n_workers=3, random_state=0)
    >>> y = np.column_stack([annotations, truth])
    >>> cv = StratifiedCrowdKFold(4, truth_column=-1)
    >>> [int(truth[test].sum()) for _, test in cv.split(annotations, y)]
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        n_splits=5,
        *,
        shuffle=False,
        random_state=None,
        truth_column=None,
        missing_values=-1,
    ):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)
        self.truth_column = truth_column
        self.missing_values = missing_values

    def split(self, X, y, groups=None):
        """Split rows into training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Only its length is used.
        y : array-like of shape (n_samples, n_columns) or (n_samples,)
            Annotations, with the truth if `truth_column` is set; or labels.
        groups : None
            Ignored, with a warning if given.

        Yields
        ------
        train : ndarray of int
        test : ndarray of int

        Raises
        ------
        ValueError
            If ``y`` cannot be used, or a row has neither an annotation nor a truth.
        """
        return super().split(X, self._strata(y), groups)

    def _strata(self, y):
        if np.ndim(y) == 1 and self.truth_column is None:
            return y
        y = _as_table(y)
        position = None
        if self.truth_column is not None:
            position = _truth_position(y, self.truth_column)
        # Workers and truth in one table, so that both have the same codes.
        codes, classes = encode_annotations(y, missing_values=self.missing_values)
        majority = count_votes(codes, len(classes)).argmax(1)
        if position is None:
            return majority
        # An unknown truth has no vote in the majority that replaces it.
        truth = codes[:, position]
        return np.where(truth == MISSING, majority, truth)


def make_crowd_scorer(scoring, *, truth_column=-1, missing_values=-1):
    """Make a scorer that scores by the truth in one column of the annotations.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set or dict
        As in :func:`sklearn.model_selection.cross_validate`: the name of a scorer, a
        callable ``(estimator, X, y)``, or several of them.
    truth_column : int, str or hashable, default=-1
        Column of `y` that holds the truth, see :func:`split_truth`. Give classifiers
        the same `truth_column`, so that they do not learn from it.
    missing_values : int, float, NaN or None, default=-1
        Number that marks an unknown truth, in addition to NaN, None and ``pandas.NA``.
        None if there is no such number, as for the labels -1 and 1.

    Returns
    -------
    scorer : callable
        Takes ``(estimator, X, y)`` and scores the rows whose truth is known; for
        ``scoring=``. It raises a ValueError if there is no such row.

    Raises
    ------
    ValueError
        If the scorer does not exist, or ``truth_column`` is None.

    See Also
    --------
    StratifiedCrowdKFold : Folds for such a `y`.
    split_truth : Splits off the truth.

    Examples
    --------
    The truth of the third row is unknown, so it is not scored:

    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from imbdeep.crowds import make_crowd_scorer
    >>> X = np.zeros((4, 1))
    >>> y = np.array([[0, 1, 0], [0, 0, 0], [1, 1, -1], [0, 1, 1]])
    >>> always_0 = DummyClassifier().fit(X, [0, 0, 0, 1])
    >>> scorer = make_crowd_scorer("accuracy", truth_column=-1)
    >>> round(scorer(always_0, X, y), 2)
    0.67
    """
    if truth_column is None:
        raise ValueError(
            "truth_column must tell which column of y holds the truth, got None. "
            "Without a truth nothing can be scored."
        )
    return _CrowdScorer(scoring, truth_column, missing_values)


class _CrowdScorer:
    def __init__(self, scoring, truth_column, missing_values):
        self.scoring = scoring
        self.truth_column = truth_column
        self.missing_values = missing_values
        # Here, so that a wrong name fails before a search has fitted anything.
        self.scorer = check_scoring(scoring=scoring)

    def __call__(self, estimator, X, y):
        rows, labels = read_truth(y, self.truth_column, self.missing_values)
        return self.scorer(estimator, _safe_indexing(X, rows), labels)

    def __repr__(self):
        return (
            f"make_crowd_scorer({self.scoring!r}, truth_column={self.truth_column!r}, "
            f"missing_values={self.missing_values!r})"
        )


def _as_table(y):
    """Convert lists to arrays, without turning other values into text."""
    return y if hasattr(y, "shape") else np.asarray(y, dtype=object)


def _truth_position(y, truth_column):
    """Position of the truth among the columns of a table."""
    if np.ndim(y) != 2:
        raise ValueError(
            f"y must be 2-D to hold the truth as its column {truth_column!r}, got "
            f"{np.ndim(y)} dimension(s). Pass truth_column=None for ordinary labels."
        )
    width = y.shape[1]
    if width < 2:
        raise ValueError(
            f"y has {width} column(s), and truth_column={truth_column!r} asks for "
            "two or more: one with the truth, the others with annotations."
        )
    if isinstance(truth_column, Integral) and not isinstance(truth_column, bool):
        names = y.columns.tolist() if is_pandas(y) else []
        if truth_column in names and names.index(truth_column) != (
            truth_column % width
        ):
            raise ValueError(
                f"truth_column={truth_column} is the position of one column and the "
                f"name of another: {names}. Rename the columns."
            )
        if not -width <= truth_column < width:
            raise ValueError(
                f"truth_column={truth_column} is not the position of a column: y has "
                f"{width} columns."
            )
        return truth_column
    if not is_pandas(y):
        raise ValueError(
            f"truth_column={truth_column!r} is the name of a column, but y is no data "
            "frame. Pass its position."
        )
    names = y.columns.tolist()
    if names.count(truth_column) != 1:
        found = "several columns" if truth_column in names else "no column"
        raise ValueError(
            f"y has {found} of the name truth_column={truth_column!r}: {names}."
        )
    return names.index(truth_column)
