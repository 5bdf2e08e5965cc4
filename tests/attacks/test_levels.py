"""Attacks that change levels: the worst there is, or part of the way, in its dtype."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from imbdeep.attacks import (
    Ball,
    LevelChoices,
    adversarial_rows,
    make_robust_scorer,
    margin,
    robust_accuracy,
    square,
)
from imbdeep.classifiers import NetClassifier
from tests.common.slow import slow_if

LEVELS = {
    "job": ["cook", "smith", "judge"],
    "town": list("abcde"),
    "owner": [True, False],
}
NAMES = list(LEVELS)
ALL = dict.fromkeys(NAMES)
# Levels alone.
SEARCH = {"eps": 0, "attack": "square", "random_state": 0}


def mixed(n=240, seed=0):
    """Three columns of levels that decide the class together, and a number."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: rng.choice(own, n) for name, own in LEVELS.items()})
    X["job"] = X["job"].astype("category")
    X["town"] = X["town"].astype(object)
    X["age"] = rng.normal(size=n)
    score = 1.5 * (X["job"] == "cook") + 1.2 * X["town"].isin(["a", "b"]) + X["owner"]
    y = np.where(score + X["age"] + rng.normal(size=n) > 2.2, "rare", "often")
    return X, y


def coded(X):
    """Positions of the levels, -1 for others and gaps, and the number."""
    codes = [pd.Categorical(X[name], categories=LEVELS[name]).codes for name in NAMES]
    return np.column_stack([*codes, X["age"]])


def trees():
    # Not behind an encoder, nor those of histograms: neither predicts as quickly.
    trees = GradientBoostingClassifier(n_estimators=10, max_depth=6, random_state=0)
    return make_pipeline(FunctionTransformer(coded), trees)


def net():
    return NetClassifier(max_epochs=30, random_state=0)


def of_label(model, X, y):
    """Probability of each row's own label."""
    place = np.searchsorted(model.classes_, y)
    return model.predict_proba(X)[np.arange(len(y)), place]


def least_of_label(model, X, y, budget, allowed):
    """The least probability of the label over all that the budget allows."""
    least = of_label(model, X, y)
    for size in range(1, budget + 1):
        for columns in combinations(allowed, size):
            for levels in product(*(allowed[column] for column in columns)):
                changed = X.copy()
                for column, level in zip(columns, levels, strict=True):
                    column_of_level = pd.Series([level] * len(X), index=X.index)
                    changed[column] = column_of_level.astype(X[column].dtype)
                least = np.minimum(least, of_label(model, changed, y))
    return least


def changes(X, X_adv):
    """How many levels of each row are others."""
    same = [
        (X[name].to_numpy(object) == X_adv[name].to_numpy(object))
        | (pd.isna(np.array(X[name])) & pd.isna(np.array(X_adv[name])))
        for name in NAMES
    ]
    return (~np.array(same)).sum(0)


@pytest.fixture(scope="module")
def data():
    return mixed()


@pytest.fixture(scope="module", params=[trees, net])
def model(request, data):
    return request.param().fit(*data)


class Asked(ClassifierMixin, BaseEstimator):
    """A classifier of one town that keeps what it is asked."""

    def fit(self, X, y):
        self.classes_, self.asked_ = np.unique(y), []
        return self

    def predict_proba(self, X):
        self.asked_.append(X)
        positive = 0.1 + 0.8 * np.array([town == "a" for town in X["town"]])
        return np.column_stack([positive, 1 - positive])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


# --- As bad as it gets ---------------------------------------------------------------


@pytest.mark.parametrize("budget", [1, slow_if(True, 2), 3])
def test_all_combinations_are_tried_where_the_queries_suffice(data, model, budget):
    X, y = (part[:60] for part in data)
    given = {"levels": ALL, "n_level_changes": budget, "queries": 107, **SEARCH}
    X_adv = adversarial_rows(model, X, y, **given)
    least = least_of_label(model, X, y, budget, LEVELS)
    np.testing.assert_allclose(of_label(model, X_adv, y), least, atol=1e-6)
    assert changes(X, X_adv).max() == budget
    assert least.mean() < of_label(model, X, y).mean() - 0.1
    # With the age as it was, and the levels in their dtypes.
    pd.testing.assert_series_equal(X_adv["age"], X["age"])
    pd.testing.assert_series_equal(X_adv.dtypes, X.dtypes)


