"""What displays of rows that a classifier has not seen share."""

import numpy as np
from sklearn.utils._response import _get_response_values_binary


class OfNewRows:
    """A base of displays that draw the probabilities of one class."""

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, pos_label=None, name=None, ax=None, **options
    ):
        """Draw the curve of a fitted classifier of two classes.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba``.
        X : array-like of shape (n_samples, n_features)
            Rows that it was not trained on.
        y : array-like of shape (n_samples,)
            Their labels.
        pos_label : label or None, default=None
            The positive class. None is the last of ``classes_``.
        name : str or None, default=None
            For the legend. None takes that of the class.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        **options
            Others of :meth:`from_predictions`.

        Returns
        -------
        display : object
            Of this class.

        Raises
        ------
        ValueError
            If it is not a classifier of two classes, or as :meth:`from_predictions`.
        """
        proba, positive = _get_response_values_binary(
            estimator, X, response_method="predict_proba", pos_label=pos_label
        )
        pos_label = np.asarray(positive).item()
        name = type(estimator).__name__ if name is None else name
        told = {"pos_label": pos_label, "name": name, "ax": ax}
        return cls.from_predictions(y, proba, **told, **options)
