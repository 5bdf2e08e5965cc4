"""Rows and targets are all that the fitting methods take by position."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import imbdeep
from imbdeep.classifiers import ICEDClassifier

from .estimators import CLASSIFIERS, each

FITTING = ("fit", "partial_fit", "fit_resample", "fit_predict")


def fitting_methods():
    """Fitting methods of every public class that take a target."""
    for package in pkgutil.iter_modules(imbdeep.__path__):
        if package.name.startswith("_"):
            continue
        module = importlib.import_module(f"imbdeep.{package.name}")
        for name, thing in inspect.getmembers(module, inspect.isclass):
            for method in FITTING if thing.__module__.startswith("imbdeep") else ():
                function = getattr(thing, method, None)
                if function and "y" in inspect.signature(function).parameters:
                    yield pytest.param(function, id=f"{name}.{method}")


@pytest.mark.parametrize("method", fitting_methods())
def test_what_follows_y_is_keyword_only(method):
    parameters = list(inspect.signature(method).parameters.values())
    names = [parameter.name for parameter in parameters]
    allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    assert {p.kind for p in parameters[names.index("y") + 1 :]} <= allowed


def test_every_classifier_was_found():
    found = {parameter.id for parameter in fitting_methods()}
    named = {type(estimator).__name__ for estimator in CLASSIFIERS.values()}
    assert {f"{name}.fit" for name in named} <= found


@pytest.mark.parametrize("name", each(CLASSIFIERS))
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_third_positional_argument_is_refused(name, method):
    fit = getattr(CLASSIFIERS[name], method, None)
    if fit is not None:
        with pytest.raises(TypeError, match="positional argument"):
            fit(np.zeros((4, 2)), [0, 0, 1, 1], np.ones(4))


def test_weights_are_not_taken_for_true_labels():
    annotations = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    with pytest.raises(TypeError, match="positional argument"):
        ICEDClassifier().fit(np.zeros((4, 2)), annotations, np.ones(4))
