"""What all displays draw in the same way."""

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

_BAND = {"alpha": 0.2, "linewidth": 0}
_WRITTEN = {"g_mean": "g-mean", "f1": "F1", "mcc": "MCC", "matthews_corrcoef": "MCC"}
_TICKS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1)


def axes_to_draw_on(display, ax):
    """Return the axes to draw on: new ones, unless some are given.

    Parameters
    ----------
    display : object
        Gets ``ax_`` and ``figure_``. Named in the error if matplotlib is missing.
    ax : matplotlib Axes or None
    """
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def reference_line(draw, *place, label, linestyle):
    """Draw a line for comparison: once, if several displays share the axes.

    Parameters
    ----------
    draw : callable
        Method of the axes, such as ``ax.axhline``.
    *place : float or sequence of float
        Its arguments.
    label : str
        Entry of the legend.
    linestyle : str

    Returns
    -------
    matplotlib Line2D
        The one that was there already, if there is one with that label.
    """
    from matplotlib import rcParams

    for line in draw.__self__.lines:
        if line.get_label() == label:
            return line
    # The colour of text can be seen on any background.
    style = {"color": rcParams["text.color"], "alpha": 0.5, "linewidth": 1}
    drawn = draw(*place, label=label, linestyle=linestyle, **style)
    return drawn[0] if isinstance(drawn, list) else drawn


def draw_band(ax, x, lower, upper, line, **options):
    """Draw a band in the colour of its line; None if there is no band."""
    if lower is None:
        return None
    color = line.get_color()
    return ax.fill_between(x, lower, upper, color=color, **_BAND, **options)


def escaped(name):
    """Name as text: matplotlib takes what is between two "$" for a formula.

    Examples
    --------
    >>> from imbdeep.displays._axes import escaped
    >>> escaped("from $5 to $9")
    'from \\\\$5 to \\\\$9'
    """
    return str(name).replace("$", r"\$")


def in_words(metric):
    """Name of a metric as it is written.

    Examples
    --------
    >>> from imbdeep.displays._axes import in_words
    >>> in_words("g_mean"), in_words("average_precision")
    ('g-mean', 'average precision')
    """
    return escaped(_WRITTEN.get(metric, metric.replace("_", " ")))


def of_class(pos_label):
    """End of the name of an axis: of which class, if that is known.

    Examples
    --------
    >>> from imbdeep.displays._axes import of_class
    >>> of_class("rare"), of_class(None)
    (" of 'rare'", '')
    """
    return "" if pos_label is None else f" of {escaped(repr(pos_label))}"


def labelled(name, fact):
    """Entry of a legend: a name, if there is one, and a fact, if there is one."""
    if name is None:
        return fact
    return escaped(name) if fact is None else f"{escaped(name)} ({fact})"


def signed_sqrt(values):
    """Square root, also of what is below 0, where interactive axes may be moved to."""
    return np.sign(values) * np.sqrt(np.abs(values))


def signed_square(values):
    """Inverse of :func:`signed_sqrt`."""
    return np.sign(values) * np.square(values)


def show_probabilities(ax, scale):
    """Let both axes run from 0 to 1.

    Parameters
    ----------
    ax : matplotlib Axes
    scale : {'sqrt', 'linear'}
    """
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    if scale == "sqrt":
        labels = [f"{tick:g}" for tick in _TICKS]
        functions = (signed_sqrt, signed_square)
        ax.set_xscale("function", functions=functions)
        ax.set_yscale("function", functions=functions)
        ax.set_xticks(_TICKS, labels)
        ax.set_yticks(_TICKS, labels)
