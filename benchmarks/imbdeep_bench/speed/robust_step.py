"""What a step of training for robustness costs, beside a plain training step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from imbdeep import classifiers
from imbdeep.modules import MLP, ConvNet
from imbdeep.modules._numeric_encoding import encoding_recipe
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal

BATCH_SIZE = 128
ATTACK_STEPS = 10
STEP_GOAL = Goal("<=", 12)
MEMORY_GOAL = Goal("<=", 5)  # MB

PLAIN, ATTACKED, BARE = "plain", "adversarial", "bare PyTorch, adversarial"


# --- Rows and nets -------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Rows, the net that learns them, and how far they may be moved."""

    name: str  # in the report
    X: np.ndarray
    y: np.ndarray
    net: dict  # parameters of the classifiers
    eps: float = 0.1  # in standard deviations of each feature

    def make_module(self):
        """Return the net alone, as the bare loop trains it."""
        n_classes = len(np.unique(self.y))
        if self.X.ndim > 2:
            return ConvNet(self.X.shape[1], n_classes)
        rows = torch.from_numpy(self.X)
        recipe = encoding_recipe(rows, self.net["numeric_encoding"])
        return MLP(self.X.shape[1], n_classes, encoding=recipe and recipe())


def make_pictures(n_rows=2_000, seed=0):
    """Draw grey pictures of 16 x 16 pixels, each class with a mean of its own."""
    rng = np.random.default_rng(seed)
    y = rng.integers(10, size=n_rows)
    means = rng.random((10, 1, 16, 16))
    X = (means[y] + rng.random((n_rows, 1, 16, 16))) / 2
    return X.astype(np.float32), y


def make_tasks(table):
    """Return the small table with either encoding, and the pictures."""
    tables = [
        Task(f"table, {encoding}", table.X, table.y, {"numeric_encoding": encoding})
        for encoding in measure.ENCODINGS
    ]
    return [*tables, Task("pictures", *make_pictures(), {"module": "conv"})]


def plain_net(task, **params):
    """A net whose steps are plain ones."""
    plain = {"criterion": "cross_entropy", "reweight_from": 1.0}
    params = {"batch_size": BATCH_SIZE, **plain, **task.net, **params}
    return classifiers.LDAMClassifier(**params)


def attacked_net(task, classifier=classifiers.AdversarialClassifier, **params):
    """A net whose steps attack the batch first."""
    attack = {"eps": task.eps, "eps_unit": "std", "attack_steps": ATTACK_STEPS}
    return classifier(batch_size=BATCH_SIZE, **task.net, **attack, **params)


def moved_net(task, classifier, **params):
    """A net that moves rows without ten steps of its own for each."""
    move = {"eps": task.eps, "eps_unit": "std"}
    return classifier(batch_size=BATCH_SIZE, **task.net, **move, **params)


def mixed_net(task, classifier, **params):
    """A net that sees two mixtures of each picture."""
    params = {"batch_size": BATCH_SIZE, "value_range": (0, 1), **task.net, **params}
    return classifier(**params)


@dataclass(frozen=True)
class Kind:
    """A kind of training step: the net that makes it, and its passes.

    The passes forth and back through the net, each over as many rows as the batch has:
    what a step costs in theory, if nothing else took time.
    """

    make_net: Callable
    passes: int
    on_tables: bool = True


def _attacked(classifier):
    make = partial(attacked_net, classifier=classifier)
    return Kind(make, ATTACK_STEPS + 1)


def _moved(classifier, passes):
    return Kind(partial(moved_net, classifier=classifier), passes)


def _mixed(classifier):
    # The picture and two mixtures.
    return Kind(partial(mixed_net, classifier=classifier), 3, on_tables=False)


KINDS = {
    PLAIN: Kind(plain_net, 1),
    ATTACKED: _attacked(classifiers.AdversarialClassifier),
    "SRAT": _attacked(classifiers.SRATClassifier),
    "Imb-Mix": _attacked(classifiers.ImbMixClassifier),
    # The net's step, then that of the shift.
    "universal": _moved(classifiers.UniversalAdversarialClassifier, 2),
    # Four steps of the attack, then clean and moved rows.
    "shared": _moved(classifiers.SharedAdversarialClassifier, 6),
    # The generator's step, then the net's.
    "noise": _moved(classifiers.AdversarialNoiseClassifier, 2),
    "AugMix": _mixed(classifiers.AugMixClassifier),
    # The autoencoder trains before the steps, which do not take longer if it is good.
    "DeepAugment + AugMix": _mixed(
        partial(classifiers.DeepAugmentClassifier, autoencoder_epochs=1)
    ),
}


# --- The loop by hand ----------------------------------------------------------------


def move_rows(module, x, y, radius, step_size):
    """Move rows by ten steps of projected gradient ascent, as the loop by hand does."""
    low, high = x - radius, x + radius
    moved = x + radius * (2 * torch.rand_like(x) - 1)
    for _ in range(ATTACK_STEPS):
        moved.requires_grad_()
        loss = cross_entropy(module(moved), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, moved)
        with torch.no_grad():
            moved = (moved + step_size * gradient.sign()).clamp(low, high)
    return moved


