"""The file of results: one JSON object a line, written as soon as it is known."""

import json
import os
from pathlib import Path


def _cut_half_line(path):
    """Remove what follows the last newline: a line whose writing was interrupted."""
    with path.open("rb+") as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            file.truncate(end)
            os.fsync(file.fileno())


def _parse_lines(path):
    records = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            record = json.loads(line)
            record["kind"]
        except (ValueError, TypeError, KeyError):
            raise ValueError(
                f"Line {number} of {path} is not a benchmark record. Remove that line, "
                "or give another --out."
            ) from None
        records.append(record)
    return records


class CellStore:
    """Append-only store of run, dataset and cell records.

    A record is on disk when :meth:`append` returns, so a killed run loses only the
    cells that were still being computed. Opening the store removes a half-written last
    line.

    Parameters
    ----------
    path : str or Path
        The file, made with its folders when it does not exist.

    Attributes
    ----------
    records : list of dict
        What the file holds, in the order of writing.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        _cut_half_line(self.path)
        self.records = _parse_lines(self.path)

    def of_kind(self, kind):
        """Return the records of one kind: ``'run'``, ``'dataset'`` or ``'cell'``."""
        return [record for record in self.records if record["kind"] == kind]

    def append(self, record):
        """Write one record and wait until it is on disk."""
        line = json.dumps(record, allow_nan=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self.records.append(record)

    def check_same_run(self, run, hashes):
        """Refuse to mix results that cannot be compared.

        Parameters
        ----------
        run : dict
            The run record about to be written.

        hashes : dict of str to str
            The hash of each dataset's data, by name.

        Raises
        ------
        ValueError
            If the file was written with another suite, protocol or seed, or from other
            data.
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
            if name in hashes and cell["data_sha256"] != hashes[name]:
                raise ValueError(
                    f"{self.path} holds results on other data of {name} (its hash "
                    "differs); give another --out."
                )

    def causes_of_failure(self):
        """Return why cells failed, by their keys; None where an exception was raised.

        Only of cells whose last record says so.
        """
        last = {
            (cell["dataset"], cell["method"], cell["fold"]): cell
            for cell in self.of_kind("cell")
        }
        return {
            key: cell.get("cause")
            for key, cell in last.items()
            if cell["status"] == "failed"
        }

    def finished(self):
        """Return the (dataset, method, fold) of every cell with status ok."""
        return {
            (cell["dataset"], cell["method"], cell["fold"])
            for cell in self.of_kind("cell")
            if cell["status"] == "ok"
        }
