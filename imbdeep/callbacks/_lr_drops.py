"""A learning rate that drops at fractions of training."""

from torch.optim.lr_scheduler import MultiStepLR

from imbdeep._arguments import FiniteReal
from imbdeep.callbacks._schedule import Schedule


class LRDrops(Schedule):
    """Multiply the learning rate by a factor at given fractions of the epochs.

    Parameters
    ----------
    at : tuple of float in [0, 1], default=(0.8, 0.9)
        Fractions of ``max_epochs``; the default is epochs 160 and 180 of 200 [1]_.
    factor : float, greater than 0, default=0.01
        Factor of the learning rate.

    Notes
    -----
    This is torch's ``MultiStepLR`` in skorch's ``LRScheduler``, with milestones that
    follow ``max_epochs``. The history records the rate of each epoch as ``event_lr``.
    After training the rate is restored, so that ``partial_fit`` begins with it.

    References
    ----------
    .. [1] K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma. "Learning imbalanced datasets
       with label-distribution-aware margin loss". NeurIPS 2019.

    Examples
    --------
    >>> from imbdeep.callbacks import LRDrops
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks=[LRDrops(at=(0.5,), factor=0.1)])
    """

    _parameter_constraints = {
        "at": ["array-like"],
        "factor": [FiniteReal(0, None, closed="neither")],
    }

    policy = MultiStepLR

    def __init__(self, at=(0.8, 0.9), factor=0.01):
        self.at = at
        self.factor = factor

    def initialize(self):
        super().initialize()
        if not all(map(FiniteReal(0, 1).is_satisfied_by, self.at)):
            raise ValueError(f"at must hold fractions in [0, 1], got {self.at!r}.")
        return self

    def on_train_begin(self, net, **kwargs):
        # Before the scheduler is made: a milestone of 0 drops the rates at once.
        self.rates_ = [group["lr"] for group in net.optimizer_.param_groups]
        super().on_train_begin(net, **kwargs)

    def _get_scheduler(self, net, policy, **kwargs):
        milestones = [round(fraction * net.max_epochs) for fraction in self.at]
        # Without last_epoch: training that continues begins with the full rate.
        return policy(net.optimizer_, milestones, gamma=self.factor)

    def on_train_end(self, net, **kwargs):
        for group, rate in zip(net.optimizer_.param_groups, self.rates_, strict=True):
            group["lr"] = rate
