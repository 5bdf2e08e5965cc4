"""Read the parameter ``sampling_strategy``."""

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
        return check_sampling_strategy(sampling_strategy, y, sampling_type)