@pytest.mark.parametrize("budget", [slow_if(True, 1), 2, slow_if(True, 3)])
def test_a_random_search_comes_near_and_never_beyond(data, model, budget):
    X, y = (part[:60] for part in data)
    least = least_of_label(model, X, y, budget, LEVELS)
    n_all = {1: 10, 2: 41, 3: 71}[budget]
    reached = {}
    for queries in (n_all // 5, n_all - 1):
        given = {"levels": ALL, "n_level_changes": budget, "queries": queries}
        found = []
        for seed in range(3):
            given = {**SEARCH, **given, "random_state": seed}
            X_adv = adversarial_rows(model, X, y, **given)
            assert changes(X, X_adv).max() <= budget
            found.append(of_label(model, X_adv, y))
            assert (found[-1] >= least - 1e-6).all()
        reached[queries] = (np.array(found) <= least + 1e-6).mean()
    few, many = reached.values()
    assert few + 0.1 < many
    assert many > 0.5


@pytest.mark.slow
def test_numbers_and_levels_together_are_worse_than_each(data, model):
    X, y = data
    of_numbers = {"perturb": ["age"], "eps": 0.7}
    of_levels = {"levels": ALL, "eps": 0}
    of_both = {"levels": ALL, "eps": 0.7}
    scores = []
    for given in (of_numbers, of_levels, of_both):
        given = {**SEARCH, "queries": 100, **given}
        X_adv = adversarial_rows(model, X, y, **given)
        assert np.abs(X_adv["age"] - X["age"]).max() <= given["eps"] + 1e-6
        assert changes(X, X_adv).max() == ("levels" in given)
        scores.append(model.score(X_adv, y))
    numbers, levels, both = scores
    assert both < min(numbers, levels) - 0.05


def test_a_larger_budget_is_never_better_for_the_classifier(data, model):
    X, y = data
    accuracies = [
        robust_accuracy(
            model, X, y, levels=ALL, n_level_changes=budget, queries=107, **SEARCH
        )
        for budget in range(4)
    ]
    assert accuracies[0] == model.score(X, y)
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[1] < accuracies[0] - 0.1


def test_both_attacks_of_a_net(data):
    X, y = data
    model = net().fit(X, y)
    given = {"perturb": [*NAMES, "age"], "eps": 0.3, "queries": 60}
    searched = {**SEARCH, **given, "attack": "both"}
    X_adv = adversarial_rows(model, X, y, **searched)
    by_gradient = adversarial_rows(model, X, y, eps=0.3, random_state=0)
    lower = of_label(model, X_adv, y) - of_label(model, by_gradient, y)
    assert lower.max() < 1e-6
    assert lower.mean() < -0.05


# --- What stays ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"perturb": ["age"]},
        {"levels": ALL, "n_level_changes": 0},
        {"levels": ALL, "queries": 0},
    ],
)
def test_levels_stay_unless_asked_for(data, model, given):
    X, y = data
    X_adv = adversarial_rows(model, X, y, **SEARCH, **given)
    pd.testing.assert_frame_equal(X_adv[NAMES], X[NAMES])


def test_a_single_level_stays(data, model):
    X, y = data
    X = X.assign(town="a")
    X_adv = adversarial_rows(model, X, y, perturb=["town"], **SEARCH)
    pd.testing.assert_frame_equal(X_adv[NAMES], X[NAMES])


def test_only_allowed_levels_and_columns(data, model):
    X, y = data
    allowed = {"job": ["smith"], "town": ["a", "c"]}
    X_adv = adversarial_rows(model, X, y, levels=allowed, n_level_changes=3, **SEARCH)
    pd.testing.assert_series_equal(X_adv["owner"], X["owner"])
    for name, own in allowed.items():
        moved = X_adv[name].to_numpy(object) != X[name].to_numpy(object)
        assert moved.any()
        assert set(X_adv[name][moved]) <= set(own)


