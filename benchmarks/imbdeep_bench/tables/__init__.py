"""Encodings, levels, gaps, members, thresholds, raw tables: for development."""

from imbdeep_bench.tables.experiment import (
    Encodings,
    Gaps,
    Levels,
    Members,
    Raw,
    Thresholds,
)

PARTS = {
    part.name: part for part in (Encodings, Levels, Gaps, Members, Thresholds, Raw)
}
