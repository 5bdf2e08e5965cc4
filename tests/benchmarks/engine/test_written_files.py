"""Reports that cannot be written: one line, an exit code, and what was there before."""

import argparse
import ast
import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import imbdeep
import imblearn27
from imbdeep import _files
from imbdeep_bench.engine.command import run_command
from tests.benchmarks.conftest import BENCHMARKS
from tests.benchmarks.report.conftest import make_records

PACKAGE = Path(imbdeep.__file__).parent


def fill_disk(descriptor):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def reported(tmp_path):
    """A folder with cells and a report on them."""
    cells = [json.dumps(record) for record in make_records(1, 2, 1)]
    (tmp_path / "cells.jsonl").write_text("\n".join(cells) + "\n")
    (tmp_path / "report.md").write_text("old")
    return tmp_path


def run_report_only(capsys, folder):
    with pytest.raises(SystemExit) as stopped:
        imblearn27.main(["--report-only", "--out", str(folder)])
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_gives_one_line(reported, monkeypatch, capsys):
    monkeypatch.setattr(_files.os, "fsync", fill_disk)
    code, said = run_report_only(capsys, reported)
    assert code == 1
    assert said.startswith("imblearn27.py: no report: [Errno 28] No space left on")
    assert said.count("\n") == 1
    assert (reported / "report.md").read_text() == "old"
    left = sorted(path.name for path in reported.iterdir())
    assert left == ["cells.jsonl", "figures", "report.md"]


@pytest.mark.parametrize(
    ("error", "code", "n_lines"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "tables.md"), 1, 1),
        (PermissionError(errno.EACCES, "Permission denied", "tables.md"), 1, 1),
        # A usage line comes first.
        (FileNotFoundError(errno.ENOENT, "No such file", "usps.npz"), 2, 2),
    ],
)
def test_commands_tell_a_full_disk_from_a_wrong_option(capsys, error, code, n_lines):
    def run(args):
        raise error

    parser = argparse.ArgumentParser(prog="papers.py crowds")
    parser.add_argument("part")
    with pytest.raises(SystemExit) as stopped:
        run_command(parser, {"run": SimpleNamespace(run=run)}, ["run"])
    assert stopped.value.code == code
    said = capsys.readouterr().err
    assert f"papers.py crowds: error: {error}" in said
    assert said.count("\n") == n_lines


def writes_a_file(call):
    """Tell whether a call writes a file whose place it takes at once."""
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr in ("to_csv", "to_html", "to_json"):
        return bool(call.args)
    return call.func.attr in ("write_text", "write_bytes", "savefig")


def test_every_report_is_written_by_one_helper():
    sources = [*BENCHMARKS.rglob("*.py"), *(PACKAGE / "reporting").rglob("*.py")]
    calls = {
        f"{source.name}:{node.lineno}"
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and writes_a_file(node)
    }
    assert len(sources) > 60
    assert calls == set()
