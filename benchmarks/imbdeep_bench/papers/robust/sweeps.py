"""What Figures 4.3 to 4.7 show: nets by one parameter at a time, and features."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from imbdeep.callbacks import DeferredReweighting
from imbdeep.metrics import under_represented
from imbdeep_bench.papers.robust.methods import DEFERRED

RATIO = 100
# Deferred weights do little unless the learning rate is kept.
SRAT = ("srat_ce_kept", "srat_focal_kept", "srat_ldam_kept")


class RareHalf(DeferredReweighting):
    """Deferred weights: a given one for the rare half of the classes, 1 for the rest.

    As in Figure 4.5 they are not brought to a mean of 1.
    """

    def __init__(self, weight, reweight_from=DEFERRED):
        super().__init__(reweight_from)
        self.weight = weight

    def deferred_weights(self, net):
        is_under = torch.as_tensor(under_represented(net.class_counts_))
        return torch.where(is_under, float(self.weight), 1.0)


@dataclass(frozen=True)
class Sweep:
    """A figure: the values of a parameter, and the methods that have each of them."""

    title: str
    methods: tuple
    values: tuple = (RATIO,)
    change: Callable = lambda value: {}  # what a value makes of a net's parameters
    ratio: Callable = lambda value: RATIO  # what it makes of the imbalance
    digits: tuple = tuple(range(10))
    has_features: bool = False


SWEEPS = {
    # The two classes of Figure 4.2.
    "pair": Sweep(
        "Figure 4.3: features of two classes",
        ("plain", "ce"),
        digits=(3, 5),
        has_features=True,
    ),
    "digits": Sweep(
        "Figure 4.4: features of all classes",
        ("ce_kept", "drcb_ldam_kept", "srat_ldam_kept"),
        has_features=True,
    ),
    "weights": Sweep(
        "Figure 4.5: weight of the rare half",
        SRAT,
        (10, 25, 50, 78, 100, 200),
        change=lambda value: {"callbacks__reweighting": RareHalf(value)},
    ),
    "lambda": Sweep(
        "Figure 4.6: weight of the separation loss",
        SRAT,
        (0, 0.1, 0.5, 1, 2, 4, 8),
        change=lambda value: {"separation": value},
    ),
    "ratio": Sweep(
        "Figure 4.7: ratio of the imbalance",
        ("drcb_focal_kept", "srat_focal_kept"),
        (5, 10, 25, 50, 100),
        ratio=lambda value: value,
    ),
}
# Every value of a figure by its name on the command line.
POINTS = {
    f"{name}-{value:g}": (name, value)
    for name, sweep in SWEEPS.items()
    for value in sweep.values
}
