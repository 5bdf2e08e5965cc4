"""Classifiers: one file a method, nearly all of them skorch nets."""

from imbdeep.classifiers._crowd_layer import CrowdLayerClassifier
from imbdeep.classifiers._iced import ICEDClassifier
from imbdeep.classifiers._infer_then_fit import InferThenFit
from imbdeep.classifiers._ldam import LDAMClassifier
from imbdeep.classifiers._meta_augment import MetaAugmentClassifier
from imbdeep.classifiers._net import NetClassifier
from imbdeep.classifiers._remix import ReMixClassifier

__all__ = [
    "CrowdLayerClassifier",
    "ICEDClassifier",
    "InferThenFit",
    "LDAMClassifier",
    "MetaAugmentClassifier",
    "NetClassifier",
    "ReMixClassifier",
]
