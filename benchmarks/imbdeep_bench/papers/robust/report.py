"""The report of the pictures: tables.md, its CSV files, classes.png and parts.png."""

from pathlib import Path

import numpy as np
import pandas as pd

from imbdeep_bench.papers.robust.figure import (
    FOUR,
    SETTING,
    THREAT,
    TITLES,
    draw_classes,
    draw_parts,
    heading,
)
from imbdeep_bench.papers.robust.methods import CHAPTERS, METHODS
from imbdeep_bench.report import runs
from imbdeep_bench.report.markdown import to_markdown
from imbdeep_bench.report.template import write_report

SECONDS = {"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"}
STRONG = {
    f"{name}_{half}": f"{title}, {half}"
    for name, title in {
        "restarts": "restarts",
        "square": "black box",
        "worst": "worst of all",
    }.items()
    for half in ("overall", "under")
}
TOLD = FOUR | {"worst_under": STRONG["worst_under"]}
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
    "srat_ce_kept": ["drcb_ce_kept"],
    "srat_focal_kept": ["drcb_focal_kept"],
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
STUDY = runs.Study(
    "papers.py robust images",
    METHODS,
    FOUR | STRONG,
    SETTING,
    order=dict.fromkeys([*THREAT, "imbalance"], ()),
    costs=SECONDS,
    cost_by=("data", "imbalance"),
    digits=1,
)


# --- Numbers -------------------------------------------------------------------------


def differences_of(scores):
    """Compare the methods of :data:`DUELS` in each setting, and in all of a threat.

    Imbalance ``'all'`` holds the runs of all imbalances of a data set and threat.
    """
    parts = [
        runs.difference_table(scores, THREAT, DUELS).assign(imbalance="all"),
        runs.difference_table(scores, SETTING, DUELS),
    ]
    told = [part for part in parts if len(part)] or parts[1:]
    return pd.concat(told, ignore_index=True)[parts[1].columns]


def agreement_table(cells):
    """Average what the attacks agree on over the runs that did not fail."""
    done = runs.finished(cells)
    if done.empty:
        return pd.DataFrame(columns=[*SETTING, "method", "n_rows", *AGREEMENT])
    told = pd.DataFrame(list(done["agreement"]), index=done.index)
    told = done[[*SETTING, "method"]].join(told)
    return told.groupby([*SETTING, "method"], sort=False).mean().reset_index()


def class_table(cells):
    """Average the accuracies of each class over the runs that did not fail.

    Training rows ``n_train`` are those of the first run.
    """
    columns = [*SETTING, "method", "class", "standard", "robust", "n_train"]
    rows = []
    for key, part in runs.finished(cells).groupby([*SETTING, "method"], sort=False):
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

    The number of the table, and, in percent, its scores: methods, by the dissertation's
    names, by metric. None and None where there is no twin.
    """
    table = runs.read_published(__file__)
    twins = runs.pick(
        table, ["dataset", "imbalance", "norm"], (BESIDE[data], imbalance, norm)
    )
    rows = twins[twins["table"].str.startswith(f"{chapter}.")]
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

    Return the number of the published one, or None, and the table.
    """
    table = runs.lay_out(part, CHAPTERS[chapter], FOUR, TITLES, with_spread)
    number, published = published_table(chapter, *key[:3])
    if number is None:
        return None, table
    name_of = {TITLES[n]: METHODS[n].published.get(chapter) for n in CHAPTERS[chapter]}
    theirs = published.reindex(table.index.map(name_of))
    for metric, title in FOUR.items():
        pairs = zip(theirs[metric], theirs[f"{metric} std"], strict=True)
        table[f"{title}, {published_title(key[0])}"] = [
            "-" if pd.isna(mean) else f"{mean:.2f} ± {std:.2f}" for mean, std in pairs
        ]
    return number, table


