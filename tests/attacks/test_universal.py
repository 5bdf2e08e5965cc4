"""One perturbation for all rows of a fitted classifier, and what it does to them."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from imbdeep.attacks import (
    fooling_rate,
    make_universal_scorer,
    perturbed_rows,
    universal_perturbation,
)
from imbdeep.classifiers import NetClassifier
from tests.attacks.test_evaluate import draw, new_net
from tests.classifiers.attacked import digits

GIVEN = {"eps": 0.7, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    """Do not change these rows."""
    X, y = draw(n=200)
    names = np.array(["often", "rare", "scarce"])
    keep = np.r_[
        np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:20], np.where(y == 2)[0][:9]
    ]
    return X[keep], names[y[keep]]


@pytest.fixture(scope="module")
def net(data):
    """Do not fit this net again."""
    return new_net(max_epochs=15).fit(*data)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_misleads_more_than_random_shifts(net, data, norm):
    X, y = data
    shift = universal_perturbation(net, X, y, norm=norm, **GIVEN)
    assert shift.shape == (5,)
    assert shift.dtype == np.float32
    length = np.abs(shift).max() if norm == "linf" else np.linalg.norm(shift)
    assert length <= 0.7 * (1 + 1e-6)
    draws = np.random.default_rng(0)
    others = draws.normal(size=(20, 5))
    others = 0.7 * (
        np.sign(others)
        if norm == "linf"
        else others / np.linalg.norm(others, axis=1)[:, None]
    )
    accuracies = [net.score(X + other.astype(np.float32), y) for other in others]
    found = net.score(perturbed_rows(net, X, shift), y)
    assert found <= min(accuracies)
    assert found < net.score(X, y) - 0.1


def test_moved_rows_differ_by_the_perturbation_alone(net, data):
    X, y = data
    box = (X.min(0), X.max(0) + 0.2)
    shift = universal_perturbation(net, X, y, box=box, perturb=[0, 3], **GIVEN)
    assert (shift[[1, 2, 4]] == 0).all()
    assert np.abs(shift[[0, 3]]).min() > 0
    moved = perturbed_rows(net, X, shift, box=box)
    np.testing.assert_array_equal(moved[:, [1, 2, 4]], X[:, [1, 2, 4]])
    expected = [
        [min(max(v + s, low), high) for v, s, low, high in zip(*cells, strict=True)]
        for cells in ([row, shift, *box] for row in X)
    ]
    np.testing.assert_allclose(moved[:, [0, 3]], np.array(expected)[:, [0, 3]], 1e-6)
    assert (moved[:, 0] == box[0][0]).any() or (moved[:, 0] == box[1][0]).any()


def test_units_and_names(net, data):
    X, y = data
    std = X.astype(float).std(0)
    given = {"eps_unit": "std", "std": std, "random_state": 0}
    shift = universal_perturbation(net, X, y, eps=0.2, **given)
    assert (np.abs(shift) <= 0.2 * std * (1 + 1e-6)).all()
    same = universal_perturbation(net, X, y, eps=0.2 * std, random_state=0)
    np.testing.assert_allclose(same, shift, rtol=1e-6)
    frame = pd.DataFrame(X, columns=list("abcde"))
    named = new_net(max_epochs=15).fit(frame, y)
    by_name = universal_perturbation(
        named, frame, y, eps={"d": 0.3, "a": 0.1}, perturb=["a", "d"], random_state=0
    )
    assert (np.abs(by_name) <= np.array([0.1, 0, 0, 0.3, 0]) + 1e-6).all()
    moved = perturbed_rows(named, frame, by_name)
    assert list(moved.columns) == list("abcde")
    assert fooling_rate(named, frame, by_name) > 0


def test_levels_and_gaps_stay():
    X, y = draw(2)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["city"] = np.where(X[:, 0] > 0, "Bonn", "Ulm")
    frame.loc[::7, "b"] = np.nan
    net = new_net().fit(frame, y)
    shift = universal_perturbation(net, frame, y, **GIVEN)
    assert shift.shape == (6,)
    assert shift[5] == 0
    assert (np.abs(shift[:5]) > 0).all()
    moved = perturbed_rows(net, frame, shift)
    assert moved["city"].equals(frame["city"])
    assert (moved["b"].isna() == frame["b"].isna()).all()
    np.testing.assert_allclose(moved["a"] - frame["a"], shift[0], rtol=1e-4)
    with pytest.raises(ValueError, match=r"perturb names columns \['city'\], which"):
        universal_perturbation(net, frame, y, perturb=["a", "city"], **GIVEN)
    shift[5] = 1
    for estimator in (net, RandomForestClassifier()):
        with pytest.raises(ValueError, match=r"perturbation names columns \['city'\]"):
            perturbed_rows(estimator, frame, shift)


def test_images():
    X, y = digits()
    net = NetClassifier("conv", max_epochs=5, lr=0.02, random_state=0).fit(X, y)
    shift = universal_perturbation(net, X, y, eps=0.3, box=(0, 1), random_state=0)
    assert shift.shape == X.shape[1:]
    moved = perturbed_rows(net, X, shift, box=(0, 1))
    assert 0 <= moved.min() <= moved.max() <= 1
    assert net.score(moved, y) < net.score(X, y) - 0.1


def test_sparse_rows(net, data):
    X, y = data
    X = np.where(np.abs(X) < 0.5, 0, X)
    shift = universal_perturbation(net, X, y, **GIVEN)
    rows = sparse.csr_array(X)
    np.testing.assert_array_equal(universal_perturbation(net, rows, y, **GIVEN), shift)
    moved = perturbed_rows(net, rows, shift)
    np.testing.assert_array_equal(moved.toarray(), perturbed_rows(net, X, shift))


def test_one_seed_decides_and_nothing_is_left_behind(net, data):
    numpy_state, state = np.random.get_state()[1].copy(), torch.get_rng_state()
    modes = [part.training for part in net.module_.modules()]
    slopes = [p.grad.clone() for p in net.module_.parameters()]
    found = [
        universal_perturbation(net, *data, batch_size=16, eps=0.5, random_state=seed)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()
    assert (np.random.get_state()[1] == numpy_state).all()
    assert torch.equal(torch.get_rng_state(), state)
    assert modes == [part.training for part in net.module_.modules()]
    for before, p in zip(slopes, net.module_.parameters(), strict=True):
        assert torch.equal(before, p.grad)


def test_without_reach_there_is_none(net, data):
    shift = universal_perturbation(net, *data, eps=0)
    assert not shift.any()
    assert fooling_rate(net, data[0], shift) == 0


# --- The fooling rate ----------------------------------------------------------------


def test_fooling_rates_agree_with_counts_by_hand(net, data):
    X, y = data
    shift = universal_perturbation(net, X, y, **GIVEN)
    pairs = zip(net.predict(X), net.predict(X + shift), y, strict=True)
    changed = [(label, before != after) for before, after, label in pairs]
    by_label = {
        name: [c for label, c in changed if label == name] for name in net.classes_
    }
    rate = fooling_rate(net, X, shift)
    assert rate == pytest.approx(sum(c for _, c in changed) / len(y))
    assert 0.1 < rate < 1
    per_class = fooling_rate(net, X, shift, y=y, rows="per_class")
    assert per_class == pytest.approx([np.mean(by_label[n]) for n in net.classes_])
    rare = fooling_rate(net, X, shift, y=y, rows="under_represented")
    assert rare == pytest.approx(np.mean(by_label["scarce"]))
    counts = {"often": 1, "rare": 9, "scarce": 9}
    rare = fooling_rate(
        net, X, shift, y=y, rows="under_represented", class_counts=counts
    )
    assert rare == pytest.approx(np.mean(by_label["often"]))
    some = y != "rare"
    found = fooling_rate(net, X[some], shift, y=y[some], rows="per_class")
    assert np.isnan(found).tolist() == [False, True, False]


def test_a_perturbation_may_be_tried_on_another_classifier(net, data):
    X, y = data
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    shift = universal_perturbation(net, X, y, **GIVEN)
    rate = fooling_rate(forest, X, shift)
    assert rate == np.mean(forest.predict(X) != forest.predict(X + shift))
    assert 0 < rate < 1


# --- The scorer ----------------------------------------------------------------------


def test_the_scorer_is_the_accuracy_of_moved_rows(net, data):
    X, y = data
    scorer = make_universal_scorer(norm="l2", box=(-20, 20), **GIVEN)
    shift = universal_perturbation(net, X, y, norm="l2", box=(-20, 20), **GIVEN)
    expected = net.score(X + shift, y)
    assert scorer(net, X, y) == expected
    again = pickle.loads(pickle.dumps(scorer))
    assert again(net, X, y) == expected
    assert repr(again) == repr(scorer)
    assert repr(scorer).startswith("make_universal_scorer(eps=0.7, rows='all', ")
    scorer = make_universal_scorer(rows="under_represented", **GIVEN)
    rare = y == "scarce"
    shift = universal_perturbation(net, X, y, **GIVEN)
    assert scorer(net, X, y) == net.score(X[rare] + shift, y[rare])


def test_cross_validation(data):
    net = NetClassifier(max_epochs=3, random_state=0)
    scorer = make_universal_scorer(**GIVEN)
    scores = cross_val_score(net, *data, scoring=scorer, cv=2, error_score="raise")
    assert ((scores > 0) & (scores < 1)).all()


def test_rows_of_an_unknown_class_are_wrong(net, data):
    X, y = data
    scorer = make_universal_scorer(eps=0)
    other = np.where(y == "rare", "none", y)
    known = y != "rare"
    share = (net.predict(X[known]) == y[known]).sum() / len(y)
    assert scorer(net, X, other) == pytest.approx(share)


# --- Errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"eps": -1}, "eps must be finite and at least 0, got -1"),
        ({"norm": "l1"}, "norm must be one of"),
        ({"eps_unit": "sd"}, "eps_unit must be one of"),
        ({"step_size": -1}, "step_size must be finite"),
        ({"n_epochs": 0}, "n_epochs must be a whole .* 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole"),
        ({"beta": 0}, "beta must be"),
    ],
)
def test_refuses_parameters(net, data, parameters, message):
    parameters = {**GIVEN, **parameters}
    with pytest.raises(ValueError, match=message):
        universal_perturbation(net, *data, **parameters)
    with pytest.raises(ValueError, match=message):
        make_universal_scorer(**parameters)


def test_refuses_what_cannot_be_used(net, data):
    X, y = data
    forest = RandomForestClassifier(2).fit(X, y)
    with pytest.raises(ValueError, match="RandomForestClassifier has no module_"):
        universal_perturbation(forest, X, y, **GIVEN)
    with pytest.raises(ValueError, match="A scorer gives one number"):
        make_universal_scorer(eps=1, rows="per_class")
    with pytest.raises(TypeError, match="queries"):
        make_universal_scorer(eps=1, queries=5)
    with pytest.raises(ValueError, match="X lies outside the box"):
        universal_perturbation(net, X, y, box=(0, 1), **GIVEN)
    shift = np.zeros(5)
    for wrong, message in (
        (
            np.zeros(4),
            r"perturbation has shape \(4,\), but a row of X has shape \(5,\)",
        ),
        (shift + np.nan, "perturbation must be finite"),
        (["a"] * 5, "perturbation must be numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            perturbed_rows(net, X, wrong)
    with pytest.raises(ValueError, match="rows='per_class' needs y"):
        fooling_rate(net, X, shift, rows="per_class")
    with pytest.raises(ValueError, match="rows must be one of"):
        fooling_rate(net, X, shift, rows="some")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fooling_rate(net, X, shift, y=y[:3], rows="per_class")
