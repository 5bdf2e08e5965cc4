"""How much each of several learners counts."""

import numpy as np

# A learner that is sure of the wrong class would rule itself out by one row.
_LEAST_PROBA = 1e-6


def blend_weights(likelihood, sample_weight=None, *, prior=2.0, max_iter=1_000):
    r"""Weights of a mixture under which the labels of rows are likeliest.

    Parameters
    ----------
    likelihood : ndarray of shape (n, n_learners)
        Probability that a learner gave to the class of a row.
    sample_weight : ndarray of shape (n,) or None, default=None
        Weights of the rows.
    prior : float, at least 0, default=2.0
        Rows that each learner is taken to have explained besides. With few rows it
        keeps one of several equal learners from getting all the weight by chance.
    max_iter : int, default=1_000

    Returns
    -------
    ndarray of shape (n_learners,)
        At least 0, with sum 1; they maximise
        :math:`\sum_i s_i \log \sum_l w_l p_{il} + a \sum_l \log w_l`, which is concave:
        each step of expectation maximisation comes closer to the one maximum.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.blending import blend_weights
    >>> likelihood = np.array([[0.9, 0.5]] * 8 + [[0.1, 0.5]] * 2)
    >>> blend_weights(likelihood, prior=0.0).round(2)
    array([0.75, 0.25])
    """
    likelihood = np.maximum(likelihood, _LEAST_PROBA)
    if sample_weight is None:
        sample_weight = np.ones(len(likelihood))
    n_learners = likelihood.shape[1]
    weights = np.full(n_learners, 1 / n_learners)
    for _ in range(max_iter):
        explained = likelihood * weights
        explained *= (sample_weight / explained.sum(axis=1))[:, None]
        before, weights = weights, explained.sum(axis=0) + prior
        weights = weights / weights.sum()
        if np.abs(weights - before).max() < 1e-6:
            break
    return weights
