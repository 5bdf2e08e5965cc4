"""Where each set's file comes from, and what is known against it."""

import pandas as pd

from imbdeep_bench.report.cells import independent_blocks
from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.sections.text import NOTHING, count, join


def provenance_section(cells):
    """Where each set's file comes from, and what is known against it."""
    title = "Provenance of the data"
    known = cells.datasets
    if known.empty:
        return Section(title, [Paragraph("The run recorded nothing about its data.")])
    rows, index = [], []
    for name in sorted(set(known.index) | set(cells.dataset_names)):
        facts = known.loc[name] if name in known.index else pd.Series(dtype=object)
        share = facts.get("shared_test_fraction")
        index.append(cells.label(name))
        rows.append(
            {
                "provenance": facts.get("provenance") or "not recorded",
                "rows": count(facts.get("n_samples")),
                "features": count(facts.get("n_features")),
                "minority": count(facts.get("n_minority")),
                "duplicate rows": count(facts.get("n_duplicate_rows")),
                "conflicting rows": count(facts.get("n_conflicting_rows")),
                "test rows also in training": NOTHING
                if pd.isna(share)
                else f"{100 * share:.0f} %",
                "shares rows with": join(map(cells.label, twins_of(cells, name)))
                or NOTHING,
                "SHA-256": (facts.get("sha256") or NOTHING)[:12],
            }
        )
    blocks = [
        Paragraph(
            "'rebuilt' files were made from other sources by the published recipe and "
            "are not shown to equal the original; 'unverified' files match no known "
            "hash; 'missing' sets could not be had and were not run. Duplicate rows "
            "are exact copies; conflicting rows carry both labels. Test rows that "
            "stand in the training half too favour methods that memorise."
        ),
        make_table(
            "The data sets.", pd.DataFrame(rows, index=index), corner="data set"
        ),
    ]
    if cells.missing_datasets:
        blocks.append(Paragraph(f"Missing: {join(cells.missing_datasets)}."))
    dropped = sorted(set(cells.dataset_names) - set(independent_blocks(cells)))
    if dropped:
        blocks.append(
            Paragraph(
                "Left out of 'independent sources': "
                f"{join(map(cells.label, dropped))}, made of the same rows as another "
                "set."
            )
        )
    changed = changed_data(cells)
    if changed:
        blocks.append(
            Paragraph(
                "Warning: some cells were computed on a file with another hash than "
                f"the one recorded for the set: {join(map(cells.label, changed))}."
            )
        )
    return Section(title, blocks)


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
