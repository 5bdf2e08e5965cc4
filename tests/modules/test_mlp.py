import pytest
import torch
from torch import nn

from imbdeep.modules import MLP, CosineHead, Standardization
from imbdeep.modules._mlp import ACTIVATIONS
from imbdeep.modules._registry import MODULES


def seeded(*args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MLP(*args, **kwargs)


def rows(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3)])
@pytest.mark.parametrize("head", ["linear", "cosine"])
@pytest.mark.parametrize("hidden_sizes", [(), (5,), [8, 4, 3]])
def test_shapes(shape, head, hidden_sizes):
    net = MLP(n_features=6, n_classes=4, hidden_sizes=hidden_sizes, head=head)
    x = rows(*shape, 6)
    assert net(x).shape == (*shape, 4)
    width = hidden_sizes[-1] if hidden_sizes else 6
    assert net.features(x).shape == (*shape, width)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agrees_with_layers_written_out(activation):
    net = seeded(3, 2, hidden_sizes=(5, 4), activation=activation, dropout=0.0)
    function = getattr(torch.nn.functional, activation, None) or torch.tanh
    x = expected = rows(7, 3)
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    for layer in linear[:-1]:
        expected = function(expected @ layer.weight.T + layer.bias)
    torch.testing.assert_close(net.features(x), expected)
    expected = expected @ linear[-1].weight.T + linear[-1].bias
    torch.testing.assert_close(net(x), expected)


def test_no_hidden_layer_is_a_linear_model():
    net = seeded(3, 2, hidden_sizes=())
    x = rows(7, 3)
    torch.testing.assert_close(net(x), x @ net.head.weight.T + net.head.bias)
    assert torch.equal(net.features(x), x)


def test_cosine_head():
    net = seeded(3, 2, head="cosine")
    assert isinstance(net.head, CosineHead)
    assert net(100 * rows(50, 3)).abs().max() <= 1 + 1e-6


def test_logits_are_the_head_of_the_features():
    net = seeded(3, 2).eval()
    x = rows(7, 3)
    torch.testing.assert_close(net(x), net.head(net.features(x)))


def test_dropout_leaves_out_its_share_in_training_only():
    net = seeded(3, 2, hidden_sizes=(50, 4_000), dropout=0.3, activation="tanh")
    x = rows(1, 3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        left_out = (net.train().features(x) == 0).float().mean().item()
    # Six standard deviations of a binomial share.
    assert abs(left_out - 0.3) < 6 * (0.3 * 0.7 / 4_000) ** 0.5
    assert torch.equal(net.eval().features(x), net.features(x))
    assert (net.features(x) != 0).all()


def test_without_dropout_training_is_evaluation():
    net = seeded(3, 2, dropout=0.0)
    x = rows(7, 3)
    assert torch.equal(net.train()(x), net.eval()(x))
    assert not [m for m in net.modules() if isinstance(m, nn.Dropout)]


def test_encoding_comes_first():
    x = 100 + 5 * rows(7, 3)
    scaling = Standardization(torch.full((3,), 100.0), torch.full((3,), 5.0))
    encoded = seeded(3, 2, encoding=scaling, dropout=0.0)
    plain = seeded(3, 2, dropout=0.0)
    torch.testing.assert_close(encoded(x), plain((x - 100) / 5))


def test_encoding_decides_the_width_of_the_first_layer():
    class Twice(nn.Module):
        n_outputs = 6

        def forward(self, x):
            return torch.cat([x, x], -1)

    net = MLP(3, 2, encoding=Twice())
    assert net.hidden[0].in_features == 6
    assert net(rows(7, 3)).shape == (7, 2)
    assert (
        MLP(3, 2, hidden_sizes=(), encoding=Twice()).features(rows(7, 3)).shape[1] == 6
    )


def test_state_dict_holds_the_encoding():
    scaling = Standardization(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    other = Standardization(torch.zeros(2), torch.ones(2))
    net, again = MLP(2, 2, encoding=scaling), MLP(2, 2, encoding=other)
    again.load_state_dict(net.state_dict())
    x = rows(7, 2)
    assert torch.equal(again.eval()(x), net.eval()(x))


def test_every_parameter_gets_a_gradient():
    net = seeded(3, 2, head="cosine", activation="tanh", dropout=0.0)
    net(rows(20, 3))[:, 0].sum().backward()
    # The other class's direction is not in the first logit.
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_registry():
    assert MODULES["mlp"] is MLP
    assert list(MODULES) == [
        *("mlp", "nca", "tabm", "conv", "squeezenet", "resnet18", "resnet50"),
        *("efficientnet_b0", "efficientnet_b4"),
    ]


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5, float("nan")])
def test_refuses_dropout_outside_its_range(dropout):
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got"):
        MLP(3, 2, dropout=dropout)


def test_refuses_an_unknown_activation():
    with pytest.raises(ValueError, match="activation must be 'gelu', .* got 'sine'"):
        MLP(3, 2, activation="sine")


@pytest.mark.parametrize("sizes", [(0,), (8, -1)])
def test_refuses_empty_layers(sizes):
    with pytest.raises(ValueError, match="hidden_sizes must hold whole numbers"):
        MLP(3, 2, hidden_sizes=sizes)


def test_residual_layers_add_their_inputs():
    net = seeded(3, 2, hidden_sizes=(5, 5, 5, 4), residual=True, dropout=0.0)
    x = rows(7, 3)
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    first, second, third, last = linear[:4]
    expected = first(x).relu()
    expected = expected + second(expected).relu()
    expected = expected + third(expected).relu()
    # The last has another width.
    torch.testing.assert_close(net.features(x), last(expected).relu())


def test_residual_changes_neither_parameters_nor_layers_of_other_widths():
    plain, residual = (seeded(3, 2, residual=r) for r in (False, True))
    x = rows(7, 3)
    assert torch.equal(plain.eval()(x), residual.eval()(x))
    plain, residual = (
        seeded(3, 2, hidden_sizes=(5, 5), residual=r) for r in (False, True)
    )
    for one, other in zip(plain.parameters(), residual.parameters(), strict=True):
        assert torch.equal(one, other)


def test_linear_skip_begins_at_the_plain_net_and_adds_a_linear_function():
    net = seeded(3, 2, linear_skip=True).eval()
    x = rows(7, 3)
    torch.testing.assert_close(net(x), net.head(net.features(x)))
    weight = torch.arange(6.0).reshape(2, 3)
    net.skip.weight.data = weight
    expected = net.head(net.features(x)) + x @ weight.T
    torch.testing.assert_close(net(x), expected)


def test_linear_skip_sees_encoded_inputs_and_is_trained():
    encoding = Standardization(rows(20, 3).mean(0), rows(20, 3).std(0) + 1)
    net = seeded(3, 2, linear_skip=True, encoding=encoding).eval()
    net.head.weight.data.zero_()
    net.head.bias.data.zero_()
    net.skip.weight.data.fill_(1.0)
    x = rows(7, 3)
    expected = encoding(x).sum(1, keepdim=True).expand(-1, 2)
    torch.testing.assert_close(net(x), expected)
    net(x)[:, 0].sum().backward()
    torch.testing.assert_close(net.skip.weight.grad[0], encoding(x).sum(0))


def test_a_bounded_head_refuses_a_skip():
    with pytest.raises(ValueError, match="head='cosine' bounds"):
        MLP(3, 2, head="cosine", linear_skip=True)
