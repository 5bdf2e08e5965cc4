"""The reports on crowds: Tables 3.2 and 3.3, Figure 3.2, and the sets."""

import pandas as pd

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep_bench.data.pairs import DATASETS
from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.crowds.methods import METHODS, OURS, WARMUPS
from imbdeep_bench.report.markdown import to_markdown, write_all
from imbdeep_bench.report.runs import (
    cost_block,
    count_line,
    difference_table,
    failure_block,
    finished,
    keys_of,
    lay_out,
    mean_table,
    pick,
    read_complete_cells,
    read_published,
    row_table,
    score_frame,
    span,
    with_rows,
)

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
SECONDS = {"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"}
# Metrics that were published.
PUBLISHED = ("accuracy", "macro_f1")
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


def named(*metrics):
    """Return titles of metrics, by their names."""
    return {name: METRICS[name] for name in metrics}


# --- Numbers -------------------------------------------------------------------------


def read_cells(path, part, methods):
    """Read the runs that every method of a data set and crowd has been through."""
    order = {
        "data": [*DATASETS, *IMBLEARN27_NAMES],
        "n_workers": (),
        "crowd": ("alike", "unlike"),
        "fold": (),
        "method": methods,
    }
    return read_complete_cells(path, f"papers.py crowds {part}", order)


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
    """Name a data set and its crowd in a heading.

    Examples
    --------
    >>> crowd_name("usps", 9, "alike")
    'usps, 9 workers alike'
    """
    return f"{data}, {n_workers} workers {crowd}"


def best_first(part, metric):
    """Return the methods by their mean, best first; one that failed comes last."""
    means = part[part["metric"] == metric].set_index("method")
    means = means["mean"].where(means["n_failed"] == 0)
    return means.sort_values(ascending=False, kind="stable").index.tolist()


