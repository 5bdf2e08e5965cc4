"""Losses of autoencoders and adversaries, equations (2.1)-(2.6) of GL-GAN first."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Keeps the gradient of a square root finite at 0.
_TINY = 1e-12


def squared_error(made: Tensor, target: Tensor) -> Tensor:
    r"""Squared distance :math:`\|\hat x - x\|_2^2` of each row.

    Parameters
    ----------
    made, target : Tensor of shape (n, ...)

    Returns
    -------
    Tensor of shape (n,)

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import squared_error
    >>> squared_error(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]]))
    tensor([5.])
    """
    return (made - target).flatten(1).square().sum(1)


def weighted_mean(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted mean of per-row losses.

    Parameters
    ----------
    losses : Tensor of shape (n,)
    weight : Tensor of shape (n,) or None
        Weights with mean 1 over all rows. None gives all rows the same weight.
    """
    # Not divided by the sum: the weights of a batch need not have mean 1.
    return losses.mean() if weight is None else (weight * losses).mean()


def reconstruction_loss(
    made: Tensor, rows: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Mean squared distance between rows and their reconstructions, eq. (2.1).

    Parameters
    ----------
    made, rows : Tensor of shape (n, ...)
    weight : Tensor of shape (n,) or None, default=None
        Weight of each row, with mean 1, if a batch over-represents a class. None gives
        all rows the same weight.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import reconstruction_loss
    >>> rows = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    >>> reconstruction_loss(rows + torch.tensor([[1.0], [2.0]]), rows)
    tensor(5.)
    """
    return weighted_mean(squared_error(made, rows), weight)


def cluster_loss(
    latents: Tensor,
    one_hot: Tensor,
    majority: int,
    *,
    minority_weight: float,
    push_weight: float,
    margin: float,
) -> Tensor:
    r"""Pull the latents of a class together and the classes apart, eq. (2.2).

    .. math::
        v_{maj} + \lambda_1 \sum_{c \ne maj} v_c
        + \frac{\lambda_2}{C - 1} \sum_{c < d}
        \max(0,\ m \max(1, \sqrt{v_c} + \sqrt{v_d}) - \|\bar z_c - \bar z_d\|)^2

    with the mean latent :math:`\bar z_c` of a class and its spread :math:`v_c`, the
    mean squared distance of its latents to :math:`\bar z_c`.

    Parameters
    ----------
    latents : Tensor of shape (n, n_latent)
    one_hot : Tensor of shape (n, C)
        Classes of the latents; a class without latents is ignored.
    majority : int
        Index of the class whose pull has weight 1.
    minority_weight : float
        :math:`\lambda_1`.
    push_weight : float
        :math:`\lambda_2`.
    margin : float
        :math:`m`, the distance between two classes: in spreads, and at least absolute.

    Returns
    -------
    Tensor of shape ()

    Notes
    -----
    NOTE[DIFF]: the paper subtracts :math:`\lambda_2 \|\bar z_{maj} - \bar z_{min}\|^2`,
    which has no lower bound: training would push the means apart for ever. Here classes
    that are :math:`m` spreads apart are not pushed any further. The 1 gives the latents
    a scale; without it the loss would fall for ever as all latents shrink together.
    With more than two classes, every pair is pushed; that is our choice.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import cluster_loss
    >>> latents = torch.tensor([[0.0], [0.2], [9.0], [9.2]])
    >>> one_hot = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> loss = cluster_loss(
    ...     latents, one_hot, 0, minority_weight=1.0, push_weight=1.0, margin=3.0
    ... )
    >>> round(loss.item(), 3)  # two spreads of 0.1 squared; nothing left to push
    0.02
    """
    one_hot = one_hot.to(latents.dtype)
    counts = one_hot.sum(0)
    present = counts > 0
    # 0 / 0 would make all gradients NaN, those of the classes in the batch as well.
    counts = counts.clamp_min(1)
    means = (one_hot.T @ latents) / counts[:, None]
    spreads = (one_hot.T @ squared_error(latents, one_hot @ means)) / counts
    pull_weight = torch.full_like(counts, minority_weight)
    pull_weight[majority] = 1.0
    radius = (spreads + _TINY).sqrt()
    first, second = torch.triu_indices(
        len(counts), len(counts), 1, device=latents.device
    )
    distance = (squared_error(means[first], means[second]) + _TINY).sqrt()
    target = margin * (radius[first] + radius[second]).clamp_min(1)
    push = F.relu(target - distance).square()
    push = push * (present[first] & present[second])
    pull = (pull_weight * spreads).sum()
    return pull + push_weight * push.sum() / max(len(counts) - 1, 1)


def weight_penalty(module: nn.Module) -> Tensor:
    r"""Compute the squared norm of all parameters, :math:`R(\theta)` of eq. (2.3).

    Parameters
    ----------
    module : nn.Module

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> from torch import nn
    >>> from imbdeep._generative import weight_penalty
    >>> module = nn.Linear(2, 3, bias=False)
    >>> bool(weight_penalty(module) == module.weight.square().sum())
    True
    """
    parameters = torch.nn.utils.parameters_to_vector(module.parameters())
    return parameters.square().sum()


def discriminator_loss(
    real: Tensor, made: Tensor, fake_weight: float, weight: Tensor | None = None
) -> Tensor:
    r"""Least squares of real rows to 1 and of synthetic ones to 0, eq. (2.4).

    Parameters
    ----------
    real : Tensor of shape (n,)
        :math:`D(x)`, probability that a real row is real.
    made : Tensor of shape (m,)
        :math:`D(G(z))`.
    fake_weight : float
        :math:`\lambda`.
    weight : Tensor of shape (n,) or None, default=None
        Weight of each real row, see :func:`reconstruction_loss`.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import discriminator_loss
    >>> unsure = torch.full((4,), 0.5)
    >>> discriminator_loss(unsure, unsure, fake_weight=1.0)
    tensor(0.5000)
    """
    on_real = weighted_mean((real - 1).square(), weight)
    return on_real + fake_weight * made.square().mean()


def classifier_loss(
    real: Tensor,
    real_target: Tensor,
    made: Tensor,
    made_target: Tensor,
    fake_weight: float,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Least squares of class scores to the classes, eq. (2.5).

    Parameters
    ----------
    real : Tensor of shape (n, n_classes)
        :math:`C(x)`.
    real_target : Tensor of shape (n, n_classes)
        :math:`\Gamma_x`, one-hot.
    made : Tensor of shape (m, n_classes)
        :math:`C(G(z))`.
    made_target : Tensor of shape (m, n_classes)
        :math:`\Gamma_z`.
    fake_weight : float
        :math:`\lambda`.
    weight : Tensor of shape (n,) or None, default=None
        Weight of each real row, see :func:`reconstruction_loss`.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import classifier_loss
    >>> target, unsure = torch.eye(2), torch.full((2, 2), 0.5)
    >>> classifier_loss(target, target, unsure, target, fake_weight=1.0)
    tensor(0.5000)
    """
    on_real = weighted_mean(squared_error(real, real_target), weight)
    return on_real + fake_weight * squared_error(made, made_target).mean()


def generator_loss(
    reconstruction: Tensor,
    made_real: Tensor,
    made_class: Tensor,
    made_target: Tensor,
    *,
    adversarial_weight: float,
    classification_weight: float,
) -> Tensor:
    r"""Reconstruct real latents, pass as real and as the latent's class, eq. (2.6).

    Parameters
    ----------
    reconstruction : Tensor of shape ()
        :func:`reconstruction_loss` of the real latents.
    made_real : Tensor of shape (m,)
        :math:`D(G(z))`.
    made_class : Tensor of shape (m, n_classes)
        :math:`C(G(z))`.
    made_target : Tensor of shape (m, n_classes)
        :math:`\Gamma_z`.
    adversarial_weight, classification_weight : float
        :math:`\lambda_1` and :math:`\lambda_2`.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import generator_loss
    >>> generator_loss(
    ...     torch.tensor(0.1),
    ...     torch.tensor([0.5, 0.5]),
    ...     torch.eye(2),
    ...     torch.eye(2),
    ...     adversarial_weight=2.0,
    ...     classification_weight=1.0,
    ... )
    tensor(0.6000)
    """
    fooling = (made_real - 1).square().mean()
    classified = squared_error(made_class, made_target).mean()
    return (
        reconstruction
        + adversarial_weight * fooling
        + classification_weight * classified
    )


def log_loss_of_real(logits: Tensor) -> Tensor:
    r"""Mean of :math:`-\log D(x)`, with :math:`D` the sigmoid of logits.

    Parameters
    ----------
    logits : Tensor

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import log_loss_of_real
    >>> log_loss_of_real(torch.tensor([0.0, 0.0]))  # log 2
    tensor(0.6931)
    """
    # The logarithm of a sigmoid would be -inf where that rounds to 0.
    return F.softplus(-logits).mean()


def log_loss_of_synthetic(logits: Tensor) -> Tensor:
    r"""Mean of :math:`-\log(1 - D(x))`, with :math:`D` the sigmoid of logits.

    Parameters
    ----------
    logits : Tensor

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import log_loss_of_synthetic
    >>> log_loss_of_synthetic(torch.tensor([-50.0, 0.0]))  # half of log 2
    tensor(0.3466)
    """
    return F.softplus(logits).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, mixing: Tensor
) -> Tensor:
    r"""Penalise a critic's slope between real and synthetic rows unless it is 1.

    .. math::
        \frac{1}{n} \sum_i (\|\nabla_x D(\hat x_i)\|_2 - 1)^2, \quad
        \hat x_i = \epsilon_i x_i + (1 - \epsilon_i) G(z_i)

    Parameters
    ----------
    critic : callable
        Returns a score of shape (n,) for rows of shape (n, n_features).
    real, made : Tensor of shape (n, n_features)
    mixing : Tensor of shape (n,)
        :math:`\epsilon_i`, in [0, 1].

    Returns
    -------
    Tensor of shape ()
        Differentiable with respect to the parameters of the critic.

    References
    ----------
    I. Gulrajani et al. "Improved training of Wasserstein GANs". NeurIPS 2017.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import gradient_penalty
    >>> rows = torch.zeros(4, 3)
    >>> gradient_penalty(lambda x: 3 * x[:, 0], rows, rows, torch.rand(4))
    tensor(4.)
    """
    # Detached: the penalty trains the critic, not the generator.
    between = torch.lerp(made, real, mixing[:, None]).detach().requires_grad_()
    # Rows do not depend on each other, so the sum has all their gradients.
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slope.square().sum(1) + _TINY).sqrt() - 1).square().mean()
