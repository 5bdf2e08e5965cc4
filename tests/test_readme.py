"""The README: its example runs, its commands are those that CI runs."""

import re
import shlex
from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeClassifier

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(name):
    match = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    return match.group(1).strip()


def test_the_first_example_runs(capsys):
    code = block("first example")
    # One learner, quicker than the reader's four.
    short = code.replace("Classifier(", "Classifier([('tree', TREE)], ")
    assert short != code
    exec(compile(short, "README.md", "exec"), {"TREE": DecisionTreeClassifier()})
    assert "{'tree': 1.0} " in capsys.readouterr().out


def test_the_example_runs(capsys):
    code = block("example")
    assert len(code.splitlines()) <= 17
    # Four fits, shorter than the reader's.
    short = code.replace("Classifier(", "Classifier(max_epochs=5, ")
    assert short != code
    exec(compile(short, "README.md", "exec"), {})
    assert "malignant" in capsys.readouterr().out


def test_the_commands_install_what_is_there():
    extras = re.findall(r"^(\w+) =$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    for name in ("benchmark command", "test command"):
        (command,) = block(name).splitlines()
        words = shlex.split(command)
        assert "constraints.txt" in words
        wanted = re.search(r"\.\[(.*)\]", command).group(1).split(",")
        assert set(wanted) <= set(extras)
    assert (ROOT / shlex.split(block("benchmark command"))[-3]).is_file()


def test_ci_reads_the_test_command_from_here():
    ci = (ROOT / ".ci" / "run").read_text()
    assert "<!-- test command -->" in ci
    assert "README.md" in ci


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()
