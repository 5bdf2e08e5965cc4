"""Base class of the nets that learn from annotations."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import _safe_indexing, column_or_1d

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._arguments import MISSING_VALUES
from imbdeep._nets.eval_set import read_eval_set
from imbdeep._nets.run import Run
from imbdeep._tables.frames import is_pandas
from imbdeep._tables.torch_data import arrays_of
from imbdeep._tables.validation import warn_of_lone_rows
from imbdeep._torch.switches import usual_switches
from imbdeep.base import BaseNetClassifier
from imbdeep.crowds import split_truth
from imbdeep.crowds._annotations import count_votes, encode_annotations
from imbdeep.crowds._known_truth import known_truth
from imbdeep.crowds._truth import n_columns, read_truth


@dataclass
class Crowd:
    """Annotations of the rows of a fit.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_workers), int
        Annotations as class indices, -1 for a missing one.
    inferred : ndarray of shape (n_samples,), int
        Inferred classes of the rows; at first the majority vote.
    truth : tuple of ndarray (rows, labels) or None
        Rows whose true label is known, and these labels.
    """

    codes: np.ndarray
    inferred: np.ndarray
    truth: tuple | None

    def inference_accuracy(self, classes):
        """Share of correctly inferred labels among the rows whose label is known."""
        rows, truth = self.truth
        return float(np.mean(classes[self.inferred[rows]] == truth))


class CrowdRun(Run):
    """State of a fit on annotations.

    Attributes
    ----------
    crowd : Crowd or None
        None if there is a single annotator.
    """

    crowd = None


def labels_of_one(annotations, missing_values, warned):
    """Read the labels of a single annotator, who must have annotated every row.

    Parameters
    ----------
    annotations : array-like of shape (n_samples, 1)
    missing_values : int, float, NaN or None
    warned : bool
        Whether to keep the column, so that scikit-learn warns about its shape.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, 1)

    Raises
    ------
    ValueError
        If a label is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._crowds.base import labels_of_one
    >>> labels_of_one(np.array([[1], [0]], dtype=object), -1, warned=False)
    array([1, 0])
    """
    codes, classes = encode_annotations(annotations, missing_values=missing_values)
    return classes[codes if warned else codes[:, 0]]


def worker_names(annotations):
    """Names of the workers if the annotations are a data frame with names, else None.

    Parameters
    ----------
    annotations : array-like

    Returns
    -------
    list of str or None
    """
    names = list(getattr(annotations, "columns", ()))
    return names if names and all(isinstance(n, str) for n in names) else None


def check_same_order(X, annotations):
    """Refuse frames that hold the same rows in another order.

    Parameters
    ----------
    X, annotations : array-like
        Anything but two data frames passes.

    Raises
    ------
    ValueError
        If their indices differ only in order.
    """
    if not (is_pandas(X) and is_pandas(annotations)):
        return
    own, other = X.index, annotations.index
    if not own.equals(other) and own.sort_values().equals(other.sort_values()):
        raise ValueError(
            "X and y have the same index in another order, and rows are matched by "
            "position. Pass y.loc[X.index]."
        )


def crowd_accuracy(estimator, X, y, sample_weight=None):
    """Accuracy of a crowd classifier on rows whose true label is known.

    Parameters
    ----------
    estimator : object
        Has ``truth_column`` and ``missing_values``.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_workers + 1)
    sample_weight : array-like of shape (n_samples,) or None, default=None

    Returns
    -------
    float
    """
    rows, truth = read_truth(y, estimator.truth_column, estimator.missing_values)
    predicted = estimator.predict(_safe_indexing(X, rows))
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)[rows]
    return accuracy_score(truth, predicted, sample_weight=sample_weight)


class CrowdNetClassifier(BaseNetClassifier):
    """Base class of the nets that learn from annotations.

    ``fit`` takes labels, class counts and the validation split from the majority vote,
    and keeps the annotations themselves in its run. Ordinary labels, those of a single
    annotator, leave nothing to infer: the run then has no crowd, and subclasses train
    like the plain net.
    """

    _parameter_constraints = {
        **BaseNetClassifier._parameter_constraints,
        "truth_column": "no_validation",
        "missing_values": MISSING_VALUES,
    }

    _trains_one_net = True
    _hides_prior = "which learns from annotations, and not from labels"
    _run_class = CrowdRun

    def __init__(self, module="mlp", *, truth_column=None, missing_values=-1, **kwargs):
        super().__init__(module, **kwargs)
        self.truth_column = truth_column
        self.missing_values = missing_values

    def fit(self, X, y=None, *, y_true=None, eval_set=None, eval_X=None, eval_y=None):
        """Fit the net.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
                array-like with more axes if the module takes them
            Finite numbers, or a data set that yields them and their annotations; see
            :meth:`~imbdeep.base.BaseNetClassifier.fit`.
        y : array-like of shape (n_samples, n_workers) or (n_samples,)
            Annotations, one column per worker and at least one in each row; see
            ``encode_annotations``. The labels of a single annotator are taken as true.
        y_true : array-like of shape (n_samples,) or None, default=None
            True labels; NaN, None or ``missing_values`` if unknown. The history
            compares them with the inferred ones; they are never trained on.
        eval_set : tuple (X_valid, y_valid) or None, default=None
            Validation rows with true labels, to use instead of setting some of ``X``
            aside.
        eval_X, eval_y : array-like or None, default=None
            The same as two arguments, so that a pipeline can transform the first:
            ``Pipeline(..., transform_input=['eval_X'])``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used. Raised before any training.
        """
        reset = not (self._starts_warm() and self.initialized_)
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit_crowd(X, y, y_true, eval_set, reset, "fit")

    def partial_fit(
        self,
        X,
        y=None,
        *,
        classes=None,
        y_true=None,
        eval_set=None,
        eval_X=None,
        eval_y=None,
    ):
        """Continue training for another ``max_epochs``, without starting anew.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_workers) or (n_samples,)
            Annotations of the workers of the first call, in the same order.
        classes : array-like or None, default=None
            In the first call: all labels, if ``y`` may lack some.
        y_true : array-like of shape (n_samples,) or None, default=None
        eval_set : tuple (X_valid, y_valid) or None, default=None
        eval_X, eval_y : array-like or None, default=None

        Returns
        -------
        self : object
        """
        reset = not self.initialized_
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit_crowd(X, y, y_true, eval_set, reset, "partial_fit", classes)

    def score(self, X, y, sample_weight=None):
        """Accuracy on rows whose true label is known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_workers + 1)
            True labels, or annotations with the truth in ``truth_column``.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        float
            In [0, 1].
        """
        return crowd_accuracy(self, X, y, sample_weight)

    @usual_switches()
    def _fit_crowd(self, X, y, y_true, eval_set, reset, method, classes=None):
        with all_or_nothing(self, going_on=not reset), self._running() as run:
            self._check_parameters()
            X, y = arrays_of(X, y)
            annotations, truth = split_truth(y, self.truth_column)
            y_true = truth if y_true is None else y_true
            check_same_order(X, annotations)
            self._check_eval_labels(eval_set)
            width = n_columns(annotations)  # 0 for a list of labels
            n_workers = max(1, width)
            names = worker_names(annotations)
            if not reset:
                self._check_workers(n_workers, names)
            labels = annotations
            if width > 1:
                declared = self.classes if self.classes is not None else classes
                codes, known = encode_annotations(
                    annotations,
                    classes=declared if reset else self.classes_,
                    missing_values=self.missing_values,
                )
                majority = count_votes(codes, len(known)).argmax(1)
                checkable = self._known(y_true, len(codes), known)
                run.crowd = Crowd(codes, majority, checkable)
                labels = known[majority]
                # Annotations may name classes that no majority vote does.
                if reset:
                    classes = known
            elif width:
                warned = self.truth_column is None
                labels = labels_of_one(annotations, self.missing_values, warned)
            if reset:
                self.n_workers_, self.worker_names_ = n_workers, names
            return self._fit(X, labels, None, eval_set, reset, method, classes)

    def _check_class_counts(self, counts, method, eval_set):
        if self.run_.crowd is None:
            super()._check_class_counts(counts, method, eval_set)
            return
        if method == "fit" and (counts > 0).sum() < 2:
            only = self.classes_inferred_.tolist()[counts.argmax()]
            raise ValueError(
                f"By majority vote all rows are of class {only!r}, so there is nothing "
                "to tell it from. Gather more annotations of the others."
            )
        if self._splits_small_classes(method, eval_set):
            warn_of_lone_rows(self.classes_, counts, "has by majority vote")

    def _check_workers(self, n_workers, names):
        if n_workers != self.n_workers_:
            raise ValueError(
                f"y has annotations of {n_workers} workers, those of the first call "
                f"were {self.n_workers_}. Leave a column of missing annotations for a "
                "worker who gave none."
            )
        if None not in (names, self.worker_names_) and names != self.worker_names_:
            raise ValueError(
                f"y has annotations of the workers {names}, those of the first call "
                f"were {self.worker_names_}. Pass them in that order."
            )

    def _check_eval_labels(self, eval_set):
        width = 0 if eval_set is None else n_columns(eval_set[1])
        if width > 1:
            raise ValueError(
                f"eval_set wants one true label per row, got {width} columns."
            )

    def _known(self, y_true, n_rows, classes):
        if y_true is None:
            return None
        y_true = column_or_1d(np.asarray(y_true, dtype=object))
        if len(y_true) != n_rows:
            raise ValueError(
                f"y_true holds {len(y_true)} labels for {n_rows} rows of y; give one "
                "for each, missing where it is not known."
            )
        rows, labels = known_truth(y_true, self.missing_values)
        if len(rows) and not np.isin(labels, classes).any():
            raise ValueError(
                f"y_true holds labels such as {labels.tolist()[0]!r}, none of which is "
                f"among the classes {classes.tolist()}. Use the labels of y."
            )
        return (rows, labels) if len(rows) else None
