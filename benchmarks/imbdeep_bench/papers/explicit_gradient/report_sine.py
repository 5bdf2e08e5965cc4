"""Tables and picture of the sine experiment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import wilcoxon

from imbdeep_bench.papers.explicit_gradient.sine_nets import predict, sine_points

TRUE, REAL, HELD_OUT, MADE, FITTED = (
    "#009E73",
    "#0072B2",
    "#CC79A7",
    "#D55E00",
    "#E69F00",
)
MAIN = ("baseline", "ours", "pre-trained", "fixed", "continued")

RMSE_OF_ZERO = float(np.sqrt(np.mean(sine_points()[0, :, 1].numpy() ** 2)))


# --- Tables --------------------------------------------------------------------------


def at_headline(rows, plan, n_real, n_synthetic):
    """Rows of one setting, each method at the number of steps it is judged by."""
    chosen = (rows["n_real"] == n_real) & (rows["n_synthetic"] == n_synthetic)
    return rows[chosen & rows["steps"].isin([0, plan.headline])]


def by_seed(rows):
    """RMSE with a row a seed and a column a method."""
    return rows.pivot(index="seed", columns="method", values="rmse")


def main_table(rows):
    """Summary of each method's RMSE over the seeds."""
    scores = by_seed(rows)
    better = scores.lt(scores["baseline"], axis=0).sum()
    table = scores.agg(["mean", "std", "median", "min", "max"]).T.loc[list(MAIN)]
    table = table.map("{:.3f}".format)
    table["better than baseline"] = [
        f"{n} of {len(scores)}" for n in better[table.index]
    ]
    return table.rename_axis("RMSE of")


def reading_table(rows):
    """The method as other readers may have it."""
    names = [name for name in rows["method"].unique() if name.startswith("ours")]
    grouped = rows.groupby("method")
    table = grouped[["rmse", "distance", "train_mse", "valid_mse"]].median().loc[names]
    table.insert(0, "RMSE, mean", grouped["rmse"].mean())
    table = table.rename(
        columns={
            "rmse": "RMSE, median",
            "distance": "distance, median",
            "train_mse": "MSE of train points, median",
            "valid_mse": "MSE of valid points, median",
        }
    )
    return table.map("{:.3f}".format)


def course_table(rows, plan):
    """How meta-training goes, with points that move and with points that do not."""
    n_real, n_synthetic = plan.numbers[0]
    here = rows[(rows["n_real"] == n_real) & (rows["n_synthetic"] == n_synthetic)]
    table = []
    for steps in (0, *plan.checkpoints):
        row = {"steps": steps}
        for method in ("ours", "fixed"):
            name = method if steps else "pre-trained"
            seen = here[(here["method"] == name) & (here["steps"] == steps)]
            row[f"{method}: RMSE, median"] = seen["rmse"].median()
            row[f"{method}: valid MSE, median"] = seen["valid_mse"].median()
            if method == "ours":
                row["ours: distance, mean"] = seen["distance"].mean()
        table.append(row)
    return pd.DataFrame(table).set_index("steps").map("{:.3f}".format)


def numbers_table(rows, plan):
    """Appendix A: other numbers of real and synthetic points."""
    table = []
    for n_real, n_synthetic in sorted(plan.numbers):
        here = at_headline(rows, plan, n_real, n_synthetic)
        scores = by_seed(here)
        distance = here.groupby("method")["distance"].mean()
        medians = scores[list(MAIN)].median().map("{:.3f}".format)
        won = (scores["ours"] < scores["baseline"]).sum()
        table.append(
            {
                "real points a part": n_real,
                "synthetic points": n_synthetic,
                **medians,
                "ours better than baseline": f"{won} of {len(scores)}",
                "distance before": f"{distance['pre-trained']:.3f}",
                "distance after": f"{distance['ours']:.3f}",
            }
        )
    return pd.DataFrame(table).set_index("real points a part")


def duel(rows, rival):
    """One sentence on the method and a rival."""
    scores = by_seed(rows)
    ours, theirs = scores["ours"], scores[rival]
    test = wilcoxon(ours, theirs)
    return (
        f"- {rival}: ours is better on {(ours < theirs).sum()} of {len(scores)} seeds; "
        f"median RMSE {ours.median():.3f} against {theirs.median():.3f} "
        f"(Wilcoxon p = {test.pvalue:.2g})."
    )


def verdict(rows):
    """Say whether the paper's two claims come out."""
    scores = by_seed(rows)
    distance = rows.pivot(index="seed", columns="method", values="distance")
    before, after = distance["pre-trained"], distance["ours"]
    fits = scores["ours"].median() < scores["baseline"].median()
    aligns = after.mean() < before.mean()
    return (
        f"**The better fit {'comes' if fits else 'does not come'} out**: median RMSE "
        f"{scores['ours'].median():.3f} with moved points, "
        f"{scores['baseline'].median():.3f} without. **The synthetic points "
        f"{'move' if aligns else 'do not move'} towards the sine**: their mean "
        f"distance to it is {before.mean():.3f} before and {after.mean():.3f} after; "
        f"they end nearer on {(after < before).sum()} of {len(after)} seeds."
    )


