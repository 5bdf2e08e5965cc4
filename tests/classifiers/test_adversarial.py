"""Adversarial training: what its three classifiers share, and the plain one."""

import functools
import gc
import io
import pickle
from copy import deepcopy
from inspect import signature

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from imbdeep.attacks import adversarial_rows, make_robust_scorer, pgd, robust_accuracy
from imbdeep.attacks._pgd import strongest_pgd
from imbdeep.attacks._worst import worst_rows
from imbdeep.batches import MixUpBatches, ReMixBatches
from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    SRATClassifier,
)
from tests.classifiers.attacked import (
    NETS,
    OWN,
    PLAIN,
    SMALL,
    Normed,
    NoTraining,
    digits,
    epochs,
    same_weights,
    spied,
    table,
    three_blobs,
)
from tests.common.slow import half_of, slow_if

# What turns each classifier into the deferred net on attacked rows.
BARE = {
    AdversarialClassifier: {},
    SRATClassifier: {"separation": 0},
    ImbMixClassifier: {"n_copies": 0, "mix": None, "weight_averaging": None},
}

all_nets = pytest.mark.parametrize("net_class", NETS)
# For what their base class does, whatever is done with the attacked rows.
one_net = pytest.mark.parametrize(
    "net_class", [slow_if(one is not AdversarialClassifier, one) for one in NETS]
)


# --- Without an attack ---------------------------------------------------------------


@functools.cache
def deferred_net(criterion, reweight_from, weighted):
    """A fit to look at, which all classifiers are compared with."""
    X, y = table()
    plain = {k: v for k, v in SMALL.items() if k not in ("eps", "eps_unit")}
    del plain["attack_steps"]
    net = LDAMClassifier(criterion=criterion, reweight_from=reweight_from, **plain)
    return net.fit(X, y, sample_weight=row_weights(y) if weighted else None)


def row_weights(y):
    return np.random.RandomState(0).uniform(0, 2, len(y))


@half_of(
    net_class=NETS,
    criterion=["cross_entropy", "focal", "ldam"],
    reweight_from=[0.0, 0.5],
)
def test_without_attack_it_is_the_deferred_net(net_class, criterion, reweight_from):
    X, y = table()
    weight = row_weights(y)
    # Of two epochs the second is weighted, where weights are deferred.
    shared = {"criterion": criterion, "reweight_from": reweight_from}
    for rows, attack, sample_weight in (
        (X, {"eps": 0}, None),
        (X, {"eps": 0.0, "norm": "l2"}, weight),
        (X, {"eps": np.zeros(5)}, weight),
        (X.astype(np.float64), {"eps": [0, 0, 0, 0, 0]}, None),
        (X, {"eps": 0.3, "perturb": []}, None),
        (X, {"eps": 0.3, "perturb": np.zeros(5, dtype=bool)}, weight),
    ):
        expected = deferred_net(criterion, reweight_from, sample_weight is not None)
        net = net_class(**SMALL | shared | BARE[net_class] | attack)
        net.fit(rows, y, sample_weight=sample_weight)
        for name in ("train_loss", "event_lr", "train_batch_count"):
            assert net.history[:, name] == expected.history[:, name]
        assert same_weights(net, expected)
        assert_array_equal(net.predict_proba(rows), expected.predict_proba(rows))


@all_nets
def test_an_attack_makes_a_difference(net_class):
    X, y = table()
    clean, attacked = (
        net_class(**SMALL | BARE[net_class] | {"eps": eps}).fit(X, y) for eps in (0, 1)
    )
    assert attacked.history[-1, "train_loss"] > clean.history[-1, "train_loss"] + 0.05


# --- A step --------------------------------------------------------------------------


