"""What the samplers with a generator promise alike."""

import copy
import inspect
import pickle
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted
from torch import nn

import imbdeep
from imbdeep._generative import TableCodec
from imbdeep.over_sampling import GLGAN, ConditionalGAN, ConditionalWGAN, LatentSMOTE
from tests.common.slow import half_of

AUTOENCODED = [LatentSMOTE, GLGAN]
CONDITIONAL = [ConditionalGAN, ConditionalWGAN]

every_sampler = pytest.mark.parametrize("method", AUTOENCODED + CONDITIONAL)
autoencoded = pytest.mark.parametrize("method", AUTOENCODED)
conditional = pytest.mark.parametrize("method", CONDITIONAL)
# For many kinds of tables and counts, which all samplers read and make alike.
one_of_each_kind = pytest.mark.parametrize(
    "method",
    [
        LatentSMOTE,
        ConditionalGAN,
        pytest.param(GLGAN, marks=pytest.mark.slow),
        pytest.param(ConditionalWGAN, marks=pytest.mark.slow),
    ],
)


def small(method, **params):
    """An instance that is quick to train, and has learned next to nothing."""
    quick = {
        "hidden_sizes": (8,),
        "n_latent": 2,
        "max_epochs": 2,
        "tol": 0,
        "integer_features": None,
        "device": "cpu",
        "random_state": 0,
    }
    if method is GLGAN:
        quick["pretrain_epochs"] = 2
    if method is ConditionalWGAN:
        quick["critic_steps"] = 2
    return method(**quick | params)


def blobs(*counts, n_features=3, shift=4.0, seed=0):
    """A blob for each class, the rows shuffled."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return rng.randn(len(y), n_features) + shift * y[:, None], y


@pytest.fixture(scope="module")
def data():
    return blobs(30, 12, 6)


@pytest.fixture(scope="module")
def two_classes():
    return blobs(30, 10)


def mixed_frame(y, seed=0):
    """A column of every dtype, and what is to be found in each."""
    rng = np.random.RandomState(seed)
    n = len(y)
    return pd.DataFrame(
        {
            "count": rng.randint(-5, 5, n).astype(np.int8),
            "flag": rng.rand(n) > 0.5,
            # 'mauve' is known, but never occurs.
            "colour": pd.Categorical(
                rng.choice(["red", "blue"], n), categories=["blue", "mauve", "red"]
            ),
            "city": pd.Series(rng.choice(["Ulm", "Bonn", "Köln"], n), dtype="str"),
            "nullable": pd.array(rng.randint(0, 9, n), dtype="Int64"),
            "single": rng.randn(n).astype(np.float32) / 3,
            "double": rng.randn(n) + y,
        }
    )


@pytest.fixture
def adam_steps(monkeypatch):
    """Grows by one at each step of training."""
    steps = []
    step = torch.optim.Adam.step

    def counted(self, *args, **kwargs):
        steps.append(len(steps))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    return steps


@pytest.fixture
def far_away(monkeypatch):
    """Nets make rows far below and far above all others, in turns."""
    decode = TableCodec.decode

    def decode_far_away(self, rows, clip):
        turns = np.where(np.arange(len(rows)) % 2, 1e3, -1e3)
        return decode(self, np.broadcast_to(turns[:, None], rows.shape), clip)

    monkeypatch.setattr(TableCodec, "decode", decode_far_away)


class Recorder(nn.Module):
    """Passes on, and keeps, what a net is given."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.given = []

    def forward(self, x):
        self.given.append(x)
        return self.net(x)


def record_maker(sampler):
    """Puts a recorder before the net that rows come from."""
    name = "generator_" if hasattr(sampler, "generator_") else "decoder_"
    recorder = Recorder(getattr(sampler, name))
    setattr(sampler, name, recorder.eval())
    return recorder.given


# --- How many rows, and whose --------------------------------------------------------


@one_of_each_kind
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {0: 30, 1: 30, 2: 30}),
        ("minority", {0: 30, 1: 12, 2: 30}),
        ("not minority", {0: 30, 1: 30, 2: 6}),
        ("all", {0: 30, 1: 30, 2: 30}),
        ({2: 13}, {0: 30, 1: 12, 2: 13}),
        ({0: 31, 1: 12}, {0: 31, 1: 12, 2: 6}),
        (lambda y: {1: 15, 2: 16}, {0: 30, 1: 15, 2: 16}),
    ],
)
def test_counts_follow_the_sampling_strategy(method, data, strategy, expected):
    X, y = data
    assert Counter(y.tolist()) == {0: 30, 1: 12, 2: 6}
    _, resampled = small(method, sampling_strategy=strategy).fit_resample(X, y)
    assert Counter(resampled.tolist()) == expected


@one_of_each_kind
def test_a_float_is_the_ratio_of_two_classes(method, two_classes):
    _, resampled = small(method, sampling_strategy=0.8).fit_resample(*two_classes)
    assert Counter(resampled.tolist()) == {0: 30, 1: 24}


@one_of_each_kind
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_originals_come_first_bit_for_bit(method, data, dtype):
    X, y = data
    # Digits that float32 does not hold.
    X = (X + 1000 / 7).astype(dtype)
    given = X.copy()
    sampler = small(method)
    X_new, y_new = sampler.fit_resample(X, y)
    assert X_new.dtype == dtype
    assert X_new[:48].tobytes() == given.tobytes()
    assert_array_equal(X, given)
    assert not np.shares_memory(X_new, X)
    assert_array_equal(y_new[:48], y)
    assert_array_equal(sampler.is_synthetic_, np.arange(90) >= 48)
    assert np.isfinite(X_new).all()
    assert_array_equal(sampler.classes_, [0, 1, 2])
    assert sampler.n_features_in_ == 3


@one_of_each_kind
def test_seven_classes_of_which_some_grow(method):
    X, y = blobs(20, 3, 9, 2, 5, 7, 4)
    strategy = {1: 11, 3: 6, 5: 7, 0: 23}
    sampler = small(method, sampling_strategy=strategy)
    X_new, y_new = sampler.fit_resample(X, y)
    expected = {0: 23, 1: 11, 2: 9, 3: 6, 4: 5, 5: 7, 6: 4}
    assert Counter(y_new.tolist()) == expected
    assert_array_equal(X_new[:50], X)
    # Also of classes that were left as they are.
    for label in range(7):
        assert sampler.sample(3, label).shape == (3, 3)


@every_sampler
def test_rows_are_made_of_the_class_that_they_are_given(method):
    """The net gets noise and the class, or codes within the class's own box."""
    X, y = blobs(20, 8, 6)
    y = np.array(["b", "c", "a"])[y]
    sampler = small(method, sampling_strategy={"c": 30})
    sampler.fit_resample(X, y)
    given = record_maker(sampler)
    for position, label in enumerate("abc"):
        sampler.sample(40, label)
        inputs = given.pop().numpy()
        assert len(inputs) == 40
        if method in CONDITIONAL:
            expected = np.tile(np.eye(3)[position], (40, 1))
            assert_array_equal(inputs[:, -3:], expected)
            noise = inputs[:, :-3]
            assert noise.shape == (40, 2)
            assert len(np.unique(noise)) == noise.size
        else:
            own = sampler.latent_[y == label]
            assert (inputs >= own.min(0) - 1e-6).all()
            assert (inputs <= own.max(0) + 1e-6).all()


@one_of_each_kind
def test_new_rows_come_class_by_class(method):
    X, y = blobs(20, 8, 6)
    sampler = small(method, sampling_strategy={1: 11, 2: 10, 0: 25})
    _, y_new = sampler.fit_resample(X, y)
    assert_array_equal(y_new[34:], np.repeat([0, 1, 2], [5, 3, 4]))


@one_of_each_kind
@pytest.mark.parametrize("strategy", [{}, {1: 12}, "auto"])
@pytest.mark.parametrize("scaling", ["minmax", "standard", "quantile"])
def test_nothing_to_make(method, data, strategy, scaling):
    X, y = data
    if strategy == "auto":
        y = np.arange(48) % 2
    sampler = small(method, sampling_strategy=strategy, scaling=scaling)
    X_new, y_new = sampler.fit_resample(X, y)
    assert_array_equal(X_new, X)
    assert_array_equal(y_new, y)
    assert not sampler.is_synthetic_.any()
    assert sampler.sample(2, 1).shape == (2, 3)


# --- Kinds of tables -----------------------------------------------------------------


@one_of_each_kind
def test_frames_keep_names_and_dtypes(method, data):
    y = pd.Series(data[1], name="label")
    frame = mixed_frame(data[1])
    sampler = small(method, categorical_features="auto")
    new, target = sampler.fit_resample(frame, y)
    pd.testing.assert_frame_equal(new[:48], frame)
    assert target.name == "label"
    assert_array_equal(sampler.feature_names_in_, frame.columns)
    for made in (new[48:], sampler.sample(30, 1)):
        assert list(made.columns) == list(frame.columns)
        assert (made.dtypes == frame.dtypes).all()
        assert not made.isna().any(axis=None)
        assert set(made["city"]) <= {"Ulm", "Bonn", "Köln"}
        assert set(made["colour"]) <= {"red", "blue"}
        assert made["count"].between(-5, 4).all()
        assert made["nullable"].between(0, 8).all()
    assert len(new) == 90


@one_of_each_kind
def test_a_frame_of_single_precision_is_the_array_it_holds(method, data):
    X, y = data
    X = X.astype(np.float32)
    expected, _ = small(method).fit_resample(X, y)
    sampler = small(method)
    got, _ = sampler.fit_resample(pd.DataFrame(X, columns=list("abc")), y)
    assert (got.dtypes == np.float32).all()
    assert_array_equal(got, expected)
    assert (sampler.sample(3, 1).dtypes == np.float32).all()


@one_of_each_kind
def test_categories_by_name_position_and_mask(method, data):
    y = data[1]
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {"a": rng.randn(48), "b": rng.choice([3.0, 7.0, 11.0], 48), "c": rng.randn(48)}
    )
    by_name, _ = small(method, categorical_features=["b"]).fit_resample(frame, y)
    assert set(by_name["b"][48:]) <= {3.0, 7.0, 11.0}
    for columns in ([1], [-2], [False, True, False], np.array([1])):
        sampler = small(method, categorical_features=columns)
        by_position, _ = sampler.fit_resample(frame.to_numpy(), y)
        assert by_position.dtype == np.float64
        assert_array_equal(by_position, by_name)
    # Numbers are no categories unless one says so.
    for columns in ("auto", None, []):
        sampler = small(method, categorical_features=columns)
        numbers, _ = sampler.fit_resample(frame, y)
        assert not set(numbers["b"][48:]) & {3.0, 7.0, 11.0}


@one_of_each_kind
def test_a_category_seen_once(method, two_classes):
    X, y = two_classes
    colours = np.array(["red", "blue"])[np.arange(40) % 2].astype(object)
    colours[np.flatnonzero(y == 1)[0]] = "unique"
    frame = pd.DataFrame({"x": X[:, 0], "colour": colours})
    sampler = small(method)
    new, _ = sampler.fit_resample(frame, y)
    assert (new["colour"][:40] == colours).all()
    assert set(new["colour"]) == {"red", "blue", "unique"}


def categories_alone(kind):
    rng = np.random.RandomState(0)
    text = np.c_[rng.choice(["a", "bb"], 40), rng.choice(["x", "yyy", "z"], 40)]
    if kind == "frame":
        return pd.DataFrame(text, columns=["p", "q"]), "auto"
    if kind == "category":
        return pd.DataFrame(text, columns=["p", "q"], dtype="category"), "auto"
    if kind == "bool":
        return pd.DataFrame(rng.rand(40, 2) > 0.5, columns=["p", "q"]), "auto"
    if kind == "objects":
        return text.astype(object), "auto"
    if kind == "text":
        return text, [0, 1]
    return rng.randint(5, 8, (40, 2)).astype(np.int16), [0, 1]


@one_of_each_kind
@pytest.mark.parametrize(
    "kind", ["frame", "category", "bool", "objects", "text", "integers"]
)
def test_a_table_of_nothing_but_categories(method, two_classes, kind):
    _, y = two_classes
    X, columns = categories_alone(kind)
    sampler = small(method, categorical_features=columns)
    new, _ = sampler.fit_resample(X, y)
    for made in (new, sampler.sample(9, 0)):
        assert type(made) is type(X)
        for got, known in zip(np.asarray(made).T, np.asarray(X).T, strict=True):
            assert set(got.tolist()) <= set(known.tolist())
        if isinstance(X, pd.DataFrame):
            assert (made.dtypes == X.dtypes).all()
        elif kind != "text":  # text of fixed width may become objects
            assert made.dtype == X.dtype
    assert_array_equal(new[:40], X)


@one_of_each_kind
def test_objects_with_text_and_numbers(method, two_classes):
    X, y = two_classes
    table = np.empty((40, 3), dtype=object)
    table[:, 0], table[:, 2] = X[:, 0], X[:, 2]
    table[:, 1] = ["Ulm", "Bonn"] * 20
    sampler = small(method, categorical_features="auto")
    new, _ = sampler.fit_resample(table, y)
    assert new.dtype == object
    assert_array_equal(new[:40], table)
    for made in (new[40:], sampler.sample(9, 0)):
        assert set(made[:, 1]) <= {"Ulm", "Bonn"}
        assert all(isinstance(value, float) for value in made[:, [0, 2]].ravel())


@one_of_each_kind
@pytest.mark.parametrize("columns", ["auto", ["b"], [1], [False, True, False]], ids=str)
def test_columns_that_are_to_stay_whole(method, data, columns):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["b"] = np.rint(10 * frame["b"])
    sampler = small(method, integer_features=columns)
    new, _ = sampler.fit_resample(frame, y)
    for made in (new[48:], sampler.sample(20, 1)):
        whole = (made % 1 == 0).all()
        assert whole.tolist() == [False, True, False]
        assert (made.dtypes == np.float64).all()


@one_of_each_kind
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
@pytest.mark.parametrize("columns", ["auto", [True] * 3, [0, 1, 2]], ids=str)
def test_whole_arrays_come_back_whole(method, data, dtype, columns):
    X, y = data
    X = np.abs(5 * X).astype(dtype)
    sampler = small(method, integer_features=columns)
    new, _ = sampler.fit_resample(X, y)
    assert new.dtype == dtype
    assert new[:48].tobytes() == X.tobytes()
    assert sampler.sample(3, 1).dtype == dtype


@one_of_each_kind
@pytest.mark.parametrize("columns", [None, [0, 2]])
def test_whole_arrays_are_learned_in_floating_point(method, data, columns):
    X, y = data
    X = (5 * X).astype(np.int32)
    sampler = small(method, integer_features=columns)
    new, _ = sampler.fit_resample(X, y)
    assert new.dtype == sampler.sample(3, 1).dtype == np.float64
    assert_array_equal(new[:48], X)
    assert (new[48:, 1] % 1 != 0).any()
    assert (new[48:, [0, 2]] % 1 == 0).all() == (columns is not None)


@one_of_each_kind
@pytest.mark.parametrize(
    "container",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array],
)
def test_sparse_matrices_come_back_sparse(method, data, container):
    X, y = data
    X = (X * (X > 0)).astype(np.float32)
    dense = small(method)
    expected, target = dense.fit_resample(X, y)
    sampler = small(method)
    got, got_y = sampler.fit_resample(container(X), y)
    assert_array_equal(got.toarray(), expected)
    assert_array_equal(got_y, target)
    made = sampler.sample(5, 1)
    assert_array_equal(made.toarray(), dense.sample(5, 1))
    for matrix in (got, made):
        assert matrix.format == container(X).format
        assert isinstance(matrix, sparse.sparray) == issubclass(
            container, sparse.sparray
        )
        assert matrix.dtype == np.float32


@one_of_each_kind
def test_lists_come_back_as_lists(method, data):
    X, y = data
    expected, target = small(method).fit_resample(X, y)
    sampler = small(method)
    got, got_y = sampler.fit_resample(X.tolist(), y.tolist())
    assert isinstance(got, list)
    assert isinstance(got_y, list)
    assert_array_equal(got, expected)
    assert_array_equal(got_y, target)
    made = sampler.sample(2, 0)
    assert isinstance(made, list)
    assert np.shape(made) == (2, 3)


# --- The box of the training rows ----------------------------------------------------


@one_of_each_kind
@pytest.mark.parametrize("scaling", ["minmax", "standard", "quantile"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_stay_in_the_box_of_the_table(method, data, far_away, scaling, dtype):
    X, y = data
    X = (X + 1000 / 7).astype(dtype)
    sampler = small(method, scaling=scaling, clip=True)
    new, _ = sampler.fit_resample(X, y)
    for made in (new[48:], sampler.sample(6, 1)):
        # Sent beyond the ends, they stop exactly there.
        assert_array_equal(made.min(0), X.min(0))
        assert_array_equal(made.max(0), X.max(0))


@every_sampler
@pytest.mark.parametrize("scaling", ["minmax", "standard"])
def test_rows_may_leave_the_box_unless_they_are_clipped(
    method, data, far_away, scaling
):
    X, y = data
    sampler = small(method, scaling=scaling, clip=False)
    new, _ = sampler.fit_resample(X, y)
    for made in (new[48:], sampler.sample(6, 1)):
        assert (made[::2] < X.min(0)).all()
        assert (made[1::2] > X.max(0)).all()


@one_of_each_kind
@pytest.mark.parametrize(
    ("dtype", "as_frame"),
    [
        (np.int8, False),
        (np.uint8, False),
        (np.int8, True),
        (np.uint8, True),
        (bool, True),
    ],
)
def test_whole_numbers_do_not_leave_their_type(method, data, far_away, dtype, as_frame):
    X, y = data
    X = X > 4 if dtype is bool else np.abs(5 * X).astype(dtype)
    low, high = (0, 1) if dtype is bool else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if as_frame:
        X = pd.DataFrame(X, columns=list("abc"))
    sampler = small(
        method,
        categorical_features=None,
        integer_features="auto",
        clip=False,
        scaling="standard",
    )
    new, _ = sampler.fit_resample(X, y)
    made = np.asarray(new)[48:]
    assert made.dtype == dtype
    assert (made[::2] == low).all()
    assert (made[1::2] == high).all()


@one_of_each_kind
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_columns_that_do_not_vary_come_back_exactly(method, data, clip, dtype):
    X, y = data
    X = X.astype(dtype)
    X[:, 1] = 1000 / 7
    new, _ = small(method, clip=clip).fit_resample(X, y)
    assert (new[:, 1] == dtype(1000 / 7)).all()
    frame = pd.DataFrame(X).assign(city="Ulm")
    frame.columns = frame.columns.astype(str)
    new, _ = small(method, clip=clip).fit_resample(frame, y)
    assert (new["1"] == dtype(1000 / 7)).all()
    assert (new["city"] == "Ulm").all()


# --- Small, wide and odd tables ------------------------------------------------------


@conditional
def test_a_class_of_one_row_grows_from_noise(method):
    X, y = blobs(12, 1)
    sampler = small(method)
    new, resampled = sampler.fit_resample(X, y)
    assert Counter(resampled.tolist()) == {0: 12, 1: 12}
    assert np.isfinite(new).all()
    assert len(np.unique(sampler.sample(5, 1), axis=0)) == 5


@autoencoded
def test_a_class_of_one_row_has_no_neighbours(method, adam_steps):
    X, y = blobs(12, 3, 1)
    y = np.array(["common", "rare", "lonely"])[y]
    message = (
        f"Class 'lonely' has 1 row; {method.__name__} needs at least 2.*"
        "Gather more rows of it, merge it with another class or drop it"
    )
    with pytest.raises(ValueError, match=message):
        small(method).fit_resample(X, y)
    # Before any training.
    assert not adam_steps
    # It may stay as it is, but cannot be sampled either.
    sampler = small(method, sampling_strategy={"rare": 7})
    _, resampled = sampler.fit_resample(X, y)
    assert adam_steps
    assert Counter(resampled.tolist()) == {"common": 12, "rare": 7, "lonely": 1}
    with pytest.raises(ValueError, match=message):
        sampler.sample(2, "lonely")
    assert sampler.sample(2, "rare").shape == (2, 3)


@one_of_each_kind
@pytest.mark.parametrize(
    ("counts", "n_features"), [((12, 2), 3), ((2, 3), 3), ((20, 5), 1), ((8, 3), 5000)]
)
def test_few_rows_and_any_width(method, counts, n_features):
    X, y = blobs(*counts, n_features=n_features)
    sampler = small(method)
    new, resampled = sampler.fit_resample(X, y)
    assert new.shape == (2 * max(counts), n_features)
    assert set(Counter(resampled.tolist()).values()) == {max(counts)}
    assert sampler.sample(2, 0).shape == (2, n_features)


@autoencoded
@pytest.mark.parametrize("n_neighbors", [1, 3, 50])
def test_rows_lie_between_neighbours(method, n_neighbors):
    """Codes of new rows: on a line from a row to one of its nearest, in a loop."""
    X, y = blobs(20, 6)
    sampler = small(method, n_neighbors=n_neighbors)
    sampler.fit_resample(X, y)
    given = record_maker(sampler)
    sampler.sample(30, 1)
    own = sampler.latent_[y == 1].astype(float)
    for z in given.pop().numpy().astype(float):
        gaps = []
        for i, start in enumerate(own):
            order = np.argsort(np.linalg.norm(own - start, axis=1), kind="stable")
            for j in [j for j in order if j != i][:n_neighbors]:
                step = own[j] - start
                share = np.clip((z - start) @ step / (step @ step), 0, 1)
                gaps.append(np.linalg.norm(start + share * step - z))
        assert min(gaps) < 1e-5


@one_of_each_kind
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["array", "frame", "with categories"])
def test_infinite_values_are_refused_by_column(method, data, adam_steps, bad, kind):
    X, y = data
    X = X.copy()
    X[5, 1] = bad
    match = "infinite values.*: 1 in column 1"
    if kind != "array":
        X = pd.DataFrame(X, columns=["age", "income", "debt"])
        match = "infinite values.*: 1 in column 'income'"
    if kind == "with categories":
        X["city"] = "Ulm"
    with pytest.raises(ValueError, match=match):
        small(method).fit_resample(X, y)
    assert not adam_steps


@every_sampler
@pytest.mark.parametrize("integers", [None, "auto"])
@pytest.mark.parametrize(
    ("column", "match"),
    [
        (["x1", "x2"] * 24, r"Columns \['bad'\] hold text.*categorical_features"),
        (pd.date_range("2020-01-01", periods=48), r"\['bad'\] hold dates.*days since"),
    ],
    ids=["text", "dates"],
)
def test_columns_without_numbers_are_named(
    method, data, adam_steps, column, match, integers
):
    X, y = data
    frame = pd.DataFrame({"good": X[:, 0], "city": ["Ulm", "Bonn"] * 24, "bad": column})
    sampler = small(method, categorical_features=["city"], integer_features=integers)
    with pytest.raises(ValueError, match=match):
        sampler.fit_resample(frame, y)
    assert not adam_steps


@every_sampler
def test_text_is_refused_where_no_column_may_hold_it(method, data):
    X, y = data
    frame = pd.DataFrame({"good": X[:, 0], "city": ["Ulm", "Bonn"] * 24})
    with pytest.raises(ValueError, match=r"Columns \['city'\] hold text"):
        small(method, categorical_features=None).fit_resample(frame, y)


@one_of_each_kind
@pytest.mark.parametrize("bad", [None, np.nan, pd.NA], ids=str)
def test_a_missing_category_is_a_category(method, data, bad):
    X, y = data
    city = np.array(["Ulm", "Bonn"] * 24, dtype=object)
    city[1::2] = bad
    frame = pd.DataFrame({"x": X[:, 0], "city": city})
    sampler = small(method)
    new, _ = sampler.fit_resample(frame, y)
    assert set(new["city"].dropna()) == {"Ulm"}
    assert new["city"][:48].isna().sum() == 24
    assert sampler.sample(40, 1)["city"].isna().any()


@every_sampler
@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.ones((6, 2)), "No column of X varies.*nothing to learn"),
        (np.array([["2020-01-01"]] * 6, dtype="datetime64[D]"), "dates"),
        (pd.DataFrame({"day": pd.date_range("2020-01-01", periods=6)}), r"\['day'\]"),
    ],
    ids=["constant", "dates", "dates in a frame"],
)
def test_tables_that_hold_nothing_to_learn(method, adam_steps, X, match):
    with pytest.raises(ValueError, match=match):
        small(method).fit_resample(X, [0, 0, 0, 0, 1, 1])
    assert not adam_steps


