"""Imports of the package go one way, and are quick."""

import ast
import functools
import importlib
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import imbdeep

PACKAGE = Path(imbdeep.__file__).parent

# What a part of the package may import of the others; its own files go without saying.
MAY_IMPORT = {
    "_all_or_nothing": set(),
    "_arguments": set(),
    "_bands": set(),
    "_docs": set(),
    "_files": set(),
    "_mapped": set(),
    "_sizes": set(),
    "_sub_packages": set(),
    "_switches": set(),
    "_tables": set(),
    "_torch": set(),
    "_value_range": set(),
    "_version": set(),
    "_generative": set(),
    "metrics": set(),
    "losses": set(),
    "modules": set(),
    "attacks": {"metrics", "datasets"},
    "augmentations": set(),
    "crowds": set(),
    "datasets": set(),
    "preprocessing": set(),
    "batches": {"losses"},
    "calibration": set(),
    "callbacks": {"losses", "batches"},
    "_nets": {
        "losses",
        "modules",
        "augmentations",
        "batches",
        "callbacks",
        "calibration",
    },
    "base": {"_nets", "losses", "modules", "batches", "callbacks"},
    "reporting": {"metrics"},
}
FOR_ALL = {
    name
    for name in MAY_IMPORT
    if name.startswith("_") and name not in {"_nets", "_generative", "_sub_packages"}
}
# Methods may use everything but each other; a sampler may also ask a classifier.
METHODS = {"classifiers", "over_sampling"}
MAY_IMPORT["classifiers"] = set(MAY_IMPORT) - {"reporting"}
MAY_IMPORT["utils"] = set()
MAY_IMPORT["over_sampling"] = MAY_IMPORT["classifiers"] | {"classifiers"}
MAY_IMPORT["displays"] = {"metrics"}


def module_name(path):
    """Dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def resolve(node, path):
    """Absolute name of what ``from ... import`` imports from."""
    if not node.level:
        return node.module
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join(package + ([node.module] if node.module else []))


@functools.cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def own_imports(path):
    """Modules of the package that a file imports, and those it takes names from.

    ``from imbdeep.losses import ldam`` may import a module or a name, so both
    ``imbdeep.losses`` and ``imbdeep.losses.ldam`` are given.
    """
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve(node, path)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "imbdeep"}


def part(name):
    """Part of the package that a dotted name belongs to: its second word."""
    return name.split(".")[1] if "." in name else None


FILES = sorted(PACKAGE.rglob("*.py"))


def may_import(own):
    """Parts of the package that a part may import, itself included."""
    if own is None:
        # The package itself imports its version, and the rest when it is asked for.
        return {None, "_sub_packages", "_version"}
    assert own in MAY_IMPORT, f"say in MAY_IMPORT what {own} may import"
    return MAY_IMPORT[own] | FOR_ALL | {None, own}


def test_imports_go_one_way():
    wrong = {
        module_name(path): sorted(beyond, key=str)
        for path in FILES
        if (
            beyond := {part(name) for name in own_imports(path)}
            - may_import(part(module_name(path)))
        )
    }
    assert not wrong


def modules_of_methods(package):
    """Files of a package that define what it exports."""
    public = importlib.import_module(f"imbdeep.{package}")
    return {getattr(public, name).__module__ for name in public.__all__}


# A blend is made of other methods.
BLENDED = {
    "imbdeep.classifiers._imbalanced.learners": {
        "imbdeep.classifiers._ldam",
        "imbdeep.classifiers._net_ensemble",
        "imbdeep.classifiers._remix",
    }
}


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if part(module_name(p)) in METHODS and p.name != "__init__.py"],
    ids=lambda path: module_name(path),
)
def test_methods_do_not_import_each_other(path):
    own = module_name(path)
    others = modules_of_methods(part(own)) - {own}
    imported = own_imports(path)
    if own in BLENDED:
        others -= BLENDED[own]
    # What a family shares does not know its methods either.
    assert not {m for m in others if any(f"{n}.".startswith(f"{m}.") for n in imported)}


def roots_of_imports(path):
    """First words of all that a file imports by absolute names."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_nothing_imports_benchmarks_or_tests():
    outside = {"benchmarks", "imbdeep_bench", "tests"}
    assert not [path for path in FILES if outside & set(roots_of_imports(path))]


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_all(node):
    return isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [
        "__all__"
    ]


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.name == "__init__.py"],
    ids=lambda path: module_name(path),
)
def test_folders_hold_docstring_imports_and_all(path):
    first, *rest = parsed(path).body
    assert is_docstring(first)
    others = [n for n in rest if not isinstance(n, ast.Import | ast.ImportFrom)]
    assert all(is_all(node) for node in others)
    assert len(others) <= 1


