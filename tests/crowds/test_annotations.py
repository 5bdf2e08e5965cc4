import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from imbdeep.crowds._annotations import (
    as_labels,
    count_votes,
    encode_annotations,
    holds_numbers,
    indicator_matrix,
)


def encode_slowly(rows, is_missing):
    classes = sorted({label for row in rows for label in row if not is_missing(label)})
    codes = [[-1 if is_missing(x) else classes.index(x) for x in row] for row in rows]
    return codes, classes


def check_encoded(annotations, expected_codes, expected_classes, **options):
    codes, classes = encode_annotations(annotations, **options)
    assert codes.dtype == np.int64
    assert_array_equal(codes, expected_codes)
    assert classes.tolist() == expected_classes
    assert classes.dtype == np.array(expected_classes).dtype


class TestEncodeAnnotations:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_slow_derivation(self, seed, order):
        rng = np.random.default_rng(seed)
        y = rng.choice([-1, 3, 5, 40, 7], size=(30, 6))
        y[:, 0] = rng.choice([3, 40], size=30)
        codes, classes = encode_slowly(y.tolist(), lambda label: label == -1)
        check_encoded(np.array(y, order=order), codes, classes)
        check_encoded(y.tolist(), codes, classes)
        check_encoded(pd.DataFrame(y), codes, classes)

    @pytest.mark.parametrize(
        "missing", [None, np.nan, pd.NA, float("nan"), pd.NaT], ids=repr
    )
    @pytest.mark.parametrize("labels", [["no", "yes"], [2, 5], [False, True]], ids=str)
    def test_missing(self, missing, labels):
        first, second = labels
        rows = [[second, missing], [first, second], [missing, first]]
        codes = [[1, -1], [0, 1], [-1, 0]]
        check_encoded(rows, codes, labels)
        check_encoded(np.array(rows, dtype=object), codes, labels)
        check_encoded(pd.DataFrame(rows, dtype=object), codes, labels)

    def test_float_array(self):
        y = np.array([[0.0, np.nan, 2.0], [-1.0, 2.0, 2.0]])
        check_encoded(y, [[0, -1, 1], [-1, 1, 1]], [0.0, 2.0])

    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.float32])
    def test_missing_number_of_any_type(self, dtype):
        codes, classes = encode_annotations(np.array([[4, -1], [9, 4]], dtype=dtype))
        assert_array_equal(codes, [[0, -1], [1, 0]])
        assert classes.tolist() == [4, 9]

    def test_unsigned(self):
        # 255 is what -1 would wrap round to.
        codes, classes = encode_annotations(np.array([[0, 255]], dtype=np.uint8))
        assert_array_equal(codes, [[0, 1]])
        assert classes.tolist() == [0, 255]

    def test_integers_that_floats_cannot_tell_apart(self):
        y = np.array([[2**60, 2**60 + 1], [-1, 2**60]])
        check_encoded(y, [[0, 1], [-1, 0]], [2**60, 2**60 + 1])

    def test_missing_number_is_no_text_and_no_boolean(self):
        check_encoded([["-1", "a"]], [[0, 1]], ["-1", "a"])
        check_encoded([["1", "a"]], [[0, 1]], ["1", "a"], missing_values=1)
        check_encoded([[True, False]], [[1, 0]], [False, True], missing_values=1)
        check_encoded(
            np.array([[True, False]]), [[1, 0]], [False, True], missing_values=0
        )

    def test_other_missing_values(self):
        y = np.array([[9, 1], [-1, 9], [1, -1]])
        check_encoded(y, [[-1, 1], [0, -1], [1, 0]], [-1, 1], missing_values=9)
        check_encoded(y, [[2, 1], [0, 2], [1, 0]], [-1, 1, 9], missing_values=None)
        check_encoded(
            np.array([[np.nan, 0.0]]), [[-1, 0]], [0.0], missing_values=np.nan
        )

    def test_labels_minus_one_and_one(self):
        y = np.array([[-1, 1], [-1, -1], [1, 1]])
        with pytest.raises(
            ValueError,
            match=r"Nobody annotated 1 of 3 rows: 1\. Leave these rows out\. "
            r"If -1 is a label, pass missing_values=None\.",
        ):
            encode_annotations(y)
        check_encoded(y, [[0, 1], [0, 0], [1, 1]], [-1, 1], missing_values=None)

    @pytest.mark.parametrize(
        ("columns", "classes"),
        [
            ([pd.array([7, None, 3], "Int64"), pd.array([3, 7, 7], "Int64")], [3, 7]),
            ([pd.array([7, -1, 3], "Int64"), pd.array([3, 7, 7], "Int64")], [3, 7]),
            ([pd.array([7, None, 3], "Int64"), [3, 7, 7]], [3, 7]),
            ([[7, np.nan, 3], [3.0, 7, 7]], [3.0, 7.0]),
            ([pd.array(["b", None, "a"], "string"), ["a", "b", "b"]], ["a", "b"]),
            ([["b", None, "a"], ["a", "b", "b"]], ["a", "b"]),
            (
                [pd.array([True, None, False], "boolean"), [False, True, True]],
                [False, True],
            ),
            ([pd.Categorical(["b", None, "a"]), ["a", "b", "b"]], ["a", "b"]),
            (
                [
                    # The order of categories is not that of the labels.
                    pd.Categorical(["b", None, "a"], categories=["b", "z", "a"]),
                    pd.Categorical(["a", "b", "b"]),
                ],
                ["a", "b"],
            ),
            ([pd.Categorical([7, None, 3]), pd.Categorical([3, 7, 7])], [3, 7]),
            ([pd.Categorical([7, None, 3]), [3, 7, 7]], [3, 7]),
            ([pd.Categorical([7, None, 3]), pd.array([3, 7, 7], "Int64")], [3, 7]),
        ],
    )
    @pytest.mark.filterwarnings("error")
    def test_frames(self, columns, classes):
        frame = pd.DataFrame(dict(zip("uv", columns, strict=True)))
        check_encoded(frame, [[1, 0], [-1, 1], [0, 1]], classes)

    def test_column_of_a_worker_who_gave_nothing(self):
        frame = pd.DataFrame({"u": ["b", "a"], "v": [np.nan, np.nan]})
        check_encoded(frame, [[1, -1], [0, -1]], ["a", "b"])

    def test_scalars_of_numpy_beside_those_of_python(self):
        check_encoded([[np.str_("b"), "a"]], [[1, 0]], ["a", "b"])
        check_encoded([[np.True_, False, None]], [[1, 0, -1]], [False, True])
        check_encoded([[np.int64(4), 2, None]], [[1, 0, -1]], [2, 4])

    def test_classes_that_nobody_gave(self):
        check_encoded(
            [["b", None]], [[1, -1]], ["a", "b", "c"], classes=["c", "a", "b"]
        )
        check_encoded([[0.0, np.nan]], [[0, -1]], [0, 1], classes=[0, 1])

    @pytest.mark.parametrize(
        ("rows", "classes", "unknown"),
        [
            ([["b", "a"], ["d", "b"]], ["c", "b"], "['a', 'd']"),
            ([["b", "a"]], [0, 1], "['a', 'b']"),
            # Larger than all classes, and smaller.
            ([[0, 9]], [0, 1], "[9]"),
            ([[0, 5]], [5, 7], "[0]"),
        ],
    )
    def test_unknown_labels(self, rows, classes, unknown):
        with pytest.raises(ValueError) as error:
            encode_annotations(rows, classes=classes)
        assert f"annotations hold labels {unknown} that are not" in str(error.value)
        assert f"classes {sorted(classes)}. Pass classes=" in str(error.value)

    @pytest.mark.parametrize(
        ("annotations", "message"),
        [
            ([0, 1], "Expected 2D array, got 1D"),
            (np.zeros((2, 2, 2)), "with dim 3"),
            (np.empty((0, 3)), r"0 sample\(s\)"),
            (np.empty((3, 0)), r"0 feature\(s\)"),
            ([[0.5, 1.0]], "Unknown label type: continuous"),
            ([["a", 1]], r"Labels mix the types \['number', 'str'\]. Use labels of"),
            ([[True, 0]], r"Labels mix the types \['bool', 'number'\]"),
            ([[b"a", "b"]], r"Labels mix the types \['bytes', 'str'\]"),
            ([[np.inf, 1]], "Labels hold infinity"),
            (np.array([[-np.inf, 1]]), "Labels hold infinity"),
            (np.array([[1j, 1]]), "Complex data"),
        ],
    )
    def test_what_is_not_a_matrix_of_labels(self, annotations, message):
        with pytest.raises(ValueError, match=message):
            encode_annotations(annotations)

    def test_sparse_is_refused(self):
        with pytest.raises(TypeError, match="Sparse data was passed for annotations"):
            encode_annotations(scipy.sparse.csr_array(np.eye(2)))

    def test_rows_that_nobody_annotated(self):
        y = np.ones((9, 2))
        y[[1, 4]] = np.nan
        with pytest.raises(ValueError, match=r"annotated 2 of 9 rows: 1, 4\. Leave"):
            encode_annotations(y)
        with pytest.raises(ValueError, match=r"rows out\.$"):
            encode_annotations(y, missing_values=None)
        y[[0, 3, 5]] = -1
        with pytest.raises(ValueError, match=r"5 of 9 rows: 0, 1, 3, 4, 5\. Leave"):
            encode_annotations(y)
        y[8] = -1
        with pytest.raises(ValueError, match=r"6 of 9 rows: 0, 1, 3, 4, 5, \.\.\."):
            encode_annotations(y)

    @pytest.mark.parametrize("rows", [[[None, None]], np.full((1, 2), -1)])
    def test_nothing_but_missing_annotations(self, rows):
        with pytest.raises(ValueError, match="Nobody annotated 1 of 1 rows: 0"):
            encode_annotations(rows)

    def test_one_row_one_worker_one_class(self):
        check_encoded([[3]], [[0]], [3])

    @pytest.mark.filterwarnings("error")
    def test_many_classes(self):
        y = np.arange(60).reshape(30, 2)
        check_encoded(y, y, list(range(60)))

    @pytest.mark.parametrize("dtype", [int, float, object])
    def test_input_is_unchanged(self, dtype):
        y = np.array([[2, -1], [1, 2]], dtype=dtype)
        before = y.copy()
        y.flags.writeable = False
        encode_annotations(y)
        assert_array_equal(y, before)