@every_sampler
def test_one_class_is_refused(method, data):
    with pytest.raises(ValueError, match="more than 1 class"):
        small(method).fit_resample(data[0], np.zeros(48))


@every_sampler
@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"categorical_features": ["a"]}, "categorical_features holds names.*no data"),
        ({"categorical_features": [3]}, r"categorical_features.*\[3\].*3 columns"),
        ({"integer_features": [True]}, "integer_features is a mask"),
        ({"integer_features": [0]}, r"\[0\] are to stay whole.*integer_features"),
        ({"sampling_strategy": {7: 50}}, r"\{7\} target class"),
        ({"sampling_strategy": {1: 5}}, "5 samples are asked"),
    ],
)
def test_columns_and_counts_that_do_not_fit(method, data, adam_steps, params, match):
    with pytest.raises(ValueError, match=match):
        small(method, **params).fit_resample(*data)
    assert not adam_steps


@every_sampler
def test_every_parameter_is_checked(method, data):
    for name in inspect.signature(method).parameters:
        if name == "sampling_strategy":
            continue
        match = f"'{name}' parameter of {method.__name__}"
        with pytest.raises(ValueError, match=match):
            small(method, **{name: object()}).fit_resample(*data)


# --- When training fails -------------------------------------------------------------


def assert_not_fitted(sampler):
    with pytest.raises(NotFittedError):
        check_is_fitted(sampler)
    with pytest.raises(NotFittedError):
        sampler.sample(1, 0)
    if hasattr(sampler, "encode"):
        with pytest.raises(NotFittedError):
            sampler.encode(np.zeros((1, 3)))
    assert not [name for name in vars(sampler) if name.endswith("_")]


def learned_by(sampler):
    """What a sampler has besides its parameters."""
    return {k: v for k, v in vars(sampler).items() if k not in sampler.get_params()}


def assert_as_before(sampler, before):
    """It is not fitted, or holds the very objects of an earlier fit."""
    after = learned_by(sampler)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    if not before:
        assert_not_fitted(sampler)


@half_of(
    method=AUTOENCODED + CONDITIONAL,
    was_fitted=[False, True],
    scaling=["minmax", "standard"],
    lr=[1e6, 1e30],
)
def test_training_that_diverges_is_reported(method, data, was_fitted, scaling, lr):
    sampler = small(method, scaling=scaling)
    if was_fitted:
        sampler.fit_resample(*data)
        check_is_fitted(sampler)
    before = learned_by(sampler)
    # Adam moves each weight by the learning rate: products of layers explode.
    sampler.set_params(lr=lr, max_epochs=20)
    loss = "autoencoder" if method in AUTOENCODED else "(discriminator|generator)"
    match = rf"{method.__name__}: .*{loss} loss.* in epoch \d+.*Lower the learning rate"
    with pytest.raises(ValueError, match=match):
        sampler.fit_resample(*data)
    assert_as_before(sampler, before)


