"""Sine regression: ten points of a sine, and synthetic points that move (section 4)."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from imbdeep_bench.engine.command import Part
from imbdeep_bench.engine.experiment import one_thread
from imbdeep_bench.papers.explicit_gradient.report_sine import (
    Picture,
    draw_figure,
    make_report,
)
from imbdeep_bench.papers.explicit_gradient.sine_nets import (
    PRETRAIN_STEPS,
    SYNTH_LR,
    MetaTraining,
    adam,
    distance_to_sine,
    draw_problem,
    mean_squared_error,
    plain_descent,
    rmse,
    stack,
    train,
)
from imbdeep_bench.report.template import write_report

# Whether the training step sees the training points too, as Algorithm 1 has it (eq. 1
# leaves them out), and the learning rates of x and y.
READINGS = {
    "ours": (True, (SYNTH_LR, SYNTH_LR)),
    "fixed": (True, (0.0, 0.0)),
    "ours, only x moves": (True, (SYNTH_LR, 0.0)),
    "ours, only y moves": (True, (0.0, SYNTH_LR)),
    "ours, step on synthetic points alone": (False, (SYNTH_LR, SYNTH_LR)),
}


@dataclass(frozen=True)
class Plan:
    """What is computed: after ``headline`` steps of meta-training methods are compared.

    The paper's own numbers, real points of each part and synthetic ones, come first.
    """

    seeds: range
    pretrain_steps: int = PRETRAIN_STEPS
    # NOTE[DIFF]: the paper names no number of steps. After 1000 the loss on the
    # validation points is small; the report shows what fewer and more would give.
    headline: int = 1000
    checkpoints: tuple = (100, 300, 1000, 3000)
    numbers: tuple = ((5, 20), (5, 10), (5, 50), (10, 20), (10, 10), (10, 50))


def measure(method, steps, net, points, problem):
    """Return a row for each seed on what its net has learned."""
    return pd.DataFrame(
        {
            "method": method,
            "steps": steps,
            "rmse": rmse(net),
            "distance": distance_to_sine(points),
            "train_mse": mean_squared_error(net, problem.train),
            "valid_mse": mean_squared_error(net, problem.valid),
        }
    )


def meta_train(training, checkpoints):
    """Train up to each checkpoint in turn; yield its steps, nets and points."""
    done = 0
    for checkpoint in checkpoints:
        for _ in range(checkpoint - done):
            training.step()
        done = checkpoint
        yield checkpoint, training.net, training.points.clone()


def compare(problem, plan):
    """Train the baseline, the method and its controls on one stack of problems.

    Rows as :func:`measure` gives them, and a picture of the first seed.
    """
    start = problem.synthetic
    baseline = train(problem.start, problem.real, adam, plan.pretrain_steps)
    before = train(problem.start, problem.train, adam, plan.pretrain_steps)
    continued = train(before, problem.real, plain_descent, plan.headline)
    rows = [
        measure("baseline", 0, baseline, start, problem),
        measure("pre-trained", 0, before, start, problem),
        measure("continued", plan.headline, continued, start, problem),
    ]
    reached = {}
    for method, (sees_train, synth_lr) in READINGS.items():
        inner = problem.train if sees_train else problem.train[:, :0]
        training = MetaTraining(before, problem, inner, synth_lr)
        for steps, net, points in meta_train(training, plan.checkpoints):
            rows.append(measure(method, steps, net, points, problem))
            reached[method, steps] = net, points
    net, moved = reached["ours", plan.headline]
    return pd.concat(rows), Picture.of_first_seed(problem, baseline, net, moved)


def experiment(plan):
    """Compute a plan: a row a seed, method, number of steps and of points.

    The picture is of the first seed, with the paper's numbers of points.
    """
    tables, pictures = [], []
    for n_real, n_synthetic in tqdm(plan.numbers, unit="setting"):
        problems = [draw_problem(seed, n_real, n_synthetic) for seed in plan.seeds]
        rows, picture = compare(stack(problems), plan)
        seeds = rows.index.map(dict(enumerate(plan.seeds)))
        for name, value in (("seed", seeds), ("n_synthetic", n_synthetic)):
            rows.insert(0, name, value)
        rows.insert(0, "n_real", n_real)
        tables.append(rows)
        pictures.append(picture)
    return pd.concat(tables, ignore_index=True), pictures[0]


def write(plan, out):
    """Compute a plan and write its rows, picture and report to a folder."""
    with one_thread():
        rows, picture = experiment(plan)
    template, numbers = (
        Path(__file__).with_name("sine.md.jinja"),
        make_report(rows, plan),
    )
    pictures = {"figure.png": draw_figure(rows, picture, plan)}
    files = {"frames": {"seeds.csv": rows}, "pictures": pictures}
    return write_report(out, template, numbers, name="report.md", **files)


class Sine(Part):
    """Sine regression (section 4): ten points, and synthetic points that move.

        python benchmarks/papers.py explicit_gradient sine --seeds 20

    A net with ten hidden units learns sin(pi x / 2) from ten points, five to train and
    five to validate. The paper's method learns from the first five, then from these and
    from twenty synthetic points, which move so that each training step helps the other
    five. The baseline learns from all ten.

    The paper shows one picture. Here each seed draws its own points and net, and the
    report compares the method with the baseline and with three controls:

    - pre-trained: the net before the synthetic points come in;
    - fixed: the same procedure with a synthetic learning rate of 0;
    - continued: the pre-trained net, then as many plain gradient steps on all points.

    Takes about a minute on one core.
    """

    out = "results/explicit_gradient/sine"

    @staticmethod
    def add_own_arguments(parser):
        """Add the options that no other part has."""
        parser.add_argument(
            "--seeds",
            type=int,
            default=20,
            metavar="N",
            help="draws of points and nets: seeds 0 to N - 1 (default: 20)",
        )

    @staticmethod
    def report(args):
        """Compute and report; return the path."""
        if args.seeds < 1:
            raise ValueError(f"--seeds got {args.seeds}; give 1 or more.")
        return write(Plan(range(args.seeds)), args.out)
