"""What a weighted loss is divided by, in every classifier that takes weights."""

import numpy as np
import pytest
import torch
from sklearn.utils.validation import has_fit_parameter

from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.losses import CrossEntropyLoss
from imbdeep.losses._registry import LOSSES
from tests.common.estimators import is_quick
from tests.common.nets import NETS
from tests.common.slow import slow_if
from tests.test_base import MAKERS, NAMES, SMALL, table


@pytest.fixture(scope="module")
def data():
    return table()


WEIGHTED = [name for name in NAMES if has_fit_parameter(NETS[name], "sample_weight")]


@pytest.mark.parametrize(
    ("cls", "reduction"),
    [
        slow_if(
            not is_quick(name, NETS) or (reduction == "weights" and name != "net"),
            *(MAKERS[name], reduction),
            id=f"{name}-{reduction}",
        )
        for name in WEIGHTED
        for reduction in ("rows", "weights")
    ],
)
def test_the_scale_of_sample_weights_does_not_matter(cls, reduction, data):
    X, y = data
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y))
    params = {**SMALL, "weight_reduction": reduction}
    once = cls(**params).fit(X, y, sample_weight=weight)
    many = cls(**params).fit(X, y, sample_weight=1024 * weight)
    np.testing.assert_allclose(
        once.predict_proba(X), many.predict_proba(X), rtol=1e-3, atol=1e-5
    )
    plain = cls(**params).fit(X, y)
    same = cls(**params).fit(X, y, sample_weight=np.full(len(y), 0.1))
    np.testing.assert_allclose(
        plain.predict_proba(X), same.predict_proba(X), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("criterion", LOSSES)
@pytest.mark.parametrize("reduction", ["rows", "weights"])
@pytest.mark.parametrize("weigh_rows", [False, True])
def test_a_loss_of_imbdeep_that_does_not_reduce_is_averaged(
    data, criterion, reduction, weigh_rows
):
    X, y = data
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y)) if weigh_rows else None
    params = {
        **SMALL,
        "criterion": criterion,
        "class_weight": {0: 0.5, 1: 3},
        "weight_reduction": reduction,
    }
    mean = NetClassifier(**params).fit(X, y, sample_weight=weight)
    none = NetClassifier(criterion__reduction="none", **params)
    none.fit(X, y, sample_weight=weight)
    assert none.criterion_.reduction == "none"
    np.testing.assert_allclose(
        mean.history[:, "train_loss"], none.history[:, "train_loss"], rtol=1e-5
    )


def first_loss(net, X, y, **fit_params):
    """Loss of the only batch, before any step, and the weight of each row."""
    net.set_params(max_epochs=1, batch_size=-1, module__dropout=0.0)
    net.set_params(train_split=None, early_stopping=False)
    return net.fit(X, y, **fit_params).history[0, "train_loss"]


def test_what_a_weighted_loss_is_divided_by(data):
    X, y = data
    sample_weight = np.random.RandomState(0).uniform(0.5, 2, len(y))
    class_weight = {0: 0.5, 1: 3.0}
    params = {"class_weight": class_weight, "n_bins": 4, "random_state": 0}
    untrained = NetClassifier(n_bins=4, random_state=0, lr=1e-12)
    first_loss(untrained, X, y)
    p = untrained.predict_proba(X)[np.arange(len(y)), y]
    row_weight = sample_weight * np.where(y == 1, 3.0, 0.5)
    total = (row_weight * -np.log(p)).sum()
    for reduction, divisor in [
        ("weights", row_weight.sum()),
        ("rows", len(y) * sample_weight.mean()),
    ]:
        net = NetClassifier(weight_reduction=reduction, **params)
        loss = first_loss(net, X, y, sample_weight=sample_weight)
        assert loss == pytest.approx(total / divisor, rel=1e-4)


def test_a_weight_reduction_set_later_takes_effect(data):
    X, y = data
    params = {"class_weight": {0: 0.5, 1: 3.0}, **SMALL}
    net = NetClassifier(**params).fit(X, y)
    net.set_params(weight_reduction="rows").partial_fit(X, y)
    assert net.criterion_.weight_reduction == "rows"
    net = NetClassifier(criterion__weight_reduction="rows", **params).fit(X, y)
    assert net.partial_fit(X, y).criterion_.weight_reduction == "rows"


@pytest.mark.parametrize(
    "criterion",
    [torch.nn.CrossEntropyLoss, CrossEntropyLoss()],
    ids=["class", "object"],
)
def test_refuses_a_criterion_that_divides_by_the_weights(data, criterion):
    X, y = data
    params = {"criterion": criterion, "weight_reduction": "rows", **SMALL}
    with pytest.raises(ValueError, match="weight_reduction='rows' cannot be had with"):
        LDAMClassifier(**params).fit(X, y)
    # Without weights there is nothing to divide by.
    NetClassifier(**params).fit(X, y)
    LDAMClassifier(**params, reweight_from=1.0).fit(X, y)
    LDAMClassifier(**params | {"weight_reduction": "weights"}).fit(X, y)
