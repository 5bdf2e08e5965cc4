import hashlib
import tarfile
import zlib
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.datasets import get_data_home

from imbdeep.datasets import (
    IMBLEARN27_NAMES,
    IMBLEARN27_SHARED_ROWS,
    describe_duplicates,
    imblearn27_status,
    load_imblearn27,
)
from imbdeep.datasets import _imblearn27 as module
from imbdeep.datasets._imblearn27_table import IMBLEARN27, SHA256


def write_set(data_home, name, shift=0, **changes):
    """Write a small file where the collection keeps `name`; return its path."""
    folder = Path(data_home, "zenodo")
    folder.mkdir(parents=True, exist_ok=True)
    X = shift + np.arange(24).reshape(12, 2)
    y = np.repeat([-1, 1], [9, 3])
    path = folder / IMBLEARN27[name].file_name
    np.savez(path, **{"data": X, "label": y, **changes})
    return path


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Fetch:
    """Stands in for imbalanced-learn's fetcher and records how it is called."""

    def __init__(self, names=(), error=None):
        self.names, self.error, self.calls = names, error, []

    def __call__(self, *, data_home, filter_data):
        self.calls.append(filter_data)
        for name in self.names:
            write_set(data_home, name, shift=20)
        if self.error is not None:
            raise self.error


def shrink_table(monkeypatch):
    """Let all sets be as small as those of `write_set`."""
    for name, entry in IMBLEARN27.items():
        small = entry._replace(n_samples=12, n_features=2, n_minority=3)
        monkeypatch.setitem(IMBLEARN27, name, small)


@pytest.fixture
def no_fetch(monkeypatch):
    shrink_table(monkeypatch)
    fetch = Fetch(error=AssertionError("no download expected"))
    monkeypatch.setattr(module, "fetch_datasets", fetch)
    return fetch


def replace_fetch(monkeypatch, **options):
    shrink_table(monkeypatch)
    fetch = Fetch(**options)
    monkeypatch.setattr(module, "fetch_datasets", fetch)
    return fetch


# What a loaded set holds


def test_fields_of_a_set(tmp_path, no_fetch):
    path = write_set(tmp_path, "ecoli")
    datasets = load_imblearn27("ecoli", tmp_path)
    assert list(datasets) == ["ecoli"]
    ecoli = datasets["ecoli"]
    assert ecoli.data.dtype == np.float64
    np.testing.assert_array_equal(ecoli.data, np.arange(24).reshape(12, 2))
    np.testing.assert_array_equal(ecoli.target, [-1] * 9 + [1] * 3)
    assert (ecoli.name, ecoli.id) == ("ecoli", 1)
    assert (ecoli.n_samples, ecoli.n_features) == (12, 2)
    assert (ecoli.n_minority, ecoli.ratio) == (3, 3.0)
    assert ecoli.sha256 == sha256_of(path)
    assert "UCI, target: imU" in ecoli.DESCR
    assert ecoli.shares_rows_with == ()


def test_sets_that_share_rows_say_so(tmp_path, no_fetch):
    names = ["abalone", "abalone_19", "car_eval_4", "car_eval_34"]
    for name in names:
        write_set(tmp_path, name)
    datasets = load_imblearn27(names, tmp_path)
    assert {name: bunch.shares_rows_with for name, bunch in datasets.items()} == {
        "abalone": ("abalone_19",),
        "abalone_19": ("abalone",),
        "car_eval_4": ("car_eval_34",),
        "car_eval_34": ("car_eval_4",),
    }


def test_order_is_the_one_asked_for(tmp_path, no_fetch):
    for name in ("ecoli", "oil", "libras_move"):
        write_set(tmp_path, name)
    assert list(load_imblearn27(["oil", "ecoli"], tmp_path)) == ["oil", "ecoli"]


# Provenance


