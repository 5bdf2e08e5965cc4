"""Criteria of torch that a classifier cannot use."""

from torch import nn

_OF_CLASS_INDICES = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)


def check_targets(criterion, logits, y):
    """Refuse class indices for a loss of torch that takes a number for each logit.

    torch fails on them, or worse, broadcasts them where a batch has as many rows as
    there are classes.

    Parameters
    ----------
    criterion : callable
    logits : Tensor of shape (n, n_classes)
    y : Tensor of shape (n,) or (n, n_classes)
        Class indices or soft labels.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.criteria import check_targets
    >>> check_targets(torch.nn.MSELoss(), torch.zeros(2, 2), torch.tensor([0, 1]))
    Traceback (most recent call last):
    ValueError: it compares numbers one by one, and the logits have shape (2, 2), ...
    """
    of_torch = type(criterion).__module__.startswith("torch.nn.")
    if not of_torch or isinstance(criterion, _OF_CLASS_INDICES):
        return
    if logits.shape != y.shape:
        raise ValueError(
            f"it compares numbers one by one, and the logits have shape "
            f"{tuple(logits.shape)}, the class indices {tuple(y.shape)}. Use a loss of "
            "logits and class indices, such as CrossEntropyLoss."
        )
