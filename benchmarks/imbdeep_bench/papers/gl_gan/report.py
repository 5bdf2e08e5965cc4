"""Tables 2.2 and 2.5 and Figures 2.3 and 2.4, beside what was published."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from imbdeep.reporting import rank_methods
from imbdeep_bench.data.pairs import DATASETS
from imbdeep_bench.engine.command import Part
from imbdeep_bench.papers.gl_gan.methods import METHODS
from imbdeep_bench.report import runs
from imbdeep_bench.report.markdown import write_all
from imbdeep_bench.report.template import write_report

METRICS = {"macro_f1": "macro F1", "micro_f1": "micro F1", "mcc": "MCC"}
CLASSIFIERS = ("MLPClassifier", "LinearSVC", "AdaBoost")
BY = ["data", "r", "classifier"]
OURS, RIVAL = "gl_gan", "smote"
PUBLISHED_R = 0.01
STUDY = runs.Study(
    "papers.py gl_gan run",
    METHODS,
    METRICS,
    BY,
    order={"data": DATASETS, "r": ()},
    costs={
        "sampler_seconds": "seconds",
        "n_synthetic": "synthetic rows",
        "n_epochs": "epochs",
        "n_pretrain_epochs": "epochs before",
    },
    digits=1,
)
TITLES = STUDY.titles


def setting_name(data, r):
    """Name a data set at a ratio, as the file of results has it."""
    return f"{data} r={r:g}"


# --- Numbers -------------------------------------------------------------------------


def scores_by_classifier(cells):
    """Return scores, a row a cell and classifier."""
    cells = cells.assign(classifier=[CLASSIFIERS] * len(cells))
    rows = cells.explode("classifier", ignore_index=True)
    pairs = zip(rows["scores"], rows["classifier"], strict=True)
    of_one = [scores.get(name, {}) for scores, name in pairs]
    return STUDY.scores(rows.assign(scores=of_one))


def published_scores(dataset):
    """Return what was published on a data set: methods by (classifier, metric).

    NaN where there is a dash: SWIM on Gisette.
    """
    table = runs.read_published(__file__)
    table = table[table["dataset"] == dataset].drop(columns="dataset")
    table = table.set_index("method")
    return table.set_axis(table.columns.str.split(" ", expand=True), axis=1)


def add_published(means):
    """Put published scores beside the means, and below them those of other methods.

    NaN where nothing was; methods that were not run go by their published names.
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
    """Lay out one data set, ratio and classifier, a row a method."""
    columns = {}
    for metric, title in METRICS.items():
        here = part[part["metric"] == metric].set_index("method")
        measured = here[here["n_runs"].notna()]
        columns[title] = measured.apply(runs.with_error, axis=1)
        if "published" in here and here["published"].notna().any():
            columns[f"{title}, published"] = here["published"].map(
                "{:.4f}".format, na_action="ignore"
            )
    table = pd.DataFrame(columns).loc[part["method"].unique()]
    rank = ranks(part).reindex(table.index)
    table["rank by MCC"] = rank.map("{:g}".format, na_action="ignore")
    return table.rename(index=TITLES).rename_axis("method")


def duel_table(differences):
    """Print our method's lead over its rival; None where no run has both."""
    rows = differences[differences["minus"] == RIVAL]
    if rows.empty:
        return None
    printed = rows.assign(
        data=[setting_name(row.data, row.r) for row in rows.itertuples()],
        metric=rows["metric"].map(METRICS),
        difference=rows["difference"].map("{:+.3f}".format),
        p_value=rows["p_value"].map("{:.2g}".format),
    ).drop(columns=["r", "first", "minus"])
    titles = {"se": "s.e.", "p_value": "Wilcoxon p", "n_runs": "runs"}
    return printed.rename(columns=titles).set_index("data")


def stopped_classifiers(cells):
    """Say which classifiers did not converge how often; None if all cells failed."""
    stopped = runs.finished(cells)["not_converged"]
    counts = {name: sum(name in names for names in stopped) for name in CLASSIFIERS}
    told = [f"{name} in {n} of {len(stopped)} cells" for name, n in counts.items() if n]
    return None if stopped.empty else told


def make_report(cells):
    """Return the numbers of tables.md, and its frames."""
    scores = scores_by_classifier(cells)
    table = add_published(runs.mean_table(scores, BY))
    differences = runs.difference_table(scores, BY, {OURS: METHODS})
    return STUDY.told_of(cells) | {
        "duels": duel_table(differences),
        "settings": {
            setting_name(*key): {
                classifier: classifier_table(part[part["classifier"] == classifier])
                for classifier in CLASSIFIERS
            }
            for key, part in table.groupby(["data", "r"], sort=False)
        },
        "stopped": stopped_classifiers(cells),
        "rows": runs.row_table(cells),
    }, {"tables.csv": table, "differences.csv": differences}


def write_tables(args):
    """Write tables.md beside the cells; return its path."""
    numbers, frames = make_report(STUDY.read(args.out / "cells.jsonl"))
    template = Path(__file__).with_name("tables.md.jinja")
    return write_report(args.out, template, numbers, frames=frames)


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
        look = {"color": color, "linestyle": linestyle, "linewidth": 1.5}
        look |= {"marker": "o", "markersize": 4, "capsize": 2, "label": TITLES[name]}
        axes.errorbar(own["r"], own["mean"], yerr=own["se"].fillna(0), **look)
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
    shape = len(datasets), len(CLASSIFIERS)
    panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey="row")
    for line, data in zip(panels, datasets, strict=True):
        for axes, classifier in zip(line, CLASSIFIERS, strict=True):
            draw_panel(
                axes, runs.pick(means, ["data", "classifier"], (data, classifier))
            )
            axes.set_title(f"{data}, {classifier}", fontsize=10)
        line[0].set_ylabel("MCC, mean ± s.e.")
    for axes in panels[-1]:
        axes.set_xlabel("ratio of minority to majority")
    title = "After Figures 2.3 and 2.4; Madelon stands in for Gisette"
    figure.suptitle(title, fontsize=11)
    lines, names = panels[0][0].get_legend_handles_labels()
    below = {"loc": "outside lower center", "ncols": len(names), "frameon": False}
    figure.legend(lines, names, **below)
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
        scores = scores_by_classifier(STUDY.read(args.out / "cells.jsonl"))
        means = runs.mean_table(scores, BY)
        means = means[means["metric"] == "mcc"]
        pictures = {"series.png": draw_series(means)}
        write_all(args.out, frames={"series.csv": means}, pictures=pictures)
        return args.out / "series.png"