@half_of(net_class=NETS, norm=["linf", "l2"], box=[None, "data", (-9, 9)])
def test_attacked_rows_stay_within_reach(net_class, norm, box):
    X, y = table()
    X = X.clip(-2, 2)
    X[:, 4] = 3  # constant: no standard deviation, no shift
    net = spied(net_class)(
        norm=norm, box=box, perturb=[0, 2, 3, 4], **SMALL | {"eps": 0.7}
    ).fit(X, y)
    std = X.astype(np.float64).std(0)
    radius = 0.7 * std * [1, 0, 1, 1, 0]
    moved = radius > 0
    reached = []
    for step in net.steps_:
        clean = step["clean"].double().numpy()
        attacked = step["attacked"].double().numpy()
        assert_array_equal(attacked[:, ~moved], clean[:, ~moved])
        shift = np.abs(attacked - clean)[:, moved] / radius[moved]
        length = shift.max(1) if norm == "linf" else np.sqrt((shift**2).sum(1))
        assert length.max() <= 1 + 1e-5
        reached.append(length)
        low, high = {
            None: (-np.inf, np.inf),
            "data": (X.min(0), X.max(0)),
            (-9, 9): (-9, 9),
        }[box]
        assert ((low <= attacked) & (attacked <= high)).all()
        # No label is lost on the way, and no row.
        rows = {x.tobytes(): label for x, label in zip(X, y, strict=True)}
        for x, label in zip(step["clean"].numpy(), step["clean_labels"], strict=True):
            assert rows[x.tobytes()] == label
    assert np.mean(np.concatenate(reached)) > 0.7
    if box == "data":
        rows = torch.cat([step["attacked"] for step in net.steps_]).numpy()
        assert rows[:, 0].max() == X[:, 0].max()


@half_of(net_class=NETS, step_size=[None, 0.2], criterion=["cross_entropy", "ldam"])
def test_attacked_rows_are_those_of_a_slow_ascent(net_class, step_size, criterion):
    """Sign of the gradient of the log odds against the label, row by row, float64."""
    X, y = table()
    net = spied(net_class)(
        random_start=False,
        step_size=step_size,
        criterion=criterion,
        **SMALL | {"max_epochs": 2, "module__dropout": 0.5},
    ).fit(X, y)
    std = X.astype(np.float64).std(0)
    radius = torch.from_numpy(0.3 * std)
    length = radius * 2.5 / 3 if step_size is None else torch.from_numpy(0.2 * std)
    differ = total = 0
    for step in net.steps_[::3]:
        module = step["module"].double().eval()
        for clean, label, attacked in zip(
            step["clean"].double(), step["clean_labels"], step["attacked"], strict=True
        ):
            x = clean
            for _ in range(3):
                x = x.detach().requires_grad_()
                p = (net.logit_scale_ * module(x[None])[0]).softmax(0)[label]
                (gradient,) = torch.autograd.grad(-(p / (1 - p)).log(), x)
                x = x + length * gradient.sign()
                x = torch.minimum(torch.maximum(x, clean - radius), clean + radius)
            # The sign of a gradient that is nearly 0 is a matter of rounding.
            differ += ((x - attacked).abs() > 1e-4 * radius).any().item()
            total += 1
    assert total > 60
    assert differ <= 0.05 * total


@all_nets
def test_the_net_is_attacked_as_it_predicts_and_trained_as_it_trains(net_class):
    X, y = table()
    modes = []

    class Watched(spied(net_class)):
        def infer(self, x, **fit_params):
            modes.append({part.training for part in self.module_.modules()})
            return super().infer(x, **fit_params)

    net = Watched(Normed, criterion="cross_entropy", **OWN)
    net.set_params(**BARE[net_class]).fit(X, y)
    # As many passes as the attack has steps, then the one that is trained on.
    assert modes == [{False}, {False}, {False}, {True}] * len(net.steps_)


@all_nets
def test_statistics_of_batch_norm_are_those_of_the_steps(net_class):
    X, y = table()
    params = {"weight_averaging": None, "criterion": "cross_entropy", **OWN}
    net = spied(net_class)(Normed, **params).fit(X, y)
    mean, variance = torch.zeros(5).double(), torch.ones(5).double()
    for step in net.steps_:
        rows = step["rows"].double()
        mean = 0.9 * mean + 0.1 * rows.mean(0)
        variance = 0.9 * variance + 0.1 * rows.var(0)
    assert net.module_.norm.num_batches_tracked == len(net.steps_)
    assert_allclose(net.module_.norm.running_mean, mean, rtol=1e-4, atol=1e-6)
    assert_allclose(net.module_.norm.running_var, variance, rtol=1e-4)


@pytest.mark.parametrize("net_class", [AdversarialClassifier, ImbMixClassifier])
def test_gradients_are_those_of_the_step_alone(net_class):
    X, y = table()
    params = {**PLAIN, "reweight_from": 1.0, "criterion": "cross_entropy"}
    net = spied(net_class)(**params).fit(X, y)
    for step in net.steps_:
        module = step["module"].double()
        loss = cross_entropy(module(step["rows"].double()), as_soft(step["labels"]))
        loss.backward()
        assert step["loss"] == pytest.approx(loss.item(), rel=1e-5)
        for name, p in module.named_parameters():
            assert_allclose(step["gradients"][name], p.grad, rtol=1e-3, atol=1e-6)


