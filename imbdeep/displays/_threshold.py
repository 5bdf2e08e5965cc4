"""What a metric is at every threshold, and how sure one can be of it."""

import numpy as np
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from imbdeep._arguments import FiniteReal, check_arguments
from imbdeep._switches import usual_numbers
from imbdeep.displays._axes import (
    axes_to_draw_on,
    draw_band,
    in_words,
    labelled,
    of_class,
    reference_line,
)
from imbdeep.displays._bootstrap import jumps, pointwise_band, resampled_counts
from imbdeep.displays._inputs import BAND, read_binary
from imbdeep.displays._out_of_fold import labels_of_fit, refuse_rows, two_class_proba
from imbdeep.metrics._thresholds import (
    METRICS,
    Counts,
    best_threshold,
    count_at_thresholds,
)


def _share(part, whole):
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


# Nothing is called positive above the highest probability, and precision has no value.
CURVES = METRICS | {
    "precision": lambda c: _share(c.tp, c.tp + c.fp),
    "recall": lambda c: _share(c.tp, c.tp + c.fn),
}
_ARGUMENTS = BAND | {
    "metric": [StrOptions(set(CURVES))],
    # A bit above 1 nothing is called positive, if a probability is 1.
    "threshold": [FiniteReal(0, None), None],
}


def _counts_at(threshold, is_positive, proba, weight):
    """Counts at one threshold, which may be none of those that make a difference."""
    called = proba >= threshold
    tp, fp, fn, tn = (
        np.array([weight[one & other].sum()])
        for one in (called, ~called)
        for other in (is_positive, ~is_positive)
    )
    return Counts(np.array([threshold]), tp, fp, fn, tn)


