"""Encodings, levels, gaps, members and thresholds, on tables for development."""

from imbdeep_bench.tables.experiment import (
    Encodings,
    Gaps,
    Levels,
    Members,
    Thresholds,
)

PARTS = {part.name: part for part in (Encodings, Levels, Gaps, Members, Thresholds)}
