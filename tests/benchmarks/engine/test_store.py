import json

import pytest

from imbdeep_bench.engine.store import CellStore

RUN = {
    **{"kind": "run", "suite": "imblearn27", "protocol": "2x2", "seed": 0},
    **{"datasets": ["ecoli"], "methods": ["net"]},
}
CELL = {
    **{"kind": "cell", "dataset": "ecoli", "method": "net", "fold": 0},
    **{"status": "ok", "data_sha256": "abc"},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "cells.jsonl"


def test_what_is_appended_is_read_again(path):
    store = CellStore(path)
    store.append(RUN)
    store.append(CELL)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [RUN, CELL]
    store.close()
    again = CellStore(path)
    assert again.records == store.records == [RUN, CELL]
    assert (again.of_kind("run"), again.of_kind("cell")) == ([RUN], [CELL])


def test_a_record_is_on_disk_when_append_returns(path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        "os.fsync", lambda number: synced.append(path.read_text().count("\n"))
    )
    store = CellStore(path)
    store.append(RUN)
    store.append(CELL)
    assert synced == [1, 2]


@pytest.mark.parametrize(
    "half", ['{"kind": "ce', '{"kind": "cell", "error": "\\u00', "{"]
)
def test_half_written_last_line_is_cut_off(path, half):
    CellStore(path).append(CELL)
    good = path.read_bytes()
    with path.open("a") as file:
        file.write(half)
    store = CellStore(path)
    assert store.records == [CELL]
    assert path.read_bytes() == good
    store.append({**CELL, "fold": 1})
    store.close()
    assert [cell["fold"] for cell in CellStore(path).records] == [0, 1]


def test_a_file_of_one_half_line_becomes_empty(path):
    path.parent.mkdir()
    path.write_text('{"kind": "r')
    assert CellStore(path).records == []
    assert path.read_bytes() == b""


def test_not_a_number_is_refused_before_the_file_is_touched(path):
    store = CellStore(path)
    with pytest.raises(ValueError, match="JSON"):
        store.append({**CELL, "scores": {"mcc": float("nan")}})
    with pytest.raises(ValueError, match="cannot be stored: a cell, lacks method"):
        store.append({k: v for k, v in CELL.items() if k != "method"})
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("option", "value"), [("suite", "embedded"), ("protocol", "10x2"), ("seed", 1)]
)
def test_another_run_is_refused(path, option, value):
    store = CellStore(path)
    store.append(RUN)
    expected = f"with {option} {RUN[option]!r}, not {value!r}; give another --out"
    with pytest.raises(ValueError, match=expected):
        store.check_same_run({**RUN, option: value}, {})


def test_other_data_are_refused(path):
    store = CellStore(path)
    store.append(RUN)
    store.append(CELL)
    store.check_same_run(RUN, {"ecoli": "abc", "oil": "new"})
    with pytest.raises(ValueError, match=r"other data of ecoli.*give another --out"):
        store.check_same_run(RUN, {"ecoli": "abd"})


def test_finished_leaves_out_failed_cells_until_they_succeed(path):
    store = CellStore(path)
    store.append({**CELL, "status": "failed"})
    assert store.finished() == set()
    store.append(CELL)
    assert store.finished() == {("ecoli", "net", 0)}
