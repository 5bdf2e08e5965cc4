"""Pictures of the benchmark: those of the library, and ranks and scores set by set."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from imbdeep import reporting
from imbdeep.reporting import rank_methods
from imbdeep.reporting._plots import despine, panel_grid, plain
from imbdeep_bench.report.curves import precision_recall_table, reliability_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.styles import method_styles
from imbdeep_bench.report.tables import mean_table

MAX_PRECISION_RECALL_PANELS = 12
RANK_COLORS = LinearSegmentedColormap.from_list(
    "ranks", ["#0B5A8A", "#9CC7E0", "#F7F7F7", "#F2C08C", "#B35806"]
)


def plot_critical_difference(cells, metric, *, alpha=0.05):
    """Draw a critical-difference diagram by a metric."""
    info = metric_info(metric)
    return reporting.plot_critical_difference(
        mean_table(cells, metric).mean,
        greater_is_better=info.greater_is_better,
        alpha=alpha,
        label=info.label,
        styles=method_styles(cells.methods),
    )


def plot_performance_profiles(cells, metrics=("average_precision", "balanced_brier")):
    """Draw Dolan and More's profiles, a panel a metric."""
    infos = {metric: metric_info(metric) for metric in metrics}
    return reporting.plot_performance_profiles(
        {info.label: mean_table(cells, metric).mean for metric, info in infos.items()},
        losses={i.label for i in infos.values() if not i.greater_is_better},
        styles=method_styles(cells.methods),
    )


def plot_reliability(cells):
    """Draw reliability diagrams of rows pooled over data sets, a panel a method."""
    bins = dict(list(reliability_table(cells).groupby("method")))
    return reporting.plot_reliability(
        {name: bins[name] for name in cells.methods if name in bins},
        styles=method_styles(cells.methods),
    )


def spread_out(names, limit):
    """Pick at most ``limit`` names, evenly spaced along their order."""
    if len(names) <= limit:
        return list(names)
    places = np.round(np.linspace(0, len(names) - 1, limit)).astype(int)
    return [names[place] for place in places]


def plot_precision_recall(cells):
    """Draw mean precision-recall curves, a panel a data set, for up to 12 sets.

    With more than 12 data sets, 12 evenly spaced along the alphabet are drawn, so that
    no result decides which are shown.
    """
    table = precision_recall_table(cells)
    datasets = table.index.get_level_values("dataset").unique()
    curves = {
        cells.label(name): {m: c.to_numpy() for m, c in table.loc[name].iterrows()}
        for name in spread_out(datasets, MAX_PRECISION_RECALL_PANELS)
    }
    styles = method_styles(cells.methods)
    drawn = set(table.index.get_level_values("method"))
    styles = {name: styles[name] for name in cells.methods if name in drawn}
    return reporting.plot_precision_recall(curves, styles=styles)


def check_drawable(table):
    """Raise a ValueError if a table of means is empty."""
    if table.mean.empty:
        raise ValueError(
            f"No data set has a score of {table.metric!r} that every method has run; "
            "draw it once some folds are complete."
        )


def plot_rank_heat_map(cells, metric):
    """Draw each method's rank on each data set, best method first."""
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


def plot_scores(cells, metric):
    """Draw each method's mean and standard deviation, a panel a data set."""
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
