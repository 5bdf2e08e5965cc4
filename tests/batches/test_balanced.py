import torch
from scipy.stats import chisquare

from imbdeep.batches import BalancedBatches
from tests.batches.data import generator, position_dataset

COUNTS = [50, 7, 3]
# A right iterator fails one of these tests once in ten million runs.
LEVEL = 1e-7


def draw(n_epochs):
    """Rows and labels of some epochs."""
    batches = BalancedBatches(position_dataset(COUNTS), 16, generator=generator())
    epochs = [batch for _ in range(n_epochs) for batch in batches]
    return torch.cat([X for X, _ in epochs]).flatten().long(), torch.cat(
        [y for _, y in epochs]
    )


def test_classes_have_equal_shares():
    _, y = draw(300)
    assert chisquare(y.bincount(minlength=3)).pvalue > LEVEL


def test_rows_of_a_class_are_drawn_alike():
    labels = position_dataset(COUNTS).tensors[1]
    rows, _ = draw(300)
    counts = rows.bincount(minlength=len(labels))
    for label in range(3):
        assert chisquare(counts[labels == label]).pvalue > LEVEL


def test_draws_are_independent():
    # Pairs of neighbours in a batch show each pair of classes alike.
    _, y = draw(300)
    pairs = 3 * y[0::2] + y[1::2]
    assert chisquare(pairs.bincount(minlength=9)).pvalue > LEVEL


def test_labels_stay_with_their_rows():
    labels = position_dataset(COUNTS).tensors[1]
    rows, y = draw(1)
    assert torch.equal(labels[rows], y)


def test_an_epoch_has_as_many_rows_as_the_dataset():
    _, y = draw(1)
    assert len(y) == sum(COUNTS)


def test_labels_need_not_be_consecutive():
    X, y = position_dataset(COUNTS).tensors
    labels = torch.tensor([2, 5, 11])[y]
    batches = BalancedBatches(
        torch.utils.data.TensorDataset(X, labels), 30, generator=generator()
    )
    drawn = torch.cat([y for _, y in batches])
    assert drawn.unique().tolist() == [2, 5, 11]
