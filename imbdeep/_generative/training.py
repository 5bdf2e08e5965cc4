"""The training loop that autoencoders and adversaries share."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from imbdeep._torch.draws import current_generator

# Losses of scaled rows stay far below this, and none recovers from it. Saturated units
# can keep a diverged net from overflowing, so a check for infinity is not enough.
_DIVERGED = 1e12

# A player's name, its loss on a mini-batch, and parts of the loss to record.
Step = tuple[str, Tensor, dict[str, Tensor]]


def class_batches(
    classes: list[Tensor], n_batches: int, least: int = 1
) -> tuple[Tensor, Tensor]:
    """Deal the rows of each class into batches with equal class counts.

    Parameters
    ----------
    classes : list of Tensor
        Positions of the rows of each class.
    n_batches : int
    least : int, default=1
        Fewest rows of each class in a batch, or all if there are fewer; the rows of a
        small class are repeated.

    Returns
    -------
    positions : Tensor of shape (n_batches, batch_size), int64
        Every row is dealt at least once.
    weight : Tensor of shape (batch_size,)
        Weight of each position in a batch, which makes the mean over a batch unbiased
        for the mean over all rows. The weights have mean 1.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import class_batches
    >>> common, rare = torch.arange(90), torch.arange(90, 100)
    >>> positions, weight = class_batches([common, rare], n_batches=10, least=4)
    >>> (positions < 90).sum(1)  # plus four rows of the rare class
    tensor([9, 9, 9, 9, 9, 9, 9, 9, 9, 9])
    >>> weight[0], weight[-1]
    (tensor(1.3000), tensor(0.3250))
    """
    dealt, shares = [], []
    total = sum(len(rows) for rows in classes)
    for rows in classes:
        size = max(math.ceil(len(rows) / n_batches), min(least, len(rows)))
        order = torch.randperm(len(rows), generator=current_generator())
        shuffled = rows[order.to(rows.device)]
        rounds = math.ceil(n_batches * size / max(len(rows), 1))
        dealt.append(shuffled.repeat(rounds)[: n_batches * size].view(n_batches, size))
        shares.append(torch.full((size,), len(rows) / max(total * size, 1)))
    weight = torch.cat(shares)
    return torch.cat(dealt, 1), weight * len(weight)


def has_converged(losses: Mapping[str, list[float]], tol: float, patience: int) -> bool:
    """Whether no loss has changed by more than ``tol``, relative to itself.

    The mean of the last ``patience`` epochs is compared with that of the ``patience``
    epochs before.

    Parameters
    ----------
    losses : dict of str to list of float
        Values of each loss, one per epoch.
    tol : float
    patience : int

    Examples
    --------
    >>> from imbdeep._generative import has_converged
    >>> has_converged({"a": [9.0, 1.0, 1.0, 1.0, 1.0]}, tol=0.01, patience=2)
    True
    >>> has_converged({"a": [9.0, 5.0, 1.0, 1.0, 1.0]}, tol=0.01, patience=2)
    False
    """
    for values in losses.values():
        if len(values) < 2 * patience:
            return False
        before = np.mean(values[-2 * patience : -patience])
        change = abs(np.mean(values[-patience:]) - before)
        # Written so that NaN does not pass for convergence.
        if not change <= tol * abs(before):
            return False
    return True


def train(
    players: Mapping[str, nn.Module],
    one_epoch: Callable[[], Iterator[Step]],
    *,
    method: str,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    max_epochs: int,
    tol: float,
    patience: int,
    verbose: int = 0,
) -> dict[str, np.ndarray]:
    """Train players in turns until none of their losses changes any more.

    Parameters
    ----------
    players : dict of str to nn.Module
        Each minimises a loss of its own over its own parameters, with Adam.
    one_epoch : callable
        Yields the steps of an epoch: the name of a player, its loss, and other
        quantities to record. Each loss is computed after the steps before it.
    method : str
        Name for the progress bar and errors.
    lr : float
        Learning rate of all players.
    betas : tuple of float, default=(0.9, 0.999)
        Decay rates of Adam's running means.
    max_epochs : int
    tol, patience : float, int
        See :func:`has_converged`.
    verbose : int, default=0
        At least 1 shows a progress bar.

    Returns
    -------
    dict of str to ndarray of shape (n_epochs,)
        Mean of each loss and recorded quantity over the steps of each epoch.

    Raises
    ------
    ValueError
        If a loss or its gradient is not finite, or a loss exceeds 1e12.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from imbdeep._generative import train
    >>> net = nn.Linear(1, 1)
    >>> def one_epoch():
    ...     yield "net", (net(torch.ones(1, 1)) - 5).square().mean(), {}
    >>> losses = train(
    ...     {"net": net},
    ...     one_epoch,
    ...     method="a line",
    ...     lr=0.1,
    ...     max_epochs=50,
    ...     tol=0.0,
    ...     patience=5,
    ... )
    >>> bool(losses["net"][-1] < losses["net"][0])
    True
    """
    parameters = {
        name: [p for p in net.parameters() if p.requires_grad]
        for name, net in players.items()
    }
    optimizers = {
        name: torch.optim.Adam(own, lr=lr, betas=betas, fused=True)
        for name, own in parameters.items()
    }
    for net in players.values():
        net.train()
    history: dict[str, list[float]] = defaultdict(list)
    progress = tqdm(total=max_epochs, unit="epoch", desc=method, disable=not verbose)
    with progress:
        for epoch in range(1, max_epochs + 1):
            recorded = defaultdict(list)
            slopes = defaultdict(list)
            for name, loss, parts in one_epoch():
                optimizers[name].zero_grad()
                # The loss also runs through other players, which need no gradients.
                loss.backward(inputs=parameters[name])
                # Clips nothing, but returns the norm: if the square of a gradient
                # overflows, Adam makes steps of 0, which the loss does not show.
                slopes[name].append(
                    nn.utils.clip_grad_norm_(parameters[name], math.inf)
                )
                optimizers[name].step()
                # Read at the end of the epoch: item() would wait for the device.
                for key, value in {name: loss, **parts}.items():
                    recorded[key].append(value.detach())
            for key, values in recorded.items():
                history[key].append(torch.stack(values).mean().item())
            for name, norms in slopes.items():
                steepest = torch.stack(norms).max().item()
                _check_finite(method, epoch, name, history[name][-1], steepest)
            progress.set_postfix({key: f"{h[-1]:.3g}" for key, h in history.items()})
            progress.update()
            own_losses = {name: history.get(name, []) for name in players}
            if has_converged(own_losses, tol, patience):
                break
    for net in players.values():
        net.eval()
    return {key: np.array(values) for key, values in history.items()}


def _check_finite(method, epoch, name, loss, gradient_norm):
    if not abs(loss) < _DIVERGED or not math.isfinite(gradient_norm):
        what = (
            f"the gradient of the {name} loss is not finite"
            if abs(loss) < _DIVERGED
            else f"the {name} loss is {loss:.4g}"
        )
        raise ValueError(
            f"{method}: {what} in epoch {epoch}. Lower the learning rate lr, or look "
            "for extreme values in X."
        )


@torch.no_grad()
def outputs_of(net: nn.Module, rows: Tensor) -> Tensor:
    """Compute the outputs of a net for many rows, at most 2**18 numbers at a time.

    Parameters
    ----------
    net : nn.Module
        Runs in evaluation mode.
    rows : Tensor of shape (n, ...)
        Rows on any device.

    Returns
    -------
    Tensor of shape (n, ...)
        Outputs on the device of the net.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from imbdeep._generative import outputs_of
    >>> outputs_of(nn.Dropout(0.5), torch.ones(1, 3))
    tensor([[1., 1., 1.]])
    """
    training = net.training
    net.eval()
    try:
        # Bounds the memory of the activations, for wide rows and images as well.
        size = max(1, min(4096, 2**18 // max(rows[:1].numel(), 1)))
        device = next((p.device for p in net.parameters()), rows.device)
        return torch.cat([net(batch.to(device)) for batch in rows.split(size)])
    finally:
        net.train(training)
