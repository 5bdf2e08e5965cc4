"""Definitions, and where each number was computed."""

from imbdeep_bench.report.document import Bullets, Paragraph, Section
from imbdeep_bench.report.metrics import METRICS
from imbdeep_bench.report.sections.text import WORDS, join


def reading_section(cells):
    """Definitions, and where each number was computed."""
    found = sorted(set(cells.scores["metric"]))
    known = [info for metric, info in METRICS.items() if metric in found]
    definitions = [
        f"{info.label}: {info.definition}; {info.better} is better." for info in known
    ]
    blocks = [Paragraph(text) for text in WORDS["reading"].values()]
    if definitions:
        blocks.append(Bullets(definitions))
    if unknown := join(metric for metric in found if metric not in METRICS):
        told = "Recorded but not shown, since their direction is unknown"
        blocks.append(Paragraph(f"{told}: {unknown}."))
    return Section("How to read this report", blocks)
