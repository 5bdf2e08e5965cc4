import warnings

import numpy as np
import pytest
import torch
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from imbdeep.callbacks import EpochMetrics
from imbdeep.callbacks._epoch_metrics import (
    average_precision,
    mean_average_precision,
    recalls,
)
from tests.callbacks.conftest import Probe

NAMES = ["valid_average_precision", "valid_balanced_accuracy", "valid_g_mean"]


def average_precision_by_loop(is_positive, score):
    """Sum of precision times gain in recall, threshold by threshold."""
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        taken = [p for p, s in zip(is_positive, score, strict=True) if s >= threshold]
        recall = sum(taken) / sum(is_positive)
        total += (recall - recall_before) * sum(taken) / len(taken)
        recall_before = recall
    return total


def expected_scores(y, proba, labels, rare):
    """Metrics of scikit-learn and imbalanced-learn; ``rare`` is None if multi-class."""
    predicted = labels[proba.argmax(1)]
    columns = range(len(labels)) if rare is None else [list(labels).index(rare)]
    precision = np.mean(
        [average_precision_score(y == labels[c], proba[:, c]) for c in columns]
    )
    return [
        precision,
        balanced_accuracy_score(y, predicted),
        geometric_mean_score(y, predicted),
    ]


def split(X, y):
    rows = np.random.default_rng(0).permutation(len(y))
    return rows[: len(y) // 2], rows[len(y) // 2 :]


@pytest.mark.parametrize("rare", ["first", "last"])
def test_agrees_with_scikit_learn_in_every_epoch(make_net, binary, rare):
    X, y = binary
    labels = np.array(["other", "rare"] if rare == "last" else ["zero", "one"])
    # Sorted, "one" comes first.
    y = labels[y]
    train, valid = split(X, y)
    net = make_net(
        ("probe", Probe(lambda net: net.predict_proba(X[valid]))), max_epochs=5
    ).fit(X[train], y[train], eval_set=(X[valid], y[valid]))
    probas = dict(net.callbacks_)["probe"].seen_
    assert len(probas) == 5
    for epoch, proba in zip(net.history, probas, strict=True):
        expected = expected_scores(y[valid], proba, net.classes_, labels[1])
        assert [epoch[name] for name in NAMES] == pytest.approx(expected)
    np.testing.assert_array_equal(probas[-1], net.predict_proba(X[valid]))


def test_agrees_with_scikit_learn_for_three_classes(make_net, multi_class):
    X, y = multi_class
    train, valid = split(X, y)
    net = make_net(max_epochs=20, class_weight="balanced").fit(
        X[train], y[train], eval_set=(X[valid], y[valid])
    )
    proba = net.predict_proba(X[valid])
    expected = expected_scores(y[valid], proba, net.classes_, None)
    assert [net.history[-1, name] for name in NAMES] == pytest.approx(expected)
    assert 0 < net.history[-1, "valid_g_mean"] < 1


def test_validation_in_several_batches(make_net, multi_class):
    X, y = multi_class
    train, valid = split(X, y)
    histories = [
        make_net(iterator_valid__batch_size=batch_size)
        .fit(X[train], y[train], eval_set=(X[valid], y[valid]))
        .history[:, tuple(NAMES)]
        for batch_size in (7, 1024)
    ]
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_scaled_losses_and_data_loaders(make_net, binary):
    X, y = binary
    train, valid = split(X, y)
    net = make_net(
        criterion="ldam",
        module__head="cosine",
        iterator_valid=torch.utils.data.DataLoader,
    ).fit(X[train], y[train], eval_set=(X[valid], y[valid]))
    expected = expected_scores(y[valid], net.predict_proba(X[valid]), net.classes_, 1)
    assert [net.history[-1, name] for name in NAMES] == pytest.approx(expected)


def test_flags_tell_the_best_so_far(make_net, binary):
    net = make_net(max_epochs=8, train_split="stratified").fit(*binary)
    for name in NAMES:
        best = -np.inf
        for epoch in net.history:
            assert epoch[f"{name}_best"] == (epoch[name] > best)
            best = max(best, epoch[name])


def test_flags_start_anew_in_each_fit(make_net, binary):
    net = make_net(train_split="stratified", max_epochs=2)
    for _ in range(2):
        net.fit(*binary)
        assert all(net.history[0, f"{name}_best"] for name in NAMES)


def test_nothing_is_recorded_without_validation_rows(make_net, binary):
    net = make_net().fit(*binary)
    assert not any("average_precision" in name for name in net.history[-1])


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_average_precision_agrees_with_loops(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.concatenate([np.arange(n_classes), rng.integers(1, n_classes, 30)])
    proba = rng.dirichlet(np.ones(n_classes), len(y)).round(1)
    columns = [0] if n_classes == 2 else range(n_classes)
    expected = np.mean(
        [
            average_precision_by_loop((y == c).tolist(), proba[:, c].tolist())
            for c in columns
        ]
    )
    assert mean_average_precision(y, proba) == pytest.approx(expected)


def test_of_equally_rare_classes_the_second_counts():
    y = np.array([0, 1, 0, 1])
    proba = np.array([[0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8]])
    expected = average_precision_score(y, proba[:, 1])
    assert expected != pytest.approx(average_precision_score(1 - y, proba[:, 0]))
    assert mean_average_precision(y, proba) == pytest.approx(expected)


def test_classes_without_rows_do_not_count():
    y = np.array([0, 2, 2, 0])
    proba = np.array([[0.6, 0.3, 0.1], [0.5, 0, 0.5], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1]])
    expected = np.mean([average_precision_score(y == c, proba[:, c]) for c in (0, 2)])
    assert mean_average_precision(y, proba) == pytest.approx(expected)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_is_ranked_perfectly(label):
    # The class without rows does not count, whichever of the two it is.
    y, proba = np.full(3, label), np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mean_average_precision(y, proba) == 1


def test_recalls_agree_with_loops():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 4, 50), rng.integers(0, 5, 50)
    expected = [np.mean(predicted[y == c] == c) for c in range(4)]
    np.testing.assert_allclose(recalls(y, predicted, 6), expected)


def test_a_class_never_found_has_g_mean_0(make_net, binary):
    X, y = binary
    net = make_net(lr=1e-9, max_epochs=1, class_weight={0: 1, 1: 0.0})
    net.set_params(lr=0.05, max_epochs=20)
    net.fit(X, y, eval_set=(X, y))
    assert net.history[-1, "valid_g_mean"] == 0
    assert net.history[-1, "valid_balanced_accuracy"] == pytest.approx(0.5)


def test_it_has_no_parameters():
    assert EpochMetrics().get_params() == {}


def test_the_rarer_class_is_that_of_the_training_rows():
    y = np.array([0, 0, 1, 1])
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    expected = [average_precision_score(y == c, proba[:, c]) for c in (0, 1)]
    assert expected[0] != expected[1]
    for rarer, counts in enumerate([[5, 50], [50, 5]]):
        score = mean_average_precision(y, proba, np.array(counts))
        assert score == pytest.approx(expected[rarer])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_values", [1, 2, 7, 10**6])
def test_average_precision_is_that_of_scikit_learn_to_the_last_bit(n_values, dtype):
    rng = np.random.default_rng(n_values)
    for n_rows in (1, 2, 3, 20, 501):
        for _ in range(4):
            # Few values: many ties.
            scores = rng.integers(0, n_values, n_rows).astype(dtype) / dtype(n_values)
            positive = rng.random(n_rows) < 0.3
            positive[rng.integers(n_rows)] = True
            expected = average_precision_score(positive, scores)
            assert average_precision(positive, scores) == expected
