"""What callbacks look for in a training on all rows, which has no validation rows."""

from contextlib import contextmanager

from skorch.callbacks import Checkpoint, LRScheduler
from skorch.callbacks.scoring import PassthroughScoring, ScoringBase
from torch.optim.lr_scheduler import ReduceLROnPlateau


def _scores_of_validation(callbacks):
    """Entries of the history that callbacks record of validation rows."""
    for _, callback in callbacks:
        if isinstance(callback, ScoringBase) and not callback.on_train:
            yield callback.name_
        if isinstance(callback, PassthroughScoring) and not callback.on_train:
            yield callback.name


def _monitored(callback):
    """Entry of the history that a callback cannot do without, or None."""
    needs = isinstance(callback, Checkpoint)
    if isinstance(callback, LRScheduler) and isinstance(callback.policy_, type):
        # Others have a monitor as well, and do not look at it.
        needs = issubclass(callback.policy_, ReduceLROnPlateau)
    monitor = callback.monitor if needs else None
    return monitor if isinstance(monitor, str) else None


def check_can_refit(callbacks):
    """Refuse callbacks that would miss validation rows in a refit.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)
        Initialized; early stopping is left out of a refit.

    Raises
    ------
    ValueError
        If one monitors an entry of the history that is of validation rows.

    Examples
    --------
    >>> from skorch.callbacks import Checkpoint
    >>> from imbdeep._nets.refitting import check_can_refit
    >>> check_can_refit([("kept", Checkpoint("valid_loss_best").initialize())])
    Traceback (most recent call last):
    ValueError: callbacks__kept, a Checkpoint, monitors 'valid_loss_best', which a ...
    """
    scores = {*_scores_of_validation(callbacks)}
    for name, callback in callbacks:
        monitor = _monitored(callback)
        if monitor is None:
            continue
        if monitor.startswith("valid_") or monitor.removesuffix("_best") in scores:
            ending = "_best" if monitor.endswith("_best") else ""
            raise ValueError(
                f"callbacks__{name}, a {type(callback).__name__}, monitors "
                f"{monitor!r}, which a refit on all rows does not have. Pass "
                f"callbacks__{name}__monitor='train_loss{ending}', leave the callback, "
                "or pass refit=False."
            )


@contextmanager
def saying_what_a_refit_lacks():
    """Note on errors of a refit that name an entry of validation rows.

    Callbacks of one's own may look for one, and so may functions that they call.
    """
    try:
        yield
    except Exception as error:
        if "valid_" in str(error):
            error.add_note(
                "refit=True trains on all rows, and the history of this training has "
                "no entries of validation rows: let callbacks do without, or pass "
                "refit=False."
            )
        raise
