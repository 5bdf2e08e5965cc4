"""Torch drawn from a seed of one's own."""

import threading
from contextlib import contextmanager

import torch

from imbdeep._torch_switches import usual_switches

# Training seeds torch's global generators and puts them back; threads take turns.
_SEEDED = threading.RLock()


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
    with _SEEDED, usual_switches(), torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(draw_seed())
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(draw_seed())
        yield
