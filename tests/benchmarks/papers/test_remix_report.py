"""The reports of the ReMix experiments: ranks, gains, tests, and what is published."""

import json

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.remix import report
from imbdeep_bench.papers.remix.figure import draw_alphas, draw_gains
from imbdeep_bench.papers.remix.methods import ALPHAS, METHODS
from imbdeep_bench.papers.remix.numbers import METRICS, alpha_table, over_ratios
from imbdeep_bench.papers.remix.problems import BINARY, SEVERAL
from imbdeep_bench.report import markdown
from imbdeep_bench.report.runs import read_published
from papers import main
from tests.benchmarks.papers.conftest import fake_run, pick_row, row_of

SHIFTS = {"baseline": -0.2, "smote": 0.0, "remix": 0.1, "balanced": 0.2}
# Where each set is made imbalanced; of penbased the paper has nothing.
SETTINGS = [
    *(("segment", BINARY, r) for r in (0.01, 0.05)),
    *(("satimage", BINARY, r) for r in (0.01, 0.05)),
    *(("penbased", BINARY, r) for r in (0.01, 0.05)),
    *(("optdigits", SEVERAL, r) for r in (0.05, 0.25)),
]
TOLD = {"class_counts": [90, 10], "n_valid": 30, "n_test": 100, "cell_seconds": 2.0}


def made_up(method, value):
    # What is better has the smaller Brier score.
    scores = {"g_mean": value, "balanced_accuracy": value}
    scores |= {"balanced_brier": (1 - value) / 2, "brier": value / 4}
    return {"scores": scores, "epochs": 7, "fit_seconds": 1.5}


def fake_cells(settings=SETTINGS, shifts=SHIFTS, **failed):
    records = []
    for data, task, ratio in settings:
        # The rarer, the more there is to gain.
        own = {name: shift * (1 - 4 * ratio / 5) for name, shift in shifts.items()}
        labels = {"dataset": f"{data}, {task}, {ratio:g}", "data": data}
        labels |= {"task": task, "ratio": ratio}
        lost = [(failed.get(data), 1)]
        none = {"epochs": None, "fit_seconds": None}
        records += fake_run(TOLD | none, made_up, own, 2, failed=lost, **labels)
    return records


def report_on(records, folder, part="tables"):
    """Report on records; return the text and the tables."""
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / f"{part}.jsonl").write_text(lines)
    assert main(["remix", part, "--report-only", "--out", str(folder)]) == 0
    names = ("means", "ranks", "gains")
    frames = {n: pd.read_csv(folder / f"{part}_{n}.csv") for n in names}
    return (folder / f"{part}.md").read_text(), frames


@pytest.fixture(scope="module", autouse=True)
def no_png():
    """To draw pictures takes longer than all else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "png", lambda figure, **options: b"a picture")
        yield


@pytest.fixture(scope="module")
def whole(no_png, tmp_path_factory):
    """A report on all settings, none of which failed."""
    return report_on(fake_cells(), tmp_path_factory.mktemp("whole"))


def test_published_ranks_add_up_to_those_of_all_settings():
    table = read_published(report.__file__)
    n_methods = table.groupby(["task", "metric"])["method"].nunique()
    assert (n_methods == 5).all()
    total = table.groupby(["task", "metric"])["rank_sum"].sum()
    n_settings = table.groupby("task")["n_settings"].first()
    for (task, metric), found in total.items():
        expected = n_settings[task] * (1 + 2 + 3 + 4 + 5)
        # One of the printed columns falls 2 short.
        short = 2 if (task, metric) == (BINARY, "balanced_brier") else 0
        assert found == expected - short
    names = {m.published for m in METHODS.values() if m.published}
    assert set(table["method"]) == names


def test_ranks_stand_beside_the_published_ones(whole):
    text, frames = whole
    assert "64 cells, 0 of them failed." in text
    assert "Musk (musk), Seizure (seizure), coil2000" in text
    assert "Segment (" not in text
    # Of the paper's methods on its four binary and two other settings.
    beside = row_of(text, "ReMix")
    assert beside[1:] == [
        *("4 (1.00)", "22 (1.22)", "4 (1.00)", "22 (1.22)"),
        *("2 (1.00)", "12 (1.33)", "2 (1.00)", "9 (1.00)"),
    ]
    assert row_of(text, "SMOTE")[1:3] == ["8 (2.00)", "36 (2.00)"]
    # Of all methods on all sets.
    row = pick_row(frames["ranks"], task=BINARY, metric="g_mean", method="remix")
    assert (row["rank_sum"], row["mean_rank"], row["n_settings"]) == (12, 2, 6)
    row = pick_row(frames["ranks"], task=BINARY, metric="brier", method="baseline")
    assert row["rank_sum"] == 6


def test_gains_are_means_over_the_sets_of_a_ratio(whole):
    text, frames = whole
    gains = frames["gains"]
    for ratio, shrunk in (("0.05", 0.96), ("0.01", 0.992)):
        row = pick_row(gains, task=BINARY, metric="g_mean", ratio=ratio, method="remix")
        # fake_run adds 0.01 times the shift to the second of two folds.
        assert row["gain"] == pytest.approx(0.3 * shrunk * 1.005)
        assert row["n_settings"] == 3
        row = pick_row(
            gains, task=BINARY, metric="balanced_brier", ratio=ratio, method="remix"
        )
        assert row["gain"] == pytest.approx(0.15 * shrunk * 1.005)
    row = pick_row(gains, task=BINARY, metric="g_mean", ratio="all", method="smote")
    each = 0.2 * 1.005 * np.repeat([0.96, 0.992], 3)
    assert row["gain"] == pytest.approx(each.mean())
    assert row["se"] == pytest.approx(each.std(ddof=1) / np.sqrt(6))
    assert "baseline" not in set(gains["method"])
    # Mildest first.
    part = gains[(gains["task"] == BINARY) & (gains["method"] == "remix")]
    assert list(dict.fromkeys(part["ratio"])) == ["0.05", "0.01", "all"]
    assert "| Balanced batches, not mixed |  0.386 |  0.399 | 0.392 |" in text


def test_tests_say_who_is_ahead_whatever_the_metric(whole):
    text, _ = whole
    for title in ("G-mean, binary", "Balanced Brier score, binary"):
        part = text.split(f"### {title}\n")[1].split("###")[0]
        assert part.count("Friedman's test") == 1
        remix, baseline = part.split("| Baseline minus ")
        assert row_of(remix, "SMOTE")[2:4] == ["6", "0"]
        assert row_of(remix, "SMOTE")[1].startswith("+")
        assert row_of(remix, "Balanced batches, not mixed")[2:4] == ["0", "6"]
        assert row_of(baseline, "ReMix")[2:4] == ["0", "6"]
    # Two settings are too few; the means over the ratios are of four sets.
    assert "### G-mean, multi-class\n\nToo few sets" in text
    part = text.split("### G-mean, means over the ratios\n")[1].split("###")[0]
    assert row_of(part, "SMOTE")[2:4] == ["4", "0"]


def test_what_failed_ranks_last_and_is_no_gain(tmp_path):
    text, frames = report_on(fake_cells(segment="balanced"), tmp_path)
    assert "- segment, binary, 0.01, Balanced batches, not mixed, seeds 1" in text
    row = pick_row(frames["ranks"], task=BINARY, metric="g_mean", method="balanced")
    assert row["rank_sum"] == 2 * 4 + 4 * 1
    row = pick_row(
        frames["gains"],
        **{"task": BINARY, "metric": "g_mean", "ratio": "0.05", "method": "balanced"},
    )
    assert row["n_settings"] == 2
    means = over_ratios(frames["means"], "g_mean")
    assert means.index.tolist()[0] == "segment, binary"
    assert means["balanced"].isna().tolist() == [True, False, False, False]
    expected = 0.5 + 0.1 * (0.96 + 0.992) / 2 * 1.005 + 0.005
    assert means.at["segment, binary", "remix"] == pytest.approx(expected)


def test_a_report_does_without_the_baseline_or_sets_of_the_paper(tmp_path):
    shifts = {"smote": 0.0, "remix": 0.1}
    text, frames = report_on(fake_cells(SETTINGS[4:6], shifts), tmp_path)
    assert "None of the paper's sets was run." in text
    assert "The baseline was not run" in text
    assert "Too few sets or methods" in text
    assert frames["gains"].empty
    assert not (tmp_path / "tables_gains.png").exists()
    assert set(frames["ranks"]["metric"]) == set(METRICS)


def test_a_figure_has_a_bar_for_each_ratio_and_method(whole):
    _, frames = whole
    figure = draw_gains(frames["gains"], METHODS, 5)
    assert len(figure.axes) == 4
    first = figure.axes[0]
    bars = [p for p in first.patches if p.get_width() > 0]
    assert len(bars) == 3 * 3
    heights = sorted({round(bar.get_height(), 3) for bar in bars})
    assert heights[-1] == pytest.approx(0.4 * 0.992 * 1.005, abs=1e-3)
    assert [t.get_text() for t in first.get_xticklabels()] == ["0.05", "0.01", "all"]
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == [
        METHODS[name].title for name in ("smote", "remix", "balanced")
    ]


# --- Images --------------------------------------------------------------------------

DIGITS = [("usps", task, r) for task in (BINARY, SEVERAL) for r in (0.05, 0.25)]
# The more is mixed, the better.
BY_ALPHA = {name: alpha for name, alpha in ALPHAS.items() if alpha != 0.2}


def test_images_are_told_of_by_alpha(tmp_path):
    shifts = {"baseline": -0.2, "augment": 0.1, **BY_ALPHA}
    records = fake_cells(DIGITS, shifts)
    text, frames = report_on(records, tmp_path, "images")
    assert "CIFAR 10, is not among the cells" in text
    part = text.split("usps, binary:\n")[1]
    header = row_of(part, "alpha")
    assert header[1:3] == ["g-mean, 0.05", "balanced Brier score, 0.05"]
    # Shrunk as the others, and a little more in the second of two folds.
    for alpha in BY_ALPHA.values():
        score = 0.5 + alpha * 0.96 * 1.005 + 0.005
        told = row_of(part, f"{alpha:.2f}" if alpha == 0.01 else f"{alpha:.1f}")
        assert told[1:3] == [f"{score:.3f}", f"{(1 - score) / 2:.3f}"]
    # Behind alphas of 0.4 and 0.3, and level with ReMix.
    assert row_of(text, "Augment")[1] == "7 (3.50)"
    table = alpha_table(frames["means"], ALPHAS)
    figure = draw_alphas(table)
    assert len(figure.axes) == 4
    (first, *_) = figure.axes
    assert [line.get_label() for line in first.lines] == ["0.25", "0.05"]
    x, y = first.lines[1].get_data()
    np.testing.assert_allclose(x, sorted(BY_ALPHA.values()))
    np.testing.assert_allclose(y, 0.505 + x * 0.96 * 1.005)
    written = {path.name for path in tmp_path.glob("*.png")}
    assert written == {"images_gains.png", "images_alphas.png"}


def test_one_alpha_is_no_curve(tmp_path):
    records = fake_cells(DIGITS[:1], {"baseline": 0.0, "remix": 0.1})
    text, _ = report_on(records, tmp_path, "images")
    assert "Fewer than two were run." in text
    assert not (tmp_path / "images_alphas.png").exists()


def test_alphas_of_a_fold_that_failed_have_no_mean():
    records = fake_cells(DIGITS[:1], {"remix": 0.1, "remix_0.2": 0.2}, usps="remix_0.2")
    means = report.IMAGES.means(pd.DataFrame(records))
    table = alpha_table(means, ALPHAS)
    assert table["alpha"].tolist() == [0.1, 0.1, 0.2, 0.2]
    assert table["mean"].isna().tolist() == [False, False, True, True]
