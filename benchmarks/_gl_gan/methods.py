"""The samplers that are compared."""

from collections.abc import Callable
from dataclasses import dataclass

from imblearn import FunctionSampler
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler

import imbdeep.over_sampling as ours

# Parameters that --smoke makes small, of samplers that have them.
EPOCHS = ("max_epochs", "pretrain_epochs")
SMOKE_EPOCHS = 2


@dataclass(frozen=True)
class Method:
    """A sampler.

    Attributes
    ----------
    title : str
        In tables and pictures.
    make : callable
        ``make(random_state, n_neighbors)`` gives an unfitted sampler at its defaults;
        imbalanced-learn's get as many neighbours as there are; ours see to it.
    color, linestyle : str
        In pictures.
    """

    title: str
    make: Callable
    color: str = "#7F7F7F"
    linestyle: str = "-"


METHODS = {
    "none": Method("none", lambda seed, k: FunctionSampler(), "#000000", "--"),
    "random": Method(
        "RandomOverSampler", lambda seed, k: RandomOverSampler(random_state=seed)
    ),
    "smote": Method(
        "SMOTE", lambda seed, k: SMOTE(random_state=seed, k_neighbors=k), "#0072B2"
    ),
    "borderline_smote": Method(
        "BorderlineSMOTE",
        lambda seed, k: BorderlineSMOTE(random_state=seed, k_neighbors=k),
    ),
    "adasyn": Method(
        "ADASYN", lambda seed, k: ADASYN(random_state=seed, n_neighbors=k)
    ),
    "plain_autoencoder": Method(
        "plain autoencoder",
        lambda seed, k: ours.LatentSMOTE(random_state=seed, cluster_weight=0),
        "#56B4E9",
    ),
    "latent_smote": Method(
        "LatentSMOTE", lambda seed, k: ours.LatentSMOTE(random_state=seed), "#009E73"
    ),
    "conditional_gan": Method(
        "ConditionalGAN",
        lambda seed, k: ours.ConditionalGAN(random_state=seed),
        "#CC79A7",
    ),
    "conditional_wgan": Method(
        "ConditionalWGAN",
        lambda seed, k: ours.ConditionalWGAN(random_state=seed),
        "#E69F00",
    ),
    "plain_gl_gan": Method(
        "GL-GAN, plain autoencoder",
        lambda seed, k: ours.GLGAN(random_state=seed, cluster_weight=0),
        "#8C510A",
    ),
    "gl_gan": Method(
        "GL-GAN", lambda seed, k: ours.GLGAN(random_state=seed), "#D55E00"
    ),
}


def choose_neighbors(n_minority):
    """Return imbalanced-learn's 5 neighbours, or as many as there are.

    Examples
    --------
    >>> choose_neighbors(10), choose_neighbors(3)
    (5, 2)
    """
    return min(5, n_minority - 1)


def make_sampler(method, random_state, n_minority, *, smoke=False):
    """Return an unfitted sampler for a number of rows of the minority."""
    sampler = method.make(random_state, choose_neighbors(n_minority))
    if not smoke:
        return sampler
    shown = sampler.get_params()
    return sampler.set_params(**{n: SMOKE_EPOCHS for n in EPOCHS if n in shown})
