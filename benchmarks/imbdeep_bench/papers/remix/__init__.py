"""The experiments of the ReMix paper: sets made imbalanced, and what helps nets."""

from imbdeep_bench.papers.remix.experiment import Tables

PARTS = {"tables": Tables}
