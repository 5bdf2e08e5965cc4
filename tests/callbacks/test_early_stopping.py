import numpy as np
import pytest
import torch

from imbdeep.callbacks import EarlyStopping
from tests.callbacks.conftest import Probe, Scores, weights_of


@pytest.fixture
def train(make_net, binary):
    """Train on given scores and tell the epochs made and the one restored."""

    def train(scores, **kwargs):
        net = make_net(
            Scores(scores),
            EarlyStopping("score", **kwargs),
            ("probe", Probe(weights_of)),
            max_epochs=len(scores),
            batch_size=-1,
        ).fit(*binary)
        final = weights_of(net)
        # The probe misses the last epoch if it is the one that stops.
        seen = dict(net.callbacks_)["probe"].seen_
        same = [
            epoch
            for epoch, state in enumerate(seen, 1)
            if all(torch.equal(state[name], final[name]) for name in final)
        ]
        return len(net.history), same[-1] if same else None

    return train


def test_stops_after_patience_epochs_and_goes_back(train):
    assert train([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], patience=3) == (5, 2)


def test_goes_on_while_scores_improve(train):
    assert train([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], patience=1) == (6, 6)


def test_goes_back_at_the_last_epoch_too(train):
    assert train([0.1, 0.5, 0.4, 0.3], patience=20) == (4, 2)


def test_patience_starts_anew_after_an_improvement(train):
    scores = [0.5, 0.4, 0.6, 0.5, 0.5, 0.7, 0.1, 0.1, 0.1]
    assert train(scores, patience=3) == (9, 6)


@pytest.mark.parametrize("score", [1.0, 0.5, 1e-6, 0.0, -0.5])
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_an_equal_score_counts_as_better(train, score, lower_is_better):
    scores = [score] * 6
    made = train(scores, patience=2, lower_is_better=lower_is_better)
    assert made == (6, 6)


@pytest.mark.parametrize("score", [1.0, 0.5, 0.0, -0.5])
def test_a_worse_score_does_not(train, score):
    scores = [score] + [score - 1e-3] * 4
    assert train(scores, patience=2)[0] == 3


def test_lower_is_better(train):
    scores = [0.5, 0.4, 0.45, 0.41, 0.1]
    assert train(scores, patience=2, lower_is_better=True) == (4, 2)


def test_without_load_best_the_last_weights_stay(train):
    assert train([0.5, 0.4, 0.3, 0.3], patience=20, load_best=False) == (4, 4)


def test_idle_in_epochs_without_score(train):
    scores = [0.5, None, None, 0.4, None, 0.3, 0.9]
    assert train(scores, patience=2) == (6, 1)


def test_idle_without_validation_rows(make_net, binary):
    net = make_net(EarlyStopping(patience=1), max_epochs=5).fit(*binary)
    assert len(net.history) == 5


def test_watches_average_precision_by_default(make_net, binary):
    net = make_net(
        ("stop", EarlyStopping(patience=4)),
        train_split="stratified",
        max_epochs=60,
        lr=0.1,
    ).fit(*binary)
    scores = np.array(net.history[:, "valid_average_precision"])
    # The last of the best epochs, and no other within patience of it.
    best = len(scores) - np.argmax(scores[::-1])
    assert dict(net.callbacks_)["stop"].best_epoch_ == best
    assert len(scores) == min(best + 4, 60)


def test_the_net_uses_it(make_net, binary):
    net = make_net(
        train_split="stratified", early_stopping=True, patience=7, max_epochs=1
    ).fit(*binary)
    (stopping,) = [c for _, c in net.callbacks_ if isinstance(c, EarlyStopping)]
    assert stopping.patience == 7
    assert stopping.monitor == "valid_average_precision"


def test_silent_unless_verbose(make_net, binary, capsys):
    make_net(
        Scores([3, 2, 1, 0]), EarlyStopping("score", patience=1), max_epochs=4
    ).fit(*binary)
    assert capsys.readouterr().out == ""


def test_refuses_an_unknown_threshold_mode(make_net, binary):
    with pytest.raises(ValueError, match="threshold_mode must be"):
        make_net(EarlyStopping(threshold_mode="log")).fit(*binary)


def test_an_entry_that_nothing_records_is_refused():
    from sklearn.datasets import make_classification

    from imbdeep.classifiers import NetClassifier

    X, y = make_classification(200, weights=[0.7], random_state=0)
    params = {"early_stopping": True, "max_epochs": 5, "random_state": 0}
    net = NetClassifier(callbacks__early_stopping__monitor="valid_f1", **params)
    with pytest.raises(ValueError, match="monitor='valid_f1' is no entry .*valid_loss"):
        net.fit(X, y)
    net.set_params(callbacks__early_stopping__monitor="valid_loss").fit(X, y)
    assert net.do_early_stopping_
