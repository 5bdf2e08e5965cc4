"""Which rows are duplicated, and how they move."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse

from imbdeep.classifiers._meta_augment.synthetic_rows import (
    SyntheticRows,
    duplicate_uncertain,
)

# --- Rows to duplicate ---------------------------------------------------------------


def classes(seed=0):
    """Labels and certainties; the first row of class 1 is the least certain of it."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.repeat([0, 1, 2], [30, 9, 5]))
    certainty = rng.uniform(0.3, 1, len(y))
    certainty[np.flatnonzero(y == 1)[0]] = 0.25
    return y, certainty


@pytest.mark.parametrize("confidence", [0.3, 0.5, 0.8, 1.0])
def test_none_takes_each_uncertain_row_once(confidence):
    y, certainty = classes()
    rows = duplicate_uncertain(
        y, certainty, {2: None, 1: None}, confidence, np.random.RandomState(0)
    )
    expected = []
    for label in (2, 1):
        members = [i for i in range(len(y)) if y[i] == label]
        uncertain = [i for i in members if certainty[i] <= confidence]
        if not uncertain:
            uncertain = [min(members, key=lambda i: certainty[i])]
        expected.append(uncertain)
    # Class after class, in the order asked for.
    first = len(expected[0])
    assert sorted(rows[:first]) == expected[0]
    assert sorted(rows[first:]) == expected[1]


@pytest.mark.parametrize("number", [0, 1, 4, 9, 10, 40])
def test_a_number_repeats_the_rows_in_turn(number):
    y, certainty = classes()
    rows = duplicate_uncertain(y, certainty, {1: number}, 1.0, np.random.RandomState(0))
    times = np.bincount(rows, minlength=len(y))
    assert times.sum() == number
    assert set(rows) <= set(np.flatnonzero(y == 1))
    assert times[y == 1].max() - times[y == 1].min() <= 1


def test_a_row_at_the_limit_is_uncertain():
    y, certainty = np.array([0, 1, 1, 1]), np.array([0.9, 0.5, 0.5 + 1e-12, 0.4])
    rows = duplicate_uncertain(y, certainty, {1: None}, 0.5, np.random.RandomState(0))
    assert sorted(rows) == [1, 3]


def test_without_an_uncertain_row_the_least_certain_one_stands_for_its_class():
    y, certainty = np.array([1, 0, 1, 1]), np.array([0.9, 0.1, 0.7, 0.8])
    for number, expected in [(None, [2]), (3, [2, 2, 2])]:
        rows = duplicate_uncertain(
            y, certainty, {1: number}, 0.5, np.random.RandomState(0)
        )
        assert_array_equal(rows, expected)


def test_nothing_wanted_gives_positions_of_no_row():
    y, certainty = classes()
    for wanted in ({}, {1: 0}, {1: 0, 2: 0}):
        rows = duplicate_uncertain(y, certainty, wanted, 1, np.random.RandomState(0))
        assert rows.shape == (0,)
        assert rows.dtype.kind == "i"


def test_which_rows_come_one_time_more_is_drawn():
    """Over many seeds each of the nine rows is as often among the four drawn."""
    y, certainty = classes()
    drawn = [
        duplicate_uncertain(y, certainty, {1: 4}, 1.0, np.random.RandomState(seed))
        for seed in range(900)
    ]
    counts = np.bincount(np.concatenate(drawn), minlength=len(y))[y == 1]
    # 5 standard deviations of a binomial(900, 4 / 9) count.
    assert np.abs(counts - 400).max() < 5 * np.sqrt(900 * 4 / 9 * 5 / 9)
    again = duplicate_uncertain(y, certainty, {1: 4}, 1.0, np.random.RandomState(0))
    assert_array_equal(again, drawn[0])


# --- Moves ---------------------------------------------------------------------------


def table(dtype=torch.float64):
    """Ten training rows of very different columns, the last one constant."""
    rng = np.random.RandomState(0)
    X = rng.randn(10, 4) * [1, 1000, 0.01, 0] + [0, 5, -1, 7]
    return torch.tensor(X, dtype=dtype)


