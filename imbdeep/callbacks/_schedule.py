"""What the learning-rate schedules share."""

from skorch.callbacks import LRScheduler

from imbdeep.callbacks._checked import ChecksParameters


class Schedule(ChecksParameters, LRScheduler):
    """A scheduler of torch's, as a callback whose parameters are checked.

    Subclasses name the scheduler's class in ``policy``: skorch takes whatever
    ``__init__`` sets for a parameter.
    """

    event_name = "event_lr"
    step_every = "epoch"

    def __getstate__(self):
        # The scheduler holds the weights, and skorch saves those of the net alone in a
        # way that opens on another device. Training that goes on makes another one.
        return {**vars(self), "lr_scheduler_": None}
