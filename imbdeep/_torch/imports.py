"""What torch imports when it is first needed, where an interrupt would break it."""

import signal
import sys
import threading
from contextlib import contextmanager


@contextmanager
def interrupts_held():
    """Let a Ctrl-C wait for the end of the context.

    Python handles signals in the main thread alone, so other threads need no such care.

    Examples
    --------
    >>> from imbdeep._torch.imports import interrupts_held
    >>> with interrupts_held():
    ...     import torch._dynamo
    """
    # None for a handler set outside of Python, a number for SIG_IGN and SIG_DFL.
    handle = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not (in_main_thread and callable(handle)):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *told: waiting.append(told))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handle)
    if waiting:
        handle(*waiting[-1])


def import_what_training_needs():
    """Import what torch would import in the first step of the first optimizer.

    That takes a second or two. A Ctrl-C in the middle would leave torch half imported,
    and every later fit of the process would fail.

    Examples
    --------
    >>> from imbdeep._torch.imports import import_what_training_needs
    >>> import_what_training_needs()
    """
    if "torch._dynamo" not in sys.modules:
        with interrupts_held():
            import torch._dynamo  # noqa: F401
