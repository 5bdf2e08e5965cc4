"""The reports on crowds: Tables 3.2 and 3.3, Figure 3.2, and the sets."""

from functools import partial
from pathlib import Path

import pandas as pd

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep_bench.data.pairs import DATASETS
from imbdeep_bench.papers.crowds.methods import METHODS, OURS, WARMUPS
from imbdeep_bench.report.runs import (
    Study,
    difference_table,
    finished,
    keys_of,
    lay_out,
    mean_table,
    pick,
    read_published,
    row_table,
    score_frame,
    span,
    with_rows,
)
from imbdeep_bench.report.template import write_report

METRICS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "g_mean": "g-mean",
    "recall_majority": "recall, majority",
    "recall_minority": "recall, minority",
    "average_precision": "average precision",
}
INFERENCE = {
    "accuracy": "accuracy",
    "minority_recall": "recall, minority",
    "minority_precision": "precision, minority",
}
CROWD = ["data", "n_workers", "crowd"]
# Metrics that were published, and those of either table.
PUBLISHED = ("accuracy", "macro_f1")
SHOWN = {k: v for k, v in METRICS.items() if k != "balanced_accuracy"}
WARMUP_SHOWN = {k: v for k, v in SHOWN.items() if k != "g_mean"}
# Whose scores stand beside ours. Gisette is another set than Madelon, which stands in.
BESIDE = {"usps": "usps", "madelon": "gisette"}
BESIDE_TITLES = {"usps": "published", "madelon": "published, of Gisette"}
# What the labels of training rows are inferred by: the cells that tell, and whether
# after the first round or in the end.
STEPS = {
    "MV": ("mv_net", "end"),
    "D&S": ("ds_net", "end"),
    "D&S hard": ("ds_hard_net", "end"),
    "ICED, first round": ("iced", "first"),
    "ICED, end": ("iced", "end"),
    "ICED soft, first round": ("iced_soft", "first"),
    "ICED soft, end": ("iced_soft", "end"),
}
# ICED-w, and what has as many epochs.
RIVALS = {"groups_2": ("certain_2", "all_2"), "groups_5": ("certain_5", "all_5")}

crowd_study = partial(
    Study,
    metrics=METRICS,
    by=CROWD,
    order={
        "data": [*DATASETS, *IMBLEARN27_NAMES],
        "n_workers": (),
        "crowd": ("alike", "unlike"),
    },
    costs={"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"},
)
PAIR_STUDY = crowd_study("crowds run", METHODS)
WARMUP_STUDY = crowd_study("crowds warmup", WARMUPS)


# --- Numbers -------------------------------------------------------------------------


def published_scores(table, dataset):
    """Return what Table 3.2 or 3.3 published: methods by metric; a dash is NaN."""
    rows = read_published(__file__)
    rows = rows[(rows["table"] == table) & (rows["dataset"] == dataset)]
    return rows.set_index("method").drop(columns=["table", "dataset"])


def inference_table(cells):
    """Average the scores of inferred labels, as far as they are known, by step."""
    parts = []
    for step, (method, moment) in STEPS.items():
        own = cells[cells["method"] == method]
        told = own["inference"]
        if moment == "first":
            # Of earlier rounds no more than the accuracy is on record.
            told = [{"accuracy": r[0]} if r else {} for r in own["accuracy_by_round"]]
        parts.append(own.assign(method=step, inference=told))
    scores = score_frame(pd.concat(parts), CROWD, INFERENCE, "inference")
    return mean_table(scores.dropna(how="all"), CROWD)


def convergence_line(cells, titles):
    """Say how often iterations of a method ended before they converged."""
    told = []
    for name, part in finished(cells).groupby("method", sort=False):
        n_stopped = (~part["converged"].astype(bool)).sum()
        if n_stopped:
            told.append(f"{titles[name]} in {n_stopped} of {len(part)} cells")
    if not told:
        return "All iterations of Dawid and Skene's model and of LR converged."
    return f"Iterations of the model or of LR did not converge: {', '.join(told)}."


# --- Tables --------------------------------------------------------------------------


def crowd_name(data, n_workers, crowd):
    """Name a data set and its crowd in a heading."""
    return f"{data}, {n_workers} workers {crowd}"


def best_first(part, metric):
    """Return the methods by their mean, best first; one that failed comes last."""
    means = part[part["metric"] == metric].set_index("method")
    means = means["mean"].where(means["n_failed"] == 0)
    return means.sort_values(ascending=False, kind="stable").index.tolist()


def put_published_beside(table, key, methods, number):
    """Put scores of a published table beside those measured, other methods below.

    As it was, where nothing was published: the dissertation's workers are alike.
    """
    data, _, crowd = key
    if data not in BESIDE or crowd != "alike":
        return table
    title_of = {m.published: m.title for m in methods.values() if m.published}
    published = published_scores(number, BESIDE[data]).rename(title_of)
    others = [name for name in published.index if name not in table.index]
    table = table.reindex([*table.index, *others])
    for metric in PUBLISHED:
        title = METRICS[metric]
        column = published[metric].reindex(table.index)
        printed = column.map("{:.4f}".format, na_action="ignore")
        place = table.columns.get_loc(title) + 1
        table.insert(place, f"{title}, {BESIDE_TITLES[data]}", printed)
    return table.rename_axis(index="method")


