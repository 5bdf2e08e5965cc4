"""Meta-augmentation as a sampler."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier
from imbdeep.over_sampling import MetaAugment


def small(**params):
    return MetaAugmentClassifier(
        **{
            "pretrain_epochs": 2,
            "max_epochs": 2,
            "batch_size": 64,
            "n_bins": 4,
            "module__hidden_sizes": (8,),
            "inner_lr": 0.2,
            "device": "cpu",
            **params,
        }
    )


def sampler(sampling_strategy="auto", random_state=0, **params):
    return MetaAugment(
        sampling_strategy=sampling_strategy,
        estimator=small(**params),
        random_state=random_state,
    )


@pytest.fixture(scope="module")
def data():
    return make_classification(
        200,
        n_features=5,
        n_informative=4,
        n_redundant=0,
        n_classes=3,
        n_clusters_per_class=1,
        weights=[0.7, 0.2, 0.1],
        flip_y=0,
        random_state=0,
    )


# --- How many rows, and whose --------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {0: 140, 1: 140, 2: 140}),
        ("not majority", {0: 140, 1: 140, 2: 140}),
        ("not minority", {0: 140, 1: 140, 2: 20}),
        ("minority", {0: 140, 1: 40, 2: 140}),
        ("all", {0: 140, 1: 140, 2: 140}),
        ({2: 50}, {0: 140, 1: 40, 2: 50}),
        ({2: 21}, {0: 140, 1: 40, 2: 21}),
        (lambda y: {1: 60, 2: 60}, {0: 140, 1: 60, 2: 60}),
        ({0: 150, 1: 45, 2: 20}, {0: 150, 1: 45, 2: 20}),
    ],
)
def test_counts_follow_the_sampling_strategy(data, strategy, expected):
    X, y = data
    counts = Counter(y.tolist())
    assert counts == {0: 140, 1: 40, 2: 20}
    made = sampler(strategy)
    _, resampled = made.fit_resample(X, y)
    assert Counter(resampled.tolist()) == expected
    wanted = {k: n for k, n in made.sampling_strategy_.items() if n}
    assert wanted == {k: n - counts[k] for k, n in expected.items() if n > counts[k]}


def test_a_float_is_the_ratio_of_two_classes(data):
    X, y = data
    _, resampled = sampler(0.5).fit_resample(X[y != 2], y[y != 2])
    assert Counter(resampled.tolist()) == {0: 140, 1: 70}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_attributes_tell_how_each_row_came_about(data, dtype):
    X, y = data
    X = X.astype(dtype)
    made = sampler()
    X_new, y_new = made.fit_resample(X, y)
    n = len(X)
    # Bit for bit.
    assert X_new.dtype == dtype
    assert X_new[:n].tobytes() == X.tobytes()
    assert_array_equal(y_new[:n], y)
    assert_array_equal(made.is_synthetic_, np.arange(len(X_new)) >= n)
    assert_array_equal(made.parents_[:n], np.arange(n))
    assert_array_equal(y_new, y[made.parents_])
    shift = X_new - X[made.parents_]
    assert (shift[n:] != 0).any(1).all()
    net = made.estimator_
    assert_array_equal(net.classes_, made.classes_)
    assert_allclose(X_new[n:], net.X_synth_, rtol=1e-5, atol=1e-5)
    assert_array_equal(y_new[n:], net.y_synth_)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("clip", [True, False])
def test_rows_that_do_not_move_are_exact_duplicates(data, dtype, clip):
    X, y = data
    # Digits that float32 does not hold.
    X = (X + 1000 / 7).astype(dtype)
    made = sampler(synth_lr=0, clip=clip)
    X_new, _ = made.fit_resample(X, y)
    assert X_new.tobytes() == X[made.parents_].tobytes()
    moved = sampler(synth_lr=10.0, clip=clip).fit_resample(X, y)[0]
    assert not np.array_equal(moved, X_new)


def test_parents_are_training_rows_used_in_turn(data):
    X, y = data
    made = sampler(synth_lr=0)
    made.fit_resample(X, y)
    for label, count in ((1, 40), (2, 20)):
        times = np.bincount(made.parents_[made.is_synthetic_], minlength=200)
        times = times[y == label]
        # A fifth of each class is set aside, and gives no parents.
        assert np.count_nonzero(times) == count - round(0.2 * count)
        assert np.ptp(times[times > 0]) <= 1


def test_only_uncertain_rows_are_parents(data):
    X, y = data
    made = sampler(confidence=0.0, synth_lr=0)
    _, resampled = made.fit_resample(X, y)
    parents = made.parents_[made.is_synthetic_]
    assert Counter(resampled.tolist()) == {0: 140, 1: 140, 2: 140}
    assert len(set(parents)) == 2
    assert {y[parent] for parent in parents} == {1, 2}


def test_rows_stay_in_the_box_of_the_table_in_its_own_precision(data):
    X, y = data
    X = X + 1000 / 7
    X_new, _ = sampler(synth_lr=1e4).fit_resample(X, y)
    assert (X_new >= X.min(0)).all()
    assert (X_new <= X.max(0)).all()
    free, _ = sampler(synth_lr=1e4, clip=False).fit_resample(X, y)
    assert ((free < X.min(0)) | (free > X.max(0))).any()


@pytest.mark.parametrize("strategy", [{1: 40, 2: 20}, {}, "auto", "all"])
def test_nothing_to_make(data, strategy):
    X, y = data
    if not isinstance(strategy, dict):
        y = np.arange(200) % 2
    made = sampler(strategy)
    X_new, y_new = made.fit_resample(X, y)
    assert_array_equal(X_new, X)
    assert_array_equal(y_new, y)
    assert made.estimator_ is None
    assert not made.is_synthetic_.any()
    assert_array_equal(made.parents_, np.arange(200))


# --- Kinds of tables -----------------------------------------------------------------


def test_frames_keep_names_and_dtypes(data):
    X, y = data
    rng = np.random.RandomState(0)
    frame = pd.DataFrame({"x": X[:, 0], "single": X[:, 1].astype(np.float32)})
    frame["count"] = rng.randint(-5, 5, len(y)).astype(np.int8)
    frame["flag"] = X[:, 2] > 0
    frame["nullable"] = pd.array(rng.randint(0, 9, len(y)), dtype="Int64")
    made = sampler(synth_lr=100.0)
    new, target = made.fit_resample(frame, pd.Series(y, name="label"))
    assert list(new.columns) == list(frame.columns)
    assert (new.dtypes == frame.dtypes).all()
    assert target.name == "label"
    pd.testing.assert_frame_equal(new[:200], frame)
    synthetic = new[200:]
    assert set(synthetic["flag"].unique()) <= {True, False}
    assert synthetic["count"].between(-5, 4).all()
    assert synthetic["nullable"].between(0, 8).all()
    # Whole columns moved, too, but only as far as whole numbers let them.
    learned = made.estimator_.X_synth_
    assert_array_equal(synthetic["count"], np.rint(learned[:, 2]))
    assert_array_equal(synthetic["flag"], learned[:, 3] > 0.5)
    assert_array_equal(synthetic["nullable"].astype(float), np.rint(learned[:, 4]))
    parents = frame.iloc[made.parents_[200:]]
    assert (synthetic["count"].to_numpy() != parents["count"].to_numpy()).any()
    assert_array_equal(made.feature_names_in_, frame.columns)


def test_a_frame_of_single_precision_is_the_array_it_holds(data):
    X, y = data
    X = X.astype(np.float32)
    expected, _ = sampler().fit_resample(X, y)
    frame = pd.DataFrame(X, columns=list("abcde"))
    got, _ = sampler().fit_resample(frame, y)
    assert (got.dtypes == np.float32).all()
    assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "container",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_matrices_come_back_sparse(data, container, dtype):
    X, y = data
    X = (X * (X > 0)).astype(dtype)
    expected, target = sampler().fit_resample(X, y)
    got, got_y = sampler().fit_resample(container(X), y)
    assert sparse.issparse(got)
    assert got.format == container(X).format
    assert isinstance(got, sparse.sparray) == issubclass(container, sparse.sparray)
    assert got.dtype == dtype
    assert_array_equal(got.toarray(), expected)
    assert_array_equal(got_y, target)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_whole_arrays_are_learned_in_floating_point(data, dtype):
    X, y = data
    X = np.abs(10 * X).astype(dtype)
    X_new, _ = sampler().fit_resample(X, y)
    assert X_new.dtype == np.float64
    assert_array_equal(X_new[:200], X)
    assert (X_new[200:] % 1 != 0).any()


def test_half_precision_comes_back_as_it_was(data):
    X, y = data
    X = X.astype(np.float16)
    X_new, _ = sampler().fit_resample(X, y)
    expected, _ = RandomOverSampler(random_state=0).fit_resample(X, y)
    assert X_new.dtype == expected.dtype
    assert_array_equal(X_new[:200], X)


def test_given_tables_are_not_changed(data):
    X, y = (a.copy() for a in data)
    sampler().fit_resample(X, y)
    assert_array_equal(X, data[0])
    assert_array_equal(y, data[1])
    X_new, _ = sampler().fit_resample(X, y)
    assert not np.shares_memory(X_new, X)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-1, 0, 1]),
        np.array(["x", "y", "z"]),
        np.array([5, 3, 9], np.int32),
        np.array(["long name", "a", "b"], dtype=object),
        np.array([2.0, 1.0, 0.0]),
    ],
    ids=["-1/0/1", "text", "int32", "object", "float"],
)
def test_labels_of_any_type(data, labels):
    X, y = data
    made = sampler()
    _, resampled = made.fit_resample(X, labels[y])
    assert resampled.dtype == labels.dtype
    assert Counter(resampled.tolist()) == dict.fromkeys(labels.tolist(), 140)
    assert_array_equal(made.classes_, np.unique(labels))
    assert_array_equal(resampled, labels[y][made.parents_])


def test_two_classes_of_bool(data):
    X, y = data
    _, resampled = sampler().fit_resample(X, y == 2)
    assert Counter(resampled.tolist()) == {False: 180, True: 180}


# --- The estimator -------------------------------------------------------------------


def test_the_given_estimator_is_not_changed(data):
    X, y = data
    net = small()
    before = {k: v for k, v in net.get_params().items() if not k.startswith("callback")}
    made = MetaAugment(estimator=net, random_state=0)
    made.fit_resample(X, y)
    after = {k: v for k, v in net.get_params().items() if not k.startswith("callback")}
    assert before == after
    with pytest.raises(NotFittedError):
        net.predict(X)
    assert made.estimator is net
    assert made.estimator_ is not net


def test_the_learned_net_can_be_used(data):
    X, y = data
    made = sampler(store_synth_history=True, early_stopping=False)
    X_new, _ = made.fit_resample(X, y)
    net = made.estimator_
    assert net.predict_proba(X).shape == (200, 3)
    assert net.synth_history_.shape == (3, 220, 5)
    assert_allclose(net.synth_history_[0], X_new[made.parents_[200:]], rtol=1e-6)
    assert_allclose(net.synth_history_[-1], X_new[200:], rtol=1e-5, atol=1e-5)


def test_parameters_of_the_estimator_are_parameters_of_the_sampler(data):
    X, y = data
    made = sampler()
    assert made.get_params()["estimator__synth_lr"] == 10.0
    first, _ = made.fit_resample(X, y)
    made.set_params(estimator__synth_lr=0.0, estimator__module__hidden_sizes=(4,))
    second, _ = made.fit_resample(X, y)
    assert made.estimator_.module_.head.in_features == 4
    assert_array_equal(second, X[made.parents_])
    assert not np.array_equal(first, second)
    copy = clone(made)
    assert_array_equal(copy.fit_resample(X, y)[0], second)
    assert copy.estimator is not made.estimator


def test_the_validation_fraction_is_that_of_the_estimator(data):
    X, y = data
    made = sampler(validation_fraction=0.5, synth_lr=0)
    made.fit_resample(X, y)
    parents = made.parents_[made.is_synthetic_]
    assert len(set(parents[y[parents] == 2])) == 10


@pytest.mark.parametrize(
    "params",
    [{"train_split": None}, {"sampling_strategy": {9: 1}}, {"random_state": 9}],
)
def test_parameters_that_the_sampler_replaces(data, params):
    X, y = data
    expected, _ = sampler().fit_resample(X, y)
    made = MetaAugment(estimator=small(**params), random_state=0)
    assert_array_equal(made.fit_resample(X, y)[0], expected)


def test_a_grid_search_in_a_pipeline(data):
    X, y = data
    pipeline = make_pipeline(sampler(), LogisticRegression())
    grid = {
        "metaaugment__estimator__synth_lr": [0.0, 100.0],
        "metaaugment__sampling_strategy": ["auto", "minority"],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.predict(X).shape == (200,)


@pytest.mark.parametrize(
    "classifier", [HistGradientBoostingClassifier(max_iter=5), LogisticRegression()]
)
def test_cross_validation_of_a_pipeline(data, classifier):
    X, y = data
    y = np.array(["rare", "common"])[(y == 0).astype(int)]
    pipeline = make_pipeline(sampler(), classifier)
    scores = cross_val_score(
        pipeline, X, y, cv=3, scoring="roc_auc", error_score="raise"
    )
    assert (scores > 0.6).all()


@pytest.mark.slow
def test_the_default_estimator():
    X, y = make_classification(12, weights=[0.7], flip_y=0, random_state=0)
    X = X[:, :4]
    made = MetaAugment(random_state=0)
    _, resampled = made.fit_resample(X, y)
    assert type(made.estimator_) is MetaAugmentClassifier
    assert made.estimator is None
    counts = Counter(resampled.tolist())
    assert counts[0] == counts[1]


# --- Randomness ----------------------------------------------------------------------


def test_one_seed_one_result_and_global_state_untouched(data):
    X, y = data
    state = np.random.get_state()[1].copy()
    made = sampler(random_state=3)
    first, again = (made.fit_resample(X, y)[0] for _ in "ab")
    second = sampler(random_state=3).fit_resample(X, y)[0]
    assert_array_equal(first, second)
    assert_array_equal(first, again)
    assert_array_equal(np.random.get_state()[1], state)
    assert not np.array_equal(first, sampler(random_state=4).fit_resample(X, y)[0])


def test_a_random_state_instance_goes_on(data):
    X, y = data
    nets = [sampler(random_state=np.random.RandomState(0)) for _ in "ab"]
    first, second = (net.fit_resample(X, y)[0] for net in nets)
    assert_array_equal(first, second)
    assert not np.array_equal(first, nets[0].fit_resample(X, y)[0])


# --- Refusals ------------------------------------------------------------------------


@pytest.mark.parametrize("n_rare", [2, 3, 4])
@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_a_handful_of_rare_rows(data, n_rare, fraction):
    X, y = data
    keep = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 2)[:n_rare]]
    made = sampler(validation_fraction=fraction)
    X_new, resampled = made.fit_resample(X[keep], y[keep])
    assert Counter(resampled.tolist()) == {0: 140, 2: 140}
    assert np.isfinite(X_new).all()


def test_refuses_a_class_of_one_row(data):
    X, y = data
    keep = np.r_[np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:1]]
    y = np.array(["zero", "one", "two"])[y]
    with pytest.raises(
        ValueError, match="Class 'two' has 1 row; MetaAugment needs at least 2"
    ):
        sampler().fit_resample(X[keep], y[keep])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.array([[np.inf], [0.0], [1.0], [2.0]]), "infinite values: 1 in column 0"),
        (pd.DataFrame({"day": pd.date_range("2024", periods=4)}), r"\['day'\] hold"),
    ],
)
def test_refuses_bad_rows(X, match):
    with pytest.raises(ValueError, match=match):
        MetaAugment().fit_resample(X, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": NetClassifier()}, "'estimator' parameter of MetaAugment"),
        ({"estimator": MetaAugmentClassifier}, "'estimator' parameter of MetaAugment"),
        ({"random_state": "seed"}, "'random_state' parameter of MetaAugment"),
        ({"sampling_strategy": "duplicate"}, "sampling_strategy"),
        ({"sampling_strategy": {2: 5}}, "5 samples are asked"),
        ({"sampling_strategy": {7: 500}}, r"\{7\} target class"),
        ({"sampling_strategy": 0.5}, "type of target is binary"),
        ({"estimator": small(synth_lr=-1)}, "'synth_lr' parameter of MetaAugmentClass"),
    ],
)
def test_refuses_bad_parameters(data, params, match):
    with pytest.raises(ValueError, match=match):
        MetaAugment(**params).fit_resample(*data)


def test_unfitted_and_fitted(data):
    made = sampler()
    with pytest.raises(NotFittedError):
        check_is_fitted(made)
    made.fit_resample(*data)
    check_is_fitted(made)
    assert made.n_features_in_ == 5


# --- What it is good for -------------------------------------------------------------


def test_rows_move_where_validation_wants_them():
    """Rare training rows lie at 1, the validation rows at 3: rows move towards 3.

    The sampler draws its split from the table, so the table holds both kinds, and the
    net sees the mean of them as the place to be.
    """
    shifts = []
    for seed in range(4):
        rng = np.random.RandomState(seed)
        common = rng.randn(120, 1)
        rare = np.r_[rng.normal(0.5, 0.3, (10, 1)), rng.normal(3, 0.3, (30, 1))]
        X, y = np.r_[common, rare], np.repeat([0, 1], [120, 40])
        made = sampler(
            random_state=seed,
            synth_lr=20.0,
            max_epochs=20,
            early_stopping=False,
            numeric_encoding="standard",
            module__dropout=0.0,
        )
        X_new, _ = made.fit_resample(X, y)
        parents = X[made.parents_[160:], 0]
        low = parents < 1.5
        shifts.append(np.mean((X_new[160:, 0] - parents)[low]))
    assert np.mean(shifts) > 0.1
    assert min(shifts) > 0


@pytest.mark.parametrize("columns", [[0], {"a": True}, np.array([True, False])])
def test_columns_of_levels_are_the_samplers_to_name(columns):
    X, y = np.random.default_rng(0).random((30, 2)), np.arange(30) % 3 == 0
    net = MetaAugmentClassifier(categorical_features=columns)
    with pytest.raises(ValueError, match="would be ignored: give it as"):
        MetaAugment(estimator=net).fit_resample(X, y)
