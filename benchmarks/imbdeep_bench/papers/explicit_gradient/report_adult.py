"""Table 1 of the paper beside what was measured, and Figure 2."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imbdeep.metrics._precision_at_recall import RECALL_GRID
from imbdeep_bench.data.adult import N_SPLITS, RATIOS
from imbdeep_bench.engine.store import read_records
from imbdeep_bench.papers.explicit_gradient.methods import ALL_ROWS
from imbdeep_bench.papers.explicit_gradient.methods import TABLE_METHODS as METHODS
from imbdeep_bench.report.runs import KEY, read_published
from imbdeep_bench.report.template import write_report

DATASETS = [f"adult {ratio}:1" for ratio in RATIOS]
RECALLS = (0.75, 0.5, 0.25)
MOVE, AP, ROC_AUC = "relative_move", "average_precision", "roc_auc"
OURS, POTENTIAL = "explicit_gradient", "potential"
TITLES = {
    "ce": "CE",
    "rs": "RS",
    "smote": "SMOTE",
    "focal": "Focal",
    OURS: "Explicit gradient",
    "duplicates": "Duplicates (eta2 = 0)",
    POTENTIAL: "Potential",
}
STYLES = {
    "ce": ("#000000", "--"),
    "rs": ("#009E73", "-"),
    "smote": ("#0072B2", "-"),
    "focal": ("#7F7F7F", "--"),
    OURS: ("#D55E00", "-"),
    "duplicates": ("#E69F00", ":"),
    POTENTIAL: ("#882255", "-."),
}


def published_scores():
    """Table 1 of the paper, by data set and method: area, gap in percent, and AP@r."""
    table = read_published(__file__, "published_adult.csv")
    return table.set_index(["dataset", "method"])


def precision_name(recall):
    """Name of the score that the paper calls AP@recall."""
    return f"precision_at_{recall}"


# --- What was measured ---------------------------------------------------------------


def latest(records):
    """Keep one record a cell, the last: no cell is tried again but a failed one."""
    return {
        tuple(record[name] for name in KEY): record
        for record in records
        if record["kind"] == "cell"
    }


def score_frame(cells):
    """Scores with a row a cell, NaN where it failed.

    Only splits that all methods have been through are kept, so that a run which was
    stopped still compares like with like.
    """
    keys = pd.DataFrame(list(cells), columns=KEY)
    n_methods = keys.groupby(["dataset", "fold"])["method"].transform("nunique")
    scores = pd.DataFrame(
        [cell.get("scores", {}) for cell in cells.values()],
        columns=[AP, ROC_AUC, MOVE, *map(precision_name, RECALLS)],
        index=pd.MultiIndex.from_frame(keys),
        dtype=float,
    )
    return scores[(n_methods == len(METHODS)).to_numpy()].sort_index()


def with_spread(values):
    """Mean and, of several splits, standard deviation."""
    mean = f"{values.mean():.3f}"
    return f"{mean} ± {values.std():.3f}" if len(values) > 1 else mean


# --- Tables --------------------------------------------------------------------------


def table_rows(scores, columns):
    """Return a row a data set and method; columns print both."""
    present = scores.index.unique("dataset")
    return [
        {"data": dataset, "method": title}
        | {name: text(dataset, method) for name, text in columns.items()}
        for dataset in DATASETS
        if dataset in present
        for method, title in TITLES.items()
    ]


def measured(scores, metric=AP, suffix=""):
    """Return a column: mean and spread of a metric, of methods that were run."""

    def text(dataset, method):
        name = method + suffix
        return (
            with_spread(scores.loc[(dataset, name), metric]) if name in METHODS else ""
        )

    return text


def printed(column, form="{}"):
    """Return a column: what the paper has, if it has it."""
    published = published_scores()[column]
    return lambda *key: form.format(published[key]) if key in published else ""


def precision_rows(scores):
    """Average precision, measured and published."""
    means = scores[AP].groupby(["dataset", "method"]).mean()
    columns = {
        "AP": measured(scores),
        "Δ": lambda data, name: (
            f"{means[data, name] / means[data, POTENTIAL] - 1:+.1%}"
        ),
        "AP, all rows": measured(scores, suffix=ALL_ROWS),
        "paper: AP": printed("area", "{:.3f}"),
        "paper: Δ": printed("gap_percent", "{:+.1f}%"),
    }
    return table_rows(scores, columns)


def recall_rows(scores):
    """ROC AUC, and the precisions that the paper calls AP@r."""
    columns = {"ROC AUC": measured(scores, ROC_AUC)}
    for recall in RECALLS:
        columns[f"P@{recall}"] = measured(scores, precision_name(recall))
        columns[f"paper: AP@{recall}"] = printed(f"ap_{recall}")
    return table_rows(scores, columns)


def in_words(method):
    """Title of a method, with that of its variant."""
    title = TITLES[method.removesuffix(ALL_ROWS)]
    return f"{title}, all rows" if method.endswith(ALL_ROWS) else title


def duel_rows(scores, datasets):
    """The paper's method against each other one, split by split."""
    rows = []
    for dataset in datasets:
        by_method = scores.loc[dataset, AP]
        for method in (name for name in METHODS if name != OURS):
            lead = (by_method[OURS] - by_method[method]).dropna()
            rows.append(
                {
                    "data": dataset,
                    "explicit gradient minus": in_words(method),
                    "mean difference in AP": f"{lead.mean():+.3f}",
                    "least": f"{lead.min():+.3f}",
                    "most": f"{lead.max():+.3f}",
                    "better on": f"{(lead > 0).sum()} of {len(lead)} splits",
                }
            )
    return rows


