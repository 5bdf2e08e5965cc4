"""Early stopping for small and imbalanced validation sets."""

from skorch.callbacks import EarlyStopping as SkorchEarlyStopping


class EarlyStopping(SkorchEarlyStopping):
    """skorch's early stopping, with defaults for few validation rows.

    It watches average precision, goes back to the best epoch, and counts an epoch as
    good as the best as better: a validation set with a handful of minority rows is
    soon ranked perfectly, long before the net has learned what it can. It is idle in
    epochs without validation rows, as ``partial_fit`` may have them, where skorch's own
    callback fails on the missing entry of the history.

    Parameters
    ----------
    monitor : str, default='valid_average_precision'
        Entry of the history to watch.
    patience : int, at least 1, default=20
        Epochs without improvement before training stops.
    lower_is_better : bool, default=False
    load_best : bool, default=True
        Whether to go back to the weights of the best epoch.
    threshold : float, default=-1e-9
        Least improvement that counts; just below 0 lets an equal score count.
    threshold_mode : {'abs', 'rel'}, default='abs'
        Whether ``threshold`` is a difference or a share of the best score.
    sink : callable, default=print
        Where the message goes, see :class:`skorch.callbacks.EarlyStopping`.

    Examples
    --------
    >>> from imbdeep.callbacks import EarlyStopping
    >>> EarlyStopping(patience=3).patience
    3
    """

    def __init__(
        self,
        monitor="valid_average_precision",
        patience=20,
        lower_is_better=False,
        load_best=True,
        threshold=-1e-9,
        threshold_mode="abs",
        sink=print,
    ):
        super().__init__(
            monitor,
            patience=patience,
            threshold=threshold,
            threshold_mode=threshold_mode,
            lower_is_better=lower_is_better,
            sink=sink,
            load_best=load_best,
        )

    def on_epoch_end(self, net, **kwargs):
        if self.monitor in net.history[-1]:
            super().on_epoch_end(net, **kwargs)
