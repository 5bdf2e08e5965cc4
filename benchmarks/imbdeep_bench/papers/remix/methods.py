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
# NOTE[DIFF]: nor the number of filters, the library's here. The dense layer sees what
# the second pooling leaves, a quarter of each side.
CONV = {"module": "conv", "module__n_hidden": None, "max_epochs": 50}
# That of the paper's tables. It gives none for MixUp, which has the same here.
ALPHA = 0.1
# Mixes as good as nothing: each row is itself, or the other one of its pair.
UNMIXED = 1e-6


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

_BATCH = {"balance": "batch"}
_AUGMENT = {"balance": "batch", "augment": "standard"}


def _methods(group, *rows):
    """Return methods of a group by rows: name, title, colour, and what makes it."""
    return [
        Method(
            *(name, make, title, ""),
            published=title if group == "paper" else None,
            look=(color, "-"),
            group=group,
        )
        for name, title, color, make in rows
    ]


_PAPER = _methods(
    "paper",
    ("baseline", "Baseline", "#000000", net()),
    ("cost", "Cost Adjusted", "#E69F00", net(**_COST)),
    ("smote", "SMOTE", "#0072B2", net(**_SMOTE)),
    ("mixup", "MixUp", "#009E73", mixing("mixup")),
    ("remix", "ReMix", "#D55E00", mixing(**_BATCH)),
)
_ALL_ROWS = "ReMix, balanced from all rows"
METHODS = by_name(
    _PAPER
    + _methods(
        "ours",
        ("remix_0.3", "ReMix, alpha 0.3", "#F0A36B", mixing(alpha=0.3, **_BATCH)),
        ("remix_data", _ALL_ROWS, "#CC79A7", mixing()),
        ("remix_data_0.3", f"{_ALL_ROWS}, alpha 0.3", "#B799C9", mixing(alpha=0.3)),
        ("balanced", "Balanced batches, not mixed", "#56B4E9", net(**_ROS)),
        ("corrected", "Baseline, for equal class shares", "#7F7F7F", _corrected),
    )
)

# By alpha, the one of the paper's tables among them: Figure 7.
ALPHAS = {
    "remix" if a == ALPHA else f"remix_{a}": a for a in (0.01, 0.1, 0.2, 0.3, 0.4)
}
IMAGE_METHODS = by_name(
    _PAPER
    + _methods(
        "paper",
        ("augment", "Augment", "#56B4E9", mixing(alpha=UNMIXED, **_AUGMENT)),
        ("remix_aug", "ReMix (Aug)", "#CC79A7", mixing(**_AUGMENT)),
    )
    + _methods(
        "ours",
        (
            *("resampled", "Balanced within the batch, not mixed", "#7F7F7F"),
            mixing(alpha=UNMIXED, **_BATCH),
        ),
    )
    + _methods(
        "alphas",
        *(
            (name, f"ReMix, alpha {a}", "#F0A36B", mixing(alpha=a, **_BATCH))
            for name, a in ALPHAS.items()
            if a != ALPHA
        ),
    )
)
