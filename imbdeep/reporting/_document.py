"""A report as plain blocks, rendered to Markdown and to HTML from one source."""

import re
from dataclasses import dataclass
from importlib import resources

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tabulate import tabulate


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list of plain texts."""

    items: list
    kind: str = "bullets"


@dataclass(frozen=True)
class Table:
    """A table of strings; the first column names the row.

    ``bold`` is a Boolean array over the other columns.
    """

    caption: str
    frame: pd.DataFrame
    bold: np.ndarray
    kind: str = "table"

    @property
    def rows(self):
        """The cells of each row, as (text, is bold) pairs."""
        bold = np.column_stack([np.zeros(len(self.frame), dtype=bool), self.bold])
        return [
            list(zip(texts, marks, strict=True))
            for texts, marks in zip(self.frame.to_numpy(), bold, strict=True)
        ]


@dataclass(frozen=True)
class Picture:
    """A figure to be saved as ``figures/<name>.png``."""

    name: str
    figure: Figure
    caption: str
    kind: str = "picture"

    @property
    def path(self):
        """Where the picture lies, relative to the report."""
        return f"figures/{self.name}.png"


@dataclass(frozen=True)
class Section:
    """A heading and its blocks."""

    title: str
    blocks: list

    @property
    def anchor(self):
        """The heading as a fragment identifier."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def make_table(caption, frame, bold=None, *, corner=""):
    """Make a Table from a frame of strings whose index names the rows."""
    if bold is None:
        bold = np.zeros(frame.shape, dtype=bool)
    named = frame.astype(object).copy()
    named.insert(0, corner, frame.index, allow_duplicates=True)
    return Table(caption, named.astype(str), np.asarray(bold, dtype=bool))


def escape_markdown(text):
    """Make a text stand in one cell of a Markdown table, as it is."""
    text = " ".join(text.split())
    # A bare "<" is no tag unless a letter or a sign of markup follows.
    return re.sub(r"([\\|*`]|<(?=[A-Za-z/!?]))", r"\\\1", text)


def markdown_table(table):
    """Render a table in pipe syntax; numbers go to the right."""
    rows = [
        [
            f"**{escape_markdown(text)}**" if bold else escape_markdown(text)
            for text, bold in row
        ]
        for row in table.rows
    ]
    headers = [escape_markdown(name) for name in table.frame.columns]
    alignment = ["left", *["right"] * (len(headers) - 1)]
    grid = tabulate(
        rows, headers, tablefmt="pipe", colalign=alignment, disable_numparse=True
    )
    return f"*{escape_markdown(table.caption)}*\n\n{grid}"


def markdown_block(block):
    """Render one block as Markdown."""
    if block.kind == "table":
        return markdown_table(block)
    if block.kind == "picture":
        return f"![{block.caption}]({block.path})\n\n*{block.caption}*"
    if block.kind == "bullets":
        return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
    return escape_markdown(block.text)


def render_markdown(title, sections):
    """Render a report as Markdown."""
    parts = [f"# {title}"]
    for number, section in enumerate(sections, 1):
        parts.append(f"## {number}. {section.title}")
        parts.extend(markdown_block(block) for block in section.blocks)
    return "\n\n".join(parts) + "\n"


def render_html(title, sections):
    """Render a report as one HTML page."""
    template = resources.files("imbdeep.reporting").joinpath("report.html.jinja")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.from_string(template.read_text(encoding="utf-8"))
    return page.render(title=title, sections=sections)
