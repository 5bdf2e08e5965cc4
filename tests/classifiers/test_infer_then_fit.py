"""Labels inferred first, and any classifier trained on them."""

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from imbdeep.classifiers import InferThenFit, NetClassifier
from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators


def crowd(seed=0, **params):
    X, truth = make_classification(
        150, n_features=5, weights=[0.75], flip_y=0, random_state=seed
    )
    params = {"n_workers": 5, "error_rate": [0.05, 0.3, 0.35, 0.4, 0.45], **params}
    return X, simulate_annotators(truth, random_state=seed, **params), truth


@pytest.mark.parametrize("aggregator", [None, MajorityVote(), DawidSkene()])
@pytest.mark.parametrize(
    "classifier",
    [
        None,
        LogisticRegression(C=0.1),
        RandomForestClassifier(10, random_state=0),
        NetClassifier(max_epochs=2, random_state=0),
        make_pipeline(
            StandardScaler(), RandomOverSampler(random_state=0), LogisticRegression()
        ),
    ],
    ids=["default", "linear", "forest", "net", "pipeline"],
)
def test_it_is_the_classifier_on_the_inferred_labels(aggregator, classifier):
    X, annotations, _ = crowd()
    model = InferThenFit(aggregator, classifier).fit(X, annotations)
    aggregator = MajorityVote() if aggregator is None else aggregator
    classifier = LogisticRegression() if classifier is None else classifier
    labels = clone(aggregator).fit_predict(annotations)
    expected = clone(classifier).fit(X, labels)
    assert_array_equal(model.inferred_labels_, labels)
    assert_array_equal(model.predict(X), expected.predict(X))
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.classes_, expected.classes_)
    assert type(model.aggregator_) is type(aggregator)
    assert_array_equal(model.aggregator_.predict(annotations), labels)
    assert model.n_features_in_ == 5


@pytest.mark.slow
def test_the_aggregator_matters():
    """Unlike workers: the model of them is right more often than the vote."""
    gains = []
    for seed in range(8):
        X, annotations, truth = crowd(seed)
        inferred = [
            InferThenFit(aggregator).fit(X, annotations).inferred_labels_
            for aggregator in (DawidSkene(), MajorityVote())
        ]
        gains.append(np.mean(inferred[0] == truth) - np.mean(inferred[1] == truth))
    assert np.mean(gains) > 0.02


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_inference_converges_where_workers_are_alike():
    """Few workers who err much leave much to be weighed up."""
    n_iters = []
    for seed in range(10):
        X, annotations, _ = crowd(seed, n_workers=3, error_rate=0.3)
        model = InferThenFit(DawidSkene()).fit(X, annotations)
        n_iters.append(model.aggregator_.n_iter_)
    assert max(n_iters) > 100


class FirstWorker(BaseEstimator):
    """An aggregator of somebody else's."""

    def fit_predict(self, annotations):
        return np.asarray(annotations)[:, 0]


def test_an_aggregator_of_ones_own():
    X, annotations, _ = crowd()
    model = InferThenFit(FirstWorker()).fit(X, annotations)
    expected = LogisticRegression().fit(X, annotations[:, 0])
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    "classifier", [SVC(), LogisticRegression(), DecisionTreeClassifier()]
)
def test_it_has_the_methods_of_the_classifier(classifier):
    X, annotations, _ = crowd()
    model = InferThenFit(estimator=classifier)
    for method in ("predict_proba", "decision_function"):
        expected = hasattr(classifier, method)
        assert hasattr(model, method) == expected
    model.fit(X, annotations)
    for method in ("predict_proba", "decision_function"):
        assert hasattr(model, method) == hasattr(model.estimator_, method)
        if hasattr(model, method):
            expected = getattr(model.estimator_, method)(X)
            assert_array_equal(getattr(model, method)(X), expected)
    assert is_classifier(model)


def test_parameters_of_fit_are_those_of_the_classifier():
    X, annotations, _ = crowd()
    weight = np.linspace(0, 3, 150)
    labels = MajorityVote().fit_predict(annotations)
    expected = LogisticRegression().fit(X, labels, sample_weight=weight)
    model = InferThenFit().fit(X, annotations, sample_weight=weight)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_nested_parameters():
    model = InferThenFit(DawidSkene(), LogisticRegression())
    model.set_params(aggregator__smoothing=3.0, estimator__C=0.01)
    assert model.aggregator.smoothing == 3
    assert model.get_params()["estimator__C"] == 0.01
    X, annotations, _ = crowd()
    model.fit(X, annotations)
    assert model.aggregator_.smoothing == 3
    assert not hasattr(model.aggregator, "classes_")
    assert not hasattr(model.estimator, "classes_")


def test_a_class_that_nobody_gave():
    X, annotations, _ = crowd()
    model = InferThenFit(DawidSkene(classes=[0, 1, 2])).fit(X, annotations)
    assert model.aggregator_.label_posterior_.shape == (150, 3)
    # The classifier knows the labels that it has seen.
    assert model.classes_.tolist() == [0, 1]
    assert model.predict_proba(X).shape == (150, 2)


def test_an_error_of_the_classifier_is_that_of_the_classifier():
    X, annotations, _ = crowd()
    with pytest.raises(ValueError, match="at least 2 classes"):
        InferThenFit().fit(X, np.zeros_like(annotations))


def test_ordinary_labels_leave_nothing_of_an_earlier_inference():
    X, annotations, truth = crowd()
    model = InferThenFit().fit(X, annotations)
    model.fit(X, truth)
    assert not hasattr(model, "aggregator_")
    assert_array_equal(model.inferred_labels_, truth)
    expected = LogisticRegression().fit(X, truth).predict_proba(X)
    assert_array_equal(model.predict_proba(X), expected)


def test_names_of_columns_are_those_of_the_classifier():
    X, annotations, _ = crowd()
    model = InferThenFit().fit(X, annotations)
    assert not hasattr(model, "feature_names_in_")


def test_before_fit():
    model = InferThenFit()
    for attribute in ("classes_", "n_features_in_", "feature_names_in_"):
        assert not hasattr(model, attribute)
    X, _, _ = crowd()
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(model, method)(X)


@pytest.mark.parametrize(
    "params", [{"aggregator": LogisticRegression()}, {"estimator": MajorityVote}]
)
def test_parts_that_cannot_be_used(params):
    X, annotations, _ = crowd()
    [part] = params
    if part == "estimator":
        params = {part: StandardScaler()}
    with pytest.raises(ValueError, match=f"'{part}' parameter"):
        InferThenFit(**params).fit(X, annotations)
