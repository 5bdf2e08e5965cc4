"""The user's interrupts, as distinct from those by which callbacks end training."""

import signal
import threading
import traceback
from contextlib import contextmanager
from types import SimpleNamespace


@contextmanager
def watch_interrupts():
    """Notice a Ctrl-C, even where the exception that it raises is swallowed.

    skorch's training loop ends silently at a :exc:`KeyboardInterrupt`, whether a
    callback or the user raised it. Only the user's comes as a signal. Python handles
    signals in the main thread alone, so other threads see none.

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
    # None for a handler set outside of Python, a number for SIG_IGN and SIG_DFL.
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
        # A callback may have set a handler of its own meanwhile; it stays.
        if signal.getsignal(signal.SIGINT) is take_note:
            signal.signal(signal.SIGINT, handle)


def raised_by_a_handler(error):
    """Whether a signal handler, not a callback, raised an exception.

    Parameters
    ----------
    error : BaseException
        The exception that was caught.

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
    # default_int_handler, in C, leaves no frame; watch_interrupts wraps it.
    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {getattr(handler, "__code__", None) for handler in handlers}
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code in codes for frame, _ in frames)
