"""Which cells failed, and why."""

from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.sections.text import public_error


def failures_section(cells):
    """Which cells failed, and why."""
    failed = cells.cells[cells.cells["status"] == "failed"]
    if failed.empty:
        return Section("Failures", [Paragraph("No cell failed.")])
    groups = (
        failed.assign(error=failed["error"].map(public_error))
        .groupby(["dataset", "method", "error"])["fold"]
        .agg(lambda folds: f"{len(folds)} of {len(cells.folds)}")
        .reset_index()
    )
    frame = groups[["method", "fold", "error"]].rename(columns={"fold": "folds"})
    frame.index = [cells.label(name) for name in groups["dataset"]]
    return Section(
        "Failures",
        [
            make_table(
                "Cells that failed. They are ranked last, not dropped.",
                frame,
                corner="data set",
            )
        ],
    )
