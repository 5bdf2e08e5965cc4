"""Training iterators: which rows a step sees."""

from imbdeep.batches._balanced import BalancedBatches
from imbdeep.batches._mixup import MixUpBatches
from imbdeep.batches._remix import ReMixBatches
from imbdeep.batches._smote import SMOTEBatches
from imbdeep.batches._tensor_batches import (
    ShuffledBatches,
    TensorBatches,
)

__all__ = [
    "BalancedBatches",
    "MixUpBatches",
    "ReMixBatches",
    "SMOTEBatches",
    "ShuffledBatches",
    "TensorBatches",
]
