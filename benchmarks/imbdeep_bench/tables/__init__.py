"""Encodings, levels and gaps, compared on tables for development."""

from imbdeep_bench.tables.experiment import Encodings, Gaps, Levels

PARTS = {"encodings": Encodings, "levels": Levels, "gaps": Gaps}
