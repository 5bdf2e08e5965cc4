import math

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from imbdeep.batches import BalancedBatches
from imbdeep.classifiers import NetClassifier
from tests.batches.data import generator, position_dataset
from tests.common.slow import half_of

COUNTS = [50, 7, 3]
# A right iterator fails one of these tests once in ten million runs.
LEVEL = 1e-7


def draw(n_epochs, **params):
    """Rows and labels of some epochs."""
    batches = BalancedBatches(
        position_dataset(COUNTS), 16, generator=generator(), **params
    )
    epochs = [batch for _ in range(n_epochs) for batch in batches]
    return torch.cat([X for X, _ in epochs]).flatten().long(), torch.cat(
        [y for _, y in epochs]
    )


@pytest.mark.parametrize("balance", ["exact", "expected"])
def test_classes_have_equal_shares(balance):
    _, y = draw(300, balance=balance)
    assert chisquare(y.bincount(minlength=3)).pvalue > LEVEL


def probabilities(beta):
    """Of each row, 1 over the effective number of its class, term by term."""
    labels = position_dataset(COUNTS).tensors[1].tolist()
    effective = [
        math.fsum(beta**i for i in range(n)) if beta is not None else n for n in COUNTS
    ]
    weights = np.array([1 / effective[label] for label in labels])
    return weights / weights.sum()


@half_of(balance=["exact", "expected"], beta=[None, 0.0, 0.9, 0.99, 0.9999])
def test_a_row_is_drawn_by_the_inverse_of_its_effective_number(balance, beta):
    rows, _ = draw(400, balance=balance, beta=beta)
    expected = len(rows) * probabilities(beta)
    found = rows.bincount(minlength=len(expected)).numpy()
    # Exact batches vary less than independent draws, so that this is one-sided.
    assert chisquare(found, expected).pvalue > LEVEL


@pytest.mark.parametrize("beta", [None, 0.9, 0.99])
def test_shares_are_those_of_the_probabilities(beta):
    dataset = position_dataset(COUNTS)
    shares = BalancedBatches(dataset, 16, beta=beta).class_shares(3)
    expected = np.bincount(dataset.tensors[1], weights=probabilities(beta))
    np.testing.assert_allclose(shares, expected, rtol=1e-12)


def test_towards_1_beta_gives_equal_shares():
    dataset = position_dataset(COUNTS)
    shares = BalancedBatches(dataset, 16, beta=1 - 1e-12).class_shares(3)
    np.testing.assert_allclose(shares, 1 / 3, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [2, 3, 9, 16, 60])
@pytest.mark.parametrize("beta", [None, 0.97])
def test_exact_batches_have_their_shares(batch_size, beta):
    """To less than a row, in every batch, and on average without remainder."""
    batches = BalancedBatches(
        position_dataset(COUNTS), batch_size, beta=beta, generator=generator()
    )
    shares = batches.class_shares(3).numpy()
    counts, sizes = [], []
    for _ in range(60):
        for _, y in batches:
            counts.append(y.bincount(minlength=3).numpy())
            sizes.append(len(y))
    off = np.array(counts) - np.array(sizes)[:, None] * shares
    assert np.abs(off).max() < 1
    error = off.std(0) / np.sqrt(len(off))
    assert (np.abs(off.mean(0)) <= 5.5 * error + 1e-9).all()
    if beta is None and batch_size % 3 == 0:
        assert np.abs(off[np.array(sizes) == batch_size]).max() < 1e-9


def test_expected_batches_vary_more():
    spread = {}
    for balance in ("exact", "expected"):
        batches = BalancedBatches(
            position_dataset(COUNTS), 15, balance=balance, generator=generator()
        )
        counts = [y.bincount(minlength=3) for _ in range(100) for _, y in batches]
        spread[balance] = torch.stack(counts).double().std(0)
    assert spread["exact"].max() == 0
    # Of a binomial number of 15 draws.
    expected = math.sqrt(15 * 1 / 3 * 2 / 3)
    np.testing.assert_allclose(spread["expected"], expected, rtol=0.15)


def test_rows_of_a_class_are_drawn_alike():
    labels = position_dataset(COUNTS).tensors[1]
    rows, _ = draw(300)
    counts = rows.bincount(minlength=len(labels))
    for label in range(3):
        assert chisquare(counts[labels == label]).pvalue > LEVEL


def test_draws_are_independent():
    # Pairs of neighbours in a batch show each pair of classes alike.
    _, y = draw(300, balance="expected")
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


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"balance": "data"}, "balance must be 'exact' or 'expected', got 'data'"),
        ({"beta": 1.0}, r"beta must be in \[0, 1\) or None, got 1.0"),
        ({"beta": -0.1}, r"beta must be in \[0, 1\) or None, got -0.1"),
    ],
)
def test_refuses_bad_parameters(params, match):
    with pytest.raises(ValueError, match=match):
        BalancedBatches(position_dataset(COUNTS), **params)


@pytest.mark.parametrize("balance", ["exact", "expected"])
def test_nets_reach_the_parameters(balance):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], [50, 10])
    net = NetClassifier(
        iterator_train="balanced",
        iterator_train__balance=balance,
        iterator_train__beta=0.95,
        max_epochs=1,
        random_state=0,
    ).fit(X, y)
    batches = net.get_iterator(net.get_dataset(X.astype("float32"), y), training=True)
    assert batches.balance == balance
    powers = [sum(0.95**i for i in range(n)) for n in (50, 10)]
    expected = np.array([50 / powers[0], 10 / powers[1]])
    np.testing.assert_allclose(batches.shares, expected / expected.sum())
