"""The command line of the crowd experiments, from data to tables."""

import doctest
import importlib
import json

import numpy as np
import pandas as pd
import pytest
from _commands import EXIT_INTERRUPTED
from _crowds import options, speed
from crowds import COMMANDS, main

from tests.benchmarks.test_paper_data import write_data


@pytest.fixture
def smoke(tmp_path):
    """Run a command on small files; more arguments may follow."""
    data = write_data(tmp_path / "raw")

    def start(command="run", *more):
        return main(
            [command, "--data", str(data), "--out", str(tmp_path / "out"), "--smoke"]
            + ["--n-jobs", "0", *more]
        )

    return start


def read_records(path):
    records = map(json.loads, path.read_text().splitlines())
    return [record for record in records if record["kind"] == "cell"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert COMMANDS[name].__doc__.splitlines()[0] in out
    assert "--out" in out


@pytest.mark.slow
def test_run_and_inference(smoke, tmp_path):
    given = ["--methods", "mv_net,iced", "--datasets", "usps", "--seeds", "0-1"]
    assert smoke("run", *given) == 0
    out = tmp_path / "out"
    assert main(["inference", "--out", str(out)]) == 0
    cells = read_records(out / "cells.jsonl")
    assert len(cells) == 2 * 2 * 2
    by_hand = np.mean(
        [
            cell["scores"]["accuracy"]
            for cell in cells
            if (cell["dataset"], cell["method"]) == ("usps, 9 unlike", "iced")
        ]
    )
    table = pd.read_csv(out / "tables.csv").query(
        "data == 'usps' and crowd == 'unlike' and metric == 'accuracy'"
        " and method == 'iced'"
    )
    assert table["mean"].tolist() == pytest.approx([by_hand])
    assert (out / "inference.png").read_bytes().startswith(b"\x89PNG")
    assert "## usps, 9 workers alike" in (out / "tables.md").read_text()
    # The same command finds nothing left to do.
    before = len(cells)
    assert smoke("run", *given) == 0
    assert len(read_records(out / "cells.jsonl")) == before


@pytest.mark.slow
def test_warmup(smoke, tmp_path):
    assert smoke("warmup", "--seeds", "0-1", "--datasets", "usps") == 0
    cells = read_records(tmp_path / "out" / "warmup.jsonl")
    assert {cell["crowd"] for cell in cells} == {"alike"}
    assert len(cells) == 12
    assert "Trad-II" in (tmp_path / "out" / "warmup.md").read_text()


@pytest.mark.slow
def test_warm_ups_see_the_rows_of_the_runs(smoke, tmp_path):
    smoke("run", "--seeds", "0", "--datasets", "usps", "--methods", "mv_lr")
    smoke("warmup", "--seeds", "0", "--datasets", "usps", "--methods", "groups_2")
    first = read_records(tmp_path / "out" / "cells.jsonl")[0]
    second = read_records(tmp_path / "out" / "warmup.jsonl")[0]
    for name in ("majority", "minority", "error_rates", "group_rows"):
        assert first[name] == second[name]


@pytest.mark.slow
def test_sets(data_home, tmp_path):
    out = tmp_path / "out"
    given = ["sets", "--data-home", str(data_home), "--out", str(out), "--n-jobs", "0"]
    given += ["--datasets", "ecoli,libras_move", "--methods", "mv_lr,ds_lr"]
    assert main([*given, "--workers", "5,7", "--runs", "1"]) == 0
    cells = read_records(out / "sets.jsonl")
    assert len(cells) == 2 * 2 * 2
    ecoli = next(cell for cell in cells if cell["data"] == "ecoli")
    assert ecoli["n_train_minority"] == ecoli["n_test_minority"] == 8
    assert (ecoli["n_train_majority"], ecoli["n_test_majority"]) == (32, 32)
    assert {cell["crowd"] for cell in cells} == {"unlike"}
    assert "## 7 workers" in (out / "sets.md").read_text()


def test_a_run_that_is_stopped_says_how_to_go_on(smoke, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "fill", interrupt)
    assert smoke() == EXIT_INTERRUPTED
    assert "go on with the same command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--methods", "iced_sof"], "Did you mean iced_soft"),
        (["--datasets", "gisette"], "'gisette', which is unknown"),
        (["--crowds", "lazy"], "--crowds got 'lazy'"),
        (["--seeds", "3-1"], "--seeds is empty"),
        (["--pairs", "published"], "write drawn, or two classes"),
        (["--pairs", "4-7"], "madelon has no class 4"),
        (["--n-jobs", "-2"], "--n-jobs got -2"),
        (["--data", "/nowhere"], "Give as --data the folder"),
    ],
)
def test_a_wrong_option_is_a_usage_error(smoke, tmp_path, capsys, given, message):
    with pytest.raises(SystemExit) as stopped:
        smoke("run", *given)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--datasets", "ecol"], "Did you mean ecoli"),
        (["--workers", "1"], "numbers of 2 or more"),
        (["--workers", "a"], "numbers of 2 or more"),
        (["--runs", "0"], "--runs got 0"),
    ],
)
def test_a_wrong_option_of_sets(given, message, tmp_path, data_home, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stopped:
        main(["sets", "--out", str(out), "--data-home", str(data_home), *given])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_inference_needs_cells(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["inference", "--out", str(tmp_path / "nothing")])
    assert stopped.value.code == 2
    assert "There is no" in capsys.readouterr().err


@pytest.mark.slow
def test_inference_needs_methods_that_infer(smoke, tmp_path, capsys):
    smoke("run", "--seeds", "0", "--datasets", "usps", "--methods", "crowd_layer")
    with pytest.raises(SystemExit):
        main(["inference", "--out", str(tmp_path / "out")])
    assert "no cell of a method that infers" in capsys.readouterr().err


# --- Speed ---------------------------------------------------------------------------


def test_annotations_are_as_the_report_says():
    truth, annotations = speed.make_annotations(3_000, 20, 10)
    assert annotations.dtype == np.int64
    given = annotations >= 0
    assert given.mean() == pytest.approx(0.7, abs=0.01)
    wrong = (annotations != truth[:, None]) & given
    rates = wrong.sum(0) / given.sum(0)
    assert rates == pytest.approx(np.linspace(0.3, 0.7, 20), abs=0.04)


def test_a_fit_is_measured():
    measured = speed.measure_fit("DawidSkene", 2_000, 20, 10)
    assert measured["seconds"] > 0
    assert measured["iterations"] >= 1
    assert measured["peak"] >= 0
    assert measured["accuracy"] > 0.9
    assert speed.measure_fit("MajorityVote", 2_000, 20, 10)["iterations"] is None


def test_crowd_kit_is_measured_alike():
    pytest.importorskip("crowdkit", reason="compares with crowd-kit")
    ours, theirs = (
        speed.measure_fit(name, 2_000, 10, 4)
        for name in ("DawidSkene", "crowd-kit's DawidSkene")
    )
    assert theirs["accuracy"] == pytest.approx(ours["accuracy"], abs=0.01)
    assert theirs["iterations"] >= 1


@pytest.mark.slow
def test_speed_writes_a_report_with_dashes_for_what_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "crowd_kit_version", lambda: None)
    assert main(["speed", "--smoke", "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "speed.md").read_text().splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line[:1] == "|"}
    assert set(speed.AGGREGATORS) < set(rows)
    absent = rows["crowd-kit's DawidSkene"].split("|")[2:-1]
    assert {cell.strip() for cell in absent} == {"-"}
    assert "2,000 rows, 20 workers, 10 classes" in "\n".join(lines)


@pytest.mark.parametrize("name", ["tables"])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(f"_crowds.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
