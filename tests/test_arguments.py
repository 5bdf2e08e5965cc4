"""Checks of arguments: what passes as a number."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imbdeep._arguments import FiniteReal
from imbdeep.calibration import PriorCorrectedClassifier
from imbdeep.classifiers import InferThenFit

NUMBERS = [
    *(own(1) for own in (int, float, np.float16, np.float32, np.longdouble, np.uint64)),
    np.int8(-128),
]
OTHERS = [True, np.bool_(True), "1", None, 1j, np.ones(()), 10**400, np.inf, np.nan]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: type(value).__name__)
def test_numbers_of_every_kind_pass_without_a_warning(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert FiniteReal(None, None).is_satisfied_by(value)


@pytest.mark.parametrize("value", OTHERS, ids=repr)
def test_others_do_not(value):
    assert not FiniteReal(None, None).is_satisfied_by(value)


@pytest.mark.parametrize("outer", [PriorCorrectedClassifier, InferThenFit])
def test_a_class_is_no_classifier(outer):
    with pytest.raises(ValueError, match="'fit' and '.*', and no class"):
        outer(estimator=LogisticRegression).fit(np.eye(2), [0, 1])