@every_sampler
@pytest.mark.parametrize("was_fitted", [False, True])
def test_an_interrupt_leaves_nothing_half_fitted(method, data, was_fitted, monkeypatch):
    sampler = small(method)
    if was_fitted:
        sampler.fit_resample(*data)
    before = learned_by(sampler)
    # Far enough for an autoencoder to be finished before an adversary is.
    left = [4]
    step = torch.optim.Adam.step

    def interrupted(self, *args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        sampler.set_params(max_epochs=20).fit_resample(*data)
    assert_as_before(sampler, before)
    assert torch.equal(torch.get_rng_state(), state)
    monkeypatch.undo()
    # And it can be fitted again.
    sampler.set_params(max_epochs=2).fit_resample(*data)
    check_is_fitted(sampler)


@one_of_each_kind
def test_bad_rows_leave_an_earlier_fit_as_it_was(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    before, again = learned_by(sampler), pickle.loads(pickle.dumps(sampler))
    with pytest.raises(ValueError):
        sampler.fit_resample(np.full((48, 3), np.nan), data[1])
    assert_as_before(sampler, before)
    assert_array_equal(sampler.sample(4, 1), again.sample(4, 1))


# --- More rows of a class ------------------------------------------------------------


@every_sampler
def test_calls_differ_and_their_order_repeats(method, data):
    first, second = small(method), small(method)
    for sampler in (first, second):
        sampler.fit_resample(*data)
    calls = [(4, 1), (4, 1), (7, 0), (4, 1)]
    made = [first.sample(n, label) for n, label in calls]
    again = [second.sample(n, label) for n, label in calls]
    for rows, repeated, (n, _) in zip(made, again, calls, strict=True):
        assert rows.shape == (n, 3)
        assert_array_equal(rows, repeated)
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[1], made[3])
    # NumPy's integers are as good.
    assert first.sample(np.int64(2), np.int64(1)).shape == (2, 3)


@one_of_each_kind
@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "2", None])
def test_sample_wants_a_count(method, data, n_samples):
    sampler = small(method)
    sampler.fit_resample(*data)
    with pytest.raises(ValueError, match=f"n_samples.*at least 1, got {n_samples!r}"):
        sampler.sample(n_samples, 1)


@one_of_each_kind
@pytest.mark.parametrize("label", [3, "1", None, -1])
def test_sample_wants_a_known_class(method, data, label):
    sampler = small(method)
    sampler.fit_resample(*data)
    match = re.escape(f"label must be one of [0, 1, 2], got {label!r}")
    with pytest.raises(ValueError, match=match):
        sampler.sample(1, label)


@every_sampler
def test_nothing_to_sample_from_before_rows_were_made(method, data):
    sampler = small(method)
    assert_not_fitted(sampler)
    # imbalanced-learn's `fit` checks, and trains nothing.
    sampler.fit(*data)
    with pytest.raises(NotFittedError):
        sampler.sample(1, 0)


@one_of_each_kind
def test_checking_once_more_does_not_break_what_was_fitted(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    sampler.fit(*data)
    try:
        check_is_fitted(sampler, "n_epochs_")
    except NotFittedError:
        with pytest.raises(NotFittedError):
            sampler.sample(2, 1)
    else:
        assert sampler.sample(2, 1).shape == (2, 3)


# --- Randomness ----------------------------------------------------------------------


def global_states():
    numpy_state = np.random.get_state()
    return (
        torch.get_rng_state().numpy().tobytes(),
        numpy_state[1].tobytes(),
        numpy_state[2:],
        random.getstate(),
    )


@every_sampler
def test_one_seed_one_result_and_global_state_untouched(method, data):
    before = global_states()
    sampler = small(method, random_state=3)
    first, _ = sampler.fit_resample(*data)
    sampler.sample(5, 1)
    assert global_states() == before
    # Whatever the global generators stand at.
    torch.rand(3), np.random.rand(3)
    again, _ = sampler.fit_resample(*data)
    assert_array_equal(again, first)
    assert_array_equal(clone(sampler).fit_resample(*data)[0], first)
    other, _ = small(method, random_state=4).fit_resample(*data)
    assert not np.array_equal(other[48:], first[48:])


@every_sampler
def test_generators_and_none_for_a_seed(method, data):
    first, second = (
        small(method, random_state=np.random.RandomState(5)).fit_resample(*data)[0]
        for _ in "ab"
    )
    assert_array_equal(first, second)
    # A generator moves on from fit to fit, but not from call to call.
    shared = np.random.RandomState(5)
    sampler = small(method, random_state=shared)
    assert_array_equal(sampler.fit_resample(*data)[0], first)
    position = shared.get_state()[2]
    sampler.sample(3, 1)
    assert shared.get_state()[2] == position
    assert not np.array_equal(sampler.fit_resample(*data)[0], first)
    unseeded = [small(method, random_state=None).fit_resample(*data)[0] for _ in "ab"]
    assert not np.array_equal(*unseeded)


# --- Living with scikit-learn --------------------------------------------------------


@every_sampler
@pytest.mark.parametrize("as_frame", [False, True])
def test_a_pickle_goes_on_where_it_was(method, data, as_frame):
    X, y = data
    X = mixed_frame(y) if as_frame else X
    sampler = small(method)
    sampler.fit_resample(X, y)
    sampler.sample(2, 1)
    for other in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler)):
        expected = copy.deepcopy(sampler).sample(4, 1)
        got = other.sample(4, 1)
        assert type(got) is type(expected)
        assert np.array_equal(got, expected)
    pickle.loads(pickle.dumps(method()))


@one_of_each_kind
def test_a_clone_is_not_fitted(method, data):
    sampler = small(method, n_latent=3)
    sampler.fit_resample(*data)
    other = clone(sampler)
    assert_not_fitted(other)
    assert other.get_params() == sampler.get_params()
    check_is_fitted(sampler)


def resampled(sampler, X, y):
    return sampler.fit_resample(X, y)[0]


def check_parallel(method, X, y, backend):
    samplers = [small(method, random_state=seed) for seed in range(4)]
    expected = [resampled(clone(sampler), X, y) for sampler in samplers]
    got = Parallel(n_jobs=2, backend=backend)(
        delayed(resampled)(sampler, X, y) for sampler in samplers
    )
    for one, other in zip(got, expected, strict=True):
        assert_array_equal(one, other)


@every_sampler
def test_two_threads_give_what_one_does(method, data):
    state = torch.get_rng_state()
    check_parallel(method, *data, "threading")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
@every_sampler
def test_two_processes_give_what_one_does(method, data):
    check_parallel(method, *data, "loky")


@one_of_each_kind
def test_pipelines_searches_and_cross_validation(method, two_classes):
    X, y = two_classes
    model = make_pipeline(small(method), LogisticRegression())
    assert np.mean(cross_val_score(model, X, y, cv=2)) > 0.5
    name = method.__name__.lower()
    search = GridSearchCV(model, {f"{name}__n_latent": [1, 3]}, cv=2).fit(X, y)
    assert search.best_params_[f"{name}__n_latent"] in (1, 3)
    assert search.best_estimator_.predict(X).shape == (40,)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


