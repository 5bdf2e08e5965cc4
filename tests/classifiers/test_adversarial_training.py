"""How a threat is told to nets that train on attacked rows."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from imbdeep.attacks import robust_accuracy
from imbdeep.classifiers import AdversarialClassifier
from tests.classifiers.attacked import (
    NETS,
    OWN,
    SMALL,
    NoTraining,
    digits,
    same_weights,
    table,
)
from tests.common.slow import half_of, slow_if

# What their base class asks for and names, before any of them trains.
one_net = pytest.mark.parametrize(
    "net_class", [slow_if(one is not AdversarialClassifier, one) for one in NETS]
)
TABLE = {**SMALL, "max_epochs": 1}
IMAGES = {**OWN, "max_epochs": 1, "module": "conv", "module__n_filters": (4,)}
for without in (TABLE, IMAGES):
    del without["eps"], without["eps_unit"]
NAMES = list("abcde")


def frame_and_labels():
    X, y = table()
    return pd.DataFrame(X * np.float32([1, 1000, 0.1, 1, 5]), columns=NAMES), y


# --- eps -----------------------------------------------------------------------------


@one_net
@pytest.mark.parametrize("threat", [{}, {"eps_unit": "std"}, {"norm": "l2"}])
def test_a_table_needs_an_eps(net_class, threat):
    X, y = table()
    for rows in (X, pd.DataFrame(X, columns=NAMES), X.clip(0, 1), X.tolist()):
        net = net_class(callbacks=[NoTraining()], **TABLE | threat)
        message = rf"{net_class.__name__} needs eps, .*eps_unit='std' .*eps=0\.1"
        with pytest.raises(ValueError, match=message):
            net.fit(rows, y)
        with pytest.raises(ValueError, match=message):
            net.partial_fit(rows, y)
        assert not net.initialized_


@one_net
def test_an_eps_can_be_left_out_of_parameters_but_not_of_a_fit(net_class):
    net = net_class()
    assert net.get_params()["eps"] is None
    assert clone(net).eps is None
    X, y = table()
    net = net_class(**TABLE).set_params(eps=0.1).fit(X, y)
    with pytest.raises(ValueError, match="needs eps"):
        net.set_params(eps=None).partial_fit(X, y)


@one_net
def test_pixels_of_0_to_1_need_no_eps(net_class):
    X, y = digits()
    net = net_class(**IMAGES).fit(X, y)
    assert_array_equal(net.eps_, np.full(X.shape[1:], 8 / 255))
    assert same_weights(net, net_class(eps=8 / 255, **IMAGES).fit(X, y))
    net.partial_fit(X.round(), y)
    with pytest.raises(ValueError, match="needs eps for these rows"):
        net.partial_fit(2 * X, y)


@one_net
@pytest.mark.parametrize(("scale", "shift"), [(255, 0), (1.01, 0), (2, -1), (1, -0.01)])
def test_other_pixels_need_an_eps(net_class, scale, shift):
    X, y = digits()
    X = scale * X / X.max() + shift
    net = net_class(callbacks=[NoTraining()], **IMAGES)
    message = rf"X goes from {X.min():g} to {X.max():g}. Give eps .* eps=8 for pixels"
    with pytest.raises(ValueError, match=message):
        net.fit(X, y)
    assert not net.initialized_
    net_class(eps=8 * scale / 255, **IMAGES).fit(X, y)


@one_net
@pytest.mark.parametrize("threat", [{"eps_unit": "std"}, {"norm": "l2"}])
def test_the_radius_of_pixels_is_for_their_unit_and_the_largest_shift(
    net_class, threat
):
    X, y = digits()
    with pytest.raises(
        ValueError, match="needs eps, .* with norm='linf' and eps_unit="
    ):
        net_class(callbacks=[NoTraining()], **IMAGES | threat).fit(X, y)


# --- A radius that is next to nothing ------------------------------------------------


@one_net
@pytest.mark.parametrize("perturb", [[], [False] * 5])
def test_warns_of_an_attack_that_may_move_nothing(net_class, perturb):
    X, y = table()
    perturb = [False] * X.shape[1] if perturb else []
    net = net_class(**TABLE | {"eps": 0.3, "perturb": perturb})
    with pytest.warns(UserWarning, match="No feature can be moved: perturb="):
        net.fit(X, y)


@one_net
def test_warns_of_a_radius_that_is_next_to_nothing(net_class):
    X, y = table()
    large = 1000 * X
    share = f"{(8 / 255 / large.std(0)).max():.2g}"
    message = f"eps moves no feature by more than {share} of its standard deviation"
    with pytest.warns(UserWarning, match=message):
        net = net_class(eps=8 / 255, **TABLE).fit(large, y)
    with pytest.warns(UserWarning, match=message):
        net.partial_fit(large, y)
    with pytest.warns(UserWarning, match="by more than 0.0005 of its standard"):
        net_class(eps=5e-4, eps_unit="std", **TABLE).fit(X, y)
    X, y = digits()
    with pytest.warns(UserWarning, match="eps moves no feature .* divide them by 255"):
        net_class(eps=8 / 255 / 10, **IMAGES).fit(255 * X, y)


@one_net
def test_does_not_warn_in_ordinary_use(net_class):
    X, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Few epochs are too few for an average, which is another matter.
        warnings.filterwarnings("ignore", message="Weights are averaged over a single")
        net_class(eps=0.1, eps_unit="std", **TABLE).fit(1e6 * X, y)
        net_class(eps=0, **TABLE).fit(1e6 * X, y)
        net_class(eps=8 / 255, **TABLE).fit(X, y)
        # One column that can be moved is an attack.
        net_class(eps=8 / 255, **TABLE).fit(X * np.float32([1e5, 1e5, 1e5, 1, 1e5]), y)
        net_class(**IMAGES).fit(*digits())


# --- By column name ------------------------------------------------------------------

ORDERED = {
    "eps": [0.1, 0.2, 0.3, 0.4, 0.5],
    "step_size": [0.01, 0.02, 0.03, 0.04, 0.05],
    "perturb": [True, True, False, True, True],
    "box": None,
}


def by_name(name, frame):
    """The same parameter in each of the ways that go by name."""
    backwards = NAMES[::-1]
    if name == "box":
        box = frame.agg(["min", "max"])[backwards]
        yield from (
            box,
            pl.from_pandas(box),
            tuple(box.loc[side] for side in box.index),
        )
        yield {column: tuple(box[column]) for column in backwards}
        return
    values = pd.Series(ORDERED[name], index=NAMES)[::-1]
    yield from (values, values.to_dict())
    if name != "perturb":
        yield from (values.to_frame().T, pl.DataFrame(values.to_frame().T))


@half_of(net_class=NETS, name=ORDERED)
def test_parameters_by_column_name_in_any_order(net_class, name):
    X, y = frame_and_labels()
    threat = {**ORDERED, "box": (X.min().to_numpy(), X.max().to_numpy())}
    expected = net_class(**threat, eps_unit="std", **TABLE).fit(X, y)
    assert expected.eps_[2] == 0
    for value in by_name(name, X):
        net = net_class(**threat | {name: value}, eps_unit="std", **TABLE)
        net = clone(net).fit(X, y)
        assert_array_equal(net.eps_, expected.eps_)
        assert_array_equal(net.step_size_, expected.step_size_)
        assert_array_equal(net.box_, expected.box_)
        assert same_weights(net, expected)
        same = pickle.loads(pickle.dumps(net))
        assert_array_equal(same.eps_, net.eps_)


@one_net
def test_names_of_a_polars_frame(net_class):
    X, y = frame_and_labels()
    frame = pl.from_pandas(X)
    eps = {"e": 0.5, "a": 0.1, "c": 0.3}
    threat = {"eps_unit": "std", "perturb": ["a", "c", "e"]}
    net = net_class(eps=eps, **threat, **TABLE).fit(frame, y)
    expected = np.array([0.1, 0, 0.3, 0, 0.5]) * X.to_numpy().std(0)
    assert_allclose(net.eps_, expected, rtol=1e-5)
    accuracies = [
        robust_accuracy(net, frame, y, eps=values, **threat, random_state=0)
        for values in (eps, [0.1, 7, 0.3, 7, 0.5])
    ]
    assert accuracies[0] == accuracies[1]


@one_net
@pytest.mark.parametrize("name", ORDERED)
def test_unknown_and_missing_columns(net_class, name):
    X, y = frame_and_labels()
    by_dict = list(by_name(name, X))[-1 if name == "box" else 1]
    few = {column: value for column, value in by_dict.items() if column not in "bd"}

    def refuse(rows, value, message):
        threat = {"eps": 0.1, "eps_unit": "std", name: value}
        net = net_class(callbacks=[NoTraining()], **threat, **TABLE)
        with pytest.raises(ValueError, match=message):
            net.fit(rows, y)
        assert not net.initialized_

    unknown = {**by_dict, "height": by_dict["a"]}
    refuse(X, unknown, rf"{name} names columns \['height'\], which X does not have")
    refuse(X, few, rf"{name} .* lacks columns \['b', 'd'\]")
    refuse(X.to_numpy(), by_dict, rf"{name} goes by the names .* X has no column names")


@one_net
def test_columns_that_may_not_move_need_no_name(net_class):
    X, y = frame_and_labels()
    threat = {"perturb": ["a", "d"], "eps_unit": "std"}
    net = net_class(
        eps={"d": 0.4, "a": 0.1},
        box={"a": (-99, 99), "d": (None, 99)},
        **threat,
        **TABLE,
    ).fit(X, y)
    same = net_class(eps=[0.1, 7, 7, 0.4, 7], box=(-99, 99), **threat, **TABLE).fit(
        X, y
    )
    assert_array_equal(net.eps_, same.eps_)
    assert_array_equal(net.box_[0], [-99, -np.inf, -np.inf, -np.inf, -np.inf])


@one_net
@pytest.mark.parametrize("box", [None, "data", (-9, 9)])
def test_sparse_rows(net_class, box):
    X, y = table()
    X = np.where(np.abs(X) < 0.7, 0, X)
    threat = {"eps": 0.1, "eps_unit": "std", "box": box}
    expected = net_class(**threat, **TABLE).fit(X, y)
    net = net_class(**threat, **TABLE).fit(sparse.csr_array(X), y)
    assert same_weights(net, expected)
    with pytest.raises(ValueError, match="X lies outside the box"):
        net.set_params(box=(-0.5, 0.5)).partial_fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match="needs eps"):
        net_class(**TABLE).fit(sparse.csr_array(X), y)


@one_net
def test_pixels_have_no_names(net_class):
    X, y = digits()
    with pytest.raises(
        ValueError, match=r"a row of X has shape \(2, 6, 6\) and no col"
    ):
        net_class(eps={"a": 0.1}, **IMAGES).fit(X, y)
