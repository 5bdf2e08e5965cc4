"""Jensen-Shannon divergence: how far several predictions of a row disagree."""

from torch import Tensor

# As the authors of AugMix bound the mean of the probabilities from below.
_LEAST = 1e-7


def jensen_shannon(logits: Tensor) -> Tensor:
    r"""Compute the Jensen-Shannon divergence of several predictions of each row.

    It is the mean of the divergences of the predictions from their mean [1]_:

    .. math::
        \frac{1}{k} \sum_{i=1}^k KL(p_i || M), \quad M = \frac{1}{k} \sum_{i=1}^k p_i

    Parameters
    ----------
    logits : Tensor of shape (k, ..., C)
        Those of k views of each row.

    Returns
    -------
    divergence : Tensor of shape (...,)
        From 0, if the predictions agree, to :math:`\log k`, if none shares a class
        with another.

    Notes
    -----
    The gradient passes through all predictions and their mean. The mean is at least
    1e-7 in the logarithm, as in the code of [1]_.

    References
    ----------
    .. [1] D. Hendrycks, N. Mu, E. D. Cubuk, B. Zoph, J. Gilmer, B. Lakshminarayanan.
       "AugMix: A simple data processing method to improve robustness and uncertainty".
       ICLR 2020, eq. (1) and (2).

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import jensen_shannon
    >>> jensen_shannon(torch.tensor([[[50.0, 0.0]], [[0.0, 50.0]]]))
    tensor([0.6931])
    """
    log_p = logits.log_softmax(-1)
    p = log_p.exp()
    log_mean = p.mean(0).clamp(_LEAST, 1).log()
    return (p * (log_p - log_mean)).sum(-1).mean(0)
