"""The experiments of the chapters on adversarial training under imbalance."""

from imbdeep_bench.papers.robust.experiment import Images, Tables, Weights
from imbdeep_bench.papers.robust.theory import Theory

PARTS = {"images": Images, "tables": Tables, "weights": Weights, "theory": Theory}
