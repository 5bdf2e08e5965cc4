import pickle
from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from imbdeep.metrics import (
    make_precision_at_recall_scorer,
    precision_at_recall_score,
    precision_at_recall_scorer,
    precision_at_recalls,
)


def precision_by_thresholds(positive, score, recall, weight=None):
    """Try every score as a threshold and keep the best precision that qualifies."""
    weight = [1.0] * len(score) if weight is None else weight
    rows = list(zip(positive, score, weight, strict=True))
    n_positive = sum(w for p, _, w in rows if p)
    best = 0.0
    for threshold in score:
        alarms = sum(w for _, s, w in rows if s >= threshold)
        hits = sum(w for p, s, w in rows if p and s >= threshold)
        if hits >= recall * n_positive - 1e-9:
            best = max(best, hits / alarms)
    return best


@pytest.fixture
def ranking():
    rng = np.random.default_rng(11)
    positive = rng.random(150) < 0.15
    # Rounding makes ties, within a class and across.
    score = np.round(rng.normal(size=150) + positive, 1)
    return positive, score, rng.uniform(0.1, 2, 150)


@pytest.mark.parametrize("recall", [0.01, 0.25, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_loops(ranking, recall, weighted):
    positive, score, weight = ranking
    weight = weight if weighted else None
    assert precision_at_recall_score(
        positive, score, recall=recall, sample_weight=weight
    ) == pytest.approx(precision_by_thresholds(positive, score, recall, weight))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1.0, 0.1])
def test_an_exact_share_of_the_positives_is_reached(weight):
    # A running sum of weights of 0.1 misses some shares by its last digits. A negative
    # ranks right below the k-th positive, so missing the share costs precision.
    for n_positive in range(1, 30):
        for k in range(1, n_positive):
            positive = [1] * k + [0] * 3 + [1] * (n_positive - k)
            score = precision_at_recall_score(
                positive,
                -np.arange(len(positive)),
                recall=k / n_positive,
                sample_weight=[weight] * len(positive),
            )
            assert score == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_against_every_threshold(seed):
    rng = np.random.RandomState(seed)
    y = (rng.uniform(size=60) < 0.25).astype(int)
    y[:2] = 0, 1
    score = rng.randint(16, size=60) * (0.6 + 0.4 * y) / 15
    points = []
    for threshold in set(score):
        hits = sum(y[score >= threshold])
        share = Fraction(int(hits), int(sum(y)))
        points.append((share, hits / sum(score >= threshold)))
    expected = [
        max(precision for recall, precision in points if recall >= Fraction(k, 50))
        for k in range(51)
    ]
    assert precision_at_recalls(y, score) == pytest.approx(expected)


def test_recalls_of_the_curve_count_as_reached():
    # 50 positives, each followed by a negative: the k-th has recall exactly k / 50.
    y = np.tile(["yes", "no"], 50)
    expected = [1.0] + [k / (2 * k - 1) for k in range(1, 51)]
    found = precision_at_recalls(y, np.linspace(1, 0, 100), pos_label="yes")
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_curve_is_the_score_at_each_recall(ranking, weighted):
    positive, score, weight = ranking
    weight = weight if weighted else None
    curve = precision_at_recalls(positive, score, sample_weight=weight)
    for k in (1, 17, 25, 50):
        assert curve[k] == precision_at_recall_score(
            positive, score, recall=k / 50, sample_weight=weight
        )


def test_the_curve_does_not_start_where_no_threshold_is():
    assert precision_at_recalls([0, 1], [0.9, 0.1])[0] == 0.5


def test_never_rises_with_recall(ranking):
    positive, score, _ = ranking
    curve = [
        precision_at_recall_score(positive, score, recall=r)
        for r in np.linspace(0.01, 1, 60)
    ]
    assert (np.diff(curve) <= 0).all()
    assert curve[0] > curve[-1]


def test_first_alarm_wrong_is_not_precision_one():
    # sklearn's curve ends in the made-up point (recall 0, precision 1).
    assert precision_at_recall_score([0, 1], [0.9, 0.1], recall=1e-13) == 0.5


def test_constant_scores_give_the_prevalence():
    assert precision_at_recall_score([0, 0, 0, 1], [0.3] * 4, recall=0.2) == 0.25


def test_only_the_order_of_scores_counts(ranking):
    positive, score, _ = ranking
    assert precision_at_recall_score(positive, score) == precision_at_recall_score(
        positive, 1 / (1 + np.exp(-3 * score))
    )


