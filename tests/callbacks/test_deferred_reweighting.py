import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from imbdeep.batches._registry import BATCHES
from imbdeep.callbacks import DeferredReweighting
from imbdeep.losses import class_balanced_weights
from tests.callbacks.conftest import Probe


def rows_weights(counts, beta=0.9999):
    return class_balanced_weights(torch.as_tensor(counts), beta, "rows")


def class_weight(net):
    weight = net.criterion_.weight
    return None if weight is None else weight.tolist()


def adam_state(net):
    """Steps and first moments of the parameters, and the optimizer itself."""
    state = net.optimizer_.state
    return (
        net.optimizer_,
        [int(s["step"]) for s in state.values()],
        [s["exp_avg"].clone() for s in state.values()],
    )


@pytest.mark.parametrize(
    "reweight_from, n_unweighted", [(0, 0), (0.3, 3), (0.5, 5), (0.8, 8), (1, 10)]
)
@pytest.mark.parametrize("criterion", ["cross_entropy", "focal", "ldam"])
def test_switches_after_the_stated_epochs(
    make_net, binary, criterion, reweight_from, n_unweighted
):
    X, y = binary
    net = make_net(
        DeferredReweighting(reweight_from, beta=0.99),
        ("probe", Probe(class_weight, "step_begin")),
        criterion=criterion,
        max_epochs=10,
    ).fit(X, y)
    n_steps = len(X) // 16
    seen = dict(net.callbacks_)["probe"].seen_
    assert len(seen) == 10 * n_steps
    assert seen[: n_unweighted * n_steps] == [None] * (n_unweighted * n_steps)
    weights = rows_weights(np.bincount(y), 0.99).tolist()
    assert seen[n_unweighted * n_steps :] == [weights] * ((10 - n_unweighted) * n_steps)


def test_weights_come_in_the_order_of_the_labels(make_net, multi_class):
    X, y = multi_class
    labels = np.array(["b", "a", "c"])[y]
    seen = []

    class Weight(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.criterion_.weight)

    drw = ("drw", DeferredReweighting(0))
    net = make_net(drw, Weight(), max_epochs=1).fit(X, labels)
    counts = [(labels == label).sum() for label in "abc"]
    expected = rows_weights(counts)
    torch.testing.assert_close(dict(net.callbacks_)["drw"].weights_, expected)
    torch.testing.assert_close(seen, [expected])


@pytest.mark.parametrize("normalization", ["rows", "frequent", "classes"])
def test_normalizations(make_net, binary, normalization):
    counts = np.bincount(binary[1])
    drw = ("drw", DeferredReweighting(0.5, 0.99, normalization))
    net = make_net(drw).fit(*binary)
    expected = class_balanced_weights(torch.tensor(counts), 0.99, normalization)
    torch.testing.assert_close(dict(net.callbacks_)["drw"].weights_, expected)


class Weights(Callback):
    """Mean weight of the labels of each epoch, soft ones included."""

    def on_train_begin(self, net, **kwargs):
        self.seen_ = []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        y = batch[1]
        soft = y if y.is_floating_point() else torch.eye(3)[y]
        weight = net.criterion_.weight
        weight = torch.ones(3) if weight is None else weight
        self.seen_.append((soft @ weight).mean().item())


CASES = [(name, {}) for name in BATCHES]
CASES += [("remix", {"balance": "batch"}), (torch.utils.data.DataLoader, {})]


@pytest.mark.parametrize(("iterator", "params"), CASES)
def test_by_rows_the_mean_weight_of_what_is_trained_on_is_1(
    make_net, multi_class, iterator, params
):
    """Whatever shares the batches give the classes: the rate keeps its meaning."""
    X, y = multi_class
    keep = np.r_[np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:5]]
    params = {f"iterator_train__{name}": value for name, value in params.items()}
    net = make_net(
        ("weights", Weights()),
        DeferredReweighting(0.5),
        iterator_train=iterator,
        max_epochs=30,
        batch_size=32,
        **params,
    ).fit(X[keep], y[keep])
    seen = dict(net.callbacks_)["weights"].seen_
    half = len(seen) // 2
    assert seen[:half] == [1] * half
    assert np.mean(seen[half:]) == pytest.approx(1, abs=0.1)
    # Not batch by batch: some have more rare rows than others.
    if iterator in ("shuffled", "mixup"):
        assert np.std(seen[half:]) > 0.1


def test_further_training_defers_again(make_net, binary):
    seen = []

    class Weight(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.criterion_.weight is not None)

    net = make_net(DeferredReweighting(0.5), Weight(), max_epochs=4)
    net.partial_fit(*binary).partial_fit(*binary)
    assert seen == [False, False, True, True] * 2


