import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from imbdeep.crowds import DawidSkene, MajorityVote
from tests.common.estimators import AGGREGATORS as INSTANCES

AGGREGATORS = list(INSTANCES.values())

XFAILS = {
    "check_positive_only_tag_during_fit": (
        "it takes their mean from labels that may be missing and so are floats, which "
        "leaves fractions; negative labels are tested below"
    )
}


@parametrize_with_checks(AGGREGATORS, expected_failed_checks=lambda _: XFAILS)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.fixture(params=AGGREGATORS, ids=str)
def aggregator(request):
    return clone(request.param)


@pytest.fixture
def codes():
    """Annotations of 80 rows by 5 workers who err in 1 of 5, a few of them missing."""
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=80)
    wrong = rng.random((80, 5)) < 0.2
    codes = np.where(wrong, rng.integers(3, size=(80, 5)), truth[:, None])
    codes[rng.random((80, 5)) < 0.1] = -1
    codes[:, 0] = truth
    return codes


def check_fitted(model, n_rows, n_workers, n_classes):
    assert model.n_features_in_ == n_workers
    assert model.classes_.shape == model.class_prior_.shape == (n_classes,)
    assert model.label_posterior_.shape == (n_rows, n_classes)
    assert model.confusion_matrices_.shape == (n_workers, n_classes, n_classes)
    assert model.worker_error_rates_.shape == (n_workers,)
    assert_allclose(model.class_prior_.sum(), 1)
    assert_allclose(model.label_posterior_.sum(1), 1)
    assert_allclose(model.confusion_matrices_.sum(2), 1)


class TestContract:
    def test_attributes_and_methods(self, aggregator, codes):
        assert aggregator.fit(codes) is aggregator
        check_fitted(aggregator, 80, 5, 3)
        assert not hasattr(aggregator, "feature_names_in_")
        proba = aggregator.predict_proba(codes)
        assert_allclose(proba, aggregator.label_posterior_)
        labels = aggregator.classes_[proba.argmax(1)]
        assert_array_equal(aggregator.predict(codes), labels)
        assert_array_equal(clone(aggregator).fit_predict(codes), labels)

    def test_truth_is_ignored(self, aggregator, codes):
        labels = aggregator.fit_predict(codes)
        assert_array_equal(aggregator.fit_predict(codes, np.zeros(80)), labels)
        assert_array_equal(aggregator.fit(codes, codes[:, 1]).predict(codes), labels)

    def test_input_is_unchanged(self, aggregator, codes):
        frame = pd.DataFrame(codes, columns=list("abcde"))
        before = codes.copy()
        codes.flags.writeable = False
        aggregator.fit(codes).predict_proba(codes)
        aggregator.fit(frame).predict_proba(frame)
        assert_array_equal(codes, before)
        pd.testing.assert_frame_equal(
            frame, pd.DataFrame(before, columns=list("abcde"))
        )

    def test_clone_pickle_and_joblib(self, aggregator, codes, tmp_path):
        aggregator.set_params(classes=[0, 1, 2, 3]).fit(codes)
        proba = aggregator.predict_proba(codes)
        joblib.dump(aggregator, tmp_path / "crowd.joblib")
        for copy in (
            pickle.loads(pickle.dumps(aggregator)),
            joblib.load(tmp_path / "crowd.joblib"),
        ):
            assert_array_equal(copy.predict_proba(codes), proba)
            assert_array_equal(copy.worker_error_rates_, aggregator.worker_error_rates_)
        unfitted = clone(aggregator)
        assert unfitted.get_params() == aggregator.get_params()
        with pytest.raises(NotFittedError):
            unfitted.predict(codes)

    def test_fit_forgets_what_it_saw(self, aggregator, codes):
        fresh = clone(aggregator).fit(codes)
        aggregator.fit(pd.DataFrame([["x", "y"], ["x", "x"]], columns=["u", "v"]))
        aggregator.fit(codes)
        assert vars(fresh).keys() == vars(aggregator).keys()
        assert_array_equal(aggregator.label_posterior_, fresh.label_posterior_)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("classes", "ab"), ("classes", 3), ("missing_values", "x")],
    )
    def test_parameters(self, aggregator, codes, name, value):
        aggregator.set_params(**{name: value})
        with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
            aggregator.fit(codes)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("init", "majority"),
            ("max_iter", 0),
            ("max_iter", 2.5),
            ("tol", -1.0),
            ("smoothing", -0.1),
            ("assignment", "firm"),
            ("fit_prior", "yes"),
            ("class_prior", 0.5),
        ],
    )
    def test_parameters_of_dawid_skene(self, codes, name, value):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of DawidSkene"):
            DawidSkene(**{name: value}).fit(codes)