def count_rows(counts):
    """Rows of each part, and how many of them are of the minority."""
    return [
        {"data": dataset} | {part: f"{n} ({rare})" for part, (n, rare) in parts.items()}
        for dataset, parts in counts.items()
    ]


def verdict(scores, dataset):
    """Tell how the paper's method stands on a data set, from the numbers alone."""
    means = scores.loc[dataset, AP].groupby("method").mean()
    means = means[[name for name in METHODS if not name.startswith(POTENTIAL)]]
    ours, others = means[OURS], means.drop(OURS)
    peers = others[[not name.endswith(ALL_ROWS) for name in others.index]]
    best = max(others.index, key=others.get)
    return {
        "ours": ours,
        "place": 1 + (peers > ours).sum(),
        "n_peers": len(peers) + 1,
        "best": in_words(best),
        "score": others[best],
        "move": scores.loc[(dataset, OURS), MOVE].mean(),
    }


def make_report(records):
    """Return the numbers of the report on the records of a run."""
    cells = latest(records)
    scores = score_frame(cells)
    splits = scores.reset_index().groupby("dataset")["fold"].nunique()
    datasets = [name for name in DATASETS if name in splits]
    counts = {r["name"]: r["parts"] for r in records if r["kind"] == "dataset"}
    return {
        "n_finished": sum(cell["status"] == "ok" for cell in cells.values()),
        "n_cells": len(DATASETS) * len(METHODS) * N_SPLITS,
        "splits": {name: splits[name] for name in datasets},
        "failed": [c for _, c in sorted(cells.items()) if c["status"] == "failed"],
        "verdicts": {name: verdict(scores, name) for name in datasets},
        "precisions": precision_rows(scores),
        "duels": duel_rows(scores, datasets),
        "recalls": recall_rows(scores),
        "counts": count_rows(counts),
    }


# --- Picture -------------------------------------------------------------------------


def mean_curve(cells, scores, dataset, method):
    """Interpolated precision by recall, averaged over the splits that count."""
    curves = [
        cells[dataset, method, fold]["curves"]["precision_at"]
        for fold in scores.loc[(dataset, method), AP].dropna().index
    ]
    return np.mean(curves, axis=0) if curves else np.full(len(RECALL_GRID), np.nan)


def draw_curves(cells):
    """Draw Figure 2: a panel a ratio, a line a method."""
    scores = score_frame(cells)
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    panels = figure.subplots(1, len(DATASETS), sharey=True)
    present = scores.index.unique("dataset")
    for axes, dataset in zip(panels, DATASETS, strict=True):
        axes.set(title=dataset, xlabel="recall", xlim=(0, 1), ylim=(0, 1))
        for method, title in TITLES.items() if dataset in present else ():
            color, linestyle = STYLES[method]
            curve = mean_curve(cells, scores, dataset, method)
            axes.plot(RECALL_GRID, curve, linestyle, color=color, label=title)
    panels[0].set_ylabel("precision, mean over the splits")
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def write_adult(args):
    """Write report.md and its picture beside the cells; return its path."""
    path = args.out / "cells.jsonl"
    records = [r for kind in ("dataset", "cell") for r in read_records(path, kind)]
    pictures = {"curves.png": draw_curves(latest(records))}
    template, numbers = Path(__file__).with_name("adult.md.jinja"), make_report(records)
    return write_report(
        args.out, template, numbers, name="report.md", pictures=pictures
    )
