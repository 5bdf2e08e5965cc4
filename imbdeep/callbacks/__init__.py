"""Callbacks: what changes, and what is recorded, between epochs."""

from imbdeep.callbacks._deferred_reweighting import DeferredReweighting
from imbdeep.callbacks._early_stopping import EarlyStopping
from imbdeep.callbacks._epoch_metrics import EpochMetrics
from imbdeep.callbacks._epoch_progress import EpochProgressBar
from imbdeep.callbacks._finite_loss import FiniteLoss
from imbdeep.callbacks._lr_drops import LRDrops
from imbdeep.callbacks._print_log import PrintLog
from imbdeep.callbacks._triangular_lr import TriangularLR
from imbdeep.callbacks._weight_averaging import WeightAveraging

__all__ = [
    "DeferredReweighting",
    "EarlyStopping",
    "EpochMetrics",
    "EpochProgressBar",
    "FiniteLoss",
    "LRDrops",
    "PrintLog",
    "TriangularLR",
    "WeightAveraging",
]
