"""Pictures of a benchmark, as matplotlib figures that touch no global state."""

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from imbdeep.reporting._curves import (
    expected_calibration_error,
    precision_recall_table,
    reliability_table,
)
from imbdeep.reporting._metric_info import metric_info
from imbdeep.reporting._profiles import performance_profile, performance_ratios
from imbdeep.reporting._significance import critical_difference
from imbdeep.reporting._styles import method_styles
from imbdeep.reporting._tables import mean_table, rank_methods

MAX_PRECISION_RECALL_PANELS = 12
MAX_PROFILE_RATIO = 20.0
RANK_COLORS = LinearSegmentedColormap.from_list(
    "ranks", ["#0B5A8A", "#9CC7E0", "#F7F7F7", "#F2C08C", "#B35806"]
)


def plain(name):
    """Make a name stand in a picture as it is: a pair of "$" would hold a formula."""
    return name.replace("$", r"\$")


def panel_grid(n_panels, *, max_columns, panel_size, extra_height=0.0, sharey=False):
    """Return a figure, its panels in reading order, and the number of columns."""
    n_columns = min(max_columns, n_panels)
    n_rows = -(-n_panels // n_columns)
    width, height = panel_size
    figure = Figure(
        figsize=(width * n_columns, height * n_rows + extra_height),
        layout="constrained",
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharey=sharey).ravel()
    for spare in panels[n_panels:]:
        spare.set_axis_off()
    return figure, panels[:n_panels], n_columns


def despine(panel):
    """Take away the frame's upper and right side."""
    panel.spines[["top", "right"]].set_visible(False)


def legend_handles(methods, styles, **line):
    """Return one legend entry a method."""
    return [
        Line2D([], [], label=plain(name), **styles[name].line, **line, marker=None)
        for name in methods
    ]


def plot_critical_difference(cells, metric, *, alpha=0.05):
    """Draw a critical-difference diagram: methods joined by a bar do not differ.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metric : str
        Metric to rank by.
    alpha : float, default=0.05
        Family-wise level of Nemenyi's test.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If fewer than two methods or three data sets have the metric.

    See Also
    --------
    critical_difference : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_critical_difference
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.7, 0.9, 0.8] * 3)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_critical_difference(cells, "g_mean")
    >>> figure.axes[0].get_title()
    'Average rank by g-mean (1 is best)'
    """
    info = metric_info(metric)
    result = critical_difference(
        mean_table(cells, metric).mean,
        greater_is_better=info.greater_is_better,
        alpha=alpha,
    )
    styles = method_styles(cells.methods)
    ranks = result.average_ranks
    names = list(ranks.index)
    figure = Figure(layout="constrained")
    panel = figure.subplots()
    # The bars are drawn in the order of a set: places are the same in every process,
    # hashes of names are not. A label "{0[3]}" is filled in below.
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
    for label in drawn["labels"]:
        label.set_text(label.get_text().format(list(map(plain, names))))
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
    panel.set_title(f"Average rank by {info.label} (1 is best)", fontsize=11, pad=14)
    lowest = panel.get_ylim()[0]
    panel.set_ylim(lowest, 3.0)
    figure.set_size_inches(8.5, 1.1 + 0.27 * (3.0 - lowest))
    return figure


def plot_performance_profiles(cells, metrics=("average_precision", "balanced_brier")):
    """Draw Dolan and More's profiles, a panel a metric.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metrics : sequence of str, default=('average_precision', 'balanced_brier')
        Metrics to draw; ratios are of ``1 - score``, or of the loss itself.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If a metric was recorded on no data set.

    See Also
    --------
    performance_profile : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_performance_profiles
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.7, 0.9, 0.8] * 3)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_performance_profiles(cells, ["g_mean"])
    >>> [panel.get_title() for panel in figure.axes]
    ['g-mean']
    """
    styles = method_styles(cells.methods)
    legend_rows = -(-len(cells.methods) // 5)
    figure, panels, _ = panel_grid(
        len(metrics),
        max_columns=2,
        panel_size=(5.2, 3.9),
        extra_height=0.25 + 0.22 * legend_rows,
        sharey=True,
    )
    drawn = set()
    for panel, metric in zip(panels, metrics, strict=True):
        info = metric_info(metric)
        mean = mean_table(cells, metric).mean
        ratios = performance_ratios(mean, greater_is_better=info.greater_is_better)
        finite = ratios.to_numpy()[np.isfinite(ratios.to_numpy())]
        stop = np.clip(finite.max(initial=1.0) * 1.05, 1.2, MAX_PROFILE_RATIO)
        tau = np.geomspace(1, stop, 200)
        profile = performance_profile(
            mean, tau, greater_is_better=info.greater_is_better
        )
        for name in profile.columns:
            panel.step(
                tau, profile[name], where="post", linewidth=1.7, **styles[name].line
            )
        drawn.update(profile.columns)
        cost = "1 - " + info.label if info.greater_is_better else info.label
        panel.set_xscale("log")
        ticks = [t for t in (1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20) if t <= stop * 1.001]
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.set(xlim=(1, stop), ylim=(0, 1.02), title=info.label)
        panel.set_xlabel(f"factor on the best method's {cost}")
        panel.grid(color="#DDDDDD", linewidth=0.6)
        despine(panel)
    panels[0].set_ylabel("share of data sets within the factor")
    names = [name for name in cells.methods if name in drawn]
    figure.legend(
        handles=legend_handles(names, styles, linewidth=1.7),
        loc="outside lower center",
        ncols=min(5, len(names)) or 1,
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )
    return figure


def plot_rank_heat_map(cells, metric):
    """Draw each method's rank on each data set, best method first.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metric : str
        Metric to rank by.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If the metric was recorded on no data set.

    See Also
    --------
    rank_methods : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_rank_heat_map
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.7, 0.9, 0.8] * 3)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_rank_heat_map(cells, "g_mean")
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['remix', 'focal', 'net']
    """
    info = metric_info(metric)
    table = mean_table(cells, metric)
    check_drawable(table)
    ranks = rank_methods(table.mean, greater_is_better=info.greater_is_better)
    order = ranks.mean().sort_values(kind="stable").index
    ranks = ranks[order]
    n_datasets, n_methods = ranks.shape
    figure = Figure(
        figsize=(2.6 + 0.52 * n_methods, 2.1 + 0.27 * n_datasets), layout="constrained"
    )
    panel = figure.subplots()
    top = max(n_methods, 2)
    panel.imshow(ranks, cmap=RANK_COLORS, vmin=1, vmax=top, aspect="auto")
    for (row, column), rank in np.ndenumerate(ranks.to_numpy()):
        failed = table.n_failed[order].iat[row, column] > 0
        edge = abs((rank - 1) / (top - 1) - 0.5) > 0.38
        panel.text(
            column,
            row,
            f"{rank:g}" + ("*" if failed else ""),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if edge else "black",
        )
    panel.set_xticks(range(n_methods), map(plain, order), fontsize=9)
    panel.tick_params(
        axis="x", top=True, bottom=False, labeltop=True, labelbottom=False
    )
    for label in panel.get_xticklabels():
        label.set(rotation=40, rotation_mode="anchor", ha="left")
    labels = [plain(cells.label(name)) for name in ranks.index]
    panel.set_yticks(range(n_datasets), labels, fontsize=9)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    note = "  * failed folds" if (table.n_failed > 0).any(axis=None) else ""
    panel.set_xlabel(f"Rank by {info.label}, 1 is best{note}", fontsize=10, loc="left")
    return figure


def check_drawable(table):
    """Raise a ValueError if a table of means is empty."""
    if table.mean.empty:
        raise ValueError(
            f"No data set has a score of {table.metric!r} that every method has run; "
            "draw it once some folds are complete."
        )


def plot_scores(cells, metric):
    """Draw each method's mean and standard deviation, a panel a data set.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metric : str
        Metric to draw.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The picture; save it with its ``savefig``.

    Raises
    ------
    ValueError
        If the metric was recorded on no data set.

    See Also
    --------
    mean_table : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_scores
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.7, 0.9, 0.8] * 3)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_scores(cells, "g_mean")
    >>> [panel.get_title() for panel in figure.axes]
    ['x', 'y', 'z']
    """
    info = metric_info(metric)
    table = mean_table(cells, metric)
    check_drawable(table)
    styles = method_styles(cells.methods)
    methods = list(table.mean.columns)
    figure, panels, _ = panel_grid(
        len(table.mean),
        max_columns=5,
        panel_size=(2.5, 0.85 + 0.17 * len(methods)),
        extra_height=0.3,
        sharey=True,
    )
    for panel, dataset in zip(panels, table.mean.index, strict=True):
        for place, name in enumerate(methods):
            draw_score(panel, table, dataset, name, place, styles[name])
        panel.set_ylim(len(methods) - 0.4, -0.6)
        panel.set_yticks(range(len(methods)), map(plain, methods))
        panel.set_title(plain(cells.label(dataset)), fontsize=9)
        panel.tick_params(labelsize=8)
        panel.tick_params(axis="y", length=0)
        panel.locator_params(axis="x", nbins=4)
        panel.grid(axis="x", color="#DDDDDD", linewidth=0.6)
        panel.set_axisbelow(True)
        despine(panel)
    way = "more" if info.greater_is_better else "less"
    figure.supxlabel(
        f"{info.label}, {way} is better; mean and standard deviation over folds",
        fontsize=10,
    )
    return figure


def draw_score(panel, table, dataset, method, place, style):
    """Draw one method's mean and spread; a failure is written out."""
    mean = table.mean.at[dataset, method]
    if np.isfinite(mean):
        spread = np.nan_to_num(table.sd.at[dataset, method])
        panel.errorbar(
            mean,
            place,
            xerr=spread,
            **style.point,
            markersize=4.5,
            linewidth=1,
            linestyle="none",
        )
    else:
        panel.text(
            0.5,
            place,
            "failed",
            transform=panel.get_yaxis_transform(),
            ha="center",
            va="center",
            fontsize=7.5,
            color="#666666",
            style="italic",
        )


def plot_reliability(cells):
    """Draw reliability diagrams of rows pooled over data sets, a panel a method.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Marker areas grow with the logarithm of the rows in a bin.

    Raises
    ------
    ValueError
        If no cell holds calibration bins.

    See Also
    --------
    reliability_table : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_reliability
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> grid["curves"] = [{"calibration": {"count": [8, 2], "mean_predicted":
    ...     [0.1, 0.8], "positives": [1, 1]}}] * 9
    >>> scores = grid.assign(metric="g_mean", value=0.5)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_reliability(cells)
    >>> [panel.get_title() for panel in figure.axes]
    ['focal', 'net', 'remix']
    """
    bins = reliability_table(cells)
    if bins.empty:
        raise ValueError("No cell holds calibration bins; there is nothing to draw.")
    styles = method_styles(cells.methods)
    methods = [name for name in cells.methods if name in set(bins["method"])]
    figure, panels, n_columns = panel_grid(
        len(methods), max_columns=4, panel_size=(2.5, 2.6), extra_height=0.3
    )
    for place, (panel, name) in enumerate(zip(panels, methods, strict=True)):
        own = bins[bins["method"] == name]
        panel.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=1, zorder=1)
        panel.plot(
            own["mean_predicted"], own["observed"], linewidth=1.3, **styles[name].line
        )
        panel.scatter(
            own["mean_predicted"],
            own["observed"],
            s=6 + 9 * np.log10(own["count"]),
            zorder=3,
            **styles[name].point,
        )
        error = expected_calibration_error(
            own["count"], own["mean_predicted"], own["positives"]
        )
        panel.set_title(plain(name), fontsize=10)
        panel.text(0.04, 0.93, f"ECE {error:.3f}", fontsize=8, va="top")
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
        labels = ["0", "0.5", "1"] if place % n_columns == 0 else []
        panel.set_yticks([0, 0.5, 1], labels or ["", "", ""], fontsize=8)
        despine(panel)
    figure.supxlabel("mean predicted probability of the minority", fontsize=10)
    figure.supylabel("observed share of the minority", fontsize=10)
    return figure


def spread_out(names, limit):
    """Pick at most ``limit`` names, evenly spaced along their order."""
    if len(names) <= limit:
        return list(names)
    places = np.round(np.linspace(0, len(names) - 1, limit)).astype(int)
    return [names[place] for place in places]


def plot_precision_recall(cells):
    """Draw mean precision-recall curves, a panel a data set, for up to 12 sets.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.

    Returns
    -------
    figure : matplotlib.figure.Figure
        With more than 12 data sets, 12 evenly spaced along the alphabet are drawn,
        so that no result decides which are shown.

    Raises
    ------
    ValueError
        If no cell holds precisions.

    See Also
    --------
    precision_recall_table : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, plot_precision_recall
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in "xyz" for m in ("net", "remix", "focal")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> grid["curves"] = [{"precision_at": [1.0, 0.5, 0.1]}] * 9
    >>> scores = grid.assign(metric="g_mean", value=0.5)
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> figure = plot_precision_recall(cells)
    >>> [panel.get_title() for panel in figure.axes if panel.get_title()]
    ['x', 'y', 'z']
    """
    curves = precision_recall_table(cells)
    if curves.empty:
        raise ValueError("No cell holds precisions; there is nothing to draw.")
    styles = method_styles(cells.methods)
    datasets = curves.index.get_level_values("dataset").unique()
    shown = spread_out(datasets, MAX_PRECISION_RECALL_PANELS)
    drawn = set(curves.index.get_level_values("method"))
    methods = [name for name in cells.methods if name in drawn]
    legend_rows = -(-len(methods) // 5)
    figure, panels, n_columns = panel_grid(
        len(shown),
        max_columns=4 if len(shown) > 4 else 2,
        panel_size=(2.7, 2.4) if len(shown) > 4 else (4.2, 3.2),
        extra_height=0.5 + 0.22 * legend_rows,
    )
    for place, (panel, dataset) in enumerate(zip(panels, shown, strict=True)):
        for name in methods:
            if (dataset, name) in curves.index:
                panel.plot(
                    curves.columns,
                    curves.loc[(dataset, name)],
                    linewidth=1.3,
                    **styles[name].line,
                )
        panel.set_title(plain(cells.label(dataset)), fontsize=9.5)
        panel.set(xlim=(0, 1), ylim=(0, 1.02))
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
        labels = ["0", "0.5", "1"] if place % n_columns == 0 else ["", "", ""]
        panel.set_yticks([0, 0.5, 1], labels, fontsize=8)
        if place % n_columns == 0:
            panel.set_ylabel("precision", fontsize=9)
        if place + n_columns >= len(shown):
            panel.set_xlabel("recall", fontsize=9)
        panel.grid(color="#E5E5E5", linewidth=0.6)
        despine(panel)
    figure.legend(
        handles=legend_handles(methods, styles, linewidth=1.5),
        loc="outside lower center",
        ncols=min(5, len(methods)),
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )
    return figure