def moved_by_loops(data, start, index, gradient, lr, unit, clip):
    X = data.tolist()
    rows = start.tolist()
    for k, i in enumerate(index.tolist()):
        for j in range(len(X[0])):
            column = [x[j] for x in X]
            mean = sum(column) / len(column)
            scale = {
                "range": max(column) - min(column),
                "std": (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5,
                "input": 1.0,
            }[unit]
            rows[i][j] -= lr * scale**2 * gradient[k, j].item()
            if clip:
                rows[i][j] = min(max(rows[i][j], min(column)), max(column))
    return torch.tensor(rows, dtype=start.dtype)


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("unit", ["range", "std", "input"])
def test_moves_against_plain_loops(unit, clip):
    data = table()
    index = torch.tensor([4, 0, 2])
    gradient = torch.from_numpy(np.random.RandomState(1).randn(3, 4))
    synthetic = SyntheticRows(data[:6], data, unit=unit, clip=clip)
    expected = data[:6]
    for lr in (0.3, 2.0):
        synthetic.move(index, gradient, lr)
        expected = moved_by_loops(data, expected, index, gradient, lr, unit, clip)
        torch.testing.assert_close(synthetic.rows, expected, rtol=1e-12, atol=1e-12)
    outside = (expected < data.min(0).values) | (expected > data.max(0).values)
    assert outside.any() != clip


@pytest.mark.parametrize("unit", ["range", "std", "input"])
def test_distance_against_plain_loops(unit):
    data = table()
    synthetic = SyntheticRows(data[:3], data, unit=unit, clip=False)
    assert synthetic.distance() == 0
    gradient = torch.from_numpy(np.random.RandomState(1).randn(2, 4))
    synthetic.move(torch.tensor([2, 0]), gradient, 0.1)
    units = {
        "range": data.max(0).values - data.min(0).values,
        "std": data.std(0, correction=0),
        "input": torch.ones(4),
    }[unit].tolist()
    distances = []
    for start, row in zip(data[:3].tolist(), synthetic.rows.tolist(), strict=True):
        squares = [
            ((b - a) / u) ** 2
            for a, b, u in zip(start, row, units, strict=True)
            if u > 0
        ]
        distances.append(sum(squares) ** 0.5)
    assert distances[1] == 0
    assert synthetic.distance() == pytest.approx(sum(distances) / 3)


def test_nothing_given_is_changed():
    data, start = table(), table()[:2]
    gradient = torch.ones(2, 4, dtype=torch.float64)
    synthetic = SyntheticRows(start, data)
    synthetic.move(torch.tensor([0, 1]), gradient, 1.0)
    assert not torch.equal(synthetic.rows, start)
    assert torch.equal(start, table()[:2])
    assert torch.equal(data, table())
    assert torch.equal(gradient, torch.ones(2, 4))


def test_a_constant_column_stays_in_any_unit_of_the_data():
    data = table()
    gradient = torch.ones(1, 4, dtype=torch.float64)
    for unit in ("range", "std"):
        synthetic = SyntheticRows(data[:1], data, unit=unit, clip=False)
        synthetic.move(torch.tensor([0]), gradient, 5.0)
        assert synthetic.rows[0, 3] == 7
        assert (synthetic.rows[0, :3] != data[0, :3]).all()
        assert np.isfinite(synthetic.distance())


@pytest.mark.parametrize(
    ("unit", "scale"),
    [(unit, scale) for unit in ("range", "std") for scale in (1e-15, 1e-3, 1e15)]
    # float32 holds these columns; the square of their range it does not hold.
    + [("range", 1e-30), ("range", 1e25)],
)
def test_a_step_is_that_of_the_scaled_table_whatever_the_scale(unit, scale):
    data = table(torch.float32)[:, :3]
    gradient = torch.tensor([[0.03, -1e-4, 0.5]])
    synthetic = SyntheticRows(data[:1], data, unit=unit)
    synthetic.move(torch.tensor([0]), gradient, 0.5)
    scaled = SyntheticRows(data[:1] * scale, data * scale, unit=unit)
    scaled.move(torch.tensor([0]), gradient / scale, 0.5)
    assert not torch.equal(synthetic.rows, data[:1])
    torch.testing.assert_close(
        scaled.rows / scale, synthetic.rows, rtol=1e-3, atol=1e-6
    )


def test_each_pixel_has_its_own_box_and_unit():
    rng = np.random.RandomState(0)
    images = torch.from_numpy(rng.randn(6, 2, 3, 4))
    gradient = torch.from_numpy(rng.randn(2, 2, 3, 4))
    for unit in ("range", "std", "input"):
        as_images = SyntheticRows(images[:3], images, unit=unit)
        as_rows = SyntheticRows(images[:3].flatten(1), images.flatten(1), unit=unit)
        index = torch.tensor([0, 2])
        as_images.move(index, gradient, 0.4)
        as_rows.move(index, gradient.flatten(1), 0.4)
        assert torch.equal(as_images.rows.flatten(1), as_rows.rows)
        assert as_images.distance() == pytest.approx(as_rows.distance())


def test_rows_keep_their_dtype_whatever_that_of_the_data():
    data = table()
    synthetic = SyntheticRows(data[:2].float(), data)
    synthetic.move(torch.tensor([1]), torch.ones(1, 4), 0.1)
    assert synthetic.rows.dtype == torch.float32


def test_refuses_an_unknown_unit():
    data = table()
    with pytest.raises(ValueError, match="unit must be one of .*, got 'iqr'"):
        SyntheticRows(data, data, unit="iqr")


def test_a_class_to_duplicate_must_have_rows():
    y = np.array([0, 0, 1])
    with pytest.raises(ValueError, match="no row of class 2"):
        duplicate_uncertain(y, np.ones(3), {2: 1}, 1.0, 0)


def test_confidence_1_takes_what_is_no_probability_too():
    y = np.array([0, 1, 1])
    chosen = duplicate_uncertain(y, np.array([0.0, 5.0, -5.0]), {1: None}, 1.0, 0)
    assert sorted(chosen.tolist()) == [1, 2]


def test_rows_outside_the_box_of_new_data_stay_where_they_are():
    rows = torch.tensor([[5.0, -1.0]])
    synthetic = SyntheticRows(rows, torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
    synthetic.move(torch.tensor([0]), torch.zeros(1, 2), lr=1.0)
    assert torch.equal(synthetic.rows, rows)
    assert synthetic.unit.tolist() == [5.0, 2.0]


def test_rows_of_one_number_and_no_rows():
    synthetic = SyntheticRows(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 2.0]))
    synthetic.move(torch.tensor([0]), torch.tensor([-0.25]), lr=1.0)
    assert synthetic.rows.tolist() == [1.0, 2.0]
    assert synthetic.distance() == 0.25  # half the range, for one row of two
    none = SyntheticRows(torch.empty(0, 3), torch.ones(2, 3))
    assert none.distance() == 0.0


def test_integer_data_have_units():
    data = torch.tensor([[0], [4]])
    for unit in ("range", "std", "input"):
        assert SyntheticRows(data.float(), data, unit=unit).unit.dtype == torch.float32


@pytest.mark.parametrize("container", [torch.as_tensor, sparse.csr_array])
def test_rows_of_known_parents_move_as_copies_do(container):
    data = torch.rand(50, 3, generator=torch.Generator().manual_seed(0))
    parents = torch.tensor([4, 4, 30])
    copied = SyntheticRows(data[parents], data)
    rows = data[parents]
    in_place = SyntheticRows(rows, container(data.numpy()), parents=parents)
    gradient = torch.linspace(-1, 1, 6).reshape(2, 3)
    for synthetic in (copied, in_place):
        assert synthetic.distance() == 0
        synthetic.move(torch.tensor([2, 0]), gradient, lr=0.3)
    assert in_place.rows is rows
    assert torch.equal(in_place.rows, copied.rows)
    assert in_place.distance() == copied.distance() > 0
