"""The crowd layer against plain loops in Python floats."""

import math
import pickle

import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import CrossEntropyLoss, CrowdLayerLoss, crowd_layer
from imbdeep.losses._crowd_layer import annotation_losses
from imbdeep.losses._registry import LOSSES
from tests.losses import loops

LAYERS = ["matrix", "vector", "vector_bias"]
N_WORKERS = 4


@pytest.fixture
def annotations(n_classes):
    """Some are missing; the second row has none at all."""
    generator = torch.Generator().manual_seed(20 + n_classes)
    labels = torch.randint(-1, n_classes, (11, N_WORKERS), generator=generator)
    labels[1] = -1
    return labels


def layers(layer, n_classes, dtype=torch.float64):
    """Weights and biases that are not those of the beginning."""
    generator = torch.Generator().manual_seed(n_classes)
    shape = (N_WORKERS, n_classes) + (n_classes,) * (layer == "matrix")
    weight = torch.randn(shape, generator=generator, dtype=dtype)
    bias = torch.randn(N_WORKERS, n_classes, generator=generator, dtype=dtype)
    return weight, bias if layer == "vector_bias" else None


def trained(layer, n_classes, **params):
    loss = CrowdLayerLoss(N_WORKERS, n_classes, layer=layer, **params).double()
    weight, bias = layers(layer, n_classes)
    loss.worker_weight.data = weight
    if bias is not None:
        loss.worker_bias.data = bias
    return loss


def worker_logits_by_loops(row, weight, bias):
    """What each worker makes of the logits of one row."""
    proba = [math.exp(z) for z in loops.log_softmax(row)]
    n_classes = len(row)
    by_worker = []
    for w in range(N_WORKERS):
        if weight.ndim == 3:
            logits = [
                sum(weight[w, g, t].item() * proba[t] for t in range(n_classes))
                for g in range(n_classes)
            ]
        else:
            logits = [weight[w, g].item() * proba[g] for g in range(n_classes)]
        if bias is not None:
            logits = [z + bias[w, g].item() for g, z in enumerate(logits)]
        by_worker.append(logits)
    return by_worker


@pytest.mark.parametrize(
    ("reduction", "weight_reduction"),
    [("mean", "weights"), ("mean", "rows"), ("sum", "rows"), ("none", "rows")],
)
@pytest.mark.parametrize("weigh_rows", [False, True])
@pytest.mark.parametrize("weigh_labels", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_agrees_with_loops(
    layer,
    n_classes,
    annotations,
    weigh_labels,
    weigh_rows,
    reduction,
    weight_reduction,
):
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(11, n_classes, generator=generator, dtype=torch.float64)
    row_weight = torch.rand(11, generator=generator, dtype=torch.float64)
    label_weight = [(c + 1) / 2 for c in range(n_classes)]
    loss = trained(
        layer,
        n_classes,
        weight=torch.tensor(label_weight) if weigh_labels else None,
        reduction=reduction,
        weight_reduction=weight_reduction,
    )
    weight, bias = layers(layer, n_classes)
    losses, weights = [], []
    for i, row in enumerate(logits.tolist()):
        for w, by_worker in enumerate(worker_logits_by_loops(row, weight, bias)):
            label = annotations[i, w].item()
            given = label >= 0
            losses.append(loops.cross_entropies(by_worker)[label] if given else 0.0)
            of_label = label_weight[label] if weigh_labels else 1.0
            of_row = row_weight[i].item() if weigh_rows else 1.0
            weights.append(of_label * of_row * given)
    expected = loops.reduce(
        torch.tensor(losses),
        torch.tensor(weights),
        reduction,
        weight_reduction,
        n_rows=int((annotations >= 0).sum()),
    )
    if reduction == "none":
        expected = expected.reshape(11, N_WORKERS)
    row_weight = row_weight if weigh_rows else None
    result = loss(logits, annotations, sample_weight=row_weight)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)
    result = loss.batch_loss(logits, annotations, row_weight)
    if reduction == "none":
        n_given = int((annotations >= 0).sum())
        expected = expected.sum() / n_given
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_layer_begins_as_the_identity(layer):
    loss = CrowdLayerLoss(N_WORKERS, 3, layer=layer)
    proba = torch.tensor([[0.5, 0.2, 0.3], [1.0, 0.0, 0.0]])
    by_worker = crowd_layer(proba, loss.worker_weight, loss.worker_bias)
    assert by_worker.shape == (2, N_WORKERS, 3)
    for w in range(N_WORKERS):
        assert torch.equal(by_worker[:, w], proba)


@pytest.mark.parametrize("layer", LAYERS)
def test_parameters(layer):
    loss = CrowdLayerLoss(N_WORKERS, 3, layer=layer)
    shapes = {name: tuple(p.shape) for name, p in loss.named_parameters()}
    expected = {"worker_weight": (4, 3, 3) if layer == "matrix" else (4, 3)}
    if layer == "vector_bias":
        expected["worker_bias"] = (4, 3)
    assert shapes == expected
    # No two workers share a layer.
    with torch.no_grad():
        loss.worker_weight[0] += 1
    assert not torch.equal(loss.worker_weight[0], loss.worker_weight[1])


