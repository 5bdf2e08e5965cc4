"""Members that hold rows out: what they train on, and what they say about the rest."""

import copy
import pickle
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    make_scorer,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Checkpoint, EpochScoring, LRScheduler
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.dataset import Dataset, ValidSplit
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from imbdeep._nets import holding_out as module
from imbdeep.batches import TensorBatches
from imbdeep.callbacks import EpochProgressBar
from imbdeep.classifiers import LDAMClassifier, NetClassifier, ReMixClassifier
from imbdeep.metrics import balanced_brier_score, balanced_brier_scorer
from imbdeep.modules import MLP

from .slow import half_of, slow_if

X, Y = make_classification(120, 5, weights=[0.8], flip_y=0, random_state=0)
X3, Y3 = make_classification(
    150, 6, n_informative=4, n_classes=3, weights=[0.6, 0.3], random_state=0
)
SMALL = {"module__hidden_sizes": (8,), "batch_size": 32, "lr": 0.01, "random_state": 0}
FIXED = SMALL | {"early_stopping": False, "max_epochs": 3}
STOPS = SMALL | {"early_stopping": True, "patience": 3, "max_epochs": 12}
HOLDS_OUT = {"n_members": 3, "member_holdout": "folds"}


class Watching(Callback):
    """Keeps the rows of the members in the stage that began last."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.rows, self.held_out = net.run_.member_rows, None
        self.y = TensorBatches(dataset_train).y.numpy()
        if net.member_holdout is not None and dataset_valid is not None:
            # A Subset if some rows are held out by none.
            all_rows = getattr(dataset_valid, "dataset", dataset_valid)
            self.held_out = all_rows.X["held_out"]


WATCHED = {"callbacks": [("watching", Watching)]}


def watched(net):
    return dict(net.callbacks_)["watching"]


def alone(stack, rows, X, y, sample_weight=None, **params):
    """The nets that the members are, each trained alone on its own rows."""
    params |= {"n_members": 1, "member_holdout": None, "member_sampling": None}
    params |= {"refit": False, "train_split": None, "early_stopping": False}
    nets = []
    for own, seed in zip(rows, stack.member_draws_.seeds, strict=True):
        net = clone(stack).set_params(random_state=seed, callbacks=None, **params)
        weight = None if sample_weight is None else sample_weight[own]
        nets.append(net.fit(X[own], y[own], sample_weight=weight))
    return nets


def assert_are_members(stack, nets, atol=1e-5):
    for member, net in zip(stack.members_, nets, strict=True):
        for own, other in zip(
            member.parameters(), net.module_.parameters(), strict=True
        ):
            assert_allclose(own.detach(), other.detach(), atol=atol)
    first, second = (list(m.parameters())[-1].detach() for m in stack.members_[:2])
    # Members that are one net would agree with all this.
    assert (first - second).abs().max() > 1e-4


def out_of_fold(net, held_out, X):
    """Mean over the members that hold a row out, each as a net that predicts all."""
    said = np.full((net.n_members, len(held_out), len(net.classes_)), np.nan)
    for i, member in enumerate(net.members_):
        single = copy.copy(net)
        single.module_ = member
        said[i, held_out[:, i]] = single.predict_proba(X)[held_out[:, i]]
    seen_by_all = ~held_out.any(axis=1)
    said[0, seen_by_all] = 0
    mean = np.nanmean(said, axis=0)
    mean[seen_by_all] = np.nan
    return mean


def mixed_table():
    rng = np.random.default_rng(0)
    town = rng.choice([f"town {i}" for i in range(20)], len(X)).astype(object)
    town[::9] = None
    table = pd.DataFrame(X, columns=list("abcde")).assign(town=town, few=Y > 0)
    return table.mask(rng.random(table.shape) < 0.05)


# --- Members -------------------------------------------------------------------------

# As many rows of each class as in all: LDAM's margins are those of the net alone.
NETS = {
    "net": NetClassifier(numeric_encoding=None, **FIXED),
    "ldam": LDAMClassifier(numeric_encoding=None, **FIXED),
    "remix": ReMixClassifier(numeric_encoding=None, **FIXED),
    "balanced": NetClassifier(
        numeric_encoding=None,
        iterator_train="balanced",
        class_weight="balanced",
        **FIXED,
    ),
}


@half_of(name=NETS, data=[(X, Y), (X3, Y3)])
def test_each_member_is_the_net_alone_on_its_bag(name, data):
    stack = clone(NETS[name])
    stack.set_params(n_members=3, member_holdout="bootstrap", **WATCHED).fit(*data)
    assert_are_members(stack, alone(stack, watched(stack).rows, *data))
    expected = out_of_fold(stack, watched(stack).held_out, data[0])
    assert_allclose(stack.oof_proba_, expected, atol=1e-5)


class Own(Dataset):
    """A data set of the user's."""


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"criterion": nn.CrossEntropyLoss},
        {"iterator_train": DataLoader, "iterator_valid": DataLoader},
        {"iterator_train": "smote"},
        {"member_sampling": 0.5},
        # A user's class may draw from torch's global generator, and dropout does then.
        {"dataset": Own, "module__dropout": 0},
    ],
    ids=str,
)
def test_each_member_is_the_net_alone_on_its_folds(params):
    net = NetClassifier(numeric_encoding=None, n_members=7, member_holdout="folds")
    net.set_params(**FIXED, **WATCHED, **params).fit(X, Y)
    held_out = watched(net).held_out
    assert_are_members(net, alone(net, watched(net).rows, X, Y))
    assert held_out.any(axis=1).all() and not held_out.all()
    assert_allclose(net.oof_proba_, out_of_fold(net, held_out, X), atol=1e-5)


