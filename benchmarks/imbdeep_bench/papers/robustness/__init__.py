"""The experiments of the study of robustness and dataset bias."""

from imbdeep_bench.papers.robustness.experiment import Images
from imbdeep_bench.papers.robustness.experiment_tables import Tables

PARTS = {"images": Images, "tables": Tables}
