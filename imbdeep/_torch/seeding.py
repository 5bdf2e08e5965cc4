"""Seed torch's random draws for a fit."""

import os
import threading
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state

from imbdeep._torch.draws import current_generators, drawing_from
from imbdeep._torch.switches import usual_switches


def seed_from(random_state):
    """Draw a seed from a RandomState.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._torch.seeding import seed_from
    >>> seed_from(np.random.RandomState(0))
    209652396
    """
    return int(random_state.randint(np.iinfo(np.int32).max))


def own_state(random_state):
    """RandomState of a fit, which draws once from the user's, who may share it.

    Examples
    --------
    >>> from imbdeep._torch.seeding import own_state, seed_from
    >>> seed_from(own_state(0)) == seed_from(own_state(0))
    True
    """
    return np.random.RandomState(seed_from(check_random_state(random_state)))


class _Turns:
    """Turns of threads with torch's global generators, to seed and restore them."""

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
        """End the turn of a thread that does not survive in the child."""
        if self.lock.acquire(blocking=False):
            self.lock.release()
            return
        if self.found is not None:
            torch.set_rng_state(self.found)
        self.__init__()


_TURNS = _Turns()

# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TURNS.after_fork)


@contextmanager
def _global_generators_put_back(device):
    """Take this thread's turn with torch's global generators, and restore them."""
    cuda = [device] if device.type == "cuda" else []
    with _TURNS.take(), torch.random.fork_rng(devices=cuda), drawing_from():
        yield


@contextmanager
def seeded_torch(draw_seed, device="cpu", *, shared=False):
    """Seed generators of this thread's own, or torch's global ones.

    Draws also depend on torch's switches, which have their defaults here.

    Parameters
    ----------
    draw_seed : callable
        Returns an int; called once for the CPU and once more for a CUDA device.
    device : str or torch.device, default='cpu'
    shared : bool, default=False
        Whether to seed the global generators, and restore them afterwards, for code
        that can draw from nothing else. Threads that do so take turns; other code that
        draws meanwhile shares the seeded generators. Otherwise
        :func:`~imbdeep._torch.draws.current_generator` returns the generators in this
        thread only.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.draws import current_generator
    >>> from imbdeep._torch.seeding import seeded_torch
    >>> before = torch.get_rng_state()
    >>> with seeded_torch(lambda: 0):
    ...     own = torch.rand(3, generator=current_generator())
    >>> with seeded_torch(lambda: 0, shared=True):
    ...     bool((torch.rand(3) == own).all())
    True
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    device = torch.device(device)
    places = ["cpu", device] if device.type == "cuda" else ["cpu"]
    with usual_switches():
        if not shared:
            # A generator belongs to one device.
            own = [torch.Generator(place).manual_seed(draw_seed()) for place in places]
            with drawing_from(*own):
                yield
            return
        with _global_generators_put_back(device):
            torch.default_generator.manual_seed(draw_seed())
            if device.type == "cuda":
                # manual_seed seeds the current device only.
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(draw_seed())
            yield


@contextmanager
def draws_undone(device="cpu"):
    """Restore the generators after draws in the context.

    Parameters
    ----------
    device : str or torch.device, default='cpu'
        Device of draws, in addition to the CPU.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.seeding import draws_undone
    >>> with draws_undone():
    ...     drawn = torch.rand(3)
    >>> bool((torch.rand(3) == drawn).all())
    True
    """
    own = current_generators()
    if not own:
        with _global_generators_put_back(torch.device(device)):
            yield
        return
    states = [generator.get_state() for generator in own]
    try:
        yield
    finally:
        for generator, state in zip(own, states, strict=True):
            generator.set_state(state)
