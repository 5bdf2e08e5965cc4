"""What is said of an exception in the file of results: one line of plain text."""

import traceback
from pathlib import Path

# A message may hold a whole table.
LONGEST = 1000


def message_of(error):
    """Print an exception on one line.

    >>> message_of(RuntimeError("the loss is\\nnot finite"))
    'RuntimeError: the loss is not finite'
    """
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be printed"
    line = " ".join(f"{type(error).__name__}: {text}".split())
    if len(line) > LONGEST:
        line = f"{line[:LONGEST]} ..."
    # A surrogate without its other half cannot be written to any report.
    return line.encode("utf-8", "backslashreplace").decode()


def message_and_place(error):
    """Print an exception, and the line of code that raised it, on one line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    # The file's name alone: its folder differs from machine to machine.
    return f"{message_of(error)} ({Path(frame.filename).name}, line {frame.lineno})"
