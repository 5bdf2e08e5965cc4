"""Any classifier, fitted once for each fold on the rows outside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from imbdeep._nets.member_rows import hold_out_folds
from imbdeep._torch.seeding import own_state, seed_from
from imbdeep.calibration._pipelines import last_step

N_FOLDS = 5
# Of trees on a table of numbers: forests compute in float32, and boosting has at most
# 255 bins for the levels of a column.
_LARGEST = np.finfo(np.float32).max
_MOST_LEVELS = 254


def rows_for_trees(X, levels):
    """Rows as trees take them: dense, within float32, and rare levels in one.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
        With codes in the columns of levels, by how often they occur.
    levels : list of int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.folds import rows_for_trees
    >>> rows_for_trees(np.array([[1e300, 999.0]]), [1])
    array([[3.40282347e+38, 2.54000000e+02]])
    """
    X = X.toarray() if sparse.issparse(X) else X
    X = np.clip(X, -_LARGEST, _LARGEST)
    X[:, levels] = np.minimum(X[:, levels], _MOST_LEVELS)
    return X


def without_values(X):
    """Columns with fewer than two values, which boosting cannot bin.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.folds import without_values
    >>> without_values(np.array([[1.0, np.nan, 2.0], [2.0, np.nan, np.nan]]))
    array([False,  True,  True])
    """
    return (~np.isnan(X)).sum(axis=0) < 2


@dataclass
class FoldModel:
    """A classifier that was fitted to some of the rows.

    Attributes
    ----------
    model : classifier
    empty : ndarray of shape (n_features,), bool
        Columns that had no values to learn from, which it sees as 0.
    classes : ndarray of shape (n_classes,)
    """

    model: Any
    empty: np.ndarray
    classes: np.ndarray

    def predict_proba(self, X):
        """Probabilities in the order of `classes`; refused if they are none."""
        proba = np.asarray(
            self.model.predict_proba(_filled(X, self.empty)), dtype=float
        )
        name, own = type(self.model).__name__, getattr(self.model, "classes_", None)
        if proba.shape != (len(X), len(self.classes)):
            raise ValueError(
                f"{name} gave probabilities of shape {proba.shape} for {len(X)} rows "
                f"and {len(self.classes)} classes."
            )
        if own is not None and not np.array_equal(own, self.classes):
            proba = proba[:, [list(own).index(label) for label in self.classes]]
        # NaN fails as well.
        if not (proba.min(initial=0) >= 0 and np.allclose(proba.sum(1), 1, atol=1e-3)):
            raise ValueError(
                f"{name} gave numbers that are no probabilities: they must be finite, "
                "at least 0, and add up to 1 in each row. Take it out of learners, or "
                "prepare its rows in a pipeline."
            )
        return proba


@dataclass
class FoldModels:
    """Models of the folds, which speak together about rows that are new to all.

    Attributes
    ----------
    models : list of FoldModel
        Each was fitted on all rows but its fold.
    levels : list of int
        Columns of levels.
    held_out_ : ndarray of shape (n, n_models), bool
        Rows that each did not see.
    oof_proba_ : ndarray of shape (n, n_classes)
        Of each row, by the models that did not see it; NaN if all did.
    """

    models: list[FoldModel]
    levels: list[int]
    held_out_: np.ndarray
    oof_proba_: np.ndarray

    def predict_proba(self, X):
        """Mean of the models' probabilities."""
        X = rows_for_trees(X, self.levels)
        return np.mean([model.predict_proba(X) for model in self.models], axis=0)

    def predict_held_out(self, X, rows):
        """Mean over the models that did not see a row of training.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (m, n_features)
            Rows of training, or what they would be with other values.
        rows : ndarray of shape (m,), int
            Their positions in training.

        Returns
        -------
        ndarray of shape (m, n_classes)
            NaN for a row that all models saw.
        """
        X = rows_for_trees(X, self.levels)
        return _mean_of_blind(self.models, X, self.held_out_[rows])


def _mean_of_blind(models, X, held_out):
    """Mean of what each model says about the rows that it did not see."""
    total = np.zeros((len(X), len(models[0].classes)))
    for model, held in zip(models, held_out.T, strict=True):
        if held.any():
            total[held] += model.predict_proba(X[held])
    with np.errstate(invalid="ignore"):
        return total / held_out.sum(axis=1)[:, None]


def weight_parameter(estimator):
    """Name by which a classifier takes the weights of rows in ``fit``, or None.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from imbdeep.classifiers._imbalanced.folds import weight_parameter
    >>> weight_parameter(make_pipeline(StandardScaler(), LogisticRegression()))
    'logisticregression__sample_weight'
    >>> weight_parameter(KNeighborsClassifier()) is None
    True
    """
    path, last = last_step(estimator)
    takes_weights = has_fit_parameter(last, "sample_weight")
    return "__".join([*path, "sample_weight"]) if takes_weights else None


def fit_folds(
    estimator,
    X,
    y,
    levels,
    *,
    classes,
    sample_weight=None,
    groups=None,
    random_state,
    n_jobs=None,
):
    """Fit a clone of a classifier for each fold, on the rows outside it.

    Parameters
    ----------
    estimator : classifier
        Takes weights, if there are any.
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,), int
        Class indices.
    levels : list of int
        Columns of levels.
    classes : ndarray of shape (n_classes,)
        Labels, which the classifier sees.
    sample_weight : ndarray of shape (n,) or None, default=None
    groups : ndarray of shape (n,), int, or None, default=None
    random_state : int
    n_jobs : int or None, default=None

    Returns
    -------
    FoldModels
    """
    state = own_state(random_state)
    held_out = hold_out_folds(y, N_FOLDS, state, groups).held_out
    X = rows_for_trees(X, levels)
    models = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_fit)(_seeded(estimator, state), X, y, ~held, classes, sample_weight)
        for held in held_out.T
    )
    return FoldModels(models, levels, held_out, _mean_of_blind(models, X, held_out))


def _seeded(estimator, state):
    """A clone, with a seed of its own wherever the user has set none."""
    params = estimator.get_params(deep=True)
    seeds = {
        name: seed_from(state)
        for name in sorted(params)
        if name.rpartition("__")[2] == "random_state" and params[name] is None
    }
    return clone(estimator).set_params(**seeds)


def _filled(X, empty):
    return np.where(empty, 0.0, X) if empty.any() else X


def _fit(estimator, X, y, rows, classes, sample_weight):
    X, labels = X[rows], classes[y[rows]]
    weights = {}
    if sample_weight is not None:
        weights = {weight_parameter(estimator): sample_weight[rows]}
    empty = without_values(X)
    estimator.fit(_filled(X, empty), labels, **weights)
    return FoldModel(estimator, empty, classes)
