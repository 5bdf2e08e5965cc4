"""What fits, levels, steps, images, samplers and crowds cost: one clock for all."""

from imbdeep_bench.speed.aggregators import Aggregators
from imbdeep_bench.speed.augmentations import AugmentationSpeed
from imbdeep_bench.speed.defaults import DefaultSpeed
from imbdeep_bench.speed.fit import FitSpeed
from imbdeep_bench.speed.levels import LevelSpeed
from imbdeep_bench.speed.members import MemberSpeed
from imbdeep_bench.speed.meta_step import MetaStep
from imbdeep_bench.speed.robust_step import RobustStep
from imbdeep_bench.speed.samplers import Samplers

PARTS = {
    "fit": FitSpeed,
    "defaults": DefaultSpeed,
    "levels": LevelSpeed,
    "members": MemberSpeed,
    "meta_step": MetaStep,
    "robust_step": RobustStep,
    "augmentations": AugmentationSpeed,
    "samplers": Samplers,
    "aggregators": Aggregators,
}
