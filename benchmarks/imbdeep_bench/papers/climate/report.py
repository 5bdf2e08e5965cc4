"""The report: scores beside the published ones, claims, tests, and pictures."""

from pathlib import Path

import pandas as pd

from imbdeep_bench.papers.climate.figure import (
    draw_losses,
    draw_recalls,
    draw_variance,
)
from imbdeep_bench.papers.climate.methods import METHODS
from imbdeep_bench.papers.climate.numbers import (
    BY,
    MAIN,
    RECALLS,
    claim_table,
    network_of,
    network_table,
    published_scores,
)
from imbdeep_bench.report import over_sets, runs
from imbdeep_bench.report.template import write_report

DATASETS = {"synthetic": (), "droughtwatch": ()}
STUDY = runs.Study(
    "papers.py climate tables",
    METHODS,
    MAIN | RECALLS,
    BY,
    order={"data": list(DATASETS), "module": ()},
    costs={"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"},
    cost_by=("data", "module"),
    digits=1,
)
# Whom all others are tested against.
CONTROL = "swa_652"
LOSSES = {"root_intra_class_variance"}


# --- Beside the published scores -----------------------------------------------------


def print_published(name, module, metric, published):
    """Print a published score, and its network where it is the other one."""
    network = network_of([name], module, published)
    if network is None:
        return "-"
    value = published.loc[(network, METHODS[name].published), metric]
    own = network_of(["ce"], module, published)
    return f"{value:.4f}" + ("" if network == own else f" ({network})")


def beside_published(part, module, metrics):
    """Lay out some metrics of a setting, each with the published score on its right."""
    ours = runs.lay_out(part, METHODS, metrics, STUDY.titles)
    names = [name for name in METHODS if STUDY.titles[name] in ours.index]
    published = published_scores()
    columns = {}
    for metric, title in metrics.items():
        columns[title] = ours[title].to_numpy()
        columns[f"{title}, paper"] = [
            print_published(name, module, metric, published) for name in names
        ]
    return pd.DataFrame(columns, index=ours.index)


# --- Claims --------------------------------------------------------------------------


def lay_out_claims(part, title):
    """Lay out differences, a row a pair; columns a metric: ours, the paper's, holds."""
    if part.empty:
        return "No run has both methods of any."
    rows = {}
    for row in part.to_dict("records"):
        cells = rows.setdefault(title(row), {})
        name = MAIN[row["metric"]]
        cells[name] = runs.print_lead(row)
        if not pd.isna(row["published"]):
            cells[f"{name}, paper"] = f"{row['published']:+.4f}"
            cells[f"{name}, holds"] = row["holds"]
    return pd.DataFrame(rows).T


def pair_of(row):
    """Name the two methods of a difference."""
    return f"{STUDY.titles[row['first']]} - {STUDY.titles[row['minus']]}"


def claim_blocks(part):
    """Print what the paper tells of, and what it does not."""
    told = part["published"].notna()
    return [
        lay_out_claims(part[told], pair_of),
        "Of which the paper does not tell:",
        lay_out_claims(part[~told], pair_of),
    ]


def count_claims(claims):
    """Say how many published differences have the same sign here."""
    told = claims[claims["published"].notna()]
    if told.empty:
        return "No run has both methods of a published difference."
    yes, no = ((told["holds"] == word).sum() for word in ("yes", "no"))
    return (
        f"Of {len(told)} published differences {yes} have the same sign in every run, "
        f"{no} the opposite one in every run."
    )


# --- Tests ---------------------------------------------------------------------------


def test_blocks(scores, key):
    """Print tests of one setting, whose blocks are its runs."""
    part = scores.xs(key, level=BY)
    blocks = []
    for metric, title in MAIN.items():
        table = part[metric].unstack("method")
        names = [name for name in METHODS if name in table]
        table = table[names] * (-1 if metric in LOSSES else 1)
        blocks += over_sets.significance_blocks(table, title, CONTROL, STUDY.titles)
    return blocks


# --- GANs ----------------------------------------------------------------------------


def gan_table(cells):
    """Average spreads of synthetic and of real tiles, by setting, method and class."""
    done = runs.finished(cells)
    rows = [
        {**{name: cell[name] for name in [*BY, "method"]}, "class": label, **told}
        for cell in done[done["gan_diversity"].notna()].to_dict("records")
        for label, told in cell["gan_diversity"].items()
    ]
    columns = [*BY, "method", "class", "synthetic", "real"]
    table = pd.DataFrame(rows, columns=columns)
    means = table.groupby(columns[:4], sort=False).mean().reset_index()
    return means.assign(share=means["synthetic"] / means["real"])


def gan_block(table):
    """Print the spreads."""
    if table.empty:
        return "No GAN was trained."
    return table.replace({"method": STUDY.titles}).set_index("data")


# --- All of it -----------------------------------------------------------------------


def row_lines(cells):
    """Say how many tiles each class has in the first run."""
    first = runs.with_rows(cells, "class_counts", "n_test").drop_duplicates("data")
    return "\n".join(
        f"- {run.data}: {', '.join(map(str, run.class_counts))}; {run.n_test} to test"
        for run in first.itertuples()
    )


def make_report(cells):
    """Return the numbers of tables.md, and its frames."""
    scores, means = STUDY.scores(cells), STUDY.means(cells)
    claims, networks = claim_table(scores), network_table(scores)
    gans = gan_table(cells)
    settings = {}
    for key in runs.keys_of(means, BY):
        part = runs.pick(means, BY, key)
        settings[", ".join(key)] = {
            "main": beside_published(part, key[1], MAIN),
            "recalls": beside_published(part, key[1], RECALLS),
            "claims": claim_blocks(runs.pick(claims, BY, key)),
            "tests": test_blocks(scores, key),
        }
    run = set(cells["data"])
    return STUDY.told_of(cells) | {
        "seeds": sorted(cells["fold"].unique()),
        "has_synthetic": "synthetic" in run,
        "absent": [name for name in DATASETS if name not in run],
        "verdict": count_claims(claims),
        "settings": settings,
        "networks": None
        if networks.empty
        else lay_out_claims(
            networks, lambda row: f"{row['data']}, {STUDY.titles[row['of']]}"
        ),
        "gans": gan_block(gans),
        "rows": row_lines(cells),
    }, {"tables.csv": means, "claims.csv": claims, "gans.csv": gans}


def write_tables(args):
    """Write tables.md beside the cells; return its path."""
    cells = STUDY.read(args.out / "cells.jsonl")
    numbers, frames = make_report(cells)
    means = frames["tables.csv"]
    pictures = {
        "recall.png": draw_recalls(means),
        "variance.png": draw_variance(means, published_scores()),
        "losses.png": draw_losses(runs.finished(cells)),
    }
    pictures = {name: figure for name, figure in pictures.items() if figure}
    template = Path(__file__).with_name("tables.md.jinja")
    return write_report(args.out, template, numbers, frames=frames, pictures=pictures)
