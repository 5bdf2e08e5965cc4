"""Write the whole report from a file of cells."""

from pathlib import Path

import pandas as pd

from imbdeep._files import png, write_files
from imbdeep_bench.report.cells import read_cells
from imbdeep_bench.report.document import (
    Bullets,
    Paragraph,
    Section,
    make_table,
    render_html,
    render_markdown,
)
from imbdeep_bench.report.sections import (
    failures_section,
    pictures_section,
    provenance_section,
    reading_section,
    report_title,
    scores_section,
    significance_section,
    summary_section,
    threshold_section,
)
from imbdeep_bench.report.sections.text import number

SECTIONS = (
    summary_section,
    scores_section,
    significance_section,
    threshold_section,
    pictures_section,
    provenance_section,
    failures_section,
    reading_section,
)


def draw_pictures(sections):
    """Return every picture of the report as a PNG file, by its path."""
    return {
        block.path: png(block.figure, dpi=150, bbox_inches="tight")
        for section in sections
        for block in section.blocks
        if block.kind == "picture"
    }


def timing_sections(cells):
    """Return what differs from run to run: seconds, versions, resumes."""
    versions = sorted((cells.run.get("versions") or {}).items())
    environment = [
        Bullets(
            [f"{name} {version}" for name, version in versions]
            + [f"run records in the file: {cells.n_runs}"]
        )
    ]
    finished = cells.cells[cells.cells["status"] == "ok"]
    seconds = finished.astype({"fit_seconds": float, "predict_seconds": float})
    if seconds.empty:
        return [
            Section("Versions", environment),
            Section("Seconds", [Paragraph("No cell finished.")]),
        ]
    totals = seconds.groupby("method")[["fit_seconds", "predict_seconds"]].agg(
        ["mean", "max", "sum"]
    )
    totals.columns = [f"{name.split('_')[0]}: {how}" for name, how in totals.columns]
    by_set = seconds.pivot_table(
        index="dataset", columns="method", values="fit_seconds", aggfunc="mean"
    )
    ordered = [name for name in cells.methods if name in totals.index]
    tables = [
        make_table(
            "Seconds a finished cell, over all sets and folds.",
            totals.loc[ordered].map(lambda value: number(value, 2)),
            corner="method",
        ),
        make_table(
            "Mean seconds to fit.",
            pd.DataFrame(by_set, columns=ordered)
            .rename(index=cells.label)
            .map(lambda value: number(value, 2)),
            corner="data set",
        ),
    ]
    return [Section("Versions", environment), Section("Seconds", tables)]


def write_report(cells_path, out_dir, title=None):
    """Write a report of a benchmark as Markdown and HTML, with its pictures.

    Parameters
    ----------
    cells_path : str or path-like
        The ``cells.jsonl`` of a benchmark, finished or not.
    out_dir : str or path-like
        Folder for ``report.md``, ``report.html``, ``timings.md`` and ``figures/``;
        made if need be. Files of an earlier report are overwritten, at the very end
        and each in one step: whatever goes wrong before leaves them as they were.
    title : str, default=None
        Title of the report. None names the suite, which a title of your own should
        do too.

    Returns
    -------
    path : Path
        Path of ``report.md``.

    Raises
    ------
    ValueError
        If the file is broken elsewhere than in its last line.
    OSError
        If the cells cannot be read, or a file of the report cannot be written.

    Notes
    -----
    ``report.md`` and ``report.html`` follow from the scores alone: a run that was
    killed and resumed gives the same bytes as one that was not. Times and versions
    go to ``timings.md``; versions that differ between cells are reported in both.
    """
    cells = read_cells(cells_path)
    out_dir = Path(out_dir)
    title = title or report_title(cells)
    sections = [make_section(cells) for make_section in SECTIONS]
    files = {
        **draw_pictures(sections),
        "report.md": render_markdown(title, sections),
        "report.html": render_html(title, sections),
        "timings.md": render_markdown(f"Timings. {title}", timing_sections(cells)),
    }
    write_files({out_dir / name: content for name, content in files.items()})
    return out_dir / "report.md"
