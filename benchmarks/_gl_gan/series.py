"""Figures 2.3 and 2.4: MCC over the ratio of the classes.

    python benchmarks/gl_gan.py run --r 0.01,0.02,0.05,0.1,0.2
    python benchmarks/gl_gan.py series

Reads <out>/cells.jsonl alone, and writes series.png and series.csv. The printed figures
show AdaBoost on Gisette and USPS, at ratios that the text does not give. Gisette is not
at hand: Madelon stands in, and the other two classifiers are drawn, too.
"""

from matplotlib.figure import Figure

from _gl_gan.cells import CLASSIFIERS
from _gl_gan.methods import METHODS
from _gl_gan.results import mean_table, read_cells, score_frame
from _gl_gan.run import add_out_argument
from imbdeep._files import png, write_files

# The two components of section 2.4.3, GL-GAN itself, and what one would do without.
DRAWN = ("none", "smote", "latent_smote", "conditional_gan", "gl_gan")


def add_arguments(parser):
    """Add the options of this command."""
    add_out_argument(parser)


def draw_panel(axes, rows):
    """Draw one data set and classifier: a line a method, bars of one standard error."""
    for name in DRAWN:
        own = rows[rows["method"] == name].sort_values("r")
        if own.empty:
            continue
        method = METHODS[name]
        axes.errorbar(
            own["r"],
            own["mean"],
            yerr=own["se"].fillna(0),
            color=method.color,
            linestyle=method.linestyle,
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1.5,
            label=method.title,
        )
    ratios = sorted(rows["r"].unique())
    axes.set(xscale="log", xlim=(ratios[0] / 1.2, ratios[-1] * 1.2))
    axes.set_xticks(ratios, [f"{r:g}" for r in ratios])
    axes.minorticks_off()
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw_series(means):
    """Draw all data sets and classifiers.

    Parameters
    ----------
    means : DataFrame
        As :func:`~_gl_gan.results.mean_table` gives them, of MCC.

    Returns
    -------
    figure : Figure
    """
    datasets = means["data"].unique()
    figure = Figure(figsize=(12, 3.4 * len(datasets) + 0.6), layout="constrained")
    panels = figure.subplots(
        len(datasets), len(CLASSIFIERS), squeeze=False, sharex=True, sharey="row"
    )
    for line, data in zip(panels, datasets, strict=True):
        for axes, classifier in zip(line, CLASSIFIERS, strict=True):
            is_here = (means["data"] == data) & (means["classifier"] == classifier)
            draw_panel(axes, means[is_here])
            axes.set_title(f"{data}, {classifier}", fontsize=10)
        line[0].set_ylabel("MCC, mean ± s.e.")
    for axes in panels[-1]:
        axes.set_xlabel("ratio of minority to majority")
    figure.suptitle(
        "After Figures 2.3 and 2.4; Madelon stands in for Gisette", fontsize=11
    )
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False
    )
    return figure


def run(args):
    """Write series.csv and series.png; return the exit code."""
    means = mean_table(score_frame(read_cells(args.out / "cells.jsonl")))
    means = means[means["metric"] == "mcc"]
    path = args.out / "series.png"
    write_files(
        {
            args.out / "series.csv": means.to_csv(index=False),
            path: png(draw_series(means), dpi=150),
        }
    )
    print(f"Series: {path}")
    return 0
