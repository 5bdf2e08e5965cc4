"""Images for the tests of nets."""

import numpy as np
import torch
from torch import nn

# Options of a classifier that trains on all rows, to the end.
PLAIN = {"train_split": None, "early_stopping": False, "random_state": 0}


def images(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def striped(n_rows, n_bands, size, n_classes, seed=0):
    """Noise with a stripe in two, three, ...: rows for even classes, else columns."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_rows) % n_classes
    X = rng.rand(n_rows, n_bands, *size).astype(np.float32)
    for k in range(n_classes):
        every = 2 + k // 2
        if k % 2:
            X[y == k, :, :, ::every] += 1
        else:
            X[y == k, :, ::every] += 1
    return X, y


def with_statistics(net):
    """A net in evaluation whose batch norms are not those of the start."""
    generator = torch.Generator().manual_seed(2)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.1, generator=generator)
            norm.running_var.uniform_(0.5, 2, generator=generator)
            norm.weight.data.uniform_(0.5, 2, generator=generator)
            norm.bias.data.normal_(0, 0.1, generator=generator)
    return net.eval()


def normed(x, norm):
    """What a batch norm does in evaluation, by its definition."""
    mean, variance, gamma, beta = (
        part[:, None, None]
        for part in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return gamma * (x - mean) / (variance + norm.eps).sqrt() + beta
