"""Numbers and sentences of a report."""

import numpy as np
import pytest

from imbdeep.classifiers._imbalanced.report.cautions import about_rows
from imbdeep.classifiers._imbalanced.report.rows import Equals
from imbdeep.classifiers._imbalanced.report.words import (
    describe_costs,
    describe_threshold,
)

CONFUSION = np.array([[880.0, 20.0], [10.0, 90.0]])


@pytest.mark.parametrize(
    ("odds", "expected"),
    [
        (0.25, "0.25 false alarms"),
        (1, "a false alarm"),
        (3.5, "3.5 false alarms"),
        (19, "19 false alarms"),
        (100, "100 false alarms"),
        (12_345, "12,345 false alarms"),
    ],
)
def test_costs_are_whole_numbers(odds, expected):
    line = describe_threshold(1 / (1 + odds), CONFUSION, ["a", "b"])[-1]
    assert line.endswith(f"a miss costs as much as {expected}.")


@pytest.mark.parametrize(("n", "expected"), [(1, "100"), (2, "50"), (14, "7.1")])
def test_points_of_recall_are_whole_numbers(n, expected):
    (caution,) = about_rows([0, 1], np.array([900, n]), 1, Equals(0, 0), False)
    assert f"moves its recall by {expected} points" in caution.what


def test_where_nothing_is_called():
    lines = describe_threshold(0.9, np.array([[900.0, 0], [100, 0]]), ["a", "b"])
    assert lines[1] == "Of 1,000 rows, none is called so."


@pytest.mark.parametrize("errors", [1.0, 7.0])
def test_costs_that_are_all_the_same_choose_the_most_probable(errors):
    costs, confusion = errors * (1 - np.eye(3)), np.diag([500.0, 300, 200])
    lines = describe_costs(costs, confusion, ["a", "b", "c"])
    assert lines[0] == "The most probable class is predicted."
    costs[0, 2] += 1
    lines = describe_costs(costs, confusion, ["a", "b", "c"])
    assert lines[0] == "The class with the least expected cost is predicted."
