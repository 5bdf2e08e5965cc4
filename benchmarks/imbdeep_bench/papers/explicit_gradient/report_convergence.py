"""Table and picture of the epochs: do net and synthetic rows settle?"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imbdeep_bench.engine.store import read_records
from imbdeep_bench.report.markdown import to_markdown, write_all

DATASET = "adult 50:1"
# What each epoch has, by the name of the net's history.
RECORDED = (
    "n_synthetic",
    "train_loss",
    "valid_loss",
    "valid_average_precision",
    "test_average_precision",
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
    """Curves with a row an epoch.

    Parameters
    ----------
    records : list of dict
        Those that failed, and splits
        that not every method has run, are left out.

    Returns
    -------
    frame : DataFrame
        Indexed by method, split and epoch, which counts from 1; columns of
        :data:`COLUMNS` and ``n_synthetic``.
    """
    done = {(r["method"], r["fold"]): r for r in records if r["status"] == "ok"}
    folds = {fold for _, fold in done if all((name, fold) in done for name in TITLES)}
    names = ["method", "fold", "epoch"]
    parts = [
        pd.DataFrame(record["curves"]).assign(
            method=name, fold=fold, epoch=lambda part: np.arange(1, len(part) + 1)
        )
        for (name, fold), record in sorted(done.items())
        if fold in folds
    ]
    if not parts:
        return pd.DataFrame(columns=[*names, *RECORDED, *COLUMNS]).set_index(names)
    return pd.concat(parts).set_index(names)


def mean_curves(frame, method):
    """A method's curves, averaged over the splits; a row an epoch."""
    return frame.loc[method].groupby("epoch").mean()


def first_with_rows(curves):
    """The first epoch that has synthetic rows."""
    return int(curves.index[curves["n_synthetic"] > 0][0])


def change_table(frame):
    """Curves at some epochs with synthetic rows, and just before the first.

    Returns
    -------
    table : DataFrame
        A row for each method and epoch; 0 is the last epoch of training alone.
    """
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


def verdict(frame):
    """Say of each method whether training has settled, from the numbers alone."""
    lines = []
    for method in TITLES:
        curves = mean_curves(frame, method)
        late = late_changes(curves)
        first = first_with_rows(curves)
        before, end = curves.loc[first - 1], curves.iloc[-1]
        steps = curves["step"].loc[first:]
        lines.append(
            f"- {TITLES[method]}: from the {LAST} epochs before the last {LAST} to "
            f"these, the loss in training changes by {late['train_loss']:+.4f} and "
            f"that of the validation rows by {late['valid_loss']:+.4f}. From the "
            "last epoch without synthetic rows to the last with them, average "
            f"precision goes from {before['valid_average_precision']:.3f} to "
            f"{end['valid_average_precision']:.3f} on validation rows and from "
            f"{before['test_average_precision']:.3f} to "
            f"{end['test_average_precision']:.3f} on test rows. Rows move by "
            f"{steps.iloc[0]:.2%} of their distance from the mean of all rows in the "
            f"first epoch and by {steps.iloc[-1]:.2%} in the last; they end "
            f"{end['moved']:.1%} away from where they began."
        )
    return "\n".join(lines)


def make_report(records):
    """Return the blocks of the report on the cells of a run."""
    title = "# Convergence on adult 50:1 (appendix C)"
    frame = epoch_frame(records)
    if frame.empty:
        return [title, "No split has been through both methods yet."]
    failed = [r for r in records if r["status"] == "failed"]
    return [
        title,
        f"{frame.index.get_level_values('fold').nunique()} splits of {DATASET}, "
        f"{len(failed)} failed fits. Means over the splits. The paper's own appendix "
        "is a picture, which its text does not describe.",
        verdict(frame),
        "![Losses, average precision and moves of the rows by epoch](convergence.png)",
        "Epoch 0 is the last one of training alone. The loss in training is that of "
        "training rows, and from epoch 1 on of the synthetic rows beside them, which "
        "are as many in a step; distances are shares of a row's distance from the mean "
        "of all rows.",
        to_markdown(change_table(frame), digits=4),
    ]


def draw_curves(records):
    """Draw the means over the splits, and the range over them in a lighter shade."""
    frame = epoch_frame(records)
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(PANELS))
    for axes, (title, curves) in zip(panels, PANELS.items(), strict=True):
        axes.set(title=title, xlabel="epoch")
        axes.spines[["top", "right"]].set_visible(False)
        for method in TITLES if len(frame) else ():
            groups = frame.loc[method].groupby("epoch")
            mean, low, high = groups.mean(), groups.min(), groups.max()
            axes.axvline(first_with_rows(mean) - 0.5, color="#888888", lw=0.8, ls=":")
            for name, style in curves.items():
                label = f"{TITLES[method]}: {COLUMNS[name]}"
                color = COLORS[method]
                axes.plot(mean[name], style, color=color, lw=1.3, label=label)
                axes.fill_between(
                    mean.index, low[name], high[name], color=color, alpha=0.1, lw=0
                )
        if axes.get_legend_handles_labels()[0]:
            # Rows do not move before the middle, which leaves that corner free.
            corner = "upper left" if "moved" in curves else "best"
            axes.legend(fontsize=6, frameon=False, loc=corner)
    return figure


def write_convergence(args):
    """Write report.md and its picture beside the cells; return its path."""
    records = read_records(args.out / "cells.jsonl", "cell")
    pictures = {"convergence.png": draw_curves(records)}
    blocks = make_report(records)
    return write_all(args.out, "report.md", blocks, pictures=pictures, dpi=90)
