import pickle
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from skorch.callbacks import Checkpoint
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping

from imbdeep.callbacks import EarlyStopping, TriangularLR, WeightAveraging
from imbdeep.callbacks._weight_averaging import averages_last
from imbdeep.classifiers import ImbMixClassifier
from tests.callbacks.conftest import (
    BatchNormNet,
    Probe,
    Scores,
    rate_by_interpolation,
    weights_of,
)


def seen(net, name="probe"):
    return dict(net.callbacks_)[name].seen_


def assert_weights(net, expected, rtol=1e-5, atol=1e-6):
    parameters = dict(net.module_.named_parameters())
    assert parameters
    for name, parameter in parameters.items():
        torch.testing.assert_close(
            parameter.detach().double(), expected[name], rtol=rtol, atol=atol
        )


def mean_by_loop(states):
    return {
        name: sum(state[name].double() for state in states) / len(states)
        for name in states[0]
    }


def moving_average_by_loop(states, decay):
    average = {name: x.double() for name, x in states[0].items()}
    for state in states[1:]:
        for name, x in state.items():
            average[name] = decay * average[name] + (1 - decay) * x.double()
    return average


@pytest.mark.parametrize("average_from, first", [(0, 0), (0.5, 4), (0.75, 6)])
def test_swa_is_the_mean_over_epochs(make_net, binary, average_from, first):
    net = make_net(
        WeightAveraging("swa", average_from=average_from),
        ("probe", Probe(weights_of)),
        max_epochs=8,
    ).fit(*binary)
    assert_weights(net, mean_by_loop(seen(net)[first:]))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("average_from, first", [(0, 0), (0.5, 2)])
def test_ema_is_a_moving_average_over_steps(
    make_net, binary, decay, average_from, first
):
    X, y = binary
    net = make_net(
        WeightAveraging("ema", average_from=average_from, decay=decay),
        ("probe", Probe(weights_of, "step_end")),
    ).fit(X, y)
    n_steps = len(X) // 16
    states = seen(net)
    assert len(states) == 4 * n_steps
    assert_weights(net, moving_average_by_loop(states[first * n_steps :], decay))


def test_validation_steps_do_not_count(make_net, binary):
    X, y = binary
    net = make_net(
        WeightAveraging("ema", average_from=0, decay=0.5),
        ("probe", Probe(weights_of, "step_end")),
        iterator_valid__batch_size=8,
    ).fit(X[:64], y[:64], eval_set=(X[64:], y[64:]))
    assert_weights(net, moving_average_by_loop(seen(net), 0.5))


