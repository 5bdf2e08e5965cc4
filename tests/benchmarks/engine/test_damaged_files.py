"""Damaged files of results: accepted by all who read them, or refused by all."""

import json

import pytest

import imblearn27
from imbdeep_bench.engine.experiment import Grid
from imbdeep_bench.engine.run import fill
from imbdeep_bench.engine.store import CellStore, read_records
from imbdeep_bench.engine.workers import Workers
from imbdeep_bench.imblearn27.methods import METHODS
from imbdeep_bench.report import read_cells
from imbdeep_bench.report.runs import read_complete_cells
from tests.benchmarks.engine.accidents import stub_cell
from tests.benchmarks.engine.stubs import recording_method
from tests.benchmarks.report.conftest import make_records

RECORDS = make_records(2, 2, 2)
RUN, DATASET, _, CELL, *OTHERS = RECORDS
AT = 4  # the line of CELL


def lines(*changed):
    """The bytes of a file whose fourth line stands for `changed`."""
    texts = [json.dumps(record) for record in RECORDS]
    texts[AT - 1 : AT] = [c if isinstance(c, str) else json.dumps(c) for c in changed]
    return ("\n".join(texts) + "\n").encode()


def cell(**changes):
    return lines({**CELL, **changes})


def raw(json_text, field="note"):
    """The bytes of a file whose fourth line has a field as it is written."""
    return cell(**{field: "?"}).replace(b'"?"', json_text.encode())


def without(record, name):
    return {key: value for key, value in record.items() if key != name}


def bins(**changes):
    whole = {"count": [2, 1], "mean_predicted": [0.1, None], "positives": [1, 0]}
    return {"curves": {"calibration": {**whole, **changes}}}


