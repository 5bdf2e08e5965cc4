"""What global switches are set to does not matter, and clean input gives no warning."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import cache

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone

from imbdeep.attacks import Ball, adversarial_rows, pgd, robust_accuracy
from imbdeep.classifiers import NetClassifier
from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators
from imbdeep.metrics import (
    balanced_brier_score,
    intra_class_variance,
    precision_at_recall_score,
)

from .estimators import CLASSIFIERS, SAMPLERS, each
from .slow import slow_if

ESTIMATORS = CLASSIFIERS | SAMPLERS


@contextmanager
def switched(read, write, value):
    before = read()
    write(value)
    try:
        yield
        assert read() == value, "the switch was not left as it was found"
    finally:
        write(before)


def default_dtype(dtype):
    return switched(torch.get_default_dtype, torch.set_default_dtype, dtype)


@contextmanager
def default_device():
    torch.set_default_device(META)
    try:
        yield
        assert torch.get_default_device() == META
    finally:
        # By its name, the CPU would slow down each torch function from here on.
        torch.set_default_device(None)


def deterministic():
    algorithms = torch.use_deterministic_algorithms
    return switched(torch.are_deterministic_algorithms_enabled, algorithms, True)


@contextmanager
def strict_torch():
    """All that a fit could stumble over, at once."""
    with ExitStack() as stack:
        for switch in (
            default_dtype(torch.float64),
            default_device(),
            torch.inference_mode(),
            deterministic(),
            torch.autograd.set_detect_anomaly(True),
        ):
            stack.enter_context(switch)
        yield
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()


@contextmanager
def strict_numbers():
    with (
        np.errstate(all="raise"),
        np.printoptions(precision=1, threshold=2),
        sklearn.config_context(
            transform_output="pandas",
            enable_metadata_routing=True,
            assume_finite=True,
            skip_parameter_validation=True,
        ),
        pd.option_context("display.precision", 1),
    ):
        yield
        assert set(np.geterr().values()) == {"raise"}
        assert sklearn.get_config()["transform_output"] == "pandas"


META = torch.device("meta")

SWITCHES = {
    "torch": strict_torch,
    "numbers": strict_numbers,
    "warnings": lambda: warnings.catch_warnings(action="error"),
}
# The same, one by one, and what goes with them only apart.
SINGLE_SWITCHES = {
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "meta": default_device,
    "deterministic": deterministic,
    "autocast": lambda: torch.autocast("cpu"),
    "matmul": lambda: switched(
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        "medium",
    ),
    "threads": lambda: switched(torch.get_num_threads, torch.set_num_threads, 2),
    "polars": lambda: sklearn.config_context(transform_output="polars"),
    "array_api": lambda: sklearn.config_context(array_api_dispatch=True),
    "errors": lambda: np.errstate(all="raise"),
}


@cache
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [30, 10])
    X = rng.normal(size=(40, 3)) + y[:, None]
    # What float32 rounds to 0 underflows.
    X[0, 0] = 1e-60
    return X, y


def results(estimator):
    """All that an estimator computes."""
    X, y = table()
    estimator = clone(estimator)
    if hasattr(estimator, "fit_resample"):
        made = [*estimator.fit_resample(X, y)]
        if hasattr(estimator, "sample"):
            made.append(estimator.sample(3, 1))
        return made
    few = {"max_epochs": 2, "pretrain_epochs": 1, "batch_size": 20}
    known = estimator.get_params()
    estimator.set_params(**{k: v for k, v in few.items() if k in known})
    proba = estimator.fit(X, y).predict_proba(X)
    if not hasattr(estimator, "partial_fit"):
        return [proba, estimator.predict(X)]
    return [proba, estimator.partial_fit(X, y).predict_proba(X)]


@cache
def usual_results(name):
    return results(ESTIMATORS[name])


def assert_same(made, expected):
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("name", each(ESTIMATORS))
def test_estimators_do_not_mind_switches(name, switch):
    expected = usual_results(name)
    with SWITCHES[switch]():
        made = results(ESTIMATORS[name])
    assert_same(made, expected)


@pytest.mark.parametrize("switch", SINGLE_SWITCHES)
@pytest.mark.parametrize(
    "name",
    ["net", slow_if(True, "meta-augment"), slow_if(True, "gl-gan"), "latent-smote"],
)
def test_each_switch_alone(name, switch, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    expected = usual_results(name)
    with SINGLE_SWITCHES[switch]():
        made = results(ESTIMATORS[name])
    assert_same(made, expected)


@pytest.mark.parametrize("switch", ["torch", "numbers"])
def test_switches_between_fit_and_prediction(switch):
    X, y = table()
    net = clone(CLASSIFIERS["net"]).set_params(max_epochs=2).fit(X, y)
    proba, outputs = net.predict_proba(X), list(net.forward_iter(X))
    with SWITCHES[switch]():
        assert_same([net.predict_proba(X)], [proba])
        for one, other in zip(net.forward_iter(X), outputs, strict=True):
            # Between two batches the switches are those of the caller.
            assert torch.get_default_dtype() == (
                torch.float64 if switch == "torch" else torch.float32
            )
            assert torch.equal(one, other)
        fitted = clone(net).fit(X, y)
    assert_same([fitted.predict_proba(X)], [proba])


@cache
def attacked_net():
    return NetClassifier(max_epochs=3, random_state=0, n_bins=4).fit(*table())


def attack(**params):
    X, y = table()
    return adversarial_rows(
        attacked_net(), X, y, eps=0.3, attack_steps=3, random_state=0, **params
    )


@cache
def annotations():
    # Eight workers who hardly err: what speaks against a label underflows.
    return simulate_annotators(
        np.repeat([0, 1], 100), n_workers=8, error_rate=0.02, random_state=0
    )


@cache
def probabilities():
    y = table()[1]
    certain = np.where(y == 1, 1 - 1e-12, 1e-200)
    return np.stack([1 - certain, certain], axis=1)


FUNCTIONS = {
    "dawid-skene": lambda: DawidSkene().fit(annotations()).predict_proba(annotations()),
    "dawid-skene-hard": lambda: (
        DawidSkene(assignment="hard", smoothing=0).fit(annotations()).label_posterior_
    ),
    "majority-vote": lambda: MajorityVote().fit(annotations()).label_posterior_,
    "pgd": lambda: attack(restarts=3, early_stop=True),
    "l2-both": lambda: attack(norm="l2", attack="both", queries=10),
    "square": lambda: attack(attack="square", queries=10),
    "robust-accuracy": lambda: robust_accuracy(
        attacked_net(), *table(), eps=0.3, attack_steps=3, random_state=0
    ),
    "brier": lambda: balanced_brier_score(table()[1], probabilities()),
    "variance": lambda: intra_class_variance(table()[1], probabilities().argmax(1)),
    "precision": lambda: precision_at_recall_score(
        table()[1], probabilities()[:, 1], recall=0.5
    ),
}


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_do_not_mind_switches(name, switch):
    expected = FUNCTIONS[name]()
    with SWITCHES[switch]():
        made = FUNCTIONS[name]()
    np.testing.assert_array_equal(made, expected)


def test_rows_of_inference_mode_can_be_attacked():
    torch.manual_seed(0)
    net, ball = torch.nn.Linear(2, 2), Ball("linf", torch.full((2,), 0.5))
    x, y = torch.ones(4, 2), torch.tensor([0, 1, 0, 1])
    expected = pgd(net, x, y, ball, random_start=False)
    assert not torch.equal(expected, x)
    with torch.inference_mode():
        made = pgd(net, x.clone(), y.clone(), ball, random_start=False)
    assert torch.equal(made, expected)


def test_weights_of_inference_mode_cannot_be_attacked():
    X, y = table()
    net = NetClassifier(max_epochs=1, random_state=0).fit(X, y)
    with torch.inference_mode():
        net.module_ = deepcopy(net.module_)
    with pytest.raises(ValueError, match="initialized in torch.inference_mode"):
        adversarial_rows(net, X, y, eps=0.3)
    assert adversarial_rows(net, X, y, eps=0.3, attack="square").shape == X.shape


def test_threads_share_the_default_dtype():
    X, y = table()
    nets = [clone(CLASSIFIERS["net"]).set_params(random_state=i) for i in range(4)]
    expected = [net.fit(X, y).predict_proba(X) for net in nets]
    with default_dtype(torch.float64), ThreadPoolExecutor(4) as threads:
        made = threads.map(lambda net: clone(net).fit(X, y).predict_proba(X), nets)
        assert_same(list(made), expected)
