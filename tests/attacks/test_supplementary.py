import pytest
import torch
from scipy.stats import kstest

from imbdeep.attacks._supplementary import supplementary_rows


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_agrees_with_equation_5_2(shape, scale):
    draws = seeded(1)
    x = torch.randn(6, *shape, dtype=torch.float64, generator=draws)
    x_adv = x + torch.randn(x.shape, dtype=x.dtype, generator=draws)
    rows = supplementary_rows(x, x_adv, 3, scale, seeded())
    normal = torch.empty(3, *x.shape, dtype=x.dtype).normal_(generator=seeded())
    expected = [
        [
            x_i + scale * (a_i - x_i) * draw
            for x_i, a_i, draw in zip(*map(torch.Tensor.tolist, parts), strict=True)
        ]
        for copy in normal
        for parts in zip(x.flatten(1), x_adv.flatten(1), copy.flatten(1), strict=True)
    ]
    expected = torch.tensor(expected, dtype=x.dtype).reshape(18, *shape)
    torch.testing.assert_close(rows, expected)


def test_each_feature_of_each_copy_has_a_normal_factor():
    x, x_adv = torch.zeros(2, 3), torch.full((2, 3), 0.5)
    rows = supplementary_rows(x, x_adv, 5_000, 2.0, seeded())
    factors = rows.reshape(5_000, 6)
    for feature in factors.T:
        assert kstest(feature.numpy(), "norm").pvalue > 1e-6
    assert (factors.T.corrcoef() - torch.eye(6)).abs().max() < 0.08


def test_copies_follow_each_other_in_whole():
    x = torch.tensor([[0.0], [100.0], [200.0]])
    rows = supplementary_rows(x, x + 1, 4, generator=seeded())
    torch.testing.assert_close(rows, x.repeat(4, 1), rtol=0, atol=6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "n_copies"), [(0, 3), (4, 0), (0, 0), (1, 1)])
def test_shapes(n, n_copies, dtype):
    x = torch.ones(n, 2, 3, dtype=dtype)
    rows = supplementary_rows(x, x + 1, n_copies)
    assert rows.shape == (n_copies * n, 2, 3)
    assert rows.dtype == dtype


def test_what_the_attack_left_alone_stays():
    x = torch.tensor([[1e8, 0.1, 1.0], [-3.0, 1e-40, 2.0]])
    x_adv = x + torch.tensor([0.0, 0.0, 1.0])
    rows = supplementary_rows(x, x_adv, 10, 100.0, seeded())
    assert torch.equal(rows[:, :2], x[:, :2].repeat(10, 1))
    assert (rows[:, 2] != x[:, 2].repeat(10)).all()


def test_draws_come_from_the_generator():
    x, x_adv = torch.zeros(2, 3), torch.ones(2, 3)
    state = torch.get_rng_state()
    first = supplementary_rows(x, x_adv, 2, generator=seeded())
    assert torch.equal(first, supplementary_rows(x, x_adv, 2, generator=seeded()))
    assert not torch.equal(first, supplementary_rows(x, x_adv, 2, generator=seeded(1)))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_rows_are_left_as_they_were():
    x, x_adv = torch.zeros(2, 3), torch.ones(2, 3)
    supplementary_rows(x, x_adv, 2)
    assert (x == 0).all()
    assert (x_adv == 1).all()