def as_soft(labels):
    if labels.is_floating_point():
        return labels.double()
    return torch.nn.functional.one_hot(labels, 2).double()


@pytest.mark.parametrize("reweight_from", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("reduction", ["rows", "weights"])
def test_deferred_weights_are_those_of_effective_numbers(reweight_from, reduction):
    """CE, DRCB-CE and CB-Reweight of the paper's Table 4.1, step by step."""
    X, y = table()
    net = spied(AdversarialClassifier)(
        reweight_from=reweight_from,
        beta=0.99,
        weight_reduction=reduction,
        weight_normalization="frequent",
        **PLAIN | {"max_epochs": 4},
    ).fit(X, y)
    weight = (1 - 0.99) / (1 - 0.99 ** np.bincount(y))
    weight /= weight[0]
    for epoch, steps in enumerate(epochs(net)):
        weighted = reweight_from < 1 and epoch >= 4 * reweight_from
        for step in steps:
            labels = step["labels"].numpy()
            with torch.no_grad():
                z = step["module"].double()(step["attacked"].double()).numpy()
            p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
            losses = -np.log(p[np.arange(len(labels)), labels])
            w = weight[labels] if weighted else np.ones(len(labels))
            divisor = len(labels) if reduction == "rows" else w.sum()
            expected = (w * losses).sum() / divisor
            assert step["loss"] == pytest.approx(expected, rel=1e-5)


def test_resampling_instead_of_weights():
    X, y = table()
    net = spied(AdversarialClassifier)(iterator_train="balanced", **SMALL).fit(X, y)
    shares = [step["labels"].double().mean().item() for step in net.steps_]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
@all_nets
def test_memory_is_flat(net_class):
    counts = []

    class Count(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) in (2, 8):
                gc.collect()
                types = map(type, gc.get_objects())
                counts.append(sum(issubclass(t, torch.Tensor) for t in types))

    # Neither weights nor an average that begin late.
    params = {"reweight_from": 1.0, "weight_averaging": None, "max_epochs": 8}
    gc.collect()
    gc.freeze()  # what was there before is not looked through
    try:
        net_class(callbacks=[Count()], **SMALL | params).fit(*table())
    finally:
        gc.unfreeze()
    early, late = counts
    assert early == late > 0


# --- What a fit leaves behind --------------------------------------------------------


class Raises(Callback):
    def __init__(self, error):
        self.error = error

    def on_epoch_end(self, net, **kwargs):
        assert callable(net.run_.attack)
        raise self.error


@one_net
def test_no_attack_is_left_behind(net_class):
    X, y = table()
    assert net_class(**SMALL).fit(X, y).run_ is None
    net = net_class(callbacks=[Raises(KeyboardInterrupt())], **SMALL).fit(X, y)
    assert len(net.history) == 1
    assert net.run_ is None
    net = net_class(callbacks=[Raises(RuntimeError("on purpose"))], **SMALL)
    with pytest.raises(RuntimeError, match="on purpose"):
        net.fit(X, y)
    assert net.run_ is None
    net.set_params(callbacks=None).fit(X, np.array(["a", "b"])[y])
    assert set(net.predict(X)) <= {"a", "b"}


class Pickles(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.pickle_ = pickle.dumps(net)


@one_net
def test_a_pickle_made_in_training_needs_no_attack(net_class):
    """As checkpoints make them; the attack has tensors of the training device."""
    X, y = table()
    net = net_class(callbacks=[("pickles", Pickles())], **SMALL).fit(X, y)
    again = pickle.loads(dict(net.callbacks_)["pickles"].pickle_)
    assert again.run_ is None
    assert np.isfinite(again.partial_fit(X, y).predict_proba(X)).all()


@one_net
def test_the_global_generators_are_left_alone(net_class):
    X, y = table()
    torch.manual_seed(5)
    np.random.seed(5)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = net_class(**SMALL).fit(X, y)
    assert_array_equal(torch.get_rng_state(), torch_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)
    torch.manual_seed(6)
    second = net_class(**SMALL).fit(X, y)
    assert same_weights(first, second)
    other = net_class(**SMALL | {"random_state": 1}).fit(X, y)
    assert not same_weights(first, other)


@all_nets
def test_the_random_start_is_drawn_from_the_seed(net_class):
    X, y = table()
    params = {**PLAIN, **BARE[net_class], "max_epochs": 1, "batch_size": -1}
    first, again, other = (
        spied(net_class)(step_size=0, **params | {"random_state": seed}).fit(X, y)
        for seed in (0, 0, 1)
    )
    [step], [same], [different] = first.steps_, again.steps_, other.steps_
    assert torch.equal(step["attacked"], same["attacked"])
    shifts = [s["attacked"] - s["clean"] for s in (step, different)]
    assert not torch.equal(*shifts)
    # Uniform in the box of sides 2 eps: neither the row itself nor its corners.
    relative = shifts[0].numpy() / (0.3 * X.std(0))
    assert np.abs(relative).max() <= 1 + 1e-5
    assert relative.var() == pytest.approx(1 / 3, abs=0.05)
    fixed = spied(net_class)(step_size=0, random_start=False, **params).fit(X, y)
    assert torch.equal(fixed.steps_[0]["attacked"], fixed.steps_[0]["clean"])


@all_nets
def test_pickles_and_clones(net_class):
    X, y = table()
    net = net_class(**SMALL | {"eps": [0.1, 0.2, 0, 0.3, 0.1]}).fit(X, y)
    again = pickle.loads(pickle.dumps(net))
    assert same_weights(again, net)
    assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    assert_array_equal(again.eps_, net.eps_)
    assert same_weights(clone(net).fit(X, y), net)
    # Training goes on from a pickle as from the net itself.
    assert same_weights(again.partial_fit(X, y), net.partial_fit(X, y))


@pytest.mark.slow  # what goes into the processes and comes back is pickled above
@all_nets
def test_two_jobs(net_class):
    X, y = table()
    net = net_class(**SMALL).fit(X, y)
    fitted = Parallel(n_jobs=2)(delayed(clone(net).fit)(X, y) for _ in range(2))
    assert all(same_weights(other, net) for other in fitted)


# --- Data ----------------------------------------------------------------------------


@one_net
@pytest.mark.parametrize(
    "labels", [[-1, 1], ["no", "yes"], [False, True]], ids=["int", "str", "bool"]
)
def test_labels_of_any_type(net_class, labels):
    X, y = table(class_sep=2.0)
    named = np.array(labels)[y]
    net = net_class(**SMALL).fit(X, named)
    expected = net_class(**SMALL).fit(X, y)
    assert_array_equal(net.classes_, labels)
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(net.predict(X), np.array(labels)[expected.predict(X)])
    assert robust_accuracy(net, X, named, eps=0.0) == net.score(X, named)


@pytest.mark.parametrize(
    "net_class", [slow_if(one is not AdversarialClassifier, one) for one in NETS]
)
def test_several_classes(net_class):
    scores = []
    for seed in range(3):
        X, y = three_blobs(seed)
        params = SMALL | {"max_epochs": 15, "lr": 0.02, "random_state": seed}
        net = net_class(**params).fit(X, y)
        proba = net.predict_proba(X)
        assert proba.shape == (len(X), 3)
        assert_allclose(proba.sum(1), 1, atol=1e-6)
        assert (proba >= 0).all()
        scores.append(balanced_accuracy_score(y, net.predict(X)))
    # About 0.95; a net that has not found one of the classes gets 0.65.
    assert np.mean(scores) > 0.8


@one_net
@pytest.mark.parametrize("columns", [["b", "e"], [1, 4], [-4, -1]])
def test_columns_by_name_and_position(net_class, columns):
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    net = spied(net_class)(perturb=columns, **SMALL).fit(frame, y)
    mask = np.array([False, True, False, False, True])
    assert_allclose(net.eps_, 0.3 * X.std(0) * mask, rtol=1e-5)
    for step in net.steps_:
        moved = (step["attacked"] != step["clean"]).any(0)
        assert_array_equal(moved, mask)
    as_array = net_class(perturb=mask, **SMALL).fit(X, y)
    assert same_weights(net, as_array)


@pytest.mark.parametrize(
    ("net_class", "eps"),
    [
        slow_if(net_class is not AdversarialClassifier or eps == 0.1, net_class, eps)
        for net_class in NETS
        for eps in [0.1, [[[0.2]], [[0.0]]]]
    ],
)
def test_images(net_class, eps):
    X, y = digits()
    params = {**OWN, "eps_unit": "input", "box": (0, 1), "max_epochs": 20, "lr": 0.01}
    params |= {"module__n_filters": (8,), "module__n_hidden": 16}
    params["eps"] = np.asarray(eps)
    largest = np.broadcast_to(eps, (2, 6, 6))
    scores = []
    for seed in range(3):
        net = spied(net_class)("conv", **params | {"random_state": seed}).fit(X, y)
        assert_allclose(net.eps_, largest)
        for step in net.steps_:
            shift = (step["attacked"] - step["clean"]).abs().numpy()
            assert (shift <= largest + 1e-6).all()
            assert shift.max() > 0.05
            assert step["attacked"].min() >= 0
            assert step["attacked"].max() <= 1
        if np.ndim(eps):
            assert torch.equal(step["attacked"][:, 1], step["clean"][:, 1])
        assert net.predict_proba(X).shape == (60, 2)
        scores.append(net.score(X, y))
    # About 1; the larger class alone is 0.67.
    assert np.mean(scores) > 0.85


# --- What is learned, and when -------------------------------------------------------


@one_net
def test_units_and_defaults(net_class):
    X, y = table()
    X[:, 1] *= 100
    X[:, 3] = -2
    std = X.astype(np.float64).std(0)
    net = net_class(**SMALL).fit(X, y)
    assert_allclose(net.feature_std_, std, rtol=1e-5)
    assert net.feature_std_[3] == net.eps_[3] == 0
    assert_allclose(net.eps_, 0.3 * std, rtol=1e-5)
    assert_allclose(net.step_size_, 0.3 * std * 2.5 / 3, rtol=1e-5)
    assert net.box_ is None
    net = net_class(
        eps_unit="input",
        step_size=0.01,
        box="data",
        **{k: v for k, v in SMALL.items() if k != "eps_unit"},
    ).fit(X, y)
    assert_array_equal(net.eps_, np.full(5, 0.3))
    assert_array_equal(net.step_size_, np.full(5, 0.01))
    assert_array_equal(net.box_, [X.min(0), X.max(0)])
    per_feature = net_class(**SMALL | {"eps": np.arange(5)}).fit(X, y)
    assert_allclose(per_feature.eps_, np.arange(5) * std, rtol=1e-5)


@all_nets
def test_training_that_goes_on_takes_new_parameters(net_class):
    X, y = table()
    net = spied(net_class)(**SMALL).fit(X, y)
    std = net.feature_std_
    net.set_params(eps=0.05).partial_fit(2 * X, y)
    assert_array_equal(net.feature_std_, std)  # of the first rows
    assert_allclose(net.eps_, 0.05 * std, rtol=1e-6)
    shift = (net.steps_[0]["attacked"] - net.steps_[0]["clean"]).abs().amax(0)
    assert_allclose(shift, net.eps_, rtol=1e-3)
    assert len(net.history) == 4
    net.set_params(warm_start=True, eps=0.0, attack_steps=1).fit(X, y)
    assert len(net.history) == 6
    assert torch.equal(net.steps_[0]["attacked"], net.steps_[0]["clean"])


@one_net
def test_a_box_of_the_data_is_that_of_the_rows_at_hand(net_class):
    X, y = table()
    net = spied(net_class)(box="data", **SMALL).fit(X, y)
    net.partial_fit(3 * X, y)
    assert_array_equal(net.box_, [3 * X.min(0), 3 * X.max(0)])


@one_net
def test_rows_outside_the_box_in_partial_fit(net_class):
    X, y = table()
    low, high = X.min(), X.max()
    net = net_class(box=(low, high), **SMALL).fit(X, y)
    before, counts = deepcopy(net), net.class_counts_.copy()
    with pytest.raises(ValueError, match="X lies outside the box: feature"):
        net.partial_fit(2 * X, y)
    assert same_weights(net, before)
    assert_array_equal(net.class_counts_, counts)
    assert len(net.history) == 2
    net.partial_fit(X, y)


# --- Errors, before any training -----------------------------------------------------


def refuse(net_class, match, X, y, **params):
    net = net_class(callbacks=[NoTraining()], **SMALL | params)
    with pytest.raises(ValueError, match=match):
        net.fit(X, y)
    assert not net.initialized_


@one_net
@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"norm": "l1"}, "'norm' parameter of"),
        ({"eps": -0.1}, "'eps' parameter of"),
        ({"eps": [0.1, 0.1, 0.1, 0.1, -0.1]}, "eps must be finite and at least 0"),
        ({"eps": np.nan}, "'eps' parameter of"),
        ({"eps": [0, 0, np.nan, 0, 0]}, "eps must be finite and at least 0"),
        ({"eps": np.inf}, "'eps' parameter of"),
        ({"eps": "large"}, "'eps' parameter of"),
        ({"eps": ["a"] * 5}, "eps must be a number or one number for each"),
        ({"eps": np.ones(4)}, r"eps has shape \(4,\), but a row of X has shape \(5,\)"),
        ({"eps_unit": "range"}, "'eps_unit' parameter of"),
        ({"step_size": -1.0}, "'step_size' parameter of"),
        ({"step_size": np.ones((5, 5))}, r"step_size has shape \(5, 5\)"),
        ({"attack_steps": 0}, "'attack_steps' parameter of"),
        ({"attack_steps": 2.5}, "'attack_steps' parameter of"),
        ({"random_start": "no"}, "'random_start' parameter of"),
        ({"box": (-0.1, 0.1)}, r"X lies outside the box: feature \d has the value"),
        ({"box": (1, 0)}, "box must have low at most high"),
        ({"box": (0, np.nan)}, "box must have low at most high and no NaN"),
        ({"box": (0, 1, 2)}, r"box must be a pair \(low, high\)"),
        ({"box": ("a", "b")}, r"box must be a pair \(low, high\)"),
        ({"box": 1.0}, "'box' parameter of"),
        ({"box": "pixels"}, "'box' parameter of"),
        ({"box": (np.zeros(3), np.ones(3))}, "box has sides of shape"),
        ({"perturb": [True, False]}, r"perturb is a mask of shape \(2,\), but a row"),
        ({"perturb": np.ones((5, 5), bool)}, r"perturb is a mask of shape \(5, 5\)"),
        ({"perturb": ["age"]}, r"perturb names columns \['age'\], which X does not"),
        ({"perturb": [5]}, r"perturb names columns \[5\], which X does not"),
        ({"perturb": [-6]}, r"perturb names columns \[-6\], which X does not"),
        ({"iterator_train": "mixup"}, "'iterator_train' parameter of"),
        ({"iterator_train": "remix"}, "'iterator_train' parameter of"),
        ({"iterator_train": MixUpBatches}, "Use ImbMixClassifier, which mixes"),
        ({"iterator_train": ReMixBatches}, "Use ImbMixClassifier, which mixes"),
    ],
)
def test_refuses_bad_attacks(net_class, params, match):
    refuse(net_class, match, *table(), **params)