def test_gaps_stay(data):
    X, y = data
    X = X.copy()
    rng = np.random.default_rng(1)
    for name in ("job", "town"):
        X.loc[rng.random(len(X)) < 0.3, name] = None
    X.loc[3, "town"] = np.nan
    X["age"] = "old"
    for model in (trees().fit(X.assign(age=0.0), y), net().fit(X, y)):
        rows = X.assign(age=0.0) if hasattr(model, "steps") else X
        for given in ({"n_level_changes": 1}, {"n_level_changes": 3, "queries": 20}):
            given = {**SEARCH, "levels": ALL, **given}
            X_adv = adversarial_rows(model, rows, y, **given)
            for name in ("job", "town"):
                assert (X_adv[name].isna() == X[name].isna()).all()
            gaps = X["town"].isna()
            assert X_adv["town"][gaps].map(type).equals(X["town"][gaps].map(type))
            assert changes(rows, X_adv).max() > 0


def test_gaps_stay_where_every_column_may_change(data):
    X, y = data
    X = X[NAMES].copy()
    X.loc[::7, "town"] = np.nan
    model = Asked().fit(X, y)
    X_adv = adversarial_rows(model, X, y, levels=ALL, **SEARCH)
    assert (X_adv["town"].isna() == X["town"].isna()).all()
    assert changes(X, X_adv).max() == 1


# --- Dtypes and containers -----------------------------------------------------------


DTYPES = {
    "category": pd.CategoricalDtype([*"zabcde"]),
    "string": pd.StringDtype(),
    "object": object,
}


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("allowed", [None, ["a", "z"]])
def test_dtypes_of_pandas(dtype, allowed):
    X, y = mixed()
    X["town"] = X["town"].where(X["town"] != "a", "b").astype(dtype)
    X = X.set_index(pd.Index(5 + np.arange(len(X))))
    model = Asked().fit(X, y)
    levels = {"town": allowed}
    X_adv = adversarial_rows(model, X, y, levels=levels, queries=5, **SEARCH)
    for asked in [*model.asked_, X_adv]:
        assert asked["town"].dtype == X["town"].dtype
    pd.testing.assert_index_equal(X_adv.index, X.index)
    # 'a' speaks against the second label, and only the list has it.
    assert (X_adv["town"] == "a").any() == (allowed is not None)


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum([*"abcdez"])])
def test_dtypes_of_polars(dtype):
    X, y = mixed()
    X = pl.from_pandas(X.assign(town=X["town"].replace("a", "b")))
    X = X.with_columns(pl.col("town").cast(dtype))
    model = Asked().fit(X, y)
    given = {"levels": {"town": ["a", "c"]}, "queries": 5, **SEARCH}
    X_adv = adversarial_rows(model, X, y, **given)
    assert X_adv.schema == X.schema
    assert X_adv.drop("town").equals(X.drop("town"))
    assert (X_adv["town"].cast(pl.String) == "a").to_numpy().tolist() == (
        (y == "rare").tolist()
    )


@pytest.mark.parametrize("column", ["owner", "grade"])
def test_booleans_and_whole_numbers_named_as_levels_keep_their_dtype(data, column):
    X, y = data
    X = X.assign(grade=np.random.default_rng(0).integers(1, 4, len(X)))
    for model in (net(), HistGradientBoostingClassifier()):
        rows = X[["owner", "grade", "age"]]
        model.fit(rows, y)
        given = {"levels": {column: None}, **SEARCH}
        X_adv = adversarial_rows(model, rows, y, **given)
        pd.testing.assert_series_equal(X_adv.dtypes, rows.dtypes)
        assert set(X_adv[column]) <= set(rows[column])
        assert (X_adv[column] != rows[column]).any()
        pd.testing.assert_frame_equal(
            X_adv.drop(columns=column), rows.drop(columns=column)
        )


