"""Rebalanced MixUp: labels mixed in favour of the rarer class."""

import torch
from scipy.special import betainc
from torch import Tensor

from imbdeep.batches._tensor_batches import Rows, mix_rows, take_rows


def label_mixing(
    mixing: Tensor,
    count_i: Tensor,
    count_j: Tensor,
    kappa: float = 3.0,
    tau: float = 0.5,
) -> Tensor:
    r"""Weight of a row's own label when the row itself has weight ``mixing``.

    Between classes of similar size it is :math:`\lambda_x`, as in MixUp. If one class
    has :math:`\kappa` times as many rows as the other, and the row of the smaller one
    weighs more than :math:`1 - \tau`, the label is that of the smaller class alone
    [1]_, eq. 5.4:

    .. math::
        \lambda_y = \begin{cases}
        0 & n_i / n_j \ge \kappa \text{ and } \lambda_x < \tau \\
        1 & n_i / n_j \le 1 / \kappa \text{ and } 1 - \lambda_x < \tau \\
        \lambda_x & \text{otherwise}
        \end{cases}

    Parameters
    ----------
    mixing : Tensor of shape (*, n), floating point
        Weight :math:`\lambda_x` of each row in its mix, in [0, 1].
    count_i, count_j : Tensor of shape (*, n)
        Sizes of the class of each row, and of the class of its partner.
    kappa : float, at least 1, default=3
        A class must be this many times as large as another to lose its label to it.
    tau : float in [0, 1], default=0.5
        Largest weight of a row of the larger class in a mix that is labelled as the
        smaller class. 0 is plain MixUp.

    Returns
    -------
    Tensor of shape (*, n)
        :math:`\lambda_y`, of the dtype of ``mixing``.

    Raises
    ------
    ValueError
        If ``kappa`` is less than 1 or ``tau`` is not in [0, 1].

    Notes
    -----
    If both of the first two cases hold (``kappa=1`` and ``tau`` above 0.5), the first
    one applies.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University 2023, chapter 5. The rule is that of H.-P. Chou et al. "Remix:
       rebalanced mixup". ECCV workshops 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._rebalanced_mixup import label_mixing
    >>> mixing = torch.tensor([0.25, 0.75])
    >>> label_mixing(mixing, torch.tensor([90, 90]), torch.tensor([10, 10]))
    tensor([0.0000, 0.7500])
    >>> label_mixing(mixing, torch.tensor([10, 10]), torch.tensor([90, 90]))
    tensor([0.2500, 1.0000])
    """
    if not kappa >= 1:
        raise ValueError(f"kappa must be at least 1, got {kappa!r}; 3 is common.")
    if not 0 <= tau <= 1:
        raise ValueError(
            f"tau must be in [0, 1], got {tau!r}; 0.5 is common, 0 is plain MixUp."
        )
    count_i, count_j = count_i.double(), count_j.double()
    # Not n_i / n_j <= 1 / kappa: that is rounded, and would miss n_j = kappa n_i.
    to_row = (count_j / count_i >= kappa) & (1 - mixing < tau)
    to_partner = (count_i / count_j >= kappa) & (mixing < tau)
    return torch.where(to_partner, 0.0, torch.where(to_row, 1.0, mixing))


def label_moments(
    class_counts: Tensor, alpha: float, kappa: float = 3.0, tau: float = 0.5
) -> tuple[Tensor, Tensor]:
    r"""Expectations of the weight of a row's own label, and of its square.

    Parameters
    ----------
    class_counts : Tensor of shape (C,)
    alpha : float, greater than 0
        Rows have the weight :math:`\lambda_x \sim Beta(\alpha, \alpha)`.
    kappa, tau : float
        See :func:`label_mixing`.

    Returns
    -------
    first, second : Tensor of shape (C, C), float64
        For a row of each class (rows) and a partner of each class (columns).

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._rebalanced_mixup import label_moments
    >>> first, second = label_moments(torch.tensor([90, 10]), alpha=1.0)
    >>> first
    tensor([[0.5000, 0.3750],
            [0.6250, 0.5000]], dtype=torch.float64)
    """
    counts = class_counts.double()
    row, partner = counts[:, None], counts[None]
    to_partner = row / partner >= kappa
    to_row = (partner / row >= kappa) & ~to_partner
    # Expectations over the part of a beta distribution below a bound.
    square = (alpha + 1) / (2 * (2 * alpha + 1))
    above = 0.5 * (1 - betainc(alpha + 1, alpha, tau))
    square_above = square * (1 - betainc(alpha + 2, alpha, tau))
    moved = 1 - betainc(alpha, alpha, 1 - tau)
    below = 0.5 * betainc(alpha + 1, alpha, 1 - tau)
    square_below = square * betainc(alpha + 2, alpha, 1 - tau)
    half = torch.full_like(row * partner, 0.5)
    first = half.masked_fill(to_partner, above).masked_fill(to_row, below + moved)
    second = torch.full_like(half, square)
    second = second.masked_fill(to_partner, square_above)
    return first, second.masked_fill(to_row, square_below + moved)


def rebalanced_mixup(
    X: Rows,
    labels: Tensor,
    class_counts: Tensor,
    partner: Tensor,
    mixing: Tensor,
    kappa: float = 3.0,
    tau: float = 0.5,
    *,
    as_pairs: bool = False,
) -> tuple[Rows, Tensor]:
    r"""Mix rows with their partners, and labels in favour of the rarer class.

    :math:`\lambda_x x_i + (1 - \lambda_x) x_j` is labelled
    :math:`\lambda_y y_i + (1 - \lambda_y) y_j`, with :math:`\lambda_y` from
    :func:`label_mixing` [1]_, eq. 5.3.

    Parameters
    ----------
    X : Tensor of shape (n, ...), floating point, or dict of such
    labels : Tensor of shape (n, C), floating point
        One-hot or soft labels. The largest entry of a soft label gives the class whose
        size is compared.
    class_counts : Tensor of shape (C,)
        Number of rows per class in the set that rows are drawn from, including extra
        copies.
    partner : Tensor of shape (n,), int64
        Position of the row that each row is mixed with.
    mixing : Tensor of shape () or (n,), floating point
        Weight :math:`\lambda_x` of the rows themselves, in [0, 1]; one for all, or one
        per row.
    kappa : float, at least 1, default=3
        See :func:`label_mixing`.
    tau : float in [0, 1], default=0.5
        See :func:`label_mixing`.
    as_pairs : bool, default=False
        See :func:`~imbdeep.batches._tensor_batches.mix_rows`.

    Returns
    -------
    X_mix : Tensor of shape (n, ...) or dict of such
        Dtype of ``X``.
    labels_mix : Tensor of shape (n, C)
        Dtype of ``labels``.

    Raises
    ------
    ValueError
        If ``class_counts`` does not hold a count for each class of the labels, or
        ``kappa`` or ``tau`` is out of range.

    See Also
    --------
    MixUpBatches : Mixes labels like rows.
    ReMixBatches : Balances the rows of a batch instead of the labels.

    Notes
    -----
    NOTE[DIFF]: eq. 5.3 as printed mixes :math:`y_i` with itself; here the second label
    is the partner's, as in the method that the paper follows.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University 2023, chapter 5.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._rebalanced_mixup import rebalanced_mixup
    >>> X, labels = torch.tensor([[0.0], [1.0]]), torch.eye(2)
    >>> partner, mixing = torch.tensor([1, 0]), torch.tensor([0.4, 0.4])
    >>> X_mix, labels_mix = rebalanced_mixup(
    ...     X, labels, torch.tensor([90, 10]), partner, mixing
    ... )
    >>> X_mix
    tensor([[0.6000],
            [0.4000]])
    >>> labels_mix
    tensor([[0.0000, 1.0000],
            [0.6000, 0.4000]])
    """
    if class_counts.shape != labels.shape[-1:]:
        raise ValueError(
            f"class_counts has shape {tuple(class_counts.shape)} and the labels "
            f"{labels.shape[-1]} classes; give one count for each class."
        )
    counts = class_counts[labels.argmax(-1)]
    label_weight = label_mixing(mixing, counts, counts[partner], kappa, tau)
    X_mix = mix_rows(X, take_rows(X, partner), mixing, as_pairs=as_pairs)
    return X_mix, mix_rows(labels, take_rows(labels, partner), label_weight)
