"""What each epoch recorded, as a table."""

import numpy as np
import pandas as pd


def history_frame(epochs):
    """Table of the entries that are one value for an epoch.

    Parameters
    ----------
    epochs : list of dict
        Those of a :class:`skorch.history.History`.

    Returns
    -------
    DataFrame of shape (n_epochs, n_entries)
        By the number of the epoch, from 1; in the order in which entries were recorded
        first. NaN where an epoch has none.

    Examples
    --------
    >>> from imbdeep._nets.history import history_frame
    >>> epochs = [{"epoch": 1, "train_loss": 0.7, "batches": []}, {"train_loss": 0.6}]
    >>> history_frame(epochs)
           train_loss
    epoch
    1             0.7
    2             0.6
    """
    rows = [
        # skorch's own numbers start anew where a user has dropped old epochs.
        {k: v for k, v in epoch.items() if np.isscalar(v) and k != "epoch"}
        for epoch in epochs
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="epoch"))
