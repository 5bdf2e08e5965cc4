"""The experiments of the study of robustness and dataset bias."""

from imbdeep_bench.papers.robustness.experiment import Images

PARTS = {"images": Images}
