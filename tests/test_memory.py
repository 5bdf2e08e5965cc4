"""A fit holds few copies of its table."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification

from imbdeep.classifiers import NetClassifier
from imbdeep.datasets import make_satellite_tiles

SETTINGS = (
    "module__hidden_sizes=(8,), batch_size=256, max_epochs=1, early_stopping=True, "
    "random_state=0, device='cpu'"
)
ATTACK = "eps=0.1, eps_unit='std', attack_steps=1"
CALLS = {
    "net": f"classifiers.NetClassifier({SETTINGS}).fit",
    "members": f"classifiers.NetClassifier(n_members=10, {SETTINGS}).fit",
    "members-holdout": "classifiers.NetClassifier(n_members=10, "
    f"member_holdout='folds', {SETTINGS}).fit",
    "meta-augment": f"classifiers.MetaAugmentClassifier(pretrain_epochs=1, {SETTINGS})"
    ".fit",
    "meta-augment-sampler": "over_sampling.MetaAugment(estimator=classifiers."
    f"MetaAugmentClassifier(pretrain_epochs=1, {SETTINGS})).fit_resample",
    "srat": f"classifiers.SRATClassifier({ATTACK}, {SETTINGS}).fit",
    "imb-mix": f"classifiers.ImbMixClassifier({ATTACK}, {SETTINGS}).fit",
}
SCRIPT = """
import threading, time
import numpy as np, torch
from imbdeep import classifiers, over_sampling
torch.set_num_threads(1)

def table(n):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 50), dtype=np.{dtype})
    return X, (X[:, 0] > 1.9).astype(int)

def size():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

call = {call}
call(*table(2000))  # what is imported and allocated once
X, y = table(200_000)
before, peak, done = size(), [0], threading.Event()

def watch():
    while not done.wait(0.001):
        peak[0] = max(peak[0], size())

watcher = threading.Thread(target=watch)
watcher.start()
call(X, y)
done.set()
watcher.join()
print((peak[0] - before) / X.nbytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALLS)
def test_a_fit_holds_at_most_four_times_the_table(name, dtype):
    # Freed memory goes back at once, so that the size is what is in use.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "262144"}
    script = SCRIPT.format(call=CALLS[name], dtype=dtype)
    run = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 4


# As many as the training part of drought-watch, of ten bands: 3.4 GiB of bytes.
N_TILES, GIB = 86_317, 2**30
TILES_SCRIPT = """
import json, resource, sys
import numpy as np, torch
from imbdeep.classifiers import NetClassifier
torch.set_num_threads(1)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

X = np.load(sys.argv[1], mmap_mode="r")
y = np.arange(len(X)) % 4
net = NetClassifier(
    "conv", module__n_filters=(4,), module__n_hidden=8, max_epochs=1,
    early_stopping=True, random_state=0, device="cpu",
)
before = peak()
net.fit(X, y)
fitted = peak()
net.predict_proba(X)
print(json.dumps([before, fitted, peak()]))
"""


@pytest.fixture
def tiles_file(tmp_path):
    """A file of a few tiles, over and over."""
    if shutil.disk_usage(tmp_path).free < 8 * GIB:
        pytest.skip("needs 8 GiB of disk")
    path = tmp_path / "X.npy"
    few = make_satellite_tiles(500, size=65, random_state=0).data
    header = {
        "descr": "|u1",
        "fortran_order": False,
        "shape": (N_TILES, *few.shape[1:]),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, N_TILES, len(few)):
            file.write(few[: N_TILES - start])
    yield path
    # pytest keeps the folders of the last three runs.
    path.unlink()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_mapped_file_of_tiles_takes_no_memory(tiles_file):
    run = subprocess.run(
        [sys.executable, "-c", TILES_SCRIPT, str(tiles_file)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    before, fitted, predicted = json.loads(run.stdout)
    # Pages of the mapped file included: all of them would be 3.4 GiB.
    assert max(fitted, predicted) < 2 * GIB
    assert max(fitted, predicted) - before < GIB


def test_a_history_that_grows_can_be_cut():
    X, y = make_classification(40, random_state=0)
    net = NetClassifier(max_epochs=2, module__hidden_sizes=(4,), warm_start=True)
    for _ in range(3):
        net.fit(X, y)
        assert len(net.history) > 1
        net.history[:] = net.history[-1:]
    assert len(net.history) == 1
    assert net.predict_proba(X).shape == (len(X), 2)
