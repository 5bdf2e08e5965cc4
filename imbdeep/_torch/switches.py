"""Global switches of torch, at their defaults."""

import os
import threading
from contextlib import ExitStack, contextmanager

import torch

from imbdeep._switches import usual_numbers


class ProcessSwitch:
    """A process-wide switch that is set while any thread needs it.

    It belongs to no thread: the first to enter sets it, and the last to leave restores
    it.

    Parameters
    ----------
    switched : callable
        Returns a context manager that sets the switch and restores it.

    Examples
    --------
    >>> from contextlib import redirect_stdout
    >>> from io import StringIO
    >>> from imbdeep._torch.switches import ProcessSwitch
    >>> silent = ProcessSwitch(lambda: redirect_stdout(StringIO()))
    >>> with silent, silent:
    ...     print("unheard")
    """

    def __init__(self, switched):
        self.switched = switched
        self.lock = threading.Lock()
        # One entry per nested context of a thread.
        self.inside = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def __enter__(self):
        with self.lock:
            if not self.inside:
                self.set = self.switched()
                self.set.__enter__()
            self.inside.append(threading.get_ident())

    def __exit__(self, *error):
        with self.lock:
            self.inside.remove(threading.get_ident())
            self._put_back()

    def _put_back(self):
        if not self.inside:
            self.set.__exit__(None, None, None)

    def _after_fork(self):
        """Remove the threads that do not survive in the child."""
        self.lock = threading.Lock()
        own = threading.get_ident()
        if any(thread != own for thread in self.inside):
            self.inside = [thread for thread in self.inside if thread == own]
            self._put_back()


@contextmanager
def _float32():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


_FLOAT32_BY_DEFAULT = ProcessSwitch(_float32)


@contextmanager
def usual_switches():
    """Set the switches of torch, NumPy and scikit-learn to their defaults.

    float32 and the CPU are torch's defaults, gradients are on and autocast is off,
    wherever the call comes from. Switches between precision and speed stay as the user
    has set them: the precision of matrix products, the number of threads, deterministic
    algorithms.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.switches import usual_switches
    >>> with torch.inference_mode(), torch.device("meta"), usual_switches():
    ...     torch.zeros(1, requires_grad=True) + 1
    tensor([1.], grad_fn=<AddBackward0>)
    """
    with ExitStack() as stack:
        stack.enter_context(usual_numbers())
        stack.enter_context(_FLOAT32_BY_DEFAULT)
        # Weights made in inference mode could never be trained.
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        # The context would slow down each call of a torch function; mostly it is idle.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        # Its cache of weights would hold those of the first step.
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield
