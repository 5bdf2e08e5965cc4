"""A fit succeeds, or leaves the estimator exactly as it was, whatever stops it."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

from imbdeep.calibration import PriorCorrectedClassifier
from imbdeep.classifiers import InferThenFit, NetClassifier
from imbdeep.crowds import DawidSkene, MajorityVote
from imbdeep.over_sampling import MetaAugment

from .estimators import CLASSIFIERS, SAMPLERS, each
from .nets import GOING_ON, NETS, quick, table

AGGREGATORS = {"dawid-skene": DawidSkene(), "majority-vote": MajorityVote()}
X, Y = table(60)
NEW_LABELS = np.where(Y == 0, "a", "b")


class Trouble(Callback):
    """Makes trouble at the end of an epoch, once it is armed."""

    armed = None

    def on_epoch_end(self, net, **kwargs):
        if Trouble.armed is not None:
            trouble, Trouble.armed = Trouble.armed, None
            trouble()


def fail():
    raise RuntimeError("trouble in training")


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True, scope="module")
def imported():
    # An interrupt waits for what the first fit imports, and that takes seconds.
    quick("net").fit(X, Y)


@pytest.fixture(autouse=True)
def disarm(usual_interrupts):
    yield
    Trouble.armed = None


def troubled(name, **params):
    net = quick(name, **params)
    return net.set_params(callbacks=[*(net.callbacks or ()), ("trouble", Trouble)])


def contents(value):
    """What an attribute holds, in a form that can be compared."""
    if hasattr(value, "state_dict") and not isinstance(value, type):
        return contents(value.state_dict())
    if isinstance(value, np.random.RandomState):
        return contents(value.get_state(legacy=False))
    if isinstance(value, torch.Tensor | np.ndarray):
        return repr(value.tolist())
    if isinstance(value, dict):
        return {key: contents(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [contents(part) for part in value]
    return repr(value)


def state_of(estimator):
    """Every attribute: the object itself, and what it holds now."""
    return {name: (value, contents(value)) for name, value in vars(estimator).items()}


def assert_unchanged(estimator, before):
    after = state_of(estimator)
    assert after.keys() == before.keys()
    for name, (value, held) in before.items():
        assert after[name][0] is value, name
        # Callbacks hold what the last training left in them.
        if not name.startswith("callbacks"):
            assert after[name][1] == held, name


# --- Refusals -----------------------------------------------------------------------


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("name", each(GOING_ON))
def test_a_refused_fit_of_a_net_changes_nothing(name, fitted):
    net = quick(name)
    if fitted:
        net.fit(X, Y)
    before = state_of(net)
    other = np.hstack([X, X])
    crowd = name in ("crowd-layer", "iced")
    refused = {"eval_set": (other[:9, :7], NEW_LABELS[:9])}
    refused |= {} if crowd else {"sample_weight": -np.ones(len(Y))}
    for parameter, value in refused.items():
        with pytest.raises(ValueError):
            net.fit(other, NEW_LABELS, **{parameter: value})
        assert_unchanged(net, before)
        if fitted:
            with pytest.raises(ValueError):
                net.partial_fit(X, Y, **{parameter: value})
            assert_unchanged(net, before)
    if fitted:
        assert set(net.predict(X)) <= set(Y)
    else:
        with pytest.raises(NotFittedError):
            net.predict(X)


def last_act(kind):
    """Where a fit of estimators that are no nets does its last bit of work."""
    return {
        "sampler": "imbdeep.over_sampling._tables.repeat_labels",
        "aggregator": "imbdeep.crowds._aggregator.error_rates",
        "classifier": "numpy.ravel",
        "corrected": "imbdeep.calibration._prior_corrected.log_prior_ratio",
    }[kind]


OTHERS = {
    **{name: ("sampler", sampler) for name, sampler in SAMPLERS.items()},
    **{name: ("aggregator", aggregator) for name, aggregator in AGGREGATORS.items()},
    **{
        name: (
            "corrected"
            if isinstance(classifier, PriorCorrectedClassifier)
            else "classifier",
            classifier,
        )
        for name, classifier in CLASSIFIERS.items()
        if name not in NETS
    },
}


def run(kind, estimator, rows, labels):
    if kind == "aggregator":
        return estimator.fit(np.stack([labels, labels, labels[::-1]], axis=1))
    return getattr(estimator, "fit_resample" if kind == "sampler" else "fit")(
        rows, labels
    )


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", OTHERS)
def test_a_fit_that_fails_at_its_end_changes_nothing(name, error, fitted, monkeypatch):
    kind, estimator = OTHERS[name]
    estimator = clone(estimator)
    if fitted:
        run(kind, estimator, X, Y)
    before = state_of(estimator)

    def stop(*args, **kwargs):
        raise error("trouble at the end")

    with monkeypatch.context() as patch:
        patch.setattr(last_act(kind), stop)
        with pytest.raises(error):
            run(kind, estimator, X[:, 1:], NEW_LABELS)
    assert_unchanged(estimator, before)


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_a_refused_check_of_a_sampler_changes_nothing(name):
    sampler = clone(SAMPLERS[name]).set_params(sampling_strategy={"a": 10**6, "c": 1})
    before = state_of(sampler)
    with pytest.raises(ValueError):
        sampler.fit(X, NEW_LABELS)
    assert_unchanged(sampler, before)


# --- Failures and interrupts in training ----------------------------------------------

TROUBLES = {
    "failure": (fail, RuntimeError),
    "interrupt": (interrupt, KeyboardInterrupt),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", each(NETS))
def test_a_first_fit_that_is_stopped_leaves_the_net_unfitted(name, trouble):
    net = troubled(name)
    before = state_of(net)
    Trouble.armed, error = TROUBLES[trouble]
    with pytest.raises(error):
        net.fit(X, Y)
    assert_unchanged(net, before)
    with pytest.raises(NotFittedError):
        net.predict(X)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", each(GOING_ON))
def test_later_training_that_is_stopped_leaves_what_was_learned(name, trouble):
    net = troubled(name).fit(X, Y)
    before, predicted = state_of(net), net.predict_proba(X)
    trouble, error = TROUBLES[trouble]
    calls = [
        lambda: net.fit(np.hstack([X, X]), NEW_LABELS),
        lambda: net.partial_fit(X, Y),
    ]
    for call in calls:
        Trouble.armed = trouble
        with pytest.raises(error):
            call()
        assert_unchanged(net, before)
    assert_array_equal(net.predict_proba(X), predicted)


@pytest.mark.parametrize("name", each(GOING_ON))
def test_a_net_that_failed_goes_on_as_if_it_had_not(name):
    nets = [troubled(name).fit(X, Y) for _ in range(2)]
    Trouble.armed = fail
    with pytest.raises(RuntimeError):
        nets[0].partial_fit(X, Y)
    probabilities = [net.partial_fit(X, Y).predict_proba(X) for net in nets]
    assert_array_equal(*probabilities)


# --- Interrupts ----------------------------------------------------------------------


class Slow(Callback):
    """Gives a signal from outside the time to arrive."""

    def on_batch_end(self, net, **kwargs):
        time.sleep(0.002)


def slow_net(**params):
    small = {"module__hidden_sizes": (4,), "random_state": 0, "max_epochs": 500}
    small |= {"callbacks": [Slow], "early_stopping": False}
    return NetClassifier(**small | params)


def interrupted(call, after=0.15):
    """Whether a call ends in a KeyboardInterrupt by a signal of another thread."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        timer.cancel()
        timer.join()
    return False


