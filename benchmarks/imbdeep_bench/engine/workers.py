"""Compute cells in worker processes, which may die, hang or be interrupted.

A worker computes one cell after another, so that it imports its libraries once. Each
has a pipe to the main process and one cell at a time: when it dies, it is known over
which cell. The main process alone is told of an interrupt, and alone writes results. So
a library that catches KeyboardInterrupt in the middle of a fit has nothing to catch,
and what it would have returned is never seen.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, resource_tracker

import cloudpickle

from imbdeep_bench.engine.errors import message_of

ERROR, DIED, TOO_LONG = "error", "worker died", "time limit"
# A forked process would share locks and threads of torch with the main process.
CONTEXT = multiprocessing.get_context("spawn")
READY = b"ready"
# Read by libraries when a worker loads them; cells are computed by one thread anyway.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Accident:
    """Why a cell has no result."""

    cause: str  # ERROR, DIED or TOO_LONG
    message: str  # one line
    # Of the worker that died; minus the number of the signal that killed it.
    exit_code: int | None = None


class WorkerStartError(RuntimeError):
    """Raised where worker processes die before they are given a cell."""


# --- In the worker -------------------------------------------------------------------


def _end_with_parent():
    """Wait for the main process to end, in whatever way, and end at once."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _answer(task):
    """Compute one cell; return its pickled record, or the accident."""
    try:
        run_one, cell = cloudpickle.loads(task)
        return pickle.dumps(run_one(cell))
    except BaseException as error:  # a cell may even call sys.exit
        return pickle.dumps(Accident(ERROR, message_of(error)))


def _serve(pipe):
    """Compute the cells that come through a pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send_bytes(READY)
    with suppress(EOFError):
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))


# --- In the main process -------------------------------------------------------------


@contextmanager
def _interrupts_blocked():
    """Hold SIGINT back; a process that is started meanwhile never receives one.

    It would otherwise print a traceback while it still imports its libraries.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Where it is not running yet, the start of a process starts it, and ends the block.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(variables):
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _describe_exit(code):
    if code is None or code >= 0:
        return f"exit code {code}"
    if -code == getattr(signal, "SIGKILL", None):
        return "killed by SIGKILL, most likely for want of memory"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class _Worker:
    """A worker process as the main process sees it.

    ``cell`` is what it computes, if anything; it is ``ready`` once it has loaded what
    it needs to be given a cell.
    """

    def __init__(self):
        self.cell = None
        self.ready = False
        self._time_limit = None
        self._deadline = float("inf")
        self._pipe, theirs = CONTEXT.Pipe()
        # A daemon is terminated at exit even where `kill` was not reached.
        self._process = CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
        with _environment(ONE_THREAD), _interrupts_blocked():
            self._process.start()
        theirs.close()

    def give(self, run_one, cell, time_limit):
        """Start to compute a cell."""
        self.cell = cell
        if time_limit is not None:
            self._time_limit = time_limit
            self._deadline = time.monotonic() + time_limit
        task = cloudpickle.dumps((run_one, cell))
        with suppress(OSError):  # it has died, which `outcome` tells
            self._pipe.send_bytes(task)

    def outcome(self):
        """Return the record or the accident of its cell; None: nothing is new."""
        try:
            if self._pipe.poll():
                return self._read()
        except (EOFError, OSError):
            return self._death()
        if self._process.exitcode is not None:
            return self._death()
        if time.monotonic() >= self._deadline:
            return Accident(TOO_LONG, f"took longer than {self._time_limit:g} s")
        return None

    def _read(self):
        answer = self._pipe.recv_bytes()
        if answer == READY:
            self.ready = True
            return None
        self._deadline = float("inf")
        return pickle.loads(answer)

    def _death(self):
        self._process.join(timeout=10)
        code = self._process.exitcode
        return Accident(DIED, f"{DIED}: {_describe_exit(code)}", code)

    def kill(self):
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    @staticmethod
    def wait(workers):
        """Wait until one of them has news, has died or has taken too long."""
        deadline = min(worker._deadline for worker in workers)
        timeout = None
        if deadline < float("inf"):
            timeout = max(0.0, deadline - time.monotonic())
        news = [part for w in workers for part in (w._pipe, w._process.sentinel)]
        connection.wait(news, timeout)


def _call_or_stop(run_one, cell):
    """Compute a cell in this process; return its record, or the accident.

    Raise KeyboardInterrupt if SIGINT came meanwhile, even where a library caught the
    exception and went on with a fit that is not complete.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    noticed = []

    def notice(number, frame):
        noticed.append(number)
        return handler(number, frame)

    hears = is_main and callable(handler)
    if hears:
        signal.signal(signal.SIGINT, notice)
    try:
        outcome = run_one(cell)
    except (Exception, SystemExit) as error:
        outcome = Accident(ERROR, message_of(error))
    finally:
        if hears:
            signal.signal(signal.SIGINT, handler)
    if noticed:
        raise KeyboardInterrupt
    return outcome


@dataclass(frozen=True)
class Workers:
    """How cells are computed."""

    # Worker processes. With 0 all is computed in this process, where a debugger can
    # follow; a cell that kills it then ends the run.
    n_jobs: int
    # Seconds that a cell may take, from when it is sent to a worker.
    time_limit: float | None = None

    def alone(self):
        """Return workers that compute one cell at a time."""
        return replace(self, n_jobs=min(self.n_jobs, 1))

    def compute(self, run_one, cells):
        """Yield each cell with its record or its accident, in no particular order.

        ``run_one`` takes a cell and returns its record. A WorkerStartError says that
        worker processes cannot be started.
        """
        if self.n_jobs == 0:
            for cell in cells:
                yield cell, _call_or_stop(run_one, cell)
            return
        waiting = deque(cells)
        crew = []
        try:
            while waiting or any(worker.cell is not None for worker in crew):
                n_busy = sum(worker.cell is not None for worker in crew)
                while len(crew) < min(self.n_jobs, n_busy + len(waiting)):
                    crew.append(_Worker())
                _Worker.wait(crew)
                for worker in list(crew):
                    cell, outcome = worker.cell, worker.outcome()
                    if outcome is not None:
                        worker.cell = None
                    if isinstance(outcome, Accident) and outcome.cause != ERROR:
                        crew.remove(worker)
                        worker.kill()
                        if not worker.ready:
                            raise WorkerStartError(
                                "Worker processes cannot be started: the first thing "
                                f"that one did was to end ({outcome.message})."
                            )
                    elif worker.ready and worker.cell is None and waiting:
                        worker.give(run_one, waiting.popleft(), self.time_limit)
                    if cell is not None and outcome is not None:
                        yield cell, outcome
        finally:
            for worker in crew:
                worker.kill()
