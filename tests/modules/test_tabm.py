import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import imbdeep
from imbdeep._torch.draws import drawing_from
from imbdeep.modules import PiecewiseLinearEncoding, TabM
from imbdeep.modules._penultimate import penultimate

pytest.importorskip("tabm")


def seeded(*args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TabM(*args, **kwargs)


def rows(*shape):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def differ(module):
    """Give members scales and shifts that differ, as after training."""
    generator = torch.Generator().manual_seed(2)
    for parameter in module.parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.data += noise
    return module


def member(module, i, x):
    """One member by the formula of BatchEnsemble, row by row."""
    outputs = []
    for row in x:
        for layer in module.hidden:
            if hasattr(layer, "r"):
                row = layer.s[i] * (layer.weight @ (layer.r[i] * row)) + layer.bias[i]
            else:
                row = layer(row)
        if hasattr(module.head, "bias"):
            outputs.append(row @ module.head.weight[i] + module.head.bias[i])
        else:
            directions = module.head.weight[i]
            # Rectified units may all be 0.
            lengths = (directions.norm(dim=1) * row.norm()).clamp_min(1e-12)
            outputs.append(directions @ row / lengths)
    return torch.stack(outputs)


@pytest.mark.parametrize("head", ["linear", "cosine"])
@pytest.mark.parametrize("activation", ["relu", "silu"])
@pytest.mark.parametrize("sizes", [(5,), (6, 4)])
def test_each_member_is_a_perceptron(head, activation, sizes):
    params = {"hidden_sizes": sizes, "activation": activation, "head": head}
    module = seeded(3, 4, k=5, dropout=0.2, **params)
    module = differ(module.double()).eval()
    x = rows(6, 3)
    outputs = module(x)
    assert outputs.shape == (6, 5, 4)
    for i in range(5):
        torch.testing.assert_close(outputs[:, i], member(module, i, x))


def test_its_gradient():
    module = seeded(3, 2, k=2, hidden_sizes=(4,), activation="tanh", dropout=0).double()
    x = rows(3, 3).requires_grad_()
    assert torch.autograd.gradcheck(module, x)
    module(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in module.parameters())


def test_members_share_all_but_vectors():
    many, few = seeded(7, 3, k=32), seeded(7, 3, k=2)
    added = sum(p.numel() for p in many.parameters()) - sum(
        p.numel() for p in few.parameters()
    )
    # Of each of 30 members: scales of inputs and outputs, shifts, and the last layer.
    assert added == 30 * (7 + 256 + 256 + 256 + 256 + 256 + 256 * 3 + 3)


def test_without_an_encoding_columns_are_turned_by_signs():
    first = seeded(50, 2, k=8).hidden[0]
    assert set(first.r.flatten().tolist()) == {-1.0, 1.0}
    assert set(first.s.flatten().tolist()) == {1.0}


def test_all_that_a_column_is_encoded_as_is_scaled_alike():
    bins = [torch.tensor([0.0, 1, 2, 3]), torch.tensor([0.0, 1])]
    encoding = PiecewiseLinearEncoding(bins)
    scales = seeded(2, 2, k=8, encoding=encoding).hidden[0].r
    assert encoding.source.tolist() == [0, 0, 0, 1]
    assert (scales[:, :3] == scales[:, :1]).all()
    assert (scales[:, 0] != scales[:, 3]).all()
    # Eight draws or sixteen: not of one sign, and of no fixed size.
    assert len(scales[:, [0, 3]].unique()) == 16


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_draws_from_the_generator_of_a_fit(dropout):
    module = seeded(3, 2, k=2, dropout=dropout)
    x = rows(4, 3).float()
    with drawing_from(torch.Generator().manual_seed(0)):
        first, second = module(x), module(x)
    with drawing_from(torch.Generator().manual_seed(0)):
        again = module(x)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert torch.equal(first, second) == (dropout == 0)
    assert not any(type(part) is nn.Dropout for part in module.modules())


def test_features_and_head():
    module = seeded(3, 2, k=4, hidden_sizes=(6, 5)).eval()
    x = rows(7, 3).float()
    assert module.features(x).shape == (7, 4, 5)
    torch.testing.assert_close(module.head(module.features(x)), module(x))
    torch.testing.assert_close(penultimate(module, x), module.features(x).flatten(1))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"k": 0}, "k must be .*, got 0"),
        ({"hidden_sizes": ()}, "hidden_sizes must have one layer or more"),
        ({"dropout": 1.0}, "dropout must be .* got 1.0"),
        ({"head": "round"}, "head must be .* got 'round'"),
        ({"activation": "step"}, "activation must be .* got 'step'"),
    ],
)
def test_refusals(params, message):
    with pytest.raises(ValueError, match=message):
        TabM(3, 2, **params)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tabm", None)
    with pytest.raises(ImportError, match=r"pip install imbdeep\[tabm\].*'mlp'"):
        TabM(3, 2)


@pytest.mark.slow
def test_importing_the_folder_does_not_import_tabm():
    folder = Path(imbdeep.__file__).parents[1]
    code = "import sys, imbdeep.modules; sys.exit('tabm' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
