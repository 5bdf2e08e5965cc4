"""Triangular cyclical learning rate."""

from torch.optim.lr_scheduler import CyclicLR

from imbdeep._arguments import FiniteReal
from imbdeep.callbacks._schedule import Schedule


class TriangularLR(Schedule):
    """Cyclical learning rate, triangular policy [1]_, step by step.

    Parameters
    ----------
    base_lr, max_lr : float, greater than 0, default=1e-5 and 1e-3
        Bounds of the learning rate.
    step_size : float, greater than 0, default=2
        Epochs from ``base_lr`` to ``max_lr``; a cycle lasts twice as long.

    Notes
    -----
    This is torch's ``CyclicLR`` in skorch's ``LRScheduler``, with a ``step_size`` in
    epochs. The history records the rate of each epoch's first step as ``event_lr``, and
    those of all steps in its batches. The ``lr`` of the net is not used.

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

    policy = CyclicLR
    step_every = "batch"

    def __init__(self, base_lr=1e-5, max_lr=1e-3, step_size=2):
        self.base_lr = base_lr
        self.max_lr = max_lr
        self.step_size = step_size

    def on_train_begin(self, net, **kwargs):
        # The first epoch makes it: its number of steps is not known before.
        self.lr_scheduler_ = None

    def on_epoch_begin(self, net, **kwargs):
        if self.lr_scheduler_ is None:
            self.lr_scheduler_ = self._get_scheduler(net, self.policy_)
        self._record_last_lr(net, "epoch")

    def _get_scheduler(self, net, policy, **kwargs):
        # torch requires this entry if last_epoch is not -1.
        for group in net.optimizer_.param_groups:
            group["initial_lr"] = self.base_lr
        epochs_done = len(net.history) - 1
        return policy(
            net.optimizer_,
            self.base_lr,
            self.max_lr,
            step_size_up=self.step_size * net.n_train_batches_,
            # The policy cycles the rate only; Adam keeps its momentum.
            cycle_momentum=False,
            last_epoch=epochs_done * net.n_train_batches_ - 1,
        )
