"""Our table of the 27 sets against imbalanced-learn's."""

import re

import pytest
from imblearn.datasets import _zenodo

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep.datasets._imblearn27_table import ENTRIES, REBUILT_FROM, SHA256

# "1     ecoli          UCI, target: imU              8.6:1  336      7"
ROW = re.compile(
    r"^ (?P<id>\d+) +(?P<name>\S+) +(?P<origin>.+?) +(?P<ratio>[\d.]+):1 +"
    r"(?P<n_samples>[\d,]+) +(?P<n_features>\d+)$",
    re.MULTILINE,
)
PUBLISHED = [match.groupdict() for match in ROW.finditer(_zenodo.__doc__)]


def test_names_and_numbers():
    assert list(IMBLEARN27_NAMES) == _zenodo.MAP_NAME_ID_KEYS
    assert {entry.name: entry.id for entry in ENTRIES} == dict(_zenodo.MAP_NAME_ID)


def test_file_names():
    for entry in ENTRIES:
        assert entry.file_name == (
            f"{_zenodo.PRE_FILENAME}{_zenodo.MAP_NAME_ID[entry.name]}"
            f"{_zenodo.POST_FILENAME}"
        )


def test_every_published_row_is_read():
    assert len(PUBLISHED) == 27


@pytest.mark.parametrize(
    ("entry", "row"),
    list(zip(ENTRIES, PUBLISHED, strict=True)),
    ids=[entry.name for entry in ENTRIES],
)
def test_sizes(entry, row):
    assert entry.name == row["name"]
    assert entry.origin == re.sub(" +", " ", row["origin"])
    assert entry.n_samples == int(row["n_samples"].replace(",", ""))
    assert entry.n_features == int(row["n_features"])
    n_majority = entry.n_samples - entry.n_minority
    assert entry.ratio == n_majority / entry.n_minority


@pytest.mark.parametrize(
    ("entry", "row"),
    list(zip(ENTRIES, PUBLISHED, strict=True)),
    ids=[entry.name for entry in ENTRIES],
)
def test_ratios(entry, row):
    decimals = len(row["ratio"].partition(".")[2])
    if entry.name == "webpage":
        # The rebuilt file has the published rows and columns, but not the ratio.
        assert (row["ratio"], f"{entry.ratio:.2f}") == ("33", "34.45")
        assert "33 to 1" in REBUILT_FROM["webpage"]
    else:
        assert f"{entry.ratio:.{decimals}f}" == row["ratio"]


def test_recorded_hashes():
    assert set(SHA256) == set(range(1, 28)) - {26}
    assert len(set(SHA256.values())) == 26
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in SHA256.values())
    assert set(REBUILT_FROM) <= set(IMBLEARN27_NAMES)
