"""The documentation's snippets run, and it leaves no public name out."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import imbdeep

DOCS = Path(__file__).parents[1] / "docs"
BUILT = {"_build", "auto_gallery", "generated"}
PAGES = sorted(
    path
    for path in DOCS.rglob("*.rst")
    if not BUILT & set(path.relative_to(DOCS).parts) and "_templates" not in path.parts
)
PAGE_IDS = [str(path.relative_to(DOCS)) for path in PAGES]
SCRIPTS = sorted((DOCS / "gallery").glob("plot_*.py"))


def public_names(module):
    """Names of a sub-package's ``__all__``, or what a module without one defines."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    return {
        name
        for name, value in vars(module).items()
        if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
    }


def documented_names(page):
    """Names on the API page, by the module they are listed under."""
    module, found = None, {}
    for line in page.splitlines():
        if match := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.fullmatch(r"(?:\.\. py:data:: |   )(\w+)", line):
            found.setdefault(module, []).append(match[1])
    return found


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_snippets_run(path):
    result = doctest.testfile(
        str(path),
        module_relative=False,
        encoding="utf-8",
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert result.failed == 0


def test_pages_are_found():
    assert {"index.rst", "user_guide/net.rst", "user_guide/pitfalls.rst"} <= {
        path.relative_to(DOCS).as_posix() for path in PAGES
    }
    assert len(SCRIPTS) >= 3


def test_api_page_lists_every_public_name_once():
    documented = documented_names((DOCS / "api.rst").read_text(encoding="utf-8"))
    expected = {}
    for part in pkgutil.iter_modules(imbdeep.__path__, "imbdeep."):
        if not part.name.split(".")[1].startswith("_"):
            names = public_names(importlib.import_module(part.name))
            expected[part.name] = sorted(names)
    assert {name: sorted(names) for name, names in documented.items()} == expected


def user_guide_links():
    """(class, label) for each docstring that points to the user guide."""
    links = []
    for part in ("classifiers", "over_sampling"):
        module = importlib.import_module(f"imbdeep.{part}")
        for name in module.__all__:
            doc = inspect.getdoc(getattr(module, name))
            links += [(name, label) for label in re.findall(r"<(\w+)>`\.", doc)]
    return links


@pytest.mark.parametrize(("name", "label"), user_guide_links())
def test_docstrings_point_to_sections_that_exist(name, label):
    guide = (path.read_text(encoding="utf-8") for path in DOCS.glob("user_guide/*.rst"))
    assert any(f".. _{label}:" in page for page in guide)


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_figures_come_from_gallery_scripts(path):
    page = path.read_text(encoding="utf-8")
    figures = re.findall(r"images/sphx_glr_(\w+)_(\d{3})\.png", page)
    for script, number in figures:
        source = (DOCS / "gallery" / f"{script}.py").read_text(encoding="utf-8")
        assert int(number) <= source.count("plt.show()")


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_gallery_scripts_run(path):
    subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(path)],
        env=os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        timeout=120,
    )
