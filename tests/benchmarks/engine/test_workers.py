"""Workers that die, hang or are interrupted, by real signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imbdeep_bench.engine import workers as workers_module
from imbdeep_bench.engine.workers import Accident, Workers, WorkerStartError
from tests.benchmarks.conftest import BENCHMARKS
from tests.benchmarks.engine.accidents import (
    die_at_start,
    happen,
    stub_cell,
    unpicklable,
)

ROOT = BENCHMARKS.parent
IMPORT_PATH = os.pathsep.join([str(ROOT), str(BENCHMARKS)])
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


def compute(workers, *whats, run_one=happen, folder=None):
    """Outcomes by the name of the cell: its place, and what happens to it."""
    cells = [stub_cell(f"{i} {what}", what, folder) for i, what in enumerate(whats)]
    return {
        cell.setting.name: outcome for cell, outcome in workers.compute(run_one, cells)
    }


def statuses(outcomes):
    return [
        outcomes[name].cause
        if isinstance(outcomes[name], Accident)
        else outcomes[name]["status"]
        for name in sorted(outcomes)
    ]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_are_used_again(n_jobs):
    outcomes = compute(Workers(n_jobs), *["nothing"] * 6)
    assert len(outcomes) == 6
    pids = {outcome["pid"] for outcome in outcomes.values()}
    assert 1 <= len(pids) <= n_jobs
    assert os.getpid() not in pids


def test_no_worker_without_cells_and_none_for_this_process():
    assert compute(Workers(2)) == {}
    assert compute(Workers(0), "nothing")["0 nothing"]["pid"] == os.getpid()


@posix
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_worker_that_dies_loses_its_cell_alone(n_jobs):
    whats = ["exit", "nothing", "sigkill", "nothing", "nothing"]
    outcomes = compute(Workers(n_jobs), *whats)
    died = ["worker died", "ok", "worker died", "ok", "ok"]
    assert statuses(outcomes) == died
    first, second = outcomes["0 exit"], outcomes["2 sigkill"]
    assert (first.message, first.exit_code) == ("worker died: exit code 7", 7)
    assert second.message.startswith("worker died: killed by SIGKILL")
    assert second.exit_code == -9


def test_a_cell_that_takes_too_long_is_stopped():
    workers = Workers(1, time_limit=1.0)
    outcomes = compute(workers, "nothing", "sleep", "nothing")
    assert statuses(outcomes) == ["ok", "time limit", "ok"]
    assert outcomes["1 sleep"].message == "took longer than 1 s"


@pytest.mark.parametrize("n_jobs", [0, 1])
def test_whatever_a_cell_raises_is_the_cells(n_jobs):
    outcomes = compute(Workers(n_jobs), "unprintable", "sys.exit", "nothing")
    assert statuses(outcomes) == ["error", "error", "ok"]
    told = "UnprintableError: its message cannot be printed"
    assert outcomes["0 unprintable"].message == told
    assert outcomes["1 sys.exit"].message == "SystemExit: 5"


def test_a_record_that_cannot_be_sent_is_a_failure():
    outcomes = compute(Workers(1), "nothing", run_one=unpicklable)
    assert "cannot pickle" in outcomes["0 nothing"].message


def test_workers_that_cannot_start_end_the_run(monkeypatch):
    monkeypatch.setattr(workers_module, "_serve", die_at_start)
    with pytest.raises(WorkerStartError, match="cannot be started.*exit code 9"):
        compute(Workers(1), "nothing")


@posix
def test_an_interrupt_that_a_library_caught_stops_the_run(usual_interrupts):
    with pytest.raises(KeyboardInterrupt):
        compute(Workers(0), "interrupt")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
def test_workers_are_not_interrupted():
    assert statuses(compute(Workers(1), "interrupt")) == ["ok"]


def is_running(pid):
    """Whether a process runs; what has ended and is not yet waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


MAIN = """
from pathlib import Path
from imbdeep_bench.engine.workers import Workers
from tests.benchmarks.engine.accidents import happen, stub_cell

if __name__ == "__main__":
    cells = [stub_cell(name, "sleep", Path({folder!r})) for name in "ab"]
    list(Workers(2).compute(happen, cells))
"""


def children(pid):
    """Processes that a process has started, but for the tracker of resources."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == pid and b"resource_tracker" not in command:
            found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_main_process(tmp_path, number):
    script = tmp_path / "main.py"
    script.write_text(MAIN.format(folder=str(tmp_path)))
    main = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": IMPORT_PATH},
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.busy"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children(main.pid)
    assert len(workers) == 2
    main.send_signal(number)  # to it alone, not to its workers
    main.wait(timeout=30)
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))
