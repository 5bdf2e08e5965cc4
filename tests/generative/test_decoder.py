"""The decoder against a plain loop, and what it gives back."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from imbdeep._generative import RowDecoder


def table(n=60):
    """Rows of unlike scales, and embeddings that hold all there is to know."""
    rng = np.random.RandomState(0)
    embeddings = rng.randn(n, 3).astype(np.float32)
    mixed = embeddings @ rng.randn(3, 4).astype(np.float32)
    rows = mixed * np.float32([1, 1000, 0.01, 5]) + np.float32([0, 500, 3, -7])
    return torch.from_numpy(rows), torch.from_numpy(embeddings)


def fitted(rows, embeddings, n_epochs=60, **params):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        decoder = RowDecoder(rows, embeddings.shape[1], **params)
        losses = decoder.fit(
            embeddings, n_epochs=n_epochs, batch_size=16, lr=0.01, method="a decoder"
        )
    return decoder, losses["decoder"]


def test_training_is_that_of_a_plain_loop():
    rows, z = table()
    decoder, losses = fitted(rows, z, n_epochs=5, hidden_sizes=(7, 6))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 4)
        )
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        columns = rows.double().numpy()
        target = (columns - columns.mean(0)) / columns.std(0)
        target = torch.from_numpy(target).float()
        expected = []
        for _ in range(5):
            order, of_epoch = torch.randperm(60), []
            for batch in order.split(16):
                optimizer.zero_grad()
                loss = ((net(z[batch]) - target[batch]) ** 2).mean()
                loss.backward()
                optimizer.step()
                of_epoch.append(loss.item())
            expected.append(np.mean(of_epoch))
    assert_allclose(losses, expected, rtol=1e-4)
    for own, other in zip(decoder.net.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_rows_are_found_again_whatever_their_scale():
    rows, z = table()
    decoder, losses = fitted(rows, z, n_epochs=300)
    assert losses[-1] < 0.05 < losses[0]
    error = ((decoder(z) - rows) ** 2).mean(0) / rows.var(0)
    assert error.max() < 0.05
    assert decoder(z).dtype == torch.float32


def test_what_it_gives_is_in_the_range_of_each_column():
    rows, z = table()
    decoder, _ = fitted(rows, z)
    made = decoder(100 * z)
    assert (made >= rows.amin(0)).all() and (made <= rows.amax(0)).all()
    assert ((made == rows.amin(0)) | (made == rows.amax(0))).float().mean() > 0.5


def test_a_column_that_does_not_vary_stays_what_it_is():
    rows, z = table()
    rows[:, 2] = 3.5
    decoder, losses = fitted(rows, z)
    assert np.isfinite(losses).all()
    assert (decoder(torch.randn(20, 3)) == 3.5)[:, 2].all()


def test_rows_of_more_axes():
    rows, z = table()
    decoder, _ = fitted(rows.reshape(60, 2, 1, 2), z)
    flat, _ = fitted(rows, z)
    made = decoder(z[:9])
    assert made.shape == (9, 2, 1, 2)
    assert torch.equal(made.flatten(1), flat(z[:9]))


def test_it_goes_on_from_where_it_was():
    rows, z = table()
    decoder, losses = fitted(rows, z, n_epochs=40)
    more = decoder.fit(z, n_epochs=40, batch_size=16, lr=0.01, method="a decoder")
    assert len(more["decoder"]) == 40
    assert more["decoder"][0] < losses[0] / 2


def test_every_epoch_is_made_even_if_nothing_changes():
    rows, z = table()
    decoder = RowDecoder(torch.zeros_like(rows), 3)
    for parameter in decoder.net.parameters():
        parameter.data.zero_()
    losses = decoder.fit(z, n_epochs=9, batch_size=60, method="a decoder")
    assert losses["decoder"].tolist() == [0.0] * 9


def test_no_embeddings_give_no_rows():
    rows, z = table()
    decoder, _ = fitted(rows, z)
    assert decoder(z[:0]).shape == (0, 4)


def test_an_error_names_the_method():
    rows, z = table()
    decoder = RowDecoder(rows, 3)
    with pytest.raises(ValueError, match="the decoder of a net"):
        decoder.fit(
            z * np.inf, n_epochs=1, batch_size=60, method="the decoder of a net"
        )


@pytest.mark.gpu
def test_cuda():
    rows, z = table()
    on_cuda, _ = fitted(rows, z, device="cuda")
    on_cpu, _ = fitted(rows, z)
    assert next(on_cuda.net.parameters()).is_cuda
    made = on_cuda(z)
    assert made.device.type == "cpu"
    assert ((made - on_cpu(z)).abs() / rows.std(0)).max() < 0.5