GOOD = lines(CELL)
ACCEPTED = {
    "as it was written": GOOD,
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "CRLF": GOOD.replace(b"\n", b"\r\n"),
    "blank lines": GOOD.replace(b"\n", b"\n\n"),
    "spaces at the end": GOOD + b"  ",
    "no last newline": GOOD[:-1],
    "half a line": GOOD + b'{"kind": "cell", "da',
    "half a character": GOOD + b'{"kind": "\xc3',
    "zeros after a power cut": GOOD + b"\0" * 40,
    "line separator in a text": cell(error="a\u2028b\u2029c\x85d\x0be"),
    "raw line separator": cell(error="a?b").replace(b"?", "\u2028".encode()),
    "raw next line": cell(error="a?b").replace(b"?", "\x85".encode()),
    "half a surrogate pair": cell(error="a\udcffb"),
    "unknown key": cell(note={"a": [1]}),
    "infinite score": raw('{"mcc": 1e999}', "scores"),
    "null scores": cell(scores=None),
    "scores at their bounds": cell(
        scores={"mcc": -1.0, "roc_auc": 1 + 2**-52, "log_loss": 36.0, "brier": 0}
    ),
    "a score of another kind": cell(scores={"seconds": 7.0, "mcc": None}),
    "no curves": cell(curves=None),
}
REFUSED = {
    "text": lines("oops"),
    "half a line inside": lines('{"kind": "cell", "da'),
    "lines that end in a separator": GOOD.replace(b"\n", b"\xe2\x80\xa8"),
    "half a line that ends": GOOD.replace(b"}\n", b"\n"),
    "two records": lines(json.dumps(CELL) * 2),
    "carriage returns alone": GOOD.replace(b"\n", b"\r"),
    "not UTF-8": cell(error="a?b").replace(b"?", b"\xff"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a zero": cell(error="a?b").replace(b"?", b"\0"),
    "list": lines([1, 2]),
    "number": lines("3"),
    "null": lines("null"),
    "NaN": raw('{"mcc": NaN}', "scores"),
    "Infinity": raw('{"mcc": -Infinity}', "scores"),
    "key twice": lines(json.dumps(CELL)[:-1] + ', "status": "failed"}'),
    "key twice inside": raw('{"mcc": 1, "mcc": 2}', "scores"),
    "deep": raw("[" * 100_000 + "]" * 100_000),
    "rather deep": cell(note=json.loads("[" * 30 + "]" * 30)),
    "digits": raw("9" * 5000),
    "no kind": lines(without(CELL, "kind")),
    "unknown kind": cell(kind="note"),
    "kind of the wrong type": cell(kind=["cell"]),
    **{f"no {n}": lines(without(CELL, n)) for n in ("dataset", "method", "fold")},
    "no status": lines(without(CELL, "status")),
    "unknown status": cell(status="done"),
    "status of the wrong type": cell(status=["ok"]),
    "dataset is a number": cell(dataset=3),
    "dataset is a list": cell(dataset=["ecoli"]),
    "dataset is empty": cell(dataset=""),
    "method is null": cell(method=None),
    "fold is a text": cell(fold="0"),
    "fold is true": cell(fold=True),
    "fold is no whole number": cell(fold=0.5),
    "fold is negative": cell(fold=-1),
    "fold is huge": cell(fold=10**30),
    "error is a list": cell(error=["a"]),
    "scores are a list": cell(scores=[0.5]),
    "a score is a text": cell(scores={"mcc": "0.5"}),
    "a score is a list": cell(scores={"mcc": [0.5]}),
    "a score is true": cell(scores={"mcc": True}),
    "a score is huge": cell(scores={"mcc": 10**400}),
    "average precision of 7": cell(scores={"average_precision": 7.0}),
    "negative log loss": cell(scores={"log_loss": -0.1}),
    "correlation below -1": cell(scores={"mcc_tuned": -1.01}),
    "a classifier's recall of 2": cell(scores={"net": {"recall_0": 2}}),
    "threshold above 1": cell(threshold=1.5),
    "precision above 1": cell(curves={"precision_at": [0.5, 1.5]}),
    "prediction below 0": cell(**bins(mean_predicted=[-0.1, None])),
    "fold beyond the protocol": cell(fold=99),
    "unknown data set": cell(dataset="nowhere"),
    "unknown method": cell(method="nobody"),
    "run of an unknown protocol": lines({**RUN, "protocol": "often"}),
    "run of unknown folds": lines({**RUN, "protocol": "10x3"}),
    "threshold is a text": cell(threshold="0.5"),
    "seconds are a text": cell(fit_seconds="fast"),
    "seconds are negative": cell(fit_seconds=-1.0),
    "zeros alone": b"\0" * 100,
    "another file": b"\x1f\x8b" + b"x" * 50,
    "rows are negative": cell(n_train=-5),
    "versions are a list": cell(versions=["torch"]),
    "a version is a number": cell(versions={"torch": 2.4}),
    "hash is a number": cell(data_sha256=5),
    "curves are a list": cell(curves=[1]),
    "a curve is a text": cell(curves={"precision_at": "a"}),
    "a bin is a text": cell(**bins(count=["2", 1])),
    "bins differ in length": cell(**bins(count=[2])),
    "more positives than rows": cell(**bins(positives=[3, 0])),
    "bins are missing": cell(curves={"calibration": {"count": [1]}}),
    "run without protocol": lines(without(RUN, "protocol")),
    "run without methods": lines(without(RUN, "methods")),
    "run of so many folds": lines({**RUN, "protocol": "99999999x2"}),
    "run of so many repeats": lines({**RUN, "n_repeats": 10**9}),
    "run of repeats in words": lines({**RUN, "n_repeats": "two"}),
    "run of methods in a text": lines({**RUN, "methods": "net"}),
    "run of a seed in a text": lines({**RUN, "seed": "0"}),
    "data set without name": lines(without(DATASET, "name")),
    "data set of a list": lines({**DATASET, "name": ["a"]}),
    "data set of negative rows": lines({**DATASET, "n_minority": -1}),
    "data set of a wrong provenance": lines({**DATASET, "provenance": 3}),
}


def write(folder, content):
    path = folder / "cells.jsonl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_by_all(tmp_path, name):
    path = write(tmp_path, ACCEPTED[name])
    read = read_cells(path)
    assert len(read.cells) == 8
    assert read.methods == RUN["methods"]
    assert len(read_records(path, "cell")) == 8
    assert path.read_bytes() == ACCEPTED[name]  # readers leave the file alone
    store = CellStore(path)
    store.append(CELL)
    store.close()
    assert len(CellStore(path).of_kind("cell")) == 9
    assert len(read_records(path, "cell")) == 9


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_all_at_once(tmp_path, name):
    path = write(tmp_path, REFUSED[name])
    messages = set()
    for read in (CellStore, read_cells, lambda path: read_records(path, "cell")):
        with pytest.raises(ValueError, match=r"^Line \d+ of .*cells\.jsonl") as caught:
            read(path)
        messages.add(str(caught.value))
    (message,) = messages
    assert "Mend or remove that line" in message
    assert len(message) < 500
    assert path.read_bytes() == REFUSED[name]


def test_cells_are_those_of_the_runs_before_them(tmp_path):
    # Later runs add to the grid, and cells on seeds are numbered by these.
    first = {**RUN, "datasets": ["a"], "n_repeats": None, "protocol": "80-20"}
    runs = [{**first, "seeds": [3, 7]}, {**first, "seeds": [9], "datasets": ["b"]}]
    cells = [{**CELL, "dataset": "a", "fold": fold} for fold in (3, 7, 9)]
    told = [runs[0], *cells[:2], runs[1], *cells[2:]]
    good = "\n".join(map(json.dumps, told)).encode()
    assert len(read_records(write(tmp_path, good), "cell")) == 3
    early = "\n".join(map(json.dumps, [runs[0], *cells])).encode()
    for content, match in [
        (early, r"Line 4 of .* has fold=9; the runs before it have the folds 3 to 7"),
        (
            good.replace(b'"dataset": "a"', b'"dataset": "c"'),
            r"Line 2 .*'c'; .*\['a'\]",
        ),
    ]:
        with pytest.raises(ValueError, match=match):
            read_records(write(tmp_path, content), "cell")
    # Folds that nobody counted, and cells without a run, are taken as they are.
    for content in (early.replace(b'"seeds"', b'"noted"'), json.dumps(CELL).encode()):
        read_records(write(tmp_path, content), "cell")


def test_the_line_is_that_of_an_editor(tmp_path):
    path = write(tmp_path, b"\n\r\n" + cell(fold=-1))
    with pytest.raises(ValueError, match=r"Line 6 of .* has fold=-1; expected a whole"):
        CellStore(path)


def test_the_benchmark_refuses_before_it_computes(
    tmp_path, data_home, no_network, monkeypatch, capsys
):
    log = []
    monkeypatch.setitem(METHODS, "first", recording_method(log))
    out = tmp_path / "out"
    out.mkdir()
    command = ["--datasets", "ecoli", "--methods", "first", "--protocol", "1x2"]
    command += ["--n-jobs", "0", "--data-home", str(data_home), "--out", str(out)]
    # A report could not be made of these, though they are records as such.
    nested = cell(scores={"net": {"mcc": 0.5}})
    short = cell(curves={"precision_at": [0.5]})
    for content in (nested, short, REFUSED["fold is a text"]):
        write(out, content)
        with pytest.raises(SystemExit) as stopped:
            imblearn27.main(command)
        assert stopped.value.code == 2
        assert f"of {out / 'cells.jsonl'}, a cell, has" in capsys.readouterr().err
    assert log == []


def test_a_run_wants_what_tells_its_cells_apart(tmp_path):
    cell = stub_cell("a", labels={"data": "a", "r": 0.1})
    grid = Grid(cell.experiment, [cell.setting], [cell.method], [0])
    stored = {**CELL, "data": "a", "data_sha256": "abc"}
    path = write(tmp_path, (json.dumps(stored) + "\n").encode())
    with pytest.raises(ValueError, match=r"Line 1 of .*, a cell, lacks r\. Mend"):
        fill(path, grid, Workers(0))


def test_reports_of_the_papers_refuse_too(tmp_path):
    path = write(tmp_path, REFUSED["fold is a text"])
    with pytest.raises(ValueError, match=r"Line 4 of .* has fold='0'"):
        read_complete_cells(path, "run", {"fold": ()})
