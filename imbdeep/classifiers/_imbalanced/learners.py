"""Learners that say what they think of rows that they did not train on."""

import time
from collections.abc import Iterable
from functools import partial

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from skorch.callbacks import Callback

from imbdeep._tables.sample_weight import read_sample_weight
from imbdeep.base import BaseNetClassifier
from imbdeep.classifiers._imbalanced.folds import N_FOLDS, fit_folds, weight_parameter
from imbdeep.classifiers._imbalanced.row_limit import RowLimit
from imbdeep.classifiers._ldam import LDAMClassifier
from imbdeep.classifiers._net_ensemble import NetEnsembleClassifier
from imbdeep.classifiers._remix import ReMixClassifier

_MLP = {"module__hidden_sizes": (256, 256), "numeric_encoding": "robust", "lr": 2e-3}
# Their scores refer to other class shares than those of the data, and the blend wants
# the data's.
_BALANCED = {"iterator_train": "balanced", "prior_correction": True, **_MLP}
_MEMBERS = {"n_members": 10, "member_holdout": "folds"}
LEARNERS = {
    "nca": NetEnsembleClassifier,
    "mlp": partial(NetEnsembleClassifier, "mlp", **_MLP),
    "random_forest": partial(RandomForestClassifier, 200),
    # Slower steps and smaller trees than scikit-learn's defaults, which are made for
    # more rows than a rare class has.
    "hist_gb": partial(
        HistGradientBoostingClassifier,
        learning_rate=0.03,
        max_iter=300,
        max_leaf_nodes=15,
        min_samples_leaf=5,
        l2_regularization=1.0,
        max_features=0.5,
        early_stopping=False,
    ),
}
REBALANCED = {
    "balanced": partial(NetEnsembleClassifier, "mlp", **_BALANCED),
    "under_sampled": partial(
        NetEnsembleClassifier, "mlp", member_sampling="auto", **_BALANCED
    ),
    "remix": partial(
        ReMixClassifier, prior_correction=True, max_epochs=100, **_MEMBERS, **_MLP
    ),
    "ldam": partial(LDAMClassifier, **_MEMBERS, **_MLP),
    "focal": partial(NetEnsembleClassifier, "mlp", criterion="focal", **_MLP),
}
# On more rows the nets vary less: five members, and less patience, rank held-out rows
# .002 of average precision worse, and take two fifths of the time.
MANY_ROWS = 1_000
OF_MANY_ROWS = {"n_members": 5, "patience": 10}
# Each member, and each tree of the forest, learns from so many rows at most.
MOST_ROWS = 10_000


