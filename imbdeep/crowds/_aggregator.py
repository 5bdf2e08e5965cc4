"""Base class of the aggregators: annotations in, labels out."""

from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
)

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._switches import usual_numbers
from imbdeep.crowds._annotations import MISSING, encode_annotations
from imbdeep.crowds._worker_model import error_rates


class Aggregator(BaseEstimator):
    """Base class of the aggregators, from annotations to the most probable label.

    Subclasses implement ``_learn(codes)``, which sets the attributes ``class_prior_``,
    ``confusion_matrices_`` and ``label_posterior_``, and ``_posterior(codes)``.
    """

    # scikit-learn takes an argument that is not called X for metadata.
    __metadata_request__fit = {"annotations": UNUSED}
    __metadata_request__predict = {"annotations": UNUSED}
    __metadata_request__predict_proba = {"annotations": UNUSED}

    def fit(self, annotations, y=None):
        """Learn from annotations.

        Parameters
        ----------
        annotations : array-like of shape (n_samples, n_workers)
            Labels, one column per worker; see ``missing_values`` for missing ones.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the annotations cannot be used.
        """
        self._validate_params()
        with all_or_nothing(self), usual_numbers():
            codes = self._read(annotations, reset=True)
            self._learn(codes)
            n_given = (codes != MISSING).sum(0)
            self.worker_error_rates_ = error_rates(
                self.confusion_matrices_, self.class_prior_, n_given
            )
        return self

    def fit_predict(self, annotations, y=None):
        """Learn from annotations, and infer the labels of the same rows.

        Parameters
        ----------
        annotations : array-like of shape (n_samples, n_workers)
        y : None
            Ignored.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = self.fit(annotations).label_posterior_.argmax(1)
        return self.classes_[best]

    def predict_proba(self, annotations):
        """Probability of each label.

        Parameters
        ----------
        annotations : array-like of shape (n_samples, n_workers)
            Annotations of the workers of ``fit``, in the same order.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        with usual_numbers():
            return self._posterior(self._read(annotations, reset=False))

    def predict(self, annotations):
        """Predict the most probable label; ties go to the first in ``classes_``.

        Parameters
        ----------
        annotations : array-like of shape (n_samples, n_workers)
            Annotations of the workers of ``fit``, in the same order.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = self.predict_proba(annotations).argmax(1)
        return self.classes_[best]

    def _read(self, annotations, *, reset):
        _check_feature_names(self, annotations, reset=reset)
        classes = self.classes if reset else self.classes_
        codes, classes = encode_annotations(
            annotations, classes=classes, missing_values=self.missing_values
        )
        _check_n_features(self, codes, reset=reset)
        if reset:
            self.classes_ = classes
        return codes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags
