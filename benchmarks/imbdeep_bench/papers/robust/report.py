"""The report of the pictures: tables.md and its CSV files, and classes.png."""

import numpy as np
import pandas as pd

from imbdeep_bench.papers.robust.figure import SETTING, TITLES, draw_classes, heading
from imbdeep_bench.papers.robust.methods import CHAPTERS, METHODS
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
    score_frame,
    with_rows,
)

THREAT = ["data", "norm", "eps"]
SECONDS = {"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"}
# The four columns of every table of the dissertation, and what else was measured.
FOUR = {
    "standard_overall": "standard, overall",
    "standard_under": "standard, under",
    "robust_overall": "robust, overall",
    "robust_under": "robust, under",
}
STRONG = {
    "restarts_overall": "restarts, overall",
    "restarts_under": "restarts, under",
    "square_overall": "black box, overall",
    "square_under": "black box, under",
    "worst_overall": "worst of all, overall",
    "worst_under": "worst of all, under",
}
METRICS = FOUR | STRONG
TOLD = FOUR | {"worst_under": METRICS["worst_under"]}
AGREEMENT = {
    "shown": "PGD-20",
    "restarts": "restarts",
    "square": "black box",
    "worst": "worst of all",
    "disagree": "not all agree",
    "square_alone": "black box alone",
    "missed_by_shown": "missed by PGD-20",
}
# Whose lead over whom is told.
DUELS = {
    "srat_ce": ["drcb_ce"],
    "srat_focal": ["drcb_focal"],
    "srat_ldam": ["drcb_ldam", "ce", "cb_reweight"],
    "drcb_ldam": ["ce"],
    "cb_reweight": ["ce"],
    "srat_ldam_kept": ["drcb_ldam_kept", "srat_ldam", "ce_kept", "cb_reweight_kept"],
    "drcb_ldam_kept": ["drcb_ldam", "ce_kept", "cb_reweight_kept"],
    "cb_reweight_kept": ["cb_reweight", "ce_kept"],
    "ce_kept": ["ce"],
    "imb_mix": [
        *("ce", "resample", "cb_reweight", "mixup", "rebalanced_mixup"),
        "imb_mix_plain",
    ],
}
# Whose accuracies stand beside ours. CIFAR10 is another set than USPS.
BESIDE = {"usps": "cifar10", "cifar10": "cifar10", "cifar100": "cifar100"}
SHOWN_NAMES = {"cifar10": "CIFAR10", "cifar100": "CIFAR100"}

INTRODUCTION = (
    "Accuracies in percent on a balanced test set, mean ± standard deviation over the "
    "seeds that every method has been through; 'under' is the rarest half of the "
    "classes. Robust: under PGD of 20 steps. Published: the table of the dissertation "
    "named above each, of ResNet-18 on CIFAR; beside USPS it is of another data set "
    "and net, and no more than the order of the methods can be compared. A star: some "
    "runs failed, and the mean is of the others.",
    "Differences are on the same rows, seed by seed: mean ± standard error (won-lost, "
    "p of Wilcoxon's signed-rank test, two-sided and not corrected for the number of "
    "rows). Five seeds alone cannot bring it below 0.062. Runs draw from the same "
    "data, so that p-values over all imbalances are rather too small.",
)
AGREEMENT_NOTE = (
    "Do the attacks agree? On the same test rows: accuracy under PGD-20, under "
    "PGD of 50 steps and 10 restarts, under the black-box search of 1,000 queries, and "
    "under the worst of the three; shares of rows on which not all agree, on which the "
    "black box alone succeeds (gradients that are masked would show here), and on "
    "which PGD-20 fails but another attack does not."
)
OPEN_POINTS = (
    "- USPS is small and nearly balanced: each seed draws 100 test rows of each class, "
    "and what is left is made imbalanced, classes rarer in the order 0 to 9. No other "
    "part is set aside: nothing stops early, and nothing is chosen by a score.\n"
    "- On USPS the radius was fixed on draws 100 and 101, see the constants in "
    "threats.py, and the learning rate, by adversarial training with cross-entropy, "
    "and the weight of the separation loss on draws 101 and 102. Epochs, net and "
    "learning rate are the same for all methods.\n"
    "- Chapter 5 trains CIFAR for 250 epochs, chapter 4 for 200, with drops of the "
    "learning rate at epochs 160 and 180 in either; a run on CIFAR is of one chapter. "
    "On USPS all methods have 40 epochs, and drops at 80 and 90 % of them. Momentum, "
    "weight decay and batch size are not in the dissertation.\n"
    "- remix + adv. of the dissertation is its rebalanced mixup of adversarial rows, "
    "without copies and averaging; adv. + data_aug is Imb-Mix without averaging, of "
    "which the dissertation has figures only (5.2 to 5.7).\n"
    "- CE is both CE of chapter 4 and vanilla adv. of chapter 5, CB-Reweight is also "
    "adv. + reweight: on USPS each is trained once."
)


