"""Classifiers: one file per method, nearly all of them skorch nets."""

from imbdeep.classifiers._crowds.crowd_layer import CrowdLayerClassifier
from imbdeep.classifiers._crowds.iced import ICEDClassifier
from imbdeep.classifiers._crowds.infer_then_fit import InferThenFit
from imbdeep.classifiers._imbalanced.classifier import ImbalancedClassifier
from imbdeep.classifiers._ldam import LDAMClassifier
from imbdeep.classifiers._meta_augment.classifier import MetaAugmentClassifier
from imbdeep.classifiers._net import NetClassifier
from imbdeep.classifiers._net_ensemble import NetEnsembleClassifier
from imbdeep.classifiers._remix import ReMixClassifier
from imbdeep.classifiers._robust.adversarial import AdversarialClassifier
from imbdeep.classifiers._robust.augmix import AugMixClassifier
from imbdeep.classifiers._robust.deep_augment import DeepAugmentClassifier
from imbdeep.classifiers._robust.imb_mix import ImbMixClassifier
from imbdeep.classifiers._robust.noise import AdversarialNoiseClassifier
from imbdeep.classifiers._robust.shared import SharedAdversarialClassifier
from imbdeep.classifiers._robust.srat import SRATClassifier
from imbdeep.classifiers._robust.universal import UniversalAdversarialClassifier

__all__ = [
    "AdversarialClassifier",
    "AdversarialNoiseClassifier",
    "AugMixClassifier",
    "CrowdLayerClassifier",
    "DeepAugmentClassifier",
    "ICEDClassifier",
    "ImbMixClassifier",
    "ImbalancedClassifier",
    "InferThenFit",
    "LDAMClassifier",
    "MetaAugmentClassifier",
    "NetClassifier",
    "NetEnsembleClassifier",
    "ReMixClassifier",
    "SRATClassifier",
    "SharedAdversarialClassifier",
    "UniversalAdversarialClassifier",
]
