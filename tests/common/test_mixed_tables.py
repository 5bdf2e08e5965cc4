"""Tables as they come, in every classifier and sampler that there is."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils import get_tags

from imbdeep.attacks import adversarial_rows
from imbdeep.classifiers import NetClassifier
from imbdeep.utils import all_estimators

from .estimators import (
    CLASSIFIERS,
    IMAGE_CLASSIFIERS,
    IMAGE_SAMPLERS,
    SAMPLERS,
    each,
    each_that_reads,
    is_quick,
)
from .nets import NETS, quick
from .slow import slow_if

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]

# What a net draws for each column of X, in their order: random starts of attacks, and
# the first weights of ICED's decoder.
ORDERED = {
    *("adversarial", "srat", "srat-ce", "imb-mix", "imb-mix-mixup", "shared", "iced"),
    *("shared-smooth", "noise"),
}


def mixed(n=160, random_state=0):
    """A frame with columns of every kind, and labels that two of them decide."""
    rng = np.random.default_rng(random_state)
    X = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "flag": rng.random(n) < 0.5,
            "text": rng.choice(["Ulm", "Bonn", "Rome"], n),
            "category": pd.Categorical(rng.integers(0, 40, n)),
            "whole": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "constant": 1.0,
            "nothing": np.nan,
            "maybe": pd.array(rng.random(n) < 0.5, dtype="boolean"),
        }
    )
    y = ((X["text"] == "Ulm") & (X["number"] > -0.3)).to_numpy().astype(int)
    X.loc[rng.random(n) < 0.1, "text"] = None
    X.loc[rng.random(n) < 0.1, "whole"] = pd.NA
    X.loc[rng.random(n) < 0.1, "maybe"] = pd.NA
    return X, y


def later_rows(X):
    """Rows with what training lacks: levels, and gaps where there were none."""
    Z = X.copy()
    Z["category"] = Z["category"].astype(object)
    Z.loc[:20, "text"] = "Oslo"
    Z.loc[:20, "category"] = 77
    Z.loc[10:30, "number"] = np.nan
    Z.loc[10:30, "category"] = None
    Z["flag"] = Z["flag"].astype(object)
    Z.loc[10:30, "flag"] = None
    Z["constant"] = np.where(np.arange(len(Z)) % 2, np.nan, 5.0)
    Z["nothing"] = np.arange(len(Z), dtype=float)
    return Z


def test_every_estimator_is_tried():
    tried = {type(one) for one in [*CLASSIFIERS.values(), *SAMPLERS.values()]}
    of_images = [*IMAGE_SAMPLERS.values(), *IMAGE_CLASSIFIERS.values()]
    take_no_tables = set(map(type, of_images))
    assert tried | take_no_tables >= {
        c for _, c in all_estimators(["classifier", "sampler"])
    }
    for sampler in IMAGE_SAMPLERS.values():
        with pytest.raises(ValueError, match="takes images"):
            clone(sampler).fit_resample(*mixed())
    for classifier in IMAGE_CLASSIFIERS.values():
        with pytest.raises(ValueError, match="X is a table"):
            clone(classifier).fit(*mixed())


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_nets_take_it_and_what_comes_later(name):
    X, y = mixed()
    net = quick(name).fit(X, y)
    proba = net.predict_proba(later_rows(X))
    assert np.isfinite(proba).all()
    known = net.predict_proba(X)
    Z = X.copy()
    Z["constant"], Z["nothing"] = 5.0, 1.0
    # What did not vary in training makes no difference.
    assert_array_equal(net.predict_proba(Z), known)


@pytest.mark.parametrize("name", ["infer-then-fit", "infer-then-fit-net"])
def test_what_wraps_a_classifier_takes_what_that_takes(name):
    X, y = mixed()
    wrapper = clone(CLASSIFIERS[name])
    if get_tags(wrapper).input_tags.allow_nan:
        wrapper.fit(X, y)
        assert np.isfinite(wrapper.predict_proba(later_rows(X))).all()
    else:
        with pytest.raises(ValueError, match="could not convert string"):
            wrapper.fit(X, y)


@pytest.mark.parametrize(
    "name, container",
    [("net", c) for c in ("pandas", "polars", "pyarrow", "list")]
    + [slow_if(not is_quick(name, NETS), name, "array") for name in NETS],
)
def test_what_training_has_nothing_of_makes_no_difference_later(name, container):
    X, y = mixed()
    X = X[["number", "text"]]
    held = {
        "pandas": lambda X: X,
        "polars": pl.from_pandas,
        "pyarrow": pa.Table.from_pandas,
        "array": lambda X: X.to_numpy(object),
        "list": lambda X: X.to_numpy(object).tolist(),
    }[container]
    empty = held(X.assign(own=pd.Series([None] * len(X), dtype=object)))
    net = quick(name).fit(empty, y)
    expected = net.predict_proba(empty)
    for values in (["a", "b"] * 80, np.arange(160), [True, None] * 80):
        later = net.predict_proba(held(X.assign(own=values)))
        assert_array_equal(later, expected)


def test_columns_of_unseen_levels_alone_are_named_once():
    X, y = mixed()
    X = X[["number", "text", "category"]]
    net = quick("net").fit(X, y)
    codes = X.assign(category=X["category"].cat.codes.astype(str) + "?")
    with pytest.warns(UserWarning, match=r"\['category'\] hold no level that") as seen:
        net.predict(codes)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.predict(codes[:9])
        mended = codes.assign(category=["?"] * 159 + [X["category"].iloc[0]])
        net.predict(mended)
        net.predict(X.assign(category=None, text=None))
        # Training has no level there.
        empty = X.assign(own=pd.Series([None] * len(X), dtype=object))
        quick("net").fit(empty, y).predict(empty.assign(own="a"))


def test_numbers_of_which_training_has_none_cannot_be_text_later():
    X, y = mixed()
    X = X[["number", "text", "nothing"]]
    later = X.assign(nothing="a")
    message = r"\['nothing'\] hold text. In training they held numbers, or no value"
    with pytest.raises(ValueError, match=message):
        quick("net").fit(X, y).predict(later)
    net = quick("net", categorical_features=["text", "nothing"]).fit(X, y)
    assert_array_equal(net.predict_proba(later), net.predict_proba(X))


def equal_frames(X):
    """The same table with other names, dtypes and libraries."""
    renamed = X.copy()
    # Sorted in the opposite order.
    renamed["text"] = X["text"].map({"Ulm": "a", "Rome": "b", "Bonn": "c"})
    as_text = X.copy()
    as_text["category"] = X["category"].astype(str)
    as_category = X.assign(text=X["text"].astype("category"))
    yield "renamed", renamed
    yield "category as text", as_text
    yield "text as category", as_category
    yield "polars", pl.from_pandas(X.assign(category=X["category"].astype(int)))


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_the_same_table_is_the_same_net(name):
    X, y = mixed()
    expected = quick(name).fit(X, y).predict_proba(X)
    for case, other in equal_frames(X):
        if case == "polars":
            levels = [3] + [X.columns.get_loc(c) for c in ("flag", "text", "maybe")]
            net = quick(name, categorical_features=levels)
        else:
            net = quick(name)
        found = net.fit(other, y).predict_proba(other)
        assert_array_equal(found, expected, err_msg=case)


@pytest.mark.parametrize("own", ["\ud800", "\x00", "\x85", ""], ids=ascii)
@pytest.mark.parametrize("container", ["array", "frame"])
def test_text_that_not_every_library_can_hold_is_a_level(own, container):
    X, y = mixed()
    given = X[["number", "text"]].to_numpy(object)
    other = given.copy()
    other[given == "Ulm"] = own
    if container == "frame":
        given, other = (pd.DataFrame(rows, dtype=object) for rows in (given, other))
    net = quick("net").fit(other, y)
    expected = quick("net").fit(given, y).predict_proba(given)
    assert_array_equal(net.predict_proba(other), expected)
    asked = {"eps": 0.0, "attack": "square", "queries": 20, "levels": {1: [own]}}
    found = np.asarray(adversarial_rows(net, other, y, **asked))
    # In lists: NumPy takes a zero at the end of a text for no text.
    texts = np.asarray(other)[:, 1].tolist()
    assert found[:, 1].tolist().count(own) > texts.count(own)
    sampler = clone(SAMPLERS["remix"]).fit(other, y)
    made = np.asarray(sampler.fit_resample(other, y)[0])[len(y) :, 1]
    assert own in made.tolist()


@pytest.mark.parametrize(
    "name", each({name: net for name, net in NETS.items() if name not in ORDERED})
)
def test_the_order_of_columns_makes_no_difference(name):
    X, y = mixed()
    expected = quick(name).fit(X, y).predict_proba(X)
    Z = X[list(X.columns[::-1])]
    # In-batch distances are sums over the columns.
    np.testing.assert_allclose(
        quick(name).fit(Z, y).predict_proba(Z), expected, rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("name", each(SAMPLERS))
@pytest.mark.parametrize("library", ["pandas", "polars", "objects"])
def test_samplers_take_it(name, library):
    X, y = mixed()
    given = {
        "pandas": X,
        "polars": pl.from_pandas(X.assign(category=X["category"].astype(int))),
        "objects": X.astype(object).to_numpy(),
    }[library]
    sampler = clone(SAMPLERS[name])
    found, labels = sampler.fit_resample(given, y)
    assert np.bincount(labels).tolist() == [np.bincount(y).max()] * 2
    made = sampler.is_synthetic_
    if library == "pandas":
        pd.testing.assert_series_equal(found.dtypes, X.dtypes)
        original = found[~made].reset_index(drop=True)
        pd.testing.assert_frame_equal(original, X)
        frame = found[made]
    elif library == "polars":
        assert found.schema == given.schema
        frame = found.filter(pl.Series(made)).to_pandas()
    else:
        assert found.dtype == object
        frame = pd.DataFrame(found[made], columns=X.columns)
    # Booleans of an array of objects are numbers.
    for column in ("text",) if library == "objects" else ("flag", "text", "maybe"):
        assert set(frame[column].dropna()) <= set(X[column].dropna())
    whole = frame["whole"].dropna().astype(float)
    if library != "objects":
        assert (whole == whole.round()).all()
    assert frame["nothing"].isna().all()
    assert (frame["constant"] == 1).all()
    assert frame["number"].notna().all()


@pytest.mark.parametrize("name", each(SAMPLERS))
@pytest.mark.parametrize("of", [int, Decimal, bool])
@pytest.mark.parametrize("library", ["pandas", "polars", "objects"])
def test_numbers_among_objects_with_gaps_stay_of_their_type(name, of, library):
    rng = np.random.default_rng(0)
    n = 120
    y = (rng.random(n) < 0.25).astype(int)
    values = [None if rng.random() < 0.2 else of(v) for v in range(n)]
    number = rng.normal(size=n)
    if library == "polars":
        column = pl.Series(values, dtype=pl.Object)
        X = pl.DataFrame({"number": number, "own": column})
    else:
        X = pd.DataFrame({"number": number, "own": pd.Series(values, dtype=object)})
        X = X.to_numpy(object) if library == "objects" else X
    sampler = clone(SAMPLERS[name]).set_params(categorical_features=None)
    found, _ = sampler.fit_resample(X, y)
    found = found[:, 1] if library == "objects" else found["own"].to_list()
    assert list(found[:n]) == values
    assert {type(value) for value in found[n:]} == {of, type(None)}


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_numbers_are_missing_as_often_as_in_the_class(name):
    X, y = mixed(600)
    X.loc[y == 1, "gaps"] = X.loc[y == 1, "gaps"].mask(
        np.arange((y == 1).sum()) % 2 == 0
    )
    share = X.loc[y == 1, "gaps"].isna().mean()
    sampler = clone(SAMPLERS[name])
    found, _ = sampler.fit_resample(X, y)
    made = found[sampler.is_synthetic_]
    assert made["gaps"].isna().mean() == pytest.approx(share, abs=0.12)


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_boosting_takes_what_a_sampler_gives(name):
    from imblearn.pipeline import make_pipeline
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, y = mixed()
    # It cannot bin a column of nothing.
    X = X.drop(columns="nothing").assign(text=X["text"].astype("category"))
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype")
    model = make_pipeline(clone(SAMPLERS[name]), trees).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_attacks_leave_levels_and_gaps_alone(name):
    X, y = mixed()
    net = quick(name).fit(X, y)
    for attack in ("pgd", "square"):
        params = {"eps": 0.5, "attack": attack, "queries": 20, "random_state": 0}
        moved = adversarial_rows(net, X, y, **params)
        levels = ["flag", "text", "category", "maybe"]
        pd.testing.assert_frame_equal(moved[levels], X[levels])
        shift = moved["number"] - X["number"]
        assert 0.05 < shift.abs().max() <= 0.5 + 1e-6
        assert_array_equal(moved["gaps"].isna(), X["gaps"].isna())
    with pytest.raises(ValueError, match=r"perturb names columns \['text'\]"):
        adversarial_rows(net, X, y, eps=0.5, perturb=["text", "number"])


def test_the_tags_say_so():
    for net in NETS.values():
        assert get_tags(net).input_tags.allow_nan


@pytest.mark.parametrize("seed", SEEDS)
def test_levels_and_gaps_inform(seed):
    rng = np.random.default_rng(seed)
    n = 1200
    X = pd.DataFrame(
        {
            "few": rng.choice(list("abcd"), n),
            "many": rng.integers(0, 60, n).astype(str),
            "number": rng.normal(size=n),
        }
    )
    rare = {str(level) for level in range(0, 60, 6)}
    shown = X["many"].isin(rare).to_numpy()
    X["gaps"] = rng.normal(size=n)
    X.loc[shown & (rng.random(n) < 0.8), "gaps"] = np.nan
    y = (shown & (X["few"] != "a")).to_numpy().astype(int)
    half = n // 2
    quickly = {"max_epochs": 20, "lr": 0.01, "random_state": seed}
    net = NetClassifier(**quickly).fit(X[:half], y[:half])
    auc = roc_auc_score(y[half:], net.predict_proba(X[half:])[:, 1])
    assert auc > 0.95
    # A gap alone tells much of it.
    own = NetClassifier(**quickly).fit(X.loc[: half - 1, ["gaps"]], y[:half])
    gap_auc = roc_auc_score(y[half:], own.predict_proba(X.loc[half:, ["gaps"]])[:, 1])
    assert gap_auc > 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unseen_level_is_unknown_and_no_other_level(seed):
    rng = np.random.default_rng(seed)
    n = 1000
    X = pd.DataFrame({"level": rng.choice(list("abcdefgh"), n)})
    y = (X["level"].isin(["a", "b"]) & (rng.random(n) < 0.9)).to_numpy().astype(int)
    net = NetClassifier(random_state=seed, max_epochs=100).fit(X, y)
    unseen = net.predict_proba(pd.DataFrame({"level": ["zzz"]}))[0, 1]
    known = net.predict_proba(pd.DataFrame({"level": list("abcdefgh")}))[:, 1]
    assert known[2:].max() < 0.1 < 0.7 < known[:2].min()
    # Between the levels: the share of the class is 0.22.
    assert 0.02 < unseen < 0.7