def test_files_of_folders_are_private():
    of_folders = [p for p in FILES if p.parent != PACKAGE and p.name != "__init__.py"]
    assert of_folders
    for path in of_folders:
        names = path.relative_to(PACKAGE).parts
        assert any(name.startswith("_") for name in names), path


def test_the_checks_see_what_they_should():
    path = PACKAGE / "losses" / "_ldam.py"
    assert "imbdeep.losses._cross_entropy" in own_imports(path)
    node = ast.parse("from ..batches import BATCHES").body[0]
    assert resolve(node, path) == "imbdeep.batches"
    node = ast.parse("from . import _focal").body[0]
    assert resolve(node, path) == "imbdeep.losses"
    assert resolve(node, path.with_name("__init__.py")) == "imbdeep.losses"
    assert {"torch", "imbdeep"} <= set(roots_of_imports(path))
    assert part("imbdeep.classifiers._ldam") not in may_import("losses")


EXTRAS = ["matplotlib", "scikit_posthocs", "jinja2", "monai", "skimage", "tfrecord"]
# Says how far it came: one process for all, since torch takes seconds to import.
STAGES = f"""
import sys
import imbdeep
heavy = {{"torch", "skorch", "sklearn", "imblearn", "numpy"}}
assert set(imbdeep.__all__) <= set(dir(imbdeep))
assert not heavy & set(sys.modules)
print("light")
sys.modules |= dict.fromkeys({EXTRAS})
for name in set(imbdeep.__all__) - {{"reporting"}}:
    assert getattr(imbdeep, name) is not None
print("without extras")
for name in {EXTRAS}:
    del sys.modules[name]
assert imbdeep.reporting is not None
print(imbdeep.classifiers.NetClassifier.__name__)
"""


@pytest.fixture(scope="module")
def stages():
    """How far a fresh process came in importing the package; it prints its error."""
    run = subprocess.run(
        [sys.executable, "-c", STAGES],
        cwd=PACKAGE.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    return run.stdout.splitlines()


def sub_packages():
    return {name for name in MAY_IMPORT if not name.startswith("_")}


def test_sub_packages_are_attributes_of_the_package(stages):
    at_the_top = {"__version__", "ImbalancedClassifier"}
    assert set(imbdeep.__all__) == sub_packages() | at_the_top
    assert imbdeep.ImbalancedClassifier is imbdeep.classifiers.ImbalancedClassifier
    assert stages[:1] == ["light"]
    assert stages[-1:] == ["NetClassifier"]


def test_the_docstring_lists_the_sub_packages():
    listed = {line for line in imbdeep.__doc__.splitlines() if line.isidentifier()}
    assert listed == sub_packages()


def test_what_the_package_does_not_have():
    with pytest.raises(AttributeError, match="'imbdeep' has no attribute 'nets'"):
        imbdeep.nets  # noqa: B018


@pytest.mark.slow
def test_importing_is_quick():
    # Beyond torch, skorch and imbalanced-learn. reporting brings matplotlib and is left
    # out: nobody waits for it who does not draw.
    names = ["imbdeep"] + [
        f"imbdeep.{path.stem}"
        for path in sorted(PACKAGE.iterdir())
        if (path / "__init__.py").exists() or path.name == "base.py"
        if path.name != "reporting"
    ]
    assert "imbdeep.base" in names
    assert "imbdeep.classifiers" in names
    code = (
        "import time, torch, skorch, imblearn\n"
        "start = time.perf_counter()\n"
        f"import {', '.join(names)}\n"
        "print(time.perf_counter() - start)"
    )
    seconds = [
        float(
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=PACKAGE.parent,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(3)
    ]
    assert statistics.median(seconds) < 0.3


def test_extras_are_not_needed(stages):
    assert "without extras" in stages
