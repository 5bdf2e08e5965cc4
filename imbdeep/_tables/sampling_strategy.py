"""How many rows of each class a user asks for."""

from imblearn.utils import check_sampling_strategy

from imbdeep._arguments import naming_value


def read_sampling_strategy(sampling_strategy, y, sampling_type="over-sampling"):
    """Rows to make of each class, or an error that names the parameter.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        See imbalanced-learn's user guide. The counts of a dict, or those that a
        callable gives, are read by imbalanced-learn as they come.
    y : ndarray of shape (n,)
        Labels.
    sampling_type : str, default='over-sampling'
        What imbalanced-learn calls the kind of sampler.

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
        return check_sampling_strategy(sampling_strategy, y, sampling_type)
