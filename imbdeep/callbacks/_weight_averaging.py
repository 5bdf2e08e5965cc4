"""Averages of the weights over training."""

import math

from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from imbdeep.batches import TensorBatches, rows_of


class WeightAveraging(Callback):
    """Predict with an average of the weights over training instead of the last ones.

    After training the averaged weights replace those of ``net.module_``: they are what
    ``predict`` uses and what a pickle holds.

    Parameters
    ----------
    method : {'swa', 'ema'}, default='swa'
        'swa' is stochastic weight averaging [1]_, the mean of the weights at the end of
        each epoch; 'ema' is an exponential moving average over the steps.
    average_from : float in [0, 1), default=0.75
        Fraction of ``max_epochs`` after which averaging begins.
    decay : float in [0, 1), default=0.99
        Share of the old average that a step keeps, for 'ema': the average spans about
        ``1 / (1 - decay)`` steps.

    Notes
    -----
    Statistics of batch norms are computed anew for the averaged weights in a pass over
    the training rows.

    The epoch in which early stopping ends training is not averaged.

    Validation metrics during training are those of the weights being trained. If early
    stopping also restores its best epoch, the average wins; if it stops training
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

    def __init__(self, method="swa", average_from=0.75, decay=0.99):
        self.method = method
        self.average_from = average_from
        self.decay = decay

    def initialize(self):
        if self.method not in ("swa", "ema"):
            raise ValueError(f"method must be 'swa' or 'ema', got {self.method!r}.")
        if not 0 <= self.average_from < 1:
            raise ValueError(
                f"average_from must be in [0, 1), got {self.average_from!r}."
            )
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {self.decay!r}.")
        return self

    def __getstate__(self):
        # The running average lives on the training device; a pickle must not need it.
        return {**self.__dict__, "average_": None, "dataset_train_": None}

    def on_train_begin(self, net, **kwargs):
        self.first_epoch_ = len(net.history)
        self.average_ = None
        self.dataset_train_ = None

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        epochs_done = len(net.history) - 1 - self.first_epoch_
        if self.average_ is None and epochs_done >= round(
            self.average_from * net.max_epochs
        ):
            ema = get_ema_multi_avg_fn(self.decay) if self.method == "ema" else None
            self.average_ = AveragedModel(net.module_, multi_avg_fn=ema)
            self.dataset_train_ = dataset_train

    def on_batch_end(self, net, training=False, **kwargs):
        if self.average_ is not None and self.method == "ema" and training:
            self.average_.update_parameters(net.module_)

    def on_epoch_end(self, net, **kwargs):
        if self.average_ is not None and self.method == "swa":
            self.average_.update_parameters(net.module_)

    def on_train_end(self, net, **kwargs):
        if self.average_ is None or self.average_.n_averaged == 0:
            return
        net.module_.load_state_dict(self.average_.module.state_dict())
        update_bn(self._training_rows(net), net.module_, device=net.device)
        self.average_ = self.dataset_train_ = None

    def _training_rows(self, net):
        # update_bn weighs batches alike, so they must be alike: equal and shuffled.
        size = net.get_iterator(self.dataset_train_, training=False).batch_size
        n_rows = len(self.dataset_train_)
        size = math.ceil(n_rows / math.ceil(n_rows / size))
        for X, _ in TensorBatches(self.dataset_train_, size, shuffle=True):
            yield rows_of(X)
