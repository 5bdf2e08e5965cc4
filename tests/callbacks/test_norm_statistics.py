"""Running statistics against means over batches, taken by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from imbdeep.callbacks._norm_statistics import NormStatistics


def make_module():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.2), nn.ReLU())
    module(torch.randn(50, 3))
    return module.double()


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    return [torch.from_numpy(2 + rng.normal(size=(n, 3))) for n in (30, 30, 5)]


def statistics_by_loop(module, batches):
    """Mean and unbiased variance of each batch, weighed by its rows."""
    n_rows, mean, variance = 0, 0.0, 0.0
    for X in batches:
        z = module[0](X).detach().numpy()
        n_rows += len(z)
        mean += len(z) * z.mean(0)
        variance += len(z) * z.var(0, ddof=1)
    return mean / n_rows, variance / n_rows


@torch.no_grad()
def test_they_are_means_over_the_rows(batches):
    module = make_module()
    mean, variance = statistics_by_loop(module, batches)
    with NormStatistics(module):
        for X in batches:
            module(X)
    np.testing.assert_allclose(module[1].running_mean, mean, rtol=1e-10)
    np.testing.assert_allclose(module[1].running_var, variance, rtol=1e-10)
    assert module[1].momentum == 0.2
    assert not module[1]._forward_hooks


@torch.no_grad()
def test_evaluation_mode_sees_what_was_there_and_does_not_count(batches):
    module = make_module()
    mean, _ = statistics_by_loop(module, batches[:1])
    before = module.eval()(batches[1])
    with NormStatistics(module):
        module.train()(batches[0])
        torch.testing.assert_close(module.eval()(batches[1]), before)
    np.testing.assert_allclose(module[1].running_mean, mean)


@torch.no_grad()
def test_a_norm_that_is_used_twice_counts_twice(batches):
    norm = nn.BatchNorm1d(3).double()
    with NormStatistics(norm):
        norm(batches[0])
        norm(batches[1] + 4)
    expected = (batches[0].mean(0) + batches[1].mean(0) + 4) / 2
    torch.testing.assert_close(norm.running_mean, expected)


@torch.no_grad()
def test_norms_of_pictures_and_of_instances(batches):
    pictures = torch.randn(6, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    for norm in (nn.BatchNorm2d(2), nn.InstanceNorm2d(2, track_running_stats=True)):
        with NormStatistics(norm):
            norm(pictures)
        expected = pictures.mean((0, 2, 3))
        torch.testing.assert_close(norm.running_mean, expected)


def test_nothing_to_do():
    frozen = nn.BatchNorm1d(3, track_running_stats=False)
    assert not NormStatistics(nn.Sequential(frozen, nn.Linear(3, 2))).norms
    norm = nn.BatchNorm1d(3)
    with NormStatistics(norm):
        pass
    assert norm.running_mean.tolist() == [0, 0, 0]