def test_with_weights_of_rows():
    weight = np.random.default_rng(0).random(len(X)) + 0.2
    weight[:5] = 0
    net = NetClassifier(numeric_encoding=None, n_members=3, member_holdout="folds")
    net.set_params(**FIXED, **WATCHED).fit(X, Y, sample_weight=weight)
    assert_are_members(net, alone(net, watched(net).rows, X, Y, weight))
    expected = out_of_fold(net, watched(net).held_out, X)
    assert_allclose(net.oof_proba_, expected, atol=1e-5)
    loss = -np.log(net.oof_proba_[np.arange(len(Y)), Y])
    expected = np.average(loss, weights=weight)
    assert_allclose(net.oof_scores_["valid_loss"][-1], expected, rtol=1e-4)


class Certain(MLP):
    """Returns probabilities."""

    def forward(self, x):
        return super().forward(x).softmax(-1)


def dates():
    return np.column_stack([X, 1.7e9 + 600 * Y + np.arange(len(Y))])


def images():
    rows = np.random.default_rng(0).random((120, 1, 8, 8), dtype=np.float32)
    rows[Y == 1, :, :4] += 1
    return rows


def in_sparse_rows():
    rows = X.copy()
    rows[np.abs(rows) < 0.5] = 0
    return sparse.csr_matrix(rows)


@pytest.mark.parametrize(
    "table, params",
    [
        (lambda: X, {"module": "tabm", "module__k": 3}),
        (mixed_table, {}),
        (mixed_table, {"module": "tabm", "module__k": 3}),
        (dates, {}),
        (images, {"module": "conv"}),
        (in_sparse_rows, {}),
        (lambda: X, {"module": Certain, "criterion": nn.NLLLoss}),
        (lambda: X, {"iterator_valid__batch_size": 7}),
        (lambda: X, {"device": None}),
    ],
    ids=[
        "heads",
        "levels",
        "heads and levels",
        "float64",
        "images",
        "sparse",
        "probabilities",
        "small batches",
        "no device",
    ],
)
@pytest.mark.parametrize("member_holdout", ["folds", slow_if(True, "bootstrap")])
@pytest.mark.filterwarnings("ignore:Setting self.device")
def test_rows_are_judged_by_members_that_hold_them_out(table, params, member_holdout):
    if params.get("module") == "tabm":
        pytest.importorskip("tabm")
    rows = table()
    params = FIXED | params
    if params.get("module") == "conv":
        del params["module__hidden_sizes"]
    net = NetClassifier(
        n_members=4, member_holdout=member_holdout, **params, **WATCHED
    ).fit(rows, Y)
    held_out = watched(net).held_out
    expected = out_of_fold(net, held_out, rows)
    assert_allclose(net.oof_proba_, expected, atol=1e-5)
    # Later, in any order and with other rows around.
    some = np.random.default_rng(0).permutation(len(Y))[:50]
    part = rows.iloc[some] if isinstance(rows, pd.DataFrame) else rows[some]
    assert_allclose(net.predict_held_out(part, some), expected[some], atol=1e-5)
    # Four bags leave no row out now and then.
    everything = member_holdout == "folds"
    assert held_out.any(axis=1).all() == everything


def test_probabilities_that_a_scaled_criterion_gives():
    net = LDAMClassifier(n_members=3, member_holdout="folds", **FIXED | {"lr": 0.1})
    net.set_params(scale=30.0, **WATCHED).fit(X, Y)
    expected = out_of_fold(net, watched(net).held_out, X)
    assert_allclose(net.oof_proba_, expected, atol=1e-5)
    # Members differ, so that the mean is not the softmax of the mean of logits.
    assert np.abs(net.oof_proba_ - net.predict_proba(X)).max() > 0.01


