"""Classifiers: one file a method, all of them skorch nets."""

from imbdeep.classifiers._ldam import LDAMClassifier
from imbdeep.classifiers._meta_augment import MetaAugmentClassifier
from imbdeep.classifiers._net import NetClassifier
from imbdeep.classifiers._remix import ReMixClassifier

__all__ = [
    "LDAMClassifier",
    "MetaAugmentClassifier",
    "NetClassifier",
    "ReMixClassifier",
]
