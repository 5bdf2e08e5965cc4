"""The ways to learn from annotations that are compared.

Each is made by ``make(random_state)``; the kind ``'truth'`` learns from the truth
instead: the ceiling.
"""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.classifiers import (
    CrowdLayerClassifier,
    ICEDClassifier,
    InferThenFit,
    NetClassifier,
)
from imbdeep.crowds import DawidSkene, MajorityVote
from imbdeep_bench.engine.experiment import Method, by_name

OURS = "iced"
# Epochs of a net on inferred labels and of Crowd-Layer, chosen on draws that are not
# those of the reports: the best of 5, 10 and 20 on digits, of 10 and 25 on tables.
PAIR_EPOCHS, TABLE_EPOCHS = 10, 25
# Parameters that --smoke makes small, at whatever depth.
EPOCHS = ("max_epochs", "warmup_epochs", "decoder_epochs")


def _seeded(classifier, **params):
    return lambda seed: classifier(**params, random_state=seed)


def _inferred(aggregator, make):
    return lambda seed: InferThenFit(aggregator, make(seed))


def _logistic(seed):
    return make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed)
    )


def make_methods(n_epochs):
    """Return the methods by name, nets other than ICED's with this many epochs."""
    settings = {"max_epochs": n_epochs, "train_split": None, "early_stopping": False}
    net, early = _seeded(NetClassifier, **settings), _seeded(NetClassifier)
    vote, soft, hard = MajorityVote(), DawidSkene(), DawidSkene(assignment="hard")
    crowd_layer = _seeded(CrowdLayerClassifier, **settings)
    iced = _seeded(ICEDClassifier)
    iced_soft = _seeded(ICEDClassifier, dawid_skene=soft)
    rows = [
        ("mv_lr", "MV + LR", "MV+LR", _inferred(vote, _logistic)),
        ("mv_net", "MV + net", "MV+DNN", _inferred(vote, net)),
        ("ds_lr", "D&S + LR", "D&S+LR", _inferred(soft, _logistic)),
        ("ds_net", "D&S + net", "D&S+DNN", _inferred(soft, net)),
        ("crowd_layer", "Crowd-Layer", "Crowd-Layer", crowd_layer),
        ("iced", "ICED", "ICED", iced),
        ("ds_hard_net", "D&S hard + net", None, _inferred(hard, net)),
        ("iced_soft", "ICED, soft D&S", None, iced_soft),
        ("mv_net_early", "MV + net, early stopping", None, _inferred(vote, early)),
    ]
    return by_name(
        [Method(name, make, title, "", theirs) for name, title, theirs, make in rows]
        + [Method("truth_net", net, "truth + net", "truth")]
    )


METHODS = make_methods(PAIR_EPOCHS)
TABLE_METHODS = make_methods(TABLE_EPOCHS)

# Table 3.3: the warm-up alone, for two epochs a group as on the paper's USPS, and for
# as many as are the default.
WARMUP_NAMES = {"groups": "ICED-w", "certain": "Trad-II", "all": "Trad-I"}
PUBLISHED_WARMUP_EPOCHS = 2
WARMUPS = by_name(
    Method(
        f"{strategy}_{n}",
        _seeded(ICEDClassifier, max_epochs=0, warmup=strategy, warmup_epochs=n),
        f"{title}, {n} x 3 epochs",
        published=title if n == PUBLISHED_WARMUP_EPOCHS else None,
    )
    for n in (PUBLISHED_WARMUP_EPOCHS, 5)
    for strategy, title in WARMUP_NAMES.items()
)


def make_model(method, seed, *, smoke=False):
    """Return an unfitted classifier, of one epoch each stage for a smoke run."""
    model = method.make(seed)
    few = {
        name: min(1, value)
        for name, value in model.get_params().items()
        if smoke and name.rpartition("__")[2] in EPOCHS
    }
    return model.set_params(**few)
