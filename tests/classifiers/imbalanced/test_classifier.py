"""The blend: out of fold, raw tables, budgets, what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from imbdeep.classifiers import ImbalancedClassifier, NetClassifier
from imbdeep.classifiers._imbalanced.folds import rows_for_trees
from imbdeep.classifiers._imbalanced.learners import LEARNERS

NETS = NetClassifier(
    module__hidden_sizes=(8,),
    n_members=2,
    member_holdout="folds",
    max_epochs=3,
    n_bins=4,
)
LINEAR, TREE = ("linear", LogisticRegression()), ("tree", DecisionTreeClassifier())
BOOSTING = "boosting", HistGradientBoostingClassifier(max_iter=40, min_samples_leaf=5)
QUICK = [LINEAR, ("bayes", GaussianNB())]


def blobs(seed=0, n=200, **params):
    params = {"weights": [0.85], "flip_y": 0.05} | params
    return make_classification(n, 6, n_informative=4, random_state=seed, **params)


def fitted(learners=QUICK, X=None, y=None, *, fit_params=None, **params):
    if X is None:
        X, y = blobs()
    model = ImbalancedClassifier(learners, random_state=0, **params)
    return model.fit(X, y, **(fit_params or {}))


# --- The blend -----------------------------------------------------------------------


def test_learners_are_weighed_by_likelihood_and_added_up():
    X, y = blobs()
    model = fitted([LINEAR, TREE], X, y)
    assert sum(model.learner_weights_.values()) == pytest.approx(1)
    # A tree that is sure of each label is wrong about some, and out of fold it shows.
    assert model.learner_weights_["linear"] > 0.6
    parts = [
        model.learner_weights_[name] * one.predict_proba(X)
        for name, one in model.learners_.items()
    ]
    assert_allclose(model.predict_proba(X), sum(parts))
    parts = [
        model.learner_weights_[name] * one.oof_proba_
        for name, one in model.learners_.items()
    ]
    assert_allclose(model.oof_proba_, sum(parts))


def test_out_of_fold_probabilities_are_by_the_models_that_did_not_see_the_row():
    X, y = blobs()
    folds = fitted([LINEAR], X, y).learners_["linear"]
    assert len(folds.models) == 5
    by_model = np.stack([model.predict_proba(X) for model in folds.models])
    # Each row is by one of them, and as many rows by each.
    same = np.isclose(by_model, folds.oof_proba_).all(axis=2)
    assert same.any(axis=0).all()
    model_of = same.argmax(axis=0)
    assert_array_equal(np.bincount(model_of), [40] * 5)
    assert_array_equal(folds.held_out_, same.T)
    some = np.arange(len(y))[::-3]
    blind = folds.predict_held_out(X[some], some)
    assert_allclose(blind, folds.oof_proba_[some])
    for i, model in enumerate(folds.models):
        again = LogisticRegression().fit(X[model_of != i], y[model_of != i])
        assert_allclose(model.model.coef_, again.coef_)


@pytest.mark.parametrize(
    "kind",
    [np.array([7, 3]), np.array(["b", "a"]), np.array(["b", "a"], object)],
    ids=["numbers", "text", "objects"],
)
def test_out_of_fold_labels_are_those_given(kind):
    X, y = blobs()
    given = kind[y]
    model = fitted([LINEAR], X, pd.Series(given))
    assert_array_equal(model.oof_y_, given)
    model = fitted([LINEAR], X, given)
    expected = given.copy()
    given[:] = kind[0]
    assert_array_equal(model.oof_y_, expected)


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_only_memory_could_know_are_at_chance(seed):
    rng = np.random.RandomState(seed)
    X, y = rng.randn(400, 5), rng.permutation([0, 1] * 200)
    model = fitted([TREE, ("nets", NETS)], X, y)
    assert 0.4 < average_precision_score(y, model.oof_proba_[:, 1]) < 0.62
    known = model.learners_["tree"].predict_proba(X)[:, 1]
    assert average_precision_score(y, known) > 0.95


def test_rows_of_a_group_are_held_out_together():
    rng = np.random.RandomState(0)
    X, y = np.repeat(rng.randn(100, 5), 4, axis=0), np.repeat([0, 1] * 50, 4)
    groups = np.repeat(np.arange(100), 4)
    apart = fitted([TREE], X, y)
    together = fitted([TREE], X, y, fit_params={"groups": groups})
    accuracy = [(m.oof_proba_.argmax(1) == y).mean() for m in (apart, together)]
    assert accuracy[0] > 0.95
    assert accuracy[1] < 0.7


@pytest.mark.slow
def test_a_blend_is_better_than_its_parts_on_average():
    gains = []
    for seed in range(5):
        X, y = blobs(seed, 900, n_classes=2, class_sep=0.7)
        model = fitted([LINEAR, BOOSTING], X[:300], y[:300])
        scores = [
            average_precision_score(y[300:], one.predict_proba(X[300:])[:, 1])
            for one in (model, *model.learners_.values())
        ]
        gains.append(scores[0] - np.mean(scores[1:]))
    assert np.mean(gains) > 0.02


def test_weights_of_rows_reach_learners_and_blend():
    X, y = blobs()
    weight = np.where(X[:, 0] > 0, 1.0, 1e-3)
    model = fitted([LINEAR], X, y, fit_params={"sample_weight": weight})
    plain = fitted([LINEAR], X, y)
    assert np.abs(model.oof_proba_ - plain.oof_proba_).max() > 0.05
    ones = fitted([LINEAR], X, y, fit_params={"sample_weight": np.ones(len(y))})
    assert_allclose(ones.oof_proba_, plain.oof_proba_)


def test_seeds_jobs_and_searches():
    X, y = blobs()
    learners = [TREE, ("nets", NETS)]
    proba = fitted(learners, X, y).predict_proba(X)
    assert_array_equal(fitted(learners, X, y, n_jobs=2).predict_proba(X), proba)
    other = ImbalancedClassifier(learners, random_state=1).fit(X, y)
    assert np.abs(other.predict_proba(X) - proba).max() > 1e-3
    # The classifiers of the user's stay as they are.
    assert NETS.random_state is None
    assert not hasattr(NETS, "module_")
    grid = {"learners": [[LINEAR], [LINEAR, TREE]], "threshold": ["f1", 0.2]}
    search = GridSearchCV(ImbalancedClassifier(random_state=0), grid, cv=2)
    assert len(search.fit(X, y).cv_results_["params"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_learners_by_name(n_classes):
    X, y = blobs(0, 600, n_classes=n_classes, weights=None, flip_y=0)
    model = ImbalancedClassifier(random_state=0).fit(X[:300], y[:300])
    assert list(model.learners_) == ["random_forest", "hist_gb", "nca", "mlp"]
    assert set(LEARNERS) == set(model.learners_)
    assert model.score(X[300:], y[300:]) > 0.8


# --- Raw tables ----------------------------------------------------------------------


def raw(n=300, seed=0):
    rng = np.random.RandomState(seed)
    table = pd.DataFrame(
        {
            "age": rng.randint(18, 80, n).astype(float),
            "city": rng.choice(["Ulm", "Bonn", "Kiel"], n),
            "code": pd.Categorical([f"c{i}" for i in rng.randint(0, 400, n)]),
            "member": rng.rand(n) < 0.5,
            "income": np.exp(rng.randn(n) + 9),
        }
    )
    churned = (table.city == "Ulm") & (table.age < 45) & (rng.rand(n) < 0.9)
    table.loc[::7, "income"] = np.nan
    table.loc[::11, "city"] = None
    return table, np.where(churned, "churned", "stayed")


def test_a_raw_frame():
    X, y = raw(600)
    learners = [TREE, BOOSTING, ("nets", NETS)]
    model = fitted(learners, X[:300], y[:300])
    score = average_precision_score(
        y[300:] == "churned", model.predict_proba(X[300:])[:, 0]
    )
    assert score > 3 * np.mean(y == "churned")
    # Unseen levels, another order of them, no level at all.
    new = X[300:310].assign(city="Rome")
    new["code"] = pd.Categorical(["never"] * 10)
    with pytest.warns(UserWarning, match="no level that training had"):
        assert np.isfinite(model.predict_proba(new)).all()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["city", "age", "code", "member", "income"]])


def test_numbers_that_name_levels():
    rng = np.random.RandomState(0)
    X = np.c_[rng.randint(0, 40, 600), rng.randn(600)]
    odd = rng.permutation(40)[:20]
    y = np.isin(X[:, 0], odd).astype(int)
    told = fitted([BOOSTING], X, y, categorical_features=[0])
    assert told.learners_["boosting"].models[0].model.is_categorical_.tolist() == [1, 0]
    assert average_precision_score(y, told.oof_proba_[:, 1]) > 0.95
    with pytest.raises(ValueError, match="categorical_features"):
        fitted([BOOSTING], X, y, categorical_features=[7])


def test_trees_see_huge_numbers_and_rare_levels_clipped():
    X = np.array([[1e300, 3.0], [-np.finfo(float).max, 900.0], [np.nan, np.nan]])
    seen = rows_for_trees(X, [1])
    largest = np.finfo(np.float32).max
    assert_array_equal(seen, [[largest, 3], [-largest, 254], [np.nan, np.nan]])
    assert X[1, 1] == 900


# --- Decisions -----------------------------------------------------------------------


def test_the_threshold_is_of_rows_out_of_fold():
    X, y = blobs(n=1_000)
    model = fitted(X=X[:500], y=y[:500], threshold=("recall", 0.8))
    found = model.oof_proba_[:, 1] >= model.threshold_
    assert 0.8 <= recall_score(y[:500], found) < 0.85
    assert recall_score(y[500:], model.predict(X[500:])) > 0.65
    assert_array_equal(
        model.predict(X), (model.predict_proba(X)[:, 1] >= model.threshold_).astype(int)
    )
    plain = fitted(X=X[:500], y=y[:500])
    assert plain.threshold_ == 0.5
    assert_allclose(plain.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("calibration", ["sigmoid", "beta", "isotonic", "temperature"])
def test_calibration_comes_before_the_threshold(calibration):
    X, y = blobs()
    plain = fitted(X=X, y=y)
    model = fitted(X=X, y=y, calibration=calibration, threshold="f1")
    expected = model.calibrator_.predict_proba(plain.predict_proba(X))
    assert_allclose(model.predict_proba(X), expected)
    assert_allclose(model.oof_proba_, model.calibrator_.predict_proba(plain.oof_proba_))
    assert log_loss(y, model.oof_proba_) < log_loss(y, plain.oof_proba_) + 1e-6
    f1 = f1_score(y, model.oof_proba_[:, 1] >= model.threshold_)
    assert f1 >= f1_score(y, plain.oof_proba_[:, 1] >= 0.5)


def test_calibration_that_cannot_be():
    X, y = blobs()
    for labels, calibration, message in [
        (np.append(y[:-1], 2), "isotonic", "a class of one row"),
        (np.arange(len(y)) % 3, "beta", "two classes"),
        (y, "platt", "calibration"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted([LINEAR], X, labels, calibration=calibration)


def test_costs_of_rows():
    X, y = blobs()
    model = fitted(X=X, y=y)
    amount = np.random.RandomState(0).exponential(50, len(y))
    costs = np.zeros((len(y), 2, 2))
    costs[:, 0, 1], costs[:, 1, 0] = 5, amount + 5.01
    expected = model.predict_proba(X)[:, 1] * (amount + 10.01) > 5
    assert_array_equal(model.predict(X, sample_cost=costs), expected.astype(int))
    with pytest.raises(ValueError, match="sample_cost must have the shape"):
        model.predict(X, sample_cost=costs[:3])


def test_labels_of_any_type_keep_their_order():
    X, y = blobs()
    names = np.array(["rare" if label else "usual" for label in y], dtype=object)
    model = fitted(X=X, y=names, threshold="f1")
    assert model.classes_.tolist() == ["rare", "usual"]
    assert_array_equal(model.class_counts_, [y.sum(), (1 - y).sum()])
    assert set(model.predict(X)) == {"rare", "usual"}


# --- Budgets, few rows, errors -------------------------------------------------------


def test_learners_beyond_the_budget_are_left_out():
    with pytest.warns(UserWarning, match=r"time_budget=1e-06.*\['bayes'\] are left"):
        model = fitted(time_budget=1e-6)
    assert list(model.learner_weights_) == ["linear"]
    assert model.learner_weights_["linear"] == 1


def test_nets_end_with_the_epoch_in_which_the_budget_is_spent():
    X, y = blobs()
    nets = clone(NETS).set_params(max_epochs=100_000, patience=100_000)
    model = fitted([("nets", nets)], X, y, time_budget=1.0)
    assert 1 <= len(model.learners_["nets"].history) < 100_000
    assert np.isfinite(model.oof_proba_).all()


@pytest.mark.parametrize(("n_rows", "expected"), [(1000, (10, 20)), (1001, (5, 10))])
def test_nets_by_name_have_fewer_members_where_there_are_many_rows(n_rows, expected):
    X, y = make_classification(n_rows, n_features=4, weights=[0.9], random_state=0)
    # The nets' time is over after an epoch.
    with pytest.warns(UserWarning, match="are left out"):
        model = fitted(["mlp", LINEAR], X, y, time_budget=1e-6)
    nets = model.learners_["mlp"]
    assert (nets.n_members, nets.patience) == expected


def test_nets_of_ones_own_keep_their_members():
    X, y = make_classification(1001, n_features=4, weights=[0.9], random_state=0)
    own = clone(NETS).set_params(max_epochs=1)
    model = fitted([("own", own)], X, y)
    assert model.learners_["own"].n_members == NETS.n_members


def test_it_says_how_long_learners_took(capsys):
    fitted(verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["linear", "bayes"]


def test_classes_of_one_and_two_rows():
    X, y = blobs()
    y = np.append(y[:-3], [2, 3, 3])
    with pytest.warns(UserWarning, match=r"classes \[2\] there is one row"):
        model = fitted([TREE], X, y)
    assert np.isnan(model.oof_proba_[-3]).all()
    assert np.isfinite(model.oof_proba_[:-3]).all()
    assert model.predict_proba(X).shape == (len(y), 4)
    assert_array_equal(model.predict(X[-3:-2]), [2])


@pytest.mark.parametrize(
    ("learners", "message"),
    [
        ("nca", "must be a list"),
        ([], "empty"),
        (["boosting"], "'hist_gb'.*got 'boosting'"),
        (["nca", "nca"], "'nca' twice"),
        ([("nca", "nca")], "must be a classifier"),
        ([("tree", DecisionTreeClassifier)], "must be a classifier"),
        ([("a", LogisticRegression()), ("a", GaussianNB())], "'a' twice"),
        ([LogisticRegression()], "pairs of a name"),
        ([("margin", Perceptron())], "predict_proba"),
        ([(3, LogisticRegression())], "pairs of a name"),
        (7, "must be a list"),
    ],
)
def test_learners_that_make_no_sense(learners, message):
    with pytest.raises(ValueError, match=message):
        fitted(learners)


def test_what_is_wrong_is_said_before_training():
    X, y = blobs()
    never = [("never", HistGradientBoostingClassifier(max_iter=10**6))]
    for params, message in [
        ({"threshold": "recall"}, "every row is called positive"),
        ({"fit_params": {"sample_weight": -np.ones(len(y))}}, "negative|Negative"),
        ({"fit_params": {"groups": np.zeros(3)}}, "inconsistent"),
        ({"time_budget": 0}, "time_budget"),
        ({"device": "gpu"}, "gpu"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted(never, X, y, **params)
    with pytest.raises(ValueError, match="one class"):
        fitted(never, X, np.zeros(len(y)))


class Fails(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("boom")


def test_a_failed_fit_leaves_the_last_one_and_names_the_learner():
    X, y = blobs()
    model = fitted([LINEAR], X, y)
    before = model.predict_proba(X)
    model.set_params(learners=[LINEAR, ("second", Fails())])
    with pytest.raises(RuntimeError, match="boom") as caught:
        model.fit(X + 1, y)
    assert caught.value.__notes__ == ["In the learner 'second'."]
    assert_array_equal(model.predict_proba(X), before)


class Says(LogisticRegression):
    """Says something of its own in place of probabilities."""

    def __init__(self, what="NaN", late=False):
        super().__init__()
        self.what = what
        self.late = late

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        if self.late and len(X) < 100:
            return proba
        return {
            "NaN": np.where(X[:, :1] > 0, np.nan, proba),
            "beyond": 3 * proba - 1,
            "one column": proba[:, :1],
            "sums": proba / 2,
        }[self.what]


@pytest.mark.parametrize("what", ["NaN", "beyond", "one column", "sums"])
def test_what_is_no_probability_is_refused_in_training_and_later(what):
    X, y = blobs()
    with pytest.raises(ValueError, match="Says gave"):
        fitted([LINEAR, ("odd", Says(what))], X, y)
    # A fold has fewer rows than the table.
    model = fitted([LINEAR, ("odd", Says(what, late=True))], X, y)
    with pytest.raises(ValueError, match="Says gave"):
        model.predict(X)


class Reversed(LogisticRegression):
    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = self.classes_[::-1]
        return self

    def predict_proba(self, X):
        return LogisticRegression.predict_proba(self, X)[:, ::-1]


def test_columns_of_probabilities_go_by_the_learners_own_order():
    X, y = blobs()
    expected = fitted([LINEAR], X, y).predict_proba(X)
    assert_allclose(fitted([("reversed", Reversed())], X, y).predict_proba(X), expected)


# --- What users trip over ------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_names_tell_nothing_by_the_order_of_rows(seed):
    """A table sorted by label, with a name for each row."""
    rng = np.random.RandomState(seed)
    y = np.repeat([1, 0], [60, 240])
    names = [f"id{rng.randint(10**9)}" for _ in y]
    X = pd.DataFrame({"noise": rng.randn(len(y)), "name": names})
    model = fitted([TREE], X, y)
    assert 0.35 < roc_auc_score(y, model.oof_proba_[:, 1]) < 0.65


def test_learners_see_the_labels_of_the_table():
    X, y = blobs()
    labels = np.where(y == 1, "rare", "usual")
    weighted = LogisticRegression(class_weight={"rare": 20, "usual": 1})
    plain = fitted([LINEAR], X, labels).predict_proba(X)[:, 0].mean()
    model = fitted([("linear", weighted)], X, labels)
    assert model.predict_proba(X)[:, 0].mean() > 1.5 * plain


def test_only_ratios_of_weights_matter():
    X, y = blobs()
    weight = np.random.RandomState(0).uniform(1, 2, len(y))
    learners = [BOOSTING, LINEAR]
    one, other = (
        fitted(learners, X, y, fit_params={"sample_weight": scale * weight})
        for scale in (1.0, 1e-4)
    )
    assert_allclose(one.oof_proba_, other.oof_proba_, rtol=1e-4)
    with pytest.raises(ValueError, match="at least one non-zero"):
        fitted(X=X, y=y, fit_params={"sample_weight": np.zeros(len(y))})


def test_learners_that_take_no_weights_are_named_before_training():
    X, y = blobs()
    learners = [("never", Fails()), ("near", KNeighborsClassifier())]
    with pytest.raises(ValueError, match="'near', KNeighborsClassifier, takes no"):
        fitted(learners, X, y, fit_params={"sample_weight": np.ones(len(y))})
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    weight = np.where(X[:, 0] > 0, 1.0, 1e-3)
    model = fitted([("scaled", scaled)], X, y, fit_params={"sample_weight": weight})
    plain = fitted([("scaled", scaled)], X, y)
    assert np.abs(model.oof_proba_ - plain.oof_proba_).max() > 0.05


@pytest.mark.parametrize("n_values", [0, 1, 3])
def test_columns_with_hardly_a_value(n_values):
    X, y = blobs()
    X = pd.DataFrame(X).add_prefix("c").assign(gaps=np.nan)
    X.loc[: n_values - 1, "gaps"] = np.arange(float(n_values))
    model = fitted([BOOSTING, TREE], X, y)
    assert np.isfinite(model.predict_proba(X.assign(gaps=1.0))).all()


def test_folds_repeat_no_row():
    seen = []

    class Sees(LogisticRegression):
        def fit(self, X, y):
            seen.append(len(np.unique(X, axis=0)) - len(X))
            return super().fit(X, y)

    X, y = blobs(n=163)
    groups = np.r_[np.zeros(80, int), np.arange(83)]
    fitted([("sees", Sees())], X, y, fit_params={"groups": groups})
    assert seen == [0] * 5


def test_groups_that_leave_nothing_to_hold_out_are_mentioned():
    X, y = blobs()
    with pytest.warns(UserWarning, match="No row was held out"):
        model = fitted(X=X, y=y, fit_params={"groups": np.zeros(len(y))})
    assert set(model.learner_weights_.values()) == {0.5}


def test_settings_of_own_learners_stay():
    X, y = blobs()
    nets = clone(NETS).set_params(random_state=7, device="cpu")
    model = fitted([("nets", nets), ("tree", DecisionTreeClassifier(random_state=3))])
    assert model.learners_["nets"].random_state == 7
    assert model.learners_["tree"].models[0].model.random_state == 3
    assert (
        fitted([("nets", NETS)], device="cpu").learners_["nets"].get_params()["device"]
        == "cpu"
    )
    quiet = clone(NETS).set_params(callbacks="disable")
    assert fitted([("nets", quiet)], X, y, time_budget=60.0).learners_


def test_log_probabilities():
    X, y = blobs()
    model = fitted(X=X, y=y)
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


def test_unseen_levels_are_mentioned_once():
    X, y = raw(60)
    model = fitted([("nets", NETS)], X, y)
    with pytest.warns(UserWarning) as caught:
        model.predict_proba(X.assign(city="Rome"))
    assert [str(w.message)[:16] for w in caught] == ["Columns ['city']"]