def test_arrays():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 4, 200), rng.normal(size=200)])
    y = (X[:, 0] == 2).astype(int)
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    X_adv = adversarial_rows(model, X, y, levels={0: [0, 1, 2]}, **SEARCH)
    np.testing.assert_array_equal(X_adv[:, 0] == 2, y == 0)
    np.testing.assert_array_equal(X_adv[:, 1], X[:, 1])
    objects = X.astype(object)
    objects[:, 0] = np.array(list("wxyz"))[X[:, 0].astype(int)]
    columns = make_column_transformer((OneHotEncoder(), [0]), remainder="passthrough")
    model = make_pipeline(columns, DecisionTreeClassifier()).fit(objects, y)
    X_adv = adversarial_rows(model, objects, y, perturb=[0], **SEARCH)
    np.testing.assert_array_equal(X_adv[:, 0] == "y", y == 0)
    for rows in (objects, objects.tolist()):
        model = net().fit(rows, y)
        X_adv = adversarial_rows(model, rows, y, perturb=[0], **SEARCH)
        np.testing.assert_array_equal(X_adv[:, 0] == "y", y == 0)


def test_whole_numbers_of_a_net_with_levels_are_not_cut_off():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 9, 200), rng.integers(0, 3, 200)])
    y = (X[:, 0] > 4).astype(int)
    model = NetClassifier(categorical_features=[1], max_epochs=5).fit(X, y)
    X_adv = adversarial_rows(model, X, y, eps=0.4)
    assert np.abs(X_adv[:, 0] - X[:, 0]).max() == pytest.approx(0.4, rel=1e-5)
    np.testing.assert_array_equal(X_adv[:, 1], X[:, 1])


def test_levels_that_a_net_has_not_seen_are_one_to_it(data):
    X, y = data
    X = X.assign(town=X["town"].astype(str))
    model = net().fit(X, y)
    given = {"levels": {"town": ["mars", "moon"]}, **SEARCH}
    X_adv = adversarial_rows(model, X, y, **given)
    moved = X_adv["town"] != X["town"]
    assert set(X_adv["town"][moved]) == {"mars"}
    least = least_of_label(model, X, y, 1, {"town": ["mars"]})
    np.testing.assert_allclose(of_label(model, X_adv, y), least, atol=1e-6)


# --- Queries and seeds ---------------------------------------------------------------


@pytest.mark.parametrize("queries", [0, 3, 9, 40])
@pytest.mark.parametrize("eps", [0, 0.1])
def test_no_more_queries_than_allowed(data, queries, eps):
    X, y = data
    model = Asked().fit(X, y)
    given = {**SEARCH, "eps": eps, "queries": queries, "levels": ALL}
    X_adv = adversarial_rows(model, X, y, **given)
    # The clean rows are asked for twice, and the worst once more.
    assert len(model.asked_) == min(queries, 10 if eps == 0 else queries) + 3
    for asked in model.asked_:
        assert changes(X, asked).max() <= 1
    if queries > 9:
        # Towns other than 'a' are worst for "often", which comes first.
        assert ((X_adv["town"] == "a") == (y == "rare")).mean() > 0.9


