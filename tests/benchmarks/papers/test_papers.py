"""What every part of every paper does alike."""

from importlib import import_module

import pytest

from imbdeep_bench.engine import command
from imbdeep_bench.engine.command import EXIT_INTERRUPTED, Command
from papers import PAPERS, main
from tests.benchmarks.papers.conftest import read_records, refuse

PARTS = {
    (paper, name): part
    for paper in PAPERS
    for name, part in import_module(f"imbdeep_bench.papers.{paper}").PARTS.items()
}
EXPERIMENTS = {key: part for key, part in PARTS.items() if issubclass(part, Command)}


@pytest.mark.parametrize("key", PARTS, ids=" ".join)
def test_every_part_explains_itself(key, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*key, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert PARTS[key].__doc__.splitlines()[0] in out
    assert f"papers.py {' '.join(key)}" in out
    assert "--out" in out


@pytest.mark.parametrize("argv", [["--help"], ["crowds", "--help"]])
def test_help_names_what_there_is(argv, capsys):
    with pytest.raises(SystemExit):
        main(argv)
    words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
    assert (set(PAPERS) if len(argv) == 1 else {"run", "sets"}) <= words


def test_another_paper_is_refused(capsys):
    assert "invalid choice: 'iced'" in refuse(capsys, lambda: main(["iced", "run"]))


@pytest.mark.parametrize("key", EXPERIMENTS, ids=" ".join)
def test_methods_are_named_and_told_apart(key):
    methods = EXPERIMENTS[key].methods
    assert all(method.name == name for name, method in methods.items())
    assert len({method.title for method in methods.values()}) == len(methods)


@pytest.mark.parametrize("key", EXPERIMENTS, ids=" ".join)
def test_a_report_needs_cells(key, tmp_path, capsys):
    argv = [*key, "--report-only", "--out", str(tmp_path / "none")]
    assert "--report-only finds no" in refuse(capsys, lambda: main(argv))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--methods", "iced_sof"], "Did you mean iced_soft"),
        (["--datasets", "gisette"], "'gisette', which is unknown"),
        (["--seeds", "3-1"], "--seeds is empty"),
        (["--pairs", "published"], "write drawn, or two classes"),
        (["--pairs", "4-7"], "madelon has no class 4"),
        (["--n-jobs", "-2"], "--n-jobs got -2"),
        (["--data", "/nowhere"], "Give as --data the folder"),
    ],
)
def test_a_wrong_option_is_a_usage_error(smoke, tmp_path, capsys, given, message):
    assert message in refuse(capsys, lambda: smoke("crowds", "run", *given))
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_stopped_says_how_to_go_on(smoke, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "fill", interrupt)
    assert smoke("crowds", "run") == EXIT_INTERRUPTED
    assert "go on with the same command" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_goes_on_and_is_not_mixed_with_others(smoke, tmp_path, capsys):
    path = tmp_path / "out" / "cells.jsonl"
    given = ["--methods", "none,smote", "--datasets", "usps", "--r", "0.1"]
    smoke("gl_gan", "run", *given, "--seeds", "0")
    before = path.read_text()
    smoke("gl_gan", "run", *given, "--seeds", "0-1")
    assert path.read_text().startswith(before)
    cells = [(c["method"], c["fold"]) for c in read_records(path)]
    assert cells == [("none", 0), ("smote", 0), ("none", 1), ("smote", 1)]
    error = refuse(capsys, lambda: smoke("gl_gan", "run", *given, "--pairs", "4-7"))
    assert "holds results with protocol" in error
