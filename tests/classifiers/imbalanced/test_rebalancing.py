"""Remedies for imbalance in the perceptrons of the blend."""

import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from imbdeep import ImbalancedClassifier
from imbdeep.classifiers import LDAMClassifier, NetEnsembleClassifier, ReMixClassifier
from imbdeep.classifiers._imbalanced.learners import (
    LEARNERS,
    REBALANCED,
    read_learners,
)

OF_REMEDY = {
    "balanced": (NetEnsembleClassifier, {"iterator_train": "balanced"}),
    "under_sampled": (NetEnsembleClassifier, {"member_sampling": "auto"}),
    "remix": (ReMixClassifier, {"mix": "remix"}),
    "ldam": (LDAMClassifier, {}),
    "focal": (NetEnsembleClassifier, {"criterion": "focal"}),
}
SLOW = ["balanced", "remix"]


def table(seed=0):
    return make_classification(
        400,
        5,
        n_informative=4,
        n_redundant=0,
        weights=[0.9],
        class_sep=0.7,
        random_state=seed,
    )


@pytest.mark.parametrize("remedy", sorted(REBALANCED))
def test_the_perceptrons_of_the_blend_train_by_the_remedy(remedy):
    # Their time is over after an epoch.
    model = ImbalancedClassifier(
        ["mlp"], rebalance=remedy, time_budget=1e-6, random_state=0
    )
    net = model.fit(*table()).learners_["mlp"]
    plain = LEARNERS["mlp"]().get_params()
    kind, expected = OF_REMEDY[remedy]
    assert type(net) is kind
    assert net.get_params().items() >= expected.items()
    for same in ("n_members", "module__hidden_sizes", "numeric_encoding", "lr"):
        assert net.get_params()[same] == plain[same]


def test_auto_is_no_remedy():
    for learners in (["mlp"], ["nca"]):
        plain, auto = (read_learners(learners, remedy) for remedy in (None, "auto"))
        assert repr(plain) == repr(auto)
    assert ImbalancedClassifier().rebalance == "auto"


# Corrections of single nets have quick tests of their own.
@pytest.mark.parametrize(
    "remedy",
    ["under_sampled", *(pytest.param(k, marks=pytest.mark.slow) for k in SLOW)],
)
def test_balanced_training_still_gives_the_shares_of_the_data(remedy):
    def mean_of(seed, **params):
        net = REBALANCED[remedy]()
        net.set_params(
            max_epochs=8, n_members=5, module__hidden_sizes=(32,), random_state=seed
        )
        X, y = table(seed)
        oof_proba = net.set_params(**params).fit(X, y).oof_proba_
        return oof_proba[:, 1].mean(), y.mean()

    for seed in range(3):
        mean, share = mean_of(seed)
        assert abs(mean - share) < 0.05
        assert mean_of(seed, prior_correction=False)[0] > share + 0.1


def test_a_remedy_without_perceptrons_is_refused():
    own = [("mlp", LogisticRegression())]
    for learners in (["nca"], own):
        model = ImbalancedClassifier(learners, rebalance="remix")
        with pytest.raises(ValueError, match="rebalance='remix' is for 'mlp'"):
            model.fit(*table())


def test_an_unknown_remedy_is_refused():
    with pytest.raises(ValueError, match=r"'rebalance' parameter.*'smote'"):
        ImbalancedClassifier(rebalance="smote").fit(*table())
