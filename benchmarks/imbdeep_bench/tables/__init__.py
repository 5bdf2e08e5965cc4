"""Encodings, levels, gaps and members, compared on tables for development."""

from imbdeep_bench.tables.experiment import Encodings, Gaps, Levels, Members

PARTS = {"encodings": Encodings, "levels": Levels, "gaps": Gaps, "members": Members}
