"""The methods of Table 1."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from _explicit_gradient.adult_data import preprocessing
from _explicit_gradient.methods import ALL_ROWS, BASELINES, OURS, plain


@dataclass(frozen=True)
class TableMethod:
    """A way to train the paper's net.

    Attributes
    ----------
    make : callable
        ``make(random_state)`` gives an unfitted model.

    gets_withdrawn_rows : bool, default=False
        Whether withdrawn rows double the minority of its training part.

    has_synthetic_rows : bool, default=False
        Whether the net moves synthetic rows.
    """

    make: Callable
    gets_withdrawn_rows: bool = False
    has_synthetic_rows: bool = False


def on_components(make, **params):
    """Give a maker of models the table's preprocessing in place of min-max scaling.

    So eta2 refers to principal components as they are.
    """
    return partial(make, scaler=preprocessing(), **params)


_BASELINES = {
    "ce": TableMethod(on_components(plain)),
    # As many rows of each class in every mini-batch.
    "rs": TableMethod(
        on_components(plain, iterator_train="balanced", iterator_train__balance="exact")
    ),
    "smote": TableMethod(on_components(BASELINES["smote"])),
    "focal": TableMethod(on_components(BASELINES["focal"])),
    "potential": TableMethod(on_components(plain), gets_withdrawn_rows=True),
}

METHODS = {
    **_BASELINES,
    **{
        name: TableMethod(on_components(make), has_synthetic_rows=True)
        for name, make in OURS.items()
    },
    **{
        f"{name}{ALL_ROWS}": TableMethod(
            partial(method.make, refit=True), method.gets_withdrawn_rows
        )
        for name, method in _BASELINES.items()
    },
}