@one_of_each_kind
@pytest.mark.parametrize(
    "labels",
    [
        np.array([-1, 1]),
        np.array(["yes", "no"]),
        np.array(["long name", "a"], dtype=object),
        np.array([False, True]),
        np.array([5, 3], np.int32),
        np.array([2.0, 1.0]),
    ],
    ids=["-1/1", "text", "object", "bool", "int32", "float"],
)
def test_labels_of_any_type(method, two_classes, labels):
    X, y = two_classes
    sampler = small(method)
    _, resampled_y = sampler.fit_resample(X, labels[y])
    assert resampled_y.dtype == labels.dtype
    assert_array_equal(resampled_y[:40], labels[y])
    assert Counter(resampled_y[40:].tolist()) == {labels.tolist()[1]: 20}
    assert_array_equal(sampler.classes_, np.unique(labels))
    given = record_maker(sampler)
    for label in labels:
        for value in (label, label.item() if hasattr(label, "item") else label):
            assert sampler.sample(2, value).shape == (2, 3)
    if method in CONDITIONAL:
        order = np.searchsorted(sampler.classes_, labels)
        asked = [inputs[0, -2:].argmax().item() for inputs in given]
        assert asked == np.repeat(order, 2).tolist()


# --- What is left to look at ---------------------------------------------------------

NETS = {
    LatentSMOTE: {"encoder_", "decoder_"},
    GLGAN: {"encoder_", "decoder_", "generator_", "discriminator_", "classifier_"},
    ConditionalGAN: {"generator_", "discriminator_"},
    ConditionalWGAN: {"generator_", "discriminator_", "classifier_"},
}
PRETRAINING = {"autoencoder", "reconstruction", "cluster"}
LOSSES = {
    LatentSMOTE: PRETRAINING,
    GLGAN: PRETRAINING | {"discriminator", "classifier", "generator"},
    ConditionalGAN: {"discriminator", "generator"},
    ConditionalWGAN: {"discriminator", "distance", "classifier", "generator"},
}


@every_sampler
def test_losses_of_every_epoch(method, data):
    sampler = small(method, max_epochs=5)
    sampler.fit_resample(*data)
    assert set(sampler.loss_history_) == LOSSES[method]
    assert sampler.n_epochs_ == 5
    assert isinstance(sampler.n_epochs_, int)
    for name, losses in sampler.loss_history_.items():
        assert losses.dtype == float
        assert np.isfinite(losses).all()
        is_pretraining = method is GLGAN and name in PRETRAINING
        assert losses.shape == (2 if is_pretraining else 5,)
        assert len(set(losses.tolist())) == len(losses)
    if method is GLGAN:
        assert sampler.n_pretrain_epochs_ == 2
    else:
        assert not hasattr(sampler, "n_pretrain_epochs_")


@autoencoded
def test_the_autoencoder_loss_is_that_of_its_parts(method, data):
    sampler = small(method, cluster_weight=0.7, weight_decay=0)
    sampler.fit_resample(*data)
    losses = sampler.loss_history_
    total = losses["reconstruction"] + 0.7 * losses["cluster"]
    assert_allclose(losses["autoencoder"], total, rtol=1e-5)
    decayed = small(method, cluster_weight=0.7, weight_decay=0.1)
    decayed.fit_resample(*data)
    assert decayed.loss_history_["autoencoder"][0] > total[0]


@every_sampler
def test_training_stops_when_losses_do_not_change(method, data):
    # Anything is within a million times itself.
    sampler = small(method, tol=1e6, patience=3, max_epochs=50)
    if method is GLGAN:
        sampler.set_params(pretrain_epochs=50)
    sampler.fit_resample(*data)
    assert sampler.n_epochs_ == 6
    if method is GLGAN:
        assert sampler.n_pretrain_epochs_ == 6
    sampler.set_params(tol=0, max_epochs=9).fit_resample(*data)
    assert sampler.n_epochs_ == 9
    sampler.set_params(tol=1e6, max_epochs=4).fit_resample(*data)
    assert sampler.n_epochs_ == 4


@every_sampler
@pytest.mark.parametrize(
    ("batch_size", "n_batches"), [(1, 16), (7, 3), (16, 1), (100, 1)]
)
def test_steps_of_an_epoch(method, adam_steps, batch_size, n_batches):
    sampler = small(method, batch_size=batch_size, max_epochs=1)
    sampler.fit_resample(*blobs(10, 4, 2))
    expected = {
        LatentSMOTE: n_batches,
        GLGAN: (2 + 3) * n_batches,
        ConditionalGAN: 2 * n_batches,
        ConditionalWGAN: (2 + 2) * n_batches,
    }
    assert len(adam_steps) == expected[method]


@every_sampler
def test_an_automatic_step_has_many_rows(method, adam_steps):
    X, y = blobs(10, 4, 2)
    small(method, batch_size="auto").fit_resample(X, y)
    automatic = len(adam_steps)
    small(method, batch_size=1).fit_resample(X, y)
    assert 0 < automatic < (len(adam_steps) - automatic) / 5


@every_sampler
def test_progress_is_shown_on_demand(method, data, capsys):
    small(method, verbose=0).fit_resample(*data)
    assert capsys.readouterr() == ("", "")
    small(method, verbose=1).fit_resample(*data)
    out, err = capsys.readouterr()
    assert out == ""
    assert method.__name__ in err
    assert "2/2" in err


@every_sampler
def test_nets_are_ready_to_use(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    found = {k: v for k, v in vars(sampler).items() if isinstance(v, nn.Module)}
    assert set(found) == NETS[method]
    for net in found.values():
        assert not any(module.training for module in net.modules())
        parameters = list(net.parameters())
        assert parameters
        for parameter in parameters:
            assert parameter.device.type == "cpu"
    # Sampling leaves them so.
    sampler.sample(2, 1)
    assert not any(net.training for net in found.values())


@one_of_each_kind
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "auto"])
def test_devices(method, data, device):
    new, _ = small(method, device=device).fit_resample(*data)
    if not torch.cuda.is_available():
        assert_array_equal(new, small(method).fit_resample(*data)[0])


@pytest.mark.gpu
@every_sampler
def test_training_on_a_gpu_comes_back_to_the_cpu(method, data):
    X, y = data
    states = torch.get_rng_state(), torch.cuda.get_rng_state()
    sampler = small(method, device="cuda")
    new, resampled_y = sampler.fit_resample(X, y)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(torch.cuda.get_rng_state(), states[1])
    assert Counter(resampled_y.tolist()) == {0: 30, 1: 30, 2: 30}
    assert_array_equal(new[:48], X)
    assert (new >= X.min(0)).all()
    assert (new <= X.max(0)).all()
    nets = [net for net in vars(sampler).values() if isinstance(net, nn.Module)]
    assert len(nets) == len(NETS[method])
    assert all(p.device.type == "cpu" for net in nets for p in net.parameters())
    again, _ = small(method, device="cuda").fit_resample(X, y)
    assert_allclose(again, new, rtol=1e-3, atol=1e-3)
    loaded = pickle.loads(pickle.dumps(sampler))
    assert_array_equal(loaded.sample(3, 1), sampler.sample(3, 1))


# --- Codes ---------------------------------------------------------------------------


