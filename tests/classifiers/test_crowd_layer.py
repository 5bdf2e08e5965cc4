"""The Crowd-Layer net against plain loops."""

from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import average_precision_score
from skorch.callbacks import Callback
from torch import nn

from imbdeep.classifiers import CrowdLayerClassifier, InferThenFit, NetClassifier
from imbdeep.crowds import MajorityVote, simulate_annotators
from imbdeep.losses import CrossEntropyLoss, CrowdLayerLoss
from imbdeep.losses._crowd_layer import annotation_losses
from tests.classifiers.crowds import make_crowd

SMALL = {
    "max_epochs": 3,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "device": "cpu",  # where the loops are
    "random_state": 0,
}
# What a loop of plain steps does, too: no dropout, no epoch to go back to.
PLAIN = {
    **SMALL,
    "early_stopping": False,
    "train_split": None,
    "module__dropout": 0.0,
    "batch_size": 32,
}

crowd = partial(
    make_crowd, class_sep=1.5, annotation_rate=0.7, n_workers=4, error_rate=0.2
)


class Recorded(CrowdLayerClassifier):
    """Keeps every training batch, and what it began with."""

    def _train(self, train, valid, method):
        self.batches_ = []
        self.start_ = deepcopy(self.module_), deepcopy(self.criterion_)
        return super()._train(train, valid, method)

    def train_step(self, batch, **fit_params):
        self.batches_.append(batch)
        return super().train_step(batch, **fit_params)


