"""How numbers, names and errors are printed, and what the sections say in words."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

NOTHING = "-"
# Sentences by section and name.
WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def number(value, digits=3):
    """Print a number; nothing where there is none."""
    return NOTHING if not np.isfinite(value) else f"{value:.{digits}f}"


def p_value(value):
    """Print a p-value."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def count(value):
    """Print a count that may be unknown."""
    return NOTHING if pd.isna(value) else f"{int(value)}"


def join(names):
    """Join names with commas."""
    return ", ".join(map(str, names))


def public_error(text):
    """Return an error's first line without paths and addresses of the machine."""
    lines = str(text or "").strip().splitlines() or ["no message recorded"]
    line = re.sub(
        r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+)+[\\/]([\w.@+-]+)", r"\1", lines[0]
    )
    line = re.sub(r"0x[0-9a-fA-F]+", "0x…", line)
    return line if len(line) <= 200 else line[:199] + "…"


def best_in_rows(frame, greater_is_better):
    """Mark each row's best value, as printed with three digits."""
    rounded = frame.round(3)
    best = rounded.max(axis=1) if greater_is_better else rounded.min(axis=1)
    return rounded.eq(best, axis=0)
