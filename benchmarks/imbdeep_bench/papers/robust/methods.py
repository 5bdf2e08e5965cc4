"""The ways to train that are compared.

Each is made by ``make(shared, attack)``: parameters that all methods have, and those of
the attack in training. ``published`` are the names that chapters of the dissertation
give it; None where it stands beside a chapter's methods and has no figures there.
"""

from functools import partial

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
    return lambda shared, attack: classifier(**own, **shared)


def attacked(classifier, **own):
    """Return a factory of a classifier that trains on attacked rows."""
    return lambda shared, attack: classifier(**own, **shared, **attack)


def _weighing(classifier, criterion, reweight_from, make=attacked, **own):
    return make(classifier, criterion=criterion, reweight_from=reweight_from, **own)


_adv, _srat = (partial(_weighing, c) for c in (AdversarialClassifier, SRATClassifier))
_clean_ldam = partial(_weighing, LDAMClassifier, make=clean)
_mix = partial(attacked, ImbMixClassifier, weight_averaging=None)
CE, FOCAL, LDAM = "cross_entropy", "focal", "ldam"

# Name, title (also chapter 4's name), chapter 5's name, and what makes it.
_CHAPTER_4 = (
    ("ce", "CE", "vanilla adv.", _adv(CE, NEVER)),
    ("focal", "Focal", None, _adv(FOCAL, NEVER)),
    ("ldam", "LDAM", None, _adv(LDAM, NEVER)),
    ("cb_reweight", "CB-Reweight", "adv. + reweight", _adv(CE, ALWAYS)),
    ("cb_focal", "CB-Focal", None, _adv(FOCAL, ALWAYS)),
    ("drcb_ce", "DRCB-CE", None, _adv(CE, DEFERRED)),
    ("drcb_focal", "DRCB-Focal", None, _adv(FOCAL, DEFERRED)),
    ("drcb_ldam", "DRCB-LDAM", None, _adv(LDAM, DEFERRED)),
    ("srat_ce", "SRAT-CE", None, _srat(CE, DEFERRED)),
    ("srat_focal", "SRAT-Focal", None, _srat(FOCAL, DEFERRED)),
    ("srat_ldam", "SRAT-LDAM", None, _srat(LDAM, DEFERRED)),
)
# Algorithm 4.1 makes the drop of the learning rate optional.
_KEEP = {"lr_schedule": None}
_KEPT = (
    ("ce", "CE", _adv(CE, NEVER, **_KEEP)),
    ("cb_reweight", "CB-Reweight", _adv(CE, ALWAYS, **_KEEP)),
    ("drcb_ce", "DRCB-CE", _adv(CE, DEFERRED, **_KEEP)),
    ("drcb_focal", "DRCB-Focal", _adv(FOCAL, DEFERRED, **_KEEP)),
    ("drcb_ldam", "DRCB-LDAM", _adv(LDAM, DEFERRED, **_KEEP)),
    ("srat_ce", "SRAT-CE", _srat(CE, DEFERRED, **_KEEP)),
    ("srat_focal", "SRAT-Focal", _srat(FOCAL, DEFERRED, **_KEEP)),
    ("srat_ldam", "SRAT-LDAM", _srat(LDAM, DEFERRED, **_KEEP)),
)
# Row by row, by the inverse of the effective number: section 5.5.1.
_RESAMPLED = {
    "iterator_train": "balanced",
    "iterator_train__balance": "expected",
    "iterator_train__beta": 0.9999,
}
_REBALANCED = {"n_copies": 0, "mix": "rebalanced"}
_CHAPTER_5 = (
    ("resample", "resample", "adv. + resample", _adv(CE, NEVER, **_RESAMPLED)),
    ("mixup", "MixUp", "mixup + adv.", _mix(n_copies=0, mix="mixup")),
    ("rebalanced_mixup", "rebalanced mixup", "remix + adv.", _mix(**_REBALANCED)),
    ("imb_mix_plain", "Imb-Mix, not averaged", "adv. + data_aug", _mix()),
    ("imb_mix", "Imb-Mix", "Imb-Mix", attacked(ImbMixClassifier)),
)
METHODS = by_name(
    [
        Method("plain", _clean_ldam(CE, NEVER), "clean training", published={}),
        *(
            Method(name, make, title, "", {4: title} | ({5: five} if five else {}))
            for name, title, five, make in _CHAPTER_4
        ),
        *(
            Method(f"{name}_kept", make, f"{title}, rate kept", "", {4: None})
            for name, title, make in _KEPT
        ),
        *(Method(name, make, title, "", {5: n}) for name, title, n, make in _CHAPTER_5),
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

TABLE_METHODS = by_name(
    Method(name, make, title)
    for name, title, make in (
        ("net", "net, clean", clean(NetClassifier)),
        ("drcb_ce", "DRCB-CE, clean", _clean_ldam(CE, DEFERRED)),
        ("ce", "CE", _adv(CE, NEVER)),
        ("srat_ce", "SRAT-CE", _srat(CE, DEFERRED)),
        ("srat_ldam", "SRAT-LDAM", _srat(LDAM, DEFERRED)),
        ("imb_mix", "Imb-Mix", attacked(ImbMixClassifier)),
    )
)

# Weights of a rare class, and which of the methods of the pictures trains so.
WEIGHTS = (1, 10, 25, 50, 100, 150, 200)
TRAININGS = {"natural": "plain", "adversarial": "ce"}


def _weighted(make, weight):
    return lambda *parts: make(*parts).set_params(class_weight={0: 1, 1: weight})


WEIGHT_METHODS = by_name(
    Method(f"{told}_{w}", _weighted(METHODS[name].make, w), f"{told}, {w}:1")
    for told, name in TRAININGS.items()
    for w in WEIGHTS
)


# --- Models --------------------------------------------------------------------------


def has_schedules(data):
    """Tell whether the chapters train a data set for different numbers of epochs."""
    return TRAINING[data] is CIFAR


def make_model(
    method, data, threat, *, seed, device, chapter=None, smoke=False, **more
):
    """Return an unfitted classifier of pictures.

    ``chapter`` says whose schedule it has, where :func:`has_schedules`; ``more`` are
    parameters that differ from those of the data set.
    """
    shared = TRAINING[data] | {"random_state": seed, "device": device} | more
    if has_schedules(data):
        shared |= SCHEDULES[chapter]
    return make_short(method, shared, threat, smoke)


def make_short(method, shared, threat, smoke):
    """Return an unfitted classifier, of one epoch and one step for a smoke run."""
    attack = threat.training
    if smoke:
        shared, attack = shared | {"max_epochs": 1}, attack | {"attack_steps": 1}
    return method.make(shared, attack)
