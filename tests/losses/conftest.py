import pytest
import torch


@pytest.fixture(params=[2, 3, 7])
def n_classes(request):
    return request.param


@pytest.fixture
def logits(n_classes):
    generator = torch.Generator().manual_seed(n_classes)
    return 3 * torch.randn(11, n_classes, generator=generator, dtype=torch.float64)


@pytest.fixture(params=["hard", "soft"])
def target(request, n_classes):
    generator = torch.Generator().manual_seed(10 + n_classes)
    if request.param == "hard":
        return torch.randint(n_classes, (11,), generator=generator)
    noise = torch.randn(11, n_classes, generator=generator, dtype=torch.float64)
    return noise.softmax(-1)


@pytest.fixture
def extreme_logits():
    """Float32 rows whose softmax is 0, 1 or even."""
    big = 1e4
    return torch.tensor(
        [
            [big, -big, 0.0],
            [-big, big, big],
            [big, big, big],
            [-big, -big, -big],
            [0.0, 0.0, -big],
            [0.0, 0.0, big],
        ]
    )
