"""Interrupts of the user, told from those by which callbacks end a training."""

import signal
import threading
import traceback
from contextlib import contextmanager
from types import SimpleNamespace


@contextmanager
def watch_interrupts():
    """Take note of a Ctrl-C, even where the exception that it raises is swallowed.

    A training loop of skorch ends in silence at a :exc:`KeyboardInterrupt`, whether it
    is a callback's way to stop or the user's. Only the user's comes as a signal, which
    the main thread alone handles, so that there is nothing to see in others.

    Yields
    ------
    interrupts : object
        Its ``seen`` becomes True.

    Examples
    --------
    >>> import signal
    >>> from imbdeep._nets.interrupts import watch_interrupts
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> with watch_interrupts() as interrupts:
    ...     try:
    ...         signal.raise_signal(signal.SIGINT)
    ...     except KeyboardInterrupt:
    ...         pass
    >>> interrupts.seen
    True
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    interrupts = SimpleNamespace(seen=False)
    handle = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not (in_main_thread and callable(handle)):
        yield interrupts
        return

    def take_note(signum, frame):
        try:
            handle(signum, frame)
        except KeyboardInterrupt:
            interrupts.seen = True
            raise

    signal.signal(signal.SIGINT, take_note)
    try:
        yield interrupts
    finally:
        if signal.getsignal(signal.SIGINT) is take_note:
            signal.signal(signal.SIGINT, handle)


def raised_by_a_handler(error):
    """Whether an exception comes from the handler of a signal, and from no callback.

    Parameters
    ----------
    error : BaseException
        That was caught.

    Returns
    -------
    bool

    Examples
    --------
    >>> from imbdeep._nets.interrupts import raised_by_a_handler
    >>> try:
    ...     raise KeyboardInterrupt
    ... except KeyboardInterrupt as error:
    ...     raised_by_a_handler(error)
    False
    """
    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {getattr(handler, "__code__", None) for handler in handlers}
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code in codes for frame, _ in frames)
