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


def _logistic(seed):
    return make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed)
    )


def make_methods(n_epochs):
    """Return the methods by name, nets other than ICED's with this many epochs."""
    settings = {"max_epochs": n_epochs, "train_split": None, "early_stopping": False}

    def net(seed):
        return NetClassifier(random_state=seed, **settings)

    return by_name(
        [
            Method(
                "mv_lr",
                lambda seed: InferThenFit(MajorityVote(), _logistic(seed)),
                "MV + LR",
                published="MV+LR",
            ),
            Method(
                "mv_net",
                lambda seed: InferThenFit(MajorityVote(), net(seed)),
                "MV + net",
                published="MV+DNN",
            ),
            Method(
                "ds_lr",
                lambda seed: InferThenFit(DawidSkene(), _logistic(seed)),
                "D&S + LR",
                published="D&S+LR",
            ),
            Method(
                "ds_net",
                lambda seed: InferThenFit(DawidSkene(), net(seed)),
                "D&S + net",
                published="D&S+DNN",
            ),
            Method(
                "crowd_layer",
                lambda seed: CrowdLayerClassifier(random_state=seed, **settings),
                "Crowd-Layer",
                published="Crowd-Layer",
            ),
            Method(
                "iced",
                lambda seed: ICEDClassifier(random_state=seed),
                "ICED",
                published="ICED",
            ),
            Method(
                "ds_hard_net",
                lambda seed: InferThenFit(DawidSkene(assignment="hard"), net(seed)),
                "D&S hard + net",
            ),
            Method(
                "iced_soft",
                lambda seed: ICEDClassifier(
                    dawid_skene=DawidSkene(), random_state=seed
                ),
                "ICED, soft D&S",
            ),
            Method(
                "mv_net_early",
                lambda seed: InferThenFit(
                    MajorityVote(), NetClassifier(random_state=seed)
                ),
                "MV + net, early stopping",
            ),
            Method("truth_net", net, "truth + net", kind="truth"),
        ]
    )


METHODS = make_methods(PAIR_EPOCHS)
TABLE_METHODS = make_methods(TABLE_EPOCHS)

# Table 3.3: the warm-up alone, for two epochs a group as on the paper's USPS, and for
# as many as are the default.
WARMUP_NAMES = {"groups": "ICED-w", "certain": "Trad-II", "all": "Trad-I"}
PUBLISHED_WARMUP_EPOCHS = 2


def _warmup(strategy, n_epochs):
    published = WARMUP_NAMES[strategy] if n_epochs == PUBLISHED_WARMUP_EPOCHS else None
    return Method(
        f"{strategy}_{n_epochs}",
        lambda seed: ICEDClassifier(
            max_epochs=0, warmup=strategy, warmup_epochs=n_epochs, random_state=seed
        ),
        f"{WARMUP_NAMES[strategy]}, {n_epochs} x 3 epochs",
        published=published,
    )


WARMUPS = by_name(
    _warmup(strategy, n_epochs)
    for n_epochs in (PUBLISHED_WARMUP_EPOCHS, 5)
    for strategy in WARMUP_NAMES
)


def make_model(method, seed, *, smoke=False):
    """Return an unfitted classifier, of one epoch each stage for a smoke run."""
    model = method.make(seed)
    if not smoke:
        return model
    few = {
        name: min(1, value)
        for name, value in model.get_params().items()
        if name.rpartition("__")[2] in EPOCHS
    }
    return model.set_params(**few)
