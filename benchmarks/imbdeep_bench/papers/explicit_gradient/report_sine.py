"""Tables and picture of the sine experiment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import wilcoxon

from imbdeep_bench.papers.explicit_gradient.sine_nets import predict, sine_points

TRUE, REAL, HELD_OUT = "#009E73", "#0072B2", "#CC79A7"
MADE, FITTED = "#D55E00", "#E69F00"
MAIN = ("baseline", "ours", "pre-trained", "fixed", "continued")
PAIR = ("ours", "fixed")
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
    titles = {
        "rmse": "RMSE, median",
        "distance": "distance, median",
        "train_mse": "MSE of train points, median",
        "valid_mse": "MSE of valid points, median",
    }
    grouped = rows.groupby("method")
    table = grouped[list(titles)].median().loc[names].rename(columns=titles)
    table.insert(0, "RMSE, mean", grouped["rmse"].mean())
    return table.map("{:.3f}".format)


def course_table(rows, plan):
    """How meta-training goes, with points that move and with points that do not."""
    n_real, n_synthetic = plan.numbers[0]
    here = rows[(rows["n_real"] == n_real) & (rows["n_synthetic"] == n_synthetic)]
    seen = here.groupby(["method", "steps"])[["rmse", "valid_mse", "distance"]]
    median, mean = seen.median(), seen.mean()
    table = {}
    for steps in (0, *plan.checkpoints):
        ours, fixed = ((name if steps else "pre-trained", steps) for name in PAIR)
        table[steps] = {
            "ours: RMSE, median": median["rmse"][ours],
            "ours: valid MSE, median": median["valid_mse"][ours],
            "ours: distance, mean": mean["distance"][ours],
            "fixed: RMSE, median": median["rmse"][fixed],
            "fixed: valid MSE, median": median["valid_mse"][fixed],
        }
    table = pd.DataFrame.from_dict(table, orient="index").rename_axis("steps")
    return table.map("{:.3f}".format)


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


def verdict(rows):
    """Tell whether the paper's two claims come out, and how ours fares against each."""
    scores = by_seed(rows)
    distance = rows.pivot(index="seed", columns="method", values="distance")
    before, after = distance["pre-trained"], distance["ours"]
    median, ours = scores.median(), scores["ours"]
    return {
        "n_seeds": len(scores),
        "baseline": median["baseline"],
        "ours": {
            "rmse": median["ours"],
            "before": before.mean(),
            "after": after.mean(),
            "n_nearer": (after < before).sum(),
        },
        "duels": {
            rival: {
                "won": (ours < scores[rival]).sum(),
                "rmse": median[rival],
                "p_value": wilcoxon(ours, scores[rival]).pvalue,
            }
            for rival in MAIN
            if rival != "ours"
        },
    }


def make_report(rows, plan):
    """Return the numbers of the report."""
    n_real, n_synthetic = plan.numbers[0]
    here = at_headline(rows, plan, n_real, n_synthetic)
    return verdict(here) | {
        "plan": plan,
        "n_real": n_real,
        "n_synthetic": n_synthetic,
        "rmse_of_zero": RMSE_OF_ZERO,
        "main": main_table(here),
        "course": course_table(rows, plan),
        "readings": reading_table(here),
        "numbers": numbers_table(rows, plan),
    }


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

        points = problem.train, problem.valid, problem.synthetic, moved
        return cls(*(p[0].numpy() for p in points), curve(baseline), curve(ours))


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
