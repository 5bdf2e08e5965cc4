"""Tables 2.2 and 2.5 and Figures 2.3 and 2.4, beside what was published."""

import pandas as pd
from matplotlib.figure import Figure

from imbdeep.reporting import rank_methods
from imbdeep_bench.data.pairs import DATASETS
from imbdeep_bench.engine.command import Part
from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.gl_gan.methods import METHODS
from imbdeep_bench.report.markdown import to_markdown, write_all
from imbdeep_bench.report.runs import (
    cost_block,
    count_line,
    difference_table,
    failure_block,
    finished,
    mean_table,
    read_complete_cells,
    read_published,
    row_table,
    score_frame,
    with_error,
)

METRICS = {"macro_f1": "macro F1", "micro_f1": "micro F1", "mcc": "MCC"}
CLASSIFIERS = ("MLPClassifier", "LinearSVC", "AdaBoost")
BY = ["data", "r", "classifier"]
TITLES = titles_of(METHODS)
OURS, RIVAL = "gl_gan", "smote"
PUBLISHED_R = 0.01
COSTS = {
    "sampler_seconds": "seconds",
    "n_synthetic": "synthetic rows",
    "n_epochs": "epochs",
    "n_pretrain_epochs": "epochs before",
}


def setting_name(data, r):
    """Name a data set at a ratio, as the file of results has it."""
    return f"{data} r={r:g}"


# --- Numbers -------------------------------------------------------------------------


def read_cells(path):
    """Read the runs that every method of a data set and ratio has been through."""
    order = {"data": DATASETS, "r": (), "fold": (), "method": METHODS}
    return read_complete_cells(path, "papers.py gl_gan run", order)


def scores_by_classifier(cells):
    """Return scores, a row a cell and classifier."""
    cells = cells.assign(classifier=[CLASSIFIERS] * len(cells))
    rows = cells.explode("classifier", ignore_index=True)
    pairs = zip(rows["scores"], rows["classifier"], strict=True)
    of_one = [scores.get(name, {}) for scores, name in pairs]
    return score_frame(rows.assign(scores=of_one), BY, METRICS)


def published_scores(dataset):
    """Return what was published on a data set: methods by (classifier, metric).

    NaN where there is a dash: SWIM on Gisette.
    """
    table = read_published(__file__)
    table = table[table["dataset"] == dataset].drop(columns="dataset")
    table = table.set_index("method")
    return table.set_axis(table.columns.str.split(" ", expand=True), axis=1)


def add_published(means):
    """Put published scores beside the means, and below them those of other methods.

    Returns
    -------
    table : DataFrame
        As ``means``, with a column ``published``, NaN where nothing was, and rows
        without a mean for methods that were not run, by their published names.
    """
    name_of = {name: method.published for name, method in METHODS.items()}
    parts = []
    for key, part in means.groupby([*BY, "metric"], sort=False):
        data, r, classifier, metric = key
        if r != PUBLISHED_R:
            parts.append(part)
            continue
        published = published_scores(data)[classifier, metric]
        names = part["method"].map(name_of)
        others = published.drop(names.dropna())
        own = {"method": others.index, "published": others.to_numpy()}
        where = dict(zip([*BY, "metric"], key, strict=True))
        parts += [
            part.assign(published=names.map(published)),
            pd.DataFrame(where | own),
        ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"n_runs": "Int64", "n_failed": "Int64"})


# --- Tables --------------------------------------------------------------------------


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
    return table.rename(index=TITLES).rename_axis("method")


def mean_blocks(table):
    """One heading and table for each data set, ratio and classifier."""
    blocks = []
    for (data, r), part in table.groupby(["data", "r"], sort=False):
        blocks.append(f"## {setting_name(data, r)}")
        for classifier in CLASSIFIERS:
            own = part[part["classifier"] == classifier]
            blocks += [f"### {classifier}", to_markdown(classifier_table(own))]
    return blocks


def duel_block(differences):
    """Return the table of our method against its rival, or say that there was none."""
    title = f"## {TITLES[OURS]} minus {TITLES[RIVAL]}"
    rows = differences[differences["minus"] == RIVAL]
    if rows.empty:
        return [title, "No run has both yet."]
    table = pd.DataFrame(
        {
            "data": [setting_name(row.data, row.r) for row in rows.itertuples()],
            "classifier": rows["classifier"].to_numpy(),
            "metric": rows["metric"].map(METRICS).to_numpy(),
            "difference": rows["difference"].map("{:+.3f}".format).to_numpy(),
            "s.e.": rows["se"].to_numpy(),
            "Wilcoxon p": rows["p_value"].map("{:.2g}".format).to_numpy(),
            "won": rows["won"].to_numpy(),
            "lost": rows["lost"].to_numpy(),
            "runs": rows["n_runs"].to_numpy(),
        }
    )
    return [
        title,
        "On the same rows, run by run. Wilcoxon's signed-rank test is two-sided and "
        "not corrected for the number of rows here; runs draw from the same data, so "
        "that its p-values are rather too small.",
        to_markdown(table.set_index("data")),
    ]


