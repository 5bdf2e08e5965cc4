"""Every public name is documented as its signature says, with an example."""

import importlib
import inspect

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate
from torch import nn

FOLDERS = [
    "attacks",
    "base",
    "batches",
    "callbacks",
    "classifiers",
    "crowds",
    "datasets",
    "displays",
    "losses",
    "metrics",
    "modules",
    "over_sampling",
    "reporting",
    "utils",
]


def public_names():
    for folder in FOLDERS:
        module = importlib.import_module(f"imbdeep.{folder}")
        names = getattr(module, "__all__", ["BaseNetClassifier"])
        for name in names:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield pytest.param(thing, id=f"{folder}.{name}")


def documented(thing):
    """Names of the parameters in the docstring, one by one."""
    doc = ClassDoc(thing) if inspect.isclass(thing) else FunctionDoc(thing)
    names = set()
    for entry in doc["Parameters"]:
        names |= {name.strip().lstrip("*") for name in entry.name.split(",")}
    return doc, names


@pytest.mark.parametrize("thing", public_names())
def test_parameters_are_those_of_the_signature(thing):
    doc, names = documented(thing)
    parameters = inspect.signature(thing).parameters
    assert doc["Summary"]
    if thing.__name__ == "Encoding":
        assert not names  # a base, whose constructor is that of nn.Module
        return
    has_kwargs = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    expected = set(parameters) - {"args"}
    if inspect.isclass(thing) and has_kwargs and "kwargs" in names:
        # Parameters of a base may be documented there.
        assert names <= expected | {"kwargs"}
        own = set(inspect.signature(thing.__init__).parameters) - {"self"}
        if "__init__" in vars(thing):
            assert own <= names
    else:
        assert names == expected


@pytest.mark.parametrize("thing", public_names())
def test_there_is_an_example(thing):
    abstract = inspect.isclass(thing) and (
        thing.__name__ in {"ClassificationLoss", "Encoding", "ShuffledBatches"}
    )
    doc, _ = documented(thing)
    dataclass = hasattr(thing, "__dataclass_fields__")
    # Bases are used through what derives from them, results through what gives them.
    if not (abstract or dataclass or thing.__name__ == "BaseNetClassifier"):
        assert doc["Examples"]


def test_every_estimator_lists_its_fitted_attributes():
    from .estimators import CLASSIFIERS, IMAGE_SAMPLERS, SAMPLERS

    def attributes(estimator):
        return {entry.name for entry in ClassDoc(type(estimator))["Attributes"]}

    for estimator in [*CLASSIFIERS.values(), *SAMPLERS.values()]:
        expected = {"classes_", "n_features_in_", "feature_names_in_"}
        assert expected <= attributes(estimator)
    # Images have no names.
    for estimator in IMAGE_SAMPLERS.values():
        assert {"classes_", "n_features_in_"} <= attributes(estimator)


def test_torch_modules_tell_their_shapes():
    module = importlib.import_module("imbdeep.modules")
    for name in module.__all__:
        thing = getattr(module, name)
        is_module = inspect.isclass(thing) and issubclass(thing, nn.Module)
        if is_module and name != "Encoding":
            assert "**Shape**" in inspect.getdoc(thing), name


# What numpydoc would have beside: sections that say what is said elsewhere.
NOT_ASKED = {
    "ES01",  # an extended summary
    "EX01",  # an example for each method; tested above for classes and functions
    "GL08",  # docstrings of hooks, which skorch and scikit-learn document
    "PR01",  # parameters of one-line methods
    "PR04",  # types of parameters that share an entry's reference
    "PR07",  # descriptions that would say the type again
    "RT01",  # what one-line methods return
    "RT02",  # names of what is returned, which tell what its type does not
    "RT03",  # descriptions that would say the type again
    "SA01",  # See Also
    "SS05",  # verbs that only look like third persons, such as Labels
    "YD01",  # what one-line methods yield
}


def is_of_the_package(method):
    return method.__module__.startswith("imbdeep.")


@pytest.mark.parametrize("thing", public_names())
def test_numpydoc_finds_nothing_amiss(thing):
    own = [thing]
    if inspect.isclass(thing):
        methods = inspect.getmembers(thing, inspect.isfunction)
        own += [m for k, m in methods if k[0] != "_" and is_of_the_package(m)]
    found = [
        f"{one.__qualname__}: {code} {message}"
        for one in own
        for code, message in validate(f"{one.__module__}.{one.__qualname__}")["errors"]
        if code not in NOT_ASKED
    ]
    assert not found
