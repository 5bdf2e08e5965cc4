"""Global switches of NumPy and scikit-learn, as if nobody had touched them."""

from contextlib import contextmanager

import numpy as np
from sklearn import config_context


@contextmanager
def usual_numbers():
    """NumPy and scikit-learn as a session finds them when it starts.

    Whether NumPy raises where a number underflows, or transformers of scikit-learn
    give data frames, is the user's to choose for code of the user's own.

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
