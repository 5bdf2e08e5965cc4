"""What counts as the same run: code, parameters, versions and device."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.classifiers import NetClassifier
from imbdeep_bench.engine import identity as identity_module
from imbdeep_bench.engine.experiment import Method
from imbdeep_bench.engine.identity import identify, own_sources, plain, plain_params
from imbdeep_bench.engine.run import fill
from imbdeep_bench.engine.store import CellStore
from imbdeep_bench.engine.workers import Workers
from imbdeep_bench.imblearn27.methods import METHODS
from tests.benchmarks.engine.test_run import path, records, run
from tests.benchmarks.engine.test_workers import IMPORT_PATH

__all__ = ["path", "run"]  # fixtures


def make_logistic(random_state, device, C=1.0):
    return LogisticRegression(C=C, random_state=random_state)


def make_another(random_state, device):
    return LogisticRegression(random_state=random_state)


@pytest.fixture
def go_on(run, path, monkeypatch):
    """Compute what is missing, with a method that may have changed meanwhile."""

    def go_on(make=make_logistic, mix_versions=False, **changes):
        method = Method("first", make, kind="refitted")
        monkeypatch.setitem(METHODS, "first", method)
        grid = run(["first"], ["ecoli"], **changes)
        return fill(path, grid, Workers(0), mix_versions=mix_versions)

    return go_on


def test_every_record_says_what_computed_it(go_on, path):
    go_on()
    (told,) = records(path, "run")
    first, second = (cell["identity"] for cell in records(path, "cell"))
    assert first == second
    assert first["device"] == told["identity"]["device"] == "cpu"
    assert first["package"] == told["identity"]["package"]
    assert told["identity"]["methods"] == {
        "first": {"source": first["source"], "params": first["params"]}
    }
    assert first["params"]["C"] == "1.0"


def test_the_same_run_goes_on(go_on, path):
    go_on()
    before = path.read_bytes()
    assert go_on() == 0
    assert path.read_bytes().startswith(before)
    assert len(records(path, "cell")) == 2


DIFFERENT = {
    "params": ({"make": partial(make_logistic, C=2.0)}, "first's C 1.0, now 2.0"),
    "source": ({"make": make_another}, "the code of first"),
    "device": ({"device": "cuda"}, "device cpu, now cuda"),
    "versions": ({"versions": {"torch": "9"}}, "python .*, now absent"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_run_is_refused_unless_told(go_on, path, name):
    changes, told = DIFFERENT[name]
    go_on()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{told}.*another --out, or --mix-versions"):
        go_on(**changes)
    assert path.read_bytes() == before
    assert go_on(**changes, mix_versions=True) == 0
    assert len(records(path, "run")) == 2


def test_another_package_is_refused(go_on, monkeypatch):
    go_on()
    monkeypatch.setattr(identity_module, "package_hash", lambda: "another")
    with pytest.raises(ValueError, match="something else: the code of imbdeep"):
        go_on()


def test_cells_of_old_do_not_say(go_on, path):
    go_on()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line.pop("identity", None)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match="do not say what code computed them"):
        go_on()


def test_failed_cells_may_be_of_another_code(go_on, path):
    def broken(random_state, device):
        raise RuntimeError("no model")

    assert go_on(make=broken) == 2
    assert go_on() == 0


# --- What is hashed ------------------------------------------------------------------


class Own(BaseEstimator):
    def __init__(self, inner=None):
        self.inner = inner


def test_sources_of_libraries_and_of_the_package_are_left_out():
    assert own_sources(LogisticRegression()) == set()
    assert own_sources(NetClassifier()) == set()
    (source,) = own_sources([{"a": Own(make_pipeline(StandardScaler(), None))}])
    assert source.startswith("class Own(BaseEstimator)")
    assert len(own_sources([Own(), partial(make_logistic, C=2)])) == 2


def test_sources_in_closures_are_found():
    def outer(inner):
        return lambda: inner

    assert any("def make_another" in s for s in own_sources(outer(make_another)))


def test_parameters_are_the_same_in_every_process():
    params = plain_params(NetClassifier(callbacks=[object()]))
    assert params["optimizer"] == "torch.optim.adam.Adam"
    assert params["callbacks"] == "[<object object>]"
    assert params == plain_params(NetClassifier(callbacks=[object()]))
    first, second = plain(list(range(500))), plain([*range(499), 5])
    assert first != second
    assert len(first) < 250


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_an_identity_that_does_not_change(run, name, fake_peers):
    cell = run([name], ["ecoli"]).cells()[0]
    identity = identify(cell)
    other = replace(cell, fold=1, experiment=replace(cell.experiment, seed=7))
    assert identity == identify(other)
    assert identity["params"]
    json.dumps(identity, allow_nan=False)


# --- The lock ------------------------------------------------------------------------

HOLD = """
import sys
from imbdeep_bench.engine.store import CellStore
store = CellStore({path!r})
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_two_runs_do_not_write_to_one_file(go_on, path):
    go_on()
    before = path.read_bytes()
    script = HOLD.format(path=str(path))
    other = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": IMPORT_PATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="Another run is writing to .*cells"):
            go_on()
        assert path.read_bytes() == before
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    # A lock of a dead process does not block.
    assert go_on() == 0


def test_a_store_that_is_refused_lets_go_of_its_lock(path):
    path.parent.mkdir()
    path.write_text("oops\n")
    with pytest.raises(ValueError, match="Line 1") as caught:
        CellStore(path)
    path.write_text("")
    CellStore(path).close()
    assert caught.tb is not None  # keeps the first one alive
