"""Tables 2.2 and 2.5: what was measured, beside what was published.

    python benchmarks/gl_gan.py tables

Reads <out>/cells.jsonl alone, and writes tables.md, tables.csv (means and standard
errors) and differences.csv (GL-GAN minus every other method, run by run).
"""

import pandas as pd
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import with_error, with_rows

from _gl_gan.cells import CLASSIFIERS, METRICS, cell_name
from _gl_gan.methods import METHODS
from _gl_gan.published import NAMES, PUBLISHED_R, published_scores
from _gl_gan.results import difference_table, mean_table, read_cells, score_frame
from _gl_gan.run import add_out_argument
from imbdeep._files import write_files
from imbdeep.reporting import rank_methods

OURS, RIVAL = "gl_gan", "smote"


def add_arguments(parser):
    """Add the options of this command."""
    add_out_argument(parser)


# --- Means ---------------------------------------------------------------------------


def add_published(means):
    """Put published scores beside the means, and below them those of other methods.

    Returns
    -------
    table : DataFrame
        As ``means``, with a column ``published``, NaN where nothing was, and rows
        without a mean for methods that were not run, by their published names.
    """
    parts = []
    for (data, r, classifier, metric), part in means.groupby(
        ["data", "r", "classifier", "metric"], sort=False
    ):
        if r != PUBLISHED_R:
            parts.append(part)
            continue
        published = published_scores(data)[classifier, metric]
        names = part["method"].map(NAMES)
        others = published.drop(names.dropna())
        parts += [
            part.assign(published=names.map(published)),
            pd.DataFrame(
                {
                    "data": data,
                    "r": r,
                    "classifier": classifier,
                    "metric": metric,
                    "method": others.index,
                    "published": others.to_numpy(),
                }
            ),
        ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"n_runs": "Int64", "n_failed": "Int64"})


def ranks(part):
    """Rank methods by mean MCC, 1 is best; one that failed in any run comes last."""
    mcc = part[(part["metric"] == "mcc") & part["n_runs"].notna()].set_index("method")
    mean = mcc["mean"].where(mcc["n_failed"] == 0).astype(float)
    return rank_methods(mean.to_frame().T).iloc[0]


def classifier_table(part):
    """Lay out the rows of one data set, ratio and classifier.

    Returns
    -------
    table : DataFrame
        A row a method, measured and published scores of each metric, and the rank.
    """
    columns = {}
    for metric, title in METRICS.items():
        here = part[part["metric"] == metric].set_index("method")
        measured = here[here["n_runs"].notna()]
        columns[title] = measured.apply(with_error, axis=1)
        if "published" in here and here["published"].notna().any():
            columns[f"{title}, published"] = here["published"].map(
                "{:.4f}".format, na_action="ignore"
            )
    table = pd.DataFrame(columns).loc[part["method"].unique()]
    rank = ranks(part).reindex(table.index)
    table["rank by MCC"] = rank.map("{:g}".format, na_action="ignore")
    table.index = [METHODS[n].title if n in METHODS else n for n in table.index]
    return table.rename_axis("method")


def mean_blocks(table):
    """One heading and table for each data set, ratio and classifier."""
    blocks = []
    for (data, r), part in table.groupby(["data", "r"], sort=False):
        blocks.append(f"## {cell_name(data, r)}")
        for classifier in CLASSIFIERS:
            own = part[part["classifier"] == classifier]
            blocks += [f"### {classifier}", to_markdown(classifier_table(own))]
    return blocks


# --- Differences ---------------------------------------------------------------------


def duel_table(differences, rival):
    """Print the differences to one method."""
    rows = differences[differences["minus"] == rival]
    return pd.DataFrame(
        {
            "data": [cell_name(row.data, row.r) for row in rows.itertuples()],
            "classifier": rows["classifier"].to_numpy(),
            "metric": rows["metric"].map(METRICS).to_numpy(),
            "difference": rows["difference"].map("{:+.3f}".format).to_numpy(),
            "s.e.": rows["se"].to_numpy(),
            "Wilcoxon p": rows["p_value"].map("{:.2g}".format).to_numpy(),
            "won": rows["won"].to_numpy(),
            "lost": rows["lost"].to_numpy(),
            "runs": rows["n_runs"].to_numpy(),
        }
    ).set_index("data")