class TestOrder:
    """Neither the order of rows, nor of workers, nor the names of labels matter."""

    def test_workers(self, aggregator, codes):
        order = np.random.default_rng(1).permutation(5)
        first = clone(aggregator).fit(codes)
        second = clone(aggregator).fit(codes[:, order])
        assert_allclose(
            second.confusion_matrices_, first.confusion_matrices_[order], rtol=1e-7
        )
        assert_allclose(second.label_posterior_, first.label_posterior_, atol=1e-9)

    def test_rows(self, aggregator, codes):
        order = np.random.default_rng(1).permutation(80)
        first = clone(aggregator).fit(codes)
        second = clone(aggregator).fit(codes[order])
        assert_allclose(
            second.label_posterior_, first.label_posterior_[order], atol=1e-9
        )

    def test_names_of_labels(self, codes):
        names = np.array(["z", "m", "a"])
        for aggregator in AGGREGATORS[:2]:
            first = clone(aggregator).fit(codes)
            named = np.where(codes == -1, None, names[codes])
            second = clone(aggregator).fit(named)
            assert_array_equal(second.classes_, names[::-1])
            assert_allclose(
                second.label_posterior_, first.label_posterior_[:, ::-1], atol=1e-9
            )


class TestTypesOfLabels:
    @pytest.mark.parametrize(
        ("names", "make"),
        [
            (["x", "y", "z"], lambda rows: np.array(rows, dtype=object)),
            (["x", "y", "z"], pd.DataFrame),
            (["x", "y", "z"], lambda rows: pd.DataFrame(rows, dtype="string")),
            (["x", "y", "z"], lambda rows: pd.DataFrame(rows).astype("category")),
            (
                [4, 5, 9],
                lambda rows: pd.DataFrame(rows, dtype=object).astype("category"),
            ),
            ([4, 5, 9], lambda rows: pd.DataFrame(rows, dtype="Int64")),
            ([4, 5, 9], lambda rows: np.array(rows, dtype=object)),
            ([4.0, 5.0, 9.0], lambda rows: np.array(rows, dtype=float)),
            ([4.0, 5.0, 9.0], lambda rows: pd.DataFrame(rows, dtype="Float64")),
            ([-7, -2, 0], lambda rows: rows),
        ],
    )
    def test_same_as_integers(self, aggregator, codes, names, make):
        expected = clone(aggregator).fit(codes)
        rows = [[None if c == -1 else names[c] for c in row] for row in codes.tolist()]
        table = make(rows)
        assert aggregator.fit(table).classes_.tolist() == names
        assert_array_equal(aggregator.label_posterior_, expected.label_posterior_)
        labels = aggregator.predict(table)
        assert labels.dtype == aggregator.classes_.dtype == np.array(names).dtype
        assert labels.tolist() == [names[c] for c in expected.predict(codes)]

    @pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
    def test_booleans(self, aggregator, missing):
        rows = [[True, False, True], [False, missing, False], [True, True, missing]]
        labels = aggregator.fit_predict(rows)
        assert labels.dtype == bool
        assert labels.tolist() == [True, False, True]
        assert (
            aggregator.fit(pd.DataFrame(rows, dtype="boolean")).classes_.dtype == bool
        )

    def test_minus_one_and_one(self, aggregator, codes):
        signs = np.where(codes > 0, 1, -1)
        aggregator.set_params(missing_values=None)
        expected = clone(aggregator).fit(np.where(codes > 0, 1, 0))
        assert_array_equal(aggregator.fit(signs).classes_, [-1, 1])
        assert_array_equal(aggregator.label_posterior_, expected.label_posterior_)
        assert_array_equal(
            aggregator.predict(signs), 2 * expected.predict((signs + 1) // 2) - 1
        )
        with pytest.raises(
            ValueError, match="If -1 is a label, pass missing_values=None"
        ):
            aggregator.set_params(missing_values=-1).fit(signs)

    def test_predict_reads_the_same_missing_values(self, aggregator, codes):
        shifted = np.where(codes == -1, 99, codes)
        aggregator.set_params(missing_values=99).fit(shifted)
        expected = clone(aggregator).set_params(missing_values=-1).fit(codes)
        assert_array_equal(
            aggregator.predict_proba(shifted), expected.predict_proba(codes)
        )


class TestNamesOfWorkers:
    def test_names(self, aggregator, codes):
        frame = pd.DataFrame(codes, columns=["ann", "bob", "cy", "dee", "eve"])
        aggregator.fit(frame)
        assert_array_equal(aggregator.feature_names_in_, frame.columns)
        assert_allclose(aggregator.predict_proba(frame), aggregator.label_posterior_)
        with pytest.raises(ValueError, match="must be in the same order"):
            aggregator.predict(frame[["bob", "ann", "cy", "dee", "eve"]])
        with pytest.raises(ValueError, match="unseen at fit time:\n- fay"):
            aggregator.predict_proba(frame.rename(columns={"eve": "fay"}))
        with pytest.raises(ValueError, match="seen at fit time, yet now missing:\n- e"):
            aggregator.predict(frame.drop(columns="eve"))
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            aggregator.predict(codes)

    def test_number(self, aggregator, codes):
        aggregator.fit(codes)
        with pytest.raises(ValueError, match="has 4 features, but .* expecting 5"):
            aggregator.predict(codes[:, 1:])


class TestOddCrowds:
    def test_row_that_nobody_annotated(self, aggregator, codes):
        empty = codes.copy()
        empty[[3, 70]] = -1
        with pytest.raises(ValueError, match=r"annotated 2 of 80 rows: 3, 70\. Leave"):
            aggregator.fit(empty)
        aggregator.fit(codes)
        with pytest.raises(ValueError, match=r"annotated 2 of 80 rows: 3, 70\. Leave"):
            aggregator.predict(empty)

    def test_worker_who_annotated_nothing(self, aggregator, codes):
        expected = clone(aggregator).fit(codes)
        absent = np.insert(codes, 2, -1, axis=1)
        aggregator.fit(absent)
        check_fitted(aggregator, 80, 6, 3)
        assert_array_equal(np.isnan(aggregator.worker_error_rates_), np.arange(6) == 2)
        assert_allclose(aggregator.confusion_matrices_[2], 1 / 3)
        # It changes nothing for the others.
        assert_allclose(
            aggregator.label_posterior_, expected.label_posterior_, atol=1e-6
        )
        # Nor does what it says later, of which nothing is known.
        if not isinstance(aggregator, MajorityVote):
            late = absent.copy()
            late[:, 2] = 1
            assert_allclose(
                aggregator.predict_proba(late), aggregator.predict_proba(absent)
            )

    def test_worker_who_always_says_the_same(self, aggregator, codes):
        codes[:, 4] = 2
        aggregator.fit(codes)
        expected = np.tile([0, 0, 1], (3, 1))
        assert_allclose(aggregator.confusion_matrices_[4], expected, atol=1e-3)
        assert_allclose(
            aggregator.worker_error_rates_[4], 1 - aggregator.class_prior_[2], atol=1e-3
        )

    def test_all_workers_always_say_the_same(self, aggregator):
        # The shares of the classes are what the one label tells, not the truth.
        aggregator.set_params(classes=[0, 1]).fit(np.ones((20, 3), dtype=int))
        assert_array_equal(aggregator.predict([[1, 1, 1]]), [1])
        assert np.isfinite(aggregator.label_posterior_).all()

    def test_adversaries_exchange_the_labels(self, aggregator):
        """Nothing in the annotations tells a crowd that lies from one that does not."""
        rng = np.random.default_rng(0)
        truth = rng.integers(2, size=300)
        codes = np.where(
            rng.random((300, 9)) < 0.85, 1 - truth[:, None], truth[:, None]
        )
        aggregator.fit(codes)
        check_fitted(aggregator, 300, 9, 2)
        assert (aggregator.predict(codes) == 1 - truth).mean() > 0.98
        # It takes them for experts.
        assert_allclose(aggregator.worker_error_rates_, 0.15, atol=0.08)

    def test_some_adversaries_are_found_out(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(2, size=500)
        right = np.array([0.85] * 5 + [0.1] * 3)
        codes = np.where(
            rng.random((500, 8)) < right, truth[:, None], 1 - truth[:, None]
        )
        model = DawidSkene().fit(codes)
        assert_allclose(model.worker_error_rates_, 1 - right, atol=0.08)
        assert (model.predict(codes) == truth).mean() > 0.97

    def test_everything_ties(self, aggregator):
        codes = np.array([[0, 1], [1, 0]] * 4)
        aggregator.fit(codes)
        assert_array_equal(aggregator.classes_, [0, 1])
        assert np.isfinite(aggregator.label_posterior_).all()
        assert_allclose(aggregator.class_prior_.sum(), 1)
        if aggregator.get_params().get("assignment") != "hard":
            # Nothing tells the classes apart; the first is taken.
            assert_allclose(aggregator.label_posterior_, 0.5)
            assert_array_equal(aggregator.predict(codes), np.zeros(8))

    @pytest.mark.parametrize("n_more", [1, 5])
    def test_class_that_nobody_gave(self, aggregator, codes, n_more):
        classes = np.arange(3 + n_more)
        aggregator.set_params(classes=classes).fit(codes)
        check_fitted(aggregator, 80, 5, len(classes))
        assert_array_equal(aggregator.classes_, classes)
        assert_allclose(aggregator.class_prior_[3:], 0, atol=1e-3)
        assert_allclose(
            aggregator.confusion_matrices_[:, 3:], 1 / len(classes), atol=0.02
        )
        assert set(aggregator.predict(codes)) <= {0, 1, 2}
        # A worker may give it later.
        given = np.array([[3, -1, -1, -1, -1], [0, 3, 0, 0, 0]])
        assert np.isfinite(aggregator.predict_proba(given)).all()

    def test_label_that_fit_did_not_see(self, aggregator, codes):
        aggregator.fit(codes)
        with pytest.raises(
            ValueError,
            match=r"labels \[7\] that are not among the classes \[0, 1, 2\]. Pass cla",
        ):
            aggregator.predict([[0, 7, -1, -1, -1]])

    def test_predict_sees_one_label_only(self, aggregator, codes):
        aggregator.fit(codes)
        assert_array_equal(aggregator.predict([[2, 2, 2, -1, -1]]), [2])
        assert aggregator.predict_proba([[2, 2, 2, -1, -1]]).shape == (1, 3)

    @pytest.mark.parametrize("n_workers", [1, 4])
    def test_one_row(self, aggregator, n_workers):
        aggregator.fit(np.full((1, n_workers), 5))
        check_fitted(aggregator, 1, n_workers, 1)
        assert_array_equal(aggregator.predict(np.full((1, n_workers), 5)), [5])

    def test_one_row_on_which_workers_differ(self, aggregator):
        aggregator.fit([[5, 4, 5]])
        check_fitted(aggregator, 1, 3, 2)
        assert_array_equal(aggregator.predict([[5, 4, 5]]), [5])

    # What smoothing does to the matrix of a sole worker takes many iterations.
    @pytest.mark.filterwarnings("ignore:DawidSkene did not converge")
    def test_one_worker(self, aggregator, codes):
        aggregator.fit(codes[:, :1])
        check_fitted(aggregator, 80, 1, 3)
        assert_array_equal(aggregator.predict(codes[:, :1]), codes[:, 0])

    def test_one_class(self, aggregator):
        rows = [["a", "a"], ["a", None]]
        aggregator.fit(rows)
        check_fitted(aggregator, 2, 2, 1)
        assert_array_equal(aggregator.predict_proba(rows), np.ones((2, 1)))
        assert_array_equal(aggregator.predict(rows), ["a", "a"])
        assert_allclose(aggregator.worker_error_rates_, [0, 0], atol=1e-12)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("smoothing", [0, 0.01])
    @pytest.mark.parametrize("assignment", ["soft", "hard"])
    def test_no_numerical_warnings(self, codes, assignment, smoothing):
        codes[:, 3] = -1
        codes[:, 4] = 2
        model = DawidSkene(
            assignment=assignment, smoothing=smoothing, classes=range(5), max_iter=500
        ).fit(codes)
        given = np.array([[0, 1, 2, 3, 4], [4, 4, -1, -1, 0], [-1, -1, -1, 2, -1]])
        assert_allclose(model.predict_proba(given).sum(1), 1)
