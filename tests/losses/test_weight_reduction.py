"""What a row of a rare class weighs in training, by either reduction.

CIFAR-10-Step-100: five classes of 5000 rows and five of 50, batches of 128. At logits
of 0 the losses of all rows have gradients of one length, so that the length of the
gradient of a row is the coefficient that the reduction gives it.
"""

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from imbdeep.losses import class_balanced_weights
from imbdeep.losses._reduction import reduce_losses
from imbdeep.losses._registry import LOSSES

N_FREQUENT, N_RARE, BATCH_SIZE = 5000, 50, 128
COUNTS = torch.tensor([N_FREQUENT] * 5 + [N_RARE] * 5)
N_ROWS = int(COUNTS.sum())
Y = torch.arange(10).repeat_interleave(COUNTS)


def draw_batches(n_batches, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_batches):
        yield Y[torch.randperm(N_ROWS, generator=generator)[:BATCH_SIZE]]


def weight_ratio():
    """Class-balanced weight of a rare row, by one of a frequent row, term by term."""
    effective = [sum(0.9999**i for i in range(n)) for n in (N_FREQUENT, N_RARE)]
    return effective[0] / effective[1]


def coefficients(name, labels, weight, weight_reduction):
    """How long the gradient of each row is, in units of that of an unweighted row."""
    logits = torch.zeros(len(labels), 10, dtype=torch.float64, requires_grad=True)
    kwargs = {"class_counts": torch.ones(10), "scale": 1.0} if name == "ldam" else {}

    def lengths(weight, weight_reduction):
        loss = LOSSES[name](weight=weight, weight_reduction=weight_reduction, **kwargs)
        [gradient] = torch.autograd.grad(loss(logits, labels), logits)
        return gradient.norm(dim=1)

    return lengths(weight, weight_reduction) / lengths(None, "weights")


def mean_by_class(name, weight_reduction, normalization="rows", n_batches=1500):
    """Mean coefficient of the rows of frequent and of rare classes."""
    weight = class_balanced_weights(COUNTS, normalization=normalization)
    labels = torch.cat(list(draw_batches(n_batches)))
    batches = labels.split(BATCH_SIZE)
    each = torch.cat([coefficients(name, y, weight, weight_reduction) for y in batches])
    is_rare = labels >= 5
    return each[~is_rare].mean().item(), each[is_rare].mean().item()


def expected_by_weights():
    """Rare to frequent coefficient when batches are divided by their weights.

    A row of weight w in a batch with k rare rows has w / (B + (rho - 1) k).
    """
    rho, n_rare = weight_ratio(), 5 * N_RARE
    k = np.arange(BATCH_SIZE)
    others = N_ROWS - 1, BATCH_SIZE - 1
    p_rare = hypergeom.pmf(k, others[0], n_rare - 1, others[1])
    p_frequent = hypergeom.pmf(k, others[0], n_rare, others[1])
    rare = (p_rare / (BATCH_SIZE + (rho - 1) * (k + 1))).sum()
    frequent = (p_frequent / (BATCH_SIZE + (rho - 1) * k)).sum()
    return rho * rare / frequent


def test_the_figures():
    """Of Figure 4.5's weights, about 78, only the number of rows keeps the ratio."""
    assert weight_ratio() == pytest.approx(78.9, abs=0.05)
    assert expected_by_weights() == pytest.approx(55.0, abs=0.1)
    without = hypergeom.pmf(0, N_ROWS, 5 * N_RARE, BATCH_SIZE)
    assert without == pytest.approx(0.28, abs=0.002)


@pytest.mark.parametrize("name", LOSSES)
def test_by_rows_a_rare_row_counts_as_much_as_its_weight(name):
    frequent, rare = mean_by_class(name, "rows", n_batches=50)
    assert rare / frequent == pytest.approx(weight_ratio(), rel=1e-6)


@pytest.mark.slow
def test_by_weights_it_counts_less():
    frequent, rare = mean_by_class("cross_entropy", "weights")
    assert rare / frequent == pytest.approx(expected_by_weights(), rel=0.03)


@pytest.mark.parametrize("normalization", ["rows", "classes", "frequent"])
def test_a_batch_without_rare_rows(normalization):
    """By weights it counts as any batch, by rows as much as its rows weigh."""
    labels = torch.arange(BATCH_SIZE) % 5
    weight = class_balanced_weights(COUNTS, normalization=normalization)
    losses = torch.ones(BATCH_SIZE)
    by_rows = reduce_losses(losses, weight[labels], weight_reduction="rows").item()
    by_weights = reduce_losses(losses, weight[labels]).item()
    assert by_weights == pytest.approx(1)
    rho = weight_ratio()
    frequent = {
        "rows": N_ROWS / (5 * N_FREQUENT + 5 * rho * N_RARE),
        "classes": 10 / (5 + 5 * rho),
        "frequent": 1.0,
    }
    assert by_rows == pytest.approx(frequent[normalization], rel=1e-5)
    if normalization == "classes":
        assert by_weights / by_rows == pytest.approx(40, abs=0.1)


def test_normalized_over_the_rows_a_loss_keeps_its_size():
    """The mean over the data, and so over batches, is what it was without weights."""
    weight = class_balanced_weights(COUNTS, normalization="rows")
    losses = [
        reduce_losses(torch.ones(len(y)), weight[y], weight_reduction="rows")
        for y in Y[torch.arange(N_ROWS) * 7 % N_ROWS].split(250)
    ]
    assert torch.stack(losses).mean().item() == pytest.approx(1, rel=1e-5)
