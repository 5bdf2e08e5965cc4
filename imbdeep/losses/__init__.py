"""Losses: pure functions that return per-row losses, and thin modules around them."""

from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._class_weights import class_balanced_weights, effective_number
from imbdeep.losses._cross_entropy import CrossEntropyLoss, cross_entropy
from imbdeep.losses._crowd_layer import (
    CrowdLayerLoss,
    crowd_layer,
)
from imbdeep.losses._feature_separation import feature_separation
from imbdeep.losses._focal import FocalLoss, focal
from imbdeep.losses._jensen_shannon import jensen_shannon
from imbdeep.losses._ldam import LDAMLoss, ldam, ldam_margins

__all__ = [
    "ClassificationLoss",
    "CrossEntropyLoss",
    "CrowdLayerLoss",
    "FocalLoss",
    "LDAMLoss",
    "class_balanced_weights",
    "cross_entropy",
    "crowd_layer",
    "effective_number",
    "feature_separation",
    "focal",
    "jensen_shannon",
    "ldam",
    "ldam_margins",
]
