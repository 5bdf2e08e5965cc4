"""The command line of the paper's experiments."""

import explicit_gradient
import pytest
from explicit_gradient import EXPERIMENTS, main


def test_help_names_every_experiment(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    first_words = {
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.split()
    }
    assert set(EXPERIMENTS) <= first_words


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_explains_its_options(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert "--out" in out
    assert EXPERIMENTS[name].__doc__.splitlines()[0] in out


def test_an_experiment_is_needed(capsys):
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "required: experiment" in capsys.readouterr().err


class Stub:
    """An experiment."""

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("--code", type=int)

    @staticmethod
    def run(args):
        if args.code < 0:
            raise ValueError("--code is below 0")
        return args.code


def test_the_experiment_gets_its_options_and_gives_the_exit_code(monkeypatch):
    monkeypatch.setitem(explicit_gradient.EXPERIMENTS, "stub", Stub)
    assert main(["stub", "--code", "130"]) == 130


def test_a_wrong_value_is_a_usage_error(monkeypatch, capsys):
    monkeypatch.setitem(explicit_gradient.EXPERIMENTS, "stub", Stub)
    with pytest.raises(SystemExit) as stopped:
        main(["stub", "--code", "-1"])
    assert stopped.value.code == 2
    assert "--code is below 0" in capsys.readouterr().err
