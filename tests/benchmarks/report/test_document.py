import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from imbdeep_bench.report.document import (
    Bullets,
    Paragraph,
    Picture,
    Section,
    make_table,
    render_html,
    render_markdown,
)
from imbdeep_bench.report.sections.text import best_in_rows, p_value, public_error


class Cells(HTMLParser):
    """Collects the texts of table cells, and of those in bold."""

    def __init__(self):
        super().__init__()
        self.open, self.cells, self.bold = [], [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data.strip()
        if "strong" in self.open:
            self.bold.append(data)


@pytest.fixture
def sections():
    frame = pd.DataFrame(
        {"a": ["0.1", "x | y"], "b": ["<b>", "0.2"]}, index=["ecoli", "oil"]
    )
    table = make_table("A table", frame, [[True, False], [False, True]], corner="set")
    texts = [Paragraph("1 < 2 & so on"), Bullets(["one", "two"])]
    picture = Picture("plot", Figure(), "A plot")
    return [Section("First & last", [*texts, table, picture])]


def test_markdown_table_has_one_row_a_set(sections):
    text = render_markdown("Title", sections)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows
    ]
    assert cells[0] == ["set", "a", "b"]
    assert cells[2] == ["ecoli", "**0.1**", r"\<b>"]
    assert cells[3] == ["oil", r"x \| y", "**0.2**"]
    assert text.startswith("# Title\n")
    assert "![A plot](figures/plot.png)" in text
    assert "1 < 2 & so on" in text


def test_html_says_the_same_and_escapes(sections):
    page = render_html("Title <1>", sections)
    parser = Cells()
    parser.feed(page)
    rows = ["set", "a", "b"], ["ecoli", "0.1", "<b>"], ["oil", "x | y", "0.2"]
    assert parser.cells == sum(rows, [])
    assert parser.bold == ["0.1", "0.2"]
    assert "<title>Title &lt;1&gt;</title>" in page
    assert "1 &lt; 2 &amp; so on" in page
    assert '<img src="figures/plot.png" alt="A plot">' in page
    assert 'href="#first-last"' in page
    assert 'id="first-last"' in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("ValueError: no rows", "ValueError: no rows"),
        ("OSError: /home/me/runs/x.npz is gone", "OSError: x.npz is gone"),
        (r"OSError: C:\Users\me\x.npz is gone", "OSError: x.npz is gone"),
        ("<object at 0x7f3Ab2>", "<object at 0x…>"),
        ("first\nsecond", "first"),
        ("ratio and/or n/m is 1/2", "ratio and/or n/m is 1/2"),
        (None, "no message recorded"),
        ("", "no message recorded"),
        ("\n", "no message recorded"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_errors_are_shown_without_the_machine(error, shown):
    assert public_error(error) == shown


def test_p_values_are_never_zero():
    printed = [p_value(p) for p in (0.0, 0.00099, 0.001, 0.0496, 1.0)]
    assert printed == ["<0.001", "<0.001", "0.001", "0.050", "1.000"]


def test_best_is_marked_as_printed():
    frame = pd.DataFrame([[0.5001, 0.5004, 0.4], [np.nan, 0.1, 0.2], [np.nan] * 3])
    assert best_in_rows(frame, True).to_numpy().tolist() == [
        [True, True, False],
        [False, False, True],
        [False, False, False],
    ]
    assert best_in_rows(frame, False).to_numpy().tolist() == [
        [False, False, True],
        [False, True, False],
        [False, False, False],
    ]
