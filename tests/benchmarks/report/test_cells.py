import pytest

from imbdeep_bench.engine.protocol import count_folds
from imbdeep_bench.report import independent_blocks, read_cells
from tests.benchmarks.report.conftest import (
    make_cell,
    make_dataset,
    make_failure,
    make_records,
    make_run,
)


def test_frames_hold_every_record(write_records):
    cells = read_cells(write_records(make_records(2, 3, 4)))
    assert len(cells.cells) == cells.n_expected == 2 * 3 * 4
    assert cells.methods == ["net", "net_weighted", "net_ros"]
    assert cells.dataset_names == ["abalone", "abalone_19"]
    assert cells.datasets.loc["abalone_19", "n_minority"] == 30
    stored = make_cell("abalone", "net_ros", 3)["scores"]
    scores = cells.scores.set_index(["dataset", "method", "fold", "metric"])["value"]
    assert scores.loc["abalone", "net_ros", 3].to_dict() == stored


LAST_FINISHED = {
    ("failed", "ok"): 1,
    ("ok", "failed"): 0,
    ("ok", "ok"): 1,
    ("failed", "failed"): 1,
    ("ok", "failed", "ok", "failed"): 2,
}


@pytest.mark.parametrize("statuses", LAST_FINISHED)
def test_last_finished_record_of_a_cell_counts(write_records, statuses):
    records = [
        make_cell("ecoli", "net", 0, status=status, seed=place)
        for place, status in enumerate(statuses)
    ]
    cells = read_cells(write_records(records)).cells
    assert cells["seed"].tolist() == [LAST_FINISHED[statuses]]


def test_last_run_and_last_record_of_a_set_count(write_records):
    records = [
        make_run(["ecoli"], ["net"], seed=0),
        make_dataset("ecoli", n_minority=1),
        make_run(["ecoli"], ["net", "remix"], seed=5),
        make_dataset("ecoli", n_minority=2),
    ]
    cells = read_cells(write_records(records))
    assert cells.run["seed"] == 5
    assert cells.n_runs == 2
    assert cells.datasets.loc["ecoli", "n_minority"] == 2


def test_order_of_the_lines_does_not_matter(write_records):
    records = make_records(3, 3, 2)
    forward = read_cells(write_records(records))
    backward = read_cells(write_records([records[0], *records[:0:-1]]))
    assert forward.scores.equals(backward.scores)
    assert forward.cells.equals(backward.cells)
    assert forward.datasets.equals(backward.datasets)


def test_folds_that_the_protocol_promises():
    told = [
        ({"protocol": "10x2"}, 20),
        ({"protocol": "10x2", "n_repeats": 3}, 6),
        ({"protocol": "4x60-20-20"}, 4),
        ({"protocol": "4x80-20"}, 4),
        ({"protocol": "4x60-20-20", "n_repeats": 2}, 2),
        ({"protocol": "leave one out"}, 0),
        ({}, 0),
    ]
    assert [count_folds(run) for run, _ in told] == [n_folds for _, n_folds in told]


def test_expected_cells_include_those_that_never_ran(write_records):
    records = make_records(2, 2, 4)
    cells = read_cells(write_records(records[:-5]))
    assert cells.n_expected - len(cells.cells) == 5


def test_missing_sets_are_told_apart_and_labelled(write_records):
    records = [
        make_run(["ecoli", "protein_homo", "scene"], ["net"]),
        make_dataset("ecoli"),
        make_dataset("scene"),
        make_dataset("protein_homo", provenance="missing"),
        make_cell("ecoli", "net", 0),
    ]
    cells = read_cells(write_records(records))
    assert cells.missing_datasets == ["protein_homo"]
    assert cells.dataset_names == ["ecoli", "scene"]
    labels = list(map(cells.label, ("ecoli", "scene", "protein_homo", "x")))
    assert labels == ["ecoli", "scene (rebuilt)", "protein_homo (missing)", "x"]


def test_paired_scores_hold_only_folds_that_every_method_has_run(write_records):
    records = [
        make_run(["ecoli", "oil"], ["net", "remix"]),
        make_cell("ecoli", "net", 0),
        make_failure("ecoli", "remix", 0),
        make_cell("ecoli", "net", 1),
        make_cell("oil", "remix", 1),
    ]
    cells = read_cells(write_records(records))
    expected = [("ecoli", "net", 0), ("ecoli", "remix", 0)]
    assert list(cells.paired_scores.index) == expected
    assert cells.paired_failures.tolist() == [False, True]


def test_infinite_scores_are_read_as_missing(write_records):
    cell = make_cell("ecoli", "net", 0, scores={"log_loss": 9.5, "mcc": 0.1})
    path = write_records([cell])
    path.write_text(path.read_text().replace("9.5", "1e999"))
    scores = read_cells(path).paired_scores
    assert scores["log_loss"].isna().all()
    assert scores["mcc"].tolist() == [0.1]


def test_independent_blocks_keep_the_twin_with_the_larger_minority(write_records):
    # abalone (27 minority rows here) has the smaller minority, car_eval_34 the larger.
    cells = read_cells(write_records(make_records(5, 2, 1)))
    assert independent_blocks(cells) == ["abalone_19", "arrhythmia", "car_eval_34"]


def test_a_twin_that_was_not_run_drops_nothing(write_records):
    records = [
        make_run(["abalone"], ["net"]),
        make_dataset("abalone", shares_rows_with="abalone_19"),
        make_cell("abalone", "net", 0),
    ]
    assert independent_blocks(read_cells(write_records(records))) == ["abalone"]


def test_empty_file_gives_empty_frames(tmp_path):
    path = tmp_path / "cells.jsonl"
    path.write_text("")
    cells = read_cells(path)
    assert cells.run == {}
    assert cells.methods == cells.dataset_names == cells.folds == []
    assert cells.paired_scores.empty