@pytest.mark.parametrize(
    ("name", "recorded", "provenance", "words"),
    [
        ("ecoli", True, "original", "the collection's own: its hash is the recorded"),
        ("ecoli", False, "unverified", "its hash is not the recorded one"),
        ("isolet", True, "rebuilt", "parts 1 to 5 of the UCI data, target A or B"),
        ("scene", True, "rebuilt", "target more than one label"),
        ("coil_2000", True, "rebuilt", "evaluation part and its targets"),
        ("webpage", True, "rebuilt", "w8a with repeated rows removed"),
        ("isolet", False, "unverified", "only the hash of a rebuilt file is recorded"),
        ("protein_homo", False, "unverified", "no hash is recorded"),
    ],
)
def test_provenance(tmp_path, monkeypatch, no_fetch, name, recorded, provenance, words):
    path = write_set(tmp_path, name)
    if recorded:
        monkeypatch.setitem(SHA256, IMBLEARN27[name].id, sha256_of(path))
    bunch = load_imblearn27(name, tmp_path)[name]
    assert bunch.provenance == provenance
    assert words in bunch.DESCR
    status = imblearn27_status(tmp_path)
    assert status.loc[name, "provenance"] == provenance
    assert status.loc[name, "sha256"] == bunch.sha256


def test_status_of_an_empty_cache(tmp_path, no_fetch):
    status = imblearn27_status(tmp_path)
    assert tuple(status.index) == IMBLEARN27_NAMES
    assert list(status.columns) == [
        "id",
        "n_samples",
        "n_features",
        "n_minority",
        "ratio",
        "provenance",
        "sha256",
    ]
    assert (status.provenance == "missing").all()
    assert status.sha256.isna().all()
    assert no_fetch.calls == []


def test_status_takes_a_damaged_file(tmp_path, no_fetch):
    write_set(tmp_path, "oil").write_bytes(b"garbage")
    assert imblearn27_status(tmp_path).provenance["oil"] == "unverified"


# Where the files are


def test_environment_variable_is_honoured(tmp_path, monkeypatch, no_fetch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    write_set(tmp_path, "ecoli")
    assert load_imblearn27("ecoli")["ecoli"].n_samples == 12
    assert imblearn27_status().provenance["ecoli"] == "unverified"


def test_data_home_goes_before_the_environment_variable(
    tmp_path, monkeypatch, no_fetch
):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "other"))
    write_set(tmp_path / "other", "ecoli", shift=30)
    write_set(tmp_path / "here", "ecoli", shift=15)
    bunch = load_imblearn27("ecoli", str(tmp_path / "here"))["ecoli"]
    assert bunch.data[0, 0] == 15


# What is missing


def test_partial_cache_is_taken_as_it_is(tmp_path, no_fetch):
    write_set(tmp_path, "ecoli")
    write_set(tmp_path, "oil")
    with pytest.warns(UserWarning, match=r"Left out 25 of the 27 sets.*protein_homo"):
        datasets = load_imblearn27(data_home=tmp_path)
    assert list(datasets) == ["ecoli", "oil"]
    assert no_fetch.calls == []


def test_missing_by_name_is_downloaded_once(tmp_path, monkeypatch):
    kept = write_set(tmp_path, "ecoli").read_bytes()
    fetch = replace_fetch(monkeypatch, names=("ecoli", "oil", "scene", "satimage"))
    datasets = load_imblearn27(["scene", "ecoli", "oil"], tmp_path)
    assert list(datasets) == ["scene", "ecoli", "oil"]
    assert len(fetch.calls) == 1
    assert datasets["oil"].data[0, 0] == 20
    # What the cache held is untouched, and the rest of the archive came along.
    folder = tmp_path / "zenodo"
    assert (folder / "x1data.npz").read_bytes() == kept
    assert {path.name for path in folder.iterdir()} == {
        "x1data.npz",
        "x3data.npz",
        "x12data.npz",
        "x18data.npz",
    }
    load_imblearn27("satimage", tmp_path)
    assert len(fetch.calls) == 1


