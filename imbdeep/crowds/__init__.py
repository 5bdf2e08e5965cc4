"""Labels from many error-prone workers: aggregation, certainty, simulated crowds."""

from imbdeep.crowds._certainty import label_certainty
from imbdeep.crowds._dawid_skene import DawidSkene
from imbdeep.crowds._long_format import from_long_format, to_long_format
from imbdeep.crowds._majority_vote import MajorityVote
from imbdeep.crowds._simulate import label_difficulty, simulate_annotators
from imbdeep.crowds._truth import (
    StratifiedCrowdKFold,
    make_crowd_scorer,
    split_truth,
)

__all__ = [
    "DawidSkene",
    "MajorityVote",
    "StratifiedCrowdKFold",
    "from_long_format",
    "label_certainty",
    "label_difficulty",
    "make_crowd_scorer",
    "simulate_annotators",
    "split_truth",
    "to_long_format",
]
