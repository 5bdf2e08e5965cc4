"""A report as text."""

import textwrap

from imbdeep.classifiers._imbalanced.report.words import (
    describe_columns,
    describe_scores,
)

_WIDTH = 88
_MOST_COLUMNS = 15
_MOST_CLASSES = 15
_SHARES = {"share": "{:.1%}", "weighted share": "{:.1%}"}


def as_text(report):
    """A report as text.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
    """
    parts = [
        ("Cautions", _cautions(report)),
        ("Classes", _classes(report)),
        (
            "Scores out of fold",
            _wrapped(describe_scores(report)) + "\n" + _table(report.scores),
        ),
        ("Decision", _decision(report)),
        ("Columns", _columns(report)),
        ("Learners", _table(report.learners, seconds="{:.1f}")),
    ]
    return "\n\n".join(
        f"{title}\n{'-' * len(title)}\n{body}" for title, body in parts if body
    )


def _wrapped(text, **indents):
    return textwrap.fill(text, _WIDTH, **indents)


def _table(table, **formats):
    if not len(table):
        return ""
    formatters = {name: form.format for name, form in formats.items()}
    return table.to_string(
        float_format="{:.3f}".format, formatters=formatters, na_rep=""
    )


def _cautions(report):
    return "\n".join(
        _wrapped(str(one), initial_indent="- ", subsequent_indent="  ")
        for one in report.cautions
    )


def _classes(report):
    table = _table(report.classes.head(_MOST_CLASSES), **_SHARES)
    more = len(report.classes) - _MOST_CLASSES
    return f"{table}\nAnd {more:,} more, in classes." if more > 0 else table


def _decision(report):
    words = "\n".join(report.decision)
    if len(report.confusion) > _MOST_CLASSES:
        return f"{words}\nWhich class is taken for which is in confusion."
    return f"{words}\n{report.confusion.to_string(float_format='{:.1f}'.format)}"


def _columns(report):
    words = _wrapped(describe_columns(report))
    shown = report.columns.head(_MOST_COLUMNS).set_index("column").rename_axis(None)
    if len(report.classes) > 2:
        shown = shown.rename(columns={"drop": "rise"})
    more = report.n_columns_tried - _MOST_COLUMNS
    rest = f"And {more:,} more, in columns." if more > 0 else ""
    return f"{words}\n{_table(shown)}\n{rest}".rstrip()