def cost_blocks(cells):
    """Say what the cells that did not fail took, and which did not converge."""
    table = cost_block(cells, ["dataset"], COSTS, TITLES, digits=1)
    stopped = finished(cells)["not_converged"]
    if stopped.empty:
        return [table]
    counts = {name: sum(name in names for names in stopped) for name in CLASSIFIERS}
    told = [f"{name} in {n} of {len(stopped)} cells" for name, n in counts.items() if n]
    line = "Every classifier converged."
    if told:
        line = f"Stopped at the default number of iterations: {', '.join(told)}."
    return ["Means over the runs that did not fail.", table, line]


OPEN = (
    "- 80 % of a class are rounded up and the minority left is rounded down, which "
    "alone gives all five rows of Table 2.1.\n"
    "- Both classes are cut to the same size, as the text says, but with --pairs "
    "published: seven of the eight published columns of LinearSVC on USPS are the "
    "scores of one confusion matrix each, of 185 + 141 test rows, which only "
    "classes 2 and 8 have, neither cut.\n"
    "- So the published runs share one pair and split; here each seed has a split "
    "(and, with --pairs drawn, a pair) of its own, and the standard errors know of "
    "it.\n"
    "- Rows go to the classifiers unscaled, as the files have them."
)


def make_report(cells):
    """Return the blocks of tables.md, and its frames."""
    scores = scores_by_classifier(cells)
    table = add_published(mean_table(scores, BY))
    differences = difference_table(scores, BY, {OURS: METHODS})
    blocks = [
        "# Synthetic rows of GL-GAN, judged by other classifiers",
        f"{count_line(cells)} "
        "Mean ± standard error over the runs that every method has been through. "
        "Published: Tables 2.2 and 2.5 of the dissertation, means of ten runs; dashes "
        "where a method was run on one side only. Ranks are of the measured means. A "
        "star: some runs failed, and the mean is of the others; the method ranks last.",
        *duel_block(differences),
        *mean_blocks(table),
        "## Failed cells",
        failure_block(cells, TITLES),
        "## Seconds and epochs",
        *cost_blocks(cells),
        "## Rows",
        to_markdown(row_table(cells)),
        "## What the dissertation leaves open, or says otherwise",
        OPEN,
    ]
    return blocks, {"tables.csv": table, "differences.csv": differences}


def write_tables(args):
    """Write tables.md beside the cells; return its path."""
    blocks, frames = make_report(read_cells(args.out / "cells.jsonl"))
    return write_all(args.out, "tables.md", blocks, frames=frames)


class Tables(Part):
    """Tables 2.2 and 2.5: what was measured, beside what was published.

        python benchmarks/papers.py gl_gan tables

    Reads <out>/cells.jsonl alone, and writes tables.md, tables.csv (means and standard
    errors) and differences.csv (GL-GAN minus every other method, run by run).
    """

    out = "results/gl_gan"
    report = staticmethod(write_tables)


# --- Series --------------------------------------------------------------------------

# The two components of section 2.4.3, GL-GAN itself, and what one would do without.
DRAWN = ("none", "smote", "latent_smote", "conditional_gan", "gl_gan")


def draw_panel(axes, rows):
    """Draw one data set and classifier: a line a method, bars of one standard error."""
    for name in DRAWN:
        own = rows[rows["method"] == name].sort_values("r")
        if own.empty:
            continue
        color, linestyle = METHODS[name].look
        axes.errorbar(
            own["r"],
            own["mean"],
            yerr=own["se"].fillna(0),
            color=color,
            linestyle=linestyle,
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1.5,
            label=TITLES[name],
        )
    told = sorted(rows["r"].unique())
    axes.set(xscale="log", xlim=(told[0] / 1.2, told[-1] * 1.2))
    axes.set_xticks(told, [f"{r:g}" for r in told])
    axes.minorticks_off()
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw_series(means):
    """Draw the means of MCC of all data sets and classifiers."""
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


class Series(Part):
    """Figures 2.3 and 2.4: MCC over the ratio of the classes.

        python benchmarks/papers.py gl_gan run --r 0.01,0.02,0.05,0.1,0.2
        python benchmarks/papers.py gl_gan series

    Reads <out>/cells.jsonl alone, and writes series.png and series.csv. The printed
    figures show AdaBoost on Gisette and USPS, at ratios that the text does not give.
    Gisette is not at hand: Madelon stands in, and the other two classifiers are drawn,
    too.
    """

    out = "results/gl_gan"

    @staticmethod
    def report(args):
        """Write series.csv and series.png; return the path of the latter."""
        scores = scores_by_classifier(read_cells(args.out / "cells.jsonl"))
        means = mean_table(scores, BY)
        means = means[means["metric"] == "mcc"]
        pictures = {"series.png": draw_series(means)}
        write_all(args.out, frames={"series.csv": means}, pictures=pictures)
        return args.out / "series.png"
