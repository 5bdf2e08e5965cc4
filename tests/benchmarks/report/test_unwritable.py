"""What becomes of a report that cannot be written."""

import errno
import hashlib
import os
import subprocess
import sys

import pytest

from imbdeep import _files
from imbdeep._files import write_files
from imbdeep_bench.report import write_report
from tests.benchmarks.report.conftest import make_records


@pytest.fixture
def old_report(undrawn, write_records, tmp_path):
    """A cells file that has grown since the report beside it was written."""
    path = write_records(make_records(1, 2, 1), "old.jsonl")
    write_report(path, tmp_path / "out")
    return write_records(make_records(2, 2, 2)), tmp_path / "out"


def snapshot(folder):
    """What every file below a folder holds, hidden ones too."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def full_after(n_files):
    """Stand in for fsync on a disk that is full after some files."""
    synced = []

    def fsync(descriptor):
        synced.append(descriptor)
        if len(synced) > n_files:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


# The first picture, one in the middle, and the last page.
@pytest.mark.parametrize(
    "n_files", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, -1))]
)
def test_a_full_disk_leaves_the_old_report(old_report, monkeypatch, n_files):
    cells, out = old_report
    before = snapshot(out)
    n_files %= len(before)
    with monkeypatch.context() as disk:
        disk.setattr(_files.os, "fsync", full_after(n_files))
        with pytest.raises(OSError, match=r"No space left on device: '.*out") as error:
            write_report(cells, out)
    assert ".tmp" not in str(error.value)
    assert snapshot(out) == before
    write_report(cells, out)
    assert snapshot(out) != before
    assert snapshot(out).keys() == before.keys()


LIMITED = """
import resource, signal, sys
from imbdeep._files import write_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    write_files({sys.argv[1]: "new", sys.argv[2]: b"x" * 5_000})
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX")
def test_a_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_text("old")
    large.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, small, large],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"[Errno 27] File too large: '{large}'"
    assert snapshot(tmp_path) == {"large": b"old", "small": b"old"}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("blocked", ["out", "out/figures"])
def test_a_file_in_place_of_a_folder(write_records, tmp_path, blocked):
    cells = write_records(make_records(1, 2, 1))
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("in the way")
    with pytest.raises(OSError, match=blocked):
        write_report(cells, tmp_path / "out")
    assert snapshot(tmp_path).keys() == {"cells.jsonl", blocked}


def test_a_read_only_folder(old_report, monkeypatch):
    cells, out = old_report
    before = snapshot(out)

    def refuse(path, content):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(_files, "write_and_sync", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*out"):
        write_report(cells, out)
    assert snapshot(out) == before


def test_an_interrupt_leaves_no_half_written_file(tmp_path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(_files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_files({tmp_path / "a": "new"})
    assert snapshot(tmp_path) == {"a": b"old"}


def test_files_are_readable_as_others_in_the_folder(tmp_path):
    (tmp_path / "plain").touch()
    write_files({tmp_path / "deep/er/new": "two\nlines \udc80"})
    written = tmp_path / "deep/er/new"
    assert written.read_bytes() == b"two\nlines \\udc80"
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


PICTURES = """
import sys
from imbdeep_bench.report import read_cells
from imbdeep_bench.report.plots import plot_critical_difference
from imbdeep._files import png
cells = read_cells(sys.argv[1])
for metric in ("g_mean", "log_loss"):
    sys.stdout.buffer.write(png(plot_critical_difference(cells, metric)))
"""


@pytest.mark.slow
def test_pictures_are_the_same_under_every_hash_seed(write_records):
    # Methods enough for bars that overlap, the one part drawn in an order of sets.
    path = write_records(make_records(5, 9, 1))
    seeds = [
        subprocess.Popen(
            [sys.executable, "-c", PICTURES, path],
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        for seed in range(2)
    ]
    drawn = {hashlib.sha256(process.communicate()[0]).hexdigest() for process in seeds}
    assert [process.returncode for process in seeds] == [0] * 2
    assert len(drawn) == 1
