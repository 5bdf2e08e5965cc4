"""Neighbourhood components: votes, candidates of a step, rows without a vote."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imbdeep.modules import NCA, PiecewiseLinearEncoding
from imbdeep.modules._nca import every_other, neighbor_logits, squared_distances


def drawn(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


def seeded(*args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NCA(*args, **kwargs)


def by_hand(nca, x, rows, y, weight, left_out):
    """Probabilities of one row after the other, in float64."""
    space = [nca.embed(part).detach().double().numpy() for part in (x, rows)]
    proba = np.zeros((len(x), nca.n_classes))
    for i, place in enumerate(space[0]):
        for j, candidate in enumerate(space[1]):
            if not left_out[i, j]:
                distance = np.sqrt(np.sum((place - candidate) ** 2))
                proba[i, y[j]] += weight[j] * np.exp(-distance)
    return proba / proba.sum(axis=1, keepdims=True)


# --- The vote ------------------------------------------------------------------------


def test_shares_of_the_votes_and_their_gradient():
    distances, votes = drawn(4, 6).abs(), drawn(6, 3, seed=1).abs()
    distances[1, 2] = torch.inf
    near = np.exp(-distances.numpy()) @ votes.numpy()
    expected = near / near.sum(1, keepdims=True) + 1e-7
    assert_allclose(neighbor_logits(distances, votes).exp(), expected)
    finite = drawn(4, 6).abs().requires_grad_()
    assert torch.autograd.gradcheck(lambda d: neighbor_logits(d, votes), finite)


def test_far_rows_are_decided_by_their_nearest():
    logits = neighbor_logits(torch.tensor([[1e4, 1e4 + 20]]), torch.eye(2))
    assert_allclose(logits.exp(), [[1.0, 1e-7]], rtol=0.1)


def test_without_candidates_all_classes_are_equal_and_no_gradient_is_nan():
    distances = torch.full((2, 3), torch.inf, requires_grad=True)
    logits = neighbor_logits(distances, torch.ones(3, 2))
    assert (logits == logits[0, 0]).all()
    logits.sum().backward()
    assert_array_equal(distances.grad, 0)


def test_distances_and_their_gradient():
    x, other = drawn(5, 3), drawn(4, 3, seed=1)
    expected = np.sum((x.numpy()[:, None] - other.numpy()) ** 2, axis=2)
    assert_allclose(squared_distances(x, other), expected)
    x, other = x.requires_grad_(), other.requires_grad_()
    assert torch.autograd.gradcheck(squared_distances, (x, other))


def test_rows_in_the_same_place_leave_gradients_finite():
    nca = seeded(3, 2, n_latent=4).train()
    rows = drawn(6, 3, dtype=torch.float32)
    nca.set_candidates(rows, torch.arange(6) % 2, torch.ones(6))
    nca.project.weight.data.zero_()
    nca(rows).sum().backward()
    assert nca.project.weight.grad.isfinite().all()


# --- The module ----------------------------------------------------------------------


@pytest.mark.parametrize("n_blocks", [0, 2])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_prediction_by_hand(n_classes, n_blocks):
    nca = seeded(4, n_classes, n_latent=5, n_blocks=n_blocks).eval()
    rows, x = drawn(30, 4, dtype=torch.float32), drawn(7, 4, seed=1).float()
    y, weight = torch.arange(30) % n_classes, drawn(30, seed=2).abs().float()
    weight[3] = 0
    nca.set_candidates(rows, y, weight)
    expected = by_hand(nca, x, rows, y, weight, np.zeros((7, 30), bool))
    assert_allclose(nca(x).softmax(-1).detach(), expected, rtol=1e-3, atol=1e-6)


def test_in_training_equal_rows_have_no_vote():
    nca = seeded(4, 2, n_latent=5).train()
    rows = drawn(20, 4, dtype=torch.float32)
    rows[7], rows[8, 2], rows[9, 2] = rows[6], torch.nan, torch.nan
    nca.encoding = torch.nn.Module()
    nca.encoding.forward = lambda x: x.nan_to_num(0.5)
    y = (torch.arange(20) > 14).long()
    nca.set_candidates(rows, y, torch.ones(20))
    left_out = np.eye(20, dtype=bool)
    left_out[6, 7] = left_out[7, 6] = True
    expected = by_hand(nca, rows, rows, y, np.ones(20), left_out)
    assert_allclose(nca(rows).softmax(-1).detach(), expected, rtol=1e-3, atol=1e-6)
    # In prediction they have.
    everyone = by_hand(nca, rows, rows, y, np.ones(20), np.zeros((20, 20), bool))
    assert_allclose(nca.eval()(rows).softmax(-1).detach(), everyone, rtol=1e-3)


def test_rows_that_differ_in_one_bit_are_not_equal():
    nca = seeded(3, 2, n_latent=2)
    rows = drawn(1, 3).repeat(4, 1)
    rows[1, 0] = np.nextafter(rows[0, 0].item(), 9)
    rows[2, :2] = rows[0, :2].flip(0)
    for dtype in (torch.float64, torch.float32):
        hashes = nca._hash(rows.to(dtype)).tolist()
        assert hashes[0] == hashes[3] != hashes[2]
    assert len(set(nca._hash(rows).tolist())) == 3


def test_each_step_sees_all_rare_rows_and_other_frequent_ones_which_count_for_all():
    nca = seeded(2, 2, n_candidates=20).train()
    y = (torch.arange(100) >= 94).long()
    nca.set_candidates(drawn(100, 2).float(), y, torch.ones(100))
    seen = []
    for _ in range(10):
        index = nca._candidates_of_step()
        assert set(range(94, 100)) <= set(index.tolist())
        seen.append([i for i in index.tolist() if i < 94])
        assert len(seen[-1]) in (9, 10)
    assert sorted(sum(seen, [])) == list(range(94))
    # Rows far from all: the share of each class is that of the data.
    nca.project.weight.data.zero_()
    assert_allclose(
        nca(100 + drawn(5, 2).float()).exp().detach(), [[0.94, 0.06]] * 5, rtol=1e-3
    )


def test_candidates_are_bounded_class_by_class():
    nca = seeded(2, 2, max_candidates=40)
    y = (torch.arange(1000) >= 990).long()
    nca.set_candidates(drawn(1000, 2).float(), y, torch.ones(1000))
    assert nca.classes.bincount().tolist() == [20, 10]
    nca.eval().project.weight.data.zero_()
    assert_allclose(nca(torch.zeros(1, 2)).exp().detach(), [[0.99, 0.01]], rtol=1e-3)


def test_rows_that_no_member_votes_with_are_no_candidates():
    y = torch.tensor([0] * 10 + [1] * 3)
    weight = torch.zeros(2, len(y))
    weight[0, [1, 4, 10]] = weight[1, [4, 7, 11, 12]] = 1.0
    nca = NCA(1, 2, max_candidates=8)
    nca.set_candidates(torch.arange(13.0)[:, None], y, weight)
    assert nca.rows.flatten().tolist() == [1, 4, 7, 10, 11, 12]
    assert nca.weight.tolist() == [[1, 1, 0, 1, 0, 0], [0, 1, 1, 0, 1, 1]]
    assert nca.class_weight.tolist() == [[2, 1], [2, 2]]


def test_a_class_none_of_whose_votes_are_seen_in_a_step():
    X = torch.tensor([[0.0], [1.0], [5.0], [6.0]], requires_grad=True)
    nca = NCA(1, 2)
    weight = torch.tensor([1.0, 2.0, 0.0, 0.0])
    nca.set_candidates(X.detach(), torch.tensor([0, 0, 1, 1]), weight + 1.0)
    # A member's, where another has those of the class.
    nca.weight.data, nca.class_weight.data[1] = weight, 1e30
    logits = nca(X + 0.5)
    assert_allclose(logits.detach().exp(), [[1, 0]] * 4, atol=1e-6)
    logits[:, 0].sum().backward()
    assert torch.isfinite(X.grad).all()


def test_two_of_each_class_take_part_however_many_classes_there_are():
    nca = seeded(2, 50, n_candidates=10, max_candidates=10).train()
    y = torch.arange(500) % 50
    nca.set_candidates(drawn(500, 2).float(), y, torch.ones(500))
    assert nca.classes.bincount().tolist() == [2] * 50
    assert len(nca._candidates_of_step()) == 100


def test_each_column_has_variance_one_at_first():
    rows = drawn(40, 3).float() * torch.tensor([1.0, 50.0, 1e-9]) + 7
    encoding = PiecewiseLinearEncoding(
        [torch.linspace(4, 10, 9), torch.tensor([-100.0, 0.0, 100.0])]
        + [torch.tensor([6.0, 8.0])]
    )
    nca = seeded(3, 2, encoding=encoding)
    nca.set_candidates(rows, torch.arange(40) % 2, torch.ones(40))
    nca.balance_columns(encoding)
    scaled = (encoding(rows) * nca.scale).double().numpy()
    for column, variance in enumerate([1.0, 1.0, 0.0]):
        inputs = scaled[:, encoding.source.numpy() == column]
        assert_allclose(inputs.var(axis=0).sum(), variance, atol=1e-3)
    # Training that goes on with other rows keeps what it began with.
    before = nca.scale.clone()
    nca.set_candidates(2 * rows, torch.arange(40) % 2, torch.ones(40))
    nca.balance_columns(encoding)
    assert torch.equal(nca.scale, before)


def test_positions_are_spread_and_none_is_forgotten():
    for n, most in [(7, 3), (9, 3), (10, 4), (3, 5), (0, 2)]:
        stride = max(1, -(-n // most))
        parts = [every_other(torch.arange(n), most, start) for start in range(stride)]
        assert max(map(len, parts)) <= most
        assert torch.cat(parts).sort().values.tolist() == list(range(n))


def test_state_of_a_module_with_candidates_loads_into_one_without():
    nca = seeded(2, 2).eval()
    nca.set_candidates(drawn(9, 2).float(), torch.arange(9) % 2, torch.ones(9))
    other = NCA(2, 2).eval()
    other.load_state_dict(nca.state_dict())
    x = drawn(4, 2, seed=3).float()
    assert torch.equal(nca(x), other(x))


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_candidates": 0}, "n_candidates"),
        ({"max_candidates": 0}, "max_candidates"),
        ({"n_latent": 0}, "n_latent"),
        ({"n_blocks": -1}, "n_blocks"),
        ({"dropout": 1.0}, "dropout"),
        ({"head": "cosine"}, "head"),
    ],
)
def test_bad_parameters(params, match):
    with pytest.raises(ValueError, match=match):
        NCA(2, 2, **params)


def test_needs_candidates():
    with pytest.raises(ValueError, match="no candidates"):
        NCA(2, 2)(torch.zeros(1, 2))