@pytest.mark.parametrize("layer", ["matrix", "vector", "vector_bias"])
@pytest.mark.parametrize("class_weight", [None, {0: 0.5, 1: 3.0}])
def test_training_is_that_of_a_plain_loop(layer, class_weight):
    """Softmax, the layers, and the cross-entropy of each annotation written out."""
    X, codes, _ = crowd()
    net = Recorded(layer=layer, class_weight=class_weight, **PLAIN).fit(X, codes)
    module = net.start_[0].train()
    weight = net.start_[1].worker_weight.detach().clone().requires_grad_()
    parts = [weight]
    if layer == "vector_bias":
        parts.append(torch.zeros(4, 2, requires_grad=True))
    optimizer = torch.optim.Adam([*module.parameters(), *parts], lr=1e-3)
    annotations_of = {x.tobytes(): row for x, row in zip(X, codes, strict=True)}
    losses = []
    for batch, _ in net.batches_:
        labels = batch["annotations"]
        for x, row in zip(batch["X"].numpy(), labels.numpy(), strict=True):
            assert_array_equal(annotations_of[x.tobytes()], row)
        proba = module(batch["X"]).softmax(1)
        total, n_given = 0.0, 0.0
        for i in range(len(labels)):
            for w in range(4):
                given = labels[i, w].item()
                if given < 0:
                    continue
                if layer == "matrix":
                    logits = weight[w] @ proba[i]
                else:
                    logits = weight[w] * proba[i]
                if layer == "vector_bias":
                    logits = logits + parts[1][w]
                share = 1.0 if class_weight is None else class_weight[given]
                total = total - share * logits.log_softmax(0)[given]
                n_given += share
        loss = total / n_given
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    sizes = [len(labels) for _, labels in net.batches_]
    per_epoch = len(losses) // 3
    assert [sum(sizes[i : i + per_epoch]) for i in (0, per_epoch)] == [120, 120]
    for epoch in range(3):
        part = slice(epoch * per_epoch, (epoch + 1) * per_epoch)
        expected = np.average(losses[part], weights=sizes[part])
        assert net.history[epoch, "train_loss"] == pytest.approx(expected, rel=1e-4)
    trained = dict(net.module_.named_parameters())
    for name, value in module.named_parameters():
        torch.testing.assert_close(trained[name], value, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(
        net.criterion_.worker_weight, weight, atol=1e-5, rtol=1e-3
    )
    assert not torch.equal(weight, net.start_[1].worker_weight)
    if layer == "vector_bias":
        torch.testing.assert_close(
            net.criterion_.worker_bias, parts[1], atol=1e-5, rtol=1e-3
        )


def test_the_layers_are_left_out_in_prediction():
    X, codes, _ = crowd()
    net = CrowdLayerClassifier(**SMALL).fit(X, codes)
    with torch.no_grad():
        expected = net.module_.eval()(torch.from_numpy(X)).double().softmax(1)
    assert_allclose(net.predict_proba(X), expected, rtol=1e-5)
    proba = net.predict_proba(X)
    with torch.no_grad():
        net.criterion_.worker_weight.zero_()
    assert_array_equal(net.predict_proba(X), proba)


def test_validation_is_the_cross_entropy_of_the_net():
    """Not that of the layers: its targets hold."""
    X, codes, truth = crowd()
    net = CrowdLayerClassifier(**PLAIN | {"train_split": None})
    net.fit(X, codes, eval_set=(X, truth))
    proba = net.predict_proba(X)[np.arange(120), truth]
    assert net.history[-1, "valid_loss"] == pytest.approx(-np.log(proba).mean())


@pytest.mark.parametrize("layer", ["matrix", "vector", "vector_bias"])
def test_shapes(layer):
    X, codes, _ = crowd(n_classes=3)
    criterion = CrowdLayerClassifier(layer=layer, **SMALL).fit(X, codes).criterion_
    shape = (4, 3, 3) if layer == "matrix" else (4, 3)
    assert criterion.worker_weight.shape == shape
    assert (criterion.worker_bias is not None) == (layer == "vector_bias")


def test_a_worker_who_gave_nothing_has_the_layer_of_the_beginning():
    X, codes, _ = crowd()
    codes = np.column_stack([codes, np.full(120, -1)])
    weight = CrowdLayerClassifier(**SMALL).fit(X, codes).criterion_.worker_weight
    assert torch.equal(weight[4], torch.eye(2))
    assert all((weight[w] != torch.eye(2)).any() for w in range(4))


def test_class_weight_of_labels_that_have_names():
    X, codes, _ = crowd(annotation_rate=1.0)
    names = np.array(["no", "yes"])
    plain = CrowdLayerClassifier(class_weight={0: 1, 1: 4}, **SMALL).fit(X, codes)
    named = CrowdLayerClassifier(class_weight={"no": 1, "yes": 4}, **SMALL)
    named.fit(X, names[codes])
    assert_array_equal(named.predict_proba(X), plain.predict_proba(X))
    assert named.criterion_.weight.tolist() == [1, 4]
    balanced = CrowdLayerClassifier(class_weight="balanced", **SMALL).fit(X, codes)
    counts = np.bincount(MajorityVote().fit_predict(codes))
    assert_allclose(balanced.criterion_.weight, 120 / (2 * counts), rtol=1e-6)
    # More weight, more of them.
    without = CrowdLayerClassifier(**SMALL).fit(X, codes)
    assert plain.predict_proba(X)[:, 1].mean() > without.predict_proba(X)[:, 1].mean()


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


@pytest.mark.parametrize("iterator", ["smote", "mixup", "remix"])
def test_mixtures_are_refused(iterator):
    X, codes, _ = crowd()
    net = CrowdLayerClassifier(
        iterator_train=iterator, callbacks=[NoTraining()], **SMALL
    )
    with pytest.raises(ValueError, match=f"'{iterator}' mixes rows, and nobody annot"):
        net.fit(X, codes)


def test_balanced_batches_are_those_of_the_majority_vote():
    X, codes, _ = crowd(n_samples=400)
    net = Recorded(iterator_train="balanced", **PLAIN).fit(X, codes)
    shares = [target.float().mean().item() for _, target in net.batches_]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)
    annotations_of = {x.tobytes(): row for x, row in zip(X, codes, strict=True)}
    for batch, _ in net.batches_:
        for x, row in zip(batch["X"].numpy(), batch["annotations"], strict=True):
            assert_array_equal(annotations_of[x.tobytes()], row)


def test_a_data_loader():
    X, codes, _ = crowd()
    net = CrowdLayerClassifier(iterator_train=torch.utils.data.DataLoader, **PLAIN)
    assert np.isfinite(net.fit(X, codes).predict_proba(X)).all()
    assert (net.criterion_.worker_weight != torch.eye(2)).any()


class Shared(nn.Module):
    """One matrix for all workers, and a parameter of its own."""

    def __init__(self, n_classes, slope=1.0):
        super().__init__()
        self.slope = slope
        self.matrix = nn.Parameter(torch.eye(n_classes))

    def forward(self, logits, target):
        if target.ndim == 1:
            return CrossEntropyLoss()(logits, target)
        by_worker = (self.slope * logits.softmax(-1) @ self.matrix.T).unsqueeze(1)
        by_worker = by_worker.expand(-1, target.shape[1], -1)
        return annotation_losses(by_worker, target).sum() / (target >= 0).sum()


