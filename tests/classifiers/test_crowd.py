"""What all classifiers for crowds promise."""

import functools
import pickle
import warnings

import imblearn.pipeline
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn.pipeline
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EpochScoring

from imbdeep.classifiers import (
    CrowdLayerClassifier,
    ICEDClassifier,
    InferThenFit,
    NetClassifier,
)
from imbdeep.classifiers._crowds.base import Crowd, crowd_accuracy, labels_of_one
from imbdeep.crowds import (
    DawidSkene,
    MajorityVote,
    StratifiedCrowdKFold,
    make_crowd_scorer,
)
from tests.classifiers.crowds import make_crowd
from tests.common.slow import half_of, slow_if

SMALL = {
    "max_epochs": 3,
    "batch_size": 40,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "device": "cpu",
    "random_state": 0,
}
NETS = ["layer", "iced"]
ALL = [*NETS, "vote", "skene-net"]


def make(name, missing_values=-1, truth_column=None, **params):
    """A small classifier; ``params`` are those of nets."""
    common = {"missing_values": missing_values, "truth_column": truth_column}
    if name == "layer":
        return CrowdLayerClassifier(**SMALL | common | params)
    if name == "iced":
        brief = {"warmup_epochs": 1, "decoder_epochs": 2}
        return ICEDClassifier(**SMALL | brief | common | params)
    if name == "vote":
        return InferThenFit(
            MajorityVote(missing_values=missing_values), LogisticRegression(), **common
        )
    return InferThenFit(
        DawidSkene(missing_values=missing_values),
        NetClassifier(**SMALL | params),
        **common,
    )


@pytest.fixture(params=ALL)
def name(request):
    return request.param


@pytest.fixture(params=NETS)
def net_name(request):
    return request.param


crowd = functools.partial(
    make_crowd,
    class_sep=2.0,
    annotation_rate=0.8,
    dtype=np.float64,
    n_workers=4,
    error_rate=0.15,
)


@functools.cache
def plain_fit(name, annotation_rate=0.8):
    """A fit to look at: tests that change one make their own."""
    X, codes, _ = crowd(annotation_rate=annotation_rate)
    return make(name).fit(X, codes)


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


def refuse(net_name, match, X, annotations, y_true=None, **params):
    net = make(net_name, callbacks=[NoTraining()], **params)
    with pytest.raises(ValueError, match=match):
        net.fit(X, annotations, y_true=y_true)
    # Nothing is left of the annotations.
    assert net.run_ is None


# --- Labels and tables of every kind -------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1]),
        slow_if(True, np.array([3, 7])),
        np.array([-1, 1]),
        slow_if(True, np.array([-2.0, 0.0])),
        np.array([False, True]),
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
    ],
    ids=str,
)
def test_labels_of_any_type(name, labels):
    X, codes, truth = crowd(annotation_rate=1.0)
    plain = plain_fit(name, annotation_rate=1.0)
    named = make(name, missing_values=None).fit(X, labels[codes])
    assert_array_equal(named.classes_, labels)
    assert_array_equal(named.predict_proba(X), plain.predict_proba(X))
    assert_array_equal(named.predict(X), labels[plain.predict(X)])
    assert named.score(X, labels[truth]) == plain.score(X, truth)
    inferred = getattr(named, "inferred_labels_", None)
    if inferred is not None:
        assert_array_equal(inferred, labels[plain.inferred_labels_])


def test_minus_one_is_missing_and_the_error_says_how_to_make_it_a_label(name):
    X, codes, _ = crowd(annotation_rate=1.0)
    with pytest.raises(ValueError, match="If -1 is a label, pass missing_values=None"):
        make(name).fit(X, 2 * codes - 1)


@pytest.mark.parametrize(
    ("missing", "labels"),
    [
        (-99, "numbers"),
        (np.nan, "numbers"),
        (np.nan, "text"),
        (None, "numbers"),
        (None, "text"),
        (pd.NA, "numbers"),
        (pd.NA, "text"),
    ],
)
def test_missing_annotations(name, missing, labels):
    X, codes, _ = crowd()
    plain = plain_fit(name)
    values = codes.astype(object)
    if labels == "text":
        values = np.array(["no", "yes"], dtype=object)[codes]
    values[codes < 0] = missing
    if isinstance(missing, float) and labels == "numbers":
        values = values.astype(float)
    marker = missing if isinstance(missing, int) else -1
    other = make(name, missing_values=marker).fit(X, values)
    assert_array_equal(other.predict_proba(X), plain.predict_proba(X))


