"""Read the parameter ``sampling_strategy``."""

import numpy as np
from imblearn.utils import check_sampling_strategy

from imbdeep._arguments import naming_value


def read_sampling_strategy(sampling_strategy, y, sampling_type="over-sampling"):
    """Number of rows to make per class, or an error that names the parameter.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        See imbalanced-learn's user guide, whose function reads the counts of a dict or
        a callable.
    y : ndarray of shape (n,)
        Labels.
    sampling_type : str, default='over-sampling'
        imbalanced-learn's name for the kind of sampler.

    Returns
    -------
    dict
        Number of rows by label.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.sampling_strategy import read_sampling_strategy
    >>> int(read_sampling_strategy("auto", np.array([5, 5, 7]))[7])
    1
    >>> read_sampling_strategy(len, np.array([5, 5, 7]))
    Traceback (most recent call last):
    ValueError: sampling_strategy=<built-in function len> cannot be used: ...
    """
    with naming_value("sampling_strategy", sampling_strategy):
        if isinstance(sampling_strategy, bool):  # which imbalanced-learn takes for 1.0
            raise ValueError("it is no share of the majority")
        rows = check_sampling_strategy(sampling_strategy, y, sampling_type)
        return {label: _whole(number, label) for label, number in rows.items()}


def _whole(number, label):
    """Number of rows as an int, which imbalanced-learn leaves as it was given."""
    if not (float(number).is_integer() and number < np.iinfo(np.int64).max):
        raise ValueError(
            f"it gives {number:g} rows of class {label!r}, no whole number of 64 bits"
        )
    return int(number)
