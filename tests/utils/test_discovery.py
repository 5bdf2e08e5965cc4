"""Discovery of the estimators, and that every class found is tried."""

import inspect
import pkgutil

import pytest
from sklearn.base import BaseEstimator

import imbdeep
from imbdeep.base import BaseNetClassifier
from imbdeep.utils import all_estimators
from tests.common.estimators import (
    AGGREGATORS,
    CLASSIFIERS,
    IMAGE_CLASSIFIERS,
    IMAGE_SAMPLERS,
    SAMPLERS,
    TRANSFORMERS,
)

INSTANCES = {
    "aggregator": AGGREGATORS,
    "classifier": CLASSIFIERS | IMAGE_CLASSIFIERS,
    "sampler": SAMPLERS | IMAGE_SAMPLERS,
    "transformer": TRANSFORMERS,
}


@pytest.mark.parametrize("kind", INSTANCES)
def test_every_class_has_an_instance_that_the_checks_run_over(kind):
    found = {one for _, one in all_estimators(kind)}
    assert {type(instance) for instance in INSTANCES[kind].values()} == found


def test_types_add_up_to_all():
    everything = all_estimators()
    assert everything == sorted(
        pair for kind in INSTANCES for pair in all_estimators(kind)
    )
    assert everything == all_estimators(list(INSTANCES))
    assert all(name == one.__name__ for name, one in everything)


def test_no_public_estimator_is_overlooked():
    packages = [
        getattr(imbdeep, found.name)
        for found in pkgutil.iter_modules(imbdeep.__path__)
        if not found.name.startswith("_")
    ]
    public = {
        thing
        for package in packages
        for thing in vars(package).values()
        if inspect.isclass(thing) and issubclass(thing, BaseEstimator)
    }
    ours = {one for one in public if one.__module__.startswith("imbdeep.")}
    assert ours - {BaseNetClassifier} == {one for _, one in all_estimators()}


@pytest.mark.parametrize("given", ["regressor", ["sampler", "cluster"]])
def test_a_type_that_there_is_none_of(given):
    with pytest.raises(ValueError, match=r"type_filter must be among .*got \['"):
        all_estimators(given)
