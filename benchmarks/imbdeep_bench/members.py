"""Nets of members, the same on all tables."""

from imbdeep_bench.engine.experiment import Method

# Of perceptrons; the ensemble is at its defaults.
WIDE = {"module__hidden_sizes": (256, 256), "lr": 2e-3}
# Those of ImbalancedClassifier on more than 1,000 rows.
SETTINGS = {
    "n_members": 5,
    "patience": 10,
    "member_holdout": "folds",
    "numeric_encoding": "robust",
    **WIDE,
}


def members(class_name="NetEnsembleClassifier", **params):
    """Return a factory of ten nets that hold out folds; parameters change them."""

    def make(random_state, device="cpu"):
        # Imported here so that `--help` and a run of baselines do not wait for torch.
        from imbdeep import classifiers

        told = {**params, "random_state": random_state, "device": device}
        return getattr(classifiers, class_name)(**told)

    return make


def perceptrons(class_name="NetClassifier", **params):
    """Return a factory of five wide perceptrons that hold out folds."""
    return members(class_name, **SETTINGS | params)


UNDER_SAMPLED = {"member_sampling": "auto", "iterator_train": "balanced"}


def _rebalanced(name, title, make):
    return Method(f"{name}_members", make, title, group="rebalancing")


BLEND = Method("imbalanced", members("ImbalancedClassifier"), "nets and trees, blended")
PLAIN = Method("members", members(), "members: ten nets that hold out folds")
MLP = Method("mlp_members", perceptrons(), "members, each a perceptron")
TABM = Method("tabm_members", perceptrons(module="tabm"), "members, each a TabM")
REBALANCED = [
    _rebalanced("remix", "perceptrons with ReMix", perceptrons("ReMixClassifier")),
    _rebalanced("ldam", "perceptrons with LDAM-DRW", perceptrons("LDAMClassifier")),
    _rebalanced("focal", "perceptrons with focal loss", perceptrons(criterion="focal")),
    _rebalanced(
        "balanced",
        "perceptrons on class-balanced batches",
        perceptrons(iterator_train="balanced"),
    ),
    _rebalanced(
        "under_sampled",
        "perceptrons, each on its under-sample in balanced batches",
        perceptrons(**UNDER_SAMPLED),
    ),
]
