"""The autoencoder of LatentSMOTE, trained by the library and by hand."""

import math
from copy import deepcopy

import numpy as np
import torch
from sklearn.preprocessing import minmax_scale

from imbdeep._generative import RowHead
from imbdeep.modules import MLPAutoencoder
from imbdeep.over_sampling import LatentSMOTE
from imbdeep_bench.speed.epochs import OptimizerClock, between_epochs
from imbdeep_bench.speed.measure import large_table

# As many rows of the rare class as LatentSMOTE puts in a batch, at least.
LEAST_RARE_ROWS = 8
WEIGHTS = ("cluster_weight", "minority_weight", "push_weight", "margin")


def _deal(positions, n_batches, size):
    shuffled = positions[torch.randperm(len(positions)).to(positions.device)]
    rounds = math.ceil(n_batches * size / len(positions))
    return shuffled.repeat(rounds)[: n_batches * size].view(n_batches, size)


def _mean_and_spread(codes):
    mean = codes.mean(0)
    return mean, (codes - mean).square().sum(1).mean()


def train_bare(autoencoder, rows, y, weights, *, epochs, n_batches, lr, rare_share):
    """Train the autoencoder of ``LatentSMOTE`` on two classes, by hand and in place.

    ``rare_share`` is the weight of the rarer class in the reconstruction loss, that of
    the other the rest of 1; ``weights`` are those of the sampler's loss. Returns the
    mean loss of each epoch.
    """
    cluster, minority, push_weight, margin = (weights[name] for name in WEIGHTS)
    common, rare = (y == 0).nonzero().flatten(), (y == 1).nonzero().flatten()
    n_common = math.ceil(len(common) / n_batches)
    n_rare = max(math.ceil(len(rare) / n_batches), min(LEAST_RARE_ROWS, len(rare)))
    optimizer = torch.optim.Adam(autoencoder.parameters(), lr=lr, fused=True)
    autoencoder.train()
    losses = []
    for _ in range(epochs):
        total = rows.new_zeros(())
        dealt = [_deal(common, n_batches, n_common), _deal(rare, n_batches, n_rare)]
        for batch in torch.cat(dealt, 1):
            optimizer.zero_grad(set_to_none=True)
            x = rows.index_select(0, batch)
            codes = autoencoder.encoder(x)
            error = (autoencoder.decoder(codes) - x).square().sum(1)
            of_common, of_rare = error[:n_common].mean(), error[n_common:].mean()
            loss = (1 - rare_share) * of_common + rare_share * of_rare
            mean_0, spread_0 = _mean_and_spread(codes[:n_common])
            mean_1, spread_1 = _mean_and_spread(codes[n_common:])
            radii = (spread_0.sqrt() + spread_1.sqrt()).clamp_min(1)
            push = (margin * radii - (mean_0 - mean_1).norm()).relu().square()
            pull = spread_0 + minority * spread_1
            loss = loss + cluster * (pull + push_weight * push)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        losses.append(total.item() / n_batches)
    return losses


def compare_epochs(n_rows, epochs, repeats, device, threads):
    """Median seconds of an epoch of ``LatentSMOTE`` and of the bare loop, in turn."""
    torch.set_num_threads(threads)
    table = large_table(n_rows)
    n_features = table.X.shape[1]
    rows = torch.from_numpy(minmax_scale(table.X)).to(device)
    target = torch.from_numpy(table.y).to(device)
    ours, bare = [], []
    for _ in range(repeats):
        # Without decay of the weights, as the loop by hand has none.
        told = {"weight_decay": 0.0, "scaling": "minmax", "device": device}
        sampler = LatentSMOTE(random_state=0, **told)
        autoencoder = MLPAutoencoder(
            n_features,
            sampler.n_latent,
            hidden_sizes=sampler.hidden_sizes,
            output=RowHead(n_features, [], bounded=True),
        )
        by_hand = deepcopy(autoencoder).to(device)
        sampler.set_params(max_epochs=epochs, autoencoder=autoencoder)
        with OptimizerClock() as clock:
            sampler.fit_resample(table.X, table.y)
        with OptimizerClock() as clock_by_hand:
            train_bare(
                *(by_hand, rows, target, sampler.get_params()),
                epochs=epochs,
                n_batches=len(clock.times) // epochs,
                lr=sampler.lr,
                rare_share=0.5,  # what it is has no cost
            )
        ours.append(np.median(between_epochs(clock.times, epochs)))
        bare.append(np.median(between_epochs(clock_by_hand.times, epochs)))
    return ours, bare