def test_empty_cache_is_filled(tmp_path, monkeypatch, recwarn):
    fetch = replace_fetch(monkeypatch, names=IMBLEARN27_NAMES)
    assert tuple(load_imblearn27(data_home=tmp_path)) == IMBLEARN27_NAMES
    assert len(fetch.calls) == 1
    assert len(recwarn) == 0


def test_archive_that_lacks_sets(tmp_path, monkeypatch):
    fetch = replace_fetch(monkeypatch, names=("ecoli", "oil"))
    with pytest.raises(
        OSError, match=r"Cannot load scene: .*not in the download.*x12data"
    ):
        load_imblearn27(["oil", "scene"], tmp_path)
    with pytest.warns(UserWarning, match="Left out 25 of the 27"):
        load_imblearn27(data_home=tmp_path)
    assert len(fetch.calls) == 1


def test_archive_that_lacks_every_set(tmp_path, monkeypatch):
    replace_fetch(monkeypatch)
    with pytest.raises(OSError, match=r"Cannot load ecoli, .*not in the download"):
        load_imblearn27(data_home=tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        URLError("no route to host"),
        TimeoutError("timed out"),
        ConnectionResetError("reset"),
        IncompleteRead(b""),
        tarfile.ReadError("unexpected end of data"),
        EOFError("Compressed file ended"),
        zlib.error("invalid block"),
        ValueError("Cannot load file"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("names", [None, ["oil", "scene"]])
def test_failed_download_is_one_sentence(tmp_path, monkeypatch, error, names):
    # The fetcher fails after it has unpacked a file: that file must not be kept.
    fetch = replace_fetch(monkeypatch, names=("oil",), error=error)
    with pytest.raises(OSError, match="Cannot load") as caught:
        load_imblearn27(names, tmp_path)
    message = str(caught.value)
    assert type(error).__name__ in message
    assert "oil" in message
    assert "scene" in message
    assert "x18data.npz" in message
    assert "\n" not in message
    assert caught.value.__cause__ is error
    assert len(fetch.calls) == 1
    assert list((tmp_path / "zenodo").iterdir()) == []


def test_programming_errors_are_not_called_download_failures(tmp_path, monkeypatch):
    replace_fetch(monkeypatch, error=AttributeError("typo"))
    with pytest.raises(AttributeError, match="typo"):
        load_imblearn27("oil", tmp_path)


@pytest.mark.parametrize("names", [None, "oil"])
def test_download_refused(tmp_path, no_fetch, names):
    with pytest.raises(OSError, match=r"Cannot load .*oil.*download_if_missing=False"):
        load_imblearn27(names, tmp_path, download_if_missing=False)
    assert no_fetch.calls == []


def test_partial_cache_names_only_what_is_missing(tmp_path, no_fetch):
    write_set(tmp_path, "ecoli")
    with pytest.raises(OSError, match=r"Cannot load oil: "):
        load_imblearn27(["ecoli", "oil"], tmp_path, download_if_missing=False)


def test_real_fetcher_unpacks_where_we_look(tmp_path, monkeypatch):
    # The archive comes through imbalanced-learn's own code, from a local file.
    shrink_table(monkeypatch)
    source = tmp_path / "source"
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("ecoli", "oil"):
            tar.add(path := write_set(source, name), arcname=path.name)
    monkeypatch.setattr("imblearn.datasets._zenodo.URL", archive.as_uri())
    cache = tmp_path / "cache"
    assert load_imblearn27("oil", cache)["oil"].n_samples == 12
    assert imblearn27_status(cache).provenance["ecoli"] == "unverified"

    archive.write_bytes(archive.read_bytes()[:-200])
    cut = tmp_path / "cut"
    with pytest.raises(OSError, match=r"Cannot load oil: .*the download failed"):
        load_imblearn27("oil", cut)
    assert list((cut / "zenodo").iterdir()) == []


# Names and files that are wrong


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ecolli", "'ecolli', which is no set.*did you mean 'ecoli'"),
        (["ecoli", "car_eval"], "'car_eval', which.*'car_eval_4' or 'car_eval_34'"),
        ([1], "names holds 1, which is no set"),
        ([], "names is empty"),
    ],
)
def test_refuses_names(tmp_path, no_fetch, names, message):
    with pytest.raises(ValueError, match=message):
        load_imblearn27(names, tmp_path)
    assert no_fetch.calls == []


