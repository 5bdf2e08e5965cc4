import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    check_scoring,
    make_scorer,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)

from imbdeep.crowds import (
    MajorityVote,
    StratifiedCrowdKFold,
    make_crowd_scorer,
    simulate_annotators,
    split_truth,
)


class VoteThenFit(ClassifierMixin, BaseEstimator):
    """Logistic regression on majority votes, such as a user would write it."""

    def __init__(self, C=1.0, truth_column=None):
        self.C = C
        self.truth_column = truth_column

    def fit(self, X, y):
        annotations, _ = split_truth(y, self.truth_column)
        labels = MajorityVote().fit_predict(annotations)
        self.model_ = LogisticRegression(C=self.C).fit(X, labels)
        self.classes_ = self.model_.classes_
        self.n_workers_ = annotations.shape[1]
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.fixture
def crowd():
    """Rows, annotations and the truth of two unequal classes."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [150, 50])
    X = rng.normal(size=(200, 3)) + truth[:, None]
    annotations = simulate_annotators(truth, error_rate=0.25, random_state=0)
    return X, annotations, truth


class TestSplitTruth:
    @pytest.mark.parametrize("column", [1, -2, np.int64(1)])
    def test_array(self, column):
        y = np.array([[0, 5, 1], [1, 6, 0]])
        annotations, truth = split_truth(y, column)
        assert annotations.tolist() == [[0, 1], [1, 0]]
        assert truth.tolist() == [5, 6]

    @pytest.mark.parametrize("column", [1, -2, "truth"])
    def test_data_frame(self, column):
        y = pd.DataFrame(
            {"Ann": ["a", "b"], "truth": [1.0, 0.0], "Bob": ["b", None]}, index=[7, 3]
        )
        annotations, truth = split_truth(y, column)
        pd.testing.assert_frame_equal(annotations, y[["Ann", "Bob"]])
        pd.testing.assert_series_equal(truth, y["truth"])

    def test_list(self):
        annotations, truth = split_truth([["a", "b"], ["b", None]], -1)
        assert annotations.tolist() == [["a"], ["b"]]
        assert truth.tolist() == ["b", None]

    def test_names_of_any_kind(self):
        y = pd.DataFrame(
            [[0, 1]], columns=pd.MultiIndex.from_tuples([("w", 1), ("t", 1)])
        )
        assert split_truth(y, ("t", 1))[1].tolist() == [1]

    def test_ints_are_positions_in_data_frames(self):
        y = pd.DataFrame([[10, 20]], columns=[4, 7])
        assert split_truth(y, 0)[1].tolist() == [10]
        y = pd.DataFrame([[10, 20]], columns=[0, 1])
        assert split_truth(y, -1)[1].tolist() == [20]

    def test_an_int_that_names_another_column_is_refused(self):
        y = pd.DataFrame([[10, 20]], columns=[1, 0])
        with pytest.raises(ValueError, match="truth_column=0 is the position of one"):
            split_truth(y, 0)

    @pytest.mark.parametrize("y", [np.zeros(3), np.zeros((3, 2)), pd.Series([1])])
    def test_no_truth(self, y):
        annotations, truth = split_truth(y)
        assert annotations is y
        assert truth is None

    def test_leaves_y_alone(self):
        y = np.array([[0, 1], [1, 0]])
        split_truth(y, 0)[0][:] = 9
        assert y.tolist() == [[0, 1], [1, 0]]

    @pytest.mark.parametrize(
        ("y", "column", "message"),
        [
            (np.zeros((2, 3)), 3, "truth_column=3 is not the position.*has 3 columns"),
            (np.zeros((2, 3)), -4, "truth_column=-4 is not the position"),
            (np.zeros((2, 3)), "t", "'t' is the name of a column, but y is no data"),
            (np.zeros(2), -1, "y must be 2-D .* column -1, got 1 dimension"),
            (pd.Series([0, 1]), "t", "y must be 2-D .* column 't', got 1 dim"),
            (np.zeros((2, 1)), 0, r"y has 1 column\(s\), and truth_column=0 asks"),
            (
                pd.DataFrame([[0, 1]], columns=["a", "b"]),
                "t",
                r"no column of the name truth_column='t': \['a', 'b'\]",
            ),
            (
                pd.DataFrame([[0, 1, 1]], columns=["a", "t", "t"]),
                "t",
                "several columns of the name truth_column='t'",
            ),
        ],
    )
    def test_errors(self, y, column, message):
        with pytest.raises(ValueError, match=message):
            split_truth(y, column)


def strata_by_loops(y, position):
    """Truth, or else the most frequent label and of several the first."""
    strata = []
    for row in y:
        truth = None if position is None else row[position]
        votes = Counter(
            label
            for column, label in enumerate(row)
            if column != position and label is not None
        )
        most = max(votes.values(), default=0)
        majority = min((k for k, n in votes.items() if n == most), default=None)
        strata.append(majority if truth is None else truth)
    return strata


def folds(cv, X, y):
    return [(train.tolist(), test.tolist()) for train, test in cv.split(X, y)]


class TestFolds:
    @pytest.fixture
    def table(self):
        """Text with gaps; each row has an annotation in one of the first 3 columns."""
        rng = np.random.default_rng(1)
        table = rng.choice(["no", "yes", "unsure"], (90, 4)).astype(object)
        table[rng.uniform(size=(90, 4)) < 0.3] = None
        table[np.arange(90), np.arange(90) % 3] = "no"
        return table

    @pytest.mark.parametrize("position", [None, 0, 3])
    @pytest.mark.parametrize("as_frame", [False, True])
    @pytest.mark.parametrize("seed", [None, 4])
    def test_agrees_with_strata_by_loops(self, table, position, as_frame, seed):
        table[np.arange(90), 1] = "yes"
        strata = strata_by_loops(table.tolist(), position)
        assert len(set(strata)) > 1
        y = pd.DataFrame(table, columns=list("abcd")) if as_frame else table
        column = "abcd"[position] if as_frame and position is not None else position
        arguments = {"n_splits": 3, "shuffle": seed is not None, "random_state": seed}
        cv = StratifiedCrowdKFold(**arguments, truth_column=column)
        expected = StratifiedKFold(**arguments)
        assert folds(cv, table, y) == folds(expected, table, strata)

    def test_every_fold_has_its_share_of_the_truth(self, crowd):
        X, annotations, truth = crowd
        y = np.column_stack([annotations, truth])
        for _, test in StratifiedCrowdKFold(truth_column=-1).split(X, y):
            assert np.bincount(truth[test]).tolist() == [30, 10]

    def test_a_tie_goes_to_the_first_class(self):
        y = np.array([[1, 0]] * 6 + [[1, 1]] * 3)
        for _, test in StratifiedCrowdKFold(3).split(y, y):
            assert (test < 6).sum() == 2

    def test_rows_with_a_truth_need_no_annotation(self):
        y = np.array([[-1, -1, 1]] * 4 + [[0, -1, -1]] * 8)
        for _, test in StratifiedCrowdKFold(4, truth_column=-1).split(y, y):
            assert (test < 4).sum() == 1

    @pytest.mark.parametrize("y", [[0, 1] * 6, pd.Series(list("aabb") * 3)])
    def test_labels_are_split_as_usual(self, y):
        assert folds(StratifiedCrowdKFold(3), y, y) == folds(StratifiedKFold(3), y, y)

    def test_minus_one_may_be_a_label(self):
        y = np.array([[-1, 1, -1]] * 6 + [[1, 1, -1]] * 3)
        for _, test in StratifiedCrowdKFold(3, missing_values=None).split(y, y):
            assert (test < 6).sum() == 2
        # Otherwise 1 is the only class, and folds are cut in the order of the rows.
        (_, test), *_ = StratifiedCrowdKFold(3).split(y, y)
        assert test.tolist() == [0, 1, 2]

    @pytest.mark.parametrize(
        ("y", "parameters", "message"),
        [
            ([[0, 1], [-1, -1]], {}, "Nobody annotated 1 of 2 rows: 1"),
            ([0, 1], {"truth_column": -1}, "y must be 2-D"),
            ([[0, 1], [1, 1]], {"truth_column": 2}, "is not the position"),
            ([[0, 1], [1, 1]], {"truth_column": "t"}, "y is no data frame"),
        ],
    )
    def test_errors(self, y, parameters, message):
        cv = StratifiedCrowdKFold(2, **parameters)
        with pytest.raises(ValueError, match=message):
            next(cv.split(y, y))

    def test_parameters_are_checked(self):
        with pytest.raises(ValueError, match="n_splits=1"):
            StratifiedCrowdKFold(1)

    def test_repr(self):
        shown = repr(StratifiedCrowdKFold(3, truth_column="expert"))
        assert shown.startswith("StratifiedCrowdKFold(missing_values=-1, n_splits=3,")
        assert shown.endswith("truth_column='expert')")

    def test_number_of_splits(self):
        assert StratifiedCrowdKFold(3).get_n_splits() == 3


class TestScorer:
    @pytest.fixture
    def model(self, crowd):
        X, annotations, _ = crowd
        return VoteThenFit().fit(X, annotations)

    @pytest.mark.parametrize(
        "scoring",
        [
            "balanced_accuracy",
            "average_precision",
            "neg_log_loss",
            make_scorer(recall_score),
            lambda estimator, X, y: balanced_accuracy_score(y, estimator.predict(X)),
        ],
    )
    def test_scores_rows_whose_truth_is_known(self, crowd, model, scoring):
        X, annotations, truth = crowd
        known = np.random.default_rng(0).uniform(size=200) < 0.5
        y = np.column_stack([annotations, np.where(known, truth, -1)])
        ordinary = check_scoring(model, scoring)
        score = make_crowd_scorer(scoring)(model, X, y)
        assert score == ordinary(model, X[known], truth[known])
        assert score != ordinary(model, X, truth)

    def test_data_frames(self, crowd):
        X, annotations, truth = crowd
        known = np.random.default_rng(0).uniform(size=200) < 0.5
        # Of rows in an order of their own, and features that the model knows by name.
        X = pd.DataFrame(X, columns=list("abc"), index=np.arange(200)[::-1])
        model = VoteThenFit().fit(X, annotations)
        y = pd.DataFrame(annotations, index=X.index).assign(truth=truth)
        y["truth"] = y["truth"].where(known).astype("Int64")
        scorer = make_crowd_scorer("roc_auc", truth_column="truth")
        proba = model.predict_proba(X)[known, 1]
        assert scorer(model, X, y) == roc_auc_score(truth[known], proba)

    @pytest.mark.parametrize(
        ("truth", "kind", "labels"),
        [
            (np.array([["w", "a"], ["w", None]], dtype=object), "U", ["a"]),
            (np.array([["w", "a"], ["w", np.nan]], dtype=object), "U", ["a"]),
            (np.array([[0, 3], [0, None]], dtype=object), "i", [3]),
            (np.array([[0, 3], [0, pd.NA]], dtype=object), "i", [3]),
            (np.array([[0, True], [0, None]], dtype=object), "b", [True]),
            (np.array([[0, 3], [0, -1]]), "i", [3]),
            (np.array([[0, 3.0], [0, np.nan]]), "f", [3.0]),
            (np.array([["w", "a"], ["w", "-1"]]), "U", ["a", "-1"]),
            (pd.DataFrame({"w": [0, 0], "t": pd.array([3, None])}), "i", [3]),
            (pd.DataFrame({"w": [0, 0], "t": pd.array([True, None])}), "b", [True]),
            (pd.DataFrame({"w": ["x", "x"], "t": ["a", None]}), "U", ["a"]),
            (
                pd.DataFrame({"w": ["x"] * 2, "t": pd.Categorical(["a", None])}),
                "U",
                ["a"],
            ),
        ],
        ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
    )
    def test_types_of_the_truth(self, truth, kind, labels):
        seen = []

        def record(estimator, X, y):
            seen.append((X, y))
            return 0.0

        X = np.array([[5.0], [6.0]])
        make_crowd_scorer(record)(None, X, truth)
        ((rows, y),) = seen
        assert y.dtype.kind == kind
        assert y.tolist() == labels
        assert rows.tolist() == X[: len(labels)].tolist()

    @pytest.mark.parametrize("missing_values", [None, 0])
    def test_missing_values(self, missing_values):
        y = np.array([[0, 1], [0, 0], [0, -1]])
        seen = []

        def record(estimator, X, y):
            seen.extend(y.tolist())
            return 0.0

        make_crowd_scorer(record, missing_values=missing_values)(None, y, y)
        assert seen == [label for label in (1, 0, -1) if label != missing_values]

    def test_several_scores(self, crowd, model):
        X, annotations, truth = crowd
        y = np.column_stack([annotations, truth])
        scores = make_crowd_scorer(["accuracy", "roc_auc"])(model, X, y)
        assert scores == {
            name: make_crowd_scorer(name)(model, X, y)
            for name in ("accuracy", "roc_auc")
        }

    def test_pickle(self, crowd, model):
        X, annotations, truth = crowd
        y = np.column_stack([annotations, truth])
        scorer = make_crowd_scorer("roc_auc")
        copy = pickle.loads(pickle.dumps(scorer))
        assert copy(model, X, y) == scorer(model, X, y)

    def test_repr(self):
        assert repr(make_crowd_scorer("f1", truth_column="expert")) == (
            "make_crowd_scorer('f1', truth_column='expert', missing_values=-1)"
        )

    @pytest.mark.parametrize(
        ("y", "column", "message"),
        [
            ([[0, -1], [1, -1]], -1, "No true label is known among the rows to score"),
            ([[0, 1, 1], [0, 1, 1]], 3, "truth_column=3 is not the position"),
        ],
    )
    def test_errors(self, y, column, message):
        with pytest.raises(ValueError, match=message):
            make_crowd_scorer("accuracy", truth_column=column)(None, [[0], [1]], y)

    def test_ordinary_labels_are_the_truth(self):
        model = DummyClassifier().fit([[0]] * 3, [0, 0, 1])
        scorer = make_crowd_scorer("accuracy")
        assert scorer(model, [[0]] * 4, [0, 1, 0, 0]) == 0.75

    def test_unknown_scorer(self):
        with pytest.raises(ValueError, match="scoring"):
            make_crowd_scorer("acuracy")

    def test_metric_instead_of_a_scorer(self):
        with pytest.raises(ValueError, match="make_scorer"):
            make_crowd_scorer(balanced_accuracy_score)

    def test_truth_is_needed(self):
        with pytest.raises(ValueError, match="truth_column must tell which column"):
            make_crowd_scorer("accuracy", truth_column=None)


class TestCrossValidation:
    @pytest.fixture(params=["array", "frame"])
    def data(self, request, crowd):
        X, annotations, truth = crowd
        y = np.column_stack([annotations, truth])
        if request.param == "array":
            return X, y, -1
        names = [*"abcde", "truth"]
        return pd.DataFrame(X), pd.DataFrame(y, columns=names), "truth"

    def test_agrees_with_loops(self, data, crowd):
        X, y, column = data
        rows, annotations, truth = crowd
        scores = cross_val_score(
            VoteThenFit(truth_column=column),
            X,
            y,
            scoring=make_crowd_scorer("roc_auc", truth_column=column),
            cv=StratifiedCrowdKFold(4, truth_column=column),
        )
        expected = []
        for train, test in StratifiedKFold(4).split(rows, truth):
            model = VoteThenFit().fit(rows[train], annotations[train])
            proba = model.predict_proba(rows[test])[:, 1]
            expected.append(roc_auc_score(truth[test], proba))
        assert scores == pytest.approx(expected)

    def test_several_scores(self, data):
        X, y, column = data
        arguments = {
            "estimator": VoteThenFit(truth_column=column),
            "X": X,
            "y": y,
            "cv": StratifiedCrowdKFold(3, truth_column=column),
        }
        scorers = {
            name: make_crowd_scorer(name, truth_column=column)
            for name in ("balanced_accuracy", "average_precision")
        }
        results = cross_validate(**arguments, scoring=scorers, return_estimator=True)
        for name, scorer in scorers.items():
            alone = cross_val_score(**arguments, scoring=scorer)
            assert_array_equal(results[f"test_{name}"], alone)
        # The truth is no worker.
        assert [model.n_workers_ for model in results["estimator"]] == [5] * 3

    def test_grid_search(self, crowd):
        X, annotations, truth = crowd
        y = np.column_stack([annotations, truth])
        search = GridSearchCV(
            VoteThenFit(truth_column=-1),
            {"C": [1e-6, 1.0]},
            scoring=make_crowd_scorer("neg_log_loss"),
            cv=StratifiedCrowdKFold(3, truth_column=-1),
        )
        search = clone(search).fit(X, y)
        assert search.best_params_ == {"C": 1.0}
        assert search.score(X, y) == pytest.approx(
            make_crowd_scorer("neg_log_loss")(search.best_estimator_, X, y)
        )

    def test_metadata_routing(self, data):
        X, y, column = data
        arguments = {
            "scoring": make_crowd_scorer("roc_auc", truth_column=column),
            "cv": StratifiedCrowdKFold(3, truth_column=column),
        }
        model = VoteThenFit(truth_column=column)
        expected = cross_val_score(model, X, y, **arguments)
        with sklearn.config_context(enable_metadata_routing=True):
            assert_array_equal(cross_val_score(model, X, y, **arguments), expected)
