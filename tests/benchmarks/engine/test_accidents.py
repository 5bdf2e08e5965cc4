"""Cells of which some kill their worker: all others are computed, and once."""

import json
from collections import Counter
from contextlib import closing

import pytest

from imbdeep_bench.engine.run import compute
from imbdeep_bench.engine.store import CellStore
from imbdeep_bench.engine.workers import Workers
from tests.benchmarks.engine.accidents import happen, stub_cell


@pytest.fixture
def fill(tmp_path):
    """Compute cells that a file lacks; return how many failed, and their records."""
    path = tmp_path / "cells.jsonl"

    def fill(whats, workers):
        cells = [
            stub_cell(f"{i} {what}", what, tmp_path) for i, what in enumerate(whats)
        ]
        with closing(CellStore(path)) as store:
            finished = store.finished()
            missing = [cell for cell in cells if cell.key not in finished]
            n_before = len(store.records)
            n_all = len(cells)
            n_failed = compute(store, missing, workers, n_total=n_all, run_one=happen)
        lines = path.read_text().splitlines()[n_before:]
        return n_failed, [json.loads(line) for line in lines]

    return fill


def by_name(records):
    """The last status of each cell."""
    return {record["dataset"]: record["status"] for record in records}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_cell_that_kills_its_worker_blocks_no_other(fill, n_jobs):
    whats = ["exit", "nothing", "nothing", "nothing"]
    n_failed, records = fill(whats, Workers(n_jobs))
    assert n_failed == 1
    assert by_name(records) == {
        "0 exit": "failed",
        "1 nothing": "ok",
        "2 nothing": "ok",
        "3 nothing": "ok",
    }
    # Once among the others, and once alone after them.
    died = [record for record in records if record["status"] == "failed"]
    assert len(died) == 2
    assert died[-1] is records[-1]
    assert died[-1]["error"] == "worker died: exit code 7"
    assert (died[-1]["cause"], died[-1]["exit_code"]) == ("worker died", 7)
    assert (died[-1]["scores"], died[-1]["data_sha256"]) == ({}, "abc")


def test_a_rerun_tries_suspects_last(fill, tmp_path):
    whats = ["exit", "unprintable", "nothing"]
    assert fill(whats, Workers(2))[0] == 2
    n_failed, records = fill([*whats, "nothing"], Workers(1))
    assert n_failed == 2
    assert [record["dataset"] for record in records] == [
        "3 nothing",
        "1 unprintable",
        "0 exit",
    ]


def test_a_worker_that_is_killed_once_costs_no_cell(fill):
    n_failed, records = fill(["once", "nothing", "nothing"], Workers(2))
    assert n_failed == 0
    assert set(by_name(records).values()) == {"ok"}


def test_cells_that_die_in_company_are_computed_alone(fill):
    n_failed, records = fill(["crowded", "crowded"], Workers(2))
    assert n_failed == 0
    assert set(by_name(records).values()) == {"ok"}
    assert Counter(record["status"] for record in records)["failed"] >= 1