class TestLabels:
    @pytest.mark.parametrize(
        ("labels", "numbers"),
        [
            (np.array([1, 2]), True),
            (np.array([1, 2], dtype=np.uint8), True),
            (np.array([1.0]), True),
            (np.array([True]), False),
            (np.array(["1"]), False),
            (np.array([1, 2.5], dtype=object), True),
            (np.array([1, True], dtype=object), False),
            (np.array([np.True_], dtype=object), False),
            (np.array(["a", 1], dtype=object), False),
        ],
    )
    def test_holds_numbers(self, labels, numbers):
        assert holds_numbers(labels) == numbers

    def test_as_labels(self):
        assert as_labels(np.array(["a", "bcd"], dtype=object)).dtype == "<U3"
        assert as_labels(np.array([1, 2], dtype=object)).dtype == np.int64
        assert as_labels(np.array([1, 2.0], dtype=object)).dtype == np.float64
        assert as_labels(np.array([True], dtype=object)).dtype == bool
        labels = np.array([4, 2], dtype=np.int8)
        assert as_labels(labels) is labels


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_indicators(seed):
    rng = np.random.default_rng(seed)
    n, n_workers, n_classes = 12, 4, 3
    codes = rng.integers(-1, n_classes, size=(n, n_workers))
    codes[:, 2] = -1
    votes = np.zeros((n, n_classes))
    indicators = np.zeros((n, n_workers * n_classes))
    for i in range(n):
        for w in range(n_workers):
            for c in range(n_classes):
                if codes[i, w] == c:
                    votes[i, c] += 1
                    indicators[i, w * n_classes + c] = 1
    counted = count_votes(codes, n_classes)
    assert np.issubdtype(counted.dtype, np.integer)
    assert_array_equal(counted, votes)
    assert_array_equal(indicator_matrix(codes, n_classes).toarray(), indicators)


def test_votes_for_classes_that_nobody_gave():
    assert_array_equal(count_votes(np.array([[0, -1]]), 3), [[1, 0, 0]])
    assert indicator_matrix(np.array([[0, -1]]), 3).shape == (1, 6)


def test_a_class_cannot_be_the_number_for_none():
    with pytest.raises(ValueError, match=r"-1 is among the classes \[-1, 1\]"):
        encode_annotations([[1, -1]], classes=[-1, 1])
    codes, _ = encode_annotations([[1, -1]], classes=[-1, 1], missing_values=None)
    assert codes.tolist() == [[1, 0]]


def test_the_hint_comes_only_where_the_number_stood_for_none():
    with pytest.raises(ValueError, match="If -1 is a label, pass missing_values=None"):
        encode_annotations([[1, 0], [-1, -1]])
    for empty in (None, np.nan):
        with pytest.raises(ValueError, match=r"Leave these rows out\.$"):
            encode_annotations([[1, 0], [empty, empty]])