def time_bare_steps(task, device, n_steps, seed):
    """Median seconds of a training step of the loop by hand."""
    seconds = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        X, y = (torch.from_numpy(a).to(device) for a in (task.X, task.y))
        module = task.make_module().to(device)
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        radius = task.eps * X.std(0, correction=0)
        step_size = 2.5 * radius / ATTACK_STEPS
        while len(seconds) < measure.WARM_UP_STEPS + n_steps:
            for rows in torch.randperm(len(X)).to(device).split(BATCH_SIZE):
                start = measure.finished(device)
                x, target = X.index_select(0, rows), y.index_select(0, rows)
                module.eval()
                moved = move_rows(module, x, target, radius, step_size)
                module.train()
                optimizer.zero_grad(set_to_none=True)
                cross_entropy(module(moved), target).backward()
                optimizer.step()
                seconds.append(measure.finished(device) - start)
    return np.median(seconds[measure.WARM_UP_STEPS :])


# --- Time ----------------------------------------------------------------------------


def time_steps(make_net, task, device, n_steps, seed):
    """Median seconds of the training steps of a fit."""
    make = partial(make_net, task)
    told = {"device": device, "n_steps": n_steps, "seed": seed}
    return measure.median_step(make, task.X, task.y, **told)


TIMED = {
    **{name: partial(time_steps, kind.make_net) for name, kind in KINDS.items()},
    BARE: time_bare_steps,
}


def kinds_of(task):
    """Return the kinds of steps that a task's rows can be trained by."""
    is_table = task.X.ndim == 2
    return {n: k for n, k in KINDS.items() if k.on_tables or not is_table}


def time_rows(task, *, device, n_steps, repeats):
    """Rows of the table of times and ratios, one for each kind of step."""
    passes = {name: kind.passes for name, kind in kinds_of(task).items()}
    passes[BARE] = passes[ATTACKED]
    timings = {
        name: partial(time_one, task, device, n_steps)
        for name, time_one in TIMED.items()
        if name in passes
    }
    seconds = measure.in_turn(timings, repeats)
    beside = {"step / plain": PLAIN, "step / bare": BARE}
    labels, goals = {"rows": task.name}, {ATTACKED: STEP_GOAL}
    return measure.step_rows(labels, seconds, beside, goals, passes)


# --- Memory and report ---------------------------------------------------------------


def growth_row(task, device, threads):
    """Row of the table of memory."""
    make = partial(attacked_net, task)
    arguments = make, task.X, task.y, device, threads
    growth = measure.in_fresh_process(measure.growth_of_steps, *arguments)
    told = {"rows": task.name, "growth [MB]": f"{growth:.1f}"}
    return told | MEMORY_GOAL.cells(growth)


def make_report(table, times, growth, *, device, threads):
    """Return the report as Markdown."""
    return measure.fill_in(
        __file__,
        machine=measure.machine_line(device, threads),
        table=measure.describe(table),
        batch_size=BATCH_SIZE,
        attack_steps=ATTACK_STEPS,
        memory_from=measure.MEMORY_FROM,
        memory_steps=measure.MEMORY_STEPS,
        times=rows_to_markdown(times),
        growth=rows_to_markdown(growth),
    )


class RobustStep(measure.SpeedPart):
    """What a step of training for robustness costs, beside a plain training step.

        python benchmarks/speed.py robust_step --out robust_step_speed.md

    ``LDAMClassifier`` with cross-entropy, which trains on rows as they are, and the
    adversarial classifiers, which attack the rows of each batch by ten steps of
    projected gradient ascent first, are fitted in turn in one process with the same net
    on the same rows, and every training step is timed. So are nets that learn one shift
    for all rows or for a heap of them, noise, and mixtures of pictures, at their
    defaults; and the loop that a careful person writes by hand for the ten steps.
    Medians over the steps of a fit are compared, repeat by repeat. The first steps of
    each fit are left out, and the steps of fresh generators of noise between epochs.

    Ten steps of an attack and one of training are eleven passes forth and back, so that
    a ratio of eleven, and a little for moving rows about, is what there is to have. The
    passes of every kind stand in the table.

    Memory is the rise of the peak between step 100 and step 1,100 of one adversarial
    fit: of the process, or of CUDA's allocator where the device is CUDA. The goal
    allows for what an allocator keeps; a graph kept alive would take more than that in
    each step.
    """

    numbers = {
        "--steps": (100, "timed steps of a fit"),
        "--repeats": (5, "fits of each kind"),
    }

    @staticmethod
    def report(args):
        device, threads = args.device, args.threads
        table = measure.small_table()
        tasks = make_tasks(table)
        growth = [growth_row(task, device, threads) for task in tasks]
        told = {"device": device, "n_steps": args.steps, "repeats": args.repeats}
        times = [row for task in tasks for row in time_rows(task, **told)]
        return make_report(table, times, growth, device=device, threads=threads)
