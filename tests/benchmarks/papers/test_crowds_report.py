"""Tables and pictures of the crowd experiments follow from their cells."""

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.crowds import report, report_sets
from imbdeep_bench.papers.crowds.methods import (
    METHODS,
    WARMUPS,
)
from imbdeep_bench.papers.crowds.report_inference import draw_inference
from imbdeep_bench.report.over_sets import set_table, significance_blocks
from imbdeep_bench.report.runs import difference_table, pick, read_published
from papers import main
from tests.benchmarks.papers.conftest import (
    fake_run,
    pick_row,
    refuse,
    row_of,
)

# --- Published scores ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "dataset", "method", "metric", "score"),
    [
        ("3.2", "gisette", "MV+LR", "accuracy", 0.8179),
        ("3.2", "usps", "D&S+DNN", "macro_f1", 0.7386),
        ("3.2", "usps", "ICED", "accuracy", 0.9036),
        ("3.2", "gas", "Crowd-Layer", "macro_f1", 0.8295),
        ("3.2", "emotion", "MBEM", "accuracy", 0.6344),
        ("3.3", "usps", "ICED-w", "accuracy", 0.8373),
        ("3.3", "usps", "Trad-II", "n_rows", 103),
        ("3.3", "gas", "Trad-I", "macro_f1", 0.3142),
        ("3.3", "gisette", "Trad-II", "n_epochs", 15),
    ],
)
def test_published_scores(table, dataset, method, metric, score):
    assert report.published_scores(table, dataset).at[method, metric] == score


def test_published_tables_are_complete():
    table = read_published(report.__file__)
    assert table.groupby("table").size().to_dict() == {"3.2": 4 * 8, "3.3": 3 * 3}
    assert not table.duplicated(["table", "dataset", "method"]).any()
    missing = table.loc[table["accuracy"].isna(), ["dataset", "method"]]
    assert missing.to_numpy().tolist() == [["emotion", "CPC"]]
    named = {m.published for m in (METHODS | WARMUPS).values() if m.published}
    assert named <= set(table["method"])
    # Accuracies on 332 tests are whole numbers of them.
    usps = table[(table["dataset"] == "usps") & (table["method"] != "MBEM")]
    rows = usps["accuracy"] * 332
    assert (rows - rows.round()).abs().max() < 0.02


# --- Reports -------------------------------------------------------------------------

SHIFTS = {"mv_net": 0.0, "ds_hard_net": 0.2, "iced": 0.25}
KEY = ("usps", 9, "alike")
TOLD = {
    **{"majority": 2, "minority": 8, "n_train_majority": 668, "n_train_minority": 66},
    **{"n_test_majority": 166, "n_test_minority": 166, "cell_seconds": 2.0},
    **{"error_rates": [0.29, 0.33, 0.31], "group_rows": [100, 20, 3, 611]},
    **{"difficulty_epochs": 4, "difficulty_accuracy": 0.985, "fit_seconds": None},
    **{"inference": {}, "accuracy_by_round": [], "converged": None},
}


def made_up(method, value):
    told = {"accuracy": value, "minority_recall": 0.6, "minority_precision": 0.3}
    return {
        "scores": dict.fromkeys(report.METRICS, value),
        "inference": {} if method in ("truth_net", "crowd_layer") else told,
        "accuracy_by_round": [value - 0.1, value] if method.startswith("iced") else [],
        "fit_seconds": 1.5,
        "converged": method != "ds_hard_net",
    }


def crowd_run(
    n_seeds=4, shifts=SHIFTS, data="usps", n_workers=9, crowd="alike", **more
):
    labels = {"data": data, "n_workers": n_workers, "crowd": crowd}
    labels["dataset"] = f"{data}, {n_workers} {crowd}"
    return fake_run(TOLD, made_up, shifts, n_seeds, **labels, **more)


@pytest.fixture
def read(write_records):
    return lambda records, study=report.PAIR_STUDY: study.read(write_records(records))


