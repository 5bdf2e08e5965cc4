"""Files and functions of the package stay small enough to read."""

import ast
from pathlib import Path

import imbdeep

PACKAGE = Path(imbdeep.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
MOST_OF_A_FUNCTION = 60


def lines_of_code(function):
    """Lines of the body of a function, without its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def functions(source):
    nodes = ast.walk(ast.parse(source))
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_files_and_functions_are_short():
    sources = {path: path.read_text(encoding="utf-8") for path in FILES}
    lines = {path: len(source.splitlines()) for path, source in sources.items()}
    assert not {path: n for path, n in lines.items() if n > MOST_LINES}
    long = {
        (path, node.name): n
        for path, source in sources.items()
        for node in functions(source)
        if (n := lines_of_code(node)) > MOST_OF_A_FUNCTION
    }
    assert not long


def test_the_counts_are_those_of_the_code():
    source = 'def f(x):\n    """Docstring,\n\n    long."""\n    y = x\n\n    return y\n'
    (function,) = functions(source)
    assert lines_of_code(function) == 3