def put_published_beside(table, key, methods, number):
    """Put published scores beside those measured, and other methods below them.

    Parameters
    ----------
    table : DataFrame
        As :func:`lay_out` prints it.
    key : tuple
        Data set, number of workers, kind of crowd.
    methods : dict of str to Method
    number : {'3.2', '3.3'}
        Of the published table.

    Returns
    -------
    table : DataFrame
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
    for metric, title in named(*PUBLISHED).items():
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
    """Print classes, rows and the difficulty net of every run; how workers erred."""
    table = row_table(
        cells,
        **{
            "wrong annotations": lambda run: (
                f"{min(run.error_rates):.2f} to {max(run.error_rates):.2f}"
            ),
            "rows by certainty": lambda run: " / ".join(map(str, run.group_rows)),
            "difficulty net": lambda run: (
                f"{run.difficulty_accuracy:.3f} after {run.difficulty_epochs}"
            ),
        },
    )
    return to_markdown(table)


def end_blocks(cells, titles, note=None):
    """What failed, and what cells took."""
    return [
        "## Failed cells",
        failure_block(cells, titles),
        "## Seconds",
        *([note] if note else []),
        cost_block(cells, ["dataset"], SECONDS, titles),
        convergence_line(cells, titles),
    ]


# --- Table 3.2 -----------------------------------------------------------------------

SHOWN = named(
    *("accuracy", "macro_f1", "g_mean", "recall_majority", "recall_minority"),
    "average_precision",
)
PAIR_NOTES = (
    "Published: Table 3.2 of the dissertation, whose workers are alike; that of "
    "Gisette stands beside Madelon, which is another set. Dashes where a method was "
    "run on one side only. A star: some runs failed, and the mean is of the others; "
    "the method comes last.",
    "Differences are on the same rows, run by run. Wilcoxon's signed-rank test is "
    "two-sided and not corrected for the number of rows here; runs draw from the "
    "same data, so that its p-values are rather too small.",
)
PAIR_OPEN = (
    "- How often workers err, and how that follows from the net's softmax, is not "
    "said. Here a worker of error rate 0.3 errs with probability 0.6 times the "
    "rank of a row's difficulty within its class, from 0 to 1.\n"
    "- 80 % of a class are rounded up and 10 % of the minority rounded down, which "
    "alone gives 668 + 66 training rows and 332 tests of a class of 834.\n"
    "- Which classes, and how many runs: here each seed draws a pair (with --pairs "
    "drawn) and a split of its own, and the standard errors know of it.\n"
    "- Nets are the library's, at its defaults but for the epochs: 10 for a net on "
    "inferred labels and for Crowd-Layer, which were the best of 5, 10 and 20 for "
    "both on other draws; ICED is at its defaults.\n"
    "- MV + net, early stopping watches validation rows labelled by the majority "
    "vote; truth + net learns from the truth, which the others never see.\n"
    "- F1 is the macro average; the test set is balanced."
)


def pair_blocks(key, means, differences, inference, titles):
    """Heading and tables of one data set and crowd."""
    part = pick(means, CROWD, key)
    order = best_first(part, "accuracy")
    table = put_published_beside(
        lay_out(part, order, SHOWN, titles), key, METHODS, "3.2"
    )
    steps = lay_out(
        pick(inference, CROWD, key), STEPS, INFERENCE, {s: s for s in STEPS}
    )
    blocks = [f"## {crowd_name(*key)}", to_markdown(table)]
    duel = pick(differences, CROWD, key)
    if not duel.empty:
        duels = duel_table(duel, order, titles)
        blocks += [f"{titles[OURS]} minus the others:", to_markdown(duels)]
    if not steps.empty:
        blocks += ["Inferred labels of the training rows:", to_markdown(steps)]
    return blocks


def report_pairs(cells):
    """Return the blocks of tables.md, and its frames."""
    titles = titles_of(METHODS)
    scores = score_frame(cells, CROWD, METRICS)
    means, inference = mean_table(scores, CROWD), inference_table(cells)
    differences = difference_table(scores, CROWD, {OURS: METHODS})
    blocks = [
        "# Learning from imbalanced crowds",
        f"{count_line(cells)} Mean ± standard error over the runs that every method "
        f"has been through; best accuracy first. {PAIR_NOTES[0]}",
        PAIR_NOTES[1],
    ]
    for key in keys_of(means, CROWD):
        blocks += pair_blocks(key, means, differences, inference, titles)
    blocks += [
        *end_blocks(
            cells,
            titles,
            "Means over the runs that did not fail. A cell draws the rows, trains the "
            "difficulty net and fits.",
        ),
        "## Rows",
        "Wrong annotations: the shares of the best and the worst worker. Rows by "
        "certainty: of highest, second, third and of less. Difficulty net: its "
        "training accuracy, and epochs.",
        crowd_rows(cells),
        "## What the dissertation leaves open, or says otherwise",
        PAIR_OPEN,
    ]
    return blocks, {
        "tables.csv": means,
        "differences.csv": differences,
        "inference.csv": inference,
    }


def write_pairs(args):
    """Write tables.md beside the cells; return its path."""
    blocks, frames = report_pairs(read_cells(args.out / "cells.jsonl", "run", METHODS))
    return write_all(args.out, "tables.md", blocks, frames=frames)


# --- Table 3.3 -----------------------------------------------------------------------

WARMUP_SHOWN = {name: title for name, title in SHOWN.items() if name != "g_mean"}
# ICED-w, and what has as many epochs.
RIVALS = {"groups_2": ("certain_2", "all_2"), "groups_5": ("certain_5", "all_5")}


def certain_line(cells):
    """Say how many rows the three groups of highest certainty have, of one crowd."""
    runs = with_rows(cells, "group_rows").drop_duplicates("fold")
    n_certain = [sum(counts[:3]) for counts in runs["group_rows"]]
    n_rows = [sum(counts) for counts in runs["group_rows"]]
    return (
        f"Rows in the three groups of highest certainty: {span(n_certain)} of "
        f"{span(n_rows)}."
    )


def warmup_blocks(key, means, differences, cells, titles):
    """Heading and tables of one data set and crowd."""
    table = lay_out(pick(means, CROWD, key), titles, WARMUP_SHOWN, titles)
    table = put_published_beside(table, key, WARMUPS, "3.3")
    blocks = [
        f"## {crowd_name(*key)}",
        certain_line(pick(cells, CROWD, key)),
        to_markdown(table),
    ]
    duels = pick(differences, CROWD, key)
    for first, rivals in RIVALS.items():
        duel = duels[duels["first"] == first]
        if not duel.empty:
            printed = to_markdown(duel_table(duel, rivals, titles))
            blocks += [f"{titles[first]}, minus the others:", printed]
    return blocks


def report_warmup(cells):
    """Return the blocks of warmup.md, and its frames."""
    titles = titles_of(WARMUPS)
    scores = score_frame(cells, CROWD, METRICS)
    means = mean_table(scores, CROWD)
    differences = difference_table(scores, CROWD, RIVALS)
    blocks = [
        "# Three ways to warm up",
        f"{count_line(cells)} Mean ± standard error over the runs that every method "
        "has been through. Published: Table 3.3 of the dissertation, where 103 of the "
        "734 rows of USPS are in the three groups. That of Gisette, another set than "
        "Madelon, had 15 epochs in all and 2,043 of 3,080 rows.",
    ]
    for key in keys_of(means, CROWD):
        blocks += warmup_blocks(key, means, differences, cells, titles)
    blocks += [*end_blocks(cells, titles), "## Rows", crowd_rows(cells)]
    return blocks, {"warmup.csv": means}


def write_warmup(args):
    """Write warmup.md beside the cells; return its path."""
    cells = read_cells(args.out / "warmup.jsonl", "warmup", WARMUPS)
    blocks, frames = report_warmup(cells)
    return write_all(args.out, "warmup.md", blocks, frames=frames)
