from functools import partial

import numpy as np
import pytest

from imbdeep.datasets import (
    imblearn27_status,
    load_cifar10,
    load_cifar100,
    load_droughtwatch,
    load_imblearn27,
    load_keel,
    load_usps,
)
from imbdeep.datasets._bunch import check_names, make_bunch

NAMES = ["abalone", "abalone_19", "ecoli"]


def test_bunch_counts_rows_and_classes():
    bunch = make_bunch(np.zeros((7, 3)), np.array([0, 2, 0, 1, 0, 0, 2]), name="toy")
    facts = {
        key: value for key, value in bunch.items() if key not in ("data", "target")
    }
    assert facts == {
        "n_samples": 7,
        "n_features": 3,
        "n_minority": 1,
        "ratio": 4.0,
        "name": "toy",
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("ecoli", ["ecoli"]),
        (("ecoli", "abalone"), ["ecoli", "abalone"]),
        (iter(["ecoli"]), ["ecoli"]),
    ],
)
def test_names_as_asked(names, expected):
    assert check_names(names, NAMES) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("abalon", r"'abalon', which is no set.*did you mean 'abalone'"),
        (["ecoli", "xyz"], "'xyz', which is no set.*it has abalone, abalone_19, ecoli"),
        ([3], "holds 3, which is no set"),
        (3, "must be a name or a list of names, got 3"),
        ([], "names is empty"),
    ],
)
def test_refuses_names(names, message):
    with pytest.raises(ValueError, match=message):
        check_names(names, NAMES)


READERS = {
    "folder": [load_cifar10, load_cifar100, load_droughtwatch, load_usps],
    "path": [load_keel],
    "data_home": [partial(load_imblearn27, None), imblearn27_status],
    "cache": [lambda path: load_droughtwatch("tiles", cache=path)],
}


@pytest.mark.parametrize("parameter", READERS)
@pytest.mark.parametrize("path", ["", 5, True, b"tiles", ["tiles"], float("nan")])
def test_what_is_no_path_is_refused(parameter, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for read in READERS[parameter]:
        with pytest.raises(ValueError, match=f"{parameter} must be a path, .* got "):
            read(path)
    assert not list(tmp_path.iterdir())