def test_steps_of_inference_come_from_their_cells(read):
    table = report.inference_table(read(crowd_run(2)))
    accuracy = table[table["metric"] == "accuracy"].set_index("method")["mean"]
    steps = ("MV", "D&S hard", "ICED, first round", "ICED, end")
    expected = dict(zip(steps, (0.505, 0.706, 0.65625, 0.75625), strict=True))
    assert accuracy.to_dict() == pytest.approx(expected)
    recall = table[table["metric"] == "minority_recall"]
    assert set(recall["method"]) == {"MV", "D&S hard", "ICED, end"}


def test_the_best_comes_first_and_a_failure_last(read):
    means = report.PAIR_STUDY.means(read(crowd_run(3, failed=[("iced", 0)])))
    assert report.best_first(means, "accuracy") == ["ds_hard_net", "mv_net", "iced"]


def test_published_scores_stand_beside_their_method():
    columns = {"accuracy": ["0.9", "0.8"], "macro F1": ["1", "2"]}
    table = pd.DataFrame(columns, index=["ICED", "MV + net"])
    of_gisette = ("madelon", 7, "alike")
    beside = report.put_published_beside(table, of_gisette, METHODS, "3.2")
    assert beside.columns.tolist() == [
        *("accuracy", "accuracy, published, of Gisette"),
        *("macro F1", "macro F1, published, of Gisette"),
    ]
    published = beside["accuracy, published, of Gisette"]
    assert (published["ICED"], published["MV + net"]) == ("0.8521", "0.8000")
    assert published["MBEM"] == "0.6967"
    assert pd.isna(beside.at["MBEM", "accuracy"])
    # Nothing is published of unlike workers or other sets.
    for key in (("usps", 9, "unlike"), ("oil", 5, "alike")):
        assert report.put_published_beside(table, key, METHODS, "3.2") is table


def test_duels_are_told_in_the_order_given(read):
    scores = report.PAIR_STUDY.scores(read(crowd_run(4)))
    part = pick(
        difference_table(scores, report.CROWD, {"iced": METHODS}), report.CROWD, KEY
    )
    order = ["iced", "ds_hard_net", "mv_net"]
    table = report.duel_table(part, order, report.PAIR_STUDY.titles)
    assert table.index.tolist() == ["D&S hard + net", "MV + net"]
    told = table.loc["D&S hard + net"].tolist()
    assert told[:3] == ["+0.051 ± 0.000", "4 - 0", "0.12"]


