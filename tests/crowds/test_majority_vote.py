import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier

from imbdeep.crowds import MajorityVote


@pytest.mark.parametrize("seed", range(8))
def test_slow_derivation(seed):
    rng = np.random.default_rng(seed)
    n_classes, n_workers = rng.integers(1, 5), rng.integers(1, 9)
    codes = rng.integers(-1, n_classes, size=(40, n_workers))
    codes[:, 0] = rng.integers(n_classes, size=40)
    vote = MajorityVote(classes=range(n_classes)).fit(codes)
    winners = []
    for i, row in enumerate(codes.tolist()):
        votes = [row.count(c) for c in range(n_classes)]
        assert_allclose(vote.label_posterior_[i], np.divide(votes, sum(votes)))
        # index() finds the first of those that tie.
        winners.append(votes.index(max(votes)))
    assert_array_equal(vote.predict(codes), winners)
    assert_array_equal(vote.fit_predict(codes), winners)
    assert_allclose(
        vote.class_prior_, [winners.count(c) / 40 for c in range(n_classes)]
    )
    for w in range(n_workers):
        for true in range(n_classes):
            given = [codes[i, w] for i in range(40) if winners[i] == true]
            given = [label for label in given if label != -1]
            expected = [
                given.count(c) / len(given) if given else 1 / n_classes
                for c in range(n_classes)
            ]
            assert_allclose(vote.confusion_matrices_[w, true], expected)
    if (codes >= 0).all():
        wrong = (codes != np.array(winners)[:, None]).mean(0)
        assert_allclose(vote.worker_error_rates_, wrong, atol=1e-12)


def test_error_rates_if_all_rows_are_annotated():
    codes = np.random.default_rng(0).integers(3, size=(50, 5))
    vote = MajorityVote().fit(codes)
    wrong = [(codes[:, w] != vote.predict(codes)).mean() for w in range(5)]
    assert_allclose(vote.worker_error_rates_, wrong)


def test_votes_as_scikit_learn_does():
    codes = np.random.default_rng(0).integers(4, size=(60, 6))
    ensemble = VotingClassifier(
        [(f"w{w}", DummyClassifier(strategy="constant", constant=0)) for w in range(6)]
    ).fit(np.zeros((4, 1)), np.arange(4))
    # The classifiers' answers are the workers' annotations.
    ensemble._predict = lambda X: codes
    assert_array_equal(MajorityVote().fit_predict(codes), ensemble.predict(codes))


@pytest.mark.parametrize("n", [2, 4, 20])
def test_ties_go_to_the_first_class_and_show_in_the_probabilities(n):
    labels = ["b", "a"] * (n // 2)
    vote = MajorityVote().fit([labels, labels[::-1]])
    assert_array_equal(vote.predict([labels, labels[::-1]]), ["a", "a"])
    assert_array_equal(vote.predict_proba([labels]), [[0.5, 0.5]])


def test_others_rows_do_not_matter():
    vote = MajorityVote().fit([[0, 1, 1], [2, 2, 2]])
    assert_array_equal(vote.predict_proba([[0, -1, 2]]), [[0.5, 0, 0.5]])
