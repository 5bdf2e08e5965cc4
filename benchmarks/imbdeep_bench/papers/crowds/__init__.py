"""The experiments of the crowdsourcing chapter: labels from workers who err."""

from imbdeep_bench.papers.crowds.experiment import Pairs, Sets, Warmup
from imbdeep_bench.papers.crowds.report_inference import Inference

PARTS = {"run": Pairs, "inference": Inference, "warmup": Warmup, "sets": Sets}
