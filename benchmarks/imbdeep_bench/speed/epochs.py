"""How long the epochs of a sampler take: a clock on the steps of optimizers."""

from array import array
from time import perf_counter

import numpy as np
from torch.optim.optimizer import register_optimizer_step_post_hook

from imbdeep.over_sampling import MetaAugment


class OptimizerClock:
    """Notes the time of every optimizer step that is taken within a ``with`` block.

    ``times`` has when each step was done, ``first_steps`` the position in it of the
    first step of each optimizer.
    """

    def __enter__(self):
        self.times, self.first_steps, self._optimizers = array("d"), [], []
        self._hook = register_optimizer_step_post_hook(self._note)
        return self

    def __exit__(self, *error):
        self._hook.remove()

    def _note(self, optimizer, args, kwargs):
        # The optimizers are kept, so that none is mistaken for one that was before.
        if not any(optimizer is known for known in self._optimizers):
            self._optimizers.append(optimizer)
            self.first_steps.append(len(self.times))
        self.times.append(perf_counter())


def between_epochs(times, n_epochs):
    """Seconds from the last step of each epoch to that of the next.

    ``times`` tells when each step was done; all epochs have as many.

    >>> between_epochs([1.0, 2.0, 3.0, 5.0, 6.0, 9.0], n_epochs=3)
    array([3., 4.])
    """
    return np.diff(np.reshape(times, (n_epochs, -1))[:, -1])


def stages(sampler, clock):
    """Stages of a fitted sampler's training, during which the clock was running.

    Each has its number of epochs, and the seconds of all but the first.
    """
    if isinstance(sampler, MetaAugment):
        history = sampler.estimator_.history
        seconds = np.array(history[:, "dur"])
        moves_rows = np.array(history[:, "n_synthetic"]) > 0
        parts = [seconds[~moves_rows], seconds[moves_rows]]
        return [(len(part), part[1:]) for part in parts]
    n_epochs = [
        getattr(sampler, name)
        for name in ("n_pretrain_epochs_", "n_epochs_")
        if hasattr(sampler, name)
    ]
    # The first stage has one net and one optimizer.
    begins = [0, *clock.first_steps[1:2]][: len(n_epochs)]
    parts = np.split(np.array(clock.times), begins[1:])[: len(n_epochs)]
    return [
        (n, between_epochs(times, n)) for n, times in zip(n_epochs, parts, strict=True)
    ]