def test_a_matrix_is_indexed_by_the_given_and_the_true_label():
    """A worker who says 2 of what is 0."""
    weight = torch.zeros(1, 3, 3)
    weight[0, 2, 0] = 5.0
    logits = crowd_layer(torch.tensor([[1.0, 0, 0]]), weight)
    assert logits.tolist() == [[[0, 0, 5]]]


def test_one_worker_who_is_left_alone_has_the_cross_entropy_of_the_probabilities():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(9, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (9, 1), generator=generator)
    loss = CrowdLayerLoss(1, 4).double()(logits, labels)
    expected = CrossEntropyLoss()(logits.softmax(-1), labels[:, 0])
    torch.testing.assert_close(loss, expected)


def test_labels_that_hold_pass_the_layer_by(n_classes, logits, target):
    loss = trained("matrix", n_classes)
    expected = CrossEntropyLoss()(logits, target)
    torch.testing.assert_close(loss(logits, target), expected)
    if not target.is_floating_point():
        loss(logits.requires_grad_(), target).backward()
        assert loss.worker_weight.grad is None


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight_reduction", ["weights", "rows"])
def test_a_batch_without_annotations_has_no_loss_and_no_gradient(
    reduction, weight_reduction
):
    loss = CrowdLayerLoss(3, 2, reduction=reduction, weight_reduction=weight_reduction)
    logits = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    value = loss(logits.requires_grad_(), torch.full((5, 3), -1))
    assert not value.any()
    value.sum().backward()
    assert not logits.grad.any()
    assert not loss.worker_weight.grad.any()


def test_what_is_missing_does_not_matter():
    """Neither other workers' rows nor their layers move by an annotation not given."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=generator)
    labels = torch.randint(3, (6, 4), generator=generator)
    labels[:, 2] = -1
    labels[4] = -1
    loss = CrowdLayerLoss(4, 3)
    logits.requires_grad_()
    loss(logits, labels).backward()
    assert not logits.grad[4].any() and logits.grad[3].any()
    moved = loss.worker_weight.grad.flatten(1).any(1)
    assert moved.tolist() == [True, True, False, True]
    # The mean is over what was given.
    others = CrowdLayerLoss(3, 3)
    keep = [0, 1, 2, 3, 5]
    part = others(logits[keep], labels[keep][:, [0, 1, 3]])
    torch.testing.assert_close(loss(logits, labels), part)


def test_annotation_losses_against_loops():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 3, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(-1, 4, (2, 5, 3), generator=generator)
    losses = annotation_losses(logits, labels)
    assert losses.shape == labels.shape
    for place in torch.cartesian_prod(*map(torch.arange, labels.shape)).tolist():
        label = labels[tuple(place)].item()
        row = logits[tuple(place)].tolist()
        expected = loops.cross_entropies(row)[label] if label >= 0 else 0
        assert losses[tuple(place)].item() == pytest.approx(expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_gradient(layer):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(-1, 3, (5, N_WORKERS), generator=generator)
    parts = [p for p in layers(layer, 3) if p is not None]

    def loss_of(logits, *parts):
        by_worker = crowd_layer(logits.softmax(-1), *parts)
        return annotation_losses(by_worker, labels)

    inputs = [value.requires_grad_() for value in (logits, *parts)]
    assert gradcheck(loss_of, inputs)
    loss = trained(layer, 3, weight=torch.tensor([1.0, 2.0, 0.5]))
    assert gradcheck(lambda z: loss(z, labels), inputs[0])


@pytest.mark.parametrize("layer", LAYERS)
def test_extreme_logits(extreme_logits, layer):
    logits = extreme_logits.requires_grad_()
    loss = CrowdLayerLoss(2, 3, layer=layer)
    labels = torch.tensor([[0, 1], [2, -1], [1, 1], [0, 0], [2, 2], [-1, -1]])
    value = loss(logits, labels)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


def test_pickle_and_state():
    loss = trained("vector_bias", 3, weight=torch.tensor([1.0, 2.0, 3.0]))
    logits = torch.randn(4, 3, dtype=torch.float64)
    labels = torch.tensor([[0, 1, 2, -1]] * 4)
    again = pickle.loads(pickle.dumps(loss))
    assert again(logits, labels) == loss(logits, labels)
    fresh = CrowdLayerLoss(4, 3, layer="vector_bias", weight=torch.ones(3)).double()
    fresh.load_state_dict(loss.state_dict())
    assert fresh(logits, labels) == loss(logits, labels)


def test_it_is_no_criterion_by_name():
    """Without annotations it would be the cross-entropy, and needs the workers."""
    assert CrowdLayerLoss not in LOSSES.values()


def test_refuses_an_unknown_layer():
    with pytest.raises(ValueError, match="layer must be 'matrix', .* got 'tensor'"):
        CrowdLayerLoss(2, 2, layer="tensor")


def test_refuses_a_weight_of_another_number_of_classes():
    loss = CrowdLayerLoss(2, 3, weight=[1.0, 2.0])
    with pytest.raises(ValueError, match="weight holds 2 classes, the logits 3"):
        loss(torch.zeros(4, 3), torch.zeros(4, 2, dtype=torch.int64))
