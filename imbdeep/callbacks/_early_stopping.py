"""Early stopping for small and imbalanced validation sets."""

import numpy as np
from sklearn.utils._param_validation import StrOptions
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.utils import to_numpy

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep.callbacks._checked import ChecksParameters


class EarlyStopping(ChecksParameters, SkorchEarlyStopping):
    """Early stopping with defaults for few validation rows.

    It monitors average precision, goes back to the best epoch, and takes a tie with the
    best epoch for an improvement: a net soon ranks a handful of minority rows
    perfectly, long before it has learned what it can.

    It does nothing in epochs without validation rows, which ``partial_fit`` may have,
    or whose score is NaN; skorch's own callback fails on a missing entry of the
    history. Nor does it stop training if the rarest class has too few validation rows
    to compare epochs.

    Parameters
    ----------
    monitor : str, default='valid_average_precision'
        Entry of the history to monitor.
    patience : int, at least 1, default=20
        Epochs without improvement before training stops.
    lower_is_better : bool, default=False
    load_best : bool, default=True
        Whether to go back to the weights of the best epoch.
    threshold : float, default=-1e-9
        Smallest improvement that counts; just below 0, ties count.
    threshold_mode : {'abs', 'rel'}, default='abs'
        Whether ``threshold`` is a difference or a share of the best score.
    sink : callable, default=print
        Receives the message, see :class:`skorch.callbacks.EarlyStopping`.
    least_rare_rows : int, at least 0, default=0
        Fewest validation rows of the rarest class. With fewer, training lasts for
        ``max_epochs`` and keeps its last weights. 0 always monitors.

    Attributes
    ----------
    watched_ : bool
        Whether there was anything to monitor in the last training.

    Examples
    --------
    >>> from imbdeep.callbacks import EarlyStopping
    >>> EarlyStopping(patience=3).patience
    3
    """

    _parameter_constraints = {
        "monitor": [str],
        "patience": [WholeNumber(1)],
        "lower_is_better": ["boolean"],
        "load_best": ["boolean"],
        "threshold": [FiniteReal(None, None)],
        "threshold_mode": [StrOptions({"abs", "rel"})],
        "sink": [callable],
        "least_rare_rows": [WholeNumber(0)],
    }

    def __init__(
        self,
        monitor="valid_average_precision",
        patience=20,
        lower_is_better=False,
        load_best=True,
        threshold=-1e-9,
        threshold_mode="abs",
        sink=print,
        least_rare_rows=0,
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
        self.least_rare_rows = least_rare_rows

    def has_enough(self, y, class_counts):
        """Whether there are enough validation rows to monitor.

        Parameters
        ----------
        y : ndarray of shape (n,), int
            Class indices of the validation rows.
        class_counts : ndarray of shape (n_classes,)
            Number of training rows per class. Classes without any do not count.

        Returns
        -------
        bool
        """
        counts = np.bincount(y, minlength=len(class_counts))
        return bool(counts[class_counts > 0].min() >= self.least_rare_rows)

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.watched_ = False

    # Targets come with the batches: a data set of the user's may hold them in any form.
    def on_epoch_begin(self, net, **kwargs):
        self.targets_ = []

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if self.least_rare_rows and not training:
            self.targets_.append(to_numpy(batch[1]))

    def on_epoch_end(self, net, **kwargs):
        if self.monitor not in net.history[-1]:
            self._check_is_recorded(net)
            return
        if np.isnan(net.history[-1, self.monitor]):
            return
        if self.targets_:
            targets, self.targets_ = np.concatenate(self.targets_), []
            if not self.has_enough(targets, net.class_counts_):
                return
        self.watched_ = True
        super().on_epoch_end(net, **kwargs)

    def _check_is_recorded(self, net):
        """Refuse an entry that nothing records, though there are validation rows."""
        # Average precision is missing where the validation rows lack a class.
        if self.monitor == "valid_average_precision" or self.watched_:
            return
        if "valid_loss" in net.history[-1]:
            recorded = sorted(set(net.history[-1]) - {"batches"})
            raise ValueError(
                f"monitor={self.monitor!r} is no entry of the history when early "
                f"stopping looks for it. There are {recorded}; a callback that records "
                "it must come before early_stopping."
            )