class ThresholdDisplay:
    """A metric against the threshold, with a band of what other rows would give.

    A wide and flat top says that the choice hardly matters, a band as high as the peak
    that it is a matter of chance.

    Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Read more in the :ref:`User Guide <displays>`.

    Parameters
    ----------
    thresholds : ndarray of shape (n_thresholds,)
        Falling: where the metric may jump, at probabilities of rows, and both ends.
    scores : ndarray of shape (n_thresholds,)
        The metric, if rows with at least this probability are called positive; it
        stays so down to the next threshold. NaN where it has no value.
    lower, upper : ndarray of shape (n_thresholds,) or None, default=None
        The band.
    threshold, score : float or None, default=None
        The point to mark.
    metric : str or None, default=None
        For the label of the axis.
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
    threshold_line_ : matplotlib Line2D or None
        At the threshold that is marked.

    See Also
    --------
    imbdeep.classifiers.ImbalancedClassifier : Chooses a threshold out of fold.
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes that of any classifier.

    Notes
    -----
    The curve is the metric at every threshold: it jumps at probabilities of rows and is
    flat between. Of more than about 1000 different probabilities so many are kept,
    where it is exact; between two of these it may jump a few rows off.

    The band is a pointwise bootstrap: rows of each class are drawn with replacement.
    Curves of single folds would spread more than the curve of all rows does, each with
    a part of the rare rows, and they are too few for quantiles; nor do learners of a
    blend share their folds. The band says how much the curve depends on which rows
    were held out, and not how much it would differ after another training. The best
    threshold is best for these rows: the metric at it is a little better than that of
    new ones.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep import ImbalancedClassifier
    >>> from imbdeep.displays import ThresholdDisplay
    >>> X, y = make_classification(200, weights=[0.9], flip_y=0, random_state=0)
    >>> model = ImbalancedClassifier(["hist_gb"], threshold="f1", random_state=0)
    >>> display = ThresholdDisplay.from_estimator(model.fit(X, y), metric="f1")
    >>> display.threshold == model.threshold_
    True
    """

    def __init__(
        self,
        thresholds,
        scores,
        *,
        lower=None,
        upper=None,
        threshold=None,
        score=None,
        metric=None,
        name=None,
        pos_label=None,
    ):
        self.thresholds = thresholds
        self.scores = scores
        self.lower = lower
        self.upper = upper
        self.threshold = threshold
        self.score = score
        self.metric = metric
        self.name = name
        self.pos_label = pos_label

    @classmethod
    def from_estimator(
        cls,
        estimator,
        y=None,
        *surplus,
        metric="balanced_accuracy",
        sample_weight=None,
        threshold=None,
        pos_label=None,
        name=None,
        ax=None,
        **options,
    ):
        """Draw the curve of the training rows, by models that did not see them.

        Parameters
        ----------
        estimator : classifier
            Fitted, of two classes, with ``oof_proba_``:
            :class:`~imbdeep.classifiers.ImbalancedClassifier`, or a net whose members
            hold rows out.
        y : array-like of shape (n_samples,) or None, default=None
            Labels that it was fitted to. None takes its ``oof_y_``, if it has that.
        *surplus
            None may be given. Other displays take ``X`` and ``y``; here the rows are
            those of the fit.
        metric : str, default='balanced_accuracy'
            See :meth:`from_predictions`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            None takes its ``oof_sample_weight_``, if it has that.
        threshold : float, at least 0, or None, default=None
            The one to mark. None is its ``threshold_``, if it has one; otherwise see
            :meth:`from_predictions`.
        pos_label : label or None, default=None
            The positive class. None is that of the fit, which ``threshold_`` is about,
            or else the last of ``classes_``.
        name : str or None, default=None
            For the legend. None takes that of the class.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        **options
            Others of :meth:`from_predictions`.

        Returns
        -------
        ThresholdDisplay

        Raises
        ------
        ValueError
            If it has no out-of-fold probabilities, or if labels are missing, of another
            length or others than those of the fit.
        TypeError
            If rows are given as well.
        """
        refuse_rows(surplus, options)
        check_is_fitted(estimator)
        proba, own = two_class_proba(estimator), vars(estimator)
        y = labels_of_fit(estimator, y, len(proba))
        classes = estimator.classes_.tolist()
        # Not the parameter, which may be set anew without a fit.
        decision = own.get("_decision")
        usual = classes[-1 if decision is None else decision.positive]
        pos_label = usual if pos_label is None else pos_label
        if pos_label not in classes:
            raise ValueError(f"pos_label must be among {classes}, got {pos_label!r}.")
        if threshold is None and pos_label == usual:
            threshold = getattr(estimator, "threshold_", None)
        if sample_weight is None:
            sample_weight = own.get("oof_sample_weight_")
        return cls.from_predictions(
            y,
            proba[:, classes.index(pos_label)],
            metric=metric,
            sample_weight=sample_weight,
            threshold=threshold,
            pos_label=pos_label,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            **options,
        )

    @classmethod
    @usual_numbers()
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        metric="balanced_accuracy",
        sample_weight=None,
        threshold=None,
        pos_label=None,
        n_bootstraps=200,
        confidence_level=0.95,
        random_state=0,
        name=None,
        ax=None,
        curve_kwargs=None,
    ):
        """Draw the curve of probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels of two classes.
        y_proba : array-like of shape (n_samples,)
            Probabilities of the positive class; rows of NaN, which no fold held out,
            are left out.
        metric : {'balanced_accuracy', 'f1', 'g_mean', 'mcc', 'precision', 'recall'}, \
                default='balanced_accuracy'
            Balanced accuracy, g-mean and MCC look at both classes, the others at the
            positive one. 'matthews_corrcoef' is 'mcc'.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.
        threshold : float, at least 0, or None, default=None
            The one to mark. None is the one with the best score, chosen as
            :class:`~imbdeep.classifiers.ImbalancedClassifier` does; for precision and
            recall, which are best at the ends, none is marked.
        pos_label : label or None, default=None
            The positive class. None is the greater of two labels.
        n_bootstraps : int, at least 0, default=200
            How often rows are drawn for the band. 0 draws none.
        confidence_level : float in (0, 1), default=0.95
            Share of the draws within the band, at each threshold.
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
        ThresholdDisplay

        Raises
        ------
        ValueError
            If there are not two classes, or if an argument cannot be used.
        """
        told = {"metric": metric, "threshold": threshold}
        band = {"n_bootstraps": n_bootstraps, "confidence_level": confidence_level}
        check_arguments(_ARGUMENTS, told | band)
        rows = read_binary(y_true, y_proba, pos_label, sample_weight)
        counts, resampled = resampled_counts(
            *rows, n_bootstraps=n_bootstraps, random_state=random_state
        )
        curve, score = CURVES[metric], None
        lower, upper = pointwise_band(curve(resampled), confidence_level)
        # Down to 0 all rows are called positive, as at the lowest probability.
        curves = (curve(counts), lower, upper)
        scores, lower, upper = (
            None if one is None else np.append(one, one[-1]) for one in curves
        )
        if threshold is None and metric in METRICS:
            threshold = best_threshold(count_at_thresholds(*rows), metric)
        if threshold is not None:
            score = float(curve(_counts_at(threshold, *rows))[0])
        display = cls(
            np.append(jumps(counts.thresholds, rows[1]), 0.0),
            scores,
            lower=lower,
            upper=upper,
            threshold=threshold,
            score=score,
            metric=metric,
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
        ThresholdDisplay
            Itself, with ``ax_``, ``figure_`` and ``line_``.
        """
        ax = axes_to_draw_on(self, ax)
        name = self.name if name is None else name
        metric = None if self.metric is None else in_words(self.metric)
        fact = metric
        if self.score is not None:
            fact = f"{metric or 'score'} = {self.score:.2f}"
        # A threshold just above a row's probability leaves the row out, so that values
        # hold on the side of lower thresholds: after, as thresholds fall.
        style = {"drawstyle": "steps-post", "label": labelled(name, fact)}
        style |= curve_kwargs or {}
        (self.line_,) = ax.plot(self.thresholds, self.scores, **style)
        self.band_ = draw_band(
            ax, self.thresholds, self.lower, self.upper, self.line_, step="post"
        )
        self.threshold_line_ = None
        if self.threshold is not None:
            label = f"threshold: {self.threshold:.2g}"
            self.threshold_line_ = reference_line(
                ax.axvline, self.threshold, label=label, linestyle="--"
            )
            color = self.line_.get_color()
            ax.plot(self.threshold, self.score, "o", color=color, markersize=5)
        of_what = of_class(self.pos_label)
        ax.set(xlim=(0, 1), xlabel=f"threshold on the probability{of_what}")
        # Of several metrics on the same axes none names the axis.
        ax.set_ylabel(metric if ax.get_ylabel() in ("", metric) else "score")
        ax.legend(frameon=False)
        return self
