"""Numbers that come as objects, or as tensors of dtypes that NumPy does not have."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from .estimators import CLASSIFIERS, SAMPLERS, each, each_that_reads
from .nets import NETS, quick, table

X, Y = table(60)
CONTAINERS = {
    "array": lambda rows: rows,
    "list": lambda rows: rows.tolist(),
    "frame": lambda rows: pd.DataFrame(rows).astype({1: object}),
}
# The others are read in the same way; they are among the long tests.
FIRST_CONTAINER = [
    "array",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("list", "frame")),
]
MISSING = {"NA": pd.NA, "NaT": pd.NaT, "None": None, "sNaN": Decimal("sNaN")}
NO_FLOATS = {
    "large": (10**400, "infinite values: 1 in column 1.* integers beyond"),
    "negative": (-(10**400), "infinite values: 1 in column 1.* integers beyond"),
}


def rows_with(value):
    rows = X.astype(object)
    rows[3, 1] = value
    return rows


@pytest.mark.parametrize("case", NO_FLOATS)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_net_names_the_column(name, container, case):
    value, message = NO_FLOATS[case]
    rows = CONTAINERS[container](rows_with(value))
    with pytest.raises(ValueError, match=message):
        clone(CLASSIFIERS[name]).fit(rows, Y)


@pytest.mark.parametrize("case", NO_FLOATS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_fitted_net_names_the_column(container, case):
    value, message = NO_FLOATS[case]
    net = quick("net").fit(CONTAINERS[container](X), Y)
    with pytest.raises(ValueError, match=message):
        net.predict(CONTAINERS[container](rows_with(value)))


@pytest.mark.parametrize("case", NO_FLOATS)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", each(SAMPLERS))
def test_a_sampler_names_the_column(name, container, case):
    value, message = NO_FLOATS[case]
    rows = CONTAINERS[container](rows_with(value))
    with pytest.raises(ValueError, match=message):
        clone(SAMPLERS[name]).fit_resample(rows, Y)


@pytest.mark.parametrize("case", MISSING)
@pytest.mark.parametrize("container", FIRST_CONTAINER)
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_what_is_missing_is_missing_to_a_net(name, container, case):
    rows = CONTAINERS[container](rows_with(MISSING[case]))
    given = CONTAINERS[container](rows_with(np.nan))
    found = quick(name).fit(rows, Y).predict_proba(rows)
    assert_array_equal(found, quick(name).fit(given, Y).predict_proba(given))


@pytest.mark.parametrize("case", MISSING)
@pytest.mark.parametrize("container", FIRST_CONTAINER)
@pytest.mark.parametrize("name", each(SAMPLERS))
def test_what_is_missing_is_missing_to_a_sampler(name, container, case):
    rows = CONTAINERS[container](rows_with(MISSING[case]))
    given = CONTAINERS[container](rows_with(np.nan))
    sampler, other = clone(SAMPLERS[name]), clone(SAMPLERS[name])
    found, expected = sampler.fit_resample(rows, Y)[0], other.fit_resample(given, Y)[0]
    new = sampler.is_synthetic_
    found, expected = pd.DataFrame(found)[new], pd.DataFrame(expected)[new]
    pd.testing.assert_frame_equal(found.astype(float), expected.astype(float))


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_net_takes_bfloat16(name):
    rows = torch.tensor(X).bfloat16()
    one, other = quick(name), quick(name)
    one.fit(rows, torch.tensor(Y))
    other.fit(rows.float().numpy(), Y)
    assert_array_equal(one.predict_proba(rows), other.predict_proba(rows.float()))


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_a_sampler_takes_bfloat16(name):
    rows = torch.tensor(X).bfloat16()
    got, _ = clone(SAMPLERS[name]).fit_resample(rows, torch.tensor(Y))
    expected, _ = clone(SAMPLERS[name]).fit_resample(rows.float().numpy(), Y)
    assert_array_equal(got, expected)


@pytest.mark.parametrize("parameter", ["eps", "box"])
def test_lengths_that_no_float_holds(parameter):
    params = {
        "eps": {"eps": [1, 10**400] * 3},
        "box": {"eps": 0.1, "box": (0, 10**400)},
    }[parameter]
    net = quick("adversarial", **params)
    with pytest.raises(ValueError, match=f"{parameter} must be a"):
        net.fit(X, Y)