@autoencoded
@pytest.mark.parametrize("kind", ["array", "frame", "sparse", "list"])
def test_codes_of_rows(method, data, kind):
    X, y = data
    as_kind = {
        "array": X,
        "frame": mixed_frame(y),
        "sparse": sparse.csr_matrix(X),
        "list": X.tolist(),
    }[kind]
    sampler = small(method, n_latent=3)
    sampler.fit_resample(as_kind, y)
    codes = sampler.encode(as_kind)
    assert codes.shape == (48, 3)
    assert codes.dtype == np.float32
    assert_allclose(codes, sampler.latent_, rtol=1e-5, atol=1e-6)
    assert_allclose(sampler.encode(as_kind[5:7]), codes[5:7], rtol=1e-5, atol=1e-6)
    # Rows apart have codes apart.
    assert len(np.unique(codes, axis=0)) == 48
    assert sampler.encode(sampler.sample(4, 1)).shape == (4, 3)


@autoencoded
@pytest.mark.parametrize(
    "kind", ["frame", "category", "bool", "objects", "text", "integers"]
)
def test_codes_of_categories(method, two_classes, kind):
    X, columns = categories_alone(kind)
    sampler = small(method, categorical_features=columns)
    sampler.fit_resample(X, two_classes[1])
    assert_allclose(sampler.encode(X), sampler.latent_, rtol=1e-5, atol=1e-6)


@autoencoded
def test_codes_of_rows_that_do_not_fit(method, data):
    X, y = data
    sampler = small(method)
    sampler.fit_resample(X, y)
    with pytest.raises(ValueError, match="2 features"):
        sampler.encode(X[:, :2])
    assert np.isfinite(sampler.encode(np.full((1, 3), np.nan))).all()
    frame = pd.DataFrame({"x": X[:, 0], "city": ["Ulm", "Bonn"] * 24})
    sampler.fit_resample(frame, y)
    with pytest.raises(ValueError, match=r"\['city'\].*\['Rome'\]"):
        sampler.encode(frame.assign(city="Rome"))


# --- Images --------------------------------------------------------------------------


def images(kind):
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [16, 5])
    if kind == "uint8":
        return rng.randint(3, 250, (21, 8, 8)).astype(np.uint8), y
    return rng.randn(21, 3, 9, 7).astype(kind), y


class FlatAutoencoder(nn.Module):
    """A user's own, for images of any shape, with codes of length 5."""

    def __init__(self, *shape):
        super().__init__()
        size = int(np.prod(shape))
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(size, 5))
        self.decoder = nn.Sequential(nn.Linear(5, size), nn.Unflatten(1, shape))


@half_of(method=AUTOENCODED, kind=["uint8", "float32", "float64"], own=[False, True])
def test_images(method, kind, own):
    X, y = images(kind)
    autoencoder = FlatAutoencoder(*X.shape[1:]) if own else None
    sampler = small(method, autoencoder=autoencoder, n_latent=4)
    new, resampled_y = sampler.fit_resample(X, y)
    assert Counter(resampled_y.tolist()) == {0: 16, 1: 16}
    assert new.dtype == X.dtype
    assert new[:21].tobytes() == X.tobytes()
    assert_array_equal(sampler.is_synthetic_, np.arange(32) >= 21)
    more = sampler.sample(3, 0)
    assert more.shape == (3, *X.shape[1:])
    assert more.dtype == X.dtype
    for made in (new, more):
        assert made.min() >= X.min()
        assert made.max() <= X.max()
    codes = sampler.encode(X)
    assert codes.shape == (21, 5 if own else 4)
    assert_allclose(codes, sampler.latent_, rtol=1e-4, atol=1e-5)
    assert sampler.encode(X[:2]).shape == codes[:2].shape
    again, _ = clone(sampler).fit_resample(X, y)
    assert_array_equal(again, new)


@autoencoded
@pytest.mark.parametrize("n_features", [None, 3])
def test_a_given_autoencoder_is_copied(method, data, n_features):
    X, y = data if n_features else images("float32")
    own = FlatAutoencoder(*X.shape[1:])
    before = copy.deepcopy(own.state_dict())
    sampler = small(method, autoencoder=own)
    sampler.fit_resample(X, y)
    assert sampler.autoencoder is own
    assert own.training
    for name, value in own.state_dict().items():
        assert torch.equal(value, before[name])
        assert own.get_parameter(name).requires_grad
    # The copy has learned.
    trained = sampler.encoder_.state_dict()
    assert any(
        not torch.equal(value, before[f"encoder.{name}"])
        for name, value in trained.items()
    )
    assert sampler.latent_.shape == (len(X), 5)


@autoencoded
@pytest.mark.parametrize(
    "own",
    [
        nn.Linear(3, 3),
        # Its rows are too short: subtraction would stretch them.
        nn.ModuleDict({"encoder": nn.Linear(3, 2), "decoder": nn.Linear(2, 1)}),
    ],
    ids=["no encoder", "short rows"],
)
def test_an_autoencoder_that_does_not_fit(method, data, adam_steps, own):
    if isinstance(own, nn.ModuleDict):
        own.encoder, own.decoder = own["encoder"], own["decoder"]
    with pytest.raises(ValueError, match="autoencoder"):
        small(method, autoencoder=own).fit_resample(*data)
    assert not adam_steps


@conditional
def test_images_are_refused_where_rows_are_tables(method):
    match = f"{method.__name__} takes tables.*3 dimensions: .*DCGANSampler"
    with pytest.raises(ValueError, match=match):
        small(method).fit_resample(*images("uint8"))


@autoencoded
@pytest.mark.parametrize("name", ["categorical_features", "integer_features"])
def test_images_have_no_columns(method, name):
    with pytest.raises(ValueError, match=rf"{name} names columns.*3 dimensions"):
        small(method, **{name: [0]}).fit_resample(*images("uint8"))


@autoencoded
def test_images_that_cannot_be_learned(method):
    X, y = images("float32")
    with pytest.raises(ValueError, match="NaN|missing"):
        small(method).fit_resample(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="All pixels of X are"):
        small(method).fit_resample(np.ones_like(X), y)


# --- What is learned -----------------------------------------------------------------

LEARNS = {
    LatentSMOTE: {"lr": 5e-3, "max_epochs": 200},
    GLGAN: {"lr": 5e-3, "pretrain_epochs": 200, "max_epochs": 60},
    ConditionalGAN: {"lr": 2e-3, "max_epochs": 300},
    ConditionalWGAN: {"lr": 2e-3, "max_epochs": 100},
}


def learned(method, seed, **params):
    return small(
        method,
        hidden_sizes=(32,),
        n_latent=4,
        random_state=seed,
        **LEARNS[method] | params,
    )


@pytest.mark.slow
@every_sampler
@pytest.mark.parametrize(("n_features", "scaling"), [(2, "minmax"), (4, "standard")])
def test_rows_look_like_those_of_their_class(method, n_features, scaling):
    near, spread = [], []
    for seed in range(5):
        X, y = blobs(300, 15, n_features=n_features, seed=seed)
        sampler = learned(method, seed, scaling=scaling)
        new, _ = sampler.fit_resample(X, y)
        for made in (new[315:], sampler.sample(100, 1)):
            common, rare = (
                np.linalg.norm(made - X[y == label].mean(0), axis=1) for label in (0, 1)
            )
            near.append(np.mean(rare < common))
            variance = made.var(0).sum() / X[y == 1].var(0).sum()
            spread.append(np.sqrt(variance))
    assert np.mean(near) >= 0.9
    assert np.mean(spread) >= 0.25


