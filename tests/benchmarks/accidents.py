"""What may happen to a cell: functions that worker processes run in the tests."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StubCell:
    """A cell that :func:`happen` computes.

    Attributes
    ----------
    name : str
        Its data set.
    what : str
        What happens, a key of :data:`ACCIDENTS`, or ``'nothing'``.
    folder : Path or None
        Where cells leave traces.
    """

    name: str
    what: str = "nothing"
    folder: Path | None = None
    labels = {}
    versions = {}
    data_sha256 = "abc"
    no_result = {"scores": {}}
    device = "cpu"

    @property
    def key(self):
        return self.name, "stub", 0

    def estimator(self):
        return None


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be printed")


def _raise_unprintable(cell):
    raise UnprintableError


def _die_once(cell):
    trace = cell.folder / "died"
    if not trace.exists():
        trace.touch()
        os._exit(3)


def _die_unless_alone(cell):
    """Die where another cell is computed meanwhile, as for want of memory."""
    pids = [int(path.read_text()) for path in cell.folder.glob("*.busy")]
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
    if cell.folder is not None:
        busy = cell.folder / f"{cell.name}.busy"
        busy.write_text(str(os.getpid()))
        if cell.what == "crowded":
            time.sleep(0.5)
    ACCIDENTS[cell.what](cell)
    if cell.folder is not None:
        busy.unlink()
        with (cell.folder / "order").open("a") as file:
            file.write(f"{cell.name}\n")
    dataset, method, fold = cell.key
    return {
        "kind": "cell",
        "dataset": dataset,
        "method": method,
        "fold": fold,
        "status": "ok",
        "error": None,
        "scores": {},
        "pid": os.getpid(),
        "data_sha256": cell.data_sha256,
    }


def unpicklable(cell):
    """Return a record that cannot be sent back."""
    return {"status": "ok", "made": open(os.devnull)}


def die_at_start(pipe):
    """Stand in for a worker that cannot load its libraries."""
    os._exit(9)
