"""Many rows: fewer members, and learners that take rows of frequent classes in part."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from imbdeep import ImbalancedClassifier
from imbdeep.classifiers import NetEnsembleClassifier
from imbdeep.classifiers._imbalanced import learners
from imbdeep.classifiers._imbalanced.learners import (
    LEARNERS,
    REBALANCED,
    read_learners,
    suit_to_size,
)
from imbdeep.classifiers._imbalanced.row_limit import RowLimit, largest_size

LINEAR = ("linear", LogisticRegression())


def suited(names, n_rows, rebalance=None):
    found = read_learners(names, rebalance)
    suit_to_size(found, names, n_rows)
    return found


def left(counts, size):
    return sum(min(count, size) for count in counts)


# --- How many rows of each class -----------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_classes_are_cut_as_little_as_possible(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 200, rng.integers(1, 8))
    for n_rows in (1, 10, 100, 300, 2000):
        size = largest_size(counts, n_rows)
        fit = [s for s in range(1, counts.max() + 1) if left(counts, s) <= n_rows]
        assert size == (max(fit) if fit else 1)


def test_rare_classes_stay_whole():
    y = np.array(["rare"] * 30 + ["common"] * 900 + ["medium"] * 200)
    assert RowLimit(500)(y) == {"common": 270}
    assert RowLimit(400)(y) == {"common": 185, "medium": 185}
    assert RowLimit(1130)(y) == {}


def test_a_strategy_is_a_parameter_like_others():
    nets = NetEnsembleClassifier(member_sampling=RowLimit(50))
    assert clone(nets).member_sampling == RowLimit(50)
    assert pickle.loads(pickle.dumps(nets)).member_sampling == RowLimit(50)


# --- Which learners ------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1_000, 1_001, 12_500, 12_502, 100_000])
def test_learners_by_name_are_suited_to_the_number_of_rows(n_rows):
    nca, mlp, forest, boosting = suited(list(LEARNERS), n_rows).values()
    few, most = n_rows <= 1_000, n_rows > 12_500
    for net in (nca, mlp):
        assert (net.n_members, net.patience) == ((10, 20) if few else (5, 10))
        assert net.member_sampling == (RowLimit(10_000) if most else None)
        assert net.prior_correction == most
    plain = LEARNERS["hist_gb"]().get_params()
    assert boosting.get_params() == plain
    # Four fifths are there to train on.
    in_training = n_rows - n_rows // 5
    drawn = in_training * (forest.max_samples or 1)
    assert round(drawn) == min(10_000, in_training)
    assert forest.n_estimators == (100 if most else 200)


@pytest.mark.parametrize("remedy", REBALANCED)
def test_a_remedy_keeps_its_own_sample(remedy):
    (net,) = suited(["mlp"], 50_000, remedy).values()
    own = "auto" if remedy == "under_sampled" else RowLimit(10_000)
    assert net.member_sampling == own
    assert net.prior_correction


def test_learners_of_ones_own_stay_as_they_are():
    own, forest = NetEnsembleClassifier(n_members=3), LEARNERS["random_forest"]()
    found = suited([("nca", own), ("random_forest", forest)], 10**6)
    assert (found["nca"].n_members, found["nca"].member_sampling) == (3, None)
    assert found["random_forest"].max_samples is None


# --- What comes of it ----------------------------------------------------------------


def test_neighbours_are_rows_that_members_train_on():
    rng = np.random.default_rng(0)
    y = (np.arange(20_000) < 400).astype(int)
    X = rng.standard_normal((len(y), 2)) + 1.5 * y[:, None]
    nets = NetEnsembleClassifier(
        n_members=5, max_epochs=2, member_sampling=RowLimit(600), random_state=0
    )
    nets.set_params(prior_correction=True, patience=1).fit(X, y)
    assert np.isfinite(nets.oof_proba_).all()
    for nca in nets.members_:
        # Of 1,400 frequent rows that some member has, a fifth.
        frequent = nca.weight[nca.classes == 0] > 0
        assert 0.15 < frequent.float().mean() < 0.3
    assert roc_auc_score(y, nets.oof_proba_[:, 1]) > 0.88


def table(seed):
    return make_classification(
        2000,
        6,
        n_informative=5,
        n_redundant=0,
        weights=[0.95],
        flip_y=0,
        random_state=seed,
    )


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_refer_to_the_classes_of_the_data(seed, monkeypatch):
    X, y = table(seed)
    params = {"max_epochs": 12, "module__hidden_sizes": (32,)}
    small = LEARNERS["mlp"]().set_params(**params)
    monkeypatch.setitem(LEARNERS, "mlp", lambda: clone(small))
    monkeypatch.setattr(learners, "MOST_ROWS", 300)
    model = ImbalancedClassifier(["mlp", LINEAR], random_state=seed).fit(X, y)
    nets = model.learners_["mlp"]
    assert nets.member_sampling == RowLimit(300)
    # Trained on a quarter of rare rows, and corrected.
    assert abs(nets.oof_proba_[:, 1].mean() - y.mean()) < 0.02
    assert nets.trained_prior_[1] > 4 * y.mean()
    ranked = average_precision_score(y, nets.oof_proba_[:, 1])
    assert ranked > average_precision_score(y, model.oof_proba_[:, 1]) - 0.1
    assert ranked > 4 * y.mean()


def test_a_blend_of_trees_that_see_a_part_of_the_rows(monkeypatch):
    X, y = table(0)
    small = LEARNERS["random_forest"]().set_params(n_estimators=3)
    monkeypatch.setitem(LEARNERS, "random_forest", lambda: clone(small))
    monkeypatch.setattr(learners, "MOST_ROWS", 400)
    model = ImbalancedClassifier(["random_forest"], random_state=0).fit(X, y)
    for one in model.learners_["random_forest"].models:
        assert one.model.max_samples == 0.25
        root = one.model.estimators_[0].tree_.weighted_n_node_samples[0]
        assert root == 400