def test_a_lone_row_has_no_probabilities():
    y = Y.copy()
    y[3] = 2
    net = NetClassifier(n_members=5, member_holdout="folds", **FIXED)
    with pytest.warns(UserWarning, match=r"holds out a row of class \[2\]"):
        net.fit(X, y)
    assert np.isnan(net.oof_proba_[3]).all()
    assert np.isnan(net.predict_held_out(X[[3]], [3])).all()
    assert_allclose(np.delete(net.oof_proba_, 3, axis=0).sum(axis=1), 1)
    assert net.predict_proba(X).shape == (120, 3)


def test_four_lone_rows():
    net = NetClassifier(n_members=2, member_holdout="folds", **FIXED)
    with pytest.warns(UserWarning, match="holds out a row of class"):
        net.fit(X[:4], ["a", "b", "c", "d"])
    assert np.isnan(net.oof_proba_).all() and net.oof_scores_ == {}
    assert net.best_epoch_ == 3 and not net.do_early_stopping_


# --- Out of fold ---------------------------------------------------------------------


def memorising(seed, **params):
    sizes = {"module__hidden_sizes": (64,), "module__dropout": 0.0}
    return NetClassifier(
        n_members=5,
        numeric_encoding="standard",
        early_stopping=False,
        max_epochs=15,
        lr=0.02,
        random_state=seed,
        **sizes,
        **params,
    )


