"""Tables and pictures of the crowd experiments follow from their cells."""

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.crowds import report
from imbdeep_bench.papers.crowds.experiment import Crowds
from imbdeep_bench.papers.crowds.methods import METHODS, WARMUPS
from imbdeep_bench.papers.crowds.report import (
    CROWD,
    METRICS,
    STEPS,
    best_first,
    duel_table,
    inference_table,
    published_scores,
    put_published_beside,
    read_cells,
    report_pairs,
    report_warmup,
)
from imbdeep_bench.papers.crowds.report_inference import draw_inference
from imbdeep_bench.papers.crowds.report_sets import (
    SET_METRICS,
    mean_ranks,
    report_sets,
    without_truth,
)
from imbdeep_bench.report.over_sets import set_table, significance_blocks
from imbdeep_bench.report.runs import (
    difference_table,
    mean_table,
    pick,
    read_published,
    score_frame,
)
from papers import main
from tests.benchmarks.fakes import scores_of_a_run
from tests.benchmarks.papers.conftest import pick_row, read_records, refuse

NO_RESULT = Crowds.no_result
TITLES = titles_of(METHODS)
SHIFTS = {"mv_net": 0.0, "ds_hard_net": 0.2, "iced": 0.25}


def fake_cell(method, seed, value=None, data="usps", crowd="alike", n_workers=9):
    """A record all of whose scores are `value`; None makes a failed one."""
    record = {
        "kind": "cell",
        "dataset": f"{data}, {n_workers} {crowd}",
        "data": data,
        "crowd": crowd,
        "n_workers": n_workers,
        "method": method,
        "fold": seed,
        "status": "failed",
        "error": "ValueError: too few rows",
        **NO_RESULT,
        "majority": 2,
        "minority": 8,
        "n_train_majority": 668,
        "n_train_minority": 66,
        "n_test_majority": 166,
        "n_test_minority": 166,
        "error_rates": [0.29, 0.33, 0.31],
        "group_rows": [100 + seed, 20, 3, 611 - seed],
        "difficulty_epochs": 4,
        "difficulty_accuracy": 0.985,
        "cell_seconds": 2.0,
    }
    if value is None:
        return record
    told = {"accuracy": value, "minority_recall": 0.6, "minority_precision": 0.3}
    rounds = [value - 0.1, value] if method.startswith("iced") else []
    return record | {
        "status": "ok",
        "error": None,
        "scores": dict.fromkeys(METRICS, value),
        "inference": {} if method == "truth_net" else told,
        "accuracy_by_round": rounds,
        "fit_seconds": 1.5,
        "converged": method != "ds_hard_net",
    }


def fake_run(n_seeds=4, shifts=SHIFTS, **where):
    return scores_of_a_run(fake_cell, shifts, n_seeds, **where)


@pytest.fixture
def read(write_records):
    def write_and_read(records, methods=METHODS):
        return read_cells(write_records(records), "run", methods)

    return write_and_read


def scores_of(cells):
    return score_frame(cells, CROWD, METRICS)


def means_of(cells):
    return mean_table(scores_of(cells), CROWD)


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
    assert published_scores(table, dataset).at[method, metric] == score


def test_published_tables_are_complete():
    table = read_published(report.__file__)
    assert table.groupby("table").size().to_dict() == {"3.2": 4 * 8, "3.3": 3 * 3}
    assert not table.duplicated(["table", "dataset", "method"]).any()
    missing = table[table["accuracy"].isna()]
    assert set(zip(missing["dataset"], missing["method"], strict=True)) == {
        ("emotion", "CPC")
    }
    named = {m.published for m in (METHODS | WARMUPS).values() if m.published}
    assert named <= set(table["method"])
    # Accuracies on 332 tests are whole numbers of them.
    usps = table[(table["dataset"] == "usps") & (table["method"] != "MBEM")]
    rows = usps["accuracy"] * 332
    assert (rows - rows.round()).abs().max() < 0.02


# --- Numbers -------------------------------------------------------------------------


