"""Learning rows through a training step: the bilevel step and the rows it moves."""

from imbdeep.bilevel._step import (
    BilevelStep,
    adapt,
    bilevel_step,
    changing_buffers,
)
from imbdeep.bilevel._synthetic_rows import SyntheticRows, duplicate_uncertain

__all__ = [
    "BilevelStep",
    "SyntheticRows",
    "adapt",
    "bilevel_step",
    "changing_buffers",
    "duplicate_uncertain",
]
