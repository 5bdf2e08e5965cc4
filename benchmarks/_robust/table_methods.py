"""The nets that the command tables compares on tables."""

from dataclasses import dataclass

from _robust.methods import DEFERRED, NEVER, Method, attacked, clean
from _robust.threats import TRAIN_STEPS
from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    NetClassifier,
    SRATClassifier,
)


@dataclass(frozen=True)
class TableThreat:
    """A ball whose radius is measured in standard deviations of each column.

    Attributes
    ----------
    eps : float
    perturb : ndarray of shape (n_features,), bool
        The columns that the attacker may change.
    """

    eps: float
    perturb: object

    @property
    def training(self):
        """Parameters of a classifier that trains under attack."""
        return {
            "eps": self.eps,
            "eps_unit": "std",
            "perturb": self.perturb,
            "attack_steps": TRAIN_STEPS,
        }


METHODS = {
    "net": Method("net, clean", clean(NetClassifier)),
    "drcb_ce": Method(
        "DRCB-CE, clean",
        clean(LDAMClassifier, criterion="cross_entropy", reweight_from=DEFERRED),
    ),
    "ce": Method(
        "CE",
        attacked(AdversarialClassifier, criterion="cross_entropy", reweight_from=NEVER),
    ),
    "srat_ce": Method(
        "SRAT-CE",
        attacked(SRATClassifier, criterion="cross_entropy", reweight_from=DEFERRED),
    ),
    "srat_ldam": Method(
        "SRAT-LDAM",
        attacked(SRATClassifier, criterion="ldam", reweight_from=DEFERRED),
    ),
    "imb_mix": Method("Imb-Mix", attacked(ImbMixClassifier)),
}


def make_model(method, threat, *, seed, device, smoke=False):
    """Return an unfitted classifier, of one epoch and one step for a smoke run."""
    shared = {"random_state": seed, "device": device}
    attack = threat.training
    if smoke:
        shared |= {"max_epochs": 1}
        attack |= {"attack_steps": 1}
    return method.make(shared, attack)