def test_three_classes(name):
    X, codes, truth = crowd(n_classes=3)
    model = make(name).fit(X, codes)
    proba = model.predict_proba(X)
    assert proba.shape == (120, 3)
    assert_allclose(proba.sum(1), 1)
    assert_array_equal(model.predict(X), model.classes_[proba.argmax(1)])
    assert model.score(X, truth) == np.mean(model.predict(X) == truth)


def test_data_frames(name):
    X, codes, truth = crowd()
    plain = plain_fit(name)
    frame = pd.DataFrame(X, columns=list("abcde"))
    workers = pd.DataFrame(codes, columns=["Ann", "Bob", "Cleo", "Dan"])
    for annotations in (
        workers,
        workers.replace(-1, pd.NA).astype("Int64"),
        workers.replace({-1: None, 0: "no", 1: "yes"}),
    ):
        model = make(name).fit(frame, annotations)
        # The rows of a frame lie in memory another way.
        assert_allclose(model.predict_proba(frame), plain.predict_proba(X), rtol=1e-9)
    assert model.feature_names_in_.tolist() == list("abcde")
    assert model.n_features_in_ == 5
    # The truth by its name, wherever it stands.
    workers.insert(1, "expert", truth)
    model = make(name, truth_column="expert").fit(frame, workers)
    assert_allclose(model.predict_proba(frame), plain.predict_proba(X), rtol=1e-9)
    assert model.score(frame, workers) == np.mean(model.predict(frame) == truth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_any_type_of_float(net_name, dtype):
    X, codes, _ = crowd()
    model = make(net_name).fit(X.astype(dtype), codes)
    assert_array_equal(model.predict_proba(X), plain_fit(net_name).predict_proba(X))


def test_lists(name):
    X, codes, truth = crowd()
    plain = plain_fit(name)
    model = make(name).fit(X.tolist(), codes.tolist())
    assert_array_equal(model.predict_proba(X.tolist()), plain.predict_proba(X))
    both = [[*row, t] for row, t in zip(codes.tolist(), truth.tolist(), strict=True)]
    model = make(name, truth_column=4).fit(X.tolist(), both)
    assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    assert model.score(X.tolist(), both) == plain.score(X, truth)


# --- One annotator -------------------------------------------------------------------


def with_ordinary_labels(name, X, y):
    """What a classifier for ordinary labels makes of them."""
    if name == "vote":
        return LogisticRegression().fit(X, y)
    net = make("iced" if name == "iced" else "layer")
    params = {k: getattr(net, k) for k in ("train_split", "early_stopping")}
    return NetClassifier(**SMALL | params).fit(X, y)


@pytest.mark.parametrize("labels", ["numbers", "text"])
def test_one_annotator_is_ordinary_training(name, labels):
    X, _, truth = crowd()
    y = truth if labels == "numbers" else np.array(["no", "yes"])[truth]
    expected = with_ordinary_labels(name, X, y).predict_proba(X)
    flat = make(name).fit(X, y)
    assert_array_equal(flat.predict_proba(X), expected)
    with pytest.warns(DataConversionWarning):
        column = make(name).fit(X, y[:, None])
    assert_array_equal(column.predict_proba(X), expected)
    other = np.roll(y, 1)
    beside_truth = make(name, truth_column=1).fit(X, np.column_stack([y, other]))
    assert_array_equal(beside_truth.predict_proba(X), expected)
    for model in (flat, column, beside_truth):
        assert_array_equal(getattr(model, "inferred_labels_", y), y)
        assert not hasattr(model, "dawid_skene_") and not hasattr(model, "aggregator_")


@half_of(
    params=[{}, {"train_split": None, "early_stopping": False}],
    iterator=["shuffled", "balanced"],
    weight=[None, "balanced", {0: 1, 1: 5}],
)
def test_one_annotator_with_other_parameters(net_name, params, iterator, weight):
    X, _, y = crowd()
    params = {
        "train_split": "stratified",
        "early_stopping": True,
        "iterator_train": iterator,
        "class_weight": weight,
        **params,
    }
    expected = NetClassifier(**SMALL | params).fit(X, y).predict_proba(X)
    assert_array_equal(make(net_name, **params).fit(X, y).predict_proba(X), expected)


def test_one_annotator_beside_a_truth_that_is_not_known_everywhere(name):
    """The table holds objects then, the labels must not."""
    X, _, y = crowd()
    expected = make(name).fit(X, y).predict_proba(X)
    table = np.column_stack([y, y]).astype(object)
    table[::3, 1] = None
    for annotations in (table, table.tolist(), pd.DataFrame(table)):
        model = make(name, truth_column=1).fit(X, annotations)
        assert_array_equal(model.predict_proba(X), expected)
        assert model.classes_.dtype.kind == "i"


@pytest.mark.parametrize(
    ("labels", "kind"), [([1, 0], "i"), ([2.0, 1.0], "f"), (["b", "a"], "U")]
)
def test_labels_of_one(labels, kind):
    column = np.array(labels, dtype=object)[:, None]
    flat = labels_of_one(column, -1, warned=False)
    assert flat.tolist() == labels
    assert flat.dtype.kind == kind
    assert labels_of_one(column, -1, warned=True).shape == (2, 1)


# --- Crowds that are difficult -------------------------------------------------------


def test_a_row_that_nobody_annotated_is_named(name):
    X, codes, _ = crowd()
    codes[[3, 50]] = -1
    with pytest.raises(ValueError, match="Nobody annotated 2 of 120 rows: 3, 50"):
        make(name).fit(X, codes)


def test_a_worker_who_annotated_nothing_changes_nothing_for_the_vote():
    X, codes, _ = crowd()
    idle = np.column_stack([codes, np.full(120, -1)])
    expected = make("vote").fit(X, codes).predict_proba(X)
    assert_array_equal(make("vote").fit(X, idle).predict_proba(X), expected)


@pytest.mark.parametrize("kind", ["idle", "constant", "adversary"])
def test_one_worker_of_no_use(name, kind):
    X, codes, truth = crowd(n_samples=200, error_rate=0.1)
    useless = {
        "idle": np.full(200, -1),
        "constant": np.zeros(200, dtype=int),
        "adversary": 1 - truth,
    }[kind]
    params = {"max_epochs": 15} if name != "iced" else {"max_epochs": 5}
    model = make(name, **params, lr=0.05)
    model.fit(X, np.column_stack([codes, useless]))
    assert model.score(X, truth) > 0.85
    rates = getattr(model, "worker_error_rates_", None)
    if rates is not None:
        assert np.isnan(rates[4]) == (kind == "idle")
        if kind == "adversary":
            assert rates[4] > 0.8


def test_workers_who_are_all_wrong_teach_the_opposite(name):
    """Nothing tells them from workers who are all right."""
    X, codes, truth = crowd(n_samples=200, annotation_rate=1.0, error_rate=0.0)
    model = make(name, max_epochs=15, lr=0.05).fit(X, 1 - codes)
    assert model.score(X, 1 - truth) > 0.9


def test_of_labels_with_as_many_votes_the_first_counts(net_name):
    X, _, truth = crowd()
    ties = np.column_stack([truth, truth])
    rows = np.flatnonzero(truth == 1)[:10]
    ties[rows, 1] = 0
    net = make(net_name).fit(X, ties)
    assert net.class_counts_[1] == (truth == 1).sum() - 10


def test_a_majority_that_leaves_one_class(net_name):
    X, codes, _ = crowd()
    codes[:] = 0
    codes[:, 1] = 1
    match = "By majority vote all rows are of class 0, so .* Gather more annotations"
    refuse(net_name, match, X, codes)
    names = np.array(["no", "yes"])
    refuse(net_name, match.replace("0,", "'no',"), X, names[codes])


def test_a_majority_that_leaves_one_row_of_a_class(net_name):
    X, codes, _ = crowd()
    codes[:] = 0
    codes[:1] = 1
    y = np.array(["no", "yes"])[codes]
    net = make(net_name, train_split="stratified", early_stopping=True)
    with pytest.warns(
        UserWarning, match="Class 'yes' has by majority vote one row, wh"
    ):
        net.fit(X, y)
    assert net.class_counts_.tolist() == [119, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(net_name, train_split=None, early_stopping=False).fit(X, y)


def test_one_rare_row_is_enough_beside_validation_rows(net_name):
    X, codes, truth = crowd()
    codes[:] = 0
    codes[:1] = 1
    net = make(net_name).fit(X, codes, eval_set=(X, truth))
    assert net.class_counts_.tolist() == [119, 1]
    assert np.isfinite(net.predict_proba(X)).all()


def test_a_single_label_is_refused(net_name):
    X, codes, _ = crowd()
    refuse(
        net_name, "at least two classes, got one class: .0.", X, np.zeros_like(codes)
    )


def test_a_label_that_never_wins(net_name):
    """It is a class, which no row is of."""
    X, codes, _ = crowd(annotation_rate=1.0)
    codes[5, 0] = 2
    net = make(net_name).fit(X, codes)
    assert net.classes_.tolist() == [0, 1, 2]
    assert net.class_counts_[2] == 0
    assert net.predict_proba(X).shape == (120, 3)


def test_a_class_that_nobody_gave(net_name):
    X, codes, _ = crowd()
    net = make(net_name, classes=[0, 1, 5]).fit(X, codes)
    assert net.classes_.tolist() == [0, 1, 5]
    assert_allclose(net.predict_proba(X).sum(1), 1)
    refuse(net_name, r"labels \[1\] that are not among", X, codes, classes=[0, 5])


# --- Errors --------------------------------------------------------------------------


def test_annotations_of_another_number_of_rows(name):
    X, codes, _ = crowd()
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[120, 50"):
        make(name).fit(X, codes[:50])


def test_y_is_needed(name):
    X, _, _ = crowd()
    with pytest.raises(ValueError, match="requires y to be passed"):
        make(name).fit(X, None)


def test_labels_that_are_continuous(name):
    X, codes, _ = crowd()
    with pytest.raises(ValueError, match="continuous"):
        make(name).fit(X, codes + 0.5 * np.arange(120)[:, None] / 120)


def test_a_truth_column_that_is_not_there(name):
    X, codes, _ = crowd()
    with pytest.raises(ValueError, match="truth_column=9 is not the position"):
        make(name, truth_column=9).fit(X, codes)
    with pytest.raises(ValueError, match="2-D to hold the truth"):
        make(name, truth_column=1).fit(X, codes[:, 0])


def test_true_labels_of_another_length(net_name):
    X, codes, truth = crowd()
    refuse(net_name, "y_true holds 7 labels for 120 rows", X, codes, y_true=truth[:7])
    table = np.column_stack([truth, truth])
    refuse(net_name, "1d array|shape", X, codes, y_true=table)


@pytest.mark.parametrize("missing_values", ["-1", [-1]])
def test_a_missing_value_that_is_no_number(net_name, missing_values):
    X, codes, _ = crowd()
    match = "'missing_values' parameter"
    refuse(net_name, match, X, codes, missing_values=missing_values)


# --- The truth -----------------------------------------------------------------------


def test_nothing_is_learned_from_the_truth(name):
    X, codes, truth = crowd()
    rng = np.random.RandomState(0)
    tables = [truth, rng.permutation(truth), np.where(rng.rand(120) < 0.5, truth, -1)]
    models = [
        make(name, truth_column=2).fit(X, np.insert(codes, 2, column, axis=1))
        for column in tables
    ]
    models.append(plain_fit(name))
    models.append(make(name).fit(X, codes, y_true=truth))
    states = [
        m.module_.state_dict()
        if name in NETS
        else {"proba": torch.from_numpy(m.predict_proba(X))}
        for m in models
    ]
    for state in states[1:]:
        for key, value in states[0].items():
            assert torch.equal(state[key], value)


def test_scores(name):
    X, codes, truth = crowd()
    truth[::7] = 1 - truth[::7]  # or all would be right
    model = make(name, truth_column=-1)
    model.fit(X, np.column_stack([codes, truth]))
    right = model.predict(X) == truth
    assert 0 < right.mean() < 1
    partly = np.where(np.arange(120) < 40, truth, -1)
    for y, rows in [
        (truth, slice(None)),
        (truth.tolist(), slice(None)),
        (truth[:, None], slice(None)),
        (np.column_stack([codes, truth]), slice(None)),
        (np.column_stack([codes, partly]), slice(40)),
    ]:
        assert model.score(X, y) == pytest.approx(right[rows].mean())
        weight = np.arange(120) / 60
        expected = np.average(right[rows], weights=weight[rows])
        assert model.score(X, y, sample_weight=weight) == pytest.approx(expected)


def test_scores_need_a_truth(name):
    X, codes, _ = crowd()
    model = make(name).fit(X, codes)
    with pytest.raises(ValueError, match="y has 4 columns, and scores need the truth"):
        model.score(X, codes)
    model.set_params(truth_column=0)
    with pytest.raises(ValueError, match="No true label is known"):
        model.score(X, np.full_like(codes, -1))


def test_a_truth_column_in_which_nothing_is_known_is_no_obstacle(name):
    X, codes, _ = crowd()
    y = np.column_stack([codes, np.full(len(codes), -1)])
    model = make(name).set_params(truth_column=-1).fit(X, y)
    assert_array_equal(model.predict_proba(X), plain_fit(name).predict_proba(X))


def test_accuracy_of_rows_that_are_not_arrays():
    class Always:
        truth_column = None
        missing_values = -1

        def predict(self, X):
            return np.array(["yes"] * len(X))

    y = ["yes", "no", "yes", None]
    X = pd.DataFrame({"a": range(4)})
    assert crowd_accuracy(Always(), X, y) == pytest.approx(2 / 3)
    assert crowd_accuracy(Always(), X, y, [1, 5, 4, 100]) == pytest.approx(0.5)


def test_accuracy_of_inference():
    rows, labels = np.array([0, 2, 3]), np.array(["a", "b", "a"])
    held = Crowd(np.zeros((4, 2)), np.array([0, 0, 1, 1]), (rows, labels))
    assert held.inference_accuracy(np.array(["a", "b"])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shuffle", [pytest.param(False, marks=pytest.mark.slow), True])
def test_cross_validation(name, shuffle):
    X, codes, truth = crowd()
    y = np.column_stack([codes, truth])
    seed = 0 if shuffle else None
    cv = StratifiedCrowdKFold(2, truth_column=-1, shuffle=shuffle, random_state=seed)
    model = make(name, truth_column=-1)
    by_default = cross_val_score(model, X, y, cv=cv, error_score="raise")
    scorers = {s: make_crowd_scorer(s) for s in ("accuracy", "average_precision")}
    by_scorer = cross_validate(model, X, y, cv=cv, scoring=scorers, error_score="raise")
    expected, precisions = [], []
    folds = StratifiedKFold(2, shuffle=shuffle, random_state=seed).split(X, truth)
    predicted = np.full(120, -7)
    for train, test in folds:
        fold = make(name).fit(X[train], codes[train])
        predicted[test] = fold.predict(X[test])
        expected.append(np.mean(predicted[test] == truth[test]))
        proba = fold.predict_proba(X[test])[:, 1]
        precisions.append(average_precision_score(truth[test], proba))
    assert_allclose(by_default, expected)
    assert_allclose(by_scorer["test_accuracy"], expected)
    assert_allclose(by_scorer["test_average_precision"], precisions)
    assert_array_equal(cross_val_predict(model, X, y, cv=cv), predicted)


def test_cross_validation_without_folds_of_its_own(name):
    X, codes, truth = crowd()
    y = np.column_stack([codes, truth])
    scores = cross_val_score(make(name, truth_column=4), X, y, cv=2)
    assert scores.shape == (2,) and (scores > 0).all()


def test_grid_search(name):
    X, codes, truth = crowd()
    y = pd.DataFrame(np.column_stack([codes, truth]), columns=list("abcd") + ["truth"])
    prefix = "estimator__" if name not in NETS else ""
    grid = {f"{prefix}{'C' if name == 'vote' else 'lr'}": [1e-6, 0.05]}
    if name == "iced":
        grid["warmup"] = ["groups", None]
    search = GridSearchCV(
        make(name, truth_column="truth"),
        grid,
        cv=StratifiedCrowdKFold(2, truth_column="truth"),
        scoring=make_crowd_scorer("neg_log_loss", truth_column="truth"),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_[next(iter(grid))] == 0.05
    assert search.predict(X).shape == (120,)


@pytest.mark.parametrize("module", [sklearn.pipeline, imblearn.pipeline])
def test_pipelines(name, module):
    X, codes, truth = crowd()
    pipeline = module.make_pipeline(StandardScaler(), make(name, truth_column=4))
    table = np.column_stack([codes, truth])
    pipeline.fit(X, table)
    scaled = StandardScaler().fit_transform(X)
    expected = make(name).fit(scaled, codes).predict_proba(scaled)
    assert_array_equal(pipeline.predict_proba(X), expected)
    assert pipeline.score(X, table) == pipeline.score(X, truth)
    step = pipeline.steps[-1][0]
    pipeline.fit(X, table, **{f"{step}__y_true": truth})


# --- Copies --------------------------------------------------------------------------


def test_same_seed_same_result_and_the_global_generators_are_left_alone(name):
    X, codes, _ = crowd()
    np_state, torch_state = np.random.get_state(), torch.get_rng_state()
    first = make(name).fit(X, codes).predict_proba(X)
    assert_array_equal(np.random.get_state()[1], np_state[1])
    assert np.random.get_state()[2] == np_state[2]
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert_array_equal(make(name).fit(X, codes).predict_proba(X), first)
    again = make(name).fit(X, codes)
    assert_array_equal(again.fit(X, codes).predict_proba(X), first)
    if name != "vote":
        other = make(name, random_state=1).fit(X, codes)
        assert np.abs(other.predict_proba(X) - first).max() > 1e-4


def test_what_is_given_is_left_alone(name):
    X, codes, truth = crowd()
    table = np.column_stack([codes, truth]).astype(float)
    table[table < 0] = np.nan
    before = X.copy(), table.copy()
    model = make(name, truth_column=4)
    params = model.get_params(deep=False)
    model.fit(X, table).score(X, table)
    assert_array_equal(X, before[0])
    assert_array_equal(table, before[1])
    assert model.get_params(deep=False) == params
    if name not in NETS:
        assert not hasattr(model.aggregator, "classes_")
        assert not hasattr(model.estimator, "classes_")


def test_pickle_and_clone(name):
    X, codes, _ = crowd()
    model = make(name).fit(X, codes)
    proba = model.predict_proba(X)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), proba)
    assert_array_equal(again.fit(X, codes).predict_proba(X), proba)
    blank = clone(model)
    assert not hasattr(blank, "n_workers_") and not hasattr(blank, "estimator_")
    assert_array_equal(blank.fit(X, codes).predict_proba(X), proba)


@pytest.mark.slow
def test_two_jobs():
    X, codes, _ = crowd()
    expected = [make(name).fit(X, codes).predict_proba(X) for name in ALL]
    jobs = (joblib.delayed(make(name).fit)(X, codes) for name in ALL)
    models = joblib.Parallel(n_jobs=2)(jobs)
    for model, proba in zip(models, expected, strict=True):
        assert_array_equal(model.predict_proba(X), proba)


# --- Nets ----------------------------------------------------------------------------


def test_partial_fit(net_name):
    X, codes, truth = crowd()
    net = make(net_name)
    net.partial_fit(X[:80], codes[:80], classes=[0, 1], y_true=truth[:80])
    epochs, counts = len(net.history), net.class_counts_.copy()
    before = net.predict_proba(X)
    net.partial_fit(X[80:], codes[80:])
    assert len(net.history) == epochs + 3
    majority = MajorityVote().fit_predict(codes[80:])
    assert_array_equal(net.class_counts_, counts + np.bincount(majority))
    assert np.abs(net.predict_proba(X) - before).max() > 1e-6
    assert net.n_workers_ == 4
    # A chunk in which a worker gave nothing, and one label was not given.
    chunk = codes[80:].copy()
    chunk[:, 1] = -1
    chunk[(chunk < 0).all(1), 0] = 0
    net.partial_fit(X[80:], chunk)


def test_chunks_that_do_not_fit_the_first(net_name):
    X, codes, _ = crowd()
    net = make(net_name).partial_fit(X, codes)
    proba = net.predict_proba(X)
    for chunk in (codes[:, :3], codes[:, 0], np.column_stack([codes, codes])):
        with pytest.raises(ValueError, match="those of the first call were 4. Leave a"):
            net.partial_fit(X, chunk)
    with pytest.raises(ValueError, match=r"classes=\[0, 1, 2\] are not those of the f"):
        net.partial_fit(X, codes, classes=[0, 1, 2])
    strange = codes.copy()
    strange[0, 0] = 3
    with pytest.raises(ValueError, match=r"labels \[3\] that are not among"):
        net.partial_fit(X, strange)
    assert_array_equal(net.predict_proba(X), proba)


def test_warm_start(net_name):
    X, codes, _ = crowd()
    net = make(net_name, warm_start=True).fit(X, codes)
    epochs, before = len(net.history), net.predict_proba(X)
    net.fit(X, codes)
    assert len(net.history) == epochs + 3
    assert np.abs(net.predict_proba(X) - before).max() > 1e-6
    with pytest.raises(ValueError, match="annotations of 2 workers"):
        net.fit(X, codes[:, :2])
    # Without it, another crowd is as good as the first.
    net.set_params(warm_start=False).fit(X, np.maximum(codes, 0)[:, :2])
    assert net.n_workers_ == 2


def test_validation_is_against_the_majority_vote(net_name):
    X, codes, _ = crowd()
    majority = MajorityVote().fit_predict(codes)

    class Held(Callback):
        def on_epoch_end(self, net, dataset_valid=None, **kwargs):
            # Of the targets that the net is validated with.
            subset = getattr(dataset_valid, "indices", None)
            if subset is not None:
                self.y_ = np.asarray(dataset_valid.dataset.y)[subset]
                self.rows_ = subset
            else:
                self.y_ = np.asarray(dataset_valid.y)

    net = make(
        net_name,
        train_split="stratified",
        early_stopping=True,
        callbacks=[("held", Held())],
    ).fit(X, codes)
    held = dict(net.callbacks_)["held"]
    assert np.bincount(held.y_).tolist() == [
        round(0.2 * n) for n in np.bincount(majority)
    ]
    if hasattr(held, "rows_"):
        assert_array_equal(held.y_, majority[held.rows_])
    assert np.isfinite(net.history[:, "valid_average_precision"]).all()


def test_early_stopping_goes_back_to_the_best_epoch(net_name):
    X, codes, truth = crowd(n_samples=200)
    net = make(net_name, early_stopping=True, patience=3, max_epochs=60, lr=0.05)
    net.fit(X[:120], codes[:120], eval_set=(X[120:], truth[120:]))
    assert len(net.history) < 63
    score = average_precision_score(truth[120:], net.predict_proba(X[120:])[:, 1])
    own = np.array(net.history[:, "valid_average_precision"])
    rounds = own[3:] if net_name == "iced" else own
    assert score == pytest.approx(rounds.max())


def test_validation_rows_with_true_labels(net_name):
    X, codes, truth = crowd()
    names = np.array(["no", "yes"])
    net = make(net_name, early_stopping=False)
    net.fit(X, names[codes], eval_set=(X[:40], names[truth[:40]]))
    chosen = net.predict_proba(X[:40])[np.arange(40), truth[:40]]
    loss = -np.log(chosen).mean()
    assert net.history[-1, "valid_loss"] == pytest.approx(loss, rel=1e-4)
    with pytest.raises(ValueError, match="eval_set must be a pair"):
        make(net_name).fit(X, codes, eval_set=X)


def test_callbacks_score_encoded_targets(net_name):
    X, codes, _ = crowd()
    names = np.array(["no", "yes"])
    score = EpochScoring("accuracy", lower_is_better=False, name="accuracy")
    net = make(net_name, callbacks=[score], train_split="stratified")
    net.fit(X, names[codes])
    recorded = np.array(net.history[:, "accuracy"])
    assert ((recorded > 0) & (recorded <= 1)).all()


class Stops(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_a_net_that_can_be_used(net_name):
    X, codes, _ = crowd()
    params = {"warmup_epochs": 5} if net_name == "iced" else {}
    net = make(net_name, callbacks=[Stops()], **params).fit(X, codes)
    assert len(net.history) == 2
    assert_allclose(net.predict_proba(X).sum(1), 1)
    assert net.run_ is None
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict_proba(X), net.predict_proba(X))


class Saves(Callback):
    def initialize(self):
        self.saved_, self.proba_ = [], []
        return self

    def on_epoch_end(self, net, **kwargs):
        self.saved_.append(pickle.dumps(net))
        assert net.run_.crowd is not None


def test_a_net_saved_in_the_middle_of_training_holds_no_annotations(net_name):
    X, codes, _ = crowd()
    net = make(net_name, callbacks=[("saves", Saves())]).fit(X, codes)
    for saved in dict(net.callbacks_)["saves"].saved_:
        copy = pickle.loads(saved)
        assert copy.run_ is None
        assert_allclose(copy.predict_proba(X).sum(1), 1)
    copy.set_params(callbacks=None).partial_fit(X, codes)
    assert len(copy.history) == len(net.history) + 3


def test_saved_parameters(net_name, tmp_path):
    X, codes, _ = crowd()
    net = make(net_name).fit(X, codes)
    paths = {
        f"f_{part}": tmp_path / part for part in ("params", "optimizer", "criterion")
    }
    net.save_params(**paths)
    other = make(net_name, random_state=5).fit(X, codes)
    other.load_params(**paths)
    assert_array_equal(other.predict_proba(X), net.predict_proba(X))
    for mine, theirs in zip(
        other.criterion_.parameters(), net.criterion_.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_a_refused_fit_leaves_no_annotations(net_name):
    X, codes, _ = crowd()
    refuse(net_name, "infinite", np.where(X > 2, np.inf, X), codes)
    refuse(net_name, "max_epochs", X, codes, max_epochs=-1)


def test_there_are_no_row_weights(net_name):
    X, codes, _ = crowd()
    with pytest.raises(TypeError, match="sample_weight"):
        make(net_name).fit(X, codes, sample_weight=np.ones(120))


@pytest.mark.gpu
def test_cuda(net_name):
    X, codes, _ = crowd()
    net = make(net_name, device="cuda").fit(X, codes)
    assert next(net.module_.parameters()).is_cuda
    assert_allclose(net.predict_proba(X).sum(1), 1)
    net.partial_fit(X, codes)
    on_cpu = make(net_name).fit(X, codes)
    assert np.abs(on_cpu.predict_proba(X) - net.predict_proba(X)).max() < 0.5


# --- What must not pass in silence ---------------------------------------------------


@pytest.mark.parametrize("gap", [-1, np.nan, None])
@pytest.mark.parametrize("with_truth", [False, True])
def test_one_annotator_must_have_annotated_every_row(name, gap, with_truth):
    X, _, truth = crowd()
    column = truth.astype(object)
    column[::3] = gap
    y = np.column_stack([column, truth]) if with_truth else column[:, None]
    model = make(name, truth_column=-1 if with_truth else None)
    with pytest.raises(ValueError, match="Nobody annotated 40 of 120 rows"):
        model.fit(X, y)


def test_frames_in_different_orders_are_refused(name):
    X, codes, _ = crowd()
    X, y = pd.DataFrame(X), pd.DataFrame(codes)
    with pytest.raises(ValueError, match=r"another order.*y.loc\[X.index\]"):
        make(name).fit(X, y.iloc[::-1])
    # Other labels of the rows say nothing of their order.
    make(name).fit(X, y.set_axis(range(500, 620)))


@pytest.mark.parametrize("name", ["layer", "iced"])
def test_workers_keep_their_order(name):
    X, codes, _ = crowd()
    y = pd.DataFrame(codes, columns=list("abcd"))
    model = make(name).fit(X, y)
    with pytest.raises(ValueError, match="those of the first call were"):
        model.partial_fit(X, y[list("bacd")])
    model.partial_fit(X, codes)


@pytest.mark.parametrize("name", ["layer", "iced"])
def test_truth_in_other_labels_is_refused(name):
    X, codes, truth = crowd()
    with pytest.raises(ValueError, match="none of which is among the classes"):
        make(name).fit(X, codes, y_true=truth.astype(str))


def test_unknown_truth_may_be_marked_by_the_number_for_none():
    X, codes, truth = crowd()
    some = np.where(np.arange(120) % 2, -1, truth)
    gaps = np.where(np.arange(120) % 2, np.nan, truth)
    one, other = (make("iced").fit(X, codes, y_true=t) for t in (some, gaps))
    key = "inference_accuracy"
    assert one.history[:, key] == other.history[:, key]


@pytest.mark.parametrize("name", ["layer", "iced"])
def test_validation_rows_want_one_label(name):
    X, codes, _ = crowd()
    with pytest.raises(
        ValueError, match="eval_set wants one true label per row, got 4"
    ):
        make(name).fit(X, codes, eval_set=(X, codes))


def test_the_number_for_none_reaches_the_default_aggregator():
    X, codes, _ = crowd()
    model = InferThenFit(missing_values=None).fit(X, np.where(codes == 0, -1, 1))
    assert model.classes_.tolist() == [-1, 1]


def test_text_that_numpy_made_of_missing_values_is_refused(name):
    X, codes, _ = crowd()
    y = np.array(["no", "yes"])[codes]
    y[:5, 0] = "nan"
    with pytest.raises(ValueError, match="text 'nan', which NumPy makes of a missing"):
        make(name).fit(X, y)
