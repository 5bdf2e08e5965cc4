"""Triangular cyclical learning rate."""

from skorch.callbacks import Callback

from imbdeep._arguments import FiniteReal
from imbdeep.callbacks._checked import ChecksParameters


def triangular_rate(
    progress: float, base_lr: float, max_lr: float, step_size: float
) -> float:
    """Rate of the triangular policy after ``progress`` epochs.

    Parameters
    ----------
    progress : float, at least 0
        Epochs done, parts of one included.
    base_lr, max_lr : float
        The rate rises linearly from one to the other and falls back.
    step_size : float
        Epochs that either takes.

    Returns
    -------
    float

    Examples
    --------
    >>> from imbdeep.callbacks._cyclical_lr import triangular_rate
    >>> [triangular_rate(t, 0.0, 1.0, step_size=2) for t in (0, 1, 2, 3, 4)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    position = progress / step_size % 2
    return base_lr + (max_lr - base_lr) * (1 - abs(position - 1))


class TriangularLR(ChecksParameters, Callback):
    """Cyclical learning rate, triangular policy [1]_, step by step.

    Parameters
    ----------
    base_lr, max_lr : float, greater than 0, default=1e-5 and 1e-3
        The rates between which the learning rate goes up and down.
    step_size : float, greater than 0, default=2
        Epochs from ``base_lr`` to ``max_lr``; a cycle lasts twice as long.

    Notes
    -----
    The rate of each epoch's first step is recorded in the history as ``event_lr``. The
    ``lr`` of the net is not used.

    References
    ----------
    .. [1] L. N. Smith. "Cyclical learning rates for training neural networks". WACV
       2017.

    Examples
    --------
    >>> from imbdeep.callbacks import TriangularLR
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks=[TriangularLR(1e-4, 1e-2)])
    """

    _parameter_constraints = {
        "base_lr": [FiniteReal(0, None, closed="neither")],
        "max_lr": [FiniteReal(0, None, closed="neither")],
        "step_size": [FiniteReal(0, None, closed="neither")],
    }

    def __init__(self, base_lr=1e-5, max_lr=1e-3, step_size=2):
        self.base_lr = base_lr
        self.max_lr = max_lr
        self.step_size = step_size

    def on_epoch_begin(self, net, **kwargs):
        self.steps_done_ = 0
        net.history.record("event_lr", self._rate(net))

    def on_batch_begin(self, net, training=False, **kwargs):
        if not training:
            return
        rate = self._rate(net)
        for group in net.optimizer_.param_groups:
            group["lr"] = rate
        self.steps_done_ += 1

    def _rate(self, net):
        progress = len(net.history) - 1 + self.steps_done_ / net.n_train_batches_
        return triangular_rate(progress, self.base_lr, self.max_lr, self.step_size)
