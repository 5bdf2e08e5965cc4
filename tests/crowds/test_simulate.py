import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from imbdeep.crowds import label_difficulty, simulate_annotators


def difficulty_by_counting(y, proba):
    """Count, for each row, the rows of its class that are easier or as hard."""
    classes = sorted(set(y))
    unsure = [
        1 - row[classes.index(label)] for label, row in zip(y, proba, strict=True)
    ]
    difficulty = []
    for label, own in zip(y, unsure, strict=True):
        peers = [other for k, other in zip(y, unsure, strict=True) if k == label]
        easier = sum(other < own for other in peers)
        ties = sum(other == own for other in peers)
        difficulty.append((easier + ties / 2) / len(peers))
    return difficulty


@pytest.fixture
def net():
    """Labels of three unequal classes, and probabilities with ties."""
    rng = np.random.default_rng(3)
    y = np.repeat([4, 7, 9], [60, 25, 15])
    proba = rng.integers(1, 9, (100, 3)) / 8
    return y, proba / proba.sum(1, keepdims=True)


def two_classes(n_rows, seed=0):
    """Labels, and probabilities of a net in which every row has its own difficulty."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_rows)
    positive = rng.uniform(size=n_rows)
    return y, np.column_stack([1 - positive, positive])


class TestDifficulty:
    def test_agrees_with_counting(self, net):
        y, proba = net
        assert label_difficulty(y, proba) == pytest.approx(
            difficulty_by_counting(y.tolist(), proba.tolist())
        )

    def test_mean_is_a_half_in_each_class(self, net):
        y, proba = net
        difficulty = label_difficulty(y, proba)
        for label in (4, 7, 9):
            assert difficulty[y == label].mean() == pytest.approx(0.5)
        assert 0 < difficulty.min() < difficulty.max() < 1

    def test_only_the_order_within_a_class_counts(self, net):
        y, proba = net
        true = np.searchsorted([4, 7, 9], y)[:, None]
        own = np.take_along_axis(proba, true, axis=1)
        # As sure as a net with hardly an error, and surer of some classes than others.
        own = 1 - (1 - own) / np.choose(true, [10, 100, 1000])
        sure = np.repeat((1 - own) / 2, 3, axis=1)
        np.put_along_axis(sure, true, own, axis=1)
        assert label_difficulty(y, sure) == pytest.approx(label_difficulty(y, proba))

    def test_probabilities_near_0_are_told_apart(self):
        proba = np.array([[1e-30, 1.0], [1e-20, 1.0], [0.0, 1.0], [0.0, 1.0]])
        difficulty = label_difficulty([0, 0, 0, 1], proba)
        assert difficulty == pytest.approx([1 / 2, 1 / 6, 5 / 6, 1 / 2])

    def test_columns_are_in_the_order_of_the_labels(self):
        proba = [[0.2, 0.8], [0.1, 0.9], [0.7, 0.3]]
        assert label_difficulty(["b", "b", "a"], proba) == pytest.approx(
            [0.75, 0.25, 0.5]
        )

    @pytest.mark.parametrize(
        ("proba", "message"),
        [
            (np.full((3, 2), 0.5), r"a row for each of the 4 labels.*shape \(3, 2\)"),
            (np.full((4, 3), 1 / 3), r"each of the 2 classes \[0, 1\], got shape"),
            (np.full((4, 2), 0.6), "sums from 1.2 to 1.2. Pass what predict_proba"),
            (np.array([[1.5, -0.5]] * 4), "got values from -0.5 to 1.5"),
            (np.array([[np.nan, 1]] * 4), "proba contains NaN"),
        ],
    )
    @pytest.mark.parametrize("function", [label_difficulty, simulate_annotators])
    def test_refuses_what_are_no_probabilities(self, function, proba, message):
        with pytest.raises(ValueError, match=message):
            function([0, 1, 0, 1], proba)

    def test_takes_the_rounding_of_low_precision(self):
        proba = np.array([[0.3334, 0.3334, 0.3334], [0.1, 0.2, 0.7]], dtype=np.float16)
        proba = np.vstack([proba, proba[:, ::-1]])
        assert np.abs(proba.sum(1, dtype=float) - 1).max() > 1e-4
        difficulty = label_difficulty([0, 1, 2, 2], proba)
        assert difficulty == pytest.approx([0.5, 0.5, 0.25, 0.75])


class TestErrors:
    @pytest.mark.parametrize("with_proba", [False, True])
    def test_workers_err_as_often_as_asked(self, with_proba):
        y, proba = two_classes(40_000)
        rates = [0, 0.1, 0.3, 0.5, 0.8, 1]
        annotations = simulate_annotators(
            y,
            proba if with_proba else None,
            n_workers=6,
            error_rate=rates,
            random_state=0,
        )
        for label in (0, 1):
            wrong = (annotations[y == label] != label).mean(0)
            # Five standard errors at 20,000 rows.
            assert wrong == pytest.approx(rates, abs=5 * 0.5 / 20_000**0.5)
        assert (annotations[:, 0] == y).all()
        assert (annotations[:, 5] == 1 - y).all()

    @pytest.mark.parametrize("error_rate", [0.2, 0.5, 0.7])
    def test_probability_of_an_error_depends_on_difficulty(self, error_rate):
        y, proba = two_classes(300)
        difficulty = label_difficulty(y, proba)
        wrong = simulate_annotators(
            y, proba, n_workers=4000, error_rate=error_rate, random_state=1
        )
        share = (wrong != y[:, None]).mean(1)
        for d, observed in zip(difficulty, share, strict=True):
            if error_rate <= 0.5:
                expected = 2 * error_rate * d
            else:
                expected = 1 - 2 * (1 - error_rate) * (1 - d)
            # Five standard errors: of 300 rows none is off by chance.
            assert observed == pytest.approx(expected, abs=5 * 0.5 / 4000**0.5)

    def test_without_a_net_all_rows_and_wrong_labels_are_alike(self):
        y = np.tile([0, 1, 2, 3], 5000)
        annotations = simulate_annotators(
            y, n_workers=4, error_rate=0.6, random_state=2
        )
        offset = (annotations - y[:, None]) % 4
        counts = [np.bincount(offset[y == label].ravel()) for label in range(4)]
        shares = np.array(counts) / 20_000
        assert shares == pytest.approx(
            np.tile([0.4, 0.2, 0.2, 0.2], (4, 1)), abs=5 * 0.5 / 20_000**0.5
        )
        # Workers err independently of each other.
        both = pd.crosstab(offset[:, 0] > 0, offset[:, 1] > 0)
        assert chi2_contingency(both).pvalue > 1e-6

    def test_wrong_labels_follow_the_net(self):
        y = np.array([0, 1, 1, 2])
        proba = np.array([[0.7, 0.1, 0.2], [0.3, 0.6, 0.1], [0, 1, 0], [0.5, 0, 0.5]])
        annotations = simulate_annotators(
            y, proba, n_workers=20_000, error_rate=1, random_state=3
        )
        shares = [np.bincount(row, minlength=3) / 20_000 for row in annotations]
        expected = [[0, 1 / 3, 2 / 3], [3 / 4, 0, 1 / 4], [1 / 2, 0, 1 / 2], [1, 0, 0]]
        assert np.array(shares) == pytest.approx(np.array(expected), abs=0.02)
        assert (np.array(shares)[np.array(expected) == 0] == 0).all()

    def test_least_probabilities_count(self):
        proba = np.array([[1.0, 5e-324, 0.0]] * 50 + [[0.0, 1.0, 0.0]])
        annotations = simulate_annotators(
            [0] * 50 + [1] + [2], np.vstack([proba, [0, 0, 1]]), error_rate=1
        )
        assert (annotations[:50] == 1).all()

    def test_the_easiest_rows_stay_right(self):
        y, proba = two_classes(2000)
        difficulty = label_difficulty(y, proba)
        annotations = simulate_annotators(y, proba, error_rate=0.5, random_state=0)
        wrong = (annotations != y[:, None]).mean(1)
        assert wrong[difficulty < 0.1].mean() < 0.1
        assert wrong[difficulty > 0.9].mean() > 0.9

    def test_a_greater_error_rate_only_adds_errors(self, net):
        y, proba = net
        few, many = (
            simulate_annotators(y, proba, error_rate=rate, random_state=5) != y[:, None]
            for rate in (0.2, 0.6)
        )
        assert few.sum() < many.sum()
        assert many[few].all()


class TestMissing:
    @pytest.mark.parametrize("rate", [0.3, 0.9])
    def test_share_that_is_given(self, rate):
        y = np.tile([0, 1], 10_000)
        annotations = simulate_annotators(
            y, n_workers=4, annotation_rate=rate, random_state=0
        )
        given = ~np.isnan(annotations)
        assert given.any(1).all()
        # A row that all four workers would leave out has one annotation.
        expected = rate + (1 - rate) ** 4 / 4
        assert given.mean(0) == pytest.approx([expected] * 4, abs=5 * 0.5 / 20_000**0.5)

    def test_every_row_keeps_one_and_every_worker_has_some(self):
        annotations = simulate_annotators(
            np.tile([0, 1], 500), n_workers=4, annotation_rate=1e-12, random_state=0
        )
        given = ~np.isnan(annotations)
        assert (given.sum(1) == 1).all()
        assert (given.sum(0) > 200).all()

    def test_leaves_annotations_out_and_changes_none(self, net):
        y, proba = net
        full = simulate_annotators(y, proba, random_state=1)
        part = simulate_annotators(y, proba, annotation_rate=0.4, random_state=1)
        given = ~np.isnan(part)
        assert 0 < given.sum() < given.size
        assert (part[given] == full[given]).all()

    @pytest.mark.parametrize(
        ("y", "complete", "incomplete"),
        [
            (np.array([0, 1], dtype=np.int8), "int8", "float64"),
            (np.array([0, 1], dtype=np.float32), "float32", "float32"),
            (np.array([False, True]), "bool", "object"),
            (np.array(["no", "yes"]), "<U3", "object"),
            (np.array(["no", "yes"], dtype=object), "object", "object"),
            (pd.Series([3, 5], dtype="Int64"), "int64", "float64"),
            (pd.Series(["no", "yes"], dtype="category"), "object", "object"),
            ([3, 5], "int64", "float64"),
        ],
        ids=str,
    )
    def test_types(self, y, complete, incomplete):
        annotations = simulate_annotators(y, n_workers=9, random_state=0)
        assert annotations.dtype == complete
        assert set(annotations.ravel().tolist()) <= set(np.asarray(y).tolist())
        annotations = simulate_annotators(
            y, n_workers=9, annotation_rate=0.5, random_state=0
        )
        assert annotations.dtype == incomplete
        missing = annotations[pd.isna(annotations)].tolist()
        assert missing
        if incomplete == "object":
            assert set(missing) == {None}


def test_random_state():
    y = np.tile([0, 1], 50)
    first, second, third = (
        simulate_annotators(y, annotation_rate=0.5, random_state=seed)
        for seed in (0, np.random.RandomState(0), 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third, equal_nan=True)


def test_leaves_the_global_state_alone():
    before = np.random.get_state()[1].copy()
    simulate_annotators([0, 1], random_state=0)
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1], "the label 1 only, so no label is wrong"),
        ([], "y is empty"),
        ([0.5, 1.2], "continuous"),
        (["a", None], "1 missing labels"),
        ([[0, 1], [1, 0]], "1d array"),
    ],
)
def test_refuses_labels(y, message):
    with pytest.raises(ValueError, match=message):
        simulate_annotators(y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_workers": 0}, "n_workers must be a whole number of at least 1, got 0"),
        ({"n_workers": 2.0}, "n_workers must be a whole number of at least 1, got 2.0"),
        ({"error_rate": -0.1}, r"error_rate must be in \[0, 1\], got -0.1"),
        ({"error_rate": [0.1] * 4 + [1.1]}, r"error_rate must be in \[0, 1\]"),
        ({"error_rate": np.nan}, r"error_rate must be in \[0, 1\], got nan"),
        ({"error_rate": [0.1, 0.2]}, r"each of the 5 workers, got shape \(2,\)"),
        ({"annotation_rate": 0}, r"annotation_rate must be in \(0, 1\]"),
        ({"annotation_rate": 1.1}, "got 1.1"),
        (
            {"annotation_rate": [0.5] * 5},
            r"annotation_rate must be in \(0, 1\], got \[0.5",
        ),
    ],
)
def test_refuses_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        simulate_annotators([0, 1], **parameters)
