"""Table 1 of the paper beside what was measured, and Figure 2."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imbdeep.reporting._curves import RECALL_GRID
from imbdeep_bench.data.adult import N_SPLITS, RATIOS
from imbdeep_bench.engine.store import read_records
from imbdeep_bench.papers.explicit_gradient.methods import ALL_ROWS
from imbdeep_bench.papers.explicit_gradient.methods import TABLE_METHODS as METHODS
from imbdeep_bench.report.markdown import rows_to_markdown as markdown
from imbdeep_bench.report.markdown import write_all
from imbdeep_bench.report.runs import read_published

DATASETS = [f"adult {ratio}:1" for ratio in RATIOS]
RECALLS = (0.75, 0.5, 0.25)
MOVE = "relative_move"
AP, ROC_AUC = "average_precision", "roc_auc"
KEY = ["dataset", "method", "fold"]

TITLES = {
    "ce": "CE",
    "rs": "RS",
    "smote": "SMOTE",
    "focal": "Focal",
    "explicit_gradient": "Explicit gradient",
    "duplicates": "Duplicates (eta2 = 0)",
    "potential": "Potential",
}
STYLES = {
    "ce": ("#000000", "--"),
    "rs": ("#009E73", "-"),
    "smote": ("#0072B2", "-"),
    "focal": ("#7F7F7F", "--"),
    "explicit_gradient": ("#D55E00", "-"),
    "duplicates": ("#E69F00", ":"),
    "potential": ("#882255", "-."),
}


def published_scores():
    """Table 1 of the paper: what it has of each method, by data set.

    The area, its gap to the potential in percent, and its AP@r.
    """
    published = {}
    table = read_published(__file__, "published_adult.csv")
    for dataset, method, *scores in table.itertuples(index=False):
        published.setdefault(dataset, {})[method] = tuple(scores)
    return published


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

    Parameters
    ----------
    cells : dict
        As :func:`latest` gives them.

    Returns
    -------
    scores : DataFrame
        Indexed by data set, method and fold.
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


def of_method(scores, dataset, method, metric=AP):
    """Scores of a method by fold."""
    return scores.loc[(dataset, method), metric]


def with_spread(values):
    """Mean and, of several splits, standard deviation."""
    mean = f"{values.mean():.3f}"
    return f"{mean} ± {values.std():.3f}" if len(values) > 1 else mean


# --- Tables --------------------------------------------------------------------------


def precision_table(scores, datasets):
    """Average precision, measured and published."""
    rows, printed = [], published_scores()
    for dataset in datasets:
        potential = of_method(scores, dataset, "potential").mean()
        for method, title in TITLES.items():
            measured = of_method(scores, dataset, method)
            row = {
                "data": dataset,
                "method": title,
                "AP": with_spread(measured),
                "Δ": f"{measured.mean() / potential - 1:+.1%}",
                "AP, all rows": "",
                "paper: AP": "",
                "paper: Δ": "",
            }
            if method + ALL_ROWS in METHODS:
                again = of_method(scores, dataset, method + ALL_ROWS)
                row["AP, all rows"] = with_spread(again)
            if method in printed[dataset]:
                published, difference, *_ = printed[dataset][method]
                row["paper: AP"] = f"{published:.3f}"
                row["paper: Δ"] = f"{difference:+.1f}%"
            rows.append(row)
    return markdown(rows)


def recall_table(scores, datasets):
    """ROC AUC, and the precisions that the paper calls AP@r."""
    rows, printed = [], published_scores()
    for dataset in datasets:
        for method, title in TITLES.items():
            roc_auc = of_method(scores, dataset, method, ROC_AUC)
            row = {"data": dataset, "method": title, "ROC AUC": with_spread(roc_auc)}
            published = printed[dataset].get(method, ())[2:]
            for place, recall in enumerate(RECALLS):
                at_recall = of_method(scores, dataset, method, precision_name(recall))
                row[f"P@{recall}"] = with_spread(at_recall)
                row[f"paper: AP@{recall}"] = str(published[place]) if published else ""
            rows.append(row)
    return markdown(rows)


def duel_table(scores, datasets):
    """The paper's method against each other one, split by split."""
    rows = []
    for dataset in datasets:
        ours = of_method(scores, dataset, "explicit_gradient")
        for method in METHODS:
            if method == "explicit_gradient":
                continue
            lead = (ours - of_method(scores, dataset, method)).dropna()
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
    return markdown(rows)


def in_words(method):
    """Title of a method, with that of its variant."""
    title = TITLES[method.removesuffix(ALL_ROWS)]
    return f"{title}, all rows" if method.endswith(ALL_ROWS) else title


def count_table(counts):
    """Rows of each part, and how many of them are of the minority."""
    return markdown(
        [
            {"data": dataset}
            | {part: f"{n} ({n_minority})" for part, (n, n_minority) in parts.items()}
            for dataset, parts in counts.items()
        ]
    )


