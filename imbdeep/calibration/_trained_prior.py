"""Which class shares a fitted scikit-learn classifier refers to."""

import inspect
from numbers import Number

import numpy as np
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
)
from imblearn.utils import check_sampling_strategy
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import SVC, NuSVC
from sklearn.utils import compute_class_weight

from imbdeep._arguments import naming_value
from imbdeep.calibration._prior import class_mass, shares_of

# Each of their members trains on rows that RandomUnderSampler drew.
_UNDER_SAMPLE = (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
)
# Parameters of other libraries that weigh classes by rules of their own.
_OTHER_WEIGHTS = ("is_unbalance", "class_weights", "auto_class_weights")
_WEIGHTS = {"class_weight", "scale_pos_weight", "sampling_strategy", *_OTHER_WEIGHTS}
_PRIORS = {"priors", "class_prior"}
_GRIDS = ("param_grid", "param_distributions")


def corrects_itself(classifier):
    """Whether a classifier, such as a net, can correct its own part."""
    return "prior_correction" in classifier.get_params(deep=False)


def check_is_known(classifier, has_weights=False):
    """Refuse a classifier of which nobody can tell what shares it refers to.

    Parameters
    ----------
    classifier : object
        The last step of a pipeline, or a classifier alone.
    has_weights : bool, default=False
        Whether it is given weights of rows.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep.calibration._trained_prior import check_is_known
    >>> weighted = LogisticRegression(class_weight="balanced")
    >>> check_is_known(weighted)
    >>> check_is_known(BaggingClassifier(weighted))
    Traceback (most recent call last):
    ValueError: BaggingClassifier has estimator__class_weight='balanced', and what ...
    """
    if corrects_itself(classifier):
        return
    name = type(classifier).__name__
    own = classifier.get_params(deep=False)
    for key in _OTHER_WEIGHTS:
        # Both False and None leave classes alone.
        if own.get(key):
            raise ValueError(
                f"{name} has {key}={own[key]!r}, a rule of its own for the weights of "
                "classes. Pass them as class_weight, or as scale_pos_weight."
            )
    if isinstance(classifier, ComplementNB):
        raise ValueError(
            "The probabilities of ComplementNB take no notice of class shares: there "
            "is nothing to correct. Calibrate them, or use MultinomialNB."
        )
    if isinstance(classifier, SVC | NuSVC) and own.get("class_weight") is not None:
        raise ValueError(
            f"{name} fits its probabilities to rows without class_weight="
            f"{own['class_weight']!r}: there is nothing to correct. Use it by itself."
        )
    if "sampling_strategy" in own and not (
        isinstance(classifier, _UNDER_SAMPLE) and own.get("sampler") is None
    ):
        raise ValueError(
            f"{name} resamples rows by itself, and what shares its members saw cannot "
            "be told. Put a sampler before a classifier, in a pipeline of "
            "imbalanced-learn."
        )
    _check_parts(classifier, has_weights)


def _check_parts(classifier, has_weights):
    name, parts = type(classifier).__name__, list(_parts_within(classifier))
    tried = {key for _, part in parts for key in _keys_of_grid(part)}
    for key, part in parts:
        bent = _bent_by(part, isinstance(classifier, _UNDER_SAMPLE))
        if bent == "prior_correction=False":
            # Other libraries may have a parameter of that name.
            keeps_prior = getattr(part, "_keeps_prior", None)
            if keeps_prior is not None and keeps_prior(tried, has_weights):
                continue
            raise ValueError(
                f"{name} has {key}={type(part).__name__}, and what shares that is "
                "trained with cannot be told. Pass prior_correction=True to it."
            )
        if bent:
            raise ValueError(
                f"{name} has {key}{bent}, and what becomes of class shares inside "
                f"it cannot be told. Put PriorCorrectedClassifier inside {name}, "
                "around that part."
            )


def _parts_within(classifier):
    """Estimators and grids inside a classifier, each with the way to it."""
    params = classifier.get_params(deep=True)
    for key, value in params.items():
        if hasattr(value, "get_params") or key in _GRIDS:
            yield key, value
        elif "__" not in key and isinstance(value, list | tuple):
            # Pairs that get_params does not look into.
            pairs = (one for one in value if isinstance(one, list | tuple))
            for name, part in (pair for pair in pairs if len(pair) == 2):
                if hasattr(part, "get_params") and name not in params:
                    yield f"{key}: {name}", part


