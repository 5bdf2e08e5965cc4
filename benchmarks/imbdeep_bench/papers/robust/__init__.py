"""The experiments of the chapters on adversarial training under imbalance."""

from imbdeep_bench.papers.robust.experiment import Images, Weights
from imbdeep_bench.papers.robust.experiment_sensitivity import Sensitivity
from imbdeep_bench.papers.robust.experiment_tables import Tables
from imbdeep_bench.papers.robust.theory import Theory

PARTS = {"images": Images, "tables": Tables, "weights": Weights, "theory": Theory}
PARTS |= {"sensitivity": Sensitivity}
