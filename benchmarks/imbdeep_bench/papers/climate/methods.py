"""The ways to train that the paper compares, and those it leaves out.

Each is made by ``make(shared)``; ``published`` is what published.csv calls it.
"""

from dataclasses import dataclass

import numpy as np
from imblearn import FunctionSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler

from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.over_sampling import DCGANSampler
from imbdeep.preprocessing import BandSelector
from imbdeep_bench.engine.experiment import Method, by_name
from imbdeep_bench.papers.climate.nets import ScaledBands
from imbdeep_bench.papers.climate.tiles import BANDS

N_CLASSES = 4
# Section 5: 120,000 tiles of 86,317, 30,000 of each class. The most frequent one had
# more than that, so it was under-sampled.
GAN_SHARE = 30_000 / 86_317
# NOTE[DIFF]: not in the paper; that of the authors' code.
BATCH_SIZE = 32
CLR = {"iterator_train": "balanced", "lr_schedule": "triangular"}
# NOTE[DIFF]: the paper does not say when averaging begins. At half of the epochs, a run
# of twelve averages two cycles; at three quarters, one, which would be no average.
SWA = {**CLR, "weight_averaging": "swa", "average_from": 0.5}


@dataclass(frozen=True)
class Shared:
    """What the methods of a cell have in common."""

    module: str
    max_epochs: int
    gan_epochs: int
    gan_filters: int
    gan_batch: int
    random_state: int
    device: str
    moments: tuple | None = None  # mean and standard deviation of each band


# --- Steps ---------------------------------------------------------------------------


def positions_of(bands):
    """Return where bands are among the ten, from 0; None: all of them."""
    return [band - 1 for band in (BANDS if bands is None else bands)]


def make_net(cls, shared, bands, **own):
    """Return a net for some bands."""
    mean, std = shared.moments or (None, None)
    chosen = positions_of(bands)
    return cls(
        ScaledBands,
        module__net=shared.module,
        module__mean=mean and tuple(mean[i] for i in chosen),
        # A band that does not vary stays 0.
        module__std=std and tuple(std[i] or 1.0 for i in chosen),
        augment="flips",
        batch_size=BATCH_SIZE,
        max_epochs=shared.max_epochs,
        early_stopping=False,
        train_split=None,
        verbose=0,
        device=shared.device,
        random_state=shared.random_state,
        **own,
    )


def n_of_each_class(n):
    """Return how many tiles each class has once all are equal.

    >>> n_of_each_class(86_317), n_of_each_class(3000)
    (30000, 1043)
    """
    return round(GAN_SHARE * n)


def under_sample(X, y, random_state):
    """Draw so many tiles of the classes that have more than all are to have."""
    most = n_of_each_class(len(y))
    labels, counts = np.unique(y, return_counts=True)
    pairs = zip(labels.tolist(), counts.tolist(), strict=True)
    sampler = RandomUnderSampler(
        sampling_strategy={label: most for label, n in pairs if n > most},
        random_state=random_state,
    )
    # It refuses images; their numbers are a column.
    sampler.fit_resample(np.arange(len(y))[:, None], y)
    rows = np.sort(sampler.sample_indices_)
    return X[rows], y[rows]


def make_gan(shared):
    """Return the sampler of Table 7; what it made is judged by the report."""
    return DCGANSampler(
        n_filters=shared.gan_filters,
        max_epochs=shared.gan_epochs,
        batch_size=shared.gan_batch,
        min_diversity=0,
        device=shared.device,
        random_state=shared.random_state,
    )


def pipeline(cls, bands=None, gan=False, **own):
    """Return a factory: bands, samplers where there is a GAN, and a net."""

    def make(shared):
        steps = []
        if bands is not None:
            steps.append(("bands", BandSelector(list(bands))))
        if gan:
            seed = {"random_state": shared.random_state}
            fewer = FunctionSampler(func=under_sample, validate=False, kw_args=seed)
            steps += [("under", fewer), ("gan", make_gan(shared))]
        return Pipeline([*steps, ("net", make_net(cls, shared, bands, **own))])

    return make


# --- Methods -------------------------------------------------------------------------

_CORRECTED = {"prior_correction": True, "target_prior": [1 / N_CLASSES] * N_CLASSES}
_ALONE = {"reweight_from": 1.0, "lr_schedule": None}
_BALANCED = {"iterator_train": "balanced"}
NATURAL, INFRARED, AGRICULTURE = (4, 3, 2), (5, 4, 3), (6, 5, 2)


def _recipe(bands=None, gan=False):
    return pipeline(LDAMClassifier, bands, gan, **SWA)


# Name, title, what published.csv calls it, colour, and what makes it.
_PAPER = (
    ("ce", "Cross-entropy", "CE", "#000000", pipeline(NetClassifier)),
    (
        *("sampler", "Cross-entropy, sampler", "CE + sampler", "#E69F00"),
        pipeline(NetClassifier, **_BALANCED),
    ),
    (
        *("ldam_drw", "LDAM-DRW, sampler, CLR", "LDAM-DRW", "#56B4E9"),
        pipeline(LDAMClassifier, **CLR),
    ),
    ("swa", "Recipe: the same, SWA", "SWA", "#0072B2", _recipe()),
    ("swa_432", "Recipe, bands 4-3-2", "SWA 4-3-2", "#CC79A7", _recipe(NATURAL)),
    ("swa_543", "Recipe, bands 5-4-3", "SWA 5-4-3", "#B799C9", _recipe(INFRARED)),
    ("swa_652", "Recipe, bands 6-5-2", "SWA 6-5-2", "#009E73", _recipe(AGRICULTURE)),
    (
        *("gan_ce", "Cross-entropy, GAN, bands 6-5-2", "CE + GAN", "#D55E00"),
        pipeline(NetClassifier, AGRICULTURE, True, **_BALANCED),
    ),
    (
        *("gan_swa", "Recipe, GAN, bands 6-5-2", "SWA + GAN", "#8C510A"),
        _recipe(AGRICULTURE, True),
    ),
)
_OURS = (
    ("ldam", "LDAM alone", "#F0A36B", pipeline(LDAMClassifier, **_ALONE)),
    (
        *("ce_652", "Cross-entropy, bands 6-5-2", "#7F7F7F"),
        pipeline(NetClassifier, AGRICULTURE),
    ),
    (
        *("corrected", "Cross-entropy, for equal class shares", "#B2B2B2"),
        pipeline(NetClassifier, **_CORRECTED),
    ),
)
METHODS = by_name(
    [
        *(
            Method(name, make, title, "", theirs, (color, "-"), group="paper")
            for name, title, theirs, color, make in _PAPER
        ),
        *(
            Method(name, make, title, "", None, (color, "-"), group="ours")
            for name, title, color, make in _OURS
        ),
    ]
)
