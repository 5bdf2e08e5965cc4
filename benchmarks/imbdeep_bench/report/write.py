"""Write the whole report from a file of cells."""

from pathlib import Path

import pandas as pd

from imbdeep._files import png, write_files
from imbdeep_bench.report import document
from imbdeep_bench.report.cells import read_cells
from imbdeep_bench.report.document import Bullets, Paragraph, Section, make_table
from imbdeep_bench.report.sections import SECTIONS, report_title
from imbdeep_bench.report.sections.text import number


def draw_pictures(sections):
    """Return every picture of the report as a PNG file, by its path."""
    return {
        block.path: png(block.figure, dpi=150, bbox_inches="tight")
        for section in sections
        for block in section.blocks
        if block.kind == "picture"
    }


def timing_sections(cells):
    """Return what differs from run to run: versions, resumes, seconds."""
    versions = sorted((cells.run.get("versions") or {}).items())
    told = [f"{name} {version}" for name, version in versions]
    told.append(f"run records in the file: {cells.n_runs}")
    return [
        Section("Versions", [Bullets(told)]),
        Section("Seconds", seconds_blocks(cells)),
    ]


def seconds_blocks(cells):
    """Return what finished cells took, by method, and by set and method."""
    finished = cells.cells[cells.cells["status"] == "ok"]
    seconds = finished.astype({"fit_seconds": float, "predict_seconds": float})
    if seconds.empty:
        return [Paragraph("No cell finished.")]
    took = seconds.groupby("method")[["fit_seconds", "predict_seconds"]]
    totals = took.agg(["mean", "max", "sum"])
    totals.columns = [f"{name.split('_')[0]}: {how}" for name, how in totals.columns]
    by_set = seconds.pivot_table("fit_seconds", "dataset", "method", aggfunc="mean")
    ordered = [name for name in cells.methods if name in totals.index]
    by_set = pd.DataFrame(by_set, columns=ordered).rename(index=cells.label)
    totals = totals.loc[ordered].map(lambda value: number(value, 2))
    by_set = by_set.map(lambda value: number(value, 2))
    words = "Seconds a finished cell, over all sets and folds."
    return [
        make_table(words, totals, corner="method"),
        make_table("Mean seconds to fit.", by_set, corner="data set"),
    ]


def write_report(cells_path, out_dir, title=None):
    """Write a report on a file of cells, finished or not; return the path of report.md.

    To a folder go ``report.md``, ``report.html``, ``timings.md`` and ``figures/``.
    Files of an earlier report are overwritten, at the very end and each in one step:
    whatever goes wrong before leaves them as they were. A title of your own should name
    the suite, as the default does.

    ``report.md`` and ``report.html`` follow from the scores alone: a run that was
    killed and resumed gives the same bytes as one that was not. Times and versions go
    to ``timings.md``; versions that differ between cells are reported in both.
    """
    cells = read_cells(cells_path)
    out_dir = Path(out_dir)
    title = title or report_title(cells)
    sections = [make_section(cells) for make_section in SECTIONS]
    timings = timing_sections(cells)
    files = {
        **draw_pictures(sections),
        "report.md": document.render_markdown(title, sections),
        "report.html": document.render_html(title, sections),
        "timings.md": document.render_markdown(f"Timings. {title}", timings),
    }
    write_files({out_dir / name: content for name, content in files.items()})
    return out_dir / "report.md"
