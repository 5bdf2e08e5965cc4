"""Files and functions of the package stay small enough to read."""

import ast
from pathlib import Path

import pytest

import imbdeep

PACKAGE = Path(imbdeep.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]
MOST_LINES = 400
MOST_OF_A_FUNCTION = 60


def lines_of_code(function):
    """Lines of the body of a function, without its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    long = {
        node.name: lines_of_code(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and lines_of_code(node) > MOST_OF_A_FUNCTION
    }
    assert not long


def test_the_counts_are_those_of_the_code():
    source = 'def f(x):\n    """Docstring,\n\n    long."""\n    y = x\n\n    return y\n'
    assert lines_of_code(ast.parse(source).body[0]) == 3
