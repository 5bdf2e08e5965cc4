"""Class shares, and what probabilities become when these change."""

from collections.abc import Mapping

import numpy as np

from imbdeep._arguments import naming_value
from imbdeep._tables.by_name import is_series
from imbdeep._tables.probabilities import check_probabilities


def class_mass(index, n_classes, weight=None):
    """Weight of the rows of each class.

    Parameters
    ----------
    index : ndarray of shape (n,), int
        Class indices.
    n_classes : int
    weight : ndarray of shape (n,) or None, default=None
        None counts rows.

    Returns
    -------
    ndarray of shape (n_classes,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.calibration._prior import class_mass
    >>> class_mass(np.array([0, 0, 2]), 3, np.array([1.0, 0.5, 2.0]))
    array([1.5, 0. , 2. ])
    """
    if weight is not None:
        weight = np.asarray(weight, dtype=np.float64)
    return np.bincount(index, weight, minlength=n_classes).astype(np.float64)


def shares_of(name, masses):
    """Divide the weights of classes by their sum, or say what is wrong with them.

    Parameters
    ----------
    name : str
        What an error calls them.
    masses : array-like of shape (*, n_classes)

    Returns
    -------
    ndarray of shape (*, n_classes), float64

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep.calibration._prior import shares_of
    >>> shares_of("trained_prior", [3, 1])
    array([0.75, 0.25])
    """
    with naming_value(name, masses):
        masses = np.asarray(masses, dtype=np.float64)
        if masses.ndim == 0 or not np.isfinite(masses).all() or (masses < 0).any():
            raise ValueError("it must be finite numbers of at least 0, one per class")
        totals = masses.sum(-1, keepdims=True)
        if not totals.all():
            raise ValueError("some class must have a share above 0")
        return masses / totals


def read_prior(name, prior, classes):
    """Share of each class, as a user states it.

    Parameters
    ----------
    name : str
        Of the parameter.
    prior : array-like of shape (n_classes,), or mapping or Series of shares by label
        They sum to 1.
    classes : ndarray of shape (n_classes,)
        Labels, in the order of an array.

    Returns
    -------
    ndarray of shape (n_classes,), float64

    Raises
    ------
    ValueError
        If a class is missing or unknown, or shares do not sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.calibration._prior import read_prior
    >>> read_prior("target_prior", {"b": 0.1, "a": 0.9}, np.array(["a", "b"]))
    array([0.9, 0.1])
    """
    labels = np.asarray(classes).tolist()
    with naming_value(name, prior):
        if isinstance(prior, Mapping) or is_series(prior):
            prior, n_given = dict(prior.items()), len(prior)
            differ = set(prior) ^ set(labels)
            # A dict has lost a label that comes twice in a Series.
            if differ or n_given != len(labels):
                raise ValueError(
                    f"it must hold the share of each class, {labels}, once, and of no "
                    f"other; it differs in {sorted(differ, key=str)}"
                )
            prior = [prior[label] for label in labels]
        prior = np.asarray(prior, dtype=np.float64)
        if prior.shape != (len(labels),):
            raise ValueError(
                f"it must hold {len(labels)} shares, in the order of the classes "
                f"{labels}"
            )
    shares = shares_of(name, prior)
    if not np.isclose(prior.sum(), 1, rtol=0, atol=1e-6):
        raise ValueError(
            f"{name} must sum to 1, and {prior.tolist()} sums to {prior.sum():g}."
        )
    return shares


def log_prior_ratio(trained_prior, target_prior, classes=None):
    r"""What a change of the class shares adds to the logits.

    Parameters
    ----------
    trained_prior : array-like of shape (*, n_classes)
        Shares that a classifier was trained with. Only ratios matter.
    target_prior : array-like of shape (n_classes,)
        Shares that its probabilities are to refer to, likewise.
    classes : ndarray of shape (n_classes,) or None, default=None
        Labels, for an error; None names positions.

    Returns
    -------
    ndarray of shape (*, n_classes), float64
        :math:`\log (t_c / s_c)`; ``-inf`` for a class that the target lacks.

    Raises
    ------
    ValueError
        If a class of the target had no share in training.

    Examples
    --------
    >>> from imbdeep.calibration._prior import log_prior_ratio
    >>> log_prior_ratio([0.5, 0.5], [0.9, 0.1]).round(3)
    array([ 0.588, -1.609])
    """
    trained = shares_of("trained_prior", trained_prior)
    target = shares_of("target_prior", target_prior)
    if trained.shape[-1:] != target.shape:
        raise ValueError(
            f"trained_prior has shape {trained.shape} and target_prior "
            f"{target.shape}; give one share for each class."
        )
    unknown = (trained == 0) & (target > 0)
    if unknown.any():
        where = np.flatnonzero(unknown.reshape(-1, len(target)).any(axis=0))
        named = where if classes is None else np.asarray(classes)[where]
        raise ValueError(
            f"Class {named.tolist()} had no share in training, and has one in "
            f"target_prior={target.tolist()}: nothing is known of its rows. Train with "
            "some, or leave prior correction."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(target > 0, np.log(target) - np.log(trained), -np.inf)


def correct_prior(proba, trained_prior, target_prior):
    r"""Probabilities for other class shares than those of training, by Bayes' rule.

    If the rows of each class are alike in training and in use, and only the shares of
    the classes differ, the probabilities in use are exactly [1]_

    .. math:: p'(c \mid x) \propto p(c \mid x) \, \frac{t_c}{s_c}.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Probabilities of a classifier that was trained with the shares :math:`s_c`.
    trained_prior : array-like of shape (n_classes,)
        The shares :math:`s_c`: numbers of rows, weights or shares, of which only the
        ratios matter. What counts is the rows that were drawn times the weight of each.
    target_prior : array-like of shape (n_classes,)
        The shares :math:`t_c` of the rows in use, likewise.

    Returns
    -------
    ndarray of shape (n_samples, n_classes), float64
        Rows sum to 1. Where all classes that are possible in use have probability 0, it
        is ``target_prior``; where a probability is NaN, as of rows that were never held
        out, all are.

    Raises
    ------
    ValueError
        If a class of the target had no share in training, a share is negative, or
        ``proba`` holds no probabilities.

    See Also
    --------
    PriorCorrectedClassifier : Finds the shares by itself.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker. "Adjusting the outputs of a
       classifier to new a priori probabilities: a simple procedure". Neural Computation
       14, 2002.

    Examples
    --------
    >>> from imbdeep.calibration import correct_prior
    >>> correct_prior([[0.5, 0.5], [0.1, 0.9]], [1, 1], [0.9, 0.1])
    array([[0.9, 0.1],
           [0.5, 0.5]])
    """
    log_ratio = log_prior_ratio(trained_prior, target_prior)
    proba = np.asarray(proba, dtype=np.float64)
    if proba.ndim != 2 or proba.shape[1:] != log_ratio.shape:
        raise ValueError(
            f"proba has shape {proba.shape}, and there are {len(log_ratio)} classes; "
            "give one column for each."
        )
    unknown = np.isnan(proba).any(axis=1)
    check_probabilities("proba", proba[~unknown])
    if not log_ratio.any():
        return np.where(unknown[:, None], np.nan, proba)
    # The largest factor is 1: a ratio of shares may be beyond any float.
    corrected = proba * np.exp(log_ratio - log_ratio.max())
    totals = corrected.sum(axis=1, keepdims=True)
    possible = totals[:, 0] > 0
    corrected[~possible] = shares_of("target_prior", target_prior)
    corrected[possible] /= totals[possible]
    corrected[unknown] = np.nan
    return corrected