def test_report_says_what_was_run_and_what_failed(tmp_path, write_records):
    failed = [("ds_lr", seed) for seed in (0, 1)]
    first = crowd_run(2, SHIFTS | {"ds_lr": 0.0}, failed=failed)
    others = crowd_run(2, data="madelon", n_workers=7) + crowd_run(2, crowd="unlike")
    write_records(others + first)
    assert main(["crowds", "run", "--report-only", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "tables.md").read_text()
    for words in (
        *("20 cells, 2 of them failed", "668 + 66", "0.985 after 4"),
        "- usps, 9 alike, D&S + LR, seeds 0, 1: ValueError: too few rows",
        *("D&S hard + net in 6 of 6 cells", "100 / 20 / 3 / 611", "0.29 to 0.33"),
    ):
        assert words in text
    assert row_of(text, "ICED")[:3] == ["ICED", "0.756 ± 0.006", "0.9036"]
    names = ("usps, 9 workers alike", "usps, 9 workers unlike", "madelon, 7 workers")
    places = [text.index(f"## {name}") for name in names]
    assert places == sorted(places)
    means = pd.read_csv(tmp_path / "tables.csv")
    failed = pick_row(means, method="ds_lr", metric="accuracy")
    assert (failed["n_runs"], failed["n_failed"]) == (0, 2)
    assert len(pd.read_csv(tmp_path / "differences.csv")) == 3 * 2 * len(report.METRICS)
    assert (tmp_path / "inference.csv").exists()


def test_inference_is_drawn_step_by_step(read, tmp_path, capsys):
    runs = [crowd_run(3, crowd=crowd) for crowd in ("alike", "unlike")]
    cells = read(sum(runs, crowd_run(3, n_workers=5)))
    table = report.inference_table(cells)
    figure = draw_inference(table[table["metric"] == "accuracy"])
    # An odd number of panels leaves one empty.
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles[1:] == ["usps, 9 workers alike", "usps, 9 workers unlike"]
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert labels == ["MV", "D&S hard", "ICED, first round", "ICED, end"]
    assert widths == pytest.approx([0.51, 0.712, 0.6625, 0.7625])
    argv = ["crowds", "inference", "--out", str(tmp_path)]
    assert main(argv) == 0
    assert (tmp_path / "inference.png").read_bytes().startswith(b"\x89PNG")
    read(crowd_run(1, {"crowd_layer": 0.0}))
    assert "no cell of a method that infers" in refuse(capsys, lambda: main(argv))


def test_warm_ups_are_compared_at_their_own_number_of_epochs(tmp_path, write_records):
    shifts = dict(zip(WARMUPS, (0.3, 0.2, 0.1, 0.35, 0.25, 0.15), strict=True))
    write_records(crowd_run(3, shifts), "warmup.jsonl")
    assert main(["crowds", "warmup", "--report-only", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "warmup.md").read_text()
    assert "groups of highest certainty: 123 of 734" in text
    assert "0.8373" in text
    for n in (2, 5):
        block = text.split(f"ICED-w, {n} x 3 epochs, minus the others:")[1]
        block = block.split("\n\n")[1]
        assert f"| Trad-I, {n} x 3 epochs" in block
        assert f"{7 - n} x 3" not in block
    assert len(pd.read_csv(tmp_path / "warmup.csv")) == 6 * len(report.METRICS)


# --- Sets ----------------------------------------------------------------------------

FOUR = {"mv_lr": -0.2, "crowd_layer": -0.1, "iced": 0.0, "truth_net": 0.2}
SETS = ("ecoli", "oil", "abalone", "us_crime")


def set_runs(n_workers=5, **failed):
    where = {"crowd": "unlike", "n_workers": n_workers}
    runs = (crowd_run(2, FOUR, s, failed=failed.get(s, ()), **where) for s in SETS)
    return sum(runs, [])


def tables_of(cells):
    means = report_sets.STUDY.means(cells)
    names = report_sets.SET_METRICS
    return {report.METRICS[name]: set_table(means, name, "data") for name in names}


def test_ranks_leave_the_ceiling_out_and_a_failure_counts(read):
    ranks = report_sets.mean_ranks(tables_of(read(set_runs(), report_sets.STUDY)))
    expected = {"ICED": 1.0, "Crowd-Layer": 2.0, "MV + LR": 3.0}
    assert ranks["average precision"].to_dict() == expected
    runs = set_runs(oil=[("crowd_layer", 0), ("crowd_layer", 1)])
    tables = tables_of(read(runs, report_sets.STUDY))
    assert report_sets.mean_ranks(tables).at["MV + LR", "g-mean"] == 2.75
    table = report_sets.without_truth(tables["average precision"])
    assert np.isnan(table.at["oil", "crowd_layer"])
    titles = report_sets.STUDY.titles
    blocks = significance_blocks(table, "AP", "iced", titles)
    told = row_of("\n".join(blocks), "Crowd-Layer")
    assert told[:4] == ["Crowd-Layer", "+0.101", "4", "0"]
    (line,) = significance_blocks(table.iloc[:2], "AP", "iced", titles)
    assert line == "Too few sets or methods to test AP."


def test_sets_are_reported_by_size_of_the_crowd(tmp_path, write_records):
    write_records(set_runs(11) + set_runs(5), "sets.jsonl")
    assert main(["crowds", "sets", "--report-only", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "sets.md").read_text()
    assert text.index("## 5 workers") < text.index("## 11 workers")
    assert "2 runs of a set and crowd" in text
    assert text.count("Friedman's test") == 2 * len(report_sets.SET_METRICS)
    assert set(pd.read_csv(tmp_path / "sets.csv")["n_workers"]) == {5, 11}
    differences = pd.read_csv(tmp_path / "sets_differences.csv")
    assert len(differences) == 2 * 4 * 3 * len(report.METRICS)
