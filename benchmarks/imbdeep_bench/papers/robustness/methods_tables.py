"""The ways to train on tables that are compared.

Each is made by ``make(shared, attack)``: parameters that all nets have, and those of
the attack in training.
"""

from sklearn.ensemble import HistGradientBoostingClassifier

from imbdeep.classifiers import (
    AdversarialClassifier,
    AdversarialNoiseClassifier,
    LDAMClassifier,
    SharedAdversarialClassifier,
    UniversalAdversarialClassifier,
)
from imbdeep_bench.engine.experiment import Method, by_name
from imbdeep_bench.papers.robust.methods import ALWAYS, CE, NEVER, attacked, clean
from imbdeep_bench.peers import PEERS

# Root mean square of the noise in training, in standard deviations: the guide's.
NOISE = 0.5
# Steps of each fresh generator: at the library's hundred, noise costs as much as all
# other methods together.
FRESH_STEPS = 10
EQUAL = {"criterion": CE, "reweight_from": NEVER}
WEIGHTED = {"criterion": CE, "reweight_from": ALWAYS}


def _noise(shared, attack):
    moved = {name: attack[name] for name in ("eps_unit", "perturb")}
    own = {"eps": NOISE, "fresh_steps": FRESH_STEPS, **EQUAL}
    return AdversarialNoiseClassifier(**own, **moved, **shared)


def _universal(shared, attack):
    ball = {name: attack[name] for name in ("eps", "eps_unit", "perturb")}
    return UniversalAdversarialClassifier(**EQUAL, **ball, **shared)


def _hist_gb(shared, attack):
    return HistGradientBoostingClassifier(random_state=shared["random_state"])


def _peer(name):
    return lambda shared, attack: PEERS[name].make(shared["random_state"])


# Name, title, colour and marker, and what makes it.
_NETS = (
    ("plain", "plain", ("#000000", "s"), clean(LDAMClassifier, **EQUAL)),
    ("weighted", "weighted", ("#7F7F7F", "X"), clean(LDAMClassifier, **WEIGHTED)),
    ("noise", "adversarial noise", ("#009E73", "o"), _noise),
    ("universal", "universal adversarial", ("#D55E00", "D"), _universal),
    (
        *("shared", "shared adversarial", ("#CC79A7", "h")),
        attacked(SharedAdversarialClassifier, **EQUAL),
    ),
    ("pgd", "adversarial", ("#E69F00", "P"), attacked(AdversarialClassifier, **EQUAL)),
    (
        *("pgd_weighted", "adversarial, weighted", ("#56B4E9", "p")),
        attacked(AdversarialClassifier, **WEIGHTED),
    ),
)
_TREES = (
    ("hist_gb", "HistGradientBoosting", ("#7F3B08", "^"), _hist_gb, ""),
    ("lightgbm", "LightGBM", ("#999933", "v"), _peer("lightgbm"), "lightgbm"),
    ("catboost", "CatBoost", ("#44AA99", "<"), _peer("catboost"), "catboost"),
)
METHODS = by_name(
    [
        *(Method(n, make, title, "net", look=look) for n, title, look, make in _NETS),
        *(
            Method(name, make, title, look=look, needs=needs)
            for name, title, look, make, needs in _TREES
        ),
    ]
)