@one_net
def test_refuses_unknown_columns_of_a_frame(net_class):
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    match = r"perturb names columns \['age'\], which X does not have; .* named \['a', "
    refuse(net_class, match, frame, y, perturb=["a", "age"])


# --- scikit-learn and imbalanced-learn -----------------------------------------------


@one_net
def test_grid_search_over_eps(net_class):
    X, y = table()
    X *= [1, 100, 0.01, 1, 1]
    params = {**SMALL, "numeric_encoding": "standard", "max_epochs": 8, "lr": 0.02}
    search = GridSearchCV(
        net_class(**params),
        {"eps": [0.0, 20.0], "module__hidden_sizes": [(8,)]},
        cv=2,
        scoring="balanced_accuracy",
        error_score="raise",
    ).fit(X, y)
    # Attacks of twenty standard deviations leave nothing to learn.
    assert search.best_params_["eps"] == 0
    assert_array_equal(search.best_estimator_.eps_, np.zeros(5))


def robust_scores(net, n_jobs=None):
    scorer = make_robust_scorer(eps=0.1, eps_unit="std", random_state=0)
    given = {"cv": 2, "scoring": scorer, "n_jobs": n_jobs, "error_score": "raise"}
    return cross_val_score(net, *table(), **given)


@one_net
def test_pipelines_and_cross_validation(net_class):
    X, y = table()
    pipeline = make_pipeline(SMOTE(random_state=0), net_class(**SMALL))
    pipeline.fit(X, np.array(["a", "b"])[y])
    counts = pipeline[-1].class_counts_
    assert counts[0] == counts[1] == np.bincount(y).max()
    scores = cross_val_score(pipeline, X, y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    scores = robust_scores(net_class(**SMALL))
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.slow
@all_nets
def test_robust_scores_in_two_processes(net_class):
    net = net_class(**SMALL)
    assert_array_equal(robust_scores(net, n_jobs=2), robust_scores(net))


def test_parameters_that_classifiers_share_are_found():
    for net_class in NETS:
        params = net_class().get_params()
        assert {"eps", "norm", "reweight_from", "average_from", "lr"} <= params.keys()


def test_a_threat_goes_by_the_same_names_in_training_and_in_evaluation():
    X, y = table()
    threat = {"eps": 0.1, "eps_unit": "std", "norm": "l2", "attack_steps": 2}
    threat |= {"step_size": 0.1, "random_start": False, "perturb": [0, 1], "box": None}
    for net_class in NETS:
        net = net_class(**SMALL | threat).fit(X, y)
        scorer = make_robust_scorer(**threat, random_state=0)
        assert scorer(net, X, y) == robust_accuracy(net, X, y, **threat, random_state=0)
    for attack in (adversarial_rows, pgd, strongest_pgd, worst_rows):
        names = signature(attack).parameters.keys()
        assert "attack_steps" in names
        assert "steps" not in names


@pytest.mark.gpu
@all_nets
def test_cuda(net_class):
    X, y = table()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y))
    params = {**PLAIN, "random_start": False, **BARE[net_class]}
    on_cpu = net_class(**params).fit(X, y, sample_weight=weight)
    on_cuda = net_class(**params | {"device": "cuda"})
    on_cuda.fit(X, y, sample_weight=weight)
    assert next(on_cuda.module_.parameters()).is_cuda
    assert_allclose(on_cuda.predict_proba(X), on_cpu.predict_proba(X), atol=1e-2)
    full = net_class(box="data", **SMALL | {"device": "cuda"})
    full.fit(X, y, sample_weight=weight)
    pickle_without_cuda(full)