@pytest.mark.parametrize("n_bytes", [0, 1, 10, 60, 200, 400])
def test_truncated_file(tmp_path, no_fetch, n_bytes):
    path = write_set(tmp_path, "oil")
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(
        ValueError, match=r"'oil' is truncated or corrupt.*delete .*x18data\.npz"
    ):
        load_imblearn27("oil", tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": np.zeros(12)},
        {"data": np.zeros((11, 2))},
        {"data": np.full((12, 2), "text")},
        {"label": np.repeat([0, 1], 6)},
        {"label": np.full(12, -1)},
        {"label": np.ones((12, 1))},
        {"label": np.array([-1, 1] * 6, dtype=object)},
    ],
)
def test_file_that_holds_something_else(tmp_path, no_fetch, changes):
    write_set(tmp_path, "oil", **changes)
    with pytest.raises(ValueError, match="'oil' is truncated or corrupt"):
        load_imblearn27("oil", tmp_path)


def test_file_without_labels(tmp_path, no_fetch):
    np.savez(write_set(tmp_path, "oil"), data=np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"'oil' is truncated or corrupt.*label"):
        load_imblearn27("oil", tmp_path)


def test_damaged_bytes_anywhere(tmp_path, no_fetch):
    # Every error that damage causes must be the one sentence; harmless damage may load.
    path = write_set(tmp_path, "oil")
    intact = path.read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(200):
        damaged = bytearray(intact)
        for position in rng.integers(0, len(damaged), 4):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            load_imblearn27("oil", tmp_path)
        except ValueError as error:
            assert "'oil' is truncated or corrupt" in str(error)
            n_refused += 1
    assert n_refused > 100


# The collection itself, where it is cached


def cached(name):
    path = Path(get_data_home(), "zenodo", IMBLEARN27[name].file_name)
    if not path.is_file():
        pytest.skip(f"{name} is not in scikit-learn's data folder")
    return load_imblearn27(name, download_if_missing=False)[name]


@pytest.mark.parametrize("name", IMBLEARN27_NAMES)
def test_cached_set_agrees_with_the_table(name):
    bunch, entry = cached(name), IMBLEARN27[name]
    assert bunch.data.shape == (entry.n_samples, entry.n_features)
    assert (bunch.target == 1).sum() == bunch.n_minority == entry.n_minority
    assert bunch.ratio == entry.ratio
    assert np.isfinite(bunch.data).all()


@pytest.mark.parametrize("name", sorted(set(IMBLEARN27_NAMES) - {"protein_homo"}))
def test_cached_set_is_a_known_file(name):
    bunch = cached(name)
    if name in ("isolet", "scene", "coil_2000", "webpage"):
        # A fresh download brings the collection's own file, whose hash is not recorded.
        assert bunch.provenance in ("rebuilt", "unverified")
    else:
        assert bunch.provenance == "original"


@pytest.mark.parametrize(("name", "other"), IMBLEARN27_SHARED_ROWS)
def test_cached_sets_share_rows(name, other):
    np.testing.assert_array_equal(cached(name).data, cached(other).data)


# Counted before this package existed: feature vectors with both labels.
@pytest.mark.parametrize(
    ("name", "n_conflicting"), [("solar_flare_m0", 34), ("coil_2000", 119)]
)
def test_cached_sets_with_conflicting_labels(name, n_conflicting):
    bunch = cached(name)
    if bunch.provenance == "unverified":
        pytest.skip(f"{name} is not the file that was counted")
    counts = describe_duplicates(bunch.data, bunch.target)
    assert counts["n_conflicting_vectors"] == n_conflicting
