"""Where each set's file comes from, what is known of it, and which cells failed."""

import pandas as pd

from imbdeep_bench.report.cells import independent_blocks
from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.sections.text import (
    NOTHING,
    WORDS,
    count,
    join,
    public_error,
)

SAY = WORDS["data"]
COUNTS = {
    "n_samples": "rows",
    "n_features": "features",
    "n_minority": "minority",
    "n_duplicate_rows": "duplicate rows",
    "n_conflicting_rows": "conflicting rows",
}


def provenance_section(cells):
    """Where each set's file comes from, and what is known against it."""
    title = "Provenance of the data"
    if cells.datasets.empty:
        return Section(title, [Paragraph("The run recorded nothing about its data.")])
    names = sorted({*cells.datasets.index, *cells.dataset_names})
    facts = pd.DataFrame([facts_of(cells, name) for name in names])
    facts.index = map(cells.label, names)
    blocks = [
        Paragraph(SAY["provenance"]),
        make_table("The data sets.", facts, corner="data set"),
    ]
    if cells.missing_datasets:
        blocks.append(Paragraph(f"Missing: {join(cells.missing_datasets)}."))
    dropped = sorted(set(cells.dataset_names) - set(independent_blocks(cells)))
    for words, told in (("left_out", dropped), ("changed", changed_data(cells))):
        if told:
            labels = join(map(cells.label, told))
            blocks.append(Paragraph(SAY[words].format(names=labels)))
    return Section(title, blocks)


def facts_of(cells, name):
    """Print what is known of a set."""
    known = cells.datasets
    facts = known.loc[name] if name in known.index else pd.Series(dtype=object)
    share = facts.get("shared_test_fraction")
    return {
        "provenance": facts.get("provenance") or "not recorded",
        **{title: count(facts.get(key)) for key, title in COUNTS.items()},
        "test rows also in training": NOTHING
        if pd.isna(share)
        else f"{100 * share:.0f} %",
        "shares rows with": join(map(cells.label, twins_of(cells, name))) or NOTHING,
        "SHA-256": (facts.get("sha256") or NOTHING)[:12],
    }


def twins_of(cells, name):
    """Return the sets made of the same rows, whichever of the two records it."""
    twins = cells.datasets["shares_rows_with"].dropna()
    return sorted(set(twins.index[twins == name]) | set(twins[twins.index == name]))


def changed_data(cells):
    """Return the sets with a cell whose data differ from the recorded file."""
    recorded = cells.cells["dataset"].map(cells.datasets["sha256"].to_dict())
    used = cells.cells["data_sha256"]
    differs = recorded.notna() & used.notna() & (recorded != used)
    return sorted(set(cells.cells.loc[differs, "dataset"]))


def failures_section(cells):
    """Which cells failed, and why."""
    failed = cells.cells[cells.cells["status"] == "failed"]
    if failed.empty:
        return Section("Failures", [Paragraph("No cell failed.")])
    failed = failed.assign(error=failed["error"].map(public_error))
    groups = failed.groupby(["dataset", "method", "error"])["fold"].size()
    frame = groups.map(f"{{}} of {len(cells.folds)}".format).reset_index(name="folds")
    labels = [cells.label(name) for name in frame["dataset"]]
    frame = frame[["method", "folds", "error"]].set_axis(labels)
    return Section("Failures", [make_table(SAY["failed"], frame, corner="data set")])
