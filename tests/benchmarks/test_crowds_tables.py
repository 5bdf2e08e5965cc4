"""Tables and pictures of the crowd experiments follow from their cells."""

import json

import numpy as np
import pandas as pd
import pytest
from _crowds import inference, run, sets_report, warmup
from _crowds.cells import METRICS, NO_RESULT
from _crowds.methods import METHODS, WARMUPS
from _crowds.published import PUBLISHED, published_scores, scores_beside
from _crowds.results import (
    STEPS,
    difference_table,
    inference_table,
    mean_table,
    read_cells,
    score_frame,
)
from _crowds.tables import best_first, duel_table, pick_crowd, put_published_beside

TITLES = {name: method.title for name, method in METHODS.items()}
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
    """Scores that differ by method and, a little, by seed."""
    return [
        fake_cell(method, seed, 0.5 + shift + seed * (0.01 + 0.01 * shift), **where)
        for seed in range(n_seeds)
        for method, shift in shifts.items()
    ]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def read(tmp_path):
    def write_and_read(records, methods=METHODS):
        path = write(tmp_path / "cells.jsonl", records)
        return read_cells(path, "crowds.py run", methods)

    return write_and_read


def pick(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


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
    long = pd.read_csv(PUBLISHED, dtype={"table": str})
    assert long.groupby("table").size().to_dict() == {
        "3.2": 4 * 2 * 8,
        "3.3": 3 * 3 * 4,
    }
    assert not long.duplicated(["table", "dataset", "metric", "method"]).any()
    missing = long[long["score"].isna()]
    assert set(zip(missing["dataset"], missing["method"], strict=True)) == {
        ("emotion", "CPC")
    }
    named = {m.published for m in (METHODS | WARMUPS).values() if m.published}
    assert named <= set(long["method"])
    # Accuracies on 332 tests are whole numbers of them.
    usps = long[(long["dataset"] == "usps") & (long["metric"] == "accuracy")]
    rows = usps.loc[~usps["method"].isin(["MBEM"]), "score"] * 332
    assert (rows - rows.round()).abs().max() < 0.02


def test_nothing_is_published_of_unlike_workers_or_other_sets():
    assert scores_beside("3.2", "usps", "unlike") is None
    assert scores_beside("3.2", "oil", "alike") is None
    assert scores_beside("3.2", "madelon", "alike").at["ICED", "accuracy"] == 0.8521


# --- Numbers -------------------------------------------------------------------------


def test_means_and_standard_errors(read):
    means = mean_table(score_frame(read(fake_run())))
    assert len(means) == len(SHIFTS) * len(METRICS)
    values = 0.75 + np.arange(4) * 0.0125
    row = pick(means, method="iced", metric="accuracy")
    assert row["mean"] == pytest.approx(values.mean())
    assert row["se"] == pytest.approx(values.std(ddof=1) / 2)
    assert (row["n_runs"], row["n_failed"]) == (4, 0)


def test_only_runs_of_all_methods_count(read):
    cells = read([*fake_run(3), fake_cell("iced", 3, 0.9)])
    assert sorted(cells["fold"].unique()) == [0, 1, 2]


def test_differences_are_run_by_run(read):
    records = fake_run(10)
    records[2] = fake_cell("iced", 0)
    differences = difference_table(score_frame(read(records)), "iced", METHODS)
    assert set(differences["minus"]) == {"mv_net", "ds_hard_net"}
    row = pick(differences, minus="ds_hard_net", metric="macro_f1")
    lead = 0.05 + np.arange(1, 10) * 0.0005
    assert row["difference"] == pytest.approx(lead.mean())
    assert row["se"] == pytest.approx(lead.std(ddof=1) / 3)
    assert row["p_value"] == pytest.approx(2 / 2**9)
    assert (row["won"], row["lost"], row["n_runs"]) == (9, 0, 9)


def test_differences_without_the_method_are_an_empty_table(read):
    cells = read(fake_run(shifts={"mv_net": 0.0}))
    assert difference_table(score_frame(cells), "iced", METHODS).empty


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


# --- Tables --------------------------------------------------------------------------


def test_the_best_comes_first_and_a_failure_last(read):
    records = fake_run(3)
    records[2] = fake_cell("iced", 0)
    means = mean_table(score_frame(read(records)))
    assert best_first(means, "accuracy") == ["ds_hard_net", "mv_net", "iced"]


def test_published_scores_stand_beside_their_method():
    table = pd.DataFrame(
        {"accuracy": ["0.9", "0.8"], "recall": ["1", "2"]}, index=["ICED", "MV + net"]
    )
    key = ("madelon", 7, "alike")
    beside = put_published_beside(table, key, METHODS, {"accuracy": "accuracy"}, "3.2")
    assert beside.columns.tolist() == [
        "accuracy",
        "accuracy, published, of Gisette",
        "recall",
    ]
    published = beside["accuracy, published, of Gisette"]
    assert (published["ICED"], published["MV + net"]) == ("0.8521", "0.8000")
    assert published["MBEM"] == "0.6967"
    assert pd.isna(beside.at["MBEM", "accuracy"])
    other = put_published_beside(table, ("usps", 9, "unlike"), METHODS, {}, "3.2")
    assert other is table


def test_duels_are_told_in_the_order_given(read):
    scores = score_frame(read(fake_run(4)))
    differences = difference_table(scores, "iced", METHODS)
    table = duel_table(
        pick_crowd(differences, ("usps", 9, "alike")),
        ["iced", "ds_hard_net", "mv_net"],
        {"accuracy": "accuracy"},
        TITLES,
    )
    assert table.index.tolist() == ["D&S hard + net", "MV + net"]
    assert table.loc["D&S hard + net"].tolist() == ["+0.051 ± 0.000", "4 - 0", "0.12"]


def test_report_says_what_was_run_and_what_failed(read):
    records = [*fake_run(2), *(fake_cell("ds_lr", seed) for seed in (0, 1))]
    text, means, differences, steps = run.make_report(read(records))
    assert "8 cells, 2 of them failed" in text
    assert "- usps, 9 alike, D&S + LR, seeds 0, 1: ValueError: too few rows" in text
    assert "668 + 66" in text
    assert "| ICED " in text
    assert "0.9036" in text
    assert "D&S hard + net in 2 of 2 cells" in text
    assert "100 / 20 / 3 / 611" in text
    assert "0.29 to 0.33" in text
    assert pick(means, method="ds_lr", metric="accuracy")["n_failed"] == 2
    assert set(differences["first"]) == {"iced"}
    assert set(steps["method"]) < set(STEPS)


def test_report_of_nothing_but_failures(read):
    text, *_ = run.make_report(read([fake_cell("iced", 0)]))
    assert "1 cells, 1 of them failed" in text
    assert "No cell has finished." in text


ROW_FIELDS = (
    *("majority", "minority", "n_train_majority", "n_train_minority"),
    *("n_test_majority", "n_test_minority", "error_rates", "group_rows"),
    *("difficulty_epochs", "difficulty_accuracy", "cell_seconds"),
)


def dead_cell(method, seed, **where):
    """A record that the main process made, since the worker died."""
    record = fake_cell(method, seed, **where)
    return {name: value for name, value in record.items() if name not in ROW_FIELDS}


def test_a_worker_that_died_leaves_the_rows_of_others_alone(read):
    text, *_ = run.make_report(read([dead_cell("ds_lr", 0), *fake_run(1)]))
    assert "4 cells, 1 of them failed" in text
    assert "668 + 66" in text
    assert "100 / 20 / 3 / 611" in text
    assert "0.985 after 4" in text


def test_a_report_of_nothing_but_dead_workers(read):
    text, *_ = run.make_report(read([dead_cell("iced", 0)]))
    assert "1 cells, 1 of them failed" in text


def test_the_order_is_that_of_the_experiment(tmp_path):
    records = fake_run(2, data="madelon", n_workers=7) + [
        cell for crowd in ("unlike", "alike") for cell in fake_run(2, crowd=crowd)
    ]
    write(tmp_path / run.CELLS, records)
    text = run.write_report(tmp_path).read_text()
    places = [
        text.index(f"## {name}")
        for name in (
            "usps, 9 workers alike",
            "usps, 9 workers unlike",
            "madelon, 7 workers alike",
        )
    ]
    assert places == sorted(places)
    assert len(pd.read_csv(tmp_path / "tables.csv")) == 3 * 3 * len(METRICS)
    assert len(pd.read_csv(tmp_path / "differences.csv")) == 3 * 2 * len(METRICS)


# --- Figure 3.2 ----------------------------------------------------------------------


def test_inference_is_drawn_step_by_step(read):
    records = [c for crowd in ("alike", "unlike") for c in fake_run(3, crowd=crowd)]
    table = inference_table(read(records))
    figure = inference.draw_inference(table[table["metric"] == "accuracy"])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [
        "usps, 9 workers alike",
        "usps, 9 workers unlike",
    ]
    axes = shown[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    widths = dict(zip(labels, (bar.get_width() for bar in axes.patches), strict=True))
    assert widths == pytest.approx(
        {
            "MV": 0.51,
            "D&S hard": 0.712,
            "ICED, first round": 0.6625,
            "ICED, end": 0.7625,
        }
    )


def test_an_odd_number_of_panels_leaves_one_empty(read):
    table = inference_table(read(fake_run(2)))
    figure = inference.draw_inference(table[table["metric"] == "accuracy"])
    assert [axes.get_visible() for axes in figure.axes] == [True, False]


# --- Table 3.3 -----------------------------------------------------------------------


def test_warm_ups_are_compared_at_their_own_number_of_epochs(read):
    shifts = dict(zip(WARMUPS, (0.3, 0.2, 0.1, 0.35, 0.25, 0.15), strict=True))
    text, means = warmup.make_report(read(fake_run(3, shifts), WARMUPS))
    assert "groups of highest certainty: 123 to 125 of 734" in text
    assert "0.8373" in text
    for n in (2, 5):
        block = text.split(f"ICED-w, {n} x 3 epochs, minus the others:")[1]
        block = block.split("\n\n")[1]
        assert f"| Trad-I, {n} x 3 epochs" in block
        assert f"{7 - n} x 3" not in block
    assert len(means) == 6 * len(METRICS)


# --- Sets ----------------------------------------------------------------------------

FOUR = {"mv_lr": 0.0, "crowd_layer": 0.1, "iced": 0.2, "truth_net": 0.4}


def set_cells(shifts=FOUR, failed=(), n_workers=5):
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
        for method, shift in shifts.items()
    ]


def test_ranks_leave_the_ceiling_out(read):
    means = mean_table(score_frame(read(set_cells())))
    ranks = sets_report.mean_ranks(means, 5)
    assert ranks["average precision"].to_dict() == {
        "ICED": 1.0,
        "Crowd-Layer": 2.0,
        "MV + LR": 3.0,
    }


def test_a_failure_counts_against_the_method_that_failed(read):
    means = mean_table(score_frame(read(set_cells(failed=[("oil", "crowd_layer")]))))
    table = sets_report.without_truth(
        sets_report.set_table(means, "average_precision", 5)
    )
    assert np.isnan(table.at["oil", "crowd_layer"])
    text = "\n".join(sets_report.significance_blocks(table, "average_precision"))
    row = next(line for line in text.splitlines() if line.startswith("| Crowd-Layer"))
    cells = [part.strip() for part in row.split("|")[1:-1]]
    assert cells[:4] == ["Crowd-Layer", "+0.100", "4", "0"]
    assert sets_report.mean_ranks(means, 5).at["MV + LR", "g-mean"] == 2.75


def test_too_few_sets_are_not_tested(read):
    means = mean_table(score_frame(read(set_cells()[:16])))
    table = sets_report.set_table(means, "g_mean", 5)
    (line,) = sets_report.significance_blocks(table, "g_mean")
    assert line == "Too few sets or methods to test g-mean."


@pytest.mark.slow
def test_sets_are_reported_by_size_of_the_crowd(tmp_path):
    records = [c for n in (11, 5) for c in set_cells(n_workers=n)]
    write(tmp_path / sets_report.CELLS, records)
    text = sets_report.write_report(tmp_path).read_text()
    assert text.index("## 5 workers") < text.index("## 11 workers")
    assert "2 runs of a set and crowd" in text
    assert text.count("Friedman's test") == 2 * len(sets_report.SHOWN)
    assert set(pd.read_csv(tmp_path / "sets.csv")["n_workers"]) == {5, 11}
    assert len(pd.read_csv(tmp_path / "sets_differences.csv")) == 2 * 4 * 3 * len(
        METRICS
    )