def test_weighing_from_the_start_is_a_weighted_criterion(make_net, binary):
    X, y = binary
    weight = class_balanced_weights(torch.tensor(np.bincount(y)), 0.9)
    deferred = make_net(DeferredReweighting(0, beta=0.9)).fit(X, y)
    weighted = make_net(criterion__weight=weight).fit(X, y)
    np.testing.assert_allclose(
        deferred.predict_proba(X), weighted.predict_proba(X), rtol=1e-4
    )


def test_never_weighing_is_the_plain_net(make_net, binary):
    X, y = binary
    never = make_net(DeferredReweighting(1)).fit(X, y)
    plain = make_net().fit(X, y)
    np.testing.assert_array_equal(never.predict_proba(X), plain.predict_proba(X))


def test_never_weighing_holds_in_further_training_too(make_net, binary):
    net = make_net(DeferredReweighting(1), max_epochs=2)
    net.partial_fit(*binary).partial_fit(*binary)
    assert net.criterion_.weight is None


def test_the_switch_changes_training(make_net, binary):
    X, y = binary
    deferred = make_net(DeferredReweighting(0.5)).fit(X, y)
    plain = make_net().fit(X, y)
    losses = deferred.history[:, "train_loss"], plain.history[:, "train_loss"]
    assert losses[0][:2] == losses[1][:2]
    assert not np.array_equal(deferred.predict_proba(X), plain.predict_proba(X))


def test_the_optimizer_goes_on(make_net, binary):
    net = make_net(
        DeferredReweighting(0.5),
        ("end", Probe(adam_state, "epoch_end")),
        ("begin", Probe(adam_state, "epoch_begin")),
    ).fit(*binary)
    callbacks = dict(net.callbacks_)
    ends, begins = callbacks["end"].seen_, callbacks["begin"].seen_
    n_steps = len(binary[0]) // 16
    for epoch, (optimizer, steps, moments) in enumerate(ends):
        assert optimizer is net.optimizer_
        assert steps == [n_steps * (epoch + 1)] * len(steps)
        if epoch + 1 < len(begins):
            _, steps_after, moments_after = begins[epoch + 1]
            assert steps_after == steps
            assert moments
            assert all(map(torch.equal, moments_after, moments))
            assert all(moment.any() for moment in moments)


def test_class_weight_holds_until_it_is_replaced(make_net, binary):
    X, y = binary
    net = make_net(
        DeferredReweighting(0.5),
        ("probe", Probe(class_weight)),
        class_weight={0: 1.0, 1: 3.0},
    ).fit(X, y)
    deferred = rows_weights(np.bincount(y)).tolist()
    seen = dict(net.callbacks_)["probe"].seen_
    assert seen == [[1.0, 3.0], [1.0, 3.0], deferred, deferred]


def test_torchs_cross_entropy_is_reweighted_too(make_net, binary):
    X, y = binary
    ours = make_net(DeferredReweighting(0.5)).fit(X, y)
    theirs = make_net(
        DeferredReweighting(0.5), criterion=torch.nn.CrossEntropyLoss
    ).fit(X, y)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-3, atol=1e-5
    )


class Unweighted(torch.nn.Module):
    n_steps = 0

    def forward(self, logits, target):
        Unweighted.n_steps += 1
        return torch.nn.functional.cross_entropy(logits, target)


def test_refuses_a_criterion_without_weight_before_training(make_net, binary):
    net = make_net(DeferredReweighting(0.5), criterion=Unweighted)
    with pytest.raises(ValueError, match=r"criterion with a class weight, got Unw"):
        net.fit(*binary)
    assert Unweighted.n_steps == 0  # not after half of the epochs


@pytest.mark.parametrize("reweight_from", [-0.1, 1.1, float("nan")])
def test_refuses_reweight_from_outside_its_range(make_net, binary, reweight_from):
    with pytest.raises(ValueError, match=r"reweight_from must be in \[0, 1\], got"):
        make_net(DeferredReweighting(reweight_from)).fit(*binary)


def test_refuses_an_unknown_normalization(make_net, binary):
    with pytest.raises(
        ValueError, match="normalization must be 'classes', .* got 'sum'"
    ):
        make_net(DeferredReweighting(normalization="sum")).fit(*binary)


def test_refuses_beta_outside_its_range(make_net, binary):
    with pytest.raises(ValueError, match=r"beta must be in \[0, 1\), got 1"):
        make_net(DeferredReweighting(beta=1)).fit(*binary)


def test_other_weights_may_be_deferred(make_net, binary):
    class Given(DeferredReweighting):
        def deferred_weights(self, net):
            return torch.tensor([1.0, float(len(net.class_counts_))])

    X, y = binary
    net = make_net(
        Given(reweight_from=0.5), ("probe", Probe(class_weight)), max_epochs=4
    ).fit(X, y)
    assert dict(net.callbacks_)["probe"].seen_ == [None, None, [1, 2], [1, 2]]
