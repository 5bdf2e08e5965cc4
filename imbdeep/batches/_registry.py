"""Training iterators by name, for estimators that take a name."""

from imbdeep.batches._balanced import BalancedBatches
from imbdeep.batches._mixup import MixUpBatches
from imbdeep.batches._remix import ReMixBatches
from imbdeep.batches._smote import SMOTEBatches
from imbdeep.batches._tensor_batches import ShuffledBatches, TensorBatches

BATCHES: dict[str, type[TensorBatches]] = {
    "shuffled": ShuffledBatches,
    "balanced": BalancedBatches,
    "smote": SMOTEBatches,
    "mixup": MixUpBatches,
    "remix": ReMixBatches,
}
