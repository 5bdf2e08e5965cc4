"""Nothing that comes from elsewhere runs: see the page on trust in the user guide."""

import ast
import configparser
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification

import imbdeep
from imbdeep.classifiers import (
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    ReMixClassifier,
)

ROOT = Path(__file__).parents[1]
SOURCES = [
    *Path(imbdeep.__file__).parent.rglob("*.py"),
    *(ROOT / "benchmarks").rglob("*.py"),
    *(ROOT / "docs").rglob("*.py"),
]
# By the name that is called: what it must be told, None if it may not be called at all.
GUARDED = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "format.read_array": ("allow_pickle", False),
    "pickle.load": None,
    "pickle.loads": None,
    "joblib.load": None,
    "pd.read_pickle": None,
    "yaml.load": None,
    "eval": None,
    "exec": None,
}
# The reader that can call nothing, which has tests of its own; and what a run's worker
# processes answer it, through a pipe that has no other end.
UNPICKLES = {"_byte_pickles.py", "workers.py"}
UNPICKLERS = {"pickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal"}


def last_names(node):
    """The last two names of a called function, such as ``'torch.load'``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = node.value
        owner = getattr(owner, "attr", None) or getattr(owner, "id", "")
        return f"{owner}.{node.attr}"
    return ""


def breaks_a_rule(node):
    """Whether a call may run what a file holds."""
    name = last_names(node.func)
    if name not in GUARDED:
        return False
    if GUARDED[name] is None:
        return True
    argument, value = GUARDED[name]
    told = {keyword.arg: keyword.value for keyword in node.keywords}
    given = told.get(argument)
    return not (isinstance(given, ast.Constant) and given.value is value)


def offences(tree):
    """Lines that unpickle, or may."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and breaks_a_rule(node):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module in UNPICKLERS:
            yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr == "Unpickler":
            yield node.lineno


def test_nothing_unpickles_data():
    found = {
        f"{source.name}:{line}"
        for source in SOURCES
        if source.name not in UNPICKLES
        for line in offences(ast.parse(source.read_text(encoding="utf-8")))
    }
    assert len(SOURCES) > 150
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "torch.load(f, weights_only=safe)",
        "np.load(f)",
        "np.lib.format.read_array(f)",
        "pickle.loads(f.read())",
        "from pickle import loads",
        "pd.read_pickle(f)",
        "class U(pickle.Unpickler): pass",
        "eval(text)",
    ],
)
def test_the_walk_sees_what_it_looks_for(line):
    assert list(offences(ast.parse(line))) == [1]
    allowed = "torch.load(f, weights_only=True); np.load(f, allow_pickle=False)"
    assert list(offences(ast.parse(allowed))) == []


@pytest.mark.parametrize(
    ("package", "floor"), [("torch", "2.6"), ("jinja2", "3.1.6"), ("tqdm", "4.66.3")]
)
def test_floors_leave_out_known_holes(package, floor):
    if not (ROOT / "setup.cfg").exists():
        pytest.skip("installed without its setup.cfg")
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    required = config["options"]["install_requires"].splitlines()
    for extra in config["options.extras_require"].values():
        required += extra.splitlines()
    asked = [line.split(">=") for line in required if line.startswith(package)]
    numbers = [[int(part) for part in version.split(".")] for _, version in asked]
    assert numbers
    assert min(numbers) >= [int(part) for part in floor.split(".")]


# --- Nets without a pickle -----------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    """A table with ties, two values, one value and whole numbers."""
    X, y = make_classification(200, weights=[0.8], random_state=0)
    table = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    table["tied"] = table["a"].round()
    table["two"] = (table["b"] > 0).astype(float)
    table["one"] = 7.0
    return table, np.where(y == 1, "rare", "usual")


NETS = {
    "net": NetClassifier(),
    "standard": NetClassifier(numeric_encoding="standard"),
    "raw": NetClassifier(numeric_encoding=None),
    "few bins": NetClassifier(n_bins=4),
    "ldam": LDAMClassifier(),
    "averaged": LDAMClassifier(weight_averaging="ema"),
    "remix": ReMixClassifier(),
    "meta_augment": MetaAugmentClassifier(pretrain_epochs=3),
}


@pytest.mark.parametrize(
    ("name", "use_safetensors"), [("net", False), *[(name, True) for name in NETS]]
)
def test_a_net_is_rebuilt_from_quantiles_and_weights(
    rows, tmp_path, name, use_safetensors
):
    if use_safetensors:
        pytest.importorskip("safetensors")
    (table, labels), net = rows, clone(NETS[name])
    options = {"f_params": tmp_path / "net", "use_safetensors": use_safetensors}
    net.set_params(max_epochs=3, random_state=0).fit(table, labels)
    net.save_params(**options)

    quantiles = table.quantile(np.linspace(0, 1, net.n_bins + 1))
    again = type(net)(**{**net.get_params(deep=False), "max_epochs": 1})
    again.fit(quantiles, np.resize(net.classes_, len(quantiles)))
    again.load_params(**options)

    far = pd.concat([table, 100 * table, -100 * table])
    np.testing.assert_array_equal(again.predict_proba(far), net.predict_proba(far))
    np.testing.assert_array_equal(again.predict(far), net.predict(far))
    assert again.feature_names_in_.tolist() == list(table)


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_weights_that_are_code_do_not_run(rows, tmp_path):
    net = NetClassifier(max_epochs=1, random_state=0).fit(*rows)
    torch.save({"head.bias": Attack(tmp_path / "made")}, tmp_path / "net.pt")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        net.load_params(f_params=tmp_path / "net.pt")
    assert not (tmp_path / "made").exists()
