import numpy as np
import pytest
from sklearn.utils import Bunch

from imbdeep.datasets import IMBLEARN27_NAMES, describe_duplicates, load_embedded_suite
from imbdeep_bench.data.suites import (
    Suite,
    load_suite,
    row_groups,
    shared_test_fraction,
)
from imbdeep_bench.engine.protocol import parse_protocol
from imbdeep_bench.imblearn27.presets import PRESETS
from tests.benchmarks.conftest import write_set

SMOKE = PRESETS["smoke"]


def test_a_preset_takes_what_is_cached_and_records_the_rest(data_home, no_network):
    suite = load_suite(None, SMOKE, data_home)
    assert suite.name == "imblearn27"
    assert list(suite.data) == ["ecoli", "libras_move"]
    # All that the cache lacks, asked for or not.
    missing = {record["name"] for record in suite.missing}
    assert missing == set(IMBLEARN27_NAMES) - {"ecoli", "libras_move"}
    assert no_network == []


def test_missing_set_is_recorded_with_its_documented_size(data_home):
    suite = load_suite(None, PRESETS["full"], data_home)
    missing = {record["name"]: record for record in suite.missing}
    assert len(missing) == 25
    protein = missing["protein_homo"]
    assert (protein["n_samples"], protein["n_features"]) == (145751, 74)
    assert (protein["provenance"], protein["sha256"]) == ("missing", None)
    assert missing["abalone_19"]["shares_rows_with"] == "abalone"
    assert missing["car_eval_34"]["shares_rows_with"] == "car_eval_4"
    assert protein["shares_rows_with"] is None


def test_embedded_suite_stands_in_for_the_whole_collection(
    tmp_path, no_network, capsys
):
    suite = load_suite(None, SMOKE, tmp_path)
    assert suite.name == "embedded"
    assert list(suite.data) == list(load_embedded_suite())
    assert suite.missing == []
    assert len(no_network) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "network is unreachable" in lines[0]
    assert "embedded suite" in lines[0]


@pytest.mark.usefixtures("small_sets")
def test_download_is_used(tmp_path, monkeypatch):
    def fetch(data_home, filter_data):
        write_set(data_home, 1, n_samples=80, n_minority=16, seed=1)

    monkeypatch.setattr("imbdeep.datasets._imblearn27.fetch_datasets", fetch)
    suite = load_suite(["ecoli"], SMOKE, tmp_path)
    assert suite.data["ecoli"].n_minority == 16


def test_named_sets_go_on_without_the_missing_ones(data_home, no_network, capsys):
    suite = load_suite(["oil", "ecoli"], SMOKE, data_home)
    assert list(suite.data) == ["ecoli"]
    assert "oil" in {record["name"] for record in suite.missing}
    assert len(no_network) == 1
    assert "Goes on without oil: network is unreachable" in capsys.readouterr().err


def test_named_sets_that_are_all_missing(data_home, no_network):
    with pytest.raises(
        ValueError, match=r"None of --datasets oil can be had \(network"
    ):
        load_suite(["oil"], SMOKE, data_home)


def test_named_sets_keep_their_order(data_home):
    suite = load_suite(["libras_move", "ecoli"], SMOKE, data_home)
    assert list(suite.data) == ["libras_move", "ecoli"]


def test_sets_of_the_embedded_suite_can_be_named(data_home):
    suite = load_suite(["rings", "moons"], SMOKE, data_home)
    assert (suite.name, list(suite.data)) == ("embedded", ["rings", "moons"])


def test_suites_do_not_mix():
    with pytest.raises(ValueError, match=r"mixes the embedded suite \(moons\)"):
        load_suite(["ecoli", "moons"], SMOKE, None)


@pytest.fixture
def copies():
    """Few distinct rows, zeros of both signs, and labels that contradict each other."""
    rng = np.random.RandomState(0)
    X = rng.randint(-1, 2, size=(90, 3)) * 0.5
    X[X == 0] *= rng.choice([-1, 1], size=(X == 0).sum())
    y = np.where(np.arange(90) % 5 == 0, 1, -1)
    return X, y


def test_row_groups_against_pairs(copies):
    X, _ = copies
    group = row_groups(X)
    for i in range(len(X)):
        for j in range(i):
            assert (group[i] == group[j]) == (X[i] == X[j]).all()


def test_row_groups_leave_the_data_alone(copies):
    X, _ = copies
    before = X.tobytes()
    row_groups(X)
    assert X.tobytes() == before


def test_shared_test_fraction_against_a_loop(copies):
    X, y = copies
    protocol = parse_protocol("2x60-20-20")
    splits = [protocol.split(y, fold, seed=0, dataset="x") for fold in range(2)]
    shares = []
    for split in splits:
        train = [tuple(X[i]) for i in split.train]
        copied = [tuple(X[i]) in train for i in split.test]
        shares.append(sum(copied) / len(copied))
    assert 0 < np.mean(shares) < 1
    assert shared_test_fraction(row_groups(X), splits) == pytest.approx(np.mean(shares))


def test_dataset_record(copies):
    X, y = copies
    told = {"name": "x", "provenance": "embedded", "sha256": "abc"}
    told |= {"n_samples": 90, "n_features": 3, "n_minority": 18}
    bunch = Bunch(data=X, target=y, shares_rows_with=("z", "w"), **told)
    suite = Suite("embedded", {"x": bunch})
    (record,) = suite.records(parse_protocol("1x2"), seed=0)
    labels = {}
    for row, label in zip(X, y, strict=True):
        labels.setdefault(tuple(row), []).append(label)
    conflicting = [group for group in labels.values() if len(set(group)) > 1]
    assert record["n_conflicting_rows"] == sum(map(len, conflicting))
    assert record["n_duplicate_rows"] == 90 - len(labels)
    assert record["n_duplicate_rows"] == describe_duplicates(X, y)["n_duplicate_rows"]
    assert record["shares_rows_with"] == "z"
    assert (record["kind"], record["sha256"]) == ("dataset", "abc")


def test_shared_rows_of_a_real_copy():
    # The test half is the training half once more: every test row is a copy.
    X = np.repeat(np.arange(40.0), 2)[:, None]
    split = Bunch(train=np.arange(0, 80, 2), test=np.arange(1, 80, 2))
    assert shared_test_fraction(row_groups(X), [split]) == 1
