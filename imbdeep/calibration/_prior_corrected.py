"""Any classifier, with probabilities that refer to the class shares of the data."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils._tags import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._arguments import Instance
from imbdeep._tables.sample_weight import read_sample_weight
from imbdeep._tables.torch_data import as_array
from imbdeep._tables.validation import check_labels
from imbdeep.calibration._pipelines import last_step
from imbdeep.calibration._prior import (
    class_mass,
    correct_prior,
    log_prior_ratio,
    read_prior,
    shares_of,
)
from imbdeep.calibration._trained_prior import (
    check_is_known,
    corrects_itself,
    trained_prior,
)


class _Noting(BaseEstimator):
    """A last step that notes the labels and weights that it is given."""

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, y, sample_weight=None, **params):
        self.y_, self.sample_weight_ = np.asarray(as_array(y)), sample_weight
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        self.classifier.fit(X, y, **params)
        return self

    def get_metadata_routing(self):
        return get_routing_for_object(self.classifier)

    def __sklearn_tags__(self):
        return get_tags(self.classifier)


def _last_pipeline(estimator):
    """The innermost pipeline whose last step is a classifier, or None."""
    found = None
    while isinstance(estimator, Pipeline):
        found, estimator = estimator, estimator.steps[-1][1]
    return found


def _samples(estimator):
    """Whether a pipeline has a sampler among its steps."""
    if not isinstance(estimator, Pipeline):
        return False
    return any(hasattr(s, "fit_resample") or _samples(s) for _, s in estimator.steps)


class PriorCorrectedClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    r"""Classifier whose probabilities refer to the class shares of the data.

    A classifier that is trained on resampled rows, or with class weights, overstates
    the probabilities of rare classes. This one compares the class shares that it is
    given with those that the classifier was trained with, and maps the probabilities
    back by Bayes' rule (:func:`correct_prior`): ranking stays as it was for two
    classes, and probabilities become those of the data.

    Read more in the :ref:`User Guide <prior_correction>`.

    Parameters
    ----------
    estimator : object
        Classifier with ``predict_proba``; typically a pipeline of imbalanced-learn with
        a sampler, or a classifier with ``class_weight``.
    target_prior : array-like of shape (n_classes,), dict, Series or None, default=None
        Shares of the classes in the rows to predict, in the order of the sorted labels,
        or by label. None takes those of ``y``, weighted by ``sample_weight``.

    Attributes
    ----------
    estimator_ : object
        The fitted classifier. Its own probabilities are as it learned them, but for a
        net of this library, which corrects them itself.
    trained_prior_ : ndarray of shape (n_classes,)
        Shares that these probabilities refer to: those that it was trained with, or of
        a net those of the rows that it was given.
    target_prior_ : ndarray of shape (n_classes,)
        Shares that the probabilities refer to.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If the classifier has them.

    See Also
    --------
    correct_prior : The rule, for probabilities.
    imbdeep.base.BaseNetClassifier : Nets take ``prior_correction=True``.

    Notes
    -----
    The trained prior is the share of each class in the rows, or their weights, that the
    last step of the pipeline was given, times its class weight. Samplers are fitted
    once. Of that step, this reads

    - ``class_weight``, or ``scale_pos_weight`` of gradient boosting libraries;
    - ``priors`` and ``class_prior`` of generative models, and ``fit_prior=False``;
    - ``sampling_strategy`` of
      :class:`imblearn.ensemble.BalancedRandomForestClassifier`,
      :class:`imblearn.ensemble.BalancedBaggingClassifier` and
      :class:`imblearn.ensemble.EasyEnsembleClassifier`;
    - of a net of this library, nothing: its ``prior_correction`` is set to True, so
      that it maps its probabilities to the rows that it is given.

    What happens inside any other meta-estimator cannot be told. It is refused if it
    holds a sampler, a class weight, a stated prior, or a grid over these: put this
    classifier inside it. Nets inside it need ``prior_correction=True``, but for a
    :class:`~imbdeep.classifiers.NetClassifier` whose parameters say that it learns the
    shares of its rows: shuffled batches, cross-entropy without weights, no callbacks,
    validation rows of each class alike (their rounding moves the odds by 3 % at most).
    With ``sample_weight`` it also needs ``weight_reduction='rows'``.

    The rule is exact for a classifier that approximates the probabilities of its rows:
    by minimising a proper score, such as the log loss, or by counting. Samplers that
    make rows or clean them, such as SMOTE, also change what rows of a class look like.
    That part is not undone: check calibration on held-out rows.

    Of more than two classes the ranking of the rows may change. There is no
    ``decision_function``, and ``predict`` is the most probable class.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep.calibration import PriorCorrectedClassifier
    >>> X, y = make_classification(1000, weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = RandomUnderSampler(random_state=0)
    >>> sampled = make_pipeline(sampler, LogisticRegression())
    >>> corrected = PriorCorrectedClassifier(sampled).fit(X, y)
    >>> corrected.trained_prior_, corrected.target_prior_
    (array([0.5, 0.5]), array([0.901, 0.099]))
    >>> float(corrected.estimator_.predict_proba(X)[:, 1].mean().round(2))
    0.17
    >>> float(corrected.predict_proba(X)[:, 1].mean().round(2))
    0.1
    """

    _parameter_constraints = {
        "estimator": [Instance(["fit", "predict_proba"])],
        "target_prior": ["array-like", dict, None],
    }

    def __init__(self, estimator, *, target_prior=None):
        self.estimator = estimator
        self.target_prior = target_prior

    def fit(self, X, y, *, sample_weight=None, **fit_params):
        """Fit the classifier, and learn which class shares it was trained with.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows for the classifier.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, for the classifier and for the shares of the classes.
        **fit_params
            Parameters of the classifier's ``fit``. With metadata routing enabled, it
            must have requested them.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If it cannot be told what the classifier is trained with.
        """
        self._validate_params()
        with all_or_nothing(self):
            has_weights = sample_weight is not None or any(
                key.rpartition("__")[2] == "sample_weight" for key in fit_params
            )
            check_is_known(last_step(self.estimator)[1], has_weights)
            y = as_array(y)
            check_labels(y)
            check_classification_targets(y)
            labels = column_or_1d(y, warn=True)
            check_consistent_length(X, labels)
            classes, index = np.unique(labels, return_inverse=True)
            weight = self._check_weight(sample_weight, labels)
            target = (
                shares_of("sample_weight", class_mass(index, len(classes), weight))
                if self.target_prior is None
                else read_prior("target_prior", self.target_prior, classes)
            )
            params = self._fit_params(sample_weight, fit_params)
            estimator, trained = self._fit_noting(X, y, params, classes)
            # Refuses a class that the sampler has dropped.
            log_prior_ratio(trained, target, classes)
            self.estimator_, self.classes_ = estimator, classes
            self.trained_prior_, self.target_prior_ = trained, target
            return self

    def _check_weight(self, sample_weight, labels):
        if sample_weight is None:
            return None
        if _samples(self.estimator):
            raise ValueError(
                "sample_weight cannot pass a sampler, whose rows have no weights. "
                "Leave it, or use class_weight in place of the sampler."
            )
        return read_sample_weight(sample_weight, labels)

    def _fit_params(self, sample_weight, fit_params):
        if _routing_enabled():
            if sample_weight is not None:
                fit_params = {"sample_weight": sample_weight, **fit_params}
            return dict(process_routing(self, "fit", **fit_params).estimator.fit)
        if sample_weight is None:
            return fit_params
        path, _ = last_step(self.estimator)
        return {"__".join([*path, "sample_weight"]): sample_weight, **fit_params}

    def _fit_noting(self, X, y, params, classes):
        """Fit a clone; return it and the class shares that it refers to."""
        estimator = clone(self.estimator)
        pipeline = _last_pipeline(estimator)
        _, last = last_step(estimator)
        if corrects_itself(last):
            if last.target_prior is not None:
                raise ValueError(
                    f"{type(last).__name__} has target_prior={last.target_prior!r}, "
                    "which PriorCorrectedClassifier would replace. Pass it to "
                    "PriorCorrectedClassifier, or use the net alone."
                )
            last.set_params(prior_correction=True, target_prior=None)
        noting = _Noting(last)
        if pipeline is None:
            noting.fit(X, y, **params)
        else:
            name = pipeline.steps[-1][0]
            pipeline.steps[-1] = (name, noting)
            try:
                estimator.fit(X, y, **params)
            finally:
                pipeline.steps[-1] = (name, last)
        seen = column_or_1d(noting.y_)
        missing = np.setdiff1d(classes, seen)
        if len(missing):
            raise ValueError(
                f"Class {missing.tolist()} had no share in training: no row of it was "
                "left after resampling, so nothing is known of it. Use another sampler."
            )
        return estimator, trained_prior(last, classes, seen, noting.sample_weight_)

    def predict_proba(self, X):
        """Probability of each class, for the class shares of ``target_prior_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        check_is_fitted(self)
        proba = self.estimator_.predict_proba(X)
        return correct_prior(proba, self.trained_prior_, self.target_prior_)

    def predict_log_proba(self, X):
        """Log-probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X):
        """Most probable label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

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
            .add(estimator=self.estimator, method_mapping=mapping)
        )

    @property
    def n_features_in_(self):
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = get_tags(self.estimator)
        tags.input_tags = given.input_tags
        tags.classifier_tags.multi_class = given.classifier_tags is None or (
            given.classifier_tags.multi_class
        )
        return tags
