"""What may happen to a cell: functions that worker processes run in the tests."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace

from imbdeep_bench.engine.experiment import Cell, Experiment, Method, Rows, Setting


@dataclass(frozen=True)
class Accidents(Experiment):
    """An experiment that :func:`happen` computes; settings leave traces in a folder."""

    suite = "accidents"
    protocol = "p"
    no_result = {"scores": {}}

    def seed_of(self, cell):
        return 0

    def draw(self, setting, fold):
        return Rows(None, None, None, None)

    def compute(self, cell, rows):
        return {"scores": {}}


def stub_cell(name, what="nothing", folder=None, labels=None):
    """Return a cell.

    Parameters
    ----------
    name : str
        Its data set.
    what : str
        What happens, a key of :data:`ACCIDENTS`.
    folder : Path or None
        Where cells leave traces.
    """
    data = SimpleNamespace(name=name, sha256="abc")
    setting = Setting(name, data, labels or {}, (what, folder))
    method = Method("stub", lambda seed: None)
    return Cell(Accidents(versions={}), setting, method, 0)


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be printed")


def _raise_unprintable(cell):
    raise UnprintableError


def _die_once(cell):
    trace = cell.setting.of[1] / "died"
    if not trace.exists():
        trace.touch()
        os._exit(3)


def _die_unless_alone(cell):
    """Die where another cell is computed meanwhile, as for want of memory."""
    pids = [int(path.read_text()) for path in cell.setting.of[1].glob("*.busy")]
    if sum(map(is_alive, pids)) > 1:
        os.kill(os.getpid(), signal.SIGKILL)


def is_alive(pid):
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _interrupt_and_go_on(cell):
    """Do as a library does that catches Ctrl-C."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
    except KeyboardInterrupt:
        pass


ACCIDENTS = {
    "exit": lambda cell: os._exit(7),
    "sigkill": lambda cell: os.kill(os.getpid(), signal.SIGKILL),
    "sleep": lambda cell: time.sleep(600),
    "unprintable": _raise_unprintable,
    "sys.exit": lambda cell: sys.exit(5),
    "once": _die_once,
    "crowded": _die_unless_alone,
    "interrupt": _interrupt_and_go_on,
    "nothing": lambda cell: None,
}


def happen(cell):
    """Compute a cell; leave a trace meanwhile, and one afterwards."""
    what, folder = cell.setting.of
    if folder is not None:
        busy = folder / f"{cell.setting.name}.busy"
        busy.write_text(str(os.getpid()))
        if what == "crowded":
            time.sleep(0.5)
    ACCIDENTS[what](cell)
    if folder is not None:
        busy.unlink()
        with (folder / "order").open("a") as file:
            file.write(f"{cell.setting.name}\n")
    return {
        **cell.head(),
        "status": "ok",
        "error": None,
        "scores": {},
        "pid": os.getpid(),
    }


def unpicklable(cell):
    """Return a record that cannot be sent back."""
    return {"status": "ok", "made": open(os.devnull)}


def die_at_start(pipe):
    """Stand in for a worker that cannot load its libraries."""
    os._exit(9)
