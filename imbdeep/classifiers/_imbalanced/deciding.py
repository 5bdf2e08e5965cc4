"""Labels by probabilities and a threshold, which can be learned anew."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._torch.switches import usual_switches
from imbdeep.classifiers._imbalanced.decisions import (
    cheapest,
    learn_decision,
    read_costs,
)
from imbdeep.classifiers._imbalanced.threshold_checks import (
    check_decisions,
    positive_index,
)


class DecidesByThreshold:
    """What is predicted, given probabilities.

    A base of :class:`~imbdeep.classifiers.ImbalancedClassifier`, which has the
    parameters, the probabilities and what was held out.
    """

    @property
    def threshold_(self):
        check_is_fitted(self)
        return self._decision.threshold

    def _learn_decision(self):
        self._decision = learn_decision(
            self.threshold,
            self.oof_proba_,
            np.searchsorted(self.classes_, self.oof_y_),
            self.oof_sample_weight_,
            classes=self.classes_,
            positive=positive_index(self.pos_label, self.classes_),
        )

    def set_threshold(self, threshold):
        """Decide by another threshold, without a new fit.

        It is learned from ``oof_proba_``, ``oof_y_`` and ``oof_sample_weight_``, just
        as :meth:`fit` would, and becomes the parameter ``threshold``, so that a clone
        has it, too. ``pos_label`` is taken as it is set now.

        Parameters
        ----------
        threshold : object
            Any that the parameter ``threshold`` may be.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If it cannot be used. All stays as it was.

        Examples
        --------
        >>> from sklearn.datasets import make_classification
        >>> from sklearn.linear_model import LogisticRegression
        >>> from imbdeep import ImbalancedClassifier
        >>> X, y = make_classification(200, weights=[0.9], flip_y=0, random_state=0)
        >>> learners = [("linear", LogisticRegression())]
        >>> model = ImbalancedClassifier(learners, random_state=0).fit(X, y)
        >>> model.threshold_
        0.5
        >>> model.set_threshold([[0, 1], [9, 0]]).threshold_
        0.1
        """
        check_is_fitted(self)
        with all_or_nothing(self):
            self.threshold = threshold
            check_decisions(threshold, None, self.classes_, self.class_counts_)
            self._learn_decision()
        return self

    @usual_switches()
    def predict(self, X, *, sample_cost=None):
        """Label of each row, by the threshold.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        sample_cost : array-like of shape (n_samples, n_classes, n_classes) or None, \
                default=None
            Costs of each row, such as its amount, in place of ``threshold``: of each
            true and predicted class, in the order of ``classes_``. In single rows it
            may be cheaper to be wrong than right: a fraud of less than the alarm that
            stops it.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        if sample_cost is not None:
            shape = (*proba.shape, len(self.classes_))
            costs = read_costs("sample_cost", sample_cost, shape)
            return self.classes_[cheapest(proba, costs)]
        return self.classes_[self._decision(proba)]
