"""The ways to train that Tables 4.1 to 4.7 and 5.1 to 5.7 compare."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    SRATClassifier,
)

# USPS: a learning rate of 3e-3 was the better one of 1e-3 and 3e-3 for adversarial
# training with cross-entropy on draws 101 and 102; it drops at 80 % and 90 % of the
# epochs. CIFAR: net, rate and epochs are those of sections 4.5.1 and 5.5.1.
# NOTE[DIFF]: momentum, weight decay and batch size are not in the dissertation; they
# are those of the LDAM paper, whose schedule it has.
USPS = {
    "module": "conv",
    "module__n_filters": (8, 16),
    "module__n_hidden": 64,
    "lr": 3e-3,
    "max_epochs": 40,
    "batch_size": 128,
}
CIFAR = {
    "module": "resnet18",
    "optimizer": torch.optim.SGD,
    "lr": 0.1,
    "optimizer__momentum": 0.9,
    "optimizer__weight_decay": 2e-4,
    "batch_size": 128,
}
TRAINING = {"usps": USPS, "cifar10": CIFAR, "cifar100": CIFAR}
# How long a chapter trains on CIFAR; the rate drops at epochs 160 and 180 in either.
SCHEDULES = {
    4: {"max_epochs": 200, "callbacks__lr_schedule__at": (0.8, 0.9)},
    5: {"max_epochs": 250, "callbacks__lr_schedule__at": (0.64, 0.72)},
}
# Fraction of the epochs without weights: never any, from the start, epoch 160 of 200.
NEVER, ALWAYS, DEFERRED = 1.0, 0.0, 0.8


@dataclass(frozen=True)
class Method:
    """A classifier.

    Attributes
    ----------
    title : str
        In tables and pictures.
    make : callable
        ``make(shared, threat)`` gives it unfitted: ``shared`` are parameters that all
        methods have, ``threat`` those of the attack in training.
    published : dict of int to (str or None)
        The names that chapters of the dissertation give it; None where it stands
        beside a chapter's methods and has no figures there.
    """

    title: str
    make: Callable
    published: dict = field(default_factory=dict)


def clean(classifier, **own):
    """Return a factory of a classifier that trains on rows as they are."""

    def make(shared, threat):
        return classifier(**own, **shared)

    return make


def attacked(classifier, **own):
    """Return a factory of a classifier that trains on attacked rows."""

    def make(shared, threat):
        return classifier(**own, **shared, **threat)

    return make


def _adversarial(title, criterion, reweight_from, published, **own):
    make = attacked(
        AdversarialClassifier, criterion=criterion, reweight_from=reweight_from, **own
    )
    return Method(title, make, published)


def _srat(title, criterion, published, **own):
    make = attacked(SRATClassifier, criterion=criterion, reweight_from=DEFERRED, **own)
    return Method(title, make, published)


def _mixed(title, published, **own):
    return Method(title, attacked(ImbMixClassifier, **own), published)


METHODS = {
    "plain": Method(
        "clean training",
        clean(LDAMClassifier, criterion="cross_entropy", reweight_from=NEVER),
    ),
    "ce": _adversarial("CE", "cross_entropy", NEVER, {4: "CE", 5: "vanilla adv."}),
    "focal": _adversarial("Focal", "focal", NEVER, {4: "Focal"}),
    "ldam": _adversarial("LDAM", "ldam", NEVER, {4: "LDAM"}),
    "cb_reweight": _adversarial(
        "CB-Reweight",
        "cross_entropy",
        ALWAYS,
        {4: "CB-Reweight", 5: "adv. + reweight"},
    ),
    "cb_focal": _adversarial("CB-Focal", "focal", ALWAYS, {4: "CB-Focal"}),
    "drcb_ce": _adversarial("DRCB-CE", "cross_entropy", DEFERRED, {4: "DRCB-CE"}),
    "drcb_focal": _adversarial("DRCB-Focal", "focal", DEFERRED, {4: "DRCB-Focal"}),
    "drcb_ldam": _adversarial("DRCB-LDAM", "ldam", DEFERRED, {4: "DRCB-LDAM"}),
    "srat_ce": _srat("SRAT-CE", "cross_entropy", {4: "SRAT-CE"}),
    "srat_focal": _srat("SRAT-Focal", "focal", {4: "SRAT-Focal"}),
    "srat_ldam": _srat("SRAT-LDAM", "ldam", {4: "SRAT-LDAM"}),
    # Algorithm 4.1 makes the drop of the learning rate optional.
    "ce_kept": _adversarial(
        "CE, rate kept", "cross_entropy", NEVER, {4: None}, lr_schedule=None
    ),
    "cb_reweight_kept": _adversarial(
        "CB-Reweight, rate kept", "cross_entropy", ALWAYS, {4: None}, lr_schedule=None
    ),
    "drcb_ldam_kept": _adversarial(
        "DRCB-LDAM, rate kept", "ldam", DEFERRED, {4: None}, lr_schedule=None
    ),
    "srat_ldam_kept": _srat(
        "SRAT-LDAM, rate kept", "ldam", {4: None}, lr_schedule=None
    ),
    "resample": _adversarial(
        "resample",
        "cross_entropy",
        NEVER,
        {5: "adv. + resample"},
        # Row by row, by the inverse of the effective number: section 5.5.1.
        iterator_train="balanced",
        iterator_train__balance="expected",
        iterator_train__beta=0.9999,
    ),
    "mixup": _mixed(
        "MixUp",
        {5: "mixup + adv."},
        n_copies=0,
        mix="mixup",
        weight_averaging=None,
    ),
    "rebalanced_mixup": _mixed(
        "rebalanced mixup",
        {5: "remix + adv."},
        n_copies=0,
        mix="rebalanced",
        weight_averaging=None,
    ),
    "imb_mix_plain": _mixed(
        "Imb-Mix, not averaged", {5: "adv. + data_aug"}, weight_averaging=None
    ),
    "imb_mix": _mixed("Imb-Mix", {5: "Imb-Mix"}),
}
# Which methods the tables of a chapter have; clean training leads both.
CHAPTERS = {
    chapter: [
        name
        for name, method in METHODS.items()
        if name == "plain" or chapter in method.published
    ]
    for chapter in (4, 5)
}


def has_schedules(data):
    """Tell whether the chapters train a data set for different numbers of epochs."""
    return TRAINING[data] is CIFAR


def make_model(method, data, threat, *, seed, device, chapter=None, smoke=False):
    """Return an unfitted classifier.

    Parameters
    ----------
    method : Method
    data : {'usps', 'cifar10', 'cifar100'}
    threat : Threat
    seed : int
    device : {'cpu', 'cuda'}
    chapter : {4, 5} or None, default=None
        Whose schedule it has, where :func:`has_schedules`.
    smoke : bool, default=False
        Whether it trains for one epoch only, under an attack of one step.
    """
    shared = TRAINING[data] | {"random_state": seed, "device": device}
    if has_schedules(data):
        shared |= SCHEDULES[chapter]
    attack = threat.training
    if smoke:
        shared |= {"max_epochs": 1}
        attack |= {"attack_steps": 1}
    return method.make(shared, attack)
