"""The command line of the robust experiments, from data to tables."""

import doctest
import importlib
import json

import pandas as pd
import pytest
from _commands import EXIT_INTERRUPTED
from _robust import options
from _robust.methods import CHAPTERS
from _robust.threats import EPS
from robust import COMMANDS, main

from tests.benchmarks.test_robust_data import write_usps


@pytest.fixture
def smoke(tmp_path):
    """Run a command on small files; more arguments may follow."""
    data = write_usps(tmp_path / "raw")

    def start(command="images", *more):
        given = [command, "--data", str(data), "--out", str(tmp_path / "out")]
        return main([*given, "--smoke", "--n-jobs", "0", *more])

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
    assert "0-9" not in out


@pytest.mark.slow
def test_images(smoke, tmp_path):
    given = ["--methods", "plain,drcb_ldam", "--seeds", "0"]
    given += ["--imbalances", "step-100,exp-10"]
    assert smoke("images", *given) == 0
    out = tmp_path / "out"
    cells = read_records(out / "images.jsonl")
    assert len(cells) == 2 * 2
    assert {cell["eps"] for cell in cells} == {EPS["usps"]["linf"]}
    (told,) = (
        cell["scores"]["robust_overall"]
        for cell in cells
        if (cell["imbalance"], cell["method"]) == ("exp-10", "plain")
    )
    table = pd.read_csv(out / "tables.csv").query(
        "imbalance == 'exp-10' and metric == 'robust_overall' and method == 'plain'"
    )
    assert table["mean"].tolist() == pytest.approx([told])
    assert "## usps, step-100, linf 0." in (out / "tables.md").read_text()
    assert (out / "classes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_run_goes_on_and_can_be_added_to(smoke, tmp_path):
    given = ["--methods", "plain", "--seeds", "0", "--imbalances", "step-10"]
    path = tmp_path / "out" / "images.jsonl"
    for _ in range(2):
        assert smoke("images", *given) == 0
        assert len(read_records(path)) == 1
    assert smoke("images", *given, "--norm", "l2", "--eps", "0.5") == 0
    _, added = read_records(path)
    assert (added["norm"], added["eps"]) == ("l2", 0.5)


@pytest.mark.slow
def test_a_chapter_picks_its_methods_and_its_published_tables(smoke, tmp_path):
    given = ["--seeds", "0", "--imbalances", "step-10", "--chapter", "5"]
    assert smoke("images", *given) == 0
    out = tmp_path / "out"
    told = {cell["method"] for cell in read_records(out / "images.jsonl")}
    assert told == set(CHAPTERS[5])
    text = (out / "tables.md").read_text()
    assert "Methods of chapter 5" in text
    assert "Methods of chapter 4" not in text


def test_chapters_are_not_mixed_in_a_folder(smoke, capsys):
    given = ["--methods", "plain", "--seeds", "0", "--imbalances", "step-10"]
    assert smoke("images", *given, "--chapter", "4") == 0
    with pytest.raises(SystemExit):
        smoke("images", *given, "--chapter", "5")
    assert "give another --out" in capsys.readouterr().err


def test_a_run_that_is_stopped_says_how_to_go_on(smoke, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "fill", interrupt)
    assert smoke() == EXIT_INTERRUPTED
    assert "go on with the same command" in capsys.readouterr().err


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(smoke, tmp_path):
    given = ["--methods", "ce,imb_mix", "--seeds", "0", "--imbalances", "step-10"]
    scores = []
    for n_jobs in ("0", "2"):
        out = tmp_path / n_jobs
        smoke("images", *given, "--n-jobs", n_jobs, "--out", str(out))
        records = read_records(out / "images.jsonl")
        scores.append({r["method"]: (r["scores"], r["agreement"]) for r in records})
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--methods", "srat_lda"], "Did you mean srat_ldam"),
        (["--datasets", "mnist"], "'mnist', which is unknown"),
        (["--datasets", "cifar10"], "give --chapter 4 or --chapter 5"),
        (["--chapter", "5", "--methods", "srat_ce"], "'srat_ce', which is unknown"),
        (["--chapter", "3"], "invalid choice: 3"),
        (["--imbalances", "linear-10"], "write step or exp and a ratio"),
        (["--imbalances", ","], "--imbalances is empty"),
        (["--imbalances", "step-1000"], "leaves a class without rows"),
        (["--seeds", "3-1"], "--seeds is empty"),
        (["--norm", "l1"], "invalid choice: 'l1'"),
        (["--eps", "0"], "must be a number above 0, got '0'"),
        (["--eps", "a"], "must be a number above 0, got 'a'"),
        (["--n-jobs", "-2"], "--n-jobs got -2"),
        (["--data", "/nowhere"], "/nowhere"),
    ],
)
def test_a_wrong_option_is_a_usage_error(smoke, tmp_path, capsys, given, message):
    with pytest.raises(SystemExit) as stopped:
        smoke("images", *given)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "data",
        "layout",
        "published",
        "scores",
        "separability",
        "table_scores",
        "threats",
    ],
)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(f"_robust.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
