"""What is predicted, and how often it happens."""

from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import check_arguments
from imbdeep._switches import usual_numbers
from imbdeep.displays._axes import (
    axes_to_draw_on,
    draw_band,
    labelled,
    of_class,
    reference_line,
    show_probabilities,
)
from imbdeep.displays._inputs import BAND, rows_with_proba
from imbdeep.displays._new_rows import OfNewRows
from imbdeep.metrics import calibration_error_of_bins
from imbdeep.metrics._bins import read_bins

_SCALE = {"scale": [StrOptions({"sqrt", "linear"})]}


class ReliabilityDisplay(OfNewRows):
    r"""Observed share of positive rows against predicted probability, in bins.

    On the diagonal probabilities come true as often as they say; below it they are too
    high. By default bins hold equally many rows, and axes stretch small probabilities:
    those of a rare class are nearly all there.

    Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Read more in the :ref:`User Guide <displays>`.

    Parameters
    ----------
    predicted : ndarray of shape (n_bins,)
        Mean predicted probability of each bin.
    observed : ndarray of shape (n_bins,)
        Share of positive rows.
    lower, upper : ndarray of shape (n_bins,) or None, default=None
        The band.
    count : ndarray of shape (n_bins,) or None, default=None
        Rows in each bin, or their weights.
    calibration_error : float or None, default=None
        Told in the legend.
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
    diagonal_ : matplotlib Line2D

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Without a band.
    imbdeep.metrics.calibration_bins : The numbers.
    imbdeep.metrics.expected_calibration_error : The number in the legend.

    Notes
    -----
    The band joins the Clopper-Pearson intervals of the bins: that of each holds the
    true share of its rows with at least this confidence, however few of them are
    positive. A bootstrap would give a bin without positive rows no width at all, and
    approximations fail for the few positive rows that bins of a rare class hold.

    With weights :math:`w` a bin counts as many rows as
    :math:`(\sum w)^2 / \sum w^2`, its effective sample size, and the interval is
    that of the weighted share of so many [1]_. It is no longer exact, but close if
    weights do not depend on the class. Weights tell how much a row counts: doubling all
    makes no interval narrower.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence Intervals for Proportions with Small
       Expected Number of Positive Counts Estimated from Survey Data", Survey
       Methodology 24, 1998.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep.displays import ReliabilityDisplay
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> model = LogisticRegression().fit(X[::2], y[::2])
    >>> display = ReliabilityDisplay.from_estimator(model, X[1::2], y[1::2])
    >>> display.ax_.get_ylabel()
    'observed share'
    """

    def __init__(
        self,
        predicted,
        observed,
        *,
        lower=None,
        upper=None,
        count=None,
        calibration_error=None,
        name=None,
        pos_label=None,
    ):
        self.predicted = predicted
        self.observed = observed
        self.lower = lower
        self.upper = upper
        self.count = count
        self.calibration_error = calibration_error
        self.name = name
        self.pos_label = pos_label

    @classmethod
    @usual_numbers()
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        n_bins=10,
        strategy="quantile",
        sample_weight=None,
        pos_label=None,
        confidence_level=0.95,
        name=None,
        ax=None,
        scale="sqrt",
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
        n_bins : int, at least 1, default=10
            Number of bins.
        strategy : {'quantile', 'uniform'}, default='quantile'
            Bins of equal mass or of equal width, see
            :func:`~imbdeep.metrics.calibration_bins`. Empty bins are left out.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights, of shares, bins and intervals; see the notes of
            :class:`ReliabilityDisplay`.
        pos_label : label or None, default=None
            The positive class. None is the greater of two labels.
        confidence_level : float in (0, 1), default=0.95
            Of the interval of each bin.
        name : str or None, default=None
            For the legend.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        scale : {'sqrt', 'linear'}, default='sqrt'
            Of both axes. By square roots, intervals of small shares that rest on
            equally many rows are about equally wide.
        curve_kwargs : dict or None, default=None
            Keywords of matplotlib's ``plot`` for the curve.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If there are more than two classes, or if an argument cannot be used.
        """
        check_arguments(BAND, {"confidence_level": confidence_level})
        y_true, y_proba, sample_weight = rows_with_proba(y_true, y_proba, sample_weight)
        bins = read_bins(
            y_true,
            y_proba,
            n_bins=n_bins,
            strategy=strategy,
            pos_label=pos_label,
            sample_weight=sample_weight,
        ).without_empty()
        error = calibration_error_of_bins(
            bins.count, bins.mean_predicted, bins.positives
        )
        lower, upper = bins.intervals(confidence_level)
        display = cls(
            bins.mean_predicted,
            bins.observed,
            lower=lower,
            upper=upper,
            count=bins.count if sample_weight is not None else bins.count.astype(int),
            calibration_error=error,
            name=name,
            pos_label=pos_label,
        )
        return display.plot(ax=ax, scale=scale, curve_kwargs=curve_kwargs)

    def plot(self, ax=None, *, name=None, scale="sqrt", curve_kwargs=None):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        name : str or None, default=None
            For the legend. None takes ``name`` of the display.
        scale : {'sqrt', 'linear'}, default='sqrt'
            Of both axes, see :meth:`from_predictions`.
        curve_kwargs : dict or None, default=None
            Keywords of matplotlib's ``plot`` for the curve.

        Returns
        -------
        ReliabilityDisplay
            Itself, with ``ax_``, ``figure_`` and ``line_``.
        """
        check_arguments(_SCALE, {"scale": scale})
        ax = axes_to_draw_on(self, ax)
        name = self.name if name is None else name
        fact = None
        if self.calibration_error is not None:
            fact = f"ECE = {self.calibration_error:.2g}"
        self.diagonal_ = reference_line(
            ax.plot, [0, 1], [0, 1], label="calibrated", linestyle=":"
        )
        style = {"marker": "o", "markersize": 4, "label": labelled(name, fact)}
        style |= curve_kwargs or {}
        (self.line_,) = ax.plot(self.predicted, self.observed, **style)
        self.band_ = draw_band(ax, self.predicted, self.lower, self.upper, self.line_)
        show_probabilities(ax, scale)
        of_what = of_class(self.pos_label)
        ax.set(xlabel=f"mean predicted probability{of_what}")
        ax.set(ylabel="observed share")
        ax.legend(frameon=False, loc="upper left")
        return self