def random_table(seed, n_rows=100):
    """Many columns, and labels that only memory can know."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, 40)), rng.permutation(np.arange(n_rows) % 2)


@pytest.mark.parametrize("member_holdout", ["folds", "bootstrap"])
def test_random_labels_are_not_known(member_holdout):
    blind, seen = [], []
    for seed in range(3):
        X, y = random_table(seed)
        net = memorising(seed, member_holdout=member_holdout).fit(X, y)
        judged = ~np.isnan(net.oof_proba_[:, 1])
        blind.append(average_precision_score(y[judged], net.oof_proba_[judged, 1]))
        seen.append(average_precision_score(y, net.predict_proba(X)[:, 1]))
        score = net.oof_scores_["valid_average_precision"][-1]
        assert_allclose(score, blind[-1], atol=1e-6)
    assert np.mean(blind) < 0.65
    assert np.mean(seen) > 0.97


def test_copies_of_a_row_are_not_known_if_they_are_a_group():
    blind, known = [], []
    for seed in range(3):
        X, y = random_table(seed, 40)
        X, y, patient = (
            np.repeat(X, 3, axis=0),
            np.repeat(y, 3),
            np.repeat(range(40), 3),
        )
        order = np.random.default_rng(seed).permutation(120)
        X, y, patient = X[order], y[order], patient[order]
        net = memorising(seed, member_holdout="folds")
        blind.append(roc_auc_score(y, net.fit(X, y, groups=patient).oof_proba_[:, 1]))
        known.append(roc_auc_score(y, net.fit(X, y).oof_proba_[:, 1]))
    assert np.mean(blind) < 0.65
    assert np.mean(known) > 0.95


def test_what_can_be_learned_is_known_out_of_fold():
    net = NetClassifier(n_members=5, member_holdout="folds", **STOPS).fit(X, Y)
    assert roc_auc_score(Y, net.oof_proba_[:, 1]) > 0.9


# --- The number of epochs ------------------------------------------------------------


class Judging(Callback):
    """Average precision of each epoch, member by member and row by row."""

    def initialize(self):
        self.scores = []
        return self

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        if dataset_valid is None:
            return
        held_out = dataset_valid.X["held_out"]
        rows = torch.as_tensor(X, dtype=torch.float32)
        said = np.full((net.n_members, *Y.shape), np.nan)
        for i, member in enumerate(net.module_.members()):
            with torch.no_grad():
                proba = member.eval()(rows).softmax(-1)[:, 1].numpy()
            said[i, held_out[:, i]] = proba[held_out[:, i]]
        self.scores.append(average_precision_score(Y, np.nanmean(said, axis=0)))


@pytest.mark.parametrize("seed", range(3))
def test_the_epoch_is_chosen_by_all_rows(seed):
    params = STOPS | {"random_state": seed, "max_epochs": 25, "lr": 0.03}
    net = NetClassifier(
        numeric_encoding=None, n_members=5, member_holdout="folds", **params
    )
    # Before early stopping, which ends the last epoch for what comes after it.
    net.set_params(callbacks__epoch_timer=Judging()).fit(X, Y)
    scores = dict(net.callbacks_)["epoch_timer"].scores
    assert_allclose(net.oof_scores_["valid_average_precision"], scores, atol=1e-6)
    last_best = len(scores) - 1 - int(np.argmax(scores[::-1]))
    assert net.best_epoch_ == last_best + 1
    assert len(scores) == min(25, net.best_epoch_ + 3)
    # Back at the weights of that epoch.
    score = average_precision_score(Y, net.oof_proba_[:, 1])
    assert_allclose(score, max(scores), atol=1e-6)
    assert net.do_early_stopping_


def test_without_early_stopping_it_is_the_last():
    net = NetClassifier(n_members=2, member_holdout="folds", **FIXED).fit(X, Y)
    assert net.best_epoch_ == 3
    assert {len(scores) for scores in net.oof_scores_.values()} == {3}


def test_early_stopping_of_skorch():
    stopping = [("own", SkorchEarlyStopping("valid_loss", patience=2, load_best=True))]
    params = FIXED | {"max_epochs": 12, "lr": 0.5, "callbacks": stopping}
    net = NetClassifier(n_members=3, member_holdout="folds", **params).fit(X, Y)
    losses = net.oof_scores_["valid_loss"]
    assert net.best_epoch_ == int(np.argmin(losses)) + 1 < 12
    kept = log_loss(Y, net.oof_proba_)
    assert_allclose(kept, losses.min(), rtol=1e-4)
    again = clone(net).set_params(refit=True).fit(X, Y)
    assert len(again.history) == again.best_epoch_ == net.best_epoch_


@pytest.mark.parametrize("sampling", [None, 0.5])
def test_a_refit_is_the_net_on_all_rows_for_so_many_epochs(sampling):
    own = {"member_holdout": "folds", "member_sampling": sampling}
    net = NetClassifier(numeric_encoding=None, n_members=3, **own, **STOPS, **WATCHED)
    first = clone(net).fit(X, Y)
    again = clone(net).set_params(refit=True).fit(X, Y)
    assert_array_equal(again.oof_proba_, first.oof_proba_)
    assert again.best_epoch_ == first.best_epoch_ == len(again.history)
    for name, scores in first.oof_scores_.items():
        assert_array_equal(again.oof_scores_[name], scores)
    rows = watched(again).rows
    if sampling is None:
        assert rows is None
        rows = [np.arange(len(X))] * 3
    nets = alone(again, rows, X, Y, max_epochs=first.best_epoch_)
    assert_are_members(again, nets)
    assert np.abs(again.predict_proba(X) - first.predict_proba(X)).max() > 1e-3


@pytest.mark.parametrize("stops", [True, False])
def test_whether_rows_chose_the_epochs_of_a_refit(stops):
    params = SMALL | HOLDS_OUT | {"early_stopping": stops, "max_epochs": 3}
    net = NetClassifier(refit=True, **params).fit(X, Y)
    assert net.do_early_stopping_ == stops
    assert pickle.loads(pickle.dumps(net)).do_early_stopping_ == stops
    # Of the next fit, what it does.
    net.set_params(early_stopping=not stops, refit=False).fit(X, Y)
    assert net.do_early_stopping_ != stops


def test_too_few_rows_choose_no_epochs_of_a_refit():
    few = {"early_stopping": True, "callbacks__early_stopping__least_rare_rows": 10**6}
    net = NetClassifier(refit=True, **FIXED | HOLDS_OUT | few).fit(X, Y)
    assert not net.do_early_stopping_


def plateau(monitor):
    return LRScheduler(ReduceLROnPlateau, monitor=monitor)


MINE = ("mine", EpochScoring("f1", lower_is_better=False, name="mine"))
OF_TRAINING = EpochScoring("f1", lower_is_better=False, name="own", on_train=True)


@pytest.mark.parametrize(
    ("before", "callback", "monitor"),
    [
        ([], Checkpoint(f_params=None, f_optimizer=None), "valid_loss_best"),
        ([], plateau("valid_average_precision"), "valid_average_precision"),
        ([MINE], plateau("mine"), "mine"),
        ([MINE], Checkpoint("mine_best", f_params=None, f_optimizer=None), "mine_best"),
    ],
)
def test_a_callback_that_a_refit_has_no_rows_for(before, callback, monitor):
    callbacks = [*before, *WATCHED["callbacks"], ("looks", callback)]
    net = NetClassifier(refit=True, callbacks=callbacks, **FIXED | HOLDS_OUT)
    with pytest.raises(ValueError, match=f"callbacks__looks, a .*'{monitor}'") as error:
        net.fit(X, Y)
    assert "callbacks__looks__monitor='train_loss" in str(error.value)
    # It is an error of the call: nothing was trained, and no rows were missing.
    assert not hasattr(net, "classes_")


@pytest.mark.parametrize(
    "callbacks",
    [
        [("looks", plateau("train_loss"))],
        [("own", OF_TRAINING), ("looks", plateau("own"))],
        [MINE, ("looks", LRScheduler("StepLR", step_size=1, monitor="valid_loss"))],
        [("looks", EpochProgressBar())],
    ],
)
def test_callbacks_that_do_without_validation_rows(callbacks):
    net = NetClassifier(refit=True, callbacks=callbacks, **FIXED | HOLDS_OUT)
    assert len(net.fit(X, Y).history) == 3
    assert "valid_loss" not in net.history[-1]


def test_a_function_that_looks_for_rows_that_a_refit_lacks():
    looks = plateau(lambda net: net.history[-1, "valid_loss"])
    net = NetClassifier(callbacks=[("looks", looks)], **FIXED | HOLDS_OUT)
    net.fit(X, Y)
    with pytest.raises(KeyError, match="valid_loss") as error:
        clone(net).set_params(refit=True).fit(X, Y)
    assert any("refit=True trains on all rows" in one for one in error.value.__notes__)


# --- What early stopping looks at ----------------------------------------------------

SCORINGS = {
    "neg_log_loss": lambda y, proba: -log_loss(y, proba),
    "roc_auc": lambda y, proba: roc_auc_score(y, proba[:, 1]),
    balanced_brier_scorer: lambda y, proba: -balanced_brier_score(y, proba),
}
ROWS = {"members": HOLDS_OUT, "one": {}}


@pytest.mark.parametrize("scoring", SCORINGS, ids=["log loss", "auc", "brier"])
@pytest.mark.parametrize("rows", ROWS)
def test_any_score(scoring, rows):
    y = np.where(Y == 1, "rare", "common")
    params = STOPS | ROWS[rows] | {"scoring": scoring}
    net = NetClassifier(**params)
    if rows == "one":
        net.fit(X, y, eval_X=X, eval_y=y)
        proba = net.predict_proba(X)
    else:
        net.fit(X, y)
        proba = net.oof_proba_
        assert_array_equal(
            net.oof_scores_["valid_score"], net.history[:, "valid_score"]
        )
    best = max(net.history[:, "valid_score"])
    assert_allclose(SCORINGS[scoring](y, proba), best, rtol=1e-5)
    stopping = dict(net.callbacks_)["early_stopping"]
    assert stopping.best_epoch_ == 1 + len(net.history) - 1 - int(
        np.argmax(net.history[:, "valid_score"][::-1])
    )


@pytest.mark.parametrize("rows", ROWS)
def test_a_recorded_score(rows):
    params = STOPS | ROWS[rows] | {"scoring": "balanced_accuracy"}
    net = NetClassifier(**params).fit(X, Y, **{} if rows == "members" else EVAL)
    proba = net.oof_proba_ if rows == "members" else net.predict_proba(X)
    best = max(net.history[:, "valid_balanced_accuracy"])
    assert_allclose(balanced_accuracy_score(Y, proba.argmax(axis=1)), best)
    assert "valid_score" not in net.history[-1]


EVAL = {"eval_X": X, "eval_y": Y}


@pytest.mark.parametrize("scoring", ["log_los", 3, None], ids=str)
def test_scores_that_do_not_exist(scoring):
    with pytest.raises(ValueError, match="'scoring' parameter of NetClassifier"):
        NetClassifier(scoring=scoring, **STOPS).fit(X, Y)


def test_callbacks_see_rows_out_of_fold_with_and_without_a_cache():
    X, y = random_table(0)
    scorings = [
        (name, EpochScoring("roc_auc", name=f"valid_{name}", use_caching=cached))
        for name, cached in (("cached", True), ("anew", False))
    ]
    net = memorising(0, member_holdout="folds", callbacks=scorings).fit(X, y)
    assert_allclose(net.oof_scores_["valid_cached"], net.oof_scores_["valid_anew"])
    assert net.oof_scores_["valid_anew"][-1] < 0.7


@pytest.mark.parametrize("member_holdout", ["folds", "bootstrap", None])
def test_without_a_cache_a_part_of_the_rows_is_looked_at(member_holdout):
    # Weights make a dict of the rows, and a part of it is validated.
    params = STOPS | {"n_members": 2, "member_holdout": member_holdout}
    scores = [
        NetClassifier(scoring="roc_auc", use_caching=caching, **params)
        .fit(X, Y, sample_weight=1 + Y)
        .history[:, "valid_score"]
        for caching in ("auto", False)
    ]
    assert_allclose(*scores, atol=1e-6)


def test_a_score_that_cannot_be_used_is_named():
    net = NetClassifier(scoring="roc_auc", **STOPS | HOLDS_OUT)
    with pytest.raises(ValueError, match="scoring='roc_auc' cannot be used: multi_cla"):
        net.fit(X3, Y3)
    # It would be taken for a scorer, and loss be maximised.
    net.set_params(scoring=log_loss)
    with pytest.raises(ValueError, match="a metric function rather than a scorer"):
        net.fit(X, Y)


def test_epochs_that_no_score_tells_apart():
    net = NetClassifier(scoring=lambda *_: np.nan, **STOPS | HOLDS_OUT).fit(X, Y)
    assert net.best_epoch_ == 12 and not net.do_early_stopping_


@pytest.mark.parametrize("member_holdout", ["folds", slow_if(True, "bootstrap")])
def test_of_many_rows_an_epoch_is_judged_by_a_sample(member_holdout, monkeypatch):
    X, y = make_classification(600, 5, weights=[0.7], random_state=0)
    params = STOPS | {"n_members": 3, "member_holdout": member_holdout}
    whole = NetClassifier(**params).fit(X, y)
    monkeypatch.setattr(module, "MOST_JUDGED", 400)
    judged = NetClassifier(**params).fit(X, y)
    held_out = judged.held_out_.any(axis=1)
    share = 400 / held_out.sum()
    n_rare = int(y[held_out].sum())
    n_judged = sum(
        max(100, round(share * n)) for n in (n_rare, held_out.sum() - n_rare)
    )
    assert sum(judged.history[0, "batches", -1:, "valid_batch_size"]) == n_judged
    # What is said in the end is said about every row.
    assert_array_equal(np.isnan(judged.oof_proba_), np.isnan(whole.oof_proba_))
    expected = out_of_fold(judged, judged.held_out_, X)
    assert_allclose(judged.oof_proba_, expected, atol=1e-5)
    # As many rows or fewer are judged whole, and nothing is drawn for it.
    monkeypatch.setattr(module, "MOST_JUDGED", 600)
    again = NetClassifier(**params).fit(X, y)
    assert_array_equal(again.oof_proba_, whole.oof_proba_)


def test_scores_of_a_sample_are_those_of_its_rows(monkeypatch):
    monkeypatch.setattr(module, "MOST_JUDGED", 110)
    X, y = make_classification(300, 5, weights=[0.7], random_state=0)
    looked_at = []

    def ranks(y_true, proba):
        looked_at.append((len(y_true), int(np.sum(y_true))))
        return average_precision_score(y_true, proba)

    scoring = make_scorer(ranks, response_method="predict_proba")
    params = STOPS | {"n_members": 5, "member_holdout": "folds", "scoring": scoring}
    NetClassifier(**params).fit(X, y)
    n_rare = int(y.sum())
    assert n_rare < 100
    # The rare ones are fewer than a hundred, and all there.
    assert set(looked_at) == {
        (max(100, round(110 * (1 - n_rare / 300))) + n_rare, n_rare)
    }


# --- Samples -------------------------------------------------------------------------


@pytest.mark.parametrize("member_holdout", ["folds", "bootstrap", None])
def test_each_member_samples_the_frequent_class(member_holdout):
    y = np.where(Y == 1, "rare", "common")
    params = {"n_members": 4, "member_holdout": member_holdout, **STOPS, **WATCHED}
    net = NetClassifier(member_sampling={"common": 30}, **params).fit(X, y)
    rows, held_out = watched(net).rows, watched(net).held_out
    for own in rows:
        n_common, n_rare = np.bincount(watched(net).y[own])
        # A member of a smaller fold has a row twice, of either class.
        assert n_common - 30 in (0, 1) and n_rare > 15
    assert len({tuple(own) for own in rows}) == 4
    if member_holdout is None:
        assert not hasattr(net, "oof_proba_") and net.do_early_stopping_
        return
    # What is left out does not count as held out.
    plain = clone(net).set_params(member_sampling=None).fit(X, y)
    assert_array_equal(held_out, watched(plain).held_out)
    assert_array_equal(np.isnan(net.oof_proba_), np.isnan(plain.oof_proba_))
    assert sum(len(np.unique(own)) for own in rows) < (~held_out).sum()


def test_an_epoch_of_few_rows_has_eight_steps_as_well():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1000, 3)), (np.arange(1000) < 60).astype(int)
    params = {"n_members": 2, "max_epochs": 1, "random_state": 0}
    steps = {
        sampling: NetClassifier(member_sampling=sampling, train_split=None, **params)
        .fit(X, y)
        .history[-1]["train_batch_count"]
        for sampling in (None, "auto")
    }
    assert steps == {None: 8, "auto": 8}


def test_samples_of_the_part_that_a_split_leaves():
    split = ValidSplit(3, stratified=True)
    net = NetClassifier(n_members=2, member_sampling="auto", train_split=split)
    net.set_params(**STOPS, **WATCHED).fit(X, Y)
    y = watched(net).y
    assert len(y) == 80
    for own in watched(net).rows:
        assert np.bincount(y[own]).tolist() == [np.sum(y == 1)] * 2


# --- A net like others ---------------------------------------------------------------


def holding_out(**params):
    return NetClassifier(**HOLDS_OUT | STOPS | params)


def learned(net):
    return net.oof_proba_, net.predict_proba(X), net.oof_scores_["valid_loss"]


def test_seeds_pickles_and_clones():
    net, other = holding_out().fit(X, Y), holding_out().fit(X, Y)
    loaded = pickle.loads(pickle.dumps(net))
    for one in (other, loaded, clone(net).fit(X, Y)):
        for own, expected in zip(learned(one), learned(net), strict=True):
            assert_array_equal(own, expected)
    assert loaded.best_epoch_ == net.best_epoch_
    assert not hasattr(clone(net), "oof_proba_")
    assert clone(net).get_params()["member_holdout"] == "folds"
    reseeded = holding_out(random_state=1).fit(X, Y)
    assert (reseeded.oof_proba_ != net.oof_proba_).any()


def test_what_was_said_out_of_fold_goes_with_the_next_fit():
    net = holding_out().fit(X, Y)
    net.set_params(member_holdout=None).fit(X, Y)
    for name in ("oof_proba_", "oof_scores_", "best_epoch_", "held_out_"):
        assert not hasattr(net, name)
    with pytest.raises(ValueError, match="hold no rows out"):
        net.predict_held_out(X, np.arange(len(X)))
    refitted = holding_out(refit=True).fit(X, Y)
    assert hasattr(refitted, "oof_proba_") and not hasattr(refitted, "held_out_")


def test_a_search_over_members_and_how_they_hold_out():
    net = NetClassifier(max_epochs=2, module__hidden_sizes=(8,), random_state=0)
    grid = {"n_members": [2, 3], "member_holdout": ["folds", "bootstrap", None]}
    search = GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, Y)
    best = search.best_estimator_
    assert len(best.members_) == search.best_params_["n_members"]
    assert hasattr(best, "oof_proba_") == (best.member_holdout is not None)


def test_groups_come_by_metadata_routing():
    patient = np.repeat(np.arange(40), 3)
    net = holding_out(**WATCHED)
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(groups=True)
        pipeline = make_pipeline(StandardScaler(), net).fit(X, Y, groups=patient)
        held_out = watched(pipeline[-1]).held_out
        proba = cross_val_predict(
            pipeline, X, Y, cv=2, params={"groups": patient}, method="predict_proba"
        )
    assert proba.shape == (120, 2)
    by_patient = held_out.reshape(40, 3, 3)
    assert (by_patient == by_patient[:, :1]).all()


@pytest.mark.slow
def test_in_two_processes():
    scores = [
        cross_val_score(holding_out(), X, Y, cv=2, n_jobs=n_jobs, scoring="roc_auc")
        for n_jobs in (1, 2)
    ]
    assert_allclose(*scores, atol=1e-6)


class Trouble(Callback):
    """Makes trouble at the end of an epoch, once it is armed."""

    armed = None

    def on_epoch_end(self, net, **kwargs):
        if Trouble.armed is not None and len(net.history) == 2:
            trouble, Trouble.armed = Trouble.armed, None
            trouble()


def fail():
    raise OSError("disk full")


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def armed(usual_interrupts):
    yield
    Trouble.armed = None


@pytest.mark.parametrize(
    "trouble, error", [(fail, OSError), (interrupt, KeyboardInterrupt)]
)
@pytest.mark.parametrize("refit", [False, True])
def test_a_fit_that_fails_leaves_what_was_learned(trouble, error, refit, armed):
    net = holding_out(refit=refit, callbacks=[("trouble", Trouble)]).fit(X, Y)
    before = learned(net)
    Trouble.armed = trouble
    with pytest.raises(error):
        net.fit(X[:60], 1 - Y[:60])
    for own, expected in zip(learned(net), before, strict=True):
        assert_array_equal(own, expected)


def test_an_interrupt_in_the_refit_leaves_what_was_learned(armed):
    net = holding_out(refit=True, callbacks=[("trouble", Trouble)]).fit(X, Y)
    before = learned(net)
    # The second time that there are two epochs.
    Trouble.armed = lambda: setattr(Trouble, "armed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X[:60], Y[:60])
    for own, expected in zip(learned(net), before, strict=True):
        assert_array_equal(own, expected)


def test_an_interrupt_that_stops_keeps_what_was_said(armed):
    net = holding_out(on_interrupt="stop", refit=True)
    net.set_params(callbacks=[("trouble", Trouble)])
    Trouble.armed = interrupt
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        net.fit(X, Y)
    assert net.interrupted_ and len(net.history) == 2
    assert {len(scores) for scores in net.oof_scores_.values()} == {2}
    assert net.oof_proba_.shape == (120, 2) and not np.isnan(net.oof_proba_).any()


def test_what_a_refit_prints(capsys):
    holding_out(refit=True, verbose=1).fit(X, Y)
    printed = capsys.readouterr().out
    assert printed.count("train_loss") == 2 and "Re-initializing" not in printed


def test_the_rows_are_in_memory_once():
    tables = []

    class Counting(Callback):
        def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            iterator = net.get_iterator(dataset_train, training=True)
            valid = net.get_iterator(dataset_valid)
            tables.extend(b._X.data_ptr() for b in iterator.batches)
            tables.append(valid._X["X"].data_ptr())

    rows = X.astype(np.float32)
    holding_out(callbacks=[("counting", Counting)]).fit(rows, Y)
    assert len(tables) % 4 == 0 and len(set(tables)) == 1


# --- Refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_members": 1}, "member_holdout='folds' is about the rows of members"),
        (
            {"n_members": 1, "member_holdout": None, "member_sampling": "auto"},
            "member_sampling='auto' is about the rows of members",
        ),
        ({"member_holdout": "fold"}, "'member_holdout' parameter of NetClassifier"),
        ({"member_holdout": True}, "'member_holdout' parameter of NetClassifier"),
        ({"member_sampling": 1.5}, "'member_sampling' parameter of NetClassifier"),
        ({"member_sampling": "most"}, "member_sampling='most' cannot be used"),
        ({"member_sampling": {5: 3}}, r"member_sampling=.* among the classes \[0, 1\]"),
        ({"member_sampling": {0: 95}}, "member_sampling=.*95 samples are asked"),
        ({"refit": 1}, "'refit' parameter of NetClassifier"),
        ({"refit": True, "member_holdout": None}, "refit=True trains anew on all"),
        ({"train_split": ValidSplit(3)}, "train_split=.* two ways to hold rows out"),
    ],
    ids=lambda part: part if isinstance(part, str) else "-".join(part),
)
def test_parameters_that_cannot_be_used(params, message):
    net = holding_out(**params)
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y)
    assert not net.initialized_


@pytest.mark.parametrize(
    "params, arguments, message",
    [
        ({}, {"groups": [1, 2]}, r"groups=.*inconsistent numbers of samples"),
        ({}, {"groups": [*[1.0] * 119, np.nan]}, "groups has no value in row 119"),
        ({"member_holdout": None}, {"groups": Y}, "groups says which rows"),
        ({"n_members": 1, "member_holdout": None}, {"groups": Y}, "groups says which"),
        ({}, {"groups": np.zeros(120)}, None),
        ({}, {"eval_X": X, "eval_y": Y}, "eval_set and member_holdout='folds' are two"),
        ({}, {"sample_weight": np.zeros(120)}, "must contain at least one non-zero"),
    ],
    ids=["short", "nan", "all", "one", "single group", "eval set", "weights of 0"],
)
def test_arguments_that_cannot_be_used(params, arguments, message):
    net = holding_out(**params)
    if message is None:
        with pytest.warns(UserWarning, match=r"holds out a row of class \[0, 1\]"):
            net.fit(X, Y, **arguments)
        assert np.isnan(net.oof_proba_).all()
        return
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y, **arguments)
    assert not net.initialized_


def test_training_cannot_go_on():
    net = holding_out(warm_start=True).fit(X, Y)
    before = learned(net)
    with pytest.raises(ValueError, match="cannot go on with member_holdout='folds'"):
        net.fit(X, Y)
    with pytest.raises(AttributeError, match="partial_fit") as error:
        net.partial_fit(X, Y)
    assert "would see rows that they held out" in str(error.value.__cause__)
    net.set_params(member_holdout=None)
    with pytest.raises(ValueError, match="began with member_holdout='folds'"):
        net.partial_fit(X, Y)
    for own, expected in zip(learned(net), before, strict=True):
        assert_array_equal(own, expected)


def test_weights_that_are_lost_in_the_last_step_are_no_fault_of_a_nonlinearity():
    # Adam divides by 0 where a gradient always was.
    rows = np.column_stack([X, np.zeros(len(X))])
    net = holding_out(numeric_encoding=None, optimizer__eps=0.0, batch_size=-1)
    with pytest.raises(ValueError, match="validation loss is nan in epoch 1. Lower"):
        net.fit(rows, Y)
