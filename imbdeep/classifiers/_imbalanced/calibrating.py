"""Probabilities that come true as often as they say, learned from rows out of fold."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

METHODS = ("sigmoid", "beta", "isotonic", "temperature")
# Of a probability of 0 or 1.
_CLIP = 1e-6


class Stated(ClassifierMixin, BaseEstimator):
    """A classifier whose rows are the probabilities that another one stated.

    Parameters
    ----------
    n_classes : int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.calibrating import Stated
    >>> Stated(2).decision_function(np.array([[0.5, 0.5]]))
    array([0.])
    """

    def __init__(self, n_classes):
        self.n_classes = n_classes
        self.classes_ = np.arange(n_classes)

    def fit(self, X, y):
        """Learn nothing."""
        return self

    def predict(self, X):
        """Most probable class."""
        return X.argmax(axis=1)

    def decision_function(self, X):
        """Logits: log-odds of two classes, or log-probabilities."""
        log_proba = np.log(np.clip(X, _CLIP, 1 - _CLIP))
        return log_proba[:, 1] - log_proba[:, 0] if self.n_classes == 2 else log_proba


class Beta:
    r"""Beta calibration [1]_ of the probability of the second of two classes.

    .. math:: \operatorname{logit} q = a \log p - b \log(1 - p) + c

    The sigmoid of logits is the case :math:`a = b`; probabilities that are right
    already stay, with :math:`a = b = 1` and :math:`c = 0`.

    References
    ----------
    .. [1] M. Kull, T. Silva Filho, P. Flach. "Beta calibration: a well-founded and
       easily implemented improvement on logistic calibration for binary classifiers".
       AISTATS 2017.
    """

    def fit(self, proba, y, sample_weight=None):
        """Learn from probabilities of shape (n, 2) and class indices."""
        # A power that is not positive would turn the order of rows around.
        for powers in ([[0, 1]], [[0], [1]]):
            found = [self._regress(used, proba, y, sample_weight) for used in powers]
            rising = [one for one in found if (one[2].coef_ >= 0).all()]
            if rising:
                _, self.used_, self.model_ = min(rising, key=lambda one: one[0])
                return self
        # The order is that of chance, or worse: all rows have the share of the class.
        _, self.used_, self.model_ = found[0]
        self.model_.coef_[:] = 0
        share = np.average(y, weights=sample_weight)
        self.model_.intercept_[:] = np.log(share) - np.log1p(-share)
        return self

    def _regress(self, used, proba, y, sample_weight):
        """Loss, powers and model of a regression on some of the logarithms."""
        regression = LogisticRegression(C=np.inf, max_iter=1_000)
        X = self._logs(proba)[:, used]
        regression.fit(X, y, sample_weight)
        calibrated = regression.predict_proba(X)
        return log_loss(y, calibrated, sample_weight=sample_weight), used, regression

    def _logs(self, proba):
        log_proba = np.log(np.clip(proba, _CLIP, 1 - _CLIP))
        return np.c_[log_proba[:, 1], -log_proba[:, 0]]

    def predict_proba(self, proba):
        """Calibrated probabilities."""
        return self.model_.predict_proba(self._logs(proba)[:, self.used_])


def check_calibration(method, n_classes):
    """Refuse a method that is not for so many classes."""
    if method == "beta" and n_classes > 2:
        raise ValueError(
            f"calibration='beta' is for two classes, and there are {n_classes}. Pass "
            "'temperature', 'sigmoid' or 'isotonic'."
        )


def too_few_to_calibrate(method):
    """Error of a calibration that too few rows speak for.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.calibrating import too_few_to_calibrate
    >>> too_few_to_calibrate("beta")
    ValueError("calibration='beta' needs two held-out rows ...")
    """
    return ValueError(
        f"calibration={method!r} needs two held-out rows of each class at least; "
        "groups have kept some in training. Pass None."
    )


def fit_calibrator(method, proba, y, sample_weight=None):
    """Learn how often probabilities come true.

    Parameters
    ----------
    method : {'sigmoid', 'beta', 'isotonic', 'temperature'}
    proba : ndarray of shape (n, n_classes)
        Of rows that were not trained on.
    y : ndarray of shape (n,), int
        Class indices.
    sample_weight : ndarray of shape (n,) or None, default=None

    Returns
    -------
    object
        With ``predict_proba``, which takes such probabilities and gives others.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.calibrating import fit_calibrator
    >>> rng = np.random.RandomState(0)
    >>> true = rng.uniform(0, 0.2, 4_000)
    >>> y = (rng.rand(4_000) < true).astype(int)
    >>> stated = np.c_[1 - 2 * true, 2 * true]  # Twice as sure as it should be.
    >>> calibrator = fit_calibrator("isotonic", stated, y)
    >>> bool(abs(calibrator.predict_proba(np.array([[0.8, 0.2]]))[0, 1] - 0.1) < 0.03)
    True
    """
    if method == "beta":
        return Beta().fit(proba, y, sample_weight)
    stated = FrozenEstimator(Stated(proba.shape[1]))
    # Nothing is fitted anew; more folds would want more rows of each class.
    calibrated = CalibratedClassifierCV(stated, method=method, cv=2)
    with warnings.catch_warnings():
        # What is frozen needs no weights.
        warnings.filterwarnings("ignore", ".* does not appear to accept sample_weight")
        calibrated.fit(proba, y, sample_weight=sample_weight)
    if method == "sigmoid":
        _level_falling(calibrated, y, sample_weight)
    return calibrated


def _level_falling(calibrated, y, sample_weight):
    """Give all rows the share of a class whose sigmoid would turn their order around.

    With little signal the best slope may be negative by chance. Of slopes that are not,
    0 is the best then: the likelihood is concave.
    """
    (fitted,) = calibrated.calibrated_classifiers_
    positives = [1] if len(fitted.classes) == 2 else fitted.classes
    for positive, sigmoid in zip(positives, fitted.calibrators, strict=True):
        # The exponent of Platt's formula has the other sign.
        if sigmoid.a_ > 0:
            share = np.average(y == positive, weights=sample_weight)
            # A class of weight 0 is never predicted.
            with np.errstate(divide="ignore"):
                sigmoid.a_, sigmoid.b_ = 0.0, np.log1p(-share) - np.log(share)
