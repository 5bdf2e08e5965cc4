import pytest
import torch
from torch import nn

from imbdeep.modules import MLP, ConvAutoencoder, MLPAutoencoder


@pytest.fixture(autouse=True)
def seeded():
    """First weights are drawn from the global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def rows(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def linear_layers(net):
    return [layer for layer in net.modules() if isinstance(layer, nn.Linear)]


# --- Tables --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3)])
@pytest.mark.parametrize("n_latent", [1, 5])
@pytest.mark.parametrize("hidden_sizes", [(), (4,), [8, 3]])
def test_shapes_of_tables(shape, n_latent, hidden_sizes):
    net = MLPAutoencoder(6, n_latent, hidden_sizes=hidden_sizes)
    x = rows(*shape, 6)
    assert net.encoder(x).shape == (*shape, n_latent)
    assert net(x).shape == x.shape


def test_the_decoder_mirrors_the_encoder():
    net = MLPAutoencoder(6, 2, hidden_sizes=(9, 4))
    down = [tuple(layer.weight.shape) for layer in linear_layers(net.encoder)]
    up = [tuple(layer.weight.shape) for layer in linear_layers(net.decoder)]
    assert down == [(9, 6), (4, 9), (2, 4)]
    assert up == [(b, a) for a, b in down[::-1]]


def test_agrees_with_layers_written_out():
    net = MLPAutoencoder(6, 2, hidden_sizes=(9,), output=nn.Sigmoid())
    x = expected = rows(7, 6)
    for i, layer in enumerate(linear_layers(net)):
        expected = expected @ layer.weight.T + layer.bias
        if i in (0, 2):
            expected = expected.relu()
        if i == 1:
            torch.testing.assert_close(net.encoder(x), expected)
    torch.testing.assert_close(net(x), 1 / (1 + (-expected).exp()))


def test_without_hidden_layers_codes_are_linear():
    net = MLPAutoencoder(6, 2, hidden_sizes=())
    x = rows(7, 6)
    torch.testing.assert_close(net(3 * x) - net(x), 2 * (net(x) - net(0 * x)))
    assert len(linear_layers(net)) == 2


def test_nothing_is_left_out_in_training():
    net = MLPAutoencoder(6, 2, hidden_sizes=(9,)).train()
    x = rows(7, 6)
    assert torch.equal(net(x), net(x))
    assert torch.equal(net(x), net.eval()(x))


def test_output_of_tables():
    x = rows(50, 6)
    bounded = MLPAutoencoder(6, output=nn.Sigmoid())(100 * x)
    assert bounded.min() >= 0 and bounded.max() <= 1
    free = MLPAutoencoder(6)(100 * x)
    assert free.min() < 0


def test_refuses_empty_layers():
    with pytest.raises(ValueError, match="hidden_sizes must hold whole numbers"):
        MLPAutoencoder(6, hidden_sizes=(0,))


# --- Images --------------------------------------------------------------------------

SHAPES = [(8, 8), (7, 5), (1, 1), (2, 9), (1, 28, 28), (3, 9, 7), (2, 1, 6)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_filters", [(4,), (4, 8), [4, 6, 8]])
@pytest.mark.parametrize("n_images", [1, 3])
def test_shapes_of_images(shape, n_filters, n_images):
    net = ConvAutoencoder(shape, 5, n_filters=n_filters)
    x = rows(n_images, *shape)
    assert net.encoder(x).shape == (n_images, 5)
    assert net.decoder(net.encoder(x)).shape == x.shape
    assert torch.equal(net(x), net.decoder(net.encoder(x)))


def test_each_layer_halves_height_and_width():
    seen = []
    net = ConvAutoencoder((3, 9, 7), n_filters=(4, 6, 8))
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda *call: seen.append(call[2].shape[1:]))
    net(rows(2, 3, 9, 7))
    down = [(4, 5, 4), (6, 3, 2), (8, 2, 1)]
    up = [(6, 3, 2), (4, 5, 4), (3, 9, 7)]
    assert [tuple(shape) for shape in seen] == down + up


def test_an_image_without_channels_is_one_of_one_channel():
    flat, deep = ConvAutoencoder((7, 5), 4), ConvAutoencoder((1, 7, 5), 4)
    for own, other in zip(flat.parameters(), deep.parameters(), strict=True):
        own.data.copy_(other.data)
    x = rows(3, 7, 5)
    torch.testing.assert_close(flat(x), deep(x[:, None])[:, 0])


def test_output_of_images():
    x = 100 * rows(5, 7, 5)
    bounded = ConvAutoencoder((7, 5), output=nn.Sigmoid())(x)
    assert bounded.min() >= 0 and bounded.max() <= 1
    assert ConvAutoencoder((7, 5))(x).min() < 0


@pytest.mark.parametrize("shape", [(), (5,), (1, 2, 3, 4)])
def test_refuses_what_is_no_image(shape):
    with pytest.raises(ValueError, match=r"shape must be \(height, width\) or .*, got"):
        ConvAutoencoder(shape)


# --- Both ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "shape"), [(lambda: MLPAutoencoder(6, 3), (6,)),
                         (lambda: ConvAutoencoder((7, 5), 3), (7, 5)),
                         (lambda: ConvAutoencoder((2, 7, 5), 3), (2, 7, 5))]
)  # fmt: skip
def test_every_parameter_learns(build, shape):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build()
    x = rows(40, *shape).abs()
    first = (net(x) - x).square().mean()
    first.backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        loss = (net(x) - x).square().mean()
        loss.backward()
        optimizer.step()
    assert first > 1.3 * loss


def test_codes_of_a_table_come_from_a_plain_net():
    assert isinstance(MLPAutoencoder(6).encoder, MLP)
