"""Global switches of NumPy and scikit-learn, at their defaults."""

from contextlib import contextmanager

import numpy as np
from sklearn import config_context


@contextmanager
def usual_numbers():
    """Set the switches of NumPy and scikit-learn to their defaults.

    Users choose for their own code whether NumPy raises errors for underflow, or
    scikit-learn's transformers return data frames.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._switches import usual_numbers
    >>> with np.errstate(all="raise"), usual_numbers():
    ...     float(np.exp(-1000.0))
    0.0
    """
    with (
        np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
        config_context(transform_output="default", array_api_dispatch=False),
    ):
        yield
