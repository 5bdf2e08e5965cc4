"""When nets stop early: where validation rows can tell, and nowhere else."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from skorch.helper import predefined_split

from imbdeep.callbacks import EarlyStopping
from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier, ReMixClassifier
from imbdeep.datasets import load_embedded_suite
from tests.common.estimators import CLASSIFIERS, each

SMALL = {
    "module__hidden_sizes": (4,),
    "n_bins": 4,
    "batch_size": 16,
    "random_state": 0,
}
# Scores that never rise end training after the first epoch and one of patience.
IMPATIENT = SMALL | {"max_epochs": 6, "patience": 1, "lr": 1e-9}


def table(*counts, seed=0):
    """Rows of as many classes, which no net can tell apart."""
    y = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).normal(size=(len(y), 3)), y


class Falling(EarlyStopping):
    """Sees a score that falls from epoch to epoch."""

    def on_epoch_end(self, net, **kwargs):
        if "valid_average_precision" in net.history[-1]:
            net.history.record(self.monitor, -len(net.history))
        super().on_epoch_end(net, **kwargs)


def impatient(cls=NetClassifier, **params):
    """A net that stops after two epochs if it stops at all."""
    rule = cls(**SMALL | params)._default_callbacks[-1][1]
    assert isinstance(rule, EarlyStopping)
    stopping = Falling("falling", patience=1, least_rare_rows=rule.least_rare_rows)
    return cls(**SMALL | {"max_epochs": 6} | params, callbacks__early_stopping=stopping)


def was_scored(net):
    return "valid_average_precision" in net.history[-1]


@pytest.mark.parametrize(
    "counts", [(60, 22), (22, 60), (60, 2), (60, 25, 22), (3, 25, 25)], ids=str
)
def test_few_rare_rows_are_all_trained_on(counts):
    X, y = table(*counts)
    net = impatient().fit(X, y)
    assert len(net.history) == 6
    assert not was_scored(net)
    assert not net.do_early_stopping_


@pytest.mark.parametrize("counts", [(60, 23), (23, 60), (60, 25, 23)], ids=str)
def test_enough_rare_rows_decide_as_they_did(counts):
    # A fifth of 23 rows, rounded, is five.
    X, y = table(*counts)
    net = impatient().fit(X, y)
    assert len(net.history) == 2
    assert net.do_early_stopping_
    params = SMALL | {"max_epochs": 8, "patience": 2, "lr": 0.05}
    made = [
        NetClassifier(**params, **stops).fit(X, y)
        for stops in ({}, {"early_stopping": True})
    ]
    assert len(made[0].history) == len(made[1].history)
    np.testing.assert_array_equal(*(net.predict_proba(X) for net in made))


def test_a_class_of_one_row_needs_no_warning_where_all_are_trained_on():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = NetClassifier(**SMALL, max_epochs=2).fit(*table(30, 30, 1))
    assert not net.do_early_stopping_


@pytest.mark.parametrize("n_rare", [2, 10, 22])
def test_true_stops_whatever_there_is(n_rare):
    X, y = table(60, n_rare)
    net = impatient(early_stopping=True).fit(X, y)
    assert len(net.history) == 2
    assert net.do_early_stopping_


def test_false_never_stops_and_scores_all_the_same():
    X, y = table(60, 30)
    net = NetClassifier(**SMALL, early_stopping=False, max_epochs=3).fit(X, y)
    assert len(net.history) == 3
    assert was_scored(net)
    assert not net.do_early_stopping_


def test_the_number_of_rows_can_be_chosen():
    X, y = table(60, 10)
    params = SMALL | {"max_epochs": 2, "callbacks__early_stopping__least_rare_rows": 2}
    assert NetClassifier(**params).fit(X, y).do_early_stopping_
    assert not NetClassifier(**params).fit(*table(60, 4)).do_early_stopping_


def test_without_the_callback_rows_are_set_aside_for_the_scores():
    X, y = table(60, 10)
    net = NetClassifier(**SMALL, max_epochs=2, callbacks__early_stopping=None).fit(X, y)
    assert was_scored(net)
    assert not net.do_early_stopping_


@pytest.mark.parametrize("n_rare", [0, 1, 4, 5, 30])
def test_given_validation_rows_are_scored_and_decide_if_there_are_enough(n_rare):
    X, y = table(60, 30)
    eval_set = table(20, n_rare, seed=1)
    net = impatient().fit(X, y, eval_set=eval_set)
    assert was_scored(net)
    assert net.do_early_stopping_ == (n_rare >= 5)
    assert len(net.history) == (2 if n_rare >= 5 else 6)


@pytest.mark.parametrize("n_rare", [0, 4, 5])
def test_a_split_of_ones_own(n_rare):
    X, y = table(60, 30)
    net = impatient()
    valid = table(20, n_rare, seed=1)
    dataset = NetClassifier(**SMALL).get_dataset(valid[0].astype("float32"), valid[1])
    net.set_params(train_split=predefined_split(dataset)).fit(X, y)
    assert was_scored(net)
    assert len(net.history) == (2 if n_rare >= 5 else 6)


def test_the_last_weights_stay_where_nothing_is_watched():
    X, y = table(60, 30)
    few = table(20, 4, seed=1)
    params = SMALL | {"max_epochs": 5, "lr": 0.05}
    watched, free = (
        NetClassifier(**params, **stops).fit(X, y, eval_set=few)
        for stops in ({}, {"early_stopping": False})
    )
    np.testing.assert_array_equal(watched.predict_proba(X), free.predict_proba(X))


def test_partial_fit_asks_anew_in_each_call():
    net = impatient()
    for counts, n_epochs, watched in [
        ((60, 30), 2, True),
        ((60, 10), 6, False),
        ((60, 0), 6, False),
        ((60, 30), 2, True),
    ]:
        before = len(net.history) if net.initialized_ else 0
        net.partial_fit(*table(*counts), classes=[0, 1])
        assert len(net.history) - before == n_epochs
        assert net.do_early_stopping_ == watched


def test_a_class_that_training_has_not_seen_does_not_count():
    X, y = table(60, 30)
    net = impatient().partial_fit(X, y, classes=[0, 1, 2])
    assert net.do_early_stopping_


def test_warm_start_asks_anew():
    net = impatient(warm_start=True).fit(*table(60, 10))
    assert len(net.history) == 6
    net.fit(*table(60, 30))
    assert len(net.history) == 8


def test_meta_augmentation_keeps_its_validation_rows():
    params = {"pretrain_epochs": 4}
    net = impatient(MetaAugmentClassifier, **params).fit(*table(60, 10))
    assert was_scored(net)
    assert len(net.history) == 4 + 6
    np.testing.assert_array_equal(net.X_synth_, last_rows(net))
    enough = impatient(MetaAugmentClassifier, **params).fit(*table(60, 30))
    assert len(enough.history) == 4  # two epochs of either stage


def last_rows(net):
    again = clone(net).set_params(store_synth_history=True).fit(*table(60, 10))
    return again.synth_history_[-1]


@pytest.mark.parametrize("name", each(CLASSIFIERS))
def test_every_net_trains_to_the_end_on_few_rare_rows(name):
    net = clone(CLASSIFIERS[name])
    if "early_stopping" not in net.get_params():
        return
    net.set_params(max_epochs=3, early_stopping="auto", train_split="stratified")
    # Two are a fifth; members hold out all there are.
    net.fit(*table(40, 10 if net.member_holdout is None else 4))
    assert not net.do_early_stopping_


def test_members_stop_by_all_rare_rows():
    net = clone(CLASSIFIERS["net-ensemble"]).set_params(max_epochs=3)
    assert net.fit(*table(40, 10)).do_early_stopping_


@pytest.mark.parametrize("value", ["yes", None, 2])
def test_refuses_what_is_no_rule(value):
    with pytest.raises(ValueError, match="early_stopping"):
        NetClassifier(early_stopping=value).fit(*table(30, 30))


@pytest.mark.slow
@pytest.mark.parametrize("cls", [NetClassifier, ReMixClassifier])
def test_ranks_better_than_stopping_on_four_rare_rows(cls):
    rings = load_embedded_suite("rings")["rings"]
    params = {
        "module__hidden_sizes": (32,),
        "n_bins": 16,
        "max_epochs": 60,
        "batch_size": 110,
        "lr": 0.01,
        "patience": 5,
    }
    gains = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rings.target))
        # The ring, and one of the columns of noise.
        X, y = rings.data[order][:, :3], rings.target[order]
        train = np.sort(
            np.concatenate([np.flatnonzero(y == -1)[:200], np.flatnonzero(y == 1)[:20]])
        )
        test = np.setdiff1d(np.arange(len(y)), train)
        scores = [
            average_precision_score(
                y[test],
                cls(early_stopping=stops, random_state=seed, **params)
                .fit(X[train], y[train])
                .predict_proba(X[test])[:, 1],
            )
            for stops in ("auto", True)
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.05
