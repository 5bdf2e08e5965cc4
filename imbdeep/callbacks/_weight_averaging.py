"""Averages of the weights over training."""

import warnings
from fractions import Fraction

from sklearn.utils._param_validation import StrOptions
from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep.callbacks._checked import ChecksParameters
from imbdeep.callbacks._norm_statistics import NormStatistics
from imbdeep.callbacks._triangular_lr import TriangularLR


def whole_cycles(step_size):
    """Smallest whole number of epochs that consists of whole cycles.

    Parameters
    ----------
    step_size : float
        Epochs of half a cycle, see :class:`TriangularLR`.

    Returns
    -------
    int

    Examples
    --------
    >>> from imbdeep.callbacks._weight_averaging import whole_cycles
    >>> [whole_cycles(size) for size in (2, 2.5, 0.25, 0.3)]
    [4, 5, 1, 3]
    """
    return max(Fraction(2 * step_size).limit_denominator(100).numerator, 1)


def averages_last(callbacks):
    """Order callbacks so that no epoch that is restored replaces an average.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)

    Returns
    -------
    list of tuple (name, callback)
        Averaging comes after early stopping and all else that goes back to the best
        epoch when training ends; the order is kept otherwise.

    Examples
    --------
    >>> from imbdeep.callbacks import EarlyStopping, WeightAveraging
    >>> from imbdeep.callbacks._weight_averaging import averages_last
    >>> callbacks = averages_last([("a", WeightAveraging()), ("b", EarlyStopping())])
    >>> [name for name, _ in callbacks]
    ['b', 'a']
    """
    restores = [getattr(callback, "load_best", False) for _, callback in callbacks]
    n_before = len(restores) - restores[::-1].index(True) if True in restores else 0
    before = callbacks[:n_before]
    averaging = [pair for pair in before if isinstance(pair[1], WeightAveraging)]
    others = [pair for pair in before if not isinstance(pair[1], WeightAveraging)]
    return others + averaging + callbacks[n_before:]


