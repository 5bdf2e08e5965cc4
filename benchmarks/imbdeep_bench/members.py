"""Nets of members, the same on all tables."""

from imbdeep_bench.engine.experiment import Method

SETTINGS = {
    "n_members": 10,
    "member_holdout": "folds",
    "module__hidden_sizes": (256, 256),
    "lr": 2e-3,
}


def members(class_name="NetClassifier", **params):
    """Return a factory of ten nets that hold out folds; parameters change them."""

    def make(random_state, device="cpu"):
        # Imported here so that `--help` and a run of baselines do not wait for torch.
        from imbdeep import classifiers

        told = {**SETTINGS, **params, "random_state": random_state, "device": device}
        return getattr(classifiers, class_name)(**told)

    return make


UNDER_SAMPLED = {"member_sampling": "auto", "iterator_train": "balanced"}


def _rebalanced(name, title, make):
    return Method(f"{name}_members", make, title, group="rebalancing")


PLAIN = Method("members", members(), "members: ten nets that hold out folds")
TABM = Method("tabm_members", members(module="tabm"), "members, each a TabM")
REBALANCED = [
    _rebalanced("remix", "members with ReMix", members("ReMixClassifier")),
    _rebalanced("ldam", "members with LDAM-DRW", members("LDAMClassifier")),
    _rebalanced("focal", "members with focal loss", members(criterion="focal")),
    _rebalanced(
        "balanced",
        "members on class-balanced batches",
        members(iterator_train="balanced"),
    ),
    _rebalanced(
        "under_sampled",
        "members, each on its under-sample in balanced batches",
        members(**UNDER_SAMPLED),
    ),
]
