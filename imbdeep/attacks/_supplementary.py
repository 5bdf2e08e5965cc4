"""Copies of adversarial rows."""

import torch
from torch import Generator, Tensor


def supplementary_rows(
    x: Tensor,
    x_adv: Tensor,
    n_copies: int,
    scale: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    r"""Scatter copies along the attack, :math:`x + \alpha (x' - x) N(0, 1)` [1]_.

    Parameters
    ----------
    x, x_adv : Tensor of shape (n, ...)
        Rows, and their adversarial versions.
    n_copies : int, at least 0
        Copies per row, the paper's :math:`t`.
    scale : float, at least 0, default=1.0
        The paper's :math:`\alpha`.
    generator : torch.Generator or None, default=None
        Must be on the device of ``x``. None is torch's global generator.

    Returns
    -------
    Tensor of shape (n_copies * n, ...)
        One copy of every row, then another copy of every row, and so on.

    Notes
    -----
    Each feature has a factor of its own. Features that the attack did not move stay as
    they are; the others may leave its ball.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023. Eq. (5.2).

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._supplementary import supplementary_rows
    >>> x, x_adv = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    >>> supplementary_rows(x, x_adv, n_copies=3)[:, 1]
    tensor([0., 0., 0.])
    """
    factor = torch.empty(n_copies, *x.shape, dtype=x.dtype, device=x.device)
    factor.normal_(generator=generator)
    return torch.addcmul(x, factor, scale * (x_adv - x)).flatten(0, 1)
