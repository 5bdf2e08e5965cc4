"""Scores on corrupted rows, and those of some classes."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    make_scorer,
    recall_score,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.attacks import (
    fooling_rate,
    make_corruption_scorer,
    make_robust_scorer,
    make_universal_scorer,
    robust_accuracy,
    universal_perturbation,
)
from imbdeep.classifiers import NetClassifier
from imbdeep.datasets import corrupt_images, corrupt_table

SHIFT = {"corruption": "shifted_columns", "random_state": 3}


def draw(n=300, seed=0):
    """Three overlapping classes in a row, ever rarer."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, p=[0.6, 0.25, 0.15], size=n)
    X = rng.normal(size=(n, 3))
    X[:, 0] += 1.5 * codes
    return X, np.array(["often", "some", "rare"])[codes]


@pytest.fixture(scope="module")
def data():
    """Do not change these rows."""
    return draw()


@pytest.fixture(scope="module")
def model(data):
    """Do not fit this again."""
    return LogisticRegression().fit(*data)


@pytest.fixture(scope="module")
def net(data):
    """Do not fit this again."""
    return NetClassifier(max_epochs=3, random_state=0).fit(*data)


# --- What is scored ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gaussian_noise", "swapped_cells", "scaled_columns"])
def test_it_is_the_score_of_corrupted_rows(model, data, name):
    X, y = data
    scorer = make_corruption_scorer(name, 4, random_state=1)
    moved = corrupt_table(X, name, 4, random_state=1)
    found = scorer(model, X, y)
    assert found == balanced_accuracy_score(y, model.predict(moved))
    assert found != balanced_accuracy_score(y, model.predict(X))
    assert scorer(model, X, y) == found


def test_several_give_the_mean(model, data):
    names, severities = ["gaussian_noise", "shifted_columns"], [1, 5]
    together = make_corruption_scorer(names, severities, random_state=0)
    each = [
        make_corruption_scorer(name, severity, random_state=0)(model, *data)
        for name in names
        for severity in severities
    ]
    assert len(set(each)) == 4
    assert together(model, *data) == pytest.approx(np.mean(each))


def test_images_are_told_by_their_shape():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(40, 2, 8, 8))
    y = (X.mean((1, 2, 3)) > 0.5).astype(int)
    flat = lambda rows: rows.reshape(len(rows), -1)  # noqa: E731

    class Flat(LogisticRegression):
        def predict(self, X):
            return super().predict(flat(X))

    model = Flat().fit(flat(X), y)
    for name, options in [("fog", {}), ("gaussian_noise", {"value_range": (0, 2)})]:
        scorer = make_corruption_scorer(
            name, 5, scoring="accuracy", random_state=0, **options
        )
        moved = corrupt_images(X, name, 5, random_state=0, **options)
        assert scorer(model, X, y) == (model.predict(moved) == y).mean()
    with pytest.raises(ValueError, match="for tables take corrupt_table"):
        make_corruption_scorer("fog")(model, flat(X), y)
    with pytest.raises(ValueError, match="For images take corrupt_images"):
        make_corruption_scorer("missing_cells")(model, X, y)


def test_deviations_may_be_those_of_other_rows(model, data):
    X, y = data
    own = make_corruption_scorer(**SHIFT)
    same = make_corruption_scorer(**SHIFT, reference=X)
    wide = make_corruption_scorer(**SHIFT, reference=10 * X)
    assert own(model, X, y) == same(model, X, y) > wide(model, X, y) + 0.05


def test_any_metric_and_scorer(data):
    X, y = data
    y = y == "rare"
    model = LogisticRegression().fit(X, y)
    p = model.predict_proba(corrupt_table(X, SHIFT["corruption"], 3, random_state=3))
    expected = average_precision_score(y, p[:, 1])
    by_name = make_corruption_scorer(**SHIFT, scoring="average_precision")
    assert by_name(model, X, y) == expected
    own = make_scorer(average_precision_score, response_method="predict_proba")
    assert make_corruption_scorer(**SHIFT, scoring=own)(model, X, y) == expected