def test_a_criterion_of_ones_own():
    X, codes, _ = crowd()
    net = CrowdLayerClassifier(criterion=Shared, criterion__slope=2.0, **SMALL)
    net.fit(X, codes)
    assert net.criterion_.slope == 2
    assert (net.criterion_.matrix != torch.eye(2)).any()
    net = CrowdLayerClassifier(criterion__reduction="sum", **SMALL).fit(X, codes)
    assert net.criterion_.reduction == "sum"


def test_a_criterion_that_reduces_nothing_is_averaged_over_what_was_given():
    X, codes, _ = crowd()
    each = CrowdLayerClassifier(criterion__reduction="none", **PLAIN).fit(X, codes)
    mean = CrowdLayerClassifier(**PLAIN).fit(X, codes)
    assert_allclose(each.history[:, "train_loss"], mean.history[:, "train_loss"])
    assert_allclose(each.predict_proba(X), mean.predict_proba(X), rtol=1e-4)


def test_parameters_that_cannot_be_used():
    X, codes, _ = crowd()
    for params, match in [
        ({"layer": "tensor"}, "'layer' parameter"),
        ({"criterion": "cross_entropy"}, "'criterion' parameter"),
    ]:
        net = CrowdLayerClassifier(callbacks=[NoTraining()], **SMALL, **params)
        with pytest.raises(ValueError, match=match):
            net.fit(X, codes)


class SmallConvNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Conv2d(1, 4, 3)
        self.last = nn.Linear(64, n_classes)

    def forward(self, x):
        return self.last(self.features(x).relu().flatten(1))


def test_images_with_a_module_of_ones_own():
    rng = np.random.RandomState(0)
    truth = np.repeat([0, 1], [70, 20])
    X = rng.rand(90, 1, 6, 6).astype(np.float32) + truth[:, None, None, None]
    codes = simulate_annotators(truth, n_workers=4, error_rate=0.2, random_state=0)
    net = CrowdLayerClassifier(
        SmallConvNet, max_epochs=40, lr=0.01, device="cpu", random_state=0
    ).fit(X, codes)
    assert net.score(X, truth) > 0.95


def test_partial_fit_goes_on_with_the_layers():
    X, codes, _ = crowd()
    net = Recorded(**PLAIN).partial_fit(X[:80], codes[:80])
    weight = net.criterion_.worker_weight.detach().clone()
    net.partial_fit(X[80:], codes[80:])
    assert torch.equal(net.start_[1].worker_weight, weight)
    assert not torch.equal(net.criterion_.worker_weight, weight)


@pytest.mark.slow
def test_a_liar_is_turned_round_where_the_vote_is_spoilt():
    """Two workers who know and one who lies: less than half of the vote's misses."""
    misses = []
    for seed in range(8):
        X, codes, truth = crowd(
            n_samples=400,
            seed=seed,
            annotation_rate=1.0,
            n_workers=3,
            error_rate=[0.1, 0.1, 0.9],
        )
        params = PLAIN | {"max_epochs": 20, "lr": 0.03, "random_state": seed}
        layer = CrowdLayerClassifier(**params)
        vote = InferThenFit(MajorityVote(), NetClassifier(**params))
        of_models = []
        for model in (layer, vote):
            proba = model.fit(X[:250], codes[:250]).predict_proba(X[250:])[:, 1]
            of_models.append(1 - average_precision_score(truth[250:], proba))
        misses.append(of_models)
        # The liar's matrix answers with the other label, theirs with the same.
        matrices = layer.criterion_.worker_weight.detach().numpy()
        honest = [m[0, 0] + m[1, 1] - m[0, 1] - m[1, 0] for m in matrices]
        assert min(honest[:2]) > 1 and honest[2] < -1
    by_layer, by_vote = np.transpose(misses)
    assert by_layer.mean() < 0.5 * by_vote.mean()
    assert (by_layer - by_vote).max() < 0.02


@pytest.mark.gpu
def test_cuda_training_is_that_on_the_cpu():
    X, codes, _ = crowd()
    on_cpu = CrowdLayerClassifier(**PLAIN).fit(X, codes)
    on_cuda = CrowdLayerClassifier(**PLAIN | {"device": "cuda"}).fit(X, codes)
    assert on_cuda.criterion_.worker_weight.is_cuda
    assert_allclose(on_cuda.predict_proba(X), on_cpu.predict_proba(X), atol=1e-3)
    assert isinstance(on_cuda.criterion_, CrowdLayerLoss)