def _keys_of_grid(part):
    """Parameters that a search sets, if this is its grid."""
    if hasattr(part, "get_params"):
        return set()
    grids = [part] if isinstance(part, dict) else part
    return {key for grid in grids for key in grid}


def _bent_by(part, is_sampled):
    """Parameter of a part that moves class shares, as it is written; or None."""
    if not hasattr(part, "get_params"):
        tried = {key.rpartition("__")[2] for key in _keys_of_grid(part)}
        moved = sorted(tried & (_WEIGHTS | _PRIORS | {"fit_prior", "prior_correction"}))
        return f" over {moved[0]}" if moved else None
    if hasattr(part, "fit_resample"):
        return None if is_sampled else f"={part!r}"
    params = part.get_params(deep=False)
    for key, value in params.items():
        is_one = isinstance(value, Number) and value == 1
        weighs = key in _WEIGHTS and not (value is None or value is False or is_one)
        states = key in _PRIORS and value is not None
        if weighs or states or (key == "fit_prior" and value is False):
            return f"__{key}={value!r}"
    if params.get("prior_correction") is False:
        return "prior_correction=False"
    return None


def _looks_at_weights(classifier):
    """Whether 'balanced' weighs classes by the weights of their rows."""
    if isinstance(classifier, LogisticRegression):
        return "sample_weight" in inspect.signature(compute_class_weight).parameters
    return classifier.get_params(deep=False)["class_weight"] == "balanced_subsample"


def _class_weights(classifier, classes, y, sample_weight):
    """Weight of each class by the parameters of a classifier."""
    params = classifier.get_params(deep=False)
    if "class_weight" not in params or params["class_weight"] is None:
        positive = params.get("scale_pos_weight")
        if positive is None or len(classes) != 2:
            return np.ones(len(classes))
        return np.array([1.0, positive])
    weight = params["class_weight"]
    balances = isinstance(weight, str)
    if balances and sample_weight is not None and _looks_at_weights(classifier):
        mass = class_mass(np.searchsorted(classes, y), len(classes), sample_weight)
        return np.divide(1, mass, out=np.zeros_like(mass), where=mass > 0)
    weight = "balanced" if balances else weight
    with naming_value("class_weight", weight):
        return compute_class_weight(weight, classes=classes, y=y)


def _stated_prior(params, n_classes):
    """Prior that a generative model takes from its parameters, or None."""
    for key in ("priors", "class_prior"):
        if params.get(key) is not None:
            return np.asarray(params[key], dtype=np.float64)
    return np.ones(n_classes) if params.get("fit_prior") is False else None


def trained_prior(classifier, classes, y, sample_weight=None):
    """Class shares that the probabilities of a classifier refer to.

    Parameters
    ----------
    classifier : object
        See :func:`check_is_known`.
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n,)
        Labels that its ``fit`` was given, after any resampling.
    sample_weight : ndarray of shape (n,) or None, default=None
        Weights that it was given.

    Returns
    -------
    ndarray of shape (n_classes,)
        Share of each class in the weights of the rows, times its class weight.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep.calibration._trained_prior import trained_prior
    >>> weighted = LogisticRegression(class_weight={0: 1, 1: 3})
    >>> trained_prior(weighted, np.array([0, 1]), np.array([0, 0, 0, 1]))
    array([0.5, 0.5])
    """
    mass = class_mass(np.searchsorted(classes, y), len(classes), sample_weight)
    if corrects_itself(classifier):
        return shares_of("y", mass)
    params = classifier.get_params(deep=False)
    stated = _stated_prior(params, len(classes))
    if stated is not None:
        return shares_of("the prior of the classifier", stated)
    if isinstance(classifier, _UNDER_SAMPLE):
        strategy = params["sampling_strategy"]
        left = check_sampling_strategy(strategy, y, "under-sampling")
        counts = class_mass(np.searchsorted(classes, y), len(classes))
        sampled = [
            left.get(c, n) for c, n in zip(classes.tolist(), counts, strict=True)
        ]
        mass = mass / counts * sampled
        y = np.repeat(classes, np.asarray(sampled, dtype=int))
    return shares_of(
        "class_weight", mass * _class_weights(classifier, classes, y, sample_weight)
    )
