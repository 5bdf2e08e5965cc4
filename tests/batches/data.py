"""Datasets whose rows say who they are."""

import numpy as np
import torch
from scipy.stats import beta
from torch.utils.data import TensorDataset


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def labels(counts, seed=0):
    """Class indices with the given counts, in random order."""
    y = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return y[torch.randperm(len(y), generator=generator(seed))]


def identity_dataset(counts, seed=0):
    """Row i is the i-th unit vector: a mixed row shows its parents."""
    y = labels(counts, seed)
    return TensorDataset(torch.eye(len(y)), y)


def position_dataset(counts, seed=0):
    """Row i is the number i."""
    y = labels(counts, seed)
    return TensorDataset(torch.arange(len(y), dtype=torch.float32)[:, None], y)


def smaller_mixing(batches):
    """The smaller of lambda and 1 - lambda of each batch, read from its mixed rows.

    Batches of identity datasets in which no row has two parents are passed over.
    """
    X = torch.stack([rows for rows, _ in batches])
    is_mixed = (X > 0).sum(2) == 2
    smaller = torch.where(X > 0, X, 1).amin(2)
    least = torch.where(is_mixed, smaller, 1).amin(1)
    most = torch.where(is_mixed, smaller, 0).amax(1)
    has_parents = is_mixed.any(1)
    assert torch.equal(least[has_parents], most[has_parents])
    return least[has_parents].double().numpy()


def assert_beta_law(mixing, alpha):
    """Compare smaller mixing weights with the law of min(lambda, 1 - lambda).

    lambda and 1 - lambda have the same law, and which of the two rows of a pair is
    "the row" cannot be told. Float32 loses 1 - lambda near 0, so the law is compared
    given that it is at least 1e-6.
    """
    mixing = mixing[mixing >= 1e-6]
    grid = np.geomspace(1e-6, 0.5, 500)
    empirical = (mixing[:, None] <= grid).mean(0)
    law = beta(alpha, alpha).cdf
    expected = (law(grid) - law(1e-6)) / (0.5 - law(1e-6))
    # Dvoretzky-Kiefer-Wolfowitz: a right law is further off once in ten million runs.
    gap = np.sqrt(np.log(2 / 1e-7) / (2 * len(mixing)))
    assert gap < 0.05
    assert np.abs(empirical - expected).max() < gap
