"""Bands by name, by number and by preset."""

import numpy as np
import pytest

from imbdeep._bands import find_bands

ALL = [f"B{number}" for number in range(1, 12)]


@pytest.mark.parametrize(
    ("bands", "positions"),
    [
        ("natural", [3, 2, 1]),
        ("near_infrared", [4, 3, 2]),
        ("agriculture", [5, 4, 1]),
        ((6, 5, 2), [5, 4, 1]),
        (np.array([6, 5, 2]), [5, 4, 1]),
        (["B6", 5], [5, 4]),
        ("B11", [10]),
        (np.int64(1), [0]),
        (None, list(range(11))),
    ],
)
def test_positions_in_the_order_asked_for(bands, positions):
    assert find_bands(bands, ALL) == positions


def test_of_other_bands_than_all():
    assert find_bands("natural", ["B4", "B3", "B2"]) == [0, 1, 2]
    assert find_bands(("red", 2), ["B2", "red"]) == [1, 0]


WRONG = [
    0,
    12,
    -1,
    "B0",
    "b4",
    "urban",
    (),
    4.0,
    [4.0],
    True,
    [None],
    b"",
    ["natural"],
    {"B4", "B2"},
]


@pytest.mark.parametrize("bands", WRONG)
def test_the_message_lists_what_exists(bands):
    match = "by name or number, or be one of 'natural', .*; there are B1, B2, .*, B11"
    with pytest.raises(ValueError, match=match):
        find_bands(bands, ALL)


def test_a_preset_of_bands_that_do_not_exist():
    match = "bands='natural' are B4, B3, B2, and B4 does not exist; there are B2, B3"
    with pytest.raises(ValueError, match=match):
        find_bands("natural", ["B2", "B3"])
