import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from imbdeep.reporting import performance_profile
from imbdeep_bench.report import mean_table, rank_table, read_cells
from imbdeep_bench.report.curves import precision_recall_table, reliability_table
from imbdeep_bench.report.plots import (
    plot_critical_difference,
    plot_performance_profiles,
    plot_precision_recall,
    plot_rank_heat_map,
    plot_reliability,
    plot_scores,
    spread_out,
)
from imbdeep_bench.report.styles import method_styles
from tests.benchmarks.report.conftest import (
    make_cell,
    make_failure,
    make_records,
    make_run,
)

PLOTS = {
    "critical_difference": lambda c: plot_critical_difference(c, "g_mean"),
    "profiles": plot_performance_profiles,
    "ranks": lambda c: plot_rank_heat_map(c, "average_precision"),
    "scores": lambda c: plot_scores(c, "average_precision"),
    "reliability": plot_reliability,
    "precision_recall": plot_precision_recall,
}


@pytest.fixture
def cells(write_records):
    return read_cells(write_records(make_records(8, 6, 2)))


SIZES = [(3, 16)]
OTHERS = (3, 3), (10, 9), (27, 3), (27, 16)
SIZES += [pytest.param(n, k, marks=pytest.mark.slow) for n, k in OTHERS]


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
@pytest.mark.parametrize(("n_datasets", "n_methods"), SIZES)
def test_nothing_drawn_leaves_the_figure(write_records, plot, n_datasets, n_methods):
    cells = read_cells(write_records(make_records(n_datasets, n_methods, 2)))
    figure = plot(cells)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    drawn, size = figure.get_tightbbox(), figure.get_size_inches()
    assert (drawn.min >= -0.02).all()
    assert (drawn.max <= size + 0.02).all()


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_pyplot_knows_of_no_figure(cells, plot):
    before = pyplot.get_fignums()
    plot(cells)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_dollars_in_names_are_no_formulas(write_records, plot):
    odd = {"net": r"$\frac$", "net_ros": "$", "abalone": r"$\b$ a $x$"}
    records = make_records(4, 4, 2)
    records[0] |= {"datasets": [], "methods": []}
    for record in records:
        for key in {"name", "dataset", "method"} & record.keys():
            record[key] = odd.get(record[key], record[key])
    figure = plot(read_cells(write_records(records)))
    figure.draw_without_rendering()
    named = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert named
    drawn = [text._preprocess_math(text.get_text()) for text in named]
    assert not any(is_formula for _, is_formula in drawn)
    assert {name for name in odd.values() if any(name in text for text, _ in drawn)}


def legend_colors(figure):
    return {
        entry.get_label(): to_hex(entry.get_color()).upper()
        for entry in figure.legends[0].get_lines()
    }


def test_a_method_has_one_color_everywhere(cells):
    expected = {m: s.color for m, s in method_styles(cells.methods).items()}
    assert legend_colors(plot_performance_profiles(cells)) == expected
    assert legend_colors(plot_precision_recall(cells)) == expected
    titles = {
        panel.get_title(): to_hex(panel.lines[1].get_color()).upper()
        for panel in plot_reliability(cells).axes
        if panel.get_title()
    }
    assert titles == expected


def test_diagram_marks_the_average_ranks(cells):
    panel = plot_critical_difference(cells, "balanced_brier").axes[0]
    drawn = sorted(float(marks.get_offsets()[0, 0]) for marks in panel.collections)
    expected = rank_table(cells, ["balanced_brier"])["balanced_brier"].sort_values()
    np.testing.assert_allclose(drawn, expected)
    labels = " ".join(text.get_text() for text in panel.texts)
    for method, rank in expected.items():
        assert method in labels
        assert f"{rank:.2f}" in labels


def test_profiles_draw_the_profile(cells):
    panel = plot_performance_profiles(cells, ["average_precision"]).axes[0]
    mean = mean_table(cells, "average_precision").mean
    for method, line in zip(mean.columns, panel.lines, strict=True):
        expected = performance_profile(mean, line.get_xdata())[method]
        np.testing.assert_allclose(line.get_ydata(), expected)


def test_heat_map_prints_the_ranks_best_method_first(write_records):
    records = [make_run(["a", "scene"], ["net", "remix", "focal"])]
    for dataset in ("a", "scene"):
        records += [
            make_cell(dataset, "net", 0, scores={"g_mean": 0.3}),
            make_cell(dataset, "remix", 0, scores={"g_mean": 0.6}),
            make_failure(dataset, "focal", 0),
        ]
    panel = plot_rank_heat_map(read_cells(write_records(records)), "g_mean").axes[0]
    assert [t.get_text() for t in panel.get_xticklabels()] == ["remix", "net", "focal"]
    assert [t.get_text() for t in panel.texts] == ["1", "2", "3*"] * 2
    assert "failed folds" in panel.get_xlabel()


def test_scores_are_drawn_or_called_failed(write_records):
    records = make_records(2, 3, 2)
    records[-1] = make_failure("abalone_19", "net_ros", 1)
    cells = read_cells(write_records(records))
    table = mean_table(cells, "average_precision")
    panels = plot_scores(cells, "average_precision").axes
    assert [panel.get_title() for panel in panels] == ["abalone", "abalone_19"]
    assert [len(panel.containers) for panel in panels] == [3, 2]
    assert [t.get_text() for t in panels[1].texts] == ["failed"]
    means = [box.lines[0].get_xdata()[0] for box in panels[0].containers]
    np.testing.assert_allclose(means, table.mean.loc["abalone"])


def test_rebuilt_sets_are_labelled(cells):
    assert "coil_2000 (rebuilt)" in [
        p.get_title() for p in plot_scores(cells, "mcc").axes
    ]
    panels = plot_precision_recall(cells).axes
    assert "isolet (rebuilt)" in [panel.get_title() for panel in panels]
    heat_map = plot_rank_heat_map(cells, "mcc").axes[0]
    rows = [text.get_text() for text in heat_map.get_yticklabels()]
    assert "isolet (rebuilt)" in rows


def test_reliability_draws_the_pooled_bins(cells):
    bins = reliability_table(cells)
    panel = plot_reliability(cells).axes[0]
    own = bins[bins["method"] == panel.get_title()]
    np.testing.assert_allclose(panel.lines[1].get_xdata(), own["mean_predicted"])
    np.testing.assert_allclose(panel.lines[1].get_ydata(), own["observed"])


def test_precision_recall_draws_the_mean_curves(cells):
    curves = precision_recall_table(cells)
    panel = plot_precision_recall(cells).axes[0]
    for method, line in zip(cells.methods, panel.lines, strict=True):
        expected = curves.loc[(panel.get_title(), method)]
        np.testing.assert_allclose(line.get_ydata(), expected)


def test_at_most_twelve_sets_are_drawn(write_records):
    cells = read_cells(write_records(make_records(20, 2, 1)))
    titles = [panel.get_title() for panel in plot_precision_recall(cells).axes]
    assert len([title for title in titles if title]) == 12


def test_spread_out_keeps_the_ends():
    assert spread_out(list("abc"), 5) == ["a", "b", "c"]
    assert spread_out(list(range(27)), 12)[::11] == [0, 26]
    assert len(set(spread_out(list(range(13)), 12))) == 12


def test_nothing_to_draw_is_an_error(write_records):
    path = write_records([make_run(["a"], ["net"])])
    cells = read_cells(path)
    for plot in (plot_rank_heat_map, plot_scores):
        with pytest.raises(ValueError, match="No data set has a score of 'mcc'"):
            plot(cells, "mcc")
    with pytest.raises(ValueError, match="bins holds no method"):
        plot_reliability(cells)
    with pytest.raises(ValueError, match="curves holds no data set"):
        plot_precision_recall(cells)
    with pytest.raises(ValueError, match="table has no rows"):
        plot_performance_profiles(cells)
    with pytest.raises(ValueError, match=r"0 method\(s\)"):
        plot_critical_difference(cells, "mcc")
