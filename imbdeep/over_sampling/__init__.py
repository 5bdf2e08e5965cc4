"""Over-samplers with imbalanced-learn's ``fit_resample``: one file a method."""

from imbdeep.over_sampling._meta_augment import MetaAugment
from imbdeep.over_sampling._remix import ReMix

__all__ = ["MetaAugment", "ReMix"]