def test_steps_of_inference_come_from_their_cells(read):
    table = inference_table(read(fake_run(2)))
    accuracy = table[table["metric"] == "accuracy"].set_index("method")["mean"]
    assert accuracy.to_dict() == pytest.approx(
        {
            "MV": 0.505,
            "D&S hard": 0.706,
            "ICED, first round": 0.65625,
            "ICED, end": 0.75625,
        }
    )
    recall = table[table["metric"] == "minority_recall"]
    assert set(recall["method"]) == {"MV", "D&S hard", "ICED, end"}


# --- Table 3.2 -----------------------------------------------------------------------


def test_the_best_comes_first_and_a_failure_last(read):
    records = fake_run(3)
    records[2] = fake_cell("iced", 0)
    means = means_of(read(records))
    assert best_first(means, "accuracy") == ["ds_hard_net", "mv_net", "iced"]


def test_published_scores_stand_beside_their_method():
    columns = {"accuracy": ["0.9", "0.8"], "macro F1": ["1", "2"]}
    table = pd.DataFrame(columns, index=["ICED", "MV + net"])
    beside = put_published_beside(table, ("madelon", 7, "alike"), METHODS, "3.2")
    assert beside.columns.tolist() == [
        *("accuracy", "accuracy, published, of Gisette"),
        *("macro F1", "macro F1, published, of Gisette"),
    ]
    published = beside["accuracy, published, of Gisette"]
    assert (published["ICED"], published["MV + net"]) == ("0.8521", "0.8000")
    assert published["MBEM"] == "0.6967"
    assert pd.isna(beside.at["MBEM", "accuracy"])


@pytest.mark.parametrize("key", [("usps", 9, "unlike"), ("oil", 5, "alike")])
def test_nothing_is_published_of_unlike_workers_or_other_sets(key):
    table = pd.DataFrame({"accuracy": ["0.9"]}, index=["ICED"])
    assert put_published_beside(table, key, METHODS, "3.2") is table


def test_duels_are_told_in_the_order_given(read):
    differences = difference_table(
        scores_of(read(fake_run(4))), CROWD, {"iced": METHODS}
    )
    part = pick(differences, CROWD, ("usps", 9, "alike"))
    table = duel_table(part, ["iced", "ds_hard_net", "mv_net"], TITLES)
    assert table.index.tolist() == ["D&S hard + net", "MV + net"]
    told = table.loc["D&S hard + net"].tolist()
    assert told[:3] == ["+0.051 ± 0.000", "4 - 0", "0.12"]


def test_report_says_what_was_run_and_what_failed(read):
    records = [*fake_run(2), *(fake_cell("ds_lr", seed) for seed in (0, 1))]
    blocks, frames = report_pairs(read(records))
    text = "\n".join(blocks)
    for words in (
        *("8 cells, 2 of them failed", "668 + 66", "| ICED ", "0.9036"),
        "- usps, 9 alike, D&S + LR, seeds 0, 1: ValueError: too few rows",
        *("D&S hard + net in 2 of 2 cells", "100 / 20 / 3 / 611", "0.29 to 0.33"),
    ):
        assert words in text
    means = frames["tables.csv"]
    assert pick_row(means, method="ds_lr", metric="accuracy")["n_failed"] == 2
    assert set(frames["differences.csv"]["first"]) == {"iced"}
    assert set(frames["inference.csv"]["method"]) < set(STEPS)


ROW_FIELDS = (
    *("majority", "minority", "n_train_majority", "n_train_minority"),
    *("n_test_majority", "n_test_minority", "error_rates", "group_rows"),
    *("difficulty_epochs", "difficulty_accuracy", "cell_seconds"),
)


def dead_cell(method, seed, **where):
    """A record that the main process made, since the worker died."""
    record = fake_cell(method, seed, **where)
    return {name: value for name, value in record.items() if name not in ROW_FIELDS}


@pytest.mark.parametrize("make", [fake_cell, dead_cell])
def test_a_report_of_nothing_but_failures(read, make):
    text = "\n".join(report_pairs(read([make("iced", 0)]))[0])
    assert "1 cells, 1 of them failed" in text
    assert "No cell has finished." in text