def verdict(scores, datasets):
    """Say for each data set how the paper's method stands."""
    lines = []
    for dataset in datasets:
        means = {
            method: of_method(scores, dataset, method).mean()
            for method in METHODS
            if not method.startswith("potential")
        }
        ours = means.pop("explicit_gradient")
        best = max(means, key=means.get)
        place = "best" if ours > means[best] else "not best"
        same_rows = [name for name in means if not name.endswith(ALL_ROWS)]
        peers = 1 + sum(means[name] > ours for name in same_rows)
        move = of_method(scores, dataset, "explicit_gradient", MOVE).mean()
        lines.append(
            f"- {dataset}: explicit gradient has AP {ours:.3f}, place {peers} of "
            f"{len(same_rows) + 1} that fit the same rows, and is {place} of all; the "
            f"best other is {in_words(best)} with {means[best]:.3f}. In the epoch "
            f"that it chose, synthetic rows had moved by {move:.2%} of their distance "
            "from the mean of all rows."
        )
    return "\n".join(lines)


def failures(cells):
    """List the cells that failed."""
    lines = [
        f"- {dataset}, {method}, split {fold}: {cell['error']}"
        for (dataset, method, fold), cell in sorted(cells.items())
        if cell["status"] == "failed"
    ]
    if not lines:
        return ""
    return "\n".join(["", "Failed cells, which no mean holds:", "", *lines])


def make_report(records):
    """Return the report on the records of a run as Markdown."""
    cells = latest(records)
    counts = {r["name"]: r["parts"] for r in records if r["kind"] == "dataset"}
    n_finished = sum(cell["status"] == "ok" for cell in cells.values())
    title = f"""# Adult, made imbalanced

Section 5 of the explicit-gradient paper. {n_finished} of
{len(DATASETS) * len(METHODS) * N_SPLITS} cells are finished.
"""
    scores = score_frame(cells)
    datasets = [name for name in DATASETS if name in scores.index.get_level_values(0)]
    if not datasets:
        return title + "\nNo split has been through all methods yet.\n"
    splits = scores.reset_index().groupby("dataset")["fold"].nunique()
    return f"""{title}
Splits that all methods have been through, and that all numbers are of:
{", ".join(f"{name}: {splits[name]}" for name in datasets)}.
{failures(cells)}

{verdict(scores, datasets)}

## Average precision

Mean and standard deviation over the splits. Δ is the relative difference of the mean to
that of Potential. The numbers of the paper are those of its Table 1.

{precision_table(scores, datasets)}

- Potential: CE whose fit part has twice as many rows of the minority, withdrawn ones.
- Duplicates: explicit gradient whose synthetic rows stay where they begin.
- all rows: trained once more on fit and validation part together, for as many epochs as
  were best on the validation part. (Potential's validation part is not doubled.)

![precision-recall curves](curves.png)

## Explicit gradient against each other method

Differences of average precision on the same split.

{duel_table(scores, datasets)}

## ROC AUC and precision at a recall

P@r is the best precision of the thresholds that reach recall r, the one reading of the
paper's AP@r that agrees with its areas.

{recall_table(scores, datasets)}

## Rows

Of each part, those of the minority in brackets. Potential fits withdrawn rows, too.

{count_table(counts)}

## What the paper leaves open

- Which rows are withdrawn is drawn once for a ratio, as in the paper; a milder ratio
  has all rows of a harsher one. The spread over splits knows nothing of that draw.
- The test part is as imbalanced as the rest; the paper's areas agree with that.
- "4-fold" with 80 % and 20 %: four random stratified splits. A fifth of the 80 %
  validates.
- Standardisation, one-hot columns and PCA are learned from the rows that a net is
  trained on. eta2 refers to principal components as they are.
- Every net takes the epoch with the best average precision on the validation rows; the
  paper's method takes it among the epochs with synthetic rows.
"""


# --- Picture -------------------------------------------------------------------------


def mean_curve(cells, scores, dataset, method):
    """Interpolated precision by recall, averaged over the splits that count."""
    curves = [
        cells[dataset, method, fold]["curves"]["precision_at"]
        for fold, value in of_method(scores, dataset, method).items()
        if np.isfinite(value)
    ]
    return np.mean(curves, axis=0) if curves else np.full(len(RECALL_GRID), np.nan)


def draw_curves(cells):
    """Draw Figure 2: a panel a ratio, a line a method."""
    scores = score_frame(cells)
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    panels = figure.subplots(1, len(DATASETS), sharey=True)
    present = scores.index.get_level_values("dataset").unique()
    for axes, dataset in zip(panels, DATASETS, strict=True):
        axes.set(title=dataset, xlabel="recall", xlim=(0, 1), ylim=(0, 1))
        if dataset not in present:
            continue
        for method, title in TITLES.items():
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
    blocks = [make_report(records).rstrip("\n")]
    pictures = {"curves.png": draw_curves(latest(records))}
    return write_all(args.out, "report.md", blocks, pictures=pictures)
