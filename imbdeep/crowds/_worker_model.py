"""Workers and the labels they give: the mathematics of the aggregators."""

import numpy as np

# Replaces a probability of 0 in logarithms.
_LEAST = np.finfo(np.float64).tiny


def vote_shares(votes):
    """Compute the share of the votes for each label.

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes), int

    Returns
    -------
    ndarray of shape (n, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._worker_model import vote_shares
    >>> vote_shares(np.array([[3, 1], [0, 2]]))
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    return votes / votes.sum(1, keepdims=True)


def estimate_confusion(indicators, posterior, smoothing):
    """Estimate confusion matrices from labels: the M step for the workers.

    Parameters
    ----------
    indicators : sparse array of shape (n, W * C)
        See :func:`indicator_matrix`.
    posterior : ndarray of shape (n, C)
        Probability of each label.
    smoothing : float, at least 0
        Added to the count of every pair of labels.

    Returns
    -------
    ndarray of shape (W, C, C)
        [worker, true, given]; rows sum to 1. Uniform for a label without any counts.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._annotations import indicator_matrix
    >>> from imbdeep.crowds._worker_model import estimate_confusion
    >>> indicators = indicator_matrix(np.array([[0], [1], [0]]), 2)
    >>> estimate_confusion(indicators, np.array([[1.0, 0], [1, 0], [0, 1]]), 0)
    array([[[0.5, 0.5],
            [1. , 0. ]]])
    """
    n_classes = posterior.shape[1]
    counts = (indicators.T @ posterior).reshape(-1, n_classes, n_classes)
    counts = counts.transpose(0, 2, 1) + smoothing
    totals = counts.sum(2, keepdims=True)
    # For a class of which a worker has seen no row, and no smoothing: 0 / 0.
    uniform = np.full_like(counts, 1 / n_classes)
    return np.divide(counts, totals, out=uniform, where=totals > 0)


def estimate_prior(posterior, smoothing):
    """Estimate class shares from labels: the M step for the classes.

    Parameters
    ----------
    posterior : ndarray of shape (n, C)
    smoothing : float, at least 0
        Added to the count of every class.

    Returns
    -------
    ndarray of shape (C,)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._worker_model import estimate_prior
    >>> estimate_prior(np.array([[1.0, 0], [0.5, 0.5]]), 0)
    array([0.75, 0.25])
    """
    counts = posterior.sum(0) + smoothing
    return counts / counts.sum()


def log_joint(indicators, prior, confusion):
    """Log probability of a row's annotations together with each label, eq. (3.2).

    Parameters
    ----------
    indicators : sparse array of shape (n, W * C)
    prior : ndarray of shape (C,)
    confusion : ndarray of shape (W, C, C)

    Returns
    -------
    ndarray of shape (n, C)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._annotations import indicator_matrix
    >>> from imbdeep.crowds._worker_model import log_joint
    >>> indicators = indicator_matrix(np.array([[0, 0]]), 2)
    >>> confusion = np.array([[[0.5, 0.5], [0.2, 0.8]]] * 2)
    >>> np.exp(log_joint(indicators, np.array([0.4, 0.6]), confusion)).round(3)
    array([[0.1  , 0.024]])
    """
    # The smallest positive number instead of 0: a row whose annotations contradict all
    # labels still has a most probable one.
    log_confusion = np.log(np.maximum(confusion, _LEAST))
    log_prior = np.log(np.maximum(prior, _LEAST))
    by_annotation = log_confusion.transpose(0, 2, 1).reshape(-1, len(prior))
    return indicators @ by_annotation + log_prior


def error_rates(confusion, prior, n_given):
    """Compute each worker's error rate for given class shares.

    Parameters
    ----------
    confusion : ndarray of shape (W, C, C)
    prior : ndarray of shape (C,)
    n_given : ndarray of shape (W,), int
        Number of annotations of each worker.

    Returns
    -------
    ndarray of shape (W,)
        NaN for a worker without annotations.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._worker_model import error_rates
    >>> confusion = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.5, 0.5], [0.5, 0.5]]])
    >>> error_rates(confusion, np.array([0.5, 0.5]), np.array([7, 0]))
    array([0.25,  nan])
    """
    right = np.einsum("wcc,c->w", confusion, prior)
    return np.where(n_given > 0, 1 - right, np.nan)
