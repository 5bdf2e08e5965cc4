"""What augmenting a batch of images costs, beside a training step of a small net."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from imbdeep import augmentations
from imbdeep.classifiers import NetClassifier
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal

BATCH_SIZE = 64
STEP = "training step"
# Of the presets: an augmented epoch should not take much longer than a plain one.
SHARE_GOAL = Goal("<=", 0.25)
GOALS = {"flips": SHARE_GOAL, "standard": SHARE_GOAL}


@dataclass(frozen=True)
class Images:
    """Images of noise, of two classes."""

    name: str
    shape: tuple  # bands, height, width
    n_filters: tuple  # of the net

    def draw(self, n_rows):
        """Draw so many images, and their classes."""
        rng = np.random.default_rng(0)
        X = rng.random((n_rows, *self.shape), dtype=np.float32)
        return X, np.arange(n_rows) % 2


KINDS = [
    Images("digits, 1 x 16 x 16", (1, 16, 16), (16, 32)),
    Images("photographs, 3 x 32 x 32", (3, 32, 32), (16, 32)),
    Images("tiles, 10 x 64 x 64", (10, 64, 64), (16, 32, 64)),
]


def time_step(images, device, n_steps, seed):
    """Median seconds of a training step, without an augmentation."""
    net = partial(
        NetClassifier,
        "conv",
        module__n_filters=images.n_filters,
        batch_size=BATCH_SIZE,
        train_split=None,
        early_stopping=False,
    )
    told = {"device": device, "n_steps": n_steps, "seed": seed}
    return measure.median_step(net, *images.draw(2 * BATCH_SIZE), **told)


def time_augmentation(augment, images, device, n_steps, seed):
    """Median seconds that an augmentation takes of a batch."""
    rows = torch.from_numpy(images.draw(BATCH_SIZE)[0]).to(device)
    generator = torch.Generator().manual_seed(seed)
    seconds = []
    for _ in range(measure.WARM_UP_STEPS + n_steps):
        start = measure.finished(device)
        augment(rows, generator)
        seconds.append(measure.finished(device) - start)
    return np.median(seconds[measure.WARM_UP_STEPS :])


TIMED = {STEP: time_step} | {
    name: partial(time_augmentation, getattr(augmentations, name))
    for name in augmentations.__all__
}


def time_rows(images, *, device, n_steps, repeats):
    """Rows of the table: a step, and each augmentation beside it."""
    timings = {
        name: partial(time_one, images, device, n_steps)
        for name, time_one in TIMED.items()
    }
    seconds = measure.in_turn(timings, repeats)
    beside = {"batch / training step": STEP}
    return measure.step_rows({"images": images.name}, seconds, beside, GOALS)


class AugmentationSpeed(measure.SpeedPart):
    """What augmenting a batch of images costs, beside a training step of a small net.

        python benchmarks/speed.py augmentations --out augmentations_speed.md

    Each public augmentation changes a batch of 64 images, and ``NetClassifier`` with
    ``module='conv'`` makes training steps on as many, without augmentation: in turn,
    in one process. Medians over the batches are compared, repeat by repeat; the first
    ones are left out. A net augments its batches on the CPU, whatever it is trained
    on, so that ``--device cuda`` tells what it would be to augment there.
    """

    numbers = {
        "--steps": (20, "timed batches of each kind"),
        "--repeats": (3, "rounds"),
    }

    @staticmethod
    def report(args):
        told = {"device": args.device, "n_steps": args.steps, "repeats": args.repeats}
        rows = [row for images in KINDS for row in time_rows(images, **told)]
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(args.device, args.threads),
            batch_size=BATCH_SIZE,
            times=rows_to_markdown(rows),
        )