@pytest.mark.slow
@every_sampler
def test_a_category_of_the_rare_class_stays_with_it(method):
    red = []
    for seed in range(5):
        X, y = blobs(300, 15, n_features=2, seed=seed)
        rng = np.random.RandomState(seed)
        colour = np.where(y == 1, "red", rng.choice(["blue", "green"], len(y)))
        frame = pd.DataFrame(X, columns=["a", "b"]).assign(colour=colour)
        sampler = learned(method, seed)
        new, _ = sampler.fit_resample(frame, y)
        red.append((new["colour"][315:] == "red").mean())
        red.append((sampler.sample(100, 1)["colour"] == "red").mean())
    assert np.mean(red) > 0.8


MEMORY = """
import resource, sys
import numpy as np, torch
import imbdeep.over_sampling
torch.set_num_threads(1)
name, n, params = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
rng = np.random.RandomState(0)
X, y = rng.randn(n, 4), np.arange(n) % 10 == 0
getattr(imbdeep.over_sampling, name)(**params).fit_resample(X, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
@every_sampler
def test_memory_grows_with_the_rows_not_their_square(method):
    params = small(method).get_params()
    given = {k: v for k, v in params.items() if v is not None}
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", MEMORY, method.__name__, str(n), repr(given)],
                cwd=Path(imbdeep.__file__).parents[1],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for n in (2_000, 8_000)
    ]
    # A matrix of 8,000 by 8,000 numbers of single precision has 250,000 KiB.
    assert peaks[1] - peaks[0] < 60_000


# --- What a second reading found -----------------------------------------------------


@one_of_each_kind
def test_integers_beyond_float64_stay_unchanged(method, data):
    y = data[1]
    ids = np.random.default_rng(0).integers(2**60, 2**61, (len(y), 3))
    frame = pd.DataFrame(ids, columns=list("abc"))
    sampler = small(method)
    resampled, _ = sampler.fit_resample(frame, y)
    assert (resampled.dtypes == np.int64).all()
    assert_array_equal(resampled[: len(y)].to_numpy(), ids)
    made = resampled[len(y) :].to_numpy()
    assert ((made >= ids.min(0)) & (made <= ids.max(0))).all()


@one_of_each_kind
def test_an_array_of_booleans_comes_back_as_one(method, data):
    X, y = data[0] > 0, data[1]
    resampled, _ = small(method).fit_resample(X, y)
    assert resampled.dtype == bool
    assert_array_equal(resampled[: len(y)], X)


@every_sampler
@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"device": "gpu"}, "device='gpu' is unknown"),
        ({"hidden_sizes": (8.5,)}, "hidden_sizes must hold whole numbers"),
        ({"hidden_sizes": ("a",)}, "hidden_sizes must hold whole numbers"),
        ({"hidden_sizes": (0,)}, "hidden_sizes must hold whole numbers"),
    ],
)
def test_parameters_that_no_net_can_have(method, data, params, match):
    with pytest.raises(ValueError, match=match):
        small(method, **params).fit_resample(*data)


@one_of_each_kind
def test_parameters_set_after_the_fit_wait_for_the_next(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    sampler.set_params(n_latent=7, hidden_sizes=(3,))
    assert sampler.sample(2, 1).shape == (2, 3)


@one_of_each_kind
def test_checking_other_rows_forgets_the_fit(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    sampler.fit(data[0][:, :2], data[1])
    with pytest.raises(NotFittedError):
        sampler.sample(2, 1)


@every_sampler
def test_state_of_torch_does_not_matter(method, data):
    expected, _ = small(method).fit_resample(*data)
    with torch.no_grad():
        assert_array_equal(small(method).fit_resample(*data)[0], expected)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        got, _ = small(method).fit_resample(*data)
    finally:
        torch.set_default_dtype(before)
    assert got.shape == expected.shape and np.isfinite(got).all()


class Parts(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


@pytest.mark.parametrize("method", AUTOENCODED)
def test_trained_nets_are_a_place_to_start(method, data):
    first = small(method)
    first.fit_resample(*data)
    again = small(method, autoencoder=Parts(first.encoder_, first.decoder_))
    assert again.fit_resample(*data)[0].shape == first.fit_resample(*data)[0].shape


@pytest.mark.parametrize("method", AUTOENCODED)
def test_the_users_autoencoder_is_left_alone(method, data):
    own = Parts(
        nn.Sequential(nn.LazyLinear(4), nn.BatchNorm1d(4)).eval(), nn.Linear(4, 3)
    )
    small(method, autoencoder=own).fit_resample(*data)
    assert isinstance(own.encoder[0], nn.LazyLinear)
    assert not own.encoder[1].training


class Pair(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize("method", AUTOENCODED)
@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ((Pair(), nn.Linear(3, 3)), "does not take encoded rows"),
        ((nn.Linear(3, 2), nn.Linear(2, 3).requires_grad_(False)), "nothing to train"),
    ],
)
def test_autoencoders_that_cannot_be_trained(method, data, parts, match):
    with pytest.raises(ValueError, match=match):
        small(method, autoencoder=Parts(*parts)).fit_resample(*data)


@pytest.mark.parametrize("method", AUTOENCODED)
def test_codes_of_rows_too_far_out(method, data):
    sampler = small(method)
    sampler.fit_resample(*data)
    with pytest.raises(ValueError, match="too far from those of the fitted rows"):
        sampler.encode(data[0] * 1e300)


# Beside a category, each alone: scikit-learn finds a common dtype for some.
BESIDE = {
    "bool": lambda rng, n: rng.random(n) < 0.5,
    "boolean": lambda rng, n: pd.array(rng.random(n) < 0.5, dtype="boolean"),
    "Int64": lambda rng, n: pd.array(rng.integers(0, 9, n), dtype="Int64"),
    "Float32": lambda rng, n: pd.array(rng.random(n), dtype="Float32"),
    "int8": lambda rng, n: rng.integers(0, 9, n).astype("int8"),
    "float32": lambda rng, n: rng.random(n).astype("float32"),
    "str": lambda rng, n: rng.choice(["u", "v"], n),
}


@one_of_each_kind
@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("values", [["Bonn", "Ulm"], [3, 5]], ids=["text", "numbers"])
def test_a_category_beside_a_column_of_another_kind(method, data, beside, values):
    y = data[1]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(rng.choice(values, len(y))),
            "other": BESIDE[beside](rng, len(y)),
        }
    )
    sampler = small(method)
    resampled, _ = sampler.fit_resample(frame, y)
    assert resampled.dtypes.equals(frame.dtypes)
    pd.testing.assert_frame_equal(resampled[: len(y)], frame)
    assert set(resampled["city"]) <= set(values)
    assert sampler.sample(3, 1).dtypes.equals(frame.dtypes)
    if method in AUTOENCODED:
        assert_allclose(sampler.encode(frame), sampler.latent_, rtol=1e-4, atol=1e-5)