def duel_block(differences, rival):
    """Return the table of a duel, or say that there was none."""
    title = f"{METHODS[OURS].title} minus {METHODS[rival].title}"
    if differences.empty or rival not in set(differences["minus"]):
        return [f"## {title}", "No run has both yet."]
    return [
        f"## {title}",
        "On the same rows, run by run. Wilcoxon's signed-rank test is two-sided and "
        "not corrected for the number of rows here; runs draw from the same data, so "
        "that its p-values are rather too small.",
        to_markdown(duel_table(differences, rival)),
    ]


# --- What was run --------------------------------------------------------------------


def row_table(cells):
    """Classes and rows of every run."""
    runs = with_rows(cells, "n_train_majority", "majority", "minority")
    runs = runs.drop_duplicates(["dataset", "fold"])
    return pd.DataFrame(
        {
            "data": runs["dataset"],
            "seed": runs["fold"],
            "majority": runs["majority"],
            "minority": runs["minority"],
            "training rows": [
                f"{run.n_train_majority} + {run.n_train_minority}"
                for run in runs.itertuples()
            ],
            "test rows": [
                f"{run.n_test_majority} + {run.n_test_minority}"
                for run in runs.itertuples()
            ],
        }
    ).set_index("data")


def cost_table(cells):
    """Mean seconds of each sampler, and epochs of those that train nets."""
    mean = cells.groupby(["dataset", "method"], sort=False)[
        ["sampler_seconds", "n_synthetic", "n_epochs", "n_pretrain_epochs"]
    ].agg(lambda column: column.astype(float).mean())
    mean = mean.reset_index("method")
    mean["method"] = [METHODS[name].title for name in mean["method"]]
    return mean.set_axis(
        ["method", "seconds", "synthetic rows", "epochs", "epochs before"], axis=1
    )


def cost_blocks(cells):
    """Say what the cells that did not fail took, and which did not converge."""
    finished = cells[cells["status"] == "ok"]
    if finished.empty:
        return ["No cell has finished."]
    return [
        "Means over the runs that did not fail.",
        to_markdown(cost_table(finished), digits=1),
        convergence_line(finished),
    ]


def convergence_line(cells):
    """Say how often a classifier stopped at its default number of iterations."""
    stopped = cells["not_converged"]
    counts = {name: sum(name in names for names in stopped) for name in CLASSIFIERS}
    told = [f"{name} in {n} of {len(stopped)} cells" for name, n in counts.items() if n]
    if not told:
        return "Every classifier converged."
    return f"Stopped at the default number of iterations: {', '.join(told)}."


def make_report(cells):
    """Return tables.md, and the frames of the two CSV files.

    Parameters
    ----------
    cells : DataFrame
        As :func:`~_gl_gan.results.read_cells` gives them.
    """
    scores = score_frame(cells)
    table = add_published(mean_table(scores))
    differences = difference_table(scores, OURS)
    failures = failure_lines(cells, METHODS)
    blocks = [
        "# Synthetic rows of GL-GAN, judged by other classifiers",
        f"{len(cells)} cells, {(cells['status'] == 'failed').sum()} of them failed. "
        "Mean ± standard error over the runs that every method has been through. "
        "Published: Tables 2.2 and 2.5 of the dissertation, means of ten runs; dashes "
        "where a method was run on one side only. Ranks are of the measured means. A "
        "star: some runs failed, and the mean is of the others; the method ranks last.",
        *duel_block(differences, RIVAL),
        *mean_blocks(table),
        "## Failed cells",
        failures or "None.",
        "## Seconds and epochs",
        *cost_blocks(cells),
        "## Rows",
        to_markdown(row_table(cells)),
        "## What the dissertation leaves open, or says otherwise",
        "- 80 % of a class are rounded up and the minority left is rounded down, which "
        "alone gives all five rows of Table 2.1.\n"
        "- Both classes are cut to the same size, as the text says, but with --pairs "
        "published: seven of the eight published columns of LinearSVC on USPS are the "
        "scores of one confusion matrix each, of 185 + 141 test rows, which only "
        "classes 2 and 8 have, neither cut.\n"
        "- So the published runs share one pair and split; here each seed has a split "
        "(and, with --pairs drawn, a pair) of its own, and the standard errors know of "
        "it.\n"
        "- Rows go to the classifiers unscaled, as the files have them.",
    ]
    return "\n\n".join(blocks) + "\n", table, differences


def run(args):
    """Write the tables; return the exit code."""
    text, table, differences = make_report(read_cells(args.out / "cells.jsonl"))
    path = args.out / "tables.md"
    write_files(
        {
            args.out / "tables.csv": table.to_csv(index=False),
            args.out / "differences.csv": differences.to_csv(index=False),
            path: text,
        }
    )
    print(f"Tables: {path}")
    return 0
