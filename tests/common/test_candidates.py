"""Nets whose module compares rows with those of training."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score

from imbdeep.classifiers import (
    AdversarialClassifier,
    CrowdLayerClassifier,
    ICEDClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    ReMixClassifier,
    SRATClassifier,
)
from imbdeep.modules import NCA

X, Y = make_classification(
    150,
    5,
    n_informative=4,
    n_redundant=0,
    weights=[0.8],
    flip_y=0,
    class_sep=1.5,
    random_state=0,
)
SMALL = {"module": "nca", "module__n_latent": 8, "lr": 0.01, "random_state": 0}
WHOLE = {"train_split": None, "early_stopping": False, "max_epochs": 4}


def nca_of(net):
    return next(part for part in net.module_.modules() if isinstance(part, NCA))


def test_candidates_are_the_training_rows_without_those_of_validation():
    net = NetClassifier(early_stopping=True, max_epochs=2, **SMALL).fit(X, Y)
    nca = nca_of(net)
    in_training = [n - round(0.2 * n) for n in np.bincount(Y)]
    assert nca.classes.bincount().tolist() == in_training
    assert_array_equal(nca.weight, 1)
    rows = {tuple(row) for row in X.astype(np.float32).tolist()}
    assert {tuple(row) for row in nca.rows.tolist()} < rows


@pytest.mark.parametrize("n_blocks", [0, 1])
def test_members_are_the_nets_alone(n_blocks):
    net = NetClassifier(n_members=3, module__n_blocks=n_blocks, **SMALL, **WHOLE)
    net.fit(X, Y)
    x = torch.as_tensor(X, dtype=torch.float32)
    first, second, _ = (part.eval()(x).detach() for part in net.members_)
    assert (first - second).abs().max() > 0.1
    for seed, member in zip(net.member_draws_.seeds, net.members_, strict=True):
        alone = clone(net).set_params(n_members=1, random_state=seed).fit(X, Y)
        own, other = (part.project.weight.detach() for part in (member, alone.module_))
        assert_allclose(own, other, atol=1e-4)
        assert_allclose(
            member.eval()(x).detach(), alone.module_.eval()(x).detach(), atol=5e-3
        )


@pytest.mark.parametrize("holdout", ["folds", "bootstrap"])
def test_rows_that_a_member_holds_out_are_no_candidates_of_it(holdout):
    net = NetClassifier(n_members=4, member_holdout=holdout, max_epochs=2, **SMALL)
    net.fit(X, Y)
    weight = nca_of(net).weight
    total = weight.sum(1)
    if holdout == "bootstrap":
        # Two of the rows are in no bag, and no candidates.
        assert weight.shape == (4, (~net.held_out_.all(axis=1)).sum())
        assert_array_equal(total, len(X))
    else:
        assert weight.shape == (4, len(X))
        # Four folds; members repeat a row where theirs is a row larger.
        assert_array_equal(total, total[0])
        assert_array_equal((weight == 0).sum(0), 1)


def test_labels_that_only_memory_knows_are_not_known_out_of_fold():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        noise, y = rng.normal(size=(200, 10)), rng.permutation(np.arange(200) % 5 == 0)
        net = NetClassifier(
            n_members=5,
            member_holdout="folds",
            max_epochs=12,
            early_stopping=False,
            **SMALL | {"lr": 0.02, "random_state": seed},
        )
        net.fit(noise, y)
        unseen = average_precision_score(y, net.oof_proba_[:, 1])
        seen = average_precision_score(y, net.predict_proba(noise)[:, 1])
        assert unseen < 0.35 and seen > 0.9, (seed, unseen, seen)


def test_rows_of_weight_zero_have_no_vote():
    weight = np.ones(len(X))
    weight[::3] = 0
    net = NetClassifier(**SMALL, **WHOLE).fit(X, Y, sample_weight=weight)
    # Candidates come class by class.
    order = np.argsort(Y, kind="stable")
    kept = order[weight[order] > 0]
    assert_array_equal(nca_of(net).rows, X[kept].astype(np.float32))
    assert_array_equal(nca_of(net).weight, 1)


def test_rows_vote_with_the_weights_of_their_classes():
    net = NetClassifier(class_weight={0: 0.5, 1: 3.0}, **SMALL, **WHOLE).fit(X, Y)
    assert_array_equal(nca_of(net).weight, np.sort(np.where(Y, 3.0, 0.5)))
    assert_array_equal(nca_of(net).class_weight, np.bincount(Y) * [0.5, 3.0])


@pytest.mark.parametrize(
    "net",
    [
        ReMixClassifier(**SMALL, **WHOLE),
        NetClassifier(iterator_train="balanced", n_members=2, **SMALL, **WHOLE),
        NetClassifier(
            n_members=4, member_holdout="folds", member_sampling="auto", max_epochs=4,
            **SMALL,
        ),
        NetClassifier(n_members=2, member_holdout="folds", refit=True, **SMALL),
    ],
    ids=["remix", "balanced", "under-sampled", "refit"],
)  # fmt: skip
def test_with_other_rows(net):
    net.set_params(max_epochs=10).fit(X, Y)
    assert average_precision_score(Y, net.predict_proba(X)[:, 1]) > 0.8
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict_proba(X), net.predict_proba(X))


def test_levels_and_gaps():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(X, columns=list("abcde")).mask(rng.random(X.shape) < 0.1)
    table["town"] = np.where(rng.integers(0, 2, len(Y)) == Y, "x", None)
    net = NetClassifier(n_members=2, member_holdout="folds", max_epochs=3, **SMALL)
    assert np.isfinite(net.fit(table, Y).predict_proba(table)).all()


ATTACK = {"eps": 0.1, "eps_unit": "std", "attack_steps": 1}


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (MetaAugmentClassifier, {"pretrain_epochs": 4, "inner_lr": 0.1}),
        (AdversarialClassifier, ATTACK),
        (ImbMixClassifier, ATTACK),
        (CrowdLayerClassifier, {}),
    ],
)
def test_methods_whose_steps_are_their_own(cls, params):
    net = cls(max_epochs=10, batch_size=32, **SMALL | params).fit(X, Y)
    assert average_precision_score(Y, net.predict_proba(X)[:, 1]) > 0.8
    assert len(nca_of(net).rows)


@pytest.mark.parametrize(
    ("cls", "params", "match"),
    [
        (LDAMClassifier, {}, "no last layer.* needs one of cosines. Use module='mlp'"),
        (SRATClassifier, ATTACK, "no last layer.* needs one of cosines"),
        (
            SRATClassifier,
            ATTACK | {"criterion": "focal"},
            "NCA does not say which features .*use module='mlp'",
        ),
        (ICEDClassifier, {}, "NCA does not say which features .*use module='mlp'"),
    ],
)
def test_methods_that_need_a_last_layer(cls, params, match):
    y = np.column_stack([Y, Y]) if cls is ICEDClassifier else Y
    with pytest.raises(ValueError, match=match):
        cls(**SMALL | params).fit(X, y)


def test_a_sparse_table_is_the_dense_one():
    rows = np.where(np.abs(X) < 0.5, 0, X)
    nets = [
        NetClassifier(n_members=2, member_holdout="folds", max_epochs=2, **SMALL)
        .fit(table, Y)
        .predict_proba(rows)
        for table in (rows, sparse.csc_array(rows))
    ]
    assert_array_equal(*nets)


def test_of_a_sparse_table_only_candidates_become_dense(monkeypatch):
    sizes = []

    def toarray(self, *args, _toarray=sparse.csr_array.toarray, **kwargs):
        filled = _toarray(self, *args, **kwargs)
        sizes.append(len(filled))
        return filled

    monkeypatch.setattr(sparse.csr_array, "toarray", toarray)
    params = SMALL | WHOLE | {"numeric_encoding": None, "batch_size": 16}
    net = NetClassifier(module__max_candidates=100, **params)
    net.fit(sparse.csr_array(X), Y)
    assert max(sizes) == len(nca_of(net).rows) < 100 < len(X)


def test_training_goes_on_with_the_rows_of_the_call():
    net = NetClassifier(**SMALL, **WHOLE).partial_fit(X, Y)
    net.partial_fit(X[:60], Y[:60])
    assert len(nca_of(net).rows) == 60


def test_saved_weights_hold_the_candidates(tmp_path):
    net = NetClassifier(n_members=2, **SMALL, **WHOLE).fit(X, Y)
    net.save_params(f_params=tmp_path / "net.pt")
    other = clone(net).set_params(max_epochs=1).fit(X[::2], Y[::2])
    other.load_params(f_params=tmp_path / "net.pt")
    a, b = net.module_.eval(), other.module_.eval()
    x = torch.as_tensor(X, dtype=torch.float32)
    # Encodings are of the other table: the space is compared.
    assert_array_equal(nca_of(net).rows, nca_of(other).rows)
    assert a(x).shape == b(x).shape
