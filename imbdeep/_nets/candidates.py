"""Training rows for modules that compare rows with them."""

import numpy as np
import torch

from imbdeep._nets.stack import Stack
from imbdeep.batches import TensorBatches
from imbdeep.modules import NCA


def offer_candidates(net, train):
    """Pass the training rows to the parts of a module that compare rows with them.

    Parameters
    ----------
    net : BaseNetClassifier
        Initialized, in a run.
    train : Dataset
        With the rows of all members; each gets those that it trains on.

    Raises
    ------
    ValueError
        If there are such parts and the net augments its batches.
    """
    parts = [part for part in net.module_.modules() if isinstance(part, NCA)]
    if not parts:
        return
    if net.augment is not None:
        raise ValueError(
            f"module={net.module!r} compares each row with all training rows but "
            "itself, and would not know it again after augment. Leave augment None, or "
            "use another module."
        )
    batches = TensorBatches(train)
    X, weight = batches.X, torch.ones(len(batches.y))
    if isinstance(X, dict):
        X, weight = X["X"], X.get("sample_weight", weight)
    if net.class_weight_ is not None:
        # They vote for the classes that the loss says there are.
        weight = weight * torch.as_tensor(net.class_weight_).float()[batches.y]
    one = net.module_
    if isinstance(one, Stack):
        weight = _weight_by_member(weight, net.n_members, net.run_.member_rows)
        # The parameters of an encoding are stacked as well.
        one = one.alone(0)
    encodings = [part.encoding for part in one.modules() if isinstance(part, NCA)]
    for part, encoding in zip(parts, encodings, strict=True):
        part.set_candidates(X, batches.y, weight)
        part.balance_columns(encoding)


def _weight_by_member(weight, n_members, member_rows):
    """Weight of each row times how often each member trains on it."""
    n_rows = len(weight)
    if member_rows is None:
        return weight.expand(n_members, n_rows)
    counts = [np.bincount(rows, minlength=n_rows) for rows in member_rows]
    return weight * torch.as_tensor(np.stack(counts))
