"""Runs that are killed or interrupted, as processes of their own."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.benchmarks.conftest import write_set
from tests.benchmarks.engine.test_workers import IMPORT_PATH, children, is_running

SCRIPT = Path(__file__).with_name("slow_run.py")
N_CELLS = 2 * 2 * 10

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals"),
]


def hear_interrupts():
    """Let a process that is about to start be interrupted by SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class SlowRun:
    """A run of 40 cells of a tenth of a second each, in a folder."""

    def __init__(self, folder, n_jobs=1, methods="slow,mild", protocol="5x2"):
        write_set(folder / "data", 1, n_samples=80, n_minority=16, seed=1)
        write_set(folder / "data", 13, n_samples=60, n_minority=12, seed=2)
        self.out = folder / "out"
        self.fits = folder / "fits.txt"
        self.command = [
            *(sys.executable, str(SCRIPT), "--datasets", "ecoli,libras_move"),
            *("--methods", methods, "--protocol", protocol, "--device", "cpu"),
            *("--n-jobs", str(n_jobs), "--data-home", str(folder / "data")),
            *("--out", str(self.out)),
        ]

    def start(self):
        env = {**os.environ, "FITS": str(self.fits), "PYTHONPATH": IMPORT_PATH}
        return subprocess.Popen(
            self.command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell lets what it starts in the background ignore interrupts.
            preexec_fn=hear_interrupts,
        )

    def complete(self):
        process = self.start()
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0, printed
        return printed

    def lines(self):
        cells = self.out / "cells.jsonl"
        return cells.read_text().splitlines() if cells.exists() else []

    def n_cells(self):
        return sum('"kind": "cell"' in line for line in self.lines())

    def scores(self):
        """Scores of every finished cell by its key: one set of them, or several."""
        found = defaultdict(set)
        for line in self.lines():
            record = json.loads(line)
            if record["kind"] == "cell" and record["status"] == "ok":
                key = record["dataset"], record["method"], record["fold"]
                found[key].add(json.dumps(record["scores"]))
        return found

    def stop(self, number, after):
        """Send a signal to the run and its workers once `after` cells are stored."""
        process = self.start()
        deadline = time.monotonic() + 120
        while self.n_cells() < after and time.monotonic() < deadline:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.02)
        os.killpg(process.pid, number)
        printed, _ = process.communicate(timeout=60)
        assert after <= self.n_cells() < N_CELLS
        return process.returncode, printed

    def n_fits(self):
        """How often each cell was computed, by its seed."""
        return Counter(self.fits.read_text().split())

    def report(self):
        return (self.out / "report.md").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody stopped."""
    run = SlowRun(tmp_path_factory.mktemp("whole"))
    run.complete()
    return run


def test_a_whole_run_computes_each_cell_once(whole):
    assert whole.n_cells() == N_CELLS
    assert set(whole.n_fits().values()) == {1}
    assert len(whole.n_fits()) == N_CELLS


def test_a_killed_run_loses_the_cell_in_flight_at_most(tmp_path, whole):
    run = SlowRun(tmp_path)
    for after in (5, 15):
        code, _ = run.stop(signal.SIGKILL, after)
        assert code == -signal.SIGKILL
    run.complete()
    assert run.n_fits().keys() == whole.n_fits().keys()
    # Two kills, so two cells may have been computed twice, or one of them three times.
    assert run.n_fits().total() <= N_CELLS + 2
    assert run.report() == whole.report()


# --- Real fits -----------------------------------------------------------------------

NETS = {"methods": "short_net,short_remix", "protocol": "8x2"}
N_NET_CELLS = 2 * 2 * 16
N_FAULTS = 20
FAULTS = {
    "Ctrl-C": (os.killpg, signal.SIGINT),
    "interrupt": (os.kill, signal.SIGINT),
    "kill": (os.kill, signal.SIGKILL),
    "kill all": (os.killpg, signal.SIGKILL),
    "terminate": (os.kill, signal.SIGTERM),
}


@pytest.fixture(scope="module")
def whole_nets(tmp_path_factory):
    """A run of nets that nobody stopped."""
    run = SlowRun(tmp_path_factory.mktemp("nets"), n_jobs=2, **NETS)
    run.complete()
    assert len(run.scores()) == N_NET_CELLS
    return run


def check_same_results(run, whole):
    assert run.report() == whole.report()
    assert run.scores() == whole.scores()


@pytest.mark.parametrize("n_jobs", [0, 1, 2])
def test_an_interrupt_in_a_fit_leaves_no_wrong_cell(tmp_path, whole_nets, n_jobs):
    run = SlowRun(tmp_path, n_jobs, **NETS)
    for place in range(3):
        process = run.start()
        before = run.n_cells()
        wait_for(lambda n=before: run.n_cells() > n, process)
        time.sleep(0.07 * place)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 130, printed
        assert "Stopped. Finished cells are in" in printed
        assert "Traceback" not in printed
        for line in run.lines():
            json.loads(line)
    assert before < run.n_cells() < N_NET_CELLS
    for key, found in run.scores().items():
        assert found == whole_nets.scores()[key]
    run.complete()
    check_same_results(run, whole_nets)


def wait_for(condition, process, seconds=120, *, may_end=False):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        if may_end and process.poll() == 0:
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)


def kill_a_worker(process, rng):
    """Kill one worker, then stop the run a while later."""
    workers = children(process.pid)
    if workers:
        os.kill(rng.choice(workers), signal.SIGKILL)
        time.sleep(rng.uniform(0, 2))
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_twenty_faults_at_random_moments_change_nothing(tmp_path, whole_nets, n_jobs):
    rng = random.Random(n_jobs)
    run = SlowRun(tmp_path, n_jobs, **NETS)
    happened = Counter()
    while happened.total() < N_FAULTS:
        process = run.start()
        before = run.n_cells()
        fault = rng.choice([*FAULTS, "kill a worker"])
        if rng.random() < 0.7:
            wait_for(lambda n=before: run.n_cells() > n, process, may_end=True)
            time.sleep(rng.uniform(0, 1))
        else:
            time.sleep(rng.uniform(0, 8))
        if run.n_cells() == N_NET_CELLS:
            # A quick machine computes all cells between the faults: begin anew.
            process.communicate(timeout=60)
            assert process.returncode == 0
            check_same_results(run, whole_nets)
            shutil.rmtree(run.out)
            continue
        workers = children(process.pid)
        if fault == "kill a worker":
            kill_a_worker(process, rng)
        else:
            send, number = FAULTS[fault]
            send(process.pid, number)
        process.communicate(timeout=60)  # until all that write to its output have ended
        deadline = time.monotonic() + 30
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_running, workers))
        happened[fault] += 1
    assert len(happened) >= 5
    run.complete()
    check_same_results(run, whole_nets)
