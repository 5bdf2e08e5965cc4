"""How much each of several learners counts."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from imbdeep.classifiers._imbalanced.calibrating import (
    fit_calibrator,
    too_few_to_calibrate,
)

# A learner that is sure of the wrong class would rule itself out by one row.
_LEAST_PROBA = 1e-6


def blend_weights(likelihood, sample_weight=None, *, prior=2.0):
    r"""Weights of a mixture under which the labels of rows are likeliest.

    Parameters
    ----------
    likelihood : ndarray of shape (n, n_learners)
        Probability that a learner gave to the class of a row.
    sample_weight : ndarray of shape (n,) or None, default=None
        Weights of the rows.
    prior : float, greater than 0, default=2.0
        Rows that each learner is taken to have explained besides. With few rows it
        keeps one of several equal learners from getting all the weight by chance.

    Returns
    -------
    ndarray of shape (n_learners,)
        Above 0, with sum 1; they maximise
        :math:`\sum_i s_i \log \sum_l w_l p_{il} + a \sum_l \log w_l`, which is concave.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.blending import blend_weights
    >>> likelihood = np.array([[0.9, 0.5]] * 80 + [[0.1, 0.5]] * 20)
    >>> blend_weights(likelihood, prior=0.01).round(2)
    array([0.75, 0.25])
    """
    likelihood = np.maximum(likelihood, _LEAST_PROBA)
    n, n_learners = likelihood.shape
    if sample_weight is None:
        sample_weight = np.ones(n)
    total = sample_weight.sum() + prior * n_learners

    # By logits relative to the mean: the weights stay above 0, with sum 1.
    def loss(z):
        weights = np.exp(z - z.max())
        weights /= weights.sum()
        mixed = likelihood @ weights
        value = sample_weight @ np.log(mixed) + prior * np.log(weights).sum()
        explained = weights * ((sample_weight / mixed) @ likelihood) + prior
        return -value / total, weights - explained / total

    found = minimize(
        loss,
        np.zeros(n_learners),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-8},
    )
    weights = np.exp(found.x - found.x.max())
    return weights / weights.sum()


@dataclass(frozen=True)
class Blend:
    """Learners as one.

    Attributes
    ----------
    weights : ndarray of shape (n_learners,)
    calibrator : object or None
    oof_proba : ndarray of shape (n, n_classes)
        Of the blend, calibrated; NaN where a row was held out by some learners at most.
    """

    weights: np.ndarray
    calibrator: Any
    oof_proba: np.ndarray


def fit_blend(out_of_fold, y, sample_weight, calibration):
    """Weigh learners, and calibrate them as one.

    Parameters
    ----------
    out_of_fold : ndarray of shape (n_learners, n, n_classes)
        Their probabilities, NaN for rows that none of their models held out.
    y : ndarray of shape (n,), int
        Class indices.
    sample_weight : ndarray of shape (n,) or None
    calibration : str or None

    Returns
    -------
    Blend

    Raises
    ------
    ValueError
        If too few rows were held out to calibrate.
    """
    is_judged = ~np.isnan(out_of_fold).any(axis=(0, 2))
    if not is_judged.any():
        warnings.warn(
            "No row was held out by all learners, so that they count the same. Pass "
            "more groups, or more rows of each class.",
            UserWarning,
            stacklevel=2,
        )
    judged = y[is_judged]
    if sample_weight is not None:
        sample_weight = sample_weight[is_judged]
    likelihood = out_of_fold[:, is_judged, judged].T
    weights = blend_weights(likelihood, sample_weight)
    oof_proba = np.tensordot(weights, out_of_fold, 1)
    if calibration is None:
        return Blend(weights, None, oof_proba)
    if np.bincount(judged, minlength=out_of_fold.shape[2]).min() < 2:
        raise too_few_to_calibrate(calibration)
    blended = oof_proba[is_judged]
    calibrator = fit_calibrator(calibration, blended, judged, sample_weight)
    oof_proba[is_judged] = calibrator.predict_proba(blended)
    return Blend(weights, calibrator, oof_proba)
