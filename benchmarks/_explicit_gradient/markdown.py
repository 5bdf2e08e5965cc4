"""Numbers and tables as a report prints them."""

import numbers

import pandas as pd

from imbdeep._files import write_files


def words(value, digits=3):
    """Print a number or a word; what is missing is a dash.

    Examples
    --------
    >>> words(0.12345), words(3), words(float("nan")), words("ce")
    ('0.123', '3', '-', 'ce')
    """
    if isinstance(value, str | numbers.Integral):
        return str(value)
    return "-" if pd.isna(value) else f"{value:.{digits}f}"


def to_markdown(table, digits=3):
    """Return a table in Markdown, numbers on the right; without rows, say so."""
    if table.empty:
        return "None."
    # Column by column: rows of whole and other numbers would become floats.
    printed = table.apply(lambda c: [words(v, digits) for v in c.tolist()])
    alignment = ("left", *("right" for _ in printed))
    return printed.to_markdown(disable_numparse=True, colalign=alignment)


def print_p_values(comparisons):
    """Print the p-values of a table to two significant digits, however small."""
    columns = [name for name in comparisons if name.startswith("p_")]
    return comparisons.assign(
        **{name: [f"{p:.2g}" for p in comparisons[name]] for name in columns}
    )


def write_report(path, blocks, pictures):
    """Write ``report.md`` and its pictures beside a file of cells; return its path."""
    written = path.with_name("report.md")
    files = {path.with_name(name): content for name, content in pictures.items()}
    write_files({**files, written: "\n\n".join(blocks) + "\n"})
    print(f"Report: {written}")
    return written
