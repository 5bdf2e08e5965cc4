"""A progress bar over the epochs of a fit."""

from skorch.callbacks import Callback
from tqdm.auto import tqdm

from imbdeep.callbacks._checked import ChecksParameters


class EpochProgressBar(ChecksParameters, Callback):
    """Progress bar over epochs, with the time left and a validation metric.

    Parameters
    ----------
    monitor : str or None, default='valid_average_precision'
        Entry of the history to show beside the bar, if there is one.

    Notes
    -----
    The bar is written to standard error. skorch's ``ProgressBar`` shows the batches of
    each epoch instead.

    Examples
    --------
    >>> from imbdeep.callbacks import EpochProgressBar
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks=[EpochProgressBar()])
    """

    _parameter_constraints = {"monitor": [str, None]}

    def __init__(self, monitor="valid_average_precision"):
        self.monitor = monitor

    def __getstate__(self):
        # A bar holds a stream, which cannot be pickled.
        return {**self.__dict__, "bar_": None}

    def on_train_begin(self, net, **kwargs):
        self.bar_ = tqdm(total=net.max_epochs, unit="epoch", desc=type(net).__name__)

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        if self.monitor in row:
            self.bar_.set_postfix({self.monitor: f"{row[self.monitor]:.3f}"})
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
        self.bar_ = None