def lead_in_percent(row):
    """Print how far one method is ahead of another on the same rows."""
    error = "" if pd.isna(row["se"]) else f" ± {100 * row['se']:.2f}"
    told = f"({row['won']}-{row['lost']}, p {row['p_value']:.2g})"
    return f"{100 * row['difference']:+.2f}{error} {told}"


def duel_table(part):
    """Print how far methods are ahead of others, in percent."""
    told = part[part["metric"].isin(list(TOLD))]
    names = told["first"].map(TITLES) + " - " + told["minus"].map(TITLES)
    told = told.assign(difference=names, text=told.apply(lead_in_percent, axis=1))
    table = told.pivot(index="difference", columns="metric", values="text")
    table = table.loc[names.unique(), list(TOLD)].rename(columns=TOLD)
    return table.rename_axis(columns=None)


def setting_blocks(key, means, differences, agreement, chapters):
    """Return the tables of one data set, imbalance and threat, and their titles."""
    part, blocks = runs.pick(means, SETTING, key), []
    for chapter in chapters:
        number, table = chapter_table(part, key, chapter)
        told = f"published: Table {number}" if number else "nothing is published"
        if len(table):
            blocks += [f"Methods of chapter {chapter}; {told}.", table]
    duels = runs.pick(differences, SETTING, key)
    if not duels.empty:
        blocks += ["Differences:", duel_table(duels)]
    strong = runs.lay_out(part, METHODS, STRONG, TITLES, with_spread)
    blocks += ["Stronger attacks:", strong]
    told = runs.pick(agreement, SETTING, key)
    if not told.empty:
        table = told.set_index("method")[list(AGREEMENT)].mul(100)
        table = table.rename(columns=AGREEMENT, index=TITLES).rename_axis("method")
        blocks += ["Agreement of the attacks:", to_markdown(table, digits=2)]
    return blocks


def overall_blocks(differences):
    """Differences over all imbalances of each data set and threat."""
    told = differences[differences["imbalance"] == "all"]
    blocks = []
    for data, norm, eps in runs.keys_of(told, THREAT):
        own = runs.pick(told, THREAT, (data, norm, eps))
        title = f"{data}, {norm} {eps:.3g}, the runs of all its imbalances:"
        blocks += [title, duel_table(own)]
    return blocks


def row_lines(cells):
    """Say how many rows each class has in training."""
    first = runs.with_rows(cells, "class_counts").drop_duplicates(["data", "imbalance"])
    return "\n".join(
        f"- {run.data}, {run.imbalance}: {', '.join(map(str, run.class_counts))}; "
        f"{run.n_test} test rows"
        for run in first.itertuples()
    )


def make_report(cells, chapters=CHAPTERS):
    """Return the numbers of tables.md, with the tables of chapters, and its frames."""
    means, differences = STUDY.means(cells, "std"), differences_of(STUDY.scores(cells))
    agreement = agreement_table(cells)
    return STUDY.told_of(cells) | {
        "seeds": sorted(cells["fold"].unique()),
        "overall": overall_blocks(differences),
        "settings": {
            heading(*key): setting_blocks(key, means, differences, agreement, chapters)
            for key in runs.keys_of(means, SETTING)
        },
        "rows": row_lines(cells),
    }, {
        "tables.csv": means,
        "differences.csv": differences,
        "agreement.csv": agreement,
        "classes.csv": class_table(cells),
    }


def write_images(args):
    """Write tables.md beside the cells; return its path."""
    chapters = CHAPTERS if args.chapter is None else [args.chapter]
    numbers, frames = make_report(STUDY.read(args.out / "images.jsonl"), chapters)
    drawn = {
        "classes.png": draw_classes(frames["classes.csv"]),
        "parts.png": draw_parts(frames["tables.csv"]),
    }
    pictures = {name: figure for name, figure in drawn.items() if figure is not None}
    template = Path(__file__).with_name("tables.md.jinja")
    files = {"frames": frames, "pictures": pictures, "dpi": 120}
    return write_report(args.out, template, numbers, **files)
