"""A training step as a function of the rows it trains on, with its gradient."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from imbdeep._torch.seeding import draws_undone
from imbdeep._torch.switches import ProcessSwitch

Parameters = Mapping[str, Tensor]

# The fused kernels of attention have no second derivatives.
_MATH_ATTENTION = ProcessSwitch(partial(sdpa_kernel, SDPBackend.MATH))


@dataclass(frozen=True)
class BilevelStep:
    """Result of :func:`bilevel_step`; no part of it keeps a graph alive.

    Parameters
    ----------
    parameters : dict of str to Tensor
        The adapted parameters.
    gradient : Tensor
        Gradient of the outer loss with respect to the rows, shaped like them.
    inner_loss : Tensor
        Inner loss before the first step.
    outer_loss : Tensor
        Outer loss at the adapted parameters.
    """

    parameters: dict[str, Tensor]
    gradient: Tensor
    inner_loss: Tensor
    outer_loss: Tensor


def adapt(
    loss: Callable[[Parameters], Tensor],
    parameters: Parameters,
    lr: float,
    n_steps: int = 1,
) -> tuple[dict[str, Tensor], Tensor]:
    r"""Make plain gradient steps that can be differentiated.

    :math:`\theta' = \theta - \eta_1 \nabla_\theta L(\theta)`, ``n_steps`` times: eq. 1
    of [1]_.

    Parameters
    ----------
    loss : callable
        Takes the parameters and returns a scalar.
    parameters : dict of str to Tensor
        Tensors that require a gradient. A leading axis of stacked nets works when the
        loss is summed over it.
    lr : float
        Learning rate :math:`\eta_1` of the steps.
    n_steps : int, at least 1, default=1

    Returns
    -------
    parameters : dict of str to Tensor
        The adapted parameters, connected by a graph to all that ``loss`` depends on.
    first_loss : Tensor
        The loss before the first step.

    Raises
    ------
    ValueError
        If ``n_steps`` is below 1.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._meta_augment.step import adapt
    >>> start = {'w': torch.tensor(1.0, requires_grad=True)}
    >>> adapted, loss = adapt(lambda p: p['w'] ** 2, start, lr=0.25)
    >>> adapted['w'].item(), loss.item()
    (0.5, 1.0)
    """
    if n_steps < 1:
        raise ValueError(
            f"The number of inner steps must be at least 1, got {n_steps}."
        )
    adapted = dict(parameters)
    losses = []
    for _ in range(n_steps):
        losses.append(loss(adapted))
        gradients = torch.autograd.grad(
            losses[-1],
            list(adapted.values()),
            create_graph=True,
            # A parameter that the loss does not use keeps its value.
            materialize_grads=True,
        )
        adapted = {
            name: torch.sub(value, gradient, alpha=lr)
            for (name, value), gradient in zip(adapted.items(), gradients, strict=True)
        }
    return adapted, losses[0]


def bilevel_step(
    inner_loss: Callable[[Parameters, Tensor], Tensor],
    outer_loss: Callable[[Parameters], Tensor],
    parameters: Parameters,
    rows: Tensor,
    *,
    inner_lr: float,
    inner_steps: int = 1,
) -> BilevelStep:
    r"""Adapt the parameters to some rows, and differentiate the result by the rows.

    The two steps of Algorithm 1 of [1]_, up to the move of the rows itself: parameters
    :math:`\theta'(X_s)` after training on the rows, and the gradient
    :math:`\nabla_{X_s} L_{outer}(\theta'(X_s))`, which goes through the training step.

    Parameters
    ----------
    inner_loss : callable
        Takes parameters and rows, and returns the loss on them and the training rows.
        Use :func:`torch.func.functional_call` to call a module with parameters.
    outer_loss : callable
        Takes parameters and returns the loss on the validation rows.
    parameters : dict of str to Tensor
        Parameters before the step; leave out those that should not change.
    rows : Tensor
        Synthetic rows of any shape, floating point.
    inner_lr : float
        Learning rate :math:`\eta_1` of the parameters.
    inner_steps : int, at least 1, default=1
        Gradient steps between ``parameters`` and the adapted ones.

    Returns
    -------
    BilevelStep

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.

    Examples
    --------
    A row that pulls ``w`` towards itself should have been where validation wants ``w``:

    >>> import torch
    >>> from imbdeep.classifiers._meta_augment.step import bilevel_step
    >>> step = bilevel_step(
    ...     inner_loss=lambda p, rows: 0.5 * (p['w'] - rows).square().sum(),
    ...     outer_loss=lambda p: 0.5 * (p['w'] - 3) ** 2,
    ...     parameters={'w': torch.tensor(0.0)},
    ...     rows=torch.tensor([1.0]),
    ...     inner_lr=0.5,
    ... )
    >>> step.parameters['w'].item(), step.gradient.item()  # 0.5 * (0.5 - 3)
    (0.5, -1.25)
    """
    # New leaves: the caller's tensors get no gradient and need not require one.
    rows = rows.detach().requires_grad_()
    leaves = {
        name: value.detach().requires_grad_() for name, value in parameters.items()
    }
    with _MATH_ATTENTION:
        adapted, first_loss = adapt(
            lambda values: inner_loss(values, rows), leaves, inner_lr, inner_steps
        )
        last_loss = outer_loss(adapted)
    (gradient,) = torch.autograd.grad(last_loss, rows, materialize_grads=True)
    return BilevelStep(
        {name: value.detach() for name, value in adapted.items()},
        gradient,
        first_loss.detach(),
        last_loss.detach(),
    )


def changing_buffers(module: nn.Module, rows: Tensor) -> list[str]:
    """Find the buffers that a module changes in a forward pass of training.

    A training step is a function of parameters and rows only if there are none. Batch
    norm and spectral norm have such buffers.

    Parameters
    ----------
    module : nn.Module
        The module; a copy of it is run.
    rows : Tensor
        Rows to run it on, at least two.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from imbdeep.classifiers._meta_augment.step import changing_buffers
    >>> changing_buffers(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), torch.eye(2))
    []
    >>> changing_buffers(nn.BatchNorm1d(2), torch.eye(2))
    ['running_mean', 'running_var', 'num_batches_tracked']
    """
    copy = deepcopy(module).train()
    before = {
        name: (buffer, buffer._version, buffer.clone())
        for name, buffer in copy.named_buffers()
    }
    with torch.no_grad(), draws_undone(rows.device):
        copy(rows)
    changing = []
    for name, buffer in copy.named_buffers():
        earlier, version, values = before.get(name, (None, None, None))
        # Batch norm's kernel writes without increasing the version; other writes may
        # happen to leave the values unchanged for these rows.
        written = buffer is earlier and buffer._version != version
        if written or buffer is not earlier or not torch.equal(buffer, values):
            changing.append(name)
    return changing
