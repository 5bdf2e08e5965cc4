"""Figure 3.2: how many labels are inferred rightly."""

from matplotlib.figure import Figure

from imbdeep_bench.engine.command import Part
from imbdeep_bench.papers.crowds.report import (
    CROWD,
    PAIR_STUDY,
    STEPS,
    crowd_name,
    inference_table,
)
from imbdeep_bench.report.markdown import write_all
from imbdeep_bench.report.runs import keys_of, pick

COLORS = ("#7F7F7F", "#56B4E9", "#0072B2", *("#E69F00", "#D55E00") * 2)


def draw_steps(axes, rows):
    """Draw the steps of one data set and crowd, with bars of one standard error."""
    rows = rows.set_index("method")
    looks = {s: c for s, c in zip(STEPS, COLORS, strict=True) if s in rows.index}
    rows = rows.loc[list(looks)]
    error, colors = rows["se"].fillna(0), list(looks.values())
    bars = axes.barh(list(looks), rows["mean"], xerr=error, color=colors, capsize=2)
    for step, bar in zip(looks, bars, strict=True):
        bar.set(hatch="///" if "soft" in step else None, edgecolor="white")
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_inference(table):
    """Draw the accuracy of inferred labels of all data sets and crowds."""
    keys = keys_of(table, CROWD)
    n_lines = -(-len(keys) // 2)
    figure = Figure(figsize=(11, 2.6 * n_lines + 0.8), layout="constrained")
    panels = figure.subplots(n_lines, 2, squeeze=False).ravel()
    for axes, key in zip(panels, keys, strict=False):
        draw_steps(axes, pick(table, CROWD, key))
        axes.set_title(crowd_name(*key), fontsize=10)
        axes.set_xlabel("share of training rows inferred rightly, mean ± s.e.")
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    figure.suptitle("After Figure 3.2; Madelon stands in for Gisette", fontsize=11)
    return figure


class Inference(Part):
    """Figure 3.2: how many labels are inferred rightly, before ICED and in its rounds.

        python benchmarks/papers.py crowds run --data raw
        python benchmarks/papers.py crowds inference

    Reads <out>/cells.jsonl alone, and writes inference.png and inference.csv. The
    printed figure shows Gisette, which is not at hand (Madelon stands in), and Gas
    Sensor Array Drift. ICED begins with the labels of the majority vote and infers with
    hard Dawid and Skene; the soft kind is drawn, too.
    """

    out = "results/crowds"

    @staticmethod
    def report(args):
        """Write inference.csv and inference.png; return the path of the latter."""
        path = args.out / "cells.jsonl"
        table = inference_table(PAIR_STUDY.read(path))
        if table.empty:
            raise ValueError(
                f"{path} has no cell of a method that infers labels; run "
                f"{', '.join(dict.fromkeys(method for method, _ in STEPS.values()))}."
            )
        picture = draw_inference(table[table["metric"] == "accuracy"])
        frames, pictures = {"inference.csv": table}, {"inference.png": picture}
        write_all(args.out, frames=frames, pictures=pictures)
        return args.out / "inference.png"
