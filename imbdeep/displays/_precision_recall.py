"""Precision at every recall, and how sure one can be of it."""

import numpy as np
from sklearn.metrics import average_precision_score

from imbdeep._arguments import check_arguments
from imbdeep._switches import usual_numbers
from imbdeep.displays._axes import (
    axes_to_draw_on,
    draw_band,
    labelled,
    of_class,
    reference_line,
)
from imbdeep.displays._bootstrap import pointwise_band, resampled_counts
from imbdeep.displays._inputs import BAND, read_binary
from imbdeep.displays._new_rows import OfNewRows
from imbdeep.metrics import precision_at_recalls
from imbdeep.metrics._precision_at_recall import RECALL_GRID, best_at_recalls


def _precision_of_draws(resampled):
    """Curves of shape (n_draws, 51)."""
    # From low to high thresholds; the highest calls nothing positive.
    tp, fp = resampled.tp[:, :0:-1], resampled.fp[:, :0:-1]
    alarms = np.maximum(tp + fp, np.finfo(float).tiny)
    draws = zip(tp / alarms, tp / tp[:, :1], strict=True)
    curves = [best_at_recalls(*one, RECALL_GRID) for one in draws]
    return np.array(curves).reshape(len(tp), len(RECALL_GRID))


class PrecisionRecallDisplay(OfNewRows):
    """Precision against recall, with a band of what other rows would give.

    It is the interpolated curve: of the thresholds that find at least so many positive
    rows, the best precision, :func:`~imbdeep.metrics.precision_at_recall_score`. A
    dotted line shows the share of positive rows, the precision of chance.

    Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Read more in the :ref:`User Guide <displays>`.

    Parameters
    ----------
    precision, recall : ndarray of shape (n_points,)
    lower, upper : ndarray of shape (n_points,) or None, default=None
        The band.
    average_precision : float or None, default=None
        Told in the legend.
    prevalence : float or None, default=None
        Share of positive rows, where a line is drawn.
    name : str or None, default=None
        Of the classifier, for the legend.
    pos_label : object, default=None
        The positive class.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The curve.
    band_ : matplotlib artist or None
    prevalence_line_ : matplotlib Line2D or None

    See Also
    --------
    sklearn.metrics.PrecisionRecallDisplay : Not interpolated, without a band.
    imbdeep.metrics.precision_at_recalls : The numbers.

    Notes
    -----
    The band is a pointwise bootstrap: rows of each class are drawn with replacement. It
    says how much the curve depends on which rows it is computed from, above all on the
    few positive ones, and not how much it would differ after another training.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep.displays import PrecisionRecallDisplay
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> model = LogisticRegression().fit(X[::2], y[::2])
    >>> display = PrecisionRecallDisplay.from_estimator(model, X[1::2], y[1::2])
    >>> display.ax_.get_xlabel()
    'recall of 1'
    """

    def __init__(
        self,
        precision,
        recall,
        *,
        lower=None,
        upper=None,
        average_precision=None,
        prevalence=None,
        name=None,
        pos_label=None,
    ):
        self.precision = precision
        self.recall = recall
        self.lower = lower
        self.upper = upper
        self.average_precision = average_precision
        self.prevalence = prevalence
        self.name = name
        self.pos_label = pos_label

    @classmethod
    @usual_numbers()
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        sample_weight=None,
        pos_label=None,
        n_bootstraps=200,
        confidence_level=0.95,
        random_state=0,
        name=None,
        ax=None,
        curve_kwargs=None,
    ):
        """Draw the curve of probabilities, such as those that are out of fold.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels of two classes.
        y_proba : array-like of shape (n_samples,)
            Probabilities of the positive class; rows of NaN, which no fold held out,
            are left out.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.
        pos_label : label or None, default=None
            The positive class. None is the greater of two labels.
        n_bootstraps : int, at least 0, default=200
            How often rows are drawn for the band. 0 draws none.
        confidence_level : float in (0, 1), default=0.95
            Share of the draws within the band, at each recall.
        random_state : int, RandomState or None, default=0
            Determines the draws; 0 gives the same band every time.
        name : str or None, default=None
            For the legend.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        curve_kwargs : dict or None, default=None
            Keywords of matplotlib's ``plot`` for the curve.

        Returns
        -------
        PrecisionRecallDisplay

        Raises
        ------
        ValueError
            If there are not two classes, or if an argument cannot be used.
        """
        check_arguments(
            BAND, {"n_bootstraps": n_bootstraps, "confidence_level": confidence_level}
        )
        rows = read_binary(y_true, y_proba, pos_label, sample_weight)
        _, resampled = resampled_counts(
            *rows, n_bootstraps=n_bootstraps, random_state=random_state
        )
        lower, upper = pointwise_band(_precision_of_draws(resampled), confidence_level)
        is_positive, proba, weight = rows
        display = cls(
            np.array(precision_at_recalls(is_positive, proba, sample_weight=weight)),
            RECALL_GRID.copy(),
            lower=lower,
            upper=upper,
            average_precision=float(
                average_precision_score(is_positive, proba, sample_weight=weight)
            ),
            prevalence=float(weight[is_positive].sum() / weight.sum()),
            name=name,
            pos_label=pos_label,
        )
        return display.plot(ax=ax, curve_kwargs=curve_kwargs)

    def plot(self, ax=None, *, name=None, curve_kwargs=None):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        name : str or None, default=None
            For the legend. None takes ``name`` of the display.
        curve_kwargs : dict or None, default=None
            Keywords of matplotlib's ``plot`` for the curve.

        Returns
        -------
        PrecisionRecallDisplay
            Itself, with ``ax_``, ``figure_`` and ``line_``.
        """
        ax = axes_to_draw_on(self, ax)
        name = self.name if name is None else name
        fact = None
        if self.average_precision is not None:
            fact = f"AP = {self.average_precision:.2f}"
        style = {"label": labelled(name, fact), **(curve_kwargs or {})}
        (self.line_,) = ax.plot(self.recall, self.precision, **style)
        self.band_ = draw_band(ax, self.recall, self.lower, self.upper, self.line_)
        self.prevalence_line_ = None
        if self.prevalence is not None:
            label = f"share of positive rows: {self.prevalence:.2g}"
            self.prevalence_line_ = reference_line(
                ax.axhline, self.prevalence, label=label, linestyle=":"
            )
        of_what = of_class(self.pos_label)
        ax.set(xlim=(0, 1), ylim=(0, 1.02))
        ax.set(xlabel=f"recall{of_what}", ylabel=f"precision{of_what}")
        ax.legend(frameon=False)
        return self