CALLS = {
    "fit": lambda: slow_net().fit(X, Y),
    "cross_val_score": lambda: cross_val_score(slow_net(), X, Y, error_score=0.0),
    "grid_search": lambda: GridSearchCV(slow_net(), {"lr": [0.1, 0.2]}).fit(X, Y),
    "sampler": lambda: MetaAugment(
        estimator=CLASSIFIERS["meta-augment"].__class__(
            callbacks=[Slow], max_epochs=500, on_interrupt="stop"
        )
    ).fit_resample(X, Y),
    "infer_then_fit": lambda: InferThenFit(estimator=slow_net()).fit(
        X, np.stack([Y, Y, Y], axis=1)
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_ends_whatever_contains_the_fit(name):
    handler = signal.getsignal(signal.SIGINT)
    assert interrupted(CALLS[name])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_net_may_keep_what_it_learned_until_an_interrupt():
    net = slow_net(on_interrupt="stop")
    with pytest.warns(UserWarning, match=r"interrupted after \d+ epochs"):
        assert not interrupted(lambda: net.fit(X, Y))
    assert net.interrupted_
    assert 0 < len(net.history) < 500
    assert net.predict_proba(X).shape == (len(X), 2)
    assert not net.set_params(max_epochs=1).fit(X, Y).interrupted_


def test_a_callback_may_still_end_training():
    class Enough(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    net = slow_net().set_params(callbacks=[Enough]).fit(X, Y)
    assert len(net.history) == 3
    assert not net.interrupted_


def test_a_handler_of_the_user_that_does_not_raise_stops_nothing():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *args: calls.append(args))
    try:
        net = slow_net(max_epochs=3, callbacks=[Trouble])
        Trouble.armed = interrupt
        net.fit(X, Y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 1
    assert len(net.history) == 3
    assert not net.interrupted_


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_interrupts_at_any_moment(seed):
    rng = np.random.RandomState(seed)
    net = NetClassifier(
        module__hidden_sizes=(4,), random_state=0, early_stopping=False, max_epochs=100
    )
    net.fit(X, Y)
    before = state_of(net)
    net_before, expected = pickle.dumps(net), net.predict_proba(X)
    for _ in range(5):
        # A parameter beside the state: later fits last until they are interrupted.
        vars(net)["max_epochs"] = 10**6
        before["max_epochs"] = (10**6, "1000000")
        refit = rng.randint(2)
        call = net.fit if refit else net.partial_fit
        assert interrupted(lambda call=call: call(X, Y), rng.uniform(0, 0.6))
        assert_unchanged(net, before)
        assert_array_equal(net.predict_proba(X), expected)
    assert_array_equal(pickle.loads(net_before).predict_proba(X), expected)


# --- Threads and processes ------------------------------------------------------------


def test_one_net_fitted_by_two_threads_gets_a_clear_error():
    net, errors = slow_net(max_epochs=10), []

    def fit():
        try:
            net.fit(X, Y)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=fit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 2
    assert all("is being fitted by another thread" in str(error) for error in errors)
    assert_array_equal(net.predict_proba(X), clone(net).fit(X, Y).predict_proba(X))


def test_a_net_gives_no_predictions_to_others_while_it_is_fitted():
    class Asks(Callback):
        def on_epoch_end(self, net, **kwargs):
            with ThreadPoolExecutor() as pool:
                answers.append(pool.submit(net.predict_proba, X).exception())
            net.predict_proba(X)

    answers = []
    net = NetClassifier(callbacks=[Asks()], max_epochs=2)
    net.fit(X, Y).fit(X, Y)
    assert len(answers) == 4
    assert all("is being fitted by another thread" in str(error) for error in answers)
    with ThreadPoolExecutor() as pool:
        assert_array_equal(
            pool.submit(net.predict_proba, X).result(), net.predict_proba(X)
        )


def test_a_classifier_that_infers_first_takes_its_new_parts_or_none():
    model = InferThenFit(MajorityVote(), LogisticRegression()).fit(
        X, np.stack([Y, Y, Y], axis=1)
    )
    expected = model.predict(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X[:-1], np.stack([1 - Y, 1 - Y, Y], axis=1))
    assert_array_equal(model.predict(X), expected)


INTERRUPTED_IMPORT = """
import signal, sys
import numpy as np
from imbdeep.classifiers import NetClassifier
from imbdeep.over_sampling import LatentSMOTE

# A suite in the background of a shell was told to ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Interrupt:
    def find_spec(name, path, target=None):
        # Far inside of what torch imports before its first step.
        if name == "sympy.core.symbol":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt)
X, y = np.random.default_rng(0).normal(size=(60, 3)), np.repeat([0, 1], [40, 20])
net, sampler = NetClassifier(max_epochs=1), LatentSMOTE(max_epochs=1)
first, second = (net.fit, sampler.fit_resample)[:: int(sys.argv[1])]
try:
    first(X, y)
except KeyboardInterrupt:
    print("interrupted")
assert not hasattr(net, "module_") and not hasattr(sampler, "n_epochs_")
for method in (first, second):
    method(X, y)
print("fitted")
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ["1", "-1"])
def test_an_interrupt_while_torch_imports_its_parts_breaks_no_later_fit(order):
    command = [sys.executable, "-c", INTERRUPTED_IMPORT, order]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["interrupted", "fitted"], done.stderr[-2000:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_while_another_thread_fits_does_not_hang():
    net = slow_net(max_epochs=60)
    thread = threading.Thread(target=net.fit, args=(X, Y))
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    thread.start()
    while not (net.run_ is not None and net.history):
        time.sleep(0.01)
    child = os.fork()
    if not child:
        code = 1
        try:
            drawn = torch.rand(3)
            # Half of a fit is none.
            with pytest.raises(RuntimeError, match="half fitted. Fit it anew"):
                net.predict(X)
            slow_net(max_epochs=1).fit(X, Y)
            net.set_params(max_epochs=1).fit(X, Y).predict(X)
            code = 0 if torch.equal(drawn, expected) else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    done = 0
    while not done and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    thread.join()
    assert done, "the child hangs"
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_an_interrupt_by_another_signal_raises_too():
    def interrupt(signum, frame):
        raise KeyboardInterrupt

    net = quick("net", max_epochs=100_000, early_stopping=False)
    quick("net").fit(X, Y)  # what torch imports late
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.fit(X, Y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not net.initialized_
