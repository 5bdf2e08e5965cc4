import numpy as np
import pytest

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