@pytest.mark.parametrize(
    ("labels", "pos_label"),
    [([-1, 1], 1), ([False, True], True), (["no", "yes"], "yes"), ([3, 7], 7)],
)
def test_positive_label(ranking, labels, pos_label):
    positive, score, _ = ranking
    y = np.array(labels)[positive.astype(int)]
    expected = precision_by_thresholds(positive, score, 0.5)
    for chosen in (pos_label, None):
        assert precision_at_recall_score(y, score, pos_label=chosen) == pytest.approx(
            expected
        )
    assert precision_at_recall_score(y, -score, pos_label=labels[0]) == pytest.approx(
        precision_by_thresholds(~positive, -score, 0.5)
    )


@pytest.mark.parametrize(
    ("y_true", "y_score", "options", "message"),
    [
        ([0, 1, 2], [1, 2, 3], {}, "must hold two classes, got 3"),
        ([0, 1], [[1, 2], [2, 3]], {}, r"binary only.*shape \(2, 2\)"),
        ([0, 0], [1, 2], {}, r"no row of the positive class \(pos_label=1\)"),
        (["a", "b"], [1, 2], {}, r"pos_label=1 is not a class.*\['a', 'b'\]"),
        ([0, 1], [1, 2], {"recall": 0}, r"recall must be in \(0, 1\], got 0"),
        ([0, 1], [1, 2], {"recall": 1.5}, r"recall must be in \(0, 1\], got 1.5"),
        ([0, 1], [1, 2], {"recall": np.nan}, r"recall must be in \(0, 1\], got nan"),
        ([0, 1], [1, np.nan], {}, "y_score contains NaN"),
        ([0, 1], [1], {}, "inconsistent numbers of samples"),
        ([0, 1], [1, 2], {"sample_weight": [1, 0]}, "positive weight"),
    ],
)
def test_refuses(y_true, y_score, options, message):
    with pytest.raises(ValueError, match=message):
        precision_at_recall_score(y_true, y_score, **options)


@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), RandomForestClassifier(20, random_state=0)],
    ids=["decision_function", "predict_proba"],
)
@pytest.mark.parametrize("labels", [[-1, 1], ["no", "yes"], [False, True]])
def test_scorer_works_for_any_labels(model, labels):
    X, y = make_classification(
        300, weights=[0.8], class_sep=0.5, flip_y=0.1, random_state=0
    )
    model.fit(X[::2], np.array(labels)[y[::2]])
    X, y = X[1::2], y[1::2]
    proba = model.predict_proba(X)
    for recall in (0.25, 0.9):
        scorer = make_precision_at_recall_scorer(recall)
        assert scorer(model, X, np.array(labels)[y]) == pytest.approx(
            precision_by_thresholds(y == 1, proba[:, 1], recall)
        )
    first = make_precision_at_recall_scorer(0.9, pos_label=labels[0])
    assert first(model, X, np.array(labels)[y]) == pytest.approx(
        precision_by_thresholds(y == 0, proba[:, 0], 0.9)
    )


def test_default_scorer_is_at_one_half():
    X, y = make_classification(300, class_sep=0.3, flip_y=0.2, random_state=0)
    model = LogisticRegression().fit(X, y)
    assert precision_at_recall_scorer(model, X, y) == precision_at_recall_score(
        y, model.decision_function(X), recall=0.5
    )


def test_scorer_selects_the_higher_score():
    X, y = make_classification(400, weights=[0.9], class_sep=1, random_state=0)
    search = GridSearchCV(
        LogisticRegression(solver="liblinear"),
        {"class_weight": [None, {0: 1e6, 1: 1e-6}], "C": [1e-8, 1.0]},
        scoring=make_precision_at_recall_scorer(0.75),
        error_score="raise",
    ).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert search.best_score_ == scores.max() > scores.min()


def test_scorer_refuses_many_classes():
    X, y = make_classification(200, n_informative=4, n_classes=3, random_state=0)
    with pytest.raises(ValueError, match="binary only"):
        cross_val_score(
            LogisticRegression(),
            X,
            y,
            scoring=precision_at_recall_scorer,
            error_score="raise",
        )


def test_scorer_maker_refuses_a_bad_recall():
    with pytest.raises(ValueError, match=r"recall must be in \(0, 1\], got -1"):
        make_precision_at_recall_scorer(-1)


def test_scorer_pickles():
    X, y = make_classification(100, random_state=0)
    model = LogisticRegression().fit(X, y)
    scorer = make_precision_at_recall_scorer(0.25)
    assert pickle.loads(pickle.dumps(scorer))(model, X, y) == scorer(model, X, y)
