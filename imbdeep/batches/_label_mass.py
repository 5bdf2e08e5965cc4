"""Which share each class has in the loss: rows drawn times weights."""

import math

import torch
from torch import Tensor


def weighted_shares(shares: Tensor, weight: Tensor) -> Tensor:
    """Share of each class in a loss that is divided by the number of rows.

    Parameters
    ----------
    shares : Tensor of shape (C,), float64
        Of the rows that are drawn.
    weight : Tensor of shape (C,)
        Weight of a row of each class, at least 0.

    Returns
    -------
    Tensor of shape (C,), float64

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._label_mass import weighted_shares
    >>> shares = torch.tensor([0.75, 0.25], dtype=torch.float64)
    >>> weighted_shares(shares, torch.tensor([1.0, 3.0]))
    tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    mass = shares * weight.to(shares)
    return mass / mass.sum()


def shares_of_normalized_batches(
    shares: Tensor, weight: Tensor, batch_size: int, spread: float = 1.0
) -> Tensor:
    r"""Share of each class in a loss whose batches are divided by their weights.

    With :math:`K_c` rows of each class in a batch, it is the expectation of
    :math:`K_c w_c / \sum_k K_k w_k`. Where the rare classes have the large weights it
    is less than the ratio of the expectations: a batch with more of their rows is
    divided by more. For rows that are drawn independently, and :math:`1 / a` as the
    integral of :math:`e^{-t a}`, it is

    .. math::
        B s_c w_c \int_0^\infty e^{-t w_c} \Bigl(\sum_k s_k e^{-t w_k}\Bigr)^{B - 1} dt.

    Parameters
    ----------
    shares : Tensor of shape (C,), float64
        Of the rows that are drawn.
    weight : Tensor of shape (C,)
        Weight of a row of each class, at least 0.
    batch_size : int
        The :math:`B` rows of a batch.
    spread : float in [0, 1], default=1
        Variance of the number of rows of a class in a batch, relative to independent
        draws. Of batches without replacement, the result is exact up to terms of third
        order.

    Returns
    -------
    Tensor of shape (C,), float64

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._label_mass import shares_of_normalized_batches
    >>> shares = torch.tensor([0.95, 0.05], dtype=torch.float64)
    >>> weight = torch.tensor([1.0, 19.0])
    >>> shares_of_normalized_batches(shares, weight, 128)
    tensor([0.5191, 0.4809], dtype=torch.float64)
    >>> shares_of_normalized_batches(shares, weight, 1)  # what is one row's weight
    tensor([0.9500, 0.0500], dtype=torch.float64)
    """
    expected = weighted_shares(shares, weight)
    present = (shares > 0) & (weight > 0)
    if spread == 0 or bool((weight[present] == weight[present][0]).all()):
        return expected
    weight = weight.to(shares) / (shares * weight.to(shares)).sum()
    # The trapezoidal rule over log t: both ends decay, so that it converges fast.
    step = 0.05
    end = math.log(60 / float(weight[present].min()))
    t = torch.arange(-30.0, end, step, dtype=torch.float64).exp()[:, None]
    # A class of weight 0 fills batches, too.
    exponents = torch.where(shares > 0, shares.log() - t * weight, -math.inf)
    others = (batch_size - 1) * exponents.logsumexp(-1, keepdim=True)
    integrand = t * (others - t * weight).exp()
    drawn = batch_size * shares * weight * integrand.sum(0) * step
    return expected + spread * (drawn / drawn.sum() - expected)


def shares_of_mixed_labels(
    shares: Tensor, weight: Tensor, first: Tensor, second: Tensor
) -> Tensor:
    r"""Share of each class in the loss of mixtures of two rows, and of their labels.

    A mixture of rows of the classes a and b has the label
    :math:`\lambda e_a + (1 - \lambda) e_b`, and the same mean of their weights.

    Parameters
    ----------
    shares : Tensor of shape (C,), float64
        Of the rows that are mixed; partners are drawn independently.
    weight : Tensor of shape (C,)
    first, second : Tensor of shape (C, C)
        Expectations of :math:`\lambda` and of :math:`\lambda^2` for each pair (a, b).

    Returns
    -------
    Tensor of shape (C,), float64

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._label_mass import shares_of_mixed_labels
    >>> shares = torch.tensor([0.75, 0.25], dtype=torch.float64)
    >>> half = torch.full((2, 2), 0.5, dtype=torch.float64)
    >>> shares_of_mixed_labels(shares, torch.ones(2), half, half / 2)
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    weight = weight.to(shares)
    pairs = shares[:, None] * shares
    mixed = first - second
    of_rows = (second * weight[:, None] + mixed * weight) * pairs
    of_partners = ((1 - 2 * first + second) * weight + mixed * weight[:, None]) * pairs
    mass = of_rows.sum(1) + of_partners.sum(0)
    return mass / mass.sum()