def read_learners(learners, rebalance="auto"):
    """Classifiers by name.

    Parameters
    ----------
    learners : sequence of str or tuple (str, classifier)
    rebalance : str or None
        How 'mlp' trains; plainly with 'auto' or None.

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
    known = dict(LEARNERS)
    is_remedy = rebalance not in ("auto", None)
    if is_remedy:
        known["mlp"] = REBALANCED[rebalance]
    found = {}
    for learner in learners:
        is_known = isinstance(learner, str) and learner in known
        name, made = (learner, known[learner]()) if is_known else _own(learner)
        if name in found:
            raise ValueError(f"learners holds {name!r} twice.")
        found[name] = made
    if not found:
        raise ValueError("learners is empty. Name one at least, such as 'nca'.")
    if is_remedy and "mlp" not in learners:
        raise ValueError(
            f"rebalance={rebalance!r} is for 'mlp', and learners has {list(found)}. "
            "Add 'mlp', or leave rebalance out."
        )
    return found


def _own(learner):
    is_pair = isinstance(learner, tuple | list) and len(learner) == 2
    if not (is_pair and isinstance(learner[0], str)):
        raise ValueError(
            f"learners must hold names among {sorted(LEARNERS)}, or pairs of a name "
            f"and a classifier, got {learner!r}."
        )
    name, classifier = learner
    can = hasattr(classifier, "fit") and hasattr(classifier, "predict_proba")
    if isinstance(classifier, type) or not (can and is_classifier(classifier)):
        raise ValueError(
            f"The learner {name!r} must be a classifier with predict_proba, got "
            f"{classifier!r}."
        )
    return name, clone(classifier)


def suit_to_size(learners, given, n_rows):
    """Give nets fewer members where there are many rows, and learners not all of them.

    Parameters
    ----------
    learners : dict
        Classifiers by name, changed in place.
    given : sequence of str or tuple
        What they were made of; those given by name alone may be changed.
    n_rows : int

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.learners import read_learners, suit_to_size
    >>> learners = read_learners(["nca"])
    >>> suit_to_size(learners, ["nca"], 1001)
    >>> learners["nca"].n_members
    5
    >>> learners = read_learners(["random_forest"])
    >>> suit_to_size(learners, ["random_forest"], 50_000)
    >>> learners["random_forest"].max_samples
    0.25
    """
    in_training = n_rows - n_rows // N_FOLDS
    for name, learner in learners.items():
        if name not in given:
            continue
        if isinstance(learner, RandomForestClassifier) and in_training > MOST_ROWS:
            # Half of the trees, whose time is that of all others together.
            half = {"n_estimators": learner.n_estimators // 2}
            learner.set_params(max_samples=MOST_ROWS / in_training, **half)
        if isinstance(learner, BaseNetClassifier) and n_rows > MANY_ROWS:
            learner.set_params(**OF_MANY_ROWS)
            if in_training > MOST_ROWS and learner.member_sampling is None:
                # Frequent classes are what members have fewer rows of.
                sampling = {"member_sampling": RowLimit(MOST_ROWS)}
                learner.set_params(prior_correction=True, **sampling)


def read_weights(sample_weight, X, learners):
    """Weights of rows with mean 1, which all learners take.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,)
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    learners : dict
        Classifiers by name.

    Returns
    -------
    ndarray of shape (n_samples,), float64

    Raises
    ------
    ValueError
        If a weight is negative or none, or a learner takes no weights.
    """
    weights = read_sample_weight(sample_weight, X, dtype=np.float64)
    for name, learner in learners.items():
        if weight_parameter(learner) is None:
            raise ValueError(
                f"The learner {name!r}, {type(learner).__name__}, takes no "
                "sample_weight. Leave it out, or fit without weights."
            )
    # The blend counts rows.
    return weights / weights.mean()


class _Deadline(Callback):
    """End the training of a net with the epoch in which its time is spent."""

    def __init__(self, ends):
        self.ends = ends

    def on_epoch_end(self, net, **kwargs):
        if time.monotonic() > self.ends:
            # skorch's sign that training is over.
            raise KeyboardInterrupt


def fit_learner(learner, X, y, levels, *, classes, ends, device, n_jobs, **given):
    """Fit a learner that holds rows out.

    Parameters
    ----------
    learner : classifier
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,), int
        Class indices.
    levels : list of int
        Columns of levels.
    classes : ndarray of shape (n_classes,)
    ends : float
        When nets have to end, in the seconds of :func:`time.monotonic`.
    device : object
        For nets that name none.
    n_jobs : int or None
        For others.
    **given
        ``random_state``, ``sample_weight`` and ``groups``.

    Returns
    -------
    object
        With ``predict_proba`` and ``oof_proba_``.
    """
    if not (isinstance(learner, BaseNetClassifier) and learner.member_holdout):
        if isinstance(learner, HistGradientBoostingClassifier) and levels:
            learner.set_params(categorical_features=levels)
        told = {"classes": classes, "n_jobs": n_jobs}
        return fit_folds(learner, X, y, levels, **told, **given)
    learner.set_params(categorical_features=levels or None)
    # The attribute is resolved: never 'auto'.
    if learner.get_params(deep=False)["device"] == "auto":
        learner.set_params(device=device)
    seed = given.pop("random_state")
    if learner.random_state is None:
        learner.set_params(random_state=seed)
    if np.isfinite(ends) and learner.callbacks != "disable":
        learner.set_params(callbacks=[*(learner.callbacks or []), _Deadline(ends)])
    return learner.fit(X, classes[y], **given)
