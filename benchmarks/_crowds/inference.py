"""Figure 3.2: how many labels are inferred rightly, before ICED and in its rounds.

    python benchmarks/crowds.py run --data raw
    python benchmarks/crowds.py inference

Reads <out>/cells.jsonl alone, and writes inference.png and inference.csv. The printed
figure shows Gisette, which is not at hand (Madelon stands in), and Gas Sensor Array
Drift. ICED begins with the labels of the majority vote and infers with hard Dawid and
Skene; the soft kind is drawn, too.
"""

from matplotlib.figure import Figure

from _crowds.methods import METHODS
from _crowds.options import add_out_argument
from _crowds.results import CROWD, STEPS, inference_table, read_cells
from _crowds.run import CELLS
from _crowds.tables import crowd_name, pick_crowd
from imbdeep._files import png, write_files

COLORS = {
    "MV": "#7F7F7F",
    "D&S": "#56B4E9",
    "D&S hard": "#0072B2",
    "ICED, first round": "#E69F00",
    "ICED, end": "#D55E00",
    "ICED soft, first round": "#E69F00",
    "ICED soft, end": "#D55E00",
}
SOFT = "///"


def add_arguments(parser):
    """Add the options of this command."""
    add_out_argument(parser)


def draw_panel(axes, rows):
    """Draw the steps of one data set and crowd, with bars of one standard error."""
    rows = rows.set_index("method")
    steps = [step for step in STEPS if step in rows.index]
    rows = rows.loc[steps]
    bars = axes.barh(
        steps,
        rows["mean"],
        xerr=rows["se"].fillna(0),
        color=[COLORS[step] for step in steps],
        capsize=2,
    )
    for step, bar in zip(steps, bars, strict=True):
        bar.set(hatch=SOFT if "soft" in step else None, edgecolor="white")
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_inference(table):
    """Draw all data sets and crowds.

    Parameters
    ----------
    table : DataFrame
        As :func:`~_crowds.results.inference_table` gives it, of the accuracy.

    Returns
    -------
    figure : Figure
    """
    keys = list(table[CROWD].drop_duplicates().itertuples(index=False, name=None))
    n_lines = -(-len(keys) // 2)
    figure = Figure(figsize=(11, 2.6 * n_lines + 0.8), layout="constrained")
    panels = figure.subplots(n_lines, 2, squeeze=False).ravel()
    for axes, key in zip(panels, keys, strict=False):
        draw_panel(axes, pick_crowd(table, key))
        axes.set_title(crowd_name(*key), fontsize=10)
        axes.set_xlabel("share of training rows inferred rightly, mean ± s.e.")
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    figure.suptitle("After Figure 3.2; Madelon stands in for Gisette", fontsize=11)
    return figure


def run(args):
    """Write inference.csv and inference.png; return the exit code."""
    cells = read_cells(args.out / CELLS, "crowds.py run", METHODS)
    table = inference_table(cells)
    if table.empty:
        raise ValueError(
            f"{args.out / CELLS} has no cell of a method that infers labels; run "
            f"{', '.join(dict.fromkeys(method for method, _ in STEPS.values()))}."
        )
    path = args.out / "inference.png"
    picture = draw_inference(table[table["metric"] == "accuracy"])
    write_files(
        {
            args.out / "inference.csv": table.to_csv(index=False),
            path: png(picture, dpi=150),
        }
    )
    print(f"Inference: {path}")
    return 0
