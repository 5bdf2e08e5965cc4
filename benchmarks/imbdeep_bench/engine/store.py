"""The file of results: one JSON object a line, written as soon as it is known."""

import json
import os
from pathlib import Path

from filelock import FileLock, Timeout

from imbdeep_bench.engine import records
from imbdeep_bench.engine.records import numbered_records


def read_records(path, kind):
    """Return the records of one kind in a file that a run may be writing to."""
    path = Path(path)
    numbered = numbered_records(path.read_bytes(), path)
    return [record for _, record in numbered if record["kind"] == kind]


def _key_of(cell):
    return cell["dataset"], cell["method"], cell["fold"]


class CellStore:
    """Append-only store of run, dataset and cell records, in a file that may be new.

    A record is on disk when :meth:`append` returns, so a killed run loses only the
    cells that were still being computed. Opening the store removes a half-written last
    line, and refuses a file that holds a wrong one or that another run has open. Its
    ``records`` are in the order of writing, and ``numbers`` are the lines of those that
    were there when it was opened.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{self.path}.lock", timeout=0)
        try:
            # The system lets go of it when this process ends, however it ends.
            self._lock.acquire()
        except Timeout:
            raise ValueError(
                f"Another run is writing to {self.path}. Wait for its end, stop it, or "
                "give another --out."
            ) from None
        try:
            self.path.touch()
            content = self.path.read_bytes()
            numbered = list(numbered_records(content, self.path))
            self.numbers = [number for number, _ in numbered]
            self.records = [record for _, record in numbered]
            self._end_last_line(content)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Let other runs write to the file."""
        self._lock.release()

    def _end_last_line(self, content):
        """Cut off half a line, or end a line that lacks its newline."""
        kept = records.whole_lines(content)
        if kept == content and (not kept or kept.endswith(b"\n")):
            return
        with self.path.open("rb+") as file:
            file.truncate(len(kept))
            file.seek(0, os.SEEK_END)
            if kept and not kept.endswith(b"\n"):
                file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())

    def of_kind(self, kind):
        """Return the records of one kind: ``'run'``, ``'dataset'`` or ``'cell'``."""
        return [record for record in self.records if record["kind"] == kind]

    def append(self, record):
        """Write one record, wait until it is on disk, and return it.

        A ValueError says that it could not be read again. The file is then as it was.
        """
        record = records.encodable(record)
        line = json.dumps(record, allow_nan=False) + "\n"
        if fault := records.fault_of(record):
            raise ValueError(f"A record cannot be stored: {fault}.")
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self.records.append(record)
        return record

    def check_fields(self, names):
        """Refuse cells that lack what a report will look for."""
        for number, record in zip(self.numbers, self.records, strict=False):
            absent = ", ".join(name for name in names if name not in record)
            if record["kind"] == "cell" and absent:
                where = f"Line {number} of {self.path}, a cell"
                raise ValueError(f"{where}, lacks {absent}. {records.REMEDY}")

    def check_same_run(self, run, hashes):
        """Refuse results of another suite, protocol or seed, or on other data.

        ``run`` is the record about to be written, ``hashes`` those of the data sets.
        """
        for earlier in self.of_kind("run"):
            for option in ("suite", "protocol", "seed"):
                if earlier[option] != run[option]:
                    raise ValueError(
                        f"{self.path} holds results with {option} {earlier[option]!r}, "
                        f"not {run[option]!r}; give another --out."
                    )
        for cell in self.of_kind("cell"):
            name = cell["dataset"]
            if name in hashes and cell.get("data_sha256") != hashes[name]:
                raise ValueError(
                    f"{self.path} holds results on other data of {name} (its hash "
                    "differs); give another --out."
                )

    def causes_of_failure(self):
        """Return why cells failed, by key, if their last record says that they did.

        None where an exception was raised.
        """
        last = {_key_of(cell): cell for cell in self.of_kind("cell")}
        failed = {key: cell for key, cell in last.items() if cell["status"] == "failed"}
        return {key: cell.get("cause") for key, cell in failed.items()}

    def finished(self):
        """Return the (dataset, method, fold) of every cell with status ok."""
        return {_key_of(c) for c in self.of_kind("cell") if c["status"] == "ok"}