def pickle_without_cuda(net):
    """Pickle a net; what skorch does not store apart must not lie on a GPU."""

    class Finder(pickle.Pickler):
        def reducer_override(self, obj):
            assert not (isinstance(obj, torch.Tensor) and obj.is_cuda)
            return NotImplemented

    Finder(io.BytesIO()).dump(net)


# --- What it is good for -------------------------------------------------------------


ATTACK = {"eps": 0.4, "eps_unit": "std"}


def robust_gains(net, other):
    """Over seeds: by how much a net withstands more than another, of each class."""
    gains = []
    for seed in range(6):
        X, y = make_classification(
            800,
            n_features=6,
            n_informative=4,
            n_redundant=0,
            n_clusters_per_class=1,
            class_sep=1.5,
            weights=[0.75],
            flip_y=0,
            random_state=seed,
        )
        X = X.astype(np.float32)
        robust = [
            robust_accuracy(
                clone(n).set_params(random_state=seed).fit(X[:400], y[:400]),
                X[400:],
                y[400:],
                attack_steps=20,
                std=X[:400].std(0),
                rows="per_class",
                random_state=0,
                **ATTACK,
            )
            for n in (net, other)
        ]
        gains.append(robust[0] - robust[1])
    return np.array(gains)


LEARNING = {"max_epochs": 30, "lr": 0.003, "device": "cpu"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "net",
    [
        AdversarialClassifier(attack_steps=5, **ATTACK, **LEARNING),
        SRATClassifier(attack_steps=5, **ATTACK, **LEARNING),
        ImbMixClassifier(attack_steps=5, **ATTACK, **LEARNING),
    ],
    ids=["adversarial", "srat", "imb-mix"],
)
def test_attacked_nets_withstand_attacks(net):
    clean = LDAMClassifier(criterion="cross_entropy", **LEARNING)
    balanced = robust_gains(net, clean).mean(1)
    # Both classes alike; measured: 0.09 to 0.10.
    assert balanced.mean() > 0.05
    assert (balanced > 0).mean() > 0.8


@pytest.mark.slow
def test_weights_help_the_rare_class_withstand():
    params = {"attack_steps": 5, **ATTACK, **LEARNING}
    weighted = AdversarialClassifier(reweight_from=0.0, **params)
    rare = robust_gains(weighted, AdversarialClassifier(**params))[:, 1]
    # Measured: 0.10, from 0.70.
    assert rare.mean() > 0.05
    assert (rare >= 0).mean() > 0.8