def test_without_decay_the_last_weights_count(make_net, binary):
    X, y = binary
    averaged = make_net(WeightAveraging("ema", decay=0)).fit(X, y)
    plain = make_net().fit(X, y)
    np.testing.assert_allclose(averaged.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("method", ["swa", "ema"])
def test_averaging_does_not_change_training(make_net, binary, method):
    states = [
        seen(make_net(*callbacks, ("probe", Probe(weights_of))).fit(*binary))
        for callbacks in ([WeightAveraging(method, average_from=0)], [])
    ]
    for averaged, plain in zip(*states, strict=True):
        assert all(torch.equal(averaged[name], plain[name]) for name in plain)


@pytest.mark.parametrize("method", ["swa", "ema"])
def test_predictions_and_pickles_use_the_average(make_net, binary, method):
    X, y = binary
    net = make_net(
        WeightAveraging(method, average_from=0), ("probe", Probe(weights_of))
    ).fit(X, y)
    last = seen(net)[-1]
    assert not torch.equal(net.module_.head.weight, last["head.weight"])
    with torch.no_grad():
        logits = net.module_.eval()(torch.from_numpy(X))
    expected = logits.double().softmax(1)
    np.testing.assert_allclose(net.predict_proba(X), expected, rtol=1e-6)
    net.set_params(callbacks=None)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    for name, x in net.module_.state_dict().items():
        assert torch.equal(again.module_.state_dict()[name], x)


def test_a_pickle_does_not_hold_the_average_twice():
    callback = WeightAveraging()
    callback.average_, callback.dataset_train_ = torch.nn.Linear(2, 2), [1, 2, 3]
    again = pickle.loads(pickle.dumps(callback))
    assert again.average_ is None
    assert again.dataset_train_ is None
    assert callback.average_ is not None


def running_statistics_by_loop(net, X, batch_size):
    """Mean over batches of each batch's mean and unbiased variance before the norm."""
    first = net.module_.first
    means, variances = [], []
    for start in range(0, len(X), batch_size):
        z = X[start : start + batch_size] @ first.weight.detach().numpy().T
        z = z + first.bias.detach().numpy()
        means.append(z.mean(0))
        variances.append(z.var(0, ddof=1))
    return np.mean(means, 0), np.mean(variances, 0)


@pytest.mark.parametrize("method", ["swa", "ema"])
@pytest.mark.parametrize("weighted", [False, True])
def test_batch_norm_statistics_are_those_of_the_average(
    make_net, binary, method, weighted
):
    X, y = binary
    net = make_net(
        WeightAveraging(method, average_from=0.5),
        ("probe", Probe(weights_of)),
        module=BatchNormNet,
    ).fit(X, y, sample_weight=np.linspace(0.5, 2, len(y)) if weighted else None)
    mean, variance = running_statistics_by_loop(net, X, 1024)
    norm = net.module_.norm
    np.testing.assert_allclose(norm.running_mean, mean, rtol=1e-4, atol=1e-5)
    # Within batches of 16, as in training.
    np.testing.assert_allclose(norm.running_var, variance, rtol=0.1)
    # They are new: those of the last epoch trailed behind the weights.
    assert not np.allclose(seen(net)[-1]["norm.running_mean"], mean, rtol=1e-3)
    assert norm.momentum == torch.nn.BatchNorm1d(1).momentum


def test_batch_norm_statistics_come_from_the_training_rows(make_net, binary):
    X, y = binary
    net = make_net(
        WeightAveraging(average_from=0.5),
        module=BatchNormNet,
    )
    net.fit(X[:64], y[:64], eval_set=(X[64:], y[64:]))
    mean, _ = running_statistics_by_loop(net, X[:64], 64)
    np.testing.assert_allclose(net.module_.norm.running_mean, mean, atol=1e-5)


@pytest.mark.parametrize("order", ["as they come", "by class"])
def test_batch_norm_statistics_weigh_all_rows_alike(make_net, order):
    # The last of several batches may be small, and rows may be sorted by class.
    X, y = make_classification(1_030, 5, class_sep=3, random_state=0)
    rows = np.argsort(y) if order == "by class" else np.arange(len(y))
    X, y = X[rows].astype("float32"), y[rows]
    net = make_net(
        WeightAveraging(average_from=0.5),
        module=BatchNormNet,
        batch_size=128,
        iterator_valid__batch_size=512,
    ).fit(X, y)
    mean, variance = running_statistics_by_loop(net, X, len(X))
    norm = net.module_.norm
    off = np.abs(norm.running_mean.numpy() - mean) / np.sqrt(variance)
    assert off.max() < 0.05
    np.testing.assert_allclose(norm.running_var, variance, rtol=0.1)


def test_batch_norm_with_all_rows_in_a_batch(make_net, binary):
    X, y = binary
    net = make_net(
        WeightAveraging(average_from=0.5), module=BatchNormNet, batch_size=-1
    ).fit(X, y)
    mean, variance = running_statistics_by_loop(net, X, len(X))
    np.testing.assert_allclose(net.module_.norm.running_mean, mean, atol=1e-5)
    np.testing.assert_allclose(net.module_.norm.running_var, variance, rtol=1e-4)


def is_first_epoch(net):
    return len(net.history) == 1


def goes_back(kind, folder):
    """A callback that goes back to the first epoch, whose score is the best."""
    if kind == "checkpoint":
        return Checkpoint(is_first_epoch, dirname=folder, load_best=True)
    if kind == "skorch":
        return SkorchEarlyStopping(
            "score", patience=9, lower_is_better=False, load_best=True
        )
    return EarlyStopping("score", patience=9)


@pytest.mark.parametrize("comes", ["before", "after"])
@pytest.mark.parametrize("kind", ["ours", "skorch", "checkpoint"])
def test_the_average_wins_over_the_best_epoch(make_net, binary, tmp_path, kind, comes):
    pair = [goes_back(kind, tmp_path), WeightAveraging(average_from=0.5)]
    net = make_net(
        Scores([3, 2, 1, 0]),
        *(pair if comes == "before" else reversed(pair)),
        ("probe", Probe(weights_of)),
    ).fit(*binary)
    assert_weights(net, mean_by_loop(seen(net)[2:]))


@pytest.mark.parametrize("seed", range(3))
def test_the_average_of_a_method_wins_over_a_callback_that_was_added(binary, seed):
    # The method's own callbacks come before those of the user.
    X, y = binary
    params = {"eps": 0.1, "eps_unit": "std", "max_epochs": 4, "early_stopping": False}
    params |= {"module__hidden_sizes": (8,), "n_bins": 4, "attack_steps": 2}
    # It goes back to the epoch of the largest loss, one of the first.
    added = SkorchEarlyStopping(
        "train_loss", patience=9, lower_is_better=False, load_best=True
    )
    nets = [
        ImbMixClassifier(callbacks=callbacks, random_state=seed, **params).fit(X, y)
        for callbacks in (None, [("stop", added)])
    ]
    assert dict(nets[1].callbacks_)["stop"].best_model_weights_ is not None
    assert_array_equal(*(net.predict_proba(X) for net in nets))


def test_other_callbacks_keep_their_order():
    stop, average = EarlyStopping(), WeightAveraging()
    last = EarlyStopping(load_best=False)
    callbacks = [("a", average), ("b", Scores([1])), ("c", stop), ("d", last)]
    names = [name for name, _ in averages_last(callbacks)]
    assert names == ["b", "c", "a", "d"]
    assert averages_last(callbacks[:2]) == callbacks[:2]


def test_stopping_before_averaging_leaves_the_best_epoch(make_net, binary):
    net = make_net(
        Scores([3, 2, 1, 0, 0, 0, 0, 0]),
        EarlyStopping("score", patience=2),
        WeightAveraging(average_from=0.9),
        ("probe", Probe(weights_of)),
        max_epochs=8,
    ).fit(*binary)
    assert len(net.history) == 3
    first = {name: x.double() for name, x in seen(net)[0].items()}
    assert_weights(net, first, rtol=0, atol=0)


def test_each_fit_has_an_average_of_its_own(make_net, binary):
    X, y = binary
    net = make_net(WeightAveraging(average_from=0.5), ("probe", Probe(weights_of))).fit(
        X, y
    )
    net.fit(-X, 1 - y)
    assert_weights(net, mean_by_loop(seen(net)[2:]))
    fresh = clone(net).fit(-X, 1 - y)
    np.testing.assert_array_equal(net.predict_proba(X), fresh.predict_proba(X))


def test_an_average_that_never_began_is_forgotten(make_net, binary):
    # Training stops in the very epoch in which averaging would have begun.
    net = make_net(
        Scores([1, 0, 0, 0]),
        ("stop", EarlyStopping("score", patience=2)),
        WeightAveraging(average_from=0.5),
        ("probe", Probe(weights_of)),
    ).fit(*binary)
    assert len(net.history) == 3
    net.set_params(callbacks__stop__patience=9).fit(*binary)
    assert_weights(net, mean_by_loop(seen(net)[2:]))


def snapshots(make_net, binary, max_epochs, *callbacks, **params):
    """Which epochs, counted from 1, are averaged."""
    net = make_net(
        *callbacks,
        WeightAveraging(**params),
        ("probe", Probe(weights_of)),
        max_epochs=max_epochs,
    ).fit(*binary)
    states = [state["head.weight"].double() for state in seen(net)]
    averaged = net.module_.head.weight.detach().double()
    # The one set of multiples whose mean it is.
    first = round(params.get("average_from", 0.75) * max_epochs) + 1
    for every in range(1, max_epochs + 1):
        epochs = [e for e in range(first, max_epochs + 1) if e % every == 0]
        if epochs:
            mean = sum(states[e - 1] for e in epochs) / len(epochs)
            if torch.allclose(mean, averaged, rtol=0, atol=1e-7):
                return epochs
    raise AssertionError("no mean of snapshots")


@pytest.mark.parametrize(
    ("max_epochs", "average_from", "every", "epochs"),
    [
        (8, 0, 4, [4, 8]),
        (8, 0.5, 1, [5, 6, 7, 8]),
        (11, 0.25, 4, [4, 8]),
        (10, 0.4, 3, [6, 9]),
        (7, 0.5, 7, [7]),
    ],
)
def test_snapshots_every_few_epochs(
    make_net, binary, max_epochs, average_from, every, epochs
):
    params = {"average_from": average_from, "average_every": every}
    assert snapshots(make_net, binary, max_epochs, **params) == epochs


@pytest.mark.parametrize(
    ("step_size", "epochs"), [(2, [8, 12]), (1, [6, 8, 10, 12]), (2.5, [10])]
)
def test_snapshots_at_the_ends_of_cycles(make_net, binary, step_size, epochs):
    cycle = TriangularLR(1e-4, 0.05, step_size)
    found = snapshots(make_net, binary, 12, cycle, average_from=0.4)
    assert found == epochs
    # Where the rate is lowest: that of the next step is the least one.
    for epoch in epochs:
        assert rate_by_interpolation(epoch, 1e-4, 0.05, step_size) == 1e-4


def test_snapshots_go_on_with_the_cycle_in_further_training(make_net, binary):
    net = make_net(
        TriangularLR(1e-4, 0.05, 2),
        WeightAveraging(average_from=0),
        ("probe", Probe(weights_of)),
        max_epochs=6,
    )
    net.partial_fit(*binary).partial_fit(*binary)
    last = seen(net)[-6:]  # epochs 7 to 12, of which 8 and 12 end a cycle
    assert_weights(net, mean_by_loop([last[1], last[5]]))


@pytest.mark.parametrize(
    ("max_epochs", "params"),
    [
        (5, {"average_from": 0.75, "average_every": 4}),
        (3, {"average_from": 0, "average_every": 4}),
        (11, {"average_from": 0.75, "average_every": 4}),
    ],
)
def test_refuses_a_training_without_a_snapshot(make_net, binary, max_epochs, params):
    net = make_net(WeightAveraging(**params), max_epochs=max_epochs)
    message = "none of them is a multiple of average_every=4.*set average_every=1"
    with pytest.raises(ValueError, match=message):
        net.fit(*binary)
    assert not net.history


@pytest.mark.parametrize(
    ("max_epochs", "params", "epoch"),
    [
        (12, {"average_every": 4}, 12),
        (4, {}, 4),
        (10, {"average_from": 0, "average_every": 6}, 6),
    ],
)
def test_warns_of_a_single_snapshot(make_net, binary, max_epochs, params, epoch):
    net = make_net(WeightAveraging(**params), max_epochs=max_epochs)
    message = f"a single snapshot, that after epoch {epoch} of {max_epochs}, .*average"
    with pytest.warns(UserWarning, match=message):
        net.fit(*binary)
    assert dict(net.callbacks_)["WeightAveraging"].epochs_ == [epoch]


@pytest.mark.parametrize(
    ("max_epochs", "params"),
    [
        (12, {"average_every": 4, "average_from": 0.5}),
        (8, {}),
        (4, {"method": "ema"}),
        # The last one is all there is, and no choice of the user's.
        (1, {}),
    ],
)
def test_an_average_is_no_reason_to_warn(make_net, binary, max_epochs, params):
    net = make_net(WeightAveraging(**params), max_epochs=max_epochs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(*binary)


def test_the_mean_over_steps_does_not_care_for_cycles(make_net, binary):
    params = {"average_from": 0, "decay": 0.5}
    net = make_net(
        TriangularLR(1e-4, 0.05, 2),
        WeightAveraging("ema", **params),
        ("probe", Probe(weights_of, "step_end")),
        max_epochs=3,
    ).fit(*binary)
    assert_weights(net, moving_average_by_loop(seen(net), 0.5))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"average_every": 0}, "average_every must be 'auto' or a whole .* got 0"),
        ({"average_every": 1.5}, "average_every must be .* got 1.5"),
        ({"average_every": "epoch"}, "average_every must be .* got 'epoch'"),
        ({"method": "ema", "average_every": 2}, "average_every=2 is for method='swa'"),
        ({"method": "sma"}, "method must be 'ema' or 'swa', got 'sma'"),
        ({"average_from": 1}, r"average_from must be in \[0, 1\), got 1"),
        ({"average_from": -0.1}, r"average_from must be in \[0, 1\), got -0.1"),
        ({"decay": 1}, r"decay must be in \[0, 1\), got 1"),
        ({"decay": -1}, r"decay must be in \[0, 1\), got -1"),
    ],
)
def test_refuses(make_net, binary, params, message):
    with pytest.raises(ValueError, match=message):
        make_net(WeightAveraging(**params)).fit(*binary)
