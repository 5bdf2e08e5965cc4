"""The samplers that are compared.

Each is made by ``make(random_state, n_neighbors)``, at its defaults: imbalanced-learn's
get as many neighbours as there are; ours see to it.
"""

from imblearn import FunctionSampler
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler

import imbdeep.over_sampling as ours
from imbdeep_bench.engine.experiment import Method, by_name

# Parameters that --smoke makes small, of samplers that have them.
EPOCHS = ("max_epochs", "pretrain_epochs")
SMOKE_EPOCHS = 2


def _method(name, title, make, color="#7F7F7F", linestyle="-", published=None):
    return Method(name, make, title, published=published, look=(color, linestyle))


METHODS = by_name(
    [
        _method(
            "none",
            "none",
            lambda seed, k: FunctionSampler(),
            "#000000",
            "--",
            published="Imbalanced",
        ),
        _method(
            "random",
            "RandomOverSampler",
            lambda seed, k: RandomOverSampler(random_state=seed),
            published="Random",
        ),
        _method(
            "smote",
            "SMOTE",
            lambda seed, k: SMOTE(random_state=seed, k_neighbors=k),
            "#0072B2",
            published="SMOTE",
        ),
        _method(
            "borderline_smote",
            "BorderlineSMOTE",
            lambda seed, k: BorderlineSMOTE(random_state=seed, k_neighbors=k),
        ),
        _method(
            "adasyn", "ADASYN", lambda seed, k: ADASYN(random_state=seed, n_neighbors=k)
        ),
        _method(
            "plain_autoencoder",
            "plain autoencoder",
            lambda seed, k: ours.LatentSMOTE(random_state=seed, cluster_weight=0),
            "#56B4E9",
        ),
        _method(
            "latent_smote",
            "LatentSMOTE",
            lambda seed, k: ours.LatentSMOTE(random_state=seed),
            "#009E73",
        ),
        _method(
            "conditional_gan",
            "ConditionalGAN",
            lambda seed, k: ours.ConditionalGAN(random_state=seed),
            "#CC79A7",
        ),
        _method(
            "conditional_wgan",
            "ConditionalWGAN",
            lambda seed, k: ours.ConditionalWGAN(random_state=seed),
            "#E69F00",
        ),
        _method(
            "plain_gl_gan",
            "GL-GAN, plain autoencoder",
            lambda seed, k: ours.GLGAN(random_state=seed, cluster_weight=0),
            "#8C510A",
        ),
        _method(
            "gl_gan",
            "GL-GAN",
            lambda seed, k: ours.GLGAN(random_state=seed),
            "#D55E00",
            published="GL-GAN",
        ),
    ]
)


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