# --- Some classes --------------------------------------------------------------------


def test_rows_of_some_classes(model, data):
    X, y = data
    y_pred = model.predict(corrupt_table(X, SHIFT["corruption"], 3, random_state=3))
    recalls = dict(
        zip(model.classes_, recall_score(y, y_pred, average=None), strict=True)
    )
    is_right = pd.Series(y_pred == y)
    for rows in (["rare"], ["some", "rare"], np.array(["often"]), pd.Series(["some"])):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = make_corruption_scorer(**SHIFT, rows=rows)(model, X, y)
        assert found == pytest.approx(np.mean([recalls[label] for label in rows]))
        pooled = make_corruption_scorer(**SHIFT, rows=rows, scoring="accuracy")
        share = is_right[np.isin(y, rows)].mean()
        assert pooled(model, X, y) == pytest.approx(share)


def test_the_rare_half_leaves_out_the_middle_class(model, net, data):
    X, y = data
    rare = make_corruption_scorer(**SHIFT, rows=["rare"])
    of_net = make_corruption_scorer(**SHIFT, rows="under_represented")
    assert of_net(net, X, y) == rare(net, X, y)
    counts = pd.Series(y).value_counts()
    half = make_corruption_scorer(
        **SHIFT, rows="under_represented", class_counts=counts
    )
    assert half(model, X, y) == rare(model, X, y)
    with pytest.raises(ValueError, match="LogisticRegression has not counted its tr"):
        make_corruption_scorer(**SHIFT, rows="under_represented")(model, X, y)


def test_a_class_that_training_lacked_is_wrong(data):
    X, y = data
    model = LogisticRegression().fit(X[y != "rare"], y[y != "rare"])
    assert make_corruption_scorer(**SHIFT, rows=["rare"])(model, X, y) == 0


def test_scorers_of_attacks_take_some_classes(net, data):
    X, y = data
    is_some = y == "some"
    attack = {"eps": 0.3, "random_state": 0}
    robust = make_robust_scorer(rows=["some"], **attack)(net, X, y)
    assert robust == robust_accuracy(net, X[is_some], y[is_some], **attack)
    shift = universal_perturbation(net, X, y, **attack)
    universal = make_universal_scorer(rows=["some"], **attack)(net, X, y)
    assert universal == net.score(X[is_some] + shift, y[is_some])
    fooled = fooling_rate(net, X, shift, y=y, rows=["some", "rare"])
    others = X[y != "often"]
    changed = net.predict(others) != net.predict(others + shift)
    assert fooled == pytest.approx(changed.mean())


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: make_corruption_scorer(**SHIFT, rows=rows),
        lambda rows: make_robust_scorer(eps=0.1, rows=rows),
        lambda rows: make_universal_scorer(eps=0.1, rows=rows),
    ],
    ids=["corruption", "robust", "universal"],
)
def test_classes_that_are_not_there(net, data, make):
    X, y = data
    with pytest.raises(ValueError, match=r"classes \['rear'\], which neither y nor Ne"):
        make(["rare", "rear"])(net, X, y)
    with pytest.raises(ValueError, match=r"y has no row of the classes \['rare'\]"):
        make(["rare"])(net, X[y != "rare"], y[y != "rare"])
    with pytest.raises(ValueError, match="rows is a mask, "):
        make(y == "rare")(net, X, y)
    with pytest.raises(ValueError, match="string and number"):
        make([0])(net, X, np.unique(y, return_inverse=True)[1])
    for wrong in ([], [["rare"]], [["a"], ["b", "c"]], [{}], {"rare"}, "rare", 1):
        with pytest.raises(ValueError, match="rows must be one of"):
            make(wrong)


# --- As scikit-learn uses it ---------------------------------------------------------


def test_in_cross_validation_and_search(data):
    X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=y == "some")
    scoring = {
        name: make_corruption_scorer(name, random_state=0)
        for name in ("gaussian_noise", "level_noise", "swapped_cells")
    }
    scoring["rare"] = make_corruption_scorer(**SHIFT, rows=["rare"])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    told = {"cv": 3, "error_score": "raise"}
    scores = cross_validate(pipeline, frame, y, scoring=scoring, **told)
    assert len({tuple(scores[f"test_{name}"]) for name in scoring}) == 4
    alone = cross_val_score(pipeline, frame, y, scoring=scoring["rare"], **told)
    np.testing.assert_array_equal(alone, scores["test_rare"])


@pytest.mark.parametrize("seed", [None, np.random.RandomState(0)])
def test_candidates_meet_the_same_corruption(data, seed):
    scorer = make_corruption_scorer("gaussian_noise", 5, random_state=seed)
    search = GridSearchCV(
        LogisticRegression(),
        {"verbose": [0, 0, 0], "C": [1e-9, 1.0]},
        scoring=scorer,
        cv=2,
        error_score="raise",
    ).fit(*data)
    results = pd.DataFrame(search.cv_results_).groupby("param_C")
    assert (results["mean_test_score"].nunique() == 1).all()
    assert search.best_params_["C"] == 1


def test_pickles_and_shows_what_it_was_given(model, data):
    scorer = make_corruption_scorer(["swapped_cells"], [2, 3], rows=["rare"])
    again = pickle.loads(pickle.dumps(scorer))
    assert again(model, *data) == scorer(model, *data)
    shown = repr(scorer)
    assert shown.startswith("make_corruption_scorer(corruption=['swapped_cells'], ")
    evaluated = eval(shown, {"make_corruption_scorer": make_corruption_scorer})
    assert evaluated(model, *data) == scorer(model, *data)
    # A table would fill the screen, with each search that has the scorer.
    assert len(repr(make_corruption_scorer(**SHIFT, reference=data[0]))) < 500


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"corruption": "rain"}, "corruption must be one of .* got 'rain'"),
        ({"corruption": ["fog", None]}, "corruption must be one of .* got None"),
        ({"corruption": []}, "must not be empty"),
        ({"severity": []}, "must not be empty"),
        ({"severity": [1, 6]}, "severity must be 1, 2, 3, 4 or 5, got 6"),
        ({"scoring": "accurate"}, "accurate"),
        ({"scoring": ["accuracy"]}, "scoring must be the name of a scorer"),
        ({"scoring": "f1_macro", "rows": ["rare"]}, "needs rows of all classes"),
        ({"rows": "per_class"}, "A scorer gives one number"),
        ({"random_state": "a"}, "cannot be used to seed"),
        ({"corruption": [["fog"], ["fog", "fog"]]}, "corruption must be one of"),
        ({"corruption": ["fog", "level_noise"]}, "images alone, and some for tables"),
    ],
)
def test_is_refused_when_it_is_made(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_corruption_scorer(**{**SHIFT, **parameters})


@pytest.mark.parametrize(
    ("name", "option"),
    [("fog", "reference"), ("level_noise", "value_range"), ("gaussian_noise", "eps")],
)
def test_options_of_other_corruptions(name, option):
    with pytest.raises(TypeError, match=rf"'{name}'\] has no options \['{option}'\]"):
        make_corruption_scorer(name, **{option: 1})


def test_options_of_the_other_kind_of_rows(model, data):
    scorer = make_corruption_scorer("gaussian_noise", value_range=(0, 1))
    with pytest.raises(TypeError, match="corrupt_table has no options .'value_range'"):
        scorer(model, *data)


@pytest.mark.parametrize("score", [{"a": 1.0}, None, np.ones(2)])
def test_a_score_is_one_number(model, data, score):
    scorer = make_corruption_scorer(**SHIFT, scoring=lambda *rows: score)
    with pytest.raises(ValueError, match="a scorer gives one number"):
        scorer(model, *data)


def test_lengths_must_agree(model, data):
    X, y = data
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_corruption_scorer(**SHIFT)(model, X, y[:-1])


def test_a_constant_prediction_is_not_hurt(data):
    model = DummyClassifier(strategy="constant", constant="rare").fit(*data)
    scorer = make_corruption_scorer("gaussian_noise", rows=["rare"])
    assert scorer(model, *data) == 1