def duel_table(part, order, titles):
    """Print how far a method is ahead of every other one of one crowd."""
    columns = {}
    for title, metric in ((METRICS[name], name) for name in PUBLISHED):
        rows = part[part["metric"] == metric].set_index("minus")
        rows = rows.loc[[name for name in order if name in rows.index]]
        columns[title] = [
            f"{row.difference:+.3f}" + (f" ± {row.se:.3f}" if row.n_runs > 1 else "")
            for row in rows.itertuples()
        ]
        columns[f"{title}, won - lost"] = [
            f"{row.won} - {row.lost}" for row in rows.itertuples()
        ]
        columns[f"{title}, p"] = rows["p_value"].map("{:.2g}".format).to_list()
    index = pd.Index([titles[name] for name in rows.index], name="minus")
    return pd.DataFrame(columns, index=index)


def crowd_rows(cells):
    """Return classes, rows and difficulty net of every run, and how workers erred."""
    more = {
        "wrong annotations": lambda run: (
            f"{min(run.error_rates):.2f} to {max(run.error_rates):.2f}"
        ),
        "rows by certainty": lambda run: " / ".join(map(str, run.group_rows)),
        "difficulty net": lambda run: (
            f"{run.difficulty_accuracy:.3f} after {run.difficulty_epochs}"
        ),
    }
    return row_table(cells, **more)


def told_of(study, cells):
    """Return what all reports on crowds say of their cells."""
    told = study.told_of(cells)
    return told | {"convergence": convergence_line(cells, study.titles)}


def write_crowds(args, template, numbers, frames):
    """Fill in a template beside this file, and write it and its tables."""
    template = Path(__file__).with_name(f"{template}.jinja")
    return write_report(args.out, template, numbers, frames=frames)


# --- Table 3.2 -----------------------------------------------------------------------


def pair_blocks(key, means, differences, inference):
    """Return the tables of one data set and crowd, and what leads to each."""
    part, titles = pick(means, CROWD, key), PAIR_STUDY.titles
    order = best_first(part, "accuracy")
    table = lay_out(part, order, SHOWN, titles)
    blocks = [put_published_beside(table, key, METHODS, "3.2")]
    duel = pick(differences, CROWD, key)
    if not duel.empty:
        blocks += [f"{titles[OURS]} minus the others:", duel_table(duel, order, titles)]
    steps = lay_out(pick(inference, CROWD, key), STEPS, INFERENCE, {})
    if not steps.empty:
        blocks += ["Inferred labels of the training rows:", steps]
    return blocks


def report_pairs(cells):
    """Return the numbers of tables.md, and its frames."""
    means, inference = PAIR_STUDY.means(cells), inference_table(cells)
    differences = difference_table(PAIR_STUDY.scores(cells), CROWD, {OURS: METHODS})
    tables = means, differences, inference
    return told_of(PAIR_STUDY, cells) | {
        "crowds": {
            crowd_name(*key): pair_blocks(key, *tables) for key in keys_of(means, CROWD)
        },
        "rows": crowd_rows(cells),
    }, dict(
        zip(("tables.csv", "differences.csv", "inference.csv"), tables, strict=True)
    )


def write_pairs(args):
    """Write tables.md beside the cells; return its path."""
    cells = PAIR_STUDY.read(args.out / "cells.jsonl")
    return write_crowds(args, "tables.md", *report_pairs(cells))


# --- Table 3.3 -----------------------------------------------------------------------


def certain_line(cells):
    """Say how many rows the three groups of highest certainty have, of one crowd."""
    runs = with_rows(cells, "group_rows").drop_duplicates("fold")
    n_certain = [sum(counts[:3]) for counts in runs["group_rows"]]
    n_rows = [sum(counts) for counts in runs["group_rows"]]
    return (
        f"Rows in the three groups of highest certainty: {span(n_certain)} of "
        f"{span(n_rows)}."
    )


def warmup_blocks(key, means, differences, cells):
    """Return the tables of one data set and crowd, and what leads to each."""
    titles = WARMUP_STUDY.titles
    table = lay_out(pick(means, CROWD, key), titles, WARMUP_SHOWN, titles)
    blocks = [
        certain_line(pick(cells, CROWD, key)),
        put_published_beside(table, key, WARMUPS, "3.3"),
    ]
    duels = pick(differences, CROWD, key)
    for first, rivals in RIVALS.items():
        duel = duels[duels["first"] == first]
        if not duel.empty:
            title = f"{titles[first]}, minus the others:"
            blocks += [title, duel_table(duel, rivals, titles)]
    return blocks


def report_warmup(cells):
    """Return the numbers of warmup.md, and its frame."""
    means = WARMUP_STUDY.means(cells)
    differences = difference_table(WARMUP_STUDY.scores(cells), CROWD, RIVALS)
    return told_of(WARMUP_STUDY, cells) | {
        "crowds": {
            crowd_name(*key): warmup_blocks(key, means, differences, cells)
            for key in keys_of(means, CROWD)
        },
        "rows": crowd_rows(cells),
    }, {"warmup.csv": means}


def write_warmup(args):
    """Write warmup.md beside the cells; return its path."""
    cells = WARMUP_STUDY.read(args.out / "warmup.jsonl")
    return write_crowds(args, "warmup.md", *report_warmup(cells))
