"""Infer labels from annotations, then train any classifier on them."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils._tags import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._arguments import MISSING_VALUES, Instance
from imbdeep._docs import shared_docs
from imbdeep.classifiers._crowds.base import (
    check_same_order,
    crowd_accuracy,
    labels_of_one,
)
from imbdeep.classifiers._docs import SHARED
from imbdeep.crowds import MajorityVote, split_truth
from imbdeep.crowds._truth import n_columns


def _estimator_has(method):
    def check(estimator):
        used = getattr(estimator, "estimator_", None)
        # available_if chains this AttributeError to its own.
        getattr(estimator._given_estimator() if used is None else used, method)
        return True

    return check


@shared_docs(SHARED)
class InferThenFit(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Classifier for annotations: infers labels first, then learns from them.

    It makes any scikit-learn classifier take annotations, and is the baseline for
    methods that learn from crowds.

    Read more in the :ref:`User Guide <crowds>`.

    Parameters
    ----------
    aggregator : object or None, default=None
        Infers labels by ``fit_predict`` of annotations, such as
        :class:`~imbdeep.crowds.DawidSkene`. None is
        :class:`~imbdeep.crowds.MajorityVote`.
    estimator : object or None, default=None
        Classifier to train, or a pipeline that ends with one. None is
        :class:`sklearn.linear_model.LogisticRegression`.
    {truth_column}
    missing_values : int, float, NaN or None, default=-1
        Number that marks a missing annotation or an unknown truth, in addition to NaN
        and None. An ``aggregator`` uses its own.

    Attributes
    ----------
    aggregator_ : object
        The fitted aggregator; absent if ``y`` held ordinary labels.
    estimator_ : object
        The fitted classifier.
    inferred_labels_ : ndarray of shape (n_samples,)
        Labels that the classifier was trained on.
    classes_ : ndarray of shape (n_classes,)
        Labels that the classifier knows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If the classifier has them.

    See Also
    --------
    CrowdLayerClassifier : Learns from every annotation, and infers no labels.
    ICEDClassifier : Infers labels and synthesises rare rows, in turns.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from imbdeep.classifiers import InferThenFit
    >>> from imbdeep.crowds import DawidSkene, simulate_annotators
    >>> X, truth = make_classification(300, weights=[0.8], flip_y=0, random_state=0)
    >>> annotations = simulate_annotators(truth, n_workers=5, random_state=0)
    >>> model = InferThenFit(DawidSkene(), HistGradientBoostingClassifier())
    >>> model.fit(X, annotations).predict(X).shape
    (300,)
    """

    _parameter_constraints = {
        "aggregator": [Instance(["fit_predict"]), None],
        "estimator": [Instance(["fit", "predict"]), None],
        "truth_column": "no_validation",
        "missing_values": MISSING_VALUES,
    }

    def __init__(
        self, aggregator=None, estimator=None, *, truth_column=None, missing_values=-1
    ):
        self.aggregator = aggregator
        self.estimator = estimator
        self.truth_column = truth_column
        self.missing_values = missing_values

    def fit(self, X, y, *, y_true=None, **fit_params):
        """Infer the labels, and train the classifier on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows for the classifier.
        y : array-like of shape (n_samples, n_workers) or (n_samples,)
            Annotations for the aggregator, one column per worker. The labels of a
            single annotator are taken as true.
        y_true : array-like of shape (n_samples,) or None, default=None
            Ignored; nets for crowds compare it with the labels that they infer.
        **fit_params
            Parameters of the classifier's ``fit``, such as ``sample_weight``. With
            metadata routing enabled, the classifier must have requested them.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the annotations cannot be used.
        """
        self._validate_params()
        with all_or_nothing(self):
            annotations, _ = split_truth(y, self.truth_column)
            labels = annotations
            # Of an earlier fit on annotations; this one may have ordinary labels.
            vars(self).pop("aggregator_", None)
            check_same_order(X, annotations)
            width = n_columns(annotations)  # 0 for a list of labels
            if width > 1:
                aggregator = (
                    MajorityVote(missing_values=self.missing_values)
                    if self.aggregator is None
                    else clone(self.aggregator)
                )
                labels = aggregator.fit_predict(annotations)
                check_consistent_length(X, labels)
                self.aggregator_ = aggregator
            elif width:
                warned = self.truth_column is None
                labels = labels_of_one(annotations, self.missing_values, warned)
            if _routing_enabled():
                fit_params = process_routing(self, "fit", **fit_params).estimator.fit
            self.estimator_ = clone(self._given_estimator()).fit(
                X, labels, **fit_params
            )
            self.inferred_labels_ = np.ravel(np.asarray(labels))
            return self

    def _given_estimator(self):
        return LogisticRegression() if self.estimator is None else self.estimator

    def get_metadata_routing(self):
        """Return the metadata routing; see scikit-learn's guide on it.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=type(self).__name__)
            .add_self_request(self)
            .add(estimator=self._given_estimator(), method_mapping=mapping)
        )

    @property
    def classes_(self):
        return self.estimator_.classes_

    @property
    def n_features_in_(self):
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        return self.estimator_.feature_names_in_

    def predict(self, X):
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Probability of each class, if the classifier predicts it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Log-probability of each class, if the classifier predicts it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Decision function, if the classifier has one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def score(self, X, y, sample_weight=None):
        """Accuracy on rows whose true label is known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_workers + 1)
            True labels, or annotations with the truth in ``truth_column``.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        float
            In [0, 1].
        """
        return crowd_accuracy(self, X, y, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._given_estimator()).input_tags
        return tags
