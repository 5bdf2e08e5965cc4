"""The command line, inside this process."""

import json
from pathlib import Path

import joblib
import pytest
import torch

import imblearn27
from imbdeep_bench.engine import command as command_module
from imbdeep_bench.engine.command import choose_n_jobs
from imbdeep_bench.engine.workers import WorkerStartError
from imbdeep_bench.imblearn27.methods import METHODS
from imbdeep_bench.imblearn27.presets import PRESETS
from tests.benchmarks.engine.stubs import BrokenClassifier, recording_method


@pytest.fixture
def log(monkeypatch):
    log = []
    for name in ("first", "second"):
        monkeypatch.setitem(METHODS, name, recording_method(log, name=name))
    return log


@pytest.fixture
def reports(monkeypatch):
    """Where a report was asked for, in place of the report."""
    asked = []
    monkeypatch.setattr(imblearn27, "report", asked.append)
    return asked


@pytest.fixture
def command(data_home, tmp_path, log):
    """Arguments of a run on the small collection."""
    return [
        *("--datasets", "ecoli,libras_move", "--methods", "first,second"),
        *("--protocol", "1x2", "--n-jobs", "0", "--device", "cpu"),
        *("--data-home", str(data_home), "--out", str(tmp_path / "out")),
    ]


def usage_error(capsys, argv):
    with pytest.raises(SystemExit) as stopped:
        imblearn27.main(argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


WRONG = [
    ("--preset", "qick", "got 'qick', which is unknown. Did you mean quick"),
    ("--methods", "remx", "got 'remx', which is unknown. Did you mean"),
    ("--methods", ",", "is empty"),
    ("--datasets", ",", "is empty"),
    ("--datasets", "ecolli", "got 'ecolli', which is unknown. Did you"),
    ("--protocol", "10x3", "got '10x3'; write <repeats>x2, "),
    ("--n-jobs", "-2", "got -2; give 1 or more, -1 for all cores, or 0"),
    ("--time-limit", "0", ": must be a number above 0, got '0'"),
    ("--time-limit", "soon", ": must be a number above 0, got 'soon'"),
]


@pytest.mark.parametrize(("option", "value", "message"), WRONG)
def test_wrong_option(capsys, tmp_path, option, value, message):
    error = usage_error(capsys, [option, value, "--out", str(tmp_path / "out")])
    assert f"{option}{'' if message[0] == ':' else ' '}{message}" in error
    assert not (tmp_path / "out").exists()


def test_a_peer_that_is_not_installed_is_refused_first(command, capsys, monkeypatch):
    monkeypatch.setattr(command_module, "find_spec", lambda name: None)
    error = usage_error(capsys, [*command, "--methods", "net,realmlp,catboost"])
    assert "--methods has realmlp, catboost, and pytabkit, catboost is not" in error
    assert 'pip install "imbdeep[peers]"' in error
    assert not Path(command[-1]).exists()


def test_a_group_stands_for_its_methods(command):
    argv = [*command, "--methods", "net,members,net_members"]
    methods = imblearn27.plan(imblearn27.make_parser().parse_args(argv)).methods
    expected = [name for name, m in METHODS.items() if m.group == "members"]
    assert [method.name for method in methods] == ["net", *expected]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none(capsys):
    assert "finds no CUDA device" in usage_error(capsys, ["--device", "cuda"])


def test_help_names_every_preset_and_method(capsys):
    with pytest.raises(SystemExit) as stopped:
        imblearn27.main(["--help"])
    assert stopped.value.code == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    first_words = {words[0] for words in lines if words}
    assert {*PRESETS, *METHODS} <= first_words


def test_defaults():
    args = imblearn27.make_parser().parse_args([])
    assert (args.preset, args.seed, args.device) == ("quick", 0, "auto")
    assert choose_n_jobs(None, "cpu") == joblib.cpu_count()
    assert choose_n_jobs(None, "cuda") == 1
    assert choose_n_jobs(-1, "cuda") == joblib.cpu_count()
    assert choose_n_jobs(3, "cpu") == 3


def test_out_is_named_after_the_preset(tmp_path, monkeypatch, reports):
    monkeypatch.chdir(tmp_path)
    cells = tmp_path / "results" / "smoke" / "cells.jsonl"
    cells.parent.mkdir(parents=True)
    cells.touch()
    imblearn27.main(["--preset", "smoke", "--report-only"])
    assert [path.resolve() for path in reports] == [cells]


def test_options_override_the_preset(command, reports, tmp_path, log):
    assert imblearn27.main(["--preset", "smoke", *command, "--seed", "4"]) == 0
    run = json.loads((tmp_path / "out" / "cells.jsonl").read_text().splitlines()[0])
    assert run["preset"] == "smoke"
    assert run["methods"] == ["first", "second"]
    assert (run["protocol"], run["seed"]) == ("1x2", 4)
    assert len(log) == 8
    assert reports == [tmp_path / "out" / "cells.jsonl"]


def test_the_samplers_preset_has_every_sampler_and_each_learner_alone(data_home):
    argv = ["--preset", "samplers", "--data-home", str(data_home), "--device", "cpu"]
    grid = imblearn27.plan(imblearn27.make_parser().parse_args(argv))
    methods = {method.name for method in grid.methods}
    samplers = ("latent_smote", "gl_gan", "conditional_gan", "conditional_wgan")
    behind = {
        f"{name}_{sampler}" for sampler in samplers for name in ("net", "hist_gb")
    }
    assert {"net", "hist_gb", "hist_gb_smote", "hist_gb_meta_augment"} <= methods
    assert behind <= methods


def test_another_protocol_needs_another_out(command, reports, capsys, tmp_path):
    imblearn27.main(command)
    cells = tmp_path / "out" / "cells.jsonl"
    before = cells.read_bytes()
    error = usage_error(capsys, [*command, "--protocol", "2x2"])
    assert "holds results with protocol '1x2', not '2x2'; give another --out" in error
    assert cells.read_bytes() == before


def test_report_only_computes_nothing(command, reports, tmp_path, log):
    imblearn27.main(command)
    log.clear()
    assert imblearn27.main([*command, "--report-only"]) == 0
    assert log == []
    assert len(reports) == 2


def test_report_only_without_a_run(capsys, tmp_path):
    argv = ["--report-only", "--out", str(tmp_path / "none")]
    assert "--report-only finds no" in usage_error(capsys, argv)
    assert not (tmp_path / "none").exists()


def test_failed_cells_do_not_stop_the_run(command, reports, capsys, monkeypatch):
    broken = recording_method([], cls=BrokenClassifier, name="second")
    monkeypatch.setitem(METHODS, "second", broken)
    assert imblearn27.main(command) == 0
    assert "4 cells failed; the same command tries them once more" in (
        capsys.readouterr().out
    )
    assert len(reports) == 1


def interrupted_at(call, error):
    """Return a classifier whose fit raises `error` at the given call."""
    calls = []

    class Interrupted(BrokenClassifier):
        def fit(self, X, y, eval_set=None):
            calls.append(1)
            if len(calls) == call:
                raise error
            return super(BrokenClassifier, self).fit(X, y, eval_set)

    return Interrupted


def test_interruption(command, reports, capsys, tmp_path, monkeypatch, log):
    stops = recording_method(log, cls=interrupted_at(2, KeyboardInterrupt()))
    monkeypatch.setitem(METHODS, "second", stops)
    assert imblearn27.main(command) == 130
    assert "go on with the same command" in capsys.readouterr().err
    assert reports == []
    lines = (tmp_path / "out" / "cells.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("cell") == 3


@pytest.mark.parametrize(
    "error", [WorkerStartError("No worker starts."), OSError("No space left.")]
)
def test_a_run_that_cannot_go_on_says_why(command, reports, capsys, monkeypatch, error):
    def fill(*args, **kwargs):
        raise error

    monkeypatch.setattr(command_module, "fill", fill)
    assert imblearn27.main(command) == 1
    assert f"{error} Finished cells are in" in capsys.readouterr().err
    assert reports == []


def test_a_time_limit_needs_a_process_that_can_be_stopped(command, capsys):
    error = usage_error(capsys, [*command, "--time-limit", "5"])
    assert "--time-limit needs a worker process" in error


@pytest.mark.slow
def test_report_and_its_short_form(command, capsys, tmp_path):
    assert imblearn27.main(command) == 0
    printed = capsys.readouterr().out
    assert "first" in printed
    assert "average_precision" in printed
    assert str(tmp_path / "out" / "report.md") in printed
    assert "27 imbalanced-learn sets" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.slow
def test_learners_behind_generative_samplers_run(command, reports, tmp_path):
    methods = "hist_gb_latent_smote,net_conditional_gan"
    assert imblearn27.main([*command, "--datasets", "ecoli", "--methods", methods]) == 0
    lines = (tmp_path / "out" / "cells.jsonl").read_text().splitlines()
    cells = [cell for cell in map(json.loads, lines) if cell["kind"] == "cell"]
    assert [cell["error"] for cell in cells] == [None] * 4


@pytest.mark.slow
def test_a_run_of_failures_alone_is_reported(command, capsys, tmp_path, monkeypatch):
    for name in ("first", "second"):
        broken = recording_method([], cls=BrokenClassifier, name=name)
        monkeypatch.setitem(METHODS, name, broken)
    assert imblearn27.main(command) == 0
    assert "the fit went wrong" in (tmp_path / "out" / "report.md").read_text()
