"""The command line of the GL-GAN experiments, from data to tables."""

import doctest
import importlib
import json

import pandas as pd
import pytest
from _commands import EXIT_INTERRUPTED
from _gl_gan import run as run_command
from _paper_cells import parse_seeds
from gl_gan import COMMANDS, main

from tests.benchmarks.test_paper_data import write_data


@pytest.fixture
def run_smoke(tmp_path):
    """Run the cheap methods on small files; more arguments may follow."""
    data = write_data(tmp_path / "raw")

    def start(*more):
        return main(
            ["run", "--data", str(data), "--out", str(tmp_path / "out"), "--smoke"]
            + ["--methods", "none,smote", "--n-jobs", "0", *more]
        )

    return start


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert COMMANDS[name].__doc__.splitlines()[0] in out
    assert "--out" in out


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
    assert set(COMMANDS) <= words


@pytest.mark.slow
def test_run_tables_and_series(run_smoke, tmp_path):
    assert run_smoke("--seeds", "0-1", "--r", "0.1,0.2") == 0
    out = tmp_path / "out"
    assert main(["tables", "--out", str(out)]) == 0
    assert main(["series", "--out", str(out)]) == 0
    records = map(json.loads, (out / "cells.jsonl").read_text().splitlines())
    cells = [record for record in records if record["kind"] == "cell"]
    assert len(cells) == 2 * 2 * 2 * 2
    table = pd.read_csv(out / "tables.csv")
    by_hand = pd.Series(
        [
            cell["scores"]["LinearSVC"]["mcc"]
            for cell in cells
            if (cell["dataset"], cell["method"]) == ("usps r=0.2", "smote")
        ]
    )
    row = table.query(
        "data == 'usps' and r == 0.2 and classifier == 'LinearSVC'"
        " and metric == 'mcc' and method == 'smote'"
    ).iloc[0]
    assert row["mean"] == pytest.approx(by_hand.mean())
    assert row["n_runs"] == 2
    assert (out / "series.png").read_bytes().startswith(b"\x89PNG")
    assert "## usps r=0.2" in (out / "tables.md").read_text()


def test_a_run_that_is_stopped_says_how_to_go_on(run_smoke, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "compute", interrupt)
    assert run_smoke() == EXIT_INTERRUPTED
    assert "go on with the same command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--methods", "smota"], "Did you mean smote"),
        (["--datasets", "gisette"], "'gisette', which is unknown"),
        (["--r", "0,0.1"], "--r got [0.0, 0.1]"),
        (["--r", "1.5"], "--r got [1.5]"),
        (["--r", ""], "--r got []"),
        (["--seeds", "3-1"], "--seeds is empty"),
        (["--pairs", "4:7"], "--pairs got '4:7'"),
        (["--pairs", "4-7"], "madelon has no class 4"),
        (["--n-jobs", "-2"], "--n-jobs got -2"),
        (["--data", "/nowhere"], "Give as --data the folder"),
    ],
)
def test_a_wrong_option_is_a_usage_error(run_smoke, tmp_path, capsys, given, message):
    with pytest.raises(SystemExit) as stopped:
        run_smoke(*given)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["tables", "series"])
def test_reports_need_cells(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--out", str(tmp_path / "nothing")])
    assert stopped.value.code == 2
    assert "There is no" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-3", [0, 1, 2, 3]), ("5", [5]), ("2,0-1,2", [2, 0, 1])]
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("name", ["data", "methods"])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(f"_gl_gan.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
