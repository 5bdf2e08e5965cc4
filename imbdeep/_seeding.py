"""Torch drawn from a seed of one's own."""

import os
import threading
from contextlib import contextmanager

import torch

from imbdeep._torch_switches import usual_switches


class _Turns:
    """Turns of threads at torch's global generators, which they seed and put back."""

    def __init__(self):
        self.lock = threading.RLock()
        self.owner = None
        self.found = None

    @contextmanager
    def take(self):
        own = threading.get_ident()
        with self.lock:
            if self.owner == own:
                yield
                return
            self.owner, self.found = own, torch.get_rng_state()
            try:
                yield
            finally:
                self.owner = self.found = None

    def after_fork(self):
        """End the turn of a thread that does not live on in the child."""
        if self.lock.acquire(blocking=False):
            self.lock.release()
            return
        if self.found is not None:
            torch.set_rng_state(self.found)
        self.__init__()


_TURNS = _Turns()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TURNS.after_fork)


@contextmanager
def seeded_torch(draw_seed, device="cpu"):
    """Seed torch's global generators, and leave them as they were.

    Layers draw their first weights, and dropout its masks, from the global generators
    alone. What they draw depends on torch's switches, which are the usual ones here.

    Parameters
    ----------
    draw_seed : callable
        Gives an int; called once for the CPU and once more for a CUDA device.
    device : str or torch.device, default='cpu'

    Examples
    --------
    >>> import torch
    >>> from imbdeep._seeding import seeded_torch
    >>> before = torch.get_rng_state()
    >>> with seeded_torch(lambda: 0):
    ...     first = torch.rand(3)
    >>> with seeded_torch(lambda: 0):
    ...     bool((torch.rand(3) == first).all())
    True
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    device = torch.device(device)
    cuda = [device] if device.type == "cuda" else []
    with _TURNS.take(), usual_switches(), torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(draw_seed())
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(draw_seed())
        yield
