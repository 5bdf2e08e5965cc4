"""The experiments of the ReMix paper: sets made imbalanced, and what helps nets."""

from imbdeep_bench.papers.remix.experiment import Images, Tables

PARTS = {"tables": Tables, "images": Images}
