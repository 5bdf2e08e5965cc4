"""The ways to train that are compared.

Each is made by ``make(shared, attack)``: parameters that all methods have, and those of
the attack in training. ``published`` are the names that chapters of the dissertation
give it; None where it stands beside a chapter's methods and has no figures there.
"""

import torch

from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    NetClassifier,
    SRATClassifier,
)
from imbdeep_bench.engine.experiment import Method, by_name

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


def _adversarial(name, title, criterion, reweight_from, published, **own):
    make = attacked(
        AdversarialClassifier, criterion=criterion, reweight_from=reweight_from, **own
    )
    return Method(name, make, title, published=published)


def _srat(name, title, criterion, published, **own):
    make = attacked(SRATClassifier, criterion=criterion, reweight_from=DEFERRED, **own)
    return Method(name, make, title, published=published)


def _mixed(name, title, published, **own):
    make = attacked(ImbMixClassifier, **own)
    return Method(name, make, title, published=published)


METHODS = by_name(
    [
        Method(
            "plain",
            clean(LDAMClassifier, criterion="cross_entropy", reweight_from=NEVER),
            "clean training",
            published={},
        ),
        _adversarial("ce", "CE", "cross_entropy", NEVER, {4: "CE", 5: "vanilla adv."}),
        _adversarial("focal", "Focal", "focal", NEVER, {4: "Focal"}),
        _adversarial("ldam", "LDAM", "ldam", NEVER, {4: "LDAM"}),
        _adversarial(
            "cb_reweight",
            "CB-Reweight",
            "cross_entropy",
            ALWAYS,
            {4: "CB-Reweight", 5: "adv. + reweight"},
        ),
        _adversarial("cb_focal", "CB-Focal", "focal", ALWAYS, {4: "CB-Focal"}),
        _adversarial("drcb_ce", "DRCB-CE", "cross_entropy", DEFERRED, {4: "DRCB-CE"}),
        _adversarial("drcb_focal", "DRCB-Focal", "focal", DEFERRED, {4: "DRCB-Focal"}),
        _adversarial("drcb_ldam", "DRCB-LDAM", "ldam", DEFERRED, {4: "DRCB-LDAM"}),
        _srat("srat_ce", "SRAT-CE", "cross_entropy", {4: "SRAT-CE"}),
        _srat("srat_focal", "SRAT-Focal", "focal", {4: "SRAT-Focal"}),
        _srat("srat_ldam", "SRAT-LDAM", "ldam", {4: "SRAT-LDAM"}),
        # Algorithm 4.1 makes the drop of the learning rate optional.
        _adversarial(
            "ce_kept",
            "CE, rate kept",
            "cross_entropy",
            NEVER,
            {4: None},
            lr_schedule=None,
        ),
        _adversarial(
            "cb_reweight_kept",
            "CB-Reweight, rate kept",
            "cross_entropy",
            ALWAYS,
            {4: None},
            lr_schedule=None,
        ),
        _adversarial(
            "drcb_ldam_kept",
            "DRCB-LDAM, rate kept",
            "ldam",
            DEFERRED,
            {4: None},
            lr_schedule=None,
        ),
        _srat(
            "srat_ldam_kept",
            "SRAT-LDAM, rate kept",
            "ldam",
            {4: None},
            lr_schedule=None,
        ),
        _adversarial(
            "resample",
            "resample",
            "cross_entropy",
            NEVER,
            {5: "adv. + resample"},
            # Row by row, by the inverse of the effective number: section 5.5.1.
            iterator_train="balanced",
            iterator_train__balance="expected",
            iterator_train__beta=0.9999,
        ),
        _mixed(
            "mixup",
            "MixUp",
            {5: "mixup + adv."},
            n_copies=0,
            mix="mixup",
            weight_averaging=None,
        ),
        _mixed(
            "rebalanced_mixup",
            "rebalanced mixup",
            {5: "remix + adv."},
            n_copies=0,
            mix="rebalanced",
            weight_averaging=None,
        ),
        _mixed(
            "imb_mix_plain",
            "Imb-Mix, not averaged",
            {5: "adv. + data_aug"},
            weight_averaging=None,
        ),
        _mixed("imb_mix", "Imb-Mix", {5: "Imb-Mix"}),
    ]
)
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
    """Return an unfitted classifier of pictures.

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
    return make_short(method, shared, threat, smoke)


def make_short(method, shared, threat, smoke):
    """Return an unfitted classifier, of one epoch and one step for a smoke run."""
    attack = threat.training
    if smoke:
        shared, attack = shared | {"max_epochs": 1}, attack | {"attack_steps": 1}
    return method.make(shared, attack)


# --- Tables --------------------------------------------------------------------------

TABLE_METHODS = by_name(
    [
        Method("net", clean(NetClassifier), "net, clean"),
        Method(
            "drcb_ce",
            clean(LDAMClassifier, criterion="cross_entropy", reweight_from=DEFERRED),
            "DRCB-CE, clean",
        ),
        _adversarial("ce", "CE", "cross_entropy", NEVER, None),
        _srat("srat_ce", "SRAT-CE", "cross_entropy", None),
        _srat("srat_ldam", "SRAT-LDAM", "ldam", None),
        _mixed("imb_mix", "Imb-Mix", None),
    ]
)


# --- Weights of a rare class ---------------------------------------------------------

WEIGHTS = (1, 10, 25, 50, 100, 150, 200)
# Which of the methods of the pictures trains so.
TRAININGS = {"natural": "plain", "adversarial": "ce"}


def _weighted(training, weight):
    def make(shared, attack):
        model = METHODS[TRAININGS[training]].make(shared, attack)
        return model.set_params(class_weight={0: 1, 1: weight})

    return Method(f"{training}_{weight}", make, f"{training}, {weight}:1")


WEIGHT_METHODS = by_name(
    _weighted(training, weight) for training in TRAININGS for weight in WEIGHTS
)