# --- Numbers -------------------------------------------------------------------------


def read_cells(path):
    """Read the runs that every method of a data set and threat has been through."""
    order = {**dict.fromkeys([*THREAT, "imbalance", "fold"], ()), "method": METHODS}
    return read_complete_cells(path, "papers.py robust images", order)


def differences_of(scores):
    """Compare the methods of :data:`DUELS` in each setting, and in all of a threat.

    Imbalance ``'all'`` holds the runs of all imbalances of a data set and threat.
    """
    parts = [
        difference_table(scores, THREAT, DUELS).assign(imbalance="all"),
        difference_table(scores, SETTING, DUELS),
    ]
    told = [part for part in parts if len(part)] or parts[1:]
    return pd.concat(told, ignore_index=True)[parts[1].columns]


def agreement_table(cells):
    """Average what the attacks agree on over the runs that did not fail."""
    done = finished(cells)
    if done.empty:
        return pd.DataFrame(columns=[*SETTING, "method", "n_rows", *AGREEMENT])
    told = pd.DataFrame(list(done["agreement"]), index=done.index)
    told = done[[*SETTING, "method"]].join(told)
    return told.groupby([*SETTING, "method"], sort=False).mean().reset_index()


def class_table(cells):
    """Average the accuracies of each class over the runs that did not fail.

    Returns
    -------
    table : DataFrame
        A row for each setting, method and class: ``standard``, ``robust``, and
        training rows ``n_train`` of the first run.
    """
    columns = [*SETTING, "method", "class", "standard", "robust", "n_train"]
    rows = []
    for key, part in finished(cells).groupby([*SETTING, "method"], sort=False):
        standard, robust = (
            np.mean(part[name].tolist(), axis=0)
            for name in ("class_standard", "class_robust")
        )
        told = zip(standard, robust, part["class_counts"].iloc[0], strict=True)
        rows += [(*key, label, *of_class) for label, of_class in enumerate(told)]
    return pd.DataFrame(rows, columns=columns)


# --- Tables --------------------------------------------------------------------------


def percent(mean, std):
    """Print a mean and a standard deviation as the dissertation does.

    Examples
    --------
    >>> percent(0.63264, 0.0059), percent(0.5, float("nan"))
    ('63.26 ± 0.59', '50.00')
    """
    spread = "" if pd.isna(std) else f" ± {100 * std:.2f}"
    return f"{100 * mean:.2f}{spread}"


def with_spread(row):
    """Print mean and standard deviation; a star says that some runs failed.

    Examples
    --------
    >>> with_spread({"mean": 0.5, "std": 0.01, "n_runs": 4, "n_failed": 1})
    '50.00 ± 1.00*'
    >>> with_spread({"mean": float("nan"), "std": 0, "n_runs": 0, "n_failed": 5})
    'failed'
    """
    if row["n_runs"] == 0:
        return "failed"
    return percent(row["mean"], row["std"]) + ("*" if row["n_failed"] else "")


def published_table(chapter, data, imbalance, norm):
    """Return what a chapter published on a data set, or its stand-in.

    Returns
    -------
    number : str or None
        Of the table; None where there is no twin.
    scores : DataFrame or None
        In percent: methods, by the dissertation's names, by metric; their standard
        deviations have names that end in ``' std'``.
    """
    table = read_published(__file__)
    key = [BESIDE[data], imbalance, norm]
    where = (table[["dataset", "imbalance", "norm"]] == key).all(axis=1)
    rows = table[where & table["table"].str.startswith(f"{chapter}.")]
    if rows.empty:
        return None, None
    return rows["table"].iloc[0], rows.set_index("method")


def published_title(data):
    """Name what stands beside a data set.

    Examples
    --------
    >>> published_title("usps"), published_title("cifar100")
    ('published, of CIFAR10', 'published')
    """
    other = BESIDE[data]
    return "published" + ("" if other == data else f", of {SHOWN_NAMES[other]}")


def chapter_table(part, key, chapter):
    """Print a table as a chapter has it, with the published one on its right.

    Returns
    -------
    number : str or None
        Of the published table.
    table : DataFrame
    """
    table = lay_out(part, CHAPTERS[chapter], FOUR, TITLES, with_spread)
    number, published = published_table(chapter, *key[:3])
    if number is None:
        return None, table
    name_of = {TITLES[n]: METHODS[n].published.get(chapter) for n in CHAPTERS[chapter]}
    for metric, title in FOUR.items():
        table[f"{title}, {published_title(key[0])}"] = [
            f"{published.at[name_of[row], metric]:.2f} ± "
            f"{published.at[name_of[row], f'{metric} std']:.2f}"
            if name_of[row] in published.index
            else "-"
            for row in table.index
        ]
    return number, table


