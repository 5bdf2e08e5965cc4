"""A report as HTML, in a notebook and as a file."""

from html import escape

import numpy as np

from imbdeep.classifiers._imbalanced.report.pictures import (
    MOST_LINES,
    Line,
    draw_chart,
    nice_end,
)
from imbdeep.classifiers._imbalanced.report.scores import precision_recall, reliability
from imbdeep.classifiers._imbalanced.report.words import (
    describe_columns,
    describe_scores,
    rounded,
)

_MOST_COLUMNS = 20
_MOST_CLASSES = 20
# Colors of the page around it: a notebook may be dark where the system is light.
_STYLE = """
.imbdeep-report{max-width:60em;line-height:1.45}
.imbdeep-report h2{font-size:1.25em;margin:1em 0 .3em}
.imbdeep-report h3{font-size:1.05em;margin:1.2em 0 .3em}
.imbdeep-report p{margin:.3em 0}
.imbdeep-report table{border-collapse:collapse;margin:.4em 0;background:none}
.imbdeep-report th,.imbdeep-report td{padding:.15em .8em;text-align:right;border:0;
border-bottom:1px solid rgba(128,128,128,.3);color:inherit;background:none}
.imbdeep-report tr>:first-child{text-align:left;overflow-wrap:anywhere;max-width:24em}
.imbdeep-report .box{overflow-x:auto}
.imbdeep-report .caution{border-left:4px solid #E0912F;padding:.2em .8em;margin:.4em 0;
background:rgba(224,145,47,.12);overflow-wrap:anywhere}
.imbdeep-report .remedy::before{content:"→ "}
.imbdeep-report td.drawn{text-align:left;min-width:8em}
.imbdeep-report .bar{display:inline-block;height:.75em;background:#4A86C8}
.imbdeep-report .pictures{display:flex;flex-wrap:wrap;gap:1em}
.imbdeep-report svg{max-width:100%}
"""
_PAGE_STYLE = """
:root{color-scheme:light dark}
body{font-family:system-ui,sans-serif;margin:1.5em auto;padding:0 1em;max-width:60em;
background:#fff;color:#1a1a1a}
@media (prefers-color-scheme:dark){body{background:#16181c;color:#e4e6ea}}
"""


def as_document(report):
    """A report as an HTML document that needs no other file.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>ImbalancedClassifier</title><style>{_PAGE_STYLE}</style></head>"
        f"<body>{as_html(report)}</body></html>\n"
    )


def as_html(report):
    """A report as part of a page.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
    """
    parts = [
        _section("Cautions", _cautions(report)),
        _section("Classes", _classes(report)),
        _section("Scores out of fold", _scores(report)),
        _section("Decision", _decision(report)),
        _section("Columns", _columns(report)),
        _section("Learners", _learners(report)),
    ]
    # Notebooks would set what is between two dollars as mathematics.
    return (
        f"<style>{_STYLE}</style>"
        '<div class="imbdeep-report tex2jax_ignore mathjax_ignore">'
        f"<h2>Report of ImbalancedClassifier</h2>{''.join(parts)}</div>"
    )


def _section(title, body):
    return f"<h3>{title}</h3>{body}" if body else ""


def _paragraph(text):
    return f"<p>{escape(text)}</p>"


def _table(header, rows):
    """A table of texts, and of :class:`_Bar`."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="box"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


class _Bar(float):
    """A share from 0 to 1, to be drawn."""


def _cell(value):
    if isinstance(value, _Bar):
        width = 8 * max(value, 0)
        bar = f'<span class="bar" style="width:{width:.2f}em"></span>'
        return f'<td class="drawn">{bar}</td>'
    return f"<td>{escape(value)}</td>"


def _cautions(report):
    return "".join(
        f'<div class="caution">{escape(one.what)}'
        f'<div class="remedy">{escape(one.remedy)}</div></div>'
        for one in report.cautions
    )


