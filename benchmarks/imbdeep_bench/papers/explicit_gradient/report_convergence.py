"""Table and picture of the epochs: do net and synthetic rows settle?"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from imbdeep_bench.engine.store import read_records
from imbdeep_bench.report.template import write_report

# What each epoch has, by the name of the net's history.
RECORDED = (
    *("n_synthetic", "train_loss", "valid_loss"),
    *("valid_average_precision", "test_average_precision"),
)
TITLES = {
    "explicit_gradient": "Explicit gradient",
    "duplicates": "Duplicates (eta2 = 0)",
}
COLORS = {"explicit_gradient": "#D55E00", "duplicates": "#0072B2"}
COLUMNS = {
    "train_loss": "loss, training",
    "valid_loss": "loss, validation",
    "valid_average_precision": "AP, validation",
    "test_average_precision": "AP, test",
    "moved": "moved since they began",
    "step": "moved in the epoch",
}
# A panel of the picture each: its title, and its curves with their line styles.
PANELS = {
    "loss": {"train_loss": "--", "valid_loss": "-"},
    "average precision": {
        "valid_average_precision": "-",
        "test_average_precision": "--",
    },
    "synthetic rows": {"moved": "-", "step": "--"},
}
# Epochs with synthetic rows that the table shows; settled is said of the last ones.
SHOWN = (1, 20, 50, 100, 200)
LAST = 20


def epoch_frame(records):
    """Curves with a row a method, split and epoch, which counts from 1.

    Fits that failed, and splits that not every method has run, are left out.
    """
    done = {(r["method"], r["fold"]): r for r in records if r["status"] == "ok"}
    folds = {fold for _, fold in done if all((name, fold) in done for name in TITLES)}
    names = ["method", "fold", "epoch"]
    parts = {
        key: pd.DataFrame(record["curves"]).rename(index=lambda place: place + 1)
        for key, record in sorted(done.items())
        if key[1] in folds
    }
    if not parts:
        return pd.DataFrame(columns=[*names, *RECORDED, *COLUMNS]).set_index(names)
    return pd.concat(parts, names=names)


def mean_curves(frame, method):
    """A method's curves, averaged over the splits; a row an epoch."""
    return frame.loc[method].groupby("epoch").mean()


def first_with_rows(curves):
    """The first epoch that has synthetic rows."""
    return int(curves.index[curves["n_synthetic"] > 0][0])


def change_table(frame):
    """Curves at some epochs with synthetic rows; 0 is the last before the first."""
    rows = {}
    for method in TITLES:
        curves = mean_curves(frame, method)
        first = first_with_rows(curves)
        n_epochs = len(curves) - first + 1
        for epoch in (0, *(e for e in SHOWN if e <= n_epochs)):
            label = f"{TITLES[method]}, epoch {epoch}"
            rows[label] = curves.loc[first + epoch - 1, list(COLUMNS)]
    return pd.DataFrame(rows).T.rename(columns=COLUMNS)


def late_changes(curves):
    """How much each curve still changes: the last epochs against as many before.

    Examples
    --------
    >>> curves = pd.DataFrame({"loss": [9.0] * 5 + [2.0] * 20 + [1.0] * 20})
    >>> float(late_changes(curves)["loss"])
    -1.0
    """
    last = curves.iloc[-LAST:].mean()
    return last - curves.iloc[-2 * LAST : -LAST].mean()


def verdict(frame, method):
    """Tell whether training has settled: late changes, and epochs that tell them."""
    curves = mean_curves(frame, method)
    first = first_with_rows(curves)
    return {
        "late": late_changes(curves),
        "before": curves.loc[first - 1],
        "first": curves.loc[first],
        "end": curves.iloc[-1],
    }


def make_report(records):
    """Return the numbers of the report on the cells of a run."""
    frame = epoch_frame(records)
    if frame.empty:
        return {"methods": {}}
    return {
        "n_splits": frame.index.unique("fold").size,
        "n_failed": sum(r["status"] == "failed" for r in records),
        "last": LAST,
        "methods": {title: verdict(frame, name) for name, title in TITLES.items()},
        "changes": change_table(frame),
    }


def draw_curves(records):
    """Draw the means over the splits, and the range over them in a lighter shade."""
    frame = epoch_frame(records)
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(PANELS))
    for axes, (title, curves) in zip(panels, PANELS.items(), strict=True):
        axes.set(title=title, xlabel="epoch")
        axes.spines[["top", "right"]].set_visible(False)
        for method in TITLES if len(frame) else ():
            groups, color = frame.loc[method].groupby("epoch"), COLORS[method]
            mean, low, high = groups.mean(), groups.min(), groups.max()
            axes.axvline(first_with_rows(mean) - 0.5, color="#888888", lw=0.8, ls=":")
            for name, style in curves.items():
                label = f"{TITLES[method]}: {COLUMNS[name]}"
                axes.plot(mean[name], style, color=color, lw=1.3, label=label)
                band = mean.index, low[name], high[name]
                axes.fill_between(*band, color=color, alpha=0.1, lw=0)
        if axes.get_legend_handles_labels()[0]:
            # Rows do not move before the middle, which leaves that corner free.
            corner = "upper left" if "moved" in curves else "best"
            axes.legend(fontsize=6, frameon=False, loc=corner)
    return figure


def write_convergence(args):
    """Write report.md and its picture beside the cells; return its path."""
    records = read_records(args.out / "cells.jsonl", "cell")
    template = Path(__file__).with_name("convergence.md.jinja")
    files = {"pictures": {"convergence.png": draw_curves(records)}, "dpi": 90}
    numbers = make_report(records)
    return write_report(args.out, template, numbers, name="report.md", **files)
