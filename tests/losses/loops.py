"""Losses one row and one class at a time, in Python floats: what the tests believe."""

import math

import torch


def log_softmax(row):
    top = max(row)
    log_sum = top + math.log(sum(math.exp(z - top) for z in row))
    return [z - log_sum for z in row]


def cross_entropies(row):
    """Loss of a row for each class that its label may be."""
    return [-log_p for log_p in log_softmax(row)]


def focal_losses(row, gamma):
    return [-((1 - math.exp(log_p)) ** gamma) * log_p for log_p in log_softmax(row)]


def ldam_losses(row, margins, scale):
    losses = []
    for label, margin in enumerate(margins):
        shifted = [
            scale * (z - margin) if j == label else scale * z for j, z in enumerate(row)
        ]
        losses.append(-log_softmax(shifted)[label])
    return losses


def pick(per_class, label):
    """Entry of a class index, or the mean under a soft label."""
    if isinstance(label, int):
        return per_class[label]
    return sum(q * value for q, value in zip(label, per_class, strict=True))


def rows(losses_of_row, logits, target):
    """Loss of each row of a batch, as a float64 tensor."""
    pairs = zip(logits.tolist(), target.tolist(), strict=True)
    return torch.tensor(
        [pick(losses_of_row(row), label) for row, label in pairs], dtype=torch.float64
    )


def reduce(losses, weights, reduction, weight_reduction="weights", n_rows=None):
    """Weighted losses of one batch: each, their sum, or their weighted mean."""
    weighted = [
        loss * w for loss, w in zip(losses.tolist(), weights.tolist(), strict=True)
    ]
    if reduction == "none":
        return torch.tensor(weighted, dtype=torch.float64)
    total = sum(weighted)
    if reduction == "mean":
        if weight_reduction == "weights":
            total /= sum(weights.tolist())
        else:
            total /= len(losses) if n_rows is None else n_rows
    return torch.tensor(total, dtype=torch.float64)
