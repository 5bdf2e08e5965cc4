"""Numbers and tables as the papers' reports print them."""

import numbers

import pandas as pd

from imbdeep._files import png, write_files


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


def rows_to_markdown(rows):
    """Return rows, dicts of text, as a table in Markdown."""
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def print_p_values(comparisons):
    """Print the p-values of a table to two significant digits, however small."""
    columns = [name for name in comparisons if name.startswith("p_")]
    return comparisons.assign(
        **{name: [f"{p:.2g}" for p in comparisons[name]] for name in columns}
    )


def write_all(out, report=None, blocks=(), *, frames=None, pictures=None, dpi=150):
    """Write a report, its tables and its pictures to a folder: all of them, or none.

    Tables and pictures go by the names of their files. Return the path of the report.
    """
    frames, pictures = frames or {}, pictures or {}
    files = {name: frame.to_csv(index=False) for name, frame in frames.items()}
    files |= {name: png(figure, dpi=dpi) for name, figure in pictures.items()}
    if report is not None:
        files[report] = "\n\n".join(blocks) + "\n"
    write_files({out / name: content for name, content in files.items()})
    return out / (report or "")