def _classes(report):
    shown = report.classes.sort_values("rows", ascending=False, kind="stable")
    more = len(shown) - _MOST_CLASSES
    shown = shown.head(_MOST_CLASSES)
    # With weights there is a second share.
    rows = [
        (str(label), f"{n:,}", *(f"{one:.1%}" for one in shares), _Bar(shares[0]))
        for label, n, *shares in shown.itertuples(name=None)
    ]
    table = _table(("class", *shown.columns, ""), rows)
    return table + (_paragraph(f"And {more:,} more classes.") if more > 0 else "")


def _scores(report):
    words = _paragraph(describe_scores(report))
    if not len(report.scores):
        return words
    rows = [
        (name, f"{score:.3f}", "" if np.isnan(nothing) else f"{nothing:.3f}")
        for name, score, nothing in report.scores.itertuples(name=None)
    ]
    table = _table(("", "score", "knows nothing"), rows)
    return f'{words}{table}<div class="pictures">{_pictures(report)}</div>'


def _pictures(report):
    rows, names = report.rows, [str(label) for label in report.classes.index]
    drawn = [rows.positive]
    if len(names) > 2:
        counts = report.classes["rows"].to_numpy()[rows.classes]
        drawn = rows.classes[np.argsort(counts, kind="stable")[:MOST_LINES]]
    curves, shares = [], []
    for c in drawn:
        mark = _operating_point(report) if len(names) == 2 else None
        curves.append(Line(names[c], *precision_recall(rows, c), mark=mark))
        bins = reliability(rows, c)
        columns = ("said", "came_true", "low", "high")
        shares.append(Line(names[c], *(bins[name].to_numpy() for name in columns)))
    end = nice_end(max(max(line.x.max(), line.y.max()) for line in shares))
    ring = " (ring: the threshold)" if curves[0].mark is not None else ""
    fitted_to = " (calibrated by these rows)" if report.is_calibrated else ""
    precision = draw_chart(
        curves,
        title=f"Precision and recall{ring}",
        x_label="recall",
        y_label="precision",
    )
    honesty = draw_chart(
        shares,
        title=f"Do probabilities come true?{fitted_to}",
        x_label="predicted probability",
        y_label="share that came true",
        x_end=end,
        y_end=end,
        diagonal=True,
    )
    return precision + honesty


def _operating_point(report):
    table, c = report.confusion.to_numpy(), report.rows.positive
    found, called = table[c, c], table[:, c].sum()
    return (found / table[c].sum(), found / called) if called > 0 else None


def _decision(report):
    words = "".join(map(_paragraph, report.decision))
    if len(report.confusion) > _MOST_CLASSES:
        return words + _paragraph("Which class is taken for which is in confusion.")
    labels = [str(label) for label in report.classes.index]
    rows = [
        (f"true {label}", *map(rounded, row))
        for label, row in zip(labels, report.confusion.to_numpy(), strict=True)
    ]
    header = ("of 1,000 rows", *(f"called {label}" for label in labels))
    return words + _table(header, rows)


def _columns(report):
    words = _paragraph(describe_columns(report))
    if not report.n_columns_tried:
        return words
    shown = report.columns.head(_MOST_COLUMNS)
    largest = max(shown["drop"].max(), 1e-12)
    rows = [
        (
            str(name),
            f"{drop:.3f}",
            "" if np.isnan(spread) else f"± {spread:.3f}",
            _Bar(drop / largest),
        )
        for name, drop, spread in shown.itertuples(name=None, index=False)
    ]
    more = report.n_columns_tried - len(shown)
    rest = _paragraph(f"And {more:,} that matter less.") if more else ""
    change = "drop" if len(report.classes) == 2 else "rise"
    return words + _table(("column", change, "", ""), rows) + rest


def _learners(report):
    rows = [
        (str(name), f"{weight:.3f}", _Bar(weight), f"{seconds:.1f}")
        for name, weight, seconds in report.learners.itertuples(name=None)
    ]
    return _table(("learner", "weight", "", "seconds of fit"), rows)