def make_report(rows, plan):
    """Return the report as Markdown."""
    n_real, n_synthetic = plan.numbers[0]
    here = at_headline(rows, plan, n_real, n_synthetic)
    duels = "\n".join(duel(here, rival) for rival in MAIN if rival != "ours")
    return f"""# Sine regression

Section 4 of the explicit-gradient paper: {n_real} training points and {n_real}
validation points of sin(pi x / 2), {n_synthetic} synthetic points, a net with 10 hidden
tanh units, eta1 = 0.1, eta2 = 1. {len(plan.seeds)} seeds, each with points and a net of
its own. RMSE is against the sine on 501 points of [-5, 5]; predicting 0 everywhere has
{RMSE_OF_ZERO:.3f}. Distance is the mean of |y - sin(pi x / 2)| over synthetic points.

{verdict(here)}

Against each of the others (Wilcoxon signed-rank test over the seeds):

{duels}

{main_table(here).to_markdown(disable_numparse=True)}

- baseline: trained on training and validation points.
- ours: trained on the training points, then {plan.headline} steps of Algorithm 1.
- pre-trained: ours before these steps.
- fixed: ours with eta2 = 0; the synthetic points stay where they are drawn.
- continued: pre-trained, then {plan.headline} plain gradient steps with eta1 on
  training and validation points.

![points, fits and RMSE over seeds](figure.png)

## Steps of meta-training

{course_table(rows, plan).to_markdown(disable_numparse=True)}

## Other readings of the paper

After {plan.headline} steps.

{reading_table(here).to_markdown(disable_numparse=True)}

## Numbers of points (appendix A)

Median RMSE over the seeds, mean distance.

{numbers_table(rows, plan).to_markdown(disable_numparse=True)}

## What the paper leaves open

- Pre-training and baseline: {plan.pretrain_steps} steps of Adam, learning rate 0.01, on
  all points at once.
- Steps of meta-training: {plan.headline}, all points in every step. Either number was
  settled on other seeds: the loss on the training points is near 0 after the one, the
  loss on the validation points after the other.
- y of the synthetic points at the start: uniform in [-1, 1].
- Synthetic points move in x and y. The training step sees training points and synthetic
  points, as Algorithm 1 has it.
"""


# --- Picture -------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """What is drawn of one seed: arrays of points (x, y)."""

    train: np.ndarray
    valid: np.ndarray
    synthetic: np.ndarray
    moved: np.ndarray
    baseline: np.ndarray
    ours: np.ndarray

    @classmethod
    def of_first_seed(cls, problem, baseline, ours, moved):
        """Take the first seed of a stack."""

        def curve(net):
            x = sine_points()[..., :1]
            y = predict(net, x)[0]
            return np.hstack([x[0].numpy(), y.numpy()])

        return cls(
            *(
                points[0].numpy()
                for points in (problem.train, problem.valid, problem.synthetic, moved)
            ),
            curve(baseline),
            curve(ours),
        )


def draw_points(axes, picture, synthetic):
    """Draw the sine and the points."""
    axes.plot(*sine_points()[0].numpy().T, color=TRUE, label="sine")
    axes.plot(*picture.train.T, "^", color=REAL, label="training points")
    axes.plot(*picture.valid.T, "^", color=HELD_OUT, label="validation points")
    if synthetic is not None:
        axes.plot(*synthetic.T, "o", color=MADE, markersize=4, label="synthetic points")
    axes.set(xlabel="x", ylim=(-2.2, 2.2))


def draw_figure(rows, picture, plan):
    """Draw the paper's Figure 1 for the first seed, and the RMSE of all seeds."""
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    left, middle, right, strip = figure.subplots(1, 4)
    seed = plan.seeds[0]

    draw_points(left, picture, picture.synthetic)
    left.set(title=f"Seed {seed}: points", ylabel="y")

    draw_points(middle, picture, None)
    middle.plot(*picture.baseline.T, "--", color=FITTED, label="net")
    middle.set(title=f"Seed {seed}: baseline")

    for begin, end in zip(picture.synthetic, picture.moved, strict=True):
        right.plot(*np.transpose([begin, end]), color=MADE, alpha=0.35, linewidth=0.8)
    draw_points(right, picture, picture.moved)
    right.plot(*picture.ours.T, "--", color=FITTED, label="net")
    right.set(title=f"Seed {seed}: ours, points moved")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))

    scores = by_seed(at_headline(rows, plan, *plan.numbers[0]))[list(MAIN)]
    strip.boxplot(scores.to_numpy(), showfliers=False, medianprops={"color": "black"})
    jitter = np.random.default_rng(0).uniform(-0.15, 0.15, len(scores))
    for place, name in enumerate(MAIN, 1):
        strip.plot(place + jitter, scores[name], "o", color=REAL, alpha=0.5, ms=3)
    strip.axhline(RMSE_OF_ZERO, color="grey", linestyle=":", linewidth=1)
    strip.set_xticks(range(1, len(MAIN) + 1), MAIN, rotation=30)
    strip.set(title=f"{len(scores)} seeds (dotted: predicting 0)", ylabel="RMSE")
    return figure
