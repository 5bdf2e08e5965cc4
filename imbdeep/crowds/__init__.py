"""Labels from many workers who err: aggregation, certainty, simulated crowds."""

from imbdeep.crowds._annotations import count_votes, encode_annotations
from imbdeep.crowds._certainty import label_certainty, vote_certainty
from imbdeep.crowds._dawid_skene import DawidSkene
from imbdeep.crowds._generation import (
    certainty_groups,
    interpolate_certain,
    neighbour_annotations,
    step_towards,
)
from imbdeep.crowds._known_truth import known_truth
from imbdeep.crowds._long_format import from_long_format, to_long_format
from imbdeep.crowds._majority_vote import MajorityVote
from imbdeep.crowds._simulate import label_difficulty, simulate_annotators
from imbdeep.crowds._truth import (
    StratifiedCrowdKFold,
    make_crowd_scorer,
    n_columns,
    read_truth,
    split_truth,
)
from imbdeep.crowds._worker_model import error_rates

__all__ = [
    "DawidSkene",
    "MajorityVote",
    "StratifiedCrowdKFold",
    "certainty_groups",
    "count_votes",
    "encode_annotations",
    "error_rates",
    "from_long_format",
    "interpolate_certain",
    "known_truth",
    "label_certainty",
    "label_difficulty",
    "make_crowd_scorer",
    "n_columns",
    "neighbour_annotations",
    "read_truth",
    "simulate_annotators",
    "split_truth",
    "step_towards",
    "to_long_format",
    "vote_certainty",
]
