"""Whatever a parameter is set to, it is what the docstring allows or it is named.

The outcomes of a wrong value are counted: a *clear* error is a ValueError or TypeError
that names the parameter, a *cryptic* one does not name it, a *raw* one is of another
type, and *silent* is a fit that goes on with what the docstring does not allow.
"""

import importlib
import inspect
import re
import signal
import warnings
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone

from imbdeep.base import BaseNetClassifier
from imbdeep.batches._registry import BATCHES
from imbdeep.classifiers import AugMixClassifier, DeepAugmentClassifier
from imbdeep.crowds import DawidSkene, MajorityVote
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._registry import MODULES

from .documented import documented_type, fits
from .estimators import CLASSIFIERS, IMAGE_CLASSIFIERS, IMAGE_SAMPLERS, SAMPLERS, each
from .nets import NETS, quick, table
from .test_docstrings import FOLDERS

X, Y = table(60)
PICTURES = np.random.default_rng(0).uniform(size=(60, 1, 4, 4))
ANNOTATIONS = np.random.default_rng(0).integers(0, 2, (60, 3))

ESTIMATORS = {
    **{f"classifier-{name}": clone(CLASSIFIERS[name]) for name in CLASSIFIERS},
    **{f"classifier-{name}": quick(name) for name in NETS},
    "classifier-augmix": AugMixClassifier(
        module__n_filters=(4,), max_epochs=2, batch_size=32, random_state=0
    ),
    "classifier-deep-augment": DeepAugmentClassifier(
        autoencoder_epochs=1,
        module__n_filters=(4,),
        max_epochs=2,
        batch_size=32,
        random_state=0,
    ),
    **{f"sampler-{name}": clone(SAMPLERS[name]) for name in SAMPLERS},
    **{f"sampler-{name}": clone(one) for name, one in IMAGE_SAMPLERS.items()},
    "aggregator-dawid-skene": DawidSkene(),
    "aggregator-majority-vote": MajorityVote(),
}

VALUES = {
    "nan": np.nan,
    "inf": np.inf,
    "-inf": -np.inf,
    "10**30": 10**30,
    "10**400": 10**400,
    "-10**400": -(10**400),
    "-1": -1,
    "-0.5": -0.5,
    "0": 0,
    "2.5": 2.5,
    "1j": 1j,
    "True": True,
    "None": None,
    "text": "nope",
    "no text": "",
    "bytes": b"relu",
    "object": object(),
    "class": object,
    "function": len,
    "no list": [],
    "list": [1, "a", None],
    "dict": {"nope": 1},
    "set": {1, 2},
    "array": np.array([[np.nan, 1.0]]),
    "text array": np.array(["a", "b"]),
    "range": range(3),
}

# Values of which no part of a net can be made, whatever it is documented to take.
NEVER = ("object", "1j")

PARTS = {
    "module": MODULES,
    "criterion": LOSSES,
    "optimizer": {},
    "iterator_train": BATCHES,
    "iterator_valid": {},
}

# Compiling takes a minute, and what it imports cannot be interrupted.
UNTRIED = {("compile", "True"), ("estimator__compile", "True")}

# What the net learns from the data, or hands over itself, unless it is given.
HANDED_OVER = {"self", "dataset", "kwargs", "args", "params"}


class TooLongError(BaseException):
    """A value that is allowed, and with which training does not end."""


@contextmanager
def at_most(seconds):
    def stop(signum, frame):
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def parameters_of(estimator):
    """Names of the parameters, of parts too, and the documented type of each."""
    found = {}
    given = estimator.get_params(deep=True)
    for name in given:
        outer, _, inner = name.rpartition("__")
        part = given.get(outer, object) if outer else estimator
        if not (inspect.isclass(part) or type(part).__module__.startswith("sklearn")):
            found[name] = documented_type(type(part), inner)
    if isinstance(estimator, BaseNetClassifier):
        for prefix, registry in PARTS.items():
            component = estimator._component(prefix, registry)
            for name in set(inspect.signature(component).parameters) - HANDED_OVER:
                found[f"{prefix}__{name}"] = documented_type(component, name)
        for prefix in ("iterator_train", "iterator_valid"):
            # -1 stands for all rows, as it does in the net's own batch_size.
            found[f"{prefix}__batch_size"] = found["batch_size"]
    return found


def rows_for(estimator):
    of_images = [*IMAGE_SAMPLERS.values(), *IMAGE_CLASSIFIERS.values()]
    return PICTURES if type(estimator) in map(type, of_images) else X


def run(estimator):
    if hasattr(estimator, "fit_resample"):
        rows, _ = estimator.fit_resample(rows_for(estimator), Y)
        assert np.isfinite(rows).all()
    elif hasattr(estimator, "fit_predict"):
        estimator.fit_predict(ANNOTATIONS)
    else:
        crowd = hasattr(estimator, "truth_column")
        rows = rows_for(estimator)
        estimator.fit(rows, ANNOTATIONS if crowd else Y)
        probabilities = estimator.predict_proba(rows)
        assert np.isfinite(probabilities).all()


def judge(name, error):
    """Whether an error says which parameter was wrong."""
    last = name.rpartition("__")[2]
    named = re.search(rf"(?<![^\W_]){last}(__|\b)", str(error))
    if not isinstance(error, TypeError | ValueError):
        return "raw", f"{type(error).__name__}: {error}"
    return "clear" if named else "cryptic", f"{type(error).__name__}: {error}"


def diverged(error):
    return isinstance(error, ValueError) and "loss is" in str(error)


def outcome(estimator, name, allowed, key):
    """What becomes of a value: a word and, if it is a fault, its description."""
    value = VALUES[key]
    expected = allowed is None and key not in NEVER
    expected = expected or (allowed is not None and fits(allowed, value))
    try:
        with at_most(3), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(clone(estimator).set_params(**{name: value}))
    except Exception as error:
        if expected and (callable(value) or diverged(error)):
            # The error of the function itself, or a training that went nowhere.
            return "allowed", str(error)
        return judge(name, error)
    except TooLongError:
        return "allowed" if expected else "silent", "does not end"
    return "allowed" if expected else "silent", f"allowed: {allowed}"


def fuzz(estimator, draw):
    """Counts of the outcomes, and what was a fault."""
    counts, faults = Counter(), []
    # What torch imports when it is first needed must not be cut off.
    run(clone(estimator))
    for name, allowed in parameters_of(estimator).items():
        for key in draw(name):
            if (name, key) in UNTRIED:
                continue
            word, what = outcome(estimator, name, allowed, key)
            counts[word] += 1
            if word in ("raw", "cryptic", "silent"):
                faults.append(f"{word}: {name}={key} -> {what[:200]}")
    return counts, faults


def few(seed, estimator):
    """A value of each parameter; of one that every net has, of each third net."""
    rng = np.random.default_rng(seed)
    every_net_has = set()
    is_net = isinstance(estimator, BaseNetClassifier)
    if is_net and estimator is not ESTIMATORS["classifier-net"]:
        every_net_has = set(parameters_of(ESTIMATORS["classifier-net"]))

    def draw(name):
        is_tried = name not in every_net_has or rng.integers(3) == 0
        return rng.choice(list(VALUES), int(is_tried))

    return draw


@pytest.mark.parametrize("name", each(ESTIMATORS))
def test_a_value_of_every_parameter(name):
    seed = list(ESTIMATORS).index(name)
    counts, faults = fuzz(ESTIMATORS[name], few(seed, ESTIMATORS[name]))
    assert counts["clear"] and not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_value_of_every_parameter(name, record_property):
    counts, faults = fuzz(ESTIMATORS[name], lambda name: VALUES)
    record_property("counts", dict(counts))
    assert counts["clear"] and not faults, f"{counts}\n" + "\n".join(faults)


def test_every_estimator_is_here():
    public = set()
    for folder in FOLDERS:
        module = importlib.import_module(f"imbdeep.{folder}")
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
                public.add(thing)
    fitted = {type(estimator) for estimator in ESTIMATORS.values()}
    assert {c.__name__ for c in public if hasattr(c, "fit")} <= {
        c.__name__ for c in fitted
    }


@pytest.mark.parametrize(
    "text, allowed, refused",
    [
        ("float in [0, 1), default=0.1", [0, 0.5], [1, -0.1, True, "a", None, np.nan]),
        ("int, at least 2, default=16", [2, 10**400], [1, 2.0, True, np.inf, "2"]),
        ("{'a', 'b'} or None, default=None", ["a", None], ["c", b"a", 1]),
        ("sequence of int, default=(1,)", [(1, 2), [3]], [{1, 2}, "12"]),
        ("bool, default=False", [True, False], [1j, "True", None]),
        ("callable, default=print", [len, int], [3, "print"]),
    ],
)
def test_what_a_documented_type_allows(text, allowed, refused):
    assert all(fits(text, value) for value in allowed)
    assert not any(fits(text, value) for value in refused)
