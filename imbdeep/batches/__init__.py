"""Training iterators: which rows a step sees."""

from imbdeep.batches._balanced import BalancedBatches
from imbdeep.batches._class_draws import RowsByClass
from imbdeep.batches._mixup import MixUpBatches
from imbdeep.batches._rebalanced_mixup import label_mixing, rebalanced_mixup
from imbdeep.batches._registry import BATCHES
from imbdeep.batches._remix import ReMixBatches
from imbdeep.batches._smote import SMOTEBatches
from imbdeep.batches._tensor_batches import (
    ShuffledBatches,
    TensorBatches,
    join_rows,
    rows_of,
)

__all__ = [
    "BATCHES",
    "BalancedBatches",
    "MixUpBatches",
    "ReMixBatches",
    "RowsByClass",
    "SMOTEBatches",
    "ShuffledBatches",
    "TensorBatches",
    "join_rows",
    "label_mixing",
    "rebalanced_mixup",
    "rows_of",
]
