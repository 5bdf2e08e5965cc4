"""The samplers that are compared.

Each is made by ``make(random_state, n_neighbors)``, at its defaults: imbalanced-learn's
get as many neighbours as there are; ours see to it.
"""

from imblearn import FunctionSampler
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler

from imbdeep.over_sampling import GLGAN, ConditionalGAN, ConditionalWGAN, LatentSMOTE
from imbdeep_bench.engine.experiment import Method, by_name

# Parameters that --smoke makes small, of samplers that have them.
EPOCHS = ("max_epochs", "pretrain_epochs")
SMOKE_EPOCHS = 2


def _of(sampler, **params):
    return lambda seed, k: sampler(random_state=seed, **params)


def _near(sampler, neighbors="k_neighbors"):
    return lambda seed, k: sampler(random_state=seed, **{neighbors: k})


def _plain(sampler):
    return _of(sampler, cluster_weight=0)


# Name, title, what the dissertation calls it, colour, and what makes it.
ROWS = (
    ("none", "none", "Imbalanced", "#000000", lambda seed, k: FunctionSampler()),
    ("random", "RandomOverSampler", "Random", "#7F7F7F", _of(RandomOverSampler)),
    ("smote", "SMOTE", "SMOTE", "#0072B2", _near(SMOTE)),
    ("borderline_smote", "BorderlineSMOTE", None, "#7F7F7F", _near(BorderlineSMOTE)),
    ("adasyn", "ADASYN", None, "#7F7F7F", _near(ADASYN, "n_neighbors")),
    ("plain_autoencoder", "plain autoencoder", None, "#56B4E9", _plain(LatentSMOTE)),
    ("latent_smote", "LatentSMOTE", None, "#009E73", _of(LatentSMOTE)),
    ("conditional_gan", "ConditionalGAN", None, "#CC79A7", _of(ConditionalGAN)),
    ("conditional_wgan", "ConditionalWGAN", None, "#E69F00", _of(ConditionalWGAN)),
    ("plain_gl_gan", "GL-GAN, plain autoencoder", None, "#8C510A", _plain(GLGAN)),
    ("gl_gan", "GL-GAN", "GL-GAN", "#D55E00", _of(GLGAN)),
)
METHODS = by_name(
    Method(name, make, title, "", theirs, (color, "--" if name == "none" else "-"))
    for name, title, theirs, color, make in ROWS
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
    shown = sampler.get_params() if smoke else ()
    return sampler.set_params(**{n: SMOKE_EPOCHS for n in EPOCHS if n in shown})
