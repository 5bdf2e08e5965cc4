"""Over-samplers with imbalanced-learn's ``fit_resample``: one file per method."""

from imbdeep.over_sampling._generative.conditional_gan import ConditionalGAN
from imbdeep.over_sampling._generative.conditional_wgan import ConditionalWGAN
from imbdeep.over_sampling._generative.dcgan import DCGANSampler
from imbdeep.over_sampling._generative.gl_gan import GLGAN
from imbdeep.over_sampling._generative.latent_smote import LatentSMOTE
from imbdeep.over_sampling._meta_augment import MetaAugment
from imbdeep.over_sampling._remix import ReMix

__all__ = [
    "GLGAN",
    "ConditionalGAN",
    "ConditionalWGAN",
    "DCGANSampler",
    "LatentSMOTE",
    "MetaAugment",
    "ReMix",
]
