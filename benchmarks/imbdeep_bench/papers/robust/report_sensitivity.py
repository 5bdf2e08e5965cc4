"""The report of the sensitivity: a table, its CSV file and two pictures."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from imbdeep_bench.papers.robust.figure import FOUR, STYLES, TITLES, draw_line
from imbdeep_bench.papers.robust.methods import METHODS
from imbdeep_bench.papers.robust.report import SECONDS, with_spread
from imbdeep_bench.papers.robust.sweeps import SWEEPS
from imbdeep_bench.report import runs
from imbdeep_bench.report.styles import method_styles
from imbdeep_bench.report.template import write_report

HALVES = {"overall": "all classes", "under": "rare half"}
SILHOUETTES = {
    f"{name}_{half}": f"{title}, {half}"
    for name, title in {"distance": "silhouette", "angle": "of angles"}.items()
    for half in HALVES
}
STUDY = runs.Study(
    *("papers.py robust sensitivity", METHODS, FOUR | SILHOUETTES, ["figure", "value"]),
    order={"figure": list(SWEEPS), "value": ()},
    costs=SECONDS,
    cost_by=("figure",),
    digits=1,
)


def lay_out(part, sweep):
    """Print the means of a figure, a row a method and value, and a column a metric."""
    names = part["method"].map(TITLES)
    if len(sweep.values) > 1:
        names += ", " + part["value"].map("{:g}".format)
    rows = part.assign(method=names)
    places = part["method"].map(list(METHODS).index).sort_values(kind="stable")
    order = names[places.index].unique()
    metrics = STUDY.metrics if sweep.has_features else FOUR
    return runs.lay_out(rows, order, metrics, {}, with_spread)


def draw_panel(axes, part, half, styles):
    """Draw a line a method and a kind of accuracy, by the values of a parameter."""
    for method in part["method"].unique():
        for kind, style in STYLES.items():
            key = method, f"{kind}_{half}"
            rows = runs.pick(part, ["method", "metric"], key).sort_values("value")
            look = {"color": styles[method].color, "linestyle": style}
            draw_line(axes, rows["value"].map("{:g}".format), rows, **look)


def draw_sweeps(means):
    """Draw a line of panels a figure, both halves of the classes side by side.

    None where there is none but of features.
    """
    means = means[~means["figure"].map(lambda name: SWEEPS[name].has_features)]
    if means.empty:
        return None
    names = list(means["figure"].unique())
    figure = Figure(figsize=(8.6, 2.7 * len(names) + 1), layout="constrained")
    panels = figure.subplots(len(names), len(HALVES), squeeze=False, sharey=True)
    styles = method_styles(list(means["method"].unique()))
    for line, name in zip(panels, names, strict=True):
        for axes, (half, title) in zip(line, HALVES.items(), strict=True):
            draw_panel(axes, means[means["figure"] == name], half, styles)
            axes.set_title(f"{SWEEPS[name].title}, {title}", fontsize=9)
        line[0].set_ylabel("accuracy [%], mean ± s.d.", fontsize=8)
    looks = {TITLES[name]: {"color": look.color} for name, look in styles.items()}
    looks |= {k: {"color": "black", "linestyle": s} for k, s in STYLES.items()}
    handles = [Line2D([], [], label=label, **look) for label, look in looks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_places(axes, cell):
    """Draw the rows of a cell where t-SNE puts them; triangles are rare classes."""
    places, digits = np.array(cell["places"]), np.array(cell["digits"])
    shown = np.unique(digits)
    for rank, digit in enumerate(shown):
        marker = "^" if rank >= len(shown) / 2 else "o"
        told = {"marker": marker, "s": 14, "linewidths": 0, "label": str(digit)}
        axes.scatter(*places[digits == digit].T, color=f"C{digit}", **told)
    axes.set(xticks=[], yticks=[])


def draw_features(cells, means):
    """Draw the features of the first seed, a line a figure and a panel a method.

    None where no cell has any.
    """
    cells = cells[cells["figure"].map(lambda name: SWEEPS[name].has_features)]
    cells = cells.drop_duplicates(["figure", "method"])
    if cells.empty:
        return None
    names = list(cells["figure"].unique())
    shape = len(names), cells["figure"].value_counts().max()
    size = 3.5 * shape[1], 3.6 * shape[0]
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(*shape, squeeze=False)
    means = means.set_index(["figure", "method", "metric"])["mean"]
    for line, name in zip(panels, names, strict=True):
        part = cells[cells["figure"] == name].to_dict("records")
        for axes, cell in zip(line, part, strict=False):
            draw_places(axes, cell)
            silhouette = 100 * means[name, cell["method"], "distance_overall"]
            title = f"{TITLES[cell['method']]}\nmean silhouette {silhouette:.1f} %"
            axes.set_title(title, fontsize=9)
        for axes in line[len(part) :]:
            axes.set_visible(False)
        line[0].set_ylabel(SWEEPS[name].title, fontsize=9)
        line[0].legend(fontsize=7, markerscale=1.4, handletextpad=0, borderpad=0.2)
    return figure


def write_sensitivity(args):
    """Write sensitivity.md beside the cells; return its path."""
    cells = STUDY.read(args.out / "sensitivity.jsonl")
    means, done = STUDY.means(cells, "std"), runs.finished(cells)
    tables = {
        SWEEPS[name].title: lay_out(part, SWEEPS[name])
        for name, part in means.groupby("figure", sort=False)
    }
    means = means[means["n_runs"] > 0]
    drawn = {
        "sensitivity.png": draw_sweeps(means),
        "features.png": draw_features(done, means),
    }
    files = {"frames": {"sensitivity.csv": means}, "dpi": 120}
    files["pictures"] = {name: figure for name, figure in drawn.items() if figure}
    template = Path(__file__).with_name("sensitivity.md.jinja")
    numbers = STUDY.told_of(cells) | {"tables": tables}
    return write_report(args.out, template, numbers, **files)