def test_seeds(data, model):
    X, y = data
    given = {**SEARCH, "levels": ALL, "n_level_changes": 2, "queries": 8}
    found = [
        adversarial_rows(model, X, y, **given | {"random_state": seed})
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(found[0], found[1])
    assert not found[0].equals(found[2])


@pytest.mark.slow
def test_batches_and_early_stop(data, model):
    X, y = data
    given = {**SEARCH, "levels": ALL, "n_level_changes": 3}
    whole = adversarial_rows(model, X, y, **given)
    pd.testing.assert_frame_equal(
        adversarial_rows(model, X, y, batch_size=50, **given), whole
    )
    stopped = adversarial_rows(model, X, y, early_stop=True, **given)
    assert model.score(stopped, y) == model.score(whole, y)
    assert changes(X, stopped).sum() < changes(X, whole).sum()
    scorer = make_robust_scorer(**given)
    assert scorer(model, X, y) == model.score(whole, y)


# --- Errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_level_changes": -1}, "n_level_changes must be a whole number of at l"),
        ({"n_level_changes": True}, "n_level_changes must be a whole number .* True"),
        ({"levels": ["town"]}, r"levels must be a mapping from columns"),
        ({"levels": {"city": ["a"]}}, r"levels names columns \['city'\]"),
        ({"levels": {"town": []}}, r"levels must have .* got \[\] for 'town'"),
        ({"levels": {"town": "ab"}}, r"levels must have .* got 'ab' for 'town'"),
        ({"levels": {"town": ["a", None]}}, r"levels must have .*none of them missing"),
        (
            {"levels": {"job": ["king"]}},
            r"levels allows \['king'\] .* 'job'.* no place",
        ),
        ({"levels": {"owner": [2]}}, r"levels allows \[2\] in the column 'owner'"),
        (
            {"levels": {"town": ["a"]}, "perturb": ["age"]},
            r"levels names columns \['town'\], which perturb does not let change",
        ),
    ],
)
def test_refuses(data, model, given, message):
    with pytest.raises(ValueError, match=message):
        adversarial_rows(model, *data, **SEARCH, **given)


@pytest.mark.parametrize("given", [{"perturb": ["town"]}, {"levels": {"town": ["a"]}}])
def test_gradients_do_not_lead_from_level_to_level(data, given):
    model = net().fit(*data)
    with pytest.raises(ValueError, match=r"\['town'\], .* attack='square' search"):
        adversarial_rows(model, *data, eps=0.1, **given)


# --- Tensors -------------------------------------------------------------------------


def choices(sizes, n_changes):
    allowed = {2 * i: torch.arange(float(size)) for i, size in enumerate(sizes)}
    return LevelChoices(allowed, n_changes)


@pytest.mark.parametrize("sizes", [(), (3,), (2, 4), (1, 2, 5, 3)])
@pytest.mark.parametrize("n_changes", [0, 1, 2, 9])
def test_each_change_is_counted(sizes, n_changes):
    search = choices(sizes, n_changes)
    x = torch.full((1, 8), -1.0)
    changed = [tuple(change(x)[0].tolist()) for change in search.each()]
    assert len(changed) == len(set(changed)) == search.n_combinations
    counts = [sum(value != -1 for value in row) for row in changed]
    assert counts == sorted(counts)
    assert max(counts, default=0) == min(n_changes, len(sizes))


@pytest.mark.parametrize("n_changes", [1, 2, 4])
def test_proposals_stay_within_the_budget_and_reach_every_level(n_changes):
    search = choices((3, 2, 4, 5), n_changes)
    generator = torch.Generator().manual_seed(0)
    x = torch.full((300, 8), -1.0)
    x[:, 4] = torch.nan
    found = x
    seen = [{-1.0} for _ in range(8)]
    for step in range(60):
        found = search.propose(found, x, 1 if step < 5 else 0.1, generator)
        assert found[:, 4].isnan().all()
        assert ((found != x) & ~x.isnan()).sum(1).max() <= n_changes
        assert (found[:, 1::2] == -1).all()
        for column in range(8):
            seen[column] |= set(found[:, column].tolist())
    assert [len(own) for own in seen[:4:2]] == [4, 3]
    assert len(seen[6]) == 6


def test_the_ball_keeps_what_the_search_has_changed():
    # The label's own level is worst at 1, whatever the number is.
    def scores_of(x):
        logit = 3 * (x[:, 0] == 1) + x[:, 1]
        return torch.stack([torch.zeros_like(logit), logit], 1)

    x, y = torch.zeros(20, 2), torch.zeros(20, dtype=torch.int64)
    for norm in ("linf", "l2"):
        ball = Ball(norm, torch.tensor([0.0, 0.5]))
        levels = LevelChoices({0: torch.arange(3.0)}, 1)
        worst = square(
            scores_of,
            x,
            y,
            ball,
            queries=60,
            levels=levels,
            generator=torch.Generator().manual_seed(0),
        )
        torch.testing.assert_close(worst, torch.tensor([[1.0, 0.5]]).expand(20, 2))
        assert (margin(scores_of(worst), y) > 3.4).all()
