"""Learners that say what they think of rows that they did not train on."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.utils.parallel import Parallel, delayed
from skorch.callbacks import Callback

from imbdeep._nets.member_rows import hold_out_folds
from imbdeep._torch.seeding import own_state, seed_from
from imbdeep.base import BaseNetClassifier
from imbdeep.classifiers._net_ensemble import NetEnsembleClassifier

N_FOLDS = 5
# Of trees on a table of numbers: forests compute in float32, and boosting has at most
# 255 bins for the levels of a column.
_LARGEST = np.finfo(np.float32).max
_MOST_LEVELS = 254


def _neighbors():
    return NetEnsembleClassifier()


def _perceptrons():
    return NetEnsembleClassifier(
        "mlp",
        module__hidden_sizes=(256, 256),
        numeric_encoding="robust",
        lr=2e-3,
    )


def _hist_gb():
    # Slower steps and smaller trees than scikit-learn's defaults, which are made for
    # more rows than a rare class has.
    return HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=300,
        max_leaf_nodes=15,
        min_samples_leaf=5,
        l2_regularization=1.0,
        max_features=0.5,
        early_stopping=False,
    )


def _random_forest():
    return RandomForestClassifier(200)


LEARNERS = {
    "nca": _neighbors,
    "mlp": _perceptrons,
    "random_forest": _random_forest,
    "hist_gb": _hist_gb,
}


def read_learners(learners):
    """Classifiers by name.

    Parameters
    ----------
    learners : sequence of str or tuple (str, classifier)

    Returns
    -------
    dict
        Clones.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.learners import read_learners
    >>> list(read_learners(["nca", "hist_gb"]))
    ['nca', 'hist_gb']
    """
    if isinstance(learners, str) or not isinstance(learners, Iterable):
        raise ValueError(
            f"learners must be a list, such as ['nca', 'hist_gb'], got {learners!r}."
        )
    found = {}
    for learner in learners:
        is_known = isinstance(learner, str) and learner in LEARNERS
        name, made = (learner, LEARNERS[learner]()) if is_known else _own(learner)
        if name in found:
            raise ValueError(f"learners holds {name!r} twice.")
        found[name] = made
    if not found:
        raise ValueError("learners is empty. Name one at least, such as 'nca'.")
    return found


def _own(learner):
    is_pair = isinstance(learner, tuple | list) and len(learner) == 2
    if not (is_pair and isinstance(learner[0], str)):
        raise ValueError(
            f"learners must hold names among {sorted(LEARNERS)}, or pairs of a name "
            f"and a classifier, got {learner!r}."
        )
    name, classifier = learner
    if not (is_classifier(classifier) and hasattr(classifier, "predict_proba")):
        raise ValueError(
            f"The learner {name!r} must be a classifier with predict_proba, got "
            f"{classifier!r}."
        )
    return name, clone(classifier)


class _Deadline(Callback):
    """End the training of a net with the epoch in which its time is spent."""

    def __init__(self, seconds):
        self.seconds = seconds

    def on_train_begin(self, net, **kwargs):
        self.ends = time.monotonic() + self.seconds

    def on_epoch_end(self, net, **kwargs):
        if time.monotonic() > self.ends:
            # skorch's sign that training is over.
            raise KeyboardInterrupt


def fit_learner(learner, X, y, levels, *, seconds, device, verbose, n_jobs, **given):
    """Fit a learner that holds rows out.

    Parameters
    ----------
    learner : classifier
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,), int
        Class indices.
    levels : list of int
        Columns of levels.
    seconds : float
        For nets.
    device, verbose
        For nets.
    n_jobs : int or None
        For others.
    **given
        ``random_state``, ``sample_weight`` and ``groups``.

    Returns
    -------
    object
        With ``predict_proba`` and ``oof_proba_``.
    """
    holds_out = isinstance(learner, BaseNetClassifier) and learner.member_holdout
    if not holds_out:
        if isinstance(learner, HistGradientBoostingClassifier) and levels:
            learner.set_params(categorical_features=levels)
        return fit_folds(learner, X, y, levels, n_jobs=n_jobs, **given)
    learner.set_params(
        device=device,
        verbose=verbose,
        categorical_features=levels or None,
        random_state=given.pop("random_state"),
    )
    if np.isfinite(seconds):
        learner.set_params(callbacks=[*(learner.callbacks or []), _Deadline(seconds)])
    return learner.fit(X, y, **given)


@dataclass
class FoldModels:
    """Models of the folds, which speak together about rows that are new to all.

    Attributes
    ----------
    models : list of classifiers
        Each was fitted on all rows but its fold.
    levels : list of int
        Columns of levels.
    oof_proba_ : ndarray of shape (n, n_classes)
        Of each row, by the models that did not see it; NaN if all did.
    """

    models: list[Any]
    levels: list[int]
    oof_proba_: np.ndarray

    def predict_proba(self, X):
        """Mean of the models' probabilities."""
        X = rows_for_trees(X, self.levels)
        return np.mean([model.predict_proba(X) for model in self.models], axis=0)


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
    >>> from imbdeep.classifiers._imbalanced.learners import rows_for_trees
    >>> rows_for_trees(np.array([[1e300, 999.0]]), [1])
    array([[3.40282347e+38, 2.54000000e+02]])
    """
    X = X.toarray() if sparse.issparse(X) else X
    X = np.clip(X, -_LARGEST, _LARGEST)
    X[:, levels] = np.minimum(X[:, levels], _MOST_LEVELS)
    return X


def fit_folds(
    estimator, X, y, levels, *, sample_weight=None, groups=None, random_state, n_jobs
):
    """Fit a clone of a classifier for each fold, on the rows outside it.

    Parameters
    ----------
    estimator : classifier
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,), int
        Class indices.
    levels : list of int
    sample_weight : ndarray of shape (n,) or None, default=None
    groups : ndarray of shape (n,), int, or None, default=None
    random_state : int
    n_jobs : int or None

    Returns
    -------
    FoldModels
    """
    state = own_state(random_state)
    rows = hold_out_folds(y, N_FOLDS, state, groups)
    X = rows_for_trees(X, levels)
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    models = parallel(
        delayed(_fit)(_seeded(estimator, state), X, y, own, sample_weight)
        for own in rows.train
    )
    n_classes = y.max() + 1
    total = np.zeros((len(y), n_classes))
    for model, held in zip(models, rows.held_out.T, strict=True):
        if held.any():
            total[held] += _probabilities(model, X[held])
    with np.errstate(invalid="ignore"):
        oof_proba = total / rows.held_out.sum(axis=1)[:, None]
    return FoldModels(models, levels, oof_proba)


def _seeded(estimator, state):
    """A clone, with a seed of its own wherever it takes one."""
    seeds = {
        name: seed_from(state)
        for name in sorted(estimator.get_params(deep=True))
        if name == "random_state" or name.endswith("__random_state")
    }
    return clone(estimator).set_params(**seeds)


def _fit(estimator, X, y, rows, sample_weight):
    weights = {} if sample_weight is None else {"sample_weight": sample_weight[rows]}
    return estimator.fit(X[rows], y[rows], **weights)


def _probabilities(model, X):
    proba = model.predict_proba(X)
    if not np.isfinite(proba).all():
        raise ValueError(
            f"{type(model).__name__} gave a probability that is not finite. Take it "
            "out of learners, or prepare its rows in a pipeline."
        )
    return proba
