"""Losses by name, for estimators that take a name."""

from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._cross_entropy import CrossEntropyLoss
from imbdeep.losses._focal import FocalLoss
from imbdeep.losses._ldam import LDAMLoss

LOSSES: dict[str, type[ClassificationLoss]] = {
    "cross_entropy": CrossEntropyLoss,
    "focal": FocalLoss,
    "ldam": LDAMLoss,
}