def test_a_worker_that_died_leaves_the_rows_of_others_alone(read):
    blocks, _ = report_pairs(read([dead_cell("ds_lr", 0), *fake_run(1)]))
    text = "\n".join(blocks)
    for words in ("4 cells, 1 of them failed", "668 + 66", "0.985 after 4"):
        assert words in text


def test_the_order_is_that_of_the_experiment(tmp_path, write_records):
    records = fake_run(2, data="madelon", n_workers=7) + [
        cell for crowd in ("unlike", "alike") for cell in fake_run(2, crowd=crowd)
    ]
    write_records(records)
    assert main(["crowds", "run", "--report-only", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "tables.md").read_text()
    names = ("usps, 9 workers alike", "usps, 9 workers unlike", "madelon, 7 workers")
    places = [text.index(f"## {name}") for name in names]
    assert places == sorted(places)
    assert len(pd.read_csv(tmp_path / "tables.csv")) == 3 * 3 * len(METRICS)
    assert len(pd.read_csv(tmp_path / "differences.csv")) == 3 * 2 * len(METRICS)


# --- Figure 3.2 ----------------------------------------------------------------------


def test_inference_is_drawn_step_by_step(read):
    records = [c for crowd in ("alike", "unlike") for c in fake_run(3, crowd=crowd)]
    table = inference_table(read([*records, *fake_run(3, n_workers=5)]))
    figure = draw_inference(table[table["metric"] == "accuracy"])
    # An odd number of panels leaves one empty.
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles[1:] == ["usps, 9 workers alike", "usps, 9 workers unlike"]
    axes = figure.axes[1]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    widths = dict(zip(labels, (bar.get_width() for bar in axes.patches), strict=True))
    expected = [0.51, 0.712, 0.6625, 0.7625]
    steps = ("MV", "D&S hard", "ICED, first round", "ICED, end")
    assert widths == pytest.approx(dict(zip(steps, expected, strict=True)))


def test_inference_needs_methods_that_infer(tmp_path, write_records, capsys):
    argv = ["crowds", "inference", "--out", str(tmp_path)]
    assert "There is no" in refuse(capsys, lambda: main(argv))
    write_records([fake_cell("crowd_layer", 0, 0.5)])
    assert "no cell of a method that infers" in refuse(capsys, lambda: main(argv))


# --- Table 3.3 -----------------------------------------------------------------------


def test_warm_ups_are_compared_at_their_own_number_of_epochs(read):
    shifts = dict(zip(WARMUPS, (0.3, 0.2, 0.1, 0.35, 0.25, 0.15), strict=True))
    blocks, frames = report_warmup(read(fake_run(3, shifts), WARMUPS))
    text = "\n\n".join(blocks)
    assert "groups of highest certainty: 123 to 125 of 734" in text
    assert "0.8373" in text
    for n in (2, 5):
        block = text.split(f"ICED-w, {n} x 3 epochs, minus the others:")[1]
        block = block.split("\n\n")[1]
        assert f"| Trad-I, {n} x 3 epochs" in block
        assert f"{7 - n} x 3" not in block
    assert len(frames["warmup.csv"]) == 6 * len(METRICS)


# --- Sets ----------------------------------------------------------------------------

FOUR = {"mv_lr": 0.0, "crowd_layer": 0.1, "iced": 0.2, "truth_net": 0.4}


def set_cells(failed=(), n_workers=5):
    names = ("ecoli", "oil", "abalone", "us_crime")
    return [
        fake_cell(
            method,
            seed,
            None if (data, method) in failed else 0.3 + shift + 0.02 * place,
            data=data,
            crowd="unlike",
            n_workers=n_workers,
        )
        for place, data in enumerate(names)
        for seed in range(2)
        for method, shift in FOUR.items()
    ]


def test_ranks_leave_the_ceiling_out(read):
    ranks = mean_ranks(means_of(read(set_cells())), TITLES)
    assert ranks["average precision"].to_dict() == {
        "ICED": 1.0,
        "Crowd-Layer": 2.0,
        "MV + LR": 3.0,
    }


def test_a_failure_counts_against_the_method_that_failed(read):
    means = means_of(read(set_cells(failed=[("oil", "crowd_layer")])))
    table = without_truth(set_table(means, "average_precision", "data"))
    assert np.isnan(table.at["oil", "crowd_layer"])
    text = "\n".join(significance_blocks(table, "AP", "iced", TITLES))
    row = next(line for line in text.splitlines() if line.startswith("| Crowd-Layer"))
    cells = [part.strip() for part in row.split("|")[1:-1]]
    assert cells[:4] == ["Crowd-Layer", "+0.100", "4", "0"]
    assert mean_ranks(means, TITLES).at["MV + LR", "g-mean"] == 2.75
    few = table.iloc[:2]
    (line,) = significance_blocks(few, "AP", "iced", TITLES)
    assert line == "Too few sets or methods to test AP."


def test_sets_are_reported_by_size_of_the_crowd(read):
    records = [c for n in (11, 5) for c in set_cells(n_workers=n)]
    blocks, frames = report_sets(read(records))
    text = "\n".join(blocks)
    assert text.index("## 5 workers") < text.index("## 11 workers")
    assert "2 runs of a set and crowd" in text
    assert text.count("Friedman's test") == 2 * len(SET_METRICS)
    assert set(frames["sets.csv"]["n_workers"]) == {5, 11}
    assert len(frames["sets_differences.csv"]) == 2 * 4 * 3 * len(METRICS)


# --- From data to tables -------------------------------------------------------------


@pytest.mark.slow
def test_run_warmup_and_inference(smoke, tmp_path):
    given = ["--methods", "mv_net,iced", "--datasets", "usps", "--seeds", "0-1"]
    assert smoke("crowds", "run", *given) == 0
    out = tmp_path / "out"
    assert main(["crowds", "inference", "--out", str(out)]) == 0
    cells = read_records(out / "cells.jsonl")
    assert len(cells) == 2 * 2 * 2
    where = {"crowd": "unlike", "method": "iced"}
    by_hand = [
        cell["scores"]["accuracy"]
        for cell in cells
        if where.items() <= cell.items() and cell["data"] == "usps"
    ]
    table = pd.read_csv(out / "tables.csv")
    row = pick_row(table, data="usps", metric="accuracy", **where)
    assert row["mean"] == pytest.approx(np.mean(by_hand))
    assert (out / "inference.png").read_bytes().startswith(b"\x89PNG")
    # Warm-ups see the rows of the runs.
    given = ["--seeds", "0", "--datasets", "usps", "--methods", "groups_2"]
    assert smoke("crowds", "warmup", *given) == 0
    (warm,) = read_records(out / "warmup.jsonl")
    for name in ("majority", "minority", "error_rates", "group_rows"):
        assert warm[name] == cells[0][name]


@pytest.mark.slow
def test_sets(data_home, tmp_path):
    given = ["--data-home", str(data_home), "--out", str(tmp_path), "--n-jobs", "0"]
    given += ["--datasets", "ecoli,libras_move", "--methods", "mv_lr,ds_lr"]
    assert main(["crowds", "sets", *given, "--workers", "5,7", "--runs", "1"]) == 0
    cells = read_records(tmp_path / "sets.jsonl")
    assert len(cells) == 2 * 2 * 2
    ecoli = next(cell for cell in cells if cell["data"] == "ecoli")
    assert ecoli["n_train_minority"] == ecoli["n_test_minority"] == 8
    assert (ecoli["n_train_majority"], ecoli["n_test_majority"]) == (32, 32)
    assert "## 7 workers" in (tmp_path / "sets.md").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--datasets", "ecol"], "Did you mean ecoli"),
        (["--workers", "1"], "numbers of 2 or more"),
        (["--workers", "a"], "numbers of 2 or more"),
        (["--runs", "0"], "--runs got 0"),
    ],
)
def test_a_wrong_option_of_sets(given, message, tmp_path, data_home, capsys):
    out = tmp_path / "out"
    argv = ["crowds", "sets", "--out", str(out), "--data-home", str(data_home), *given]
    assert message in refuse(capsys, lambda: main(argv))
    assert not out.exists()
