"""The ways to train that are compared.

Each is made by ``make(shared, n_classes)``: parameters that all methods have, and the
number of classes. ``published`` is what Table 2 calls it.
"""

from imbdeep.classifiers import NetClassifier, ReMixClassifier
from imbdeep_bench.engine.experiment import Method, by_name

# NOTE[DIFF]: the paper does not give the widths of its three layers, the scaling of
# columns, the batch size, the number of epochs, nor what validation rows decide; the
# last three are the library's defaults: early stopping by average precision, which does
# not depend on the class shares that a method trains with.
NET = {
    "module": "mlp",
    "module__hidden_sizes": (128, 64, 32),
    "module__dropout": 0.1,
    "numeric_encoding": "standard",
}
# That of the paper's tables. It gives none for MixUp, which has the same here.
ALPHA = 0.1


def net(**own):
    """Return a factory of the plain net."""
    return lambda shared, n_classes: NetClassifier(**own, **shared)


def mixing(mix="remix", alpha=ALPHA, **own):
    """Return a factory of a net that trains on mixed rows."""
    own |= {"mix": mix, "alpha": alpha}
    return lambda shared, n_classes: ReMixClassifier(**own, **shared)


def _corrected(shared, n_classes):
    equal = [1 / n_classes] * n_classes
    return NetClassifier(prior_correction=True, target_prior=equal, **shared)


# Keras, with which the paper trained, divides a weighted loss by the number of rows.
_COST = {"class_weight": "balanced", "weight_reduction": "rows"}
_ROS = {"iterator_train": "balanced"}
_SMOTE = {"iterator_train": "smote"}

# Name, title, colour, and what makes it.
_PAPER = (
    ("baseline", "Baseline", "#000000", net()),
    ("cost", "Cost Adjusted", "#E69F00", net(**_COST)),
    ("smote", "SMOTE", "#0072B2", net(**_SMOTE)),
    ("mixup", "MixUp", "#009E73", mixing("mixup")),
    ("remix", "ReMix", "#D55E00", mixing(balance="batch")),
)
_OURS = (
    ("remix_0.3", "ReMix, alpha 0.3", "#F0A36B", mixing(alpha=0.3, balance="batch")),
    ("remix_data", "ReMix, balanced from all rows", "#CC79A7", mixing()),
    (
        *("remix_data_0.3", "ReMix, balanced from all rows, alpha 0.3", "#B799C9"),
        mixing(alpha=0.3),
    ),
    ("balanced", "Balanced batches, not mixed", "#56B4E9", net(**_ROS)),
    ("corrected", "Baseline, for equal class shares", "#7F7F7F", _corrected),
)
METHODS = by_name(
    [
        *(
            Method(name, make, title, "", title, (color, "-"), group="paper")
            for name, title, color, make in _PAPER
        ),
        *(
            Method(name, make, title, "", None, (color, "-"), group="ours")
            for name, title, color, make in _OURS
        ),
    ]
)
