import json

import pytest

from imbdeep_bench.data.suites import load_suite
from imbdeep_bench.engine.protocol import parse_protocol
from imbdeep_bench.engine.run import fill
from imbdeep_bench.engine.supervised import grid_on
from imbdeep_bench.engine.workers import Workers
from imbdeep_bench.imblearn27.experiment import Imblearn27
from imbdeep_bench.imblearn27.methods import METHODS
from tests.benchmarks.engine.stubs import BrokenClassifier, recording_method


@pytest.fixture
def log(monkeypatch):
    """Two recording methods and one that fails, among the known ones."""
    log = []
    for name in ("first", "second"):
        monkeypatch.setitem(METHODS, name, recording_method(log, name=name))
    broken = recording_method(log, name="broken", cls=BrokenClassifier)
    monkeypatch.setitem(METHODS, "broken", broken)
    return log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "cells.jsonl"


@pytest.fixture
def run(data_home, no_network):
    """Make a grid on the small collection."""

    def make(methods=("first", "second"), datasets=("ecoli", "libras_move"), **changes):
        suite = load_suite(list(datasets), None, data_home)
        fields = {"seed": 0, "preset": "smoke", "suite_name": suite.name} | changes
        experiment = Imblearn27(split_by=parse_protocol("1x2"), **fields)
        return grid_on(experiment, suite, [METHODS[name] for name in methods])

    return make


def do(run, path, n_jobs=0):
    return fill(path, run, Workers(n_jobs))


def records(path, kind):
    lines = map(json.loads, path.read_text().splitlines())
    return [record for record in lines if record["kind"] == kind]


def test_every_cell_once_in_the_order_of_the_grid(run, path, log):
    assert do(run(), path) == 0
    cells = [(c["fold"], c["dataset"], c["method"]) for c in records(path, "cell")]
    assert cells == sorted(cells)
    assert len(cells) == len(log) == 8


def test_run_record(run, path, log):
    do(run(), path)
    (record,) = records(path, "run")
    versions, identity = record.pop("versions"), record.pop("identity")
    assert identity.keys() == {"package", "device", "methods"}
    assert identity["methods"].keys() == {"first", "second"}
    assert record == {
        **{"kind": "run", "suite": "imblearn27", "preset": "smoke", "seed": 0},
        **{"protocol": "1x2", "n_repeats": 1},
        **{"datasets": ["ecoli", "libras_move"], "methods": ["first", "second"]},
    }
    libraries = {"python", "torch", "sklearn", "imblearn", "skorch", "numpy", "imbdeep"}
    assert versions.keys() == libraries


def test_all_methods_see_the_same_rows(run, path, log):
    do(run(), path)
    for first, second in zip(log[::2], log[1::2], strict=True):
        assert first["X"].tobytes() == second["X"].tobytes()
        assert first["eval_set"][0].tobytes() == second["eval_set"][0].tobytes()


def test_each_cell_has_a_seed_of_its_own(run, path, log):
    do(run(), path)
    assert len({cell["seed"] for cell in records(path, "cell")}) == 8


def test_each_line_is_written_before_the_next_cell_starts(run, path, log, monkeypatch):
    written = []

    class Watching(type(METHODS["first"].make(0, "cpu"))):
        def fit(self, X, y, eval_set=None):
            written.append(len(records(path, "cell")))
            return super().fit(X, y, eval_set)

    monkeypatch.setitem(METHODS, "first", recording_method(log, cls=Watching))
    do(run(["first"]), path)
    assert written == [0, 1, 2, 3]


def test_a_rerun_computes_nothing(run, path, log):
    do(run(), path)
    before = records(path, "cell"), records(path, "dataset")
    log.clear()
    do(run(), path)
    assert log == []
    assert (records(path, "cell"), records(path, "dataset")) == before


@pytest.mark.parametrize("kept", [0, 3, 7])
def test_a_killed_run_goes_on_where_it_stopped(run, path, log, kept):
    do(run(), path)
    whole = records(path, "cell")
    lines = path.read_bytes().splitlines(keepends=True)
    head = len(lines) - 8 + kept
    # The last line is cut in the middle, as a kill during the writing would.
    path.write_bytes(b"".join(lines[:head]) + lines[head][:40])
    log.clear()
    do(run(), path)
    assert len(log) == 8 - kept
    times = ("fit_seconds", "predict_seconds", "cell_seconds")
    for old, new in zip(whole, records(path, "cell"), strict=True):
        assert old | dict.fromkeys(times) == new | dict.fromkeys(times)


def test_failed_cells_are_recorded_and_tried_again(run, path, log, monkeypatch):
    assert do(run(["first", "broken"]), path) == 4
    failed = [c for c in records(path, "cell") if c["status"] == "failed"]
    assert {c["method"] for c in failed} == {"broken"}
    assert len(log) == 4

    mended = recording_method(log, name="broken")
    monkeypatch.setitem(METHODS, "broken", mended)
    assert do(run(["first", "broken"]), path) == 0
    assert len(log) == 8
    assert [c["status"] for c in records(path, "cell")[-4:]] == ["ok"] * 4


def test_a_method_and_a_dataset_may_be_added(run, path, log):
    do(run(["first"], ["ecoli"]), path)
    do(run(["second"], ["libras_move"]), path)
    assert len(log) == 4
    last = records(path, "run")[-1]
    assert last["methods"] == ["first", "second"]
    assert last["datasets"] == ["ecoli", "libras_move"]


def test_changed_data_are_refused(run, path, log, data_home):
    from tests.benchmarks.conftest import write_set

    do(run(), path)
    write_set(data_home, 1, n_samples=80, n_minority=16, seed=99)
    with pytest.raises(ValueError, match="other data of ecoli"):
        do(run(), path)


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(run, tmp_path):
    methods = ["logistic", "balanced_random_forest", "hist_gb_weighted"]
    scores = []
    for n_jobs in (0, 1, 2):
        path = tmp_path / str(n_jobs) / "cells.jsonl"
        do(run(methods), path, n_jobs)
        told = ("dataset", "method", "fold", "scores", "curves")
        cells = [[cell[name] for name in told] for cell in records(path, "cell")]
        scores.append(sorted(cells, key=lambda cell: cell[:3]))
    assert len(scores[0]) == 12
    assert scores[0] == scores[1]
