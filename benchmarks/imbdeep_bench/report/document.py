"""A report as plain blocks, rendered to Markdown and to HTML from one source."""

import re
from dataclasses import dataclass
from pathlib import Path

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


# What Markdown would take for markup: emphasis, code, a table's rule, a link, a formula
# ("$"); a "<" that begins a tag, an "&" that begins an entity, "_" and "~" that are not
# within a word, and a "#" that begins or ends a heading.
MARKUP = re.compile(
    r"[\\|*`$\[\]]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<!\S)#"
    r"|(?<![A-Za-z0-9])[_~]|[_~](?![A-Za-z0-9])"
)


def escape_markdown(text):
    """Make a text stand on one line of Markdown, or in a table's cell, as it is."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


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
        caption = escape_markdown(block.caption)
        return f"![{caption}]({block.path})\n\n*{caption}*"
    if block.kind == "bullets":
        return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
    return escape_markdown(block.text)


def render_markdown(title, sections):
    """Render a report as Markdown."""
    parts = [f"# {escape_markdown(title)}"]
    for number, section in enumerate(sections, 1):
        parts.append(f"## {number}. {escape_markdown(section.title)}")
        parts.extend(markdown_block(block) for block in section.blocks)
    return "\n\n".join(parts) + "\n"


def render_html(title, sections):
    """Render a report as one HTML page."""
    template = Path(__file__).with_name("report.html.jinja")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.from_string(template.read_text(encoding="utf-8"))
    return page.render(title=title, sections=sections)
