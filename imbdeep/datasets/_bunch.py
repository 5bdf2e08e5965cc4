"""What every loader of this folder returns for one set, and how names are asked for."""

import difflib

import numpy as np
from sklearn.utils import Bunch


def make_bunch(X, y, **description):
    """Put a set and the facts that follow from it into a Bunch."""
    counts = np.unique(y, return_counts=True)[1]
    return Bunch(
        data=X,
        target=y,
        n_samples=X.shape[0],
        n_features=X.shape[1],
        n_minority=int(counts.min()),
        ratio=float(counts.max() / counts.min()),
        **description,
    )


def check_names(names, available):
    """Return `names`, one name or several, as a list of names out of `available`."""
    if isinstance(names, str):
        names = [names]
    try:
        names = list(names)
    except TypeError:
        raise ValueError(
            f"names must be a name or a list of names, got {names!r}; None loads all."
        ) from None
    if not names:
        raise ValueError("names is empty; name at least one set, or pass None for all.")
    for name in names:
        if name not in available:
            close = difflib.get_close_matches(str(name), available)
            remedy = f"did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(
                f"names holds {name!r}, which is no set of this collection; "
                f"{remedy or 'it has ' + ', '.join(available) + '.'}"
            )
    return names
