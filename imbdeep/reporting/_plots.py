"""Plots as matplotlib figures, without global state."""

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from imbdeep.metrics import calibration_error_of_bins
from imbdeep.reporting._profiles import performance_profile, performance_ratios
from imbdeep.reporting._significance import critical_difference
from imbdeep.reporting._styles import styles_for

MAX_PROFILE_RATIO = 20.0


def plain(name):
    """Escape a name for a plot: matplotlib takes text between two "$" for a formula."""
    return str(name).replace("$", r"\$")


def panel_grid(n_panels, *, max_columns, panel_size, extra_height=0.0, sharey=False):
    """Return a figure, its panels in reading order, and the number of columns."""
    n_columns = min(max_columns, n_panels)
    n_rows = -(-n_panels // n_columns)
    width, height = panel_size
    # Not by pyplot, which would keep the figure open and pick a backend.
    figure = Figure(
        figsize=(width * n_columns, height * n_rows + extra_height),
        layout="constrained",
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharey=sharey).ravel()
    for spare in panels[n_panels:]:
        spare.set_axis_off()
    return figure, panels[:n_panels], n_columns


def despine(panel):
    """Remove the upper and right side of the frame."""
    panel.spines[["top", "right"]].set_visible(False)


def add_legend(figure, methods, styles, **line):
    """Add a legend with one entry per method below the panels."""
    figure.legend(
        handles=[
            Line2D([], [], label=plain(name), **styles[name].line, **line, marker=None)
            for name in methods
        ],
        loc="outside lower center",
        ncols=min(5, len(methods)) or 1,
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )


def legend_height(methods):
    """Return the height of a legend in inches."""
    return 0.22 * -(-len(methods) // 5)


def plot_critical_difference(
    table, *, greater_is_better=True, alpha=0.05, label="score", styles=None
):
    """Draw a critical-difference diagram: methods joined by a bar do not differ.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method. NaN ranks last.
    greater_is_better : bool, default=True
        False for losses.
    alpha : float, default=0.05
        Family-wise level of Nemenyi's test.
    label : str, default='score'
        Name of the score, for the title.
    styles : dict of str to object, default=None
        Style of each method: an object with mappings ``line`` and ``point`` and a
        ``color``. None assigns styles by position.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The plot; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If there are fewer than two methods or three data sets.

    See Also
    --------
    critical_difference : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import plot_critical_difference
    >>> table = pd.DataFrame({"net": [0.7] * 3, "remix": [0.9] * 3, "focal": [0.8] * 3})
    >>> figure = plot_critical_difference(table, label="g-mean")
    >>> figure.axes[0].get_title()
    'Average rank by g-mean (1 is best)'
    """
    result = critical_difference(
        table, greater_is_better=greater_is_better, alpha=alpha
    )
    ranks = result.average_ranks
    names = list(ranks.index)
    styles = styles_for(names, styles)
    figure = Figure(layout="constrained")
    panel = figure.subplots()
    # scikit_posthocs draws bars in the order of a set. Positions have the same hashes
    # in every process, names do not. Labels such as "{0[3]}" are filled in below.
    drawn = scikit_posthocs.critical_difference_diagram(
        ranks.set_axis(range(len(names))),
        pd.DataFrame(result.p_values.loc[names, names].to_numpy()),
        ax=panel,
        alpha=alpha,
        label_fmt_left="{{0[{label}]}}  {rank:.2f} ",
        label_fmt_right=" {rank:.2f}  {{0[{label}]}}",
        label_props={"fontsize": 10},
        color_palette={place: styles[n].color for place, n in enumerate(names)},
        marker_props={"s": 28},
        elbow_props={"linewidth": 1.2},
        crossbar_props={"color": "#222222", "linewidth": 3},
        text_h_margin=0.02 * max(float(np.ptp(ranks)), 1.0),
    )
    for text in drawn["labels"]:
        text.set_text(text.get_text().format(list(map(plain, names))))
    start, stop = 1.0, 1.0 + result.distance
    panel.plot([start, stop], [1.9, 1.9], color="#222222", linewidth=1.5, marker="|")
    panel.text(
        (start + stop) / 2,
        2.1,
        f"critical difference {result.distance:.2f}",
        ha="center",
        va="bottom",
        fontsize=9,
    )
    panel.set_title(f"Average rank by {label} (1 is best)", fontsize=11, pad=14)
    lowest = panel.get_ylim()[0]
    panel.set_ylim(lowest, 3.0)
    figure.set_size_inches(8.5, 1.1 + 0.27 * (3.0 - lowest))
    return figure


def plot_performance_profiles(tables, *, losses=(), styles=None):
    """Draw Dolan and More's performance profiles, one panel per metric.

    Parameters
    ----------
    tables : dict of str to DataFrame of shape (n_datasets, n_methods)
        Mean scores by metric; NaN marks a failure.
    losses : collection of str, default=()
        Metrics whose tables hold losses. Ratios are those of losses themselves, or of
        ``1 - score`` for other metrics.
    styles : dict of str to object, default=None
        See :func:`plot_critical_difference`; the legend has the same order.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The plot; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If a table has no rows, or a score exceeds the best value.

    See Also
    --------
    performance_profile : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import plot_performance_profiles
    >>> table = pd.DataFrame({"net": [0.7] * 3, "remix": [0.9] * 3, "focal": [0.8] * 3})
    >>> figure = plot_performance_profiles({"g-mean": table})
    >>> [panel.get_title() for panel in figure.axes]
    ['g-mean']
    """
    drawn = dict.fromkeys(name for table in tables.values() for name in table)
    styles = styles_for(drawn, styles)
    figure, panels, _ = panel_grid(
        len(tables),
        max_columns=2,
        panel_size=(5.2, 3.9),
        extra_height=0.25 + legend_height(styles),
        sharey=True,
    )
    for panel, (label, table) in zip(panels, tables.items(), strict=True):
        draw_profiles(panel, label, table, label not in losses, styles)
    panels[0].set_ylabel("share of data sets within the factor")
    names = [name for name in styles if name in drawn]
    add_legend(figure, names, styles, linewidth=1.7)
    return figure


def draw_profiles(panel, label, table, greater_is_better, styles):
    """Draw the profiles of one metric."""
    ratios = performance_ratios(table, greater_is_better=greater_is_better)
    finite = ratios.to_numpy()[np.isfinite(ratios.to_numpy())]
    stop = np.clip(finite.max(initial=1.0) * 1.05, 1.2, MAX_PROFILE_RATIO)
    tau = np.geomspace(1, stop, 200)
    profile = performance_profile(table, tau, greater_is_better=greater_is_better)
    for name in profile.columns:
        panel.step(tau, profile[name], where="post", linewidth=1.7, **styles[name].line)
    cost = "1 - " + label if greater_is_better else label
    panel.set_xscale("log")
    ticks = [t for t in (1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20) if t <= stop * 1.001]
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    # Over less than a decade, log axes label minor ticks as well.
    panel.minorticks_off()
    panel.set(xlim=(1, stop), ylim=(0, 1.02), title=label)
    panel.set_xlabel(f"factor on the best method's {cost}")
    panel.grid(color="#DDDDDD", linewidth=0.6)
    despine(panel)


def plot_reliability(bins, *, styles=None):
    """Draw reliability diagrams, one panel per method.

    Parameters
    ----------
    bins : dict of str to mapping
        Output of :func:`imbdeep.metrics.calibration_bins` for each method; empty bins
        are left out.
    styles : dict of str to object, default=None
        See :func:`plot_critical_difference`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Marker areas grow with the logarithm of the number of rows in a bin.

    Raises
    ------
    ValueError
        If there is no method.

    See Also
    --------
    imbdeep.metrics.calibration_bins : The numbers.
    imbdeep.metrics.calibration_error_of_bins : The number in each panel.
    imbdeep.displays.ReliabilityDisplay : One classifier, with a band.

    Examples
    --------
    >>> from imbdeep.reporting import plot_reliability
    >>> bins = {"count": [8, 2], "mean_predicted": [0.1, 0.8], "positives": [1, 1]}
    >>> figure = plot_reliability({"net": bins, "remix": bins})
    >>> [panel.get_title() for panel in figure.axes]
    ['net', 'remix']
    """
    if not bins:
        raise ValueError("bins holds no method; there is nothing to draw.")
    styles = styles_for(bins, styles)
    figure, panels, n_columns = panel_grid(
        len(bins), max_columns=4, panel_size=(2.5, 2.6), extra_height=0.3
    )
    for place, (panel, (name, told)) in enumerate(
        zip(panels, bins.items(), strict=True)
    ):
        count, predicted, positives = (
            np.asarray(told[part], dtype=float)
            for part in ("count", "mean_predicted", "positives")
        )
        used = count > 0
        observed = positives[used] / count[used]
        panel.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=1, zorder=1)
        panel.plot(predicted[used], observed, linewidth=1.3, **styles[name].line)
        sizes = 6 + 9 * np.log10(count[used])
        panel.scatter(
            predicted[used], observed, s=sizes, zorder=3, **styles[name].point
        )
        error = calibration_error_of_bins(count, predicted, positives)
        panel.set_title(plain(name), fontsize=10)
        panel.text(0.04, 0.93, f"ECE {error:.3f}", fontsize=8, va="top")
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
        labels = ["0", "0.5", "1"] if place % n_columns == 0 else ["", "", ""]
        panel.set_yticks([0, 0.5, 1], labels, fontsize=8)
        despine(panel)
    figure.supxlabel("mean predicted probability of the minority", fontsize=10)
    figure.supylabel("observed share of the minority", fontsize=10)
    return figure


def plot_precision_recall(curves, *, styles=None):
    """Draw precision-recall curves, one panel per data set.

    Parameters
    ----------
    curves : dict of str to dict of str to array-like
        For each data set and method, the precisions at evenly spaced recalls from 0 to
        1, as returned by :func:`imbdeep.metrics.precision_at_recalls`.
    styles : dict of str to object, default=None
        See :func:`plot_critical_difference`; the legend has the same order.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The plot; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If there is no data set.

    See Also
    --------
    imbdeep.metrics.precision_at_recalls : The numbers.
    imbdeep.displays.PrecisionRecallDisplay : One classifier, with a band.

    Examples
    --------
    >>> from imbdeep.reporting import plot_precision_recall
    >>> figure = plot_precision_recall({"ecoli": {"net": [1.0, 0.5, 0.1]}})
    >>> [panel.get_title() for panel in figure.axes]
    ['ecoli']
    """
    if not curves:
        raise ValueError("curves holds no data set; there is nothing to draw.")
    drawn = dict.fromkeys(name for methods in curves.values() for name in methods)
    styles = styles_for(drawn, styles)
    methods = [name for name in styles if name in drawn]
    are_many = len(curves) > 4
    figure, panels, n_columns = panel_grid(
        len(curves),
        max_columns=4 if are_many else 2,
        panel_size=(2.7, 2.4) if are_many else (4.2, 3.2),
        extra_height=0.5 + legend_height(methods),
    )
    for place, (panel, (title, own)) in enumerate(
        zip(panels, curves.items(), strict=True)
    ):
        for name in methods:
            if name in own:
                recalls = np.round(np.linspace(0, 1, len(own[name])), 6)
                panel.plot(recalls, own[name], linewidth=1.3, **styles[name].line)
        panel.set_title(plain(title), fontsize=9.5)
        panel.set(xlim=(0, 1), ylim=(0, 1.02))
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
        labels = ["0", "0.5", "1"] if place % n_columns == 0 else ["", "", ""]
        panel.set_yticks([0, 0.5, 1], labels, fontsize=8)
        if place % n_columns == 0:
            panel.set_ylabel("precision", fontsize=9)
        if place + n_columns >= len(curves):
            panel.set_xlabel("recall", fontsize=9)
        panel.grid(color="#E5E5E5", linewidth=0.6)
        despine(panel)
    add_legend(figure, methods, styles, linewidth=1.5)
    return figure