class WeightAveraging(ChecksParameters, Callback):
    """Predict with an average of the weights over training instead of the last ones.

    After training the averaged weights replace those of ``net.module_``: ``predict``
    uses them, and a pickle holds them.

    Parameters
    ----------
    method : {'swa', 'ema'}, default='swa'
        'swa' is stochastic weight averaging [1]_, the mean of the weights at the ends
        of epochs; 'ema' is an exponential moving average over the steps.
    average_from : float in [0, 1), default=0.75
        Fraction of ``max_epochs`` after which averaging begins.
    decay : float in [0, 1), default=0.99
        Share of the old average that a step keeps, for 'ema': the average spans about
        ``1 / (1 - decay)`` steps.
    average_every : int, at least 1, or 'auto', default='auto'
        Epochs between the snapshots that 'swa' averages, counted from the very first
        epoch. If the net has a :class:`TriangularLR`, 'auto' is the length of a cycle,
        so that snapshots are taken where the rate is lowest [1]_; else it is 1.

    Attributes
    ----------
    epochs_ : list of int
        Numbers of the epochs that are averaged.

    Raises
    ------
    ValueError
        Before training, if averaging would have no snapshots.

    Warns
    -----
    UserWarning
        If it will have a single one, which is no average.

    Notes
    -----
    The running statistics of batch norm are recomputed for the averaged weights, in an
    epoch without learning. It runs in training mode, on the rows that training steps
    would see: those of the training iterator, after any changes by the method. Batches
    are weighted by their rows.

    The epoch in which early stopping ends training is not averaged.

    Validation metrics during training are those of the current weights, not of the
    average. If early stopping or another callback goes back to its best epoch, the
    average wins, in whichever order they are listed. If early stopping ends training
    before averaging begins, there is no average and the weights stay as they are.

    References
    ----------
    .. [1] P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson. "Averaging
       weights leads to wider optima and better generalization". UAI 2018.

    Examples
    --------
    >>> from imbdeep.callbacks import WeightAveraging
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks=[WeightAveraging('ema')], early_stopping=False)
    """

    _parameter_constraints = {
        "method": [StrOptions({"swa", "ema"})],
        "average_from": [FiniteReal(0, 1, closed="left")],
        "decay": [FiniteReal(0, 1, closed="left")],
        "average_every": [StrOptions({"auto"}), WholeNumber(1)],
    }

    def __init__(
        self, method="swa", average_from=0.75, decay=0.99, average_every="auto"
    ):
        self.method = method
        self.average_from = average_from
        self.decay = decay
        self.average_every = average_every

    def initialize(self):
        super().initialize()
        every = self.average_every
        if self.method == "ema" and every not in ("auto", 1):
            raise ValueError(
                f"average_every={every!r} is for method='swa'; 'ema' averages over the "
                "steps. Leave it, or set decay."
            )
        return self

    def __getstate__(self):
        # The average is on the training device, which a pickle must not need.
        return {**self.__dict__, "average_": None, "dataset_train_": None}

    def on_train_begin(self, net, **kwargs):
        self.first_epoch_ = len(net.history)
        self.average_ = None
        self.epochs_ = []
        self.dataset_train_ = None
        self.every_ = self._epochs_between(net)
        if self.method == "swa":
            self._check_snapshots(net)

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        epochs_done = len(net.history) - 1 - self.first_epoch_
        if self.average_ is None and epochs_done >= self._begins_after(net):
            ema = get_ema_multi_avg_fn(self.decay) if self.method == "ema" else None
            self.average_ = AveragedModel(net.module_, multi_avg_fn=ema)
            self.dataset_train_ = dataset_train

    def on_batch_end(self, net, training=False, **kwargs):
        if self.average_ is not None and self.method == "ema" and training:
            self.average_.update_parameters(net.module_)

    def on_epoch_end(self, net, **kwargs):
        is_due = len(net.history) % self.every_ == 0
        if self.average_ is not None and self.method == "swa" and is_due:
            self.average_.update_parameters(net.module_)
        if self.average_ is not None and (is_due or self.method == "ema"):
            self.epochs_.append(len(net.history))

    def on_train_end(self, net, **kwargs):
        if self.average_ is None or self.average_.n_averaged == 0:
            return
        # Early stopping is an earlier callback, and has restored its best weights.
        net.module_.load_state_dict(self.average_.module.state_dict())
        statistics = NormStatistics(net.module_)
        if statistics.norms:
            with statistics:
                for batch in net.get_iterator(self.dataset_train_, training=True):
                    net.look_at_batch(batch)
        self.average_ = self.dataset_train_ = None

    def _begins_after(self, net):
        # The last epoch is always averaged, even if it is the only one.
        return min(round(self.average_from * net.max_epochs), net.max_epochs - 1)

    def _epochs_between(self, net):
        if self.average_every != "auto":
            return self.average_every
        sizes = [c.step_size for _, c in net.callbacks_ if isinstance(c, TriangularLR)]
        return whole_cycles(sizes[0]) if sizes else 1

    def _check_snapshots(self, net):
        """Refuse a training without a snapshot; warn of one that has only one."""
        first = self.first_epoch_ + self._begins_after(net) + 1
        last = self.first_epoch_ + net.max_epochs
        n_snapshots = last // self.every_ - (first - 1) // self.every_
        if n_snapshots == 0:
            raise ValueError(
                f"Weights are averaged over epochs {first} to {last}, and none of them "
                f"is a multiple of average_every={self.every_}, so there is nothing to "
                "average. Train for more epochs, begin earlier with average_from, or "
                "set average_every=1."
            )
        if n_snapshots == 1 < net.max_epochs:
            warnings.warn(
                "Weights are averaged over a single snapshot, that after epoch "
                f"{last // self.every_ * self.every_} of {last}, which is no average. "
                "Train for more epochs, begin earlier (average_from is "
                f"{self.average_from:g}) or more often (average_every is "
                f"{self.every_}).",
                UserWarning,
                stacklevel=2,
            )