def duel_table(part):
    """Print how far methods are ahead of others, in percent."""
    told = part[part["metric"].isin(list(TOLD))]
    lines = {}
    for first, minus in keys_of(told, ["first", "minus"]):
        rows = pick(told, ["first", "minus"], (first, minus)).set_index("metric")
        line = {}
        for metric, title in TOLD.items():
            row = rows.loc[metric]
            error = "" if pd.isna(row["se"]) else f" ± {100 * row['se']:.2f}"
            line[title] = (
                f"{100 * row['difference']:+.2f}{error} ({row['won']}-{row['lost']}, "
                f"p {row['p_value']:.2g})"
            )
        lines[f"{TITLES[first]} - {TITLES[minus]}"] = line
    return to_markdown(pd.DataFrame(lines).T.rename_axis("difference"))


def chapter_blocks(part, key, chapter):
    """Heading and table of what one chapter compares."""
    number, table = chapter_table(part, key, chapter)
    if len(table) == 0:
        return []
    title = f"Methods of chapter {chapter}"
    title += f"; published: Table {number}." if number else "; nothing is published."
    return [title, to_markdown(table)]


def setting_blocks(key, means, differences, agreement, chapters):
    """Heading and tables of one data set, imbalance and threat."""
    part = pick(means, SETTING, key)
    blocks = [f"## {heading(*key)}"]
    for chapter in chapters:
        blocks += chapter_blocks(part, key, chapter)
    duels = pick(differences, SETTING, key)
    if not duels.empty:
        blocks += ["Differences:", duel_table(duels)]
    strong = lay_out(part, METHODS, STRONG, TITLES, with_spread)
    blocks += ["Stronger attacks:", to_markdown(strong)]
    told = pick(agreement, SETTING, key)
    if not told.empty:
        table = told.set_index("method")[list(AGREEMENT)].mul(100)
        table = table.rename(columns=AGREEMENT, index=TITLES).rename_axis("method")
        blocks += ["Agreement of the attacks:", to_markdown(table, digits=2)]
    return blocks


def overall_blocks(differences):
    """Differences over all imbalances of each data set and threat."""
    told = differences[differences["imbalance"] == "all"]
    blocks = []
    for data, norm, eps in keys_of(told, THREAT):
        own = pick(told, THREAT, (data, norm, eps))
        title = f"{data}, {norm} {eps:.3g}, the runs of all its imbalances:"
        blocks += [title, duel_table(own)]
    return ["## All imbalances together", *blocks] if blocks else []


def row_lines(cells):
    """Say how many rows each class has in training."""
    runs = with_rows(cells, "class_counts").drop_duplicates(["data", "imbalance"])
    return "\n".join(
        f"- {run.data}, {run.imbalance}: {', '.join(map(str, run.class_counts))}; "
        f"{run.n_test} test rows"
        for run in runs.itertuples()
    )


def make_report(cells, chapters=CHAPTERS):
    """Return the blocks of tables.md, and its frames.

    Parameters
    ----------
    cells : DataFrame
        As :func:`read_cells` gives them.
    chapters : iterable of {4, 5}, default=CHAPTERS
        Whose tables to show, beside what they published.
    """
    scores = score_frame(cells, SETTING, METRICS)
    means, differences = mean_table(scores, SETTING, "std"), differences_of(scores)
    agreement = agreement_table(cells)
    seeds = ", ".join(map(str, sorted(cells["fold"].unique())))
    blocks = [
        "# Adversarial training under imbalance",
        f"{count_line(cells)} Seeds {seeds}.",
        *INTRODUCTION,
        AGREEMENT_NOTE,
        *overall_blocks(differences),
    ]
    for key in keys_of(means, SETTING):
        blocks += setting_blocks(key, means, differences, agreement, chapters)
    blocks += [
        "## Failed cells",
        failure_block(cells, TITLES),
        "## Seconds",
        "A cell draws the rows, fits, and makes all attacks.",
        cost_block(cells, ["data", "imbalance"], SECONDS, TITLES, digits=1),
        "## Training rows of each class",
        row_lines(cells),
        "## What the dissertation leaves open, or says otherwise",
        OPEN_POINTS,
    ]
    return blocks, {
        "tables.csv": means,
        "differences.csv": differences,
        "agreement.csv": agreement,
        "classes.csv": class_table(cells),
    }


def write_images(args):
    """Write tables.md beside the cells; return its path."""
    chapters = CHAPTERS if args.chapter is None else [args.chapter]
    blocks, frames = make_report(read_cells(args.out / "images.jsonl"), chapters)
    figure = draw_classes(frames["classes.csv"])
    pictures = {} if figure is None else {"classes.png": figure}
    return write_all(
        args.out, "tables.md", blocks, frames=frames, pictures=pictures, dpi=120
    )
