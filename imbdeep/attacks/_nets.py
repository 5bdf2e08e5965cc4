"""Nets as attacks see them: functions from rows to logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def net_logits(net: Any, x: Tensor) -> Tensor:
    """Logits of a skorch net, the softmax of which are its probabilities.

    Parameters
    ----------
    net : skorch classifier
        Must be initialized.
    x : Tensor of shape (n, ...)
        Must be on the device of the net.

    Returns
    -------
    Tensor of shape (n, n_classes)

    Raises
    ------
    ValueError
        If the module does not return one column per class.

    Examples
    --------
    >>> import torch
    >>> from skorch import NeuralNetClassifier
    >>> from imbdeep.attacks._nets import net_logits
    >>> net = NeuralNetClassifier(torch.nn.Linear(2, 3), criterion=torch.nn.NLLLoss)
    >>> net = net.initialize()
    >>> net_logits(net, torch.zeros(4, 2)).shape
    torch.Size([4, 3])
    """
    output = net.infer(x)
    # Of several outputs skorch predicts with the first.
    if isinstance(output, tuple):
        output = output[0]
    is_single = output.numel() == len(output)
    if is_single and isinstance(getattr(net, "criterion_", 0), nn.BCEWithLogitsLoss):
        # skorch's binary classifier has one logit, that of the second class.
        second = output.reshape(len(output))
        return torch.stack([torch.zeros_like(second), second], dim=-1)
    if output.ndim < 2 or output.shape[-1] < 2:
        raise ValueError(
            f"{type(net).__name__} gives outputs of shape {tuple(output.shape)}, and "
            "the attack needs a logit for each class. Let its module have one output "
            "per class."
        )
    if callable(getattr(net, "predict_nonlinearity", None)):
        output = net.predict_nonlinearity(output)
        return output.clamp_min(torch.finfo(output.dtype).tiny).log()
    if _gives_probabilities(net):
        return output.clamp_min(torch.finfo(output.dtype).tiny).log()
    return getattr(net, "logit_scale_", 1.0) * output


def _gives_probabilities(net: Any) -> bool:
    if hasattr(net, "gives_probabilities_"):
        return net.gives_probabilities_
    return isinstance(getattr(net, "criterion_", None), nn.NLLLoss)


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Switch dropout off and batch norm to running statistics; then restore all modes.

    Parameters
    ----------
    module : nn.Module

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._nets import evaluation_mode
    >>> module = torch.nn.Sequential(torch.nn.Dropout())
    >>> with evaluation_mode(module):
    ...     module.training
    False
    >>> module.training
    True
    """
    # Each part has a mode of its own: train() would thaw norms that a user has frozen.
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
