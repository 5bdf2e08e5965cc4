import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from imbdeep.crowds import from_long_format, to_long_format
from imbdeep.crowds._annotations import encode_annotations

FRAMES = {
    "Int64": pd.DataFrame({"Ann": [1, None, 3], "Bob": [None, 2, 2]}, dtype="Int64"),
    "float": pd.DataFrame({"Ann": [1.0, None, 3], "Bob": [None, 2, 2]}),
    "boolean": pd.DataFrame(
        {"Ann": [True, None, True], "Bob": [None, False, True]}, dtype="boolean"
    ),
    "text": pd.DataFrame({"Ann": ["x", None, "z"], "Bob": ["x", "y", None]}),
    "object": pd.DataFrame(
        {"Ann": ["x", None, "z"], "Bob": ["x", "y", None]}, dtype=object
    ),
    "category": pd.DataFrame(
        {"Ann": ["x", None, "z"], "Bob": ["x", "z", None]},
        dtype=pd.CategoricalDtype(["x", "y", "z"]),
    ),
}


def cells(annotations):
    """The given annotations of a matrix by plain loops."""
    return [
        (task, worker, label)
        for task, row in enumerate(annotations)
        for worker, label in enumerate(row)
        if label is not None and label == label
    ]


@pytest.mark.parametrize("kind", FRAMES)
def test_round_trip_is_exact(kind):
    frame = FRAMES[kind]
    assert_frame_equal(from_long_format(to_long_format(frame)), frame)


@pytest.mark.parametrize("kind", FRAMES)
def test_round_trip_restores_the_order_of_tasks(kind):
    frame = FRAMES[kind].set_axis(pd.Index(["t9", "t2", "t5"], name="task"))
    long = to_long_format(frame)
    keys = list(zip(long["task"], long["worker"], strict=True))
    assert keys == sorted(keys)
    assert_frame_equal(from_long_format(long, tasks=frame.index), frame)


@pytest.mark.parametrize("kind", FRAMES)
def test_labels_keep_their_type(kind):
    frame = FRAMES[kind]
    assert to_long_format(frame)["label"].dtype == frame["Ann"].dtype


@pytest.mark.parametrize(
    ("dtype", "missing"),
    [(float, np.nan), (object, None), (object, pd.NA)],
    ids=["float", "None", "NA"],
)
def test_agrees_with_loops(dtype, missing):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (30, 4)).astype(dtype)
    table[rng.uniform(size=table.shape) < 0.4] = missing
    long = to_long_format(table)
    assert list(long.columns) == ["task", "worker", "label"]
    plain = [[None if pd.isna(v) else v for v in row] for row in table]
    assert list(long.itertuples(index=False, name=None)) == cells(plain)
    assert long["label"].dtype == dtype


def test_objects_stay_objects():
    table = np.array([["x", None], ["y", "x"]], dtype=object)
    long = to_long_format(table)
    assert long["label"].dtype == object
    assert from_long_format(long).to_numpy().tolist() == table.tolist()


def test_the_way_back_agrees_with_loops():
    rng = np.random.default_rng(1)
    tasks, workers = np.divmod(rng.permutation(60)[:35], 6)
    labels = rng.choice(["no", "yes"], 35)
    long = pd.DataFrame({"task": tasks, "worker": workers, "label": labels})
    wide = from_long_format(long)
    assert wide.index.tolist() == sorted(set(tasks.tolist()))
    assert wide.columns.tolist() == sorted(set(workers.tolist()))
    expected = dict(zip(zip(tasks, workers, strict=True), labels, strict=True))
    for task in wide.index:
        for worker in wide.columns:
            label = wide.loc[task, worker]
            if (task, worker) in expected:
                assert label == expected[task, worker]
            else:
                assert pd.isna(label)


class TestMissingValues:
    @pytest.mark.parametrize(
        "table",
        [
            np.array([[0, -1], [-1, 1]]),
            np.array([[0.0, -1.0], [np.nan, 1.0]]),
            np.array([[0, -1], [None, 1]], dtype=object),
            pd.DataFrame([[0, -1], [None, 1]], dtype="Int64"),
            [[0, -1], [-1, 1]],
        ],
        ids=["int", "float", "object", "Int64", "list"],
    )
    def test_number_stands_for_a_missing_annotation(self, table):
        long = to_long_format(table)
        assert long["task"].tolist() == [0, 1]
        assert long["worker"].tolist() == [0, 1]
        assert long["label"].tolist() == [0, 1]

    def test_it_may_be_a_label(self):
        table = np.array([[1, -1], [-1, 1]])
        assert len(to_long_format(table)) == 2
        assert len(to_long_format(table, missing_values=None)) == 4
        assert to_long_format(table, missing_values=1)["label"].tolist() == [-1, -1]

    def test_it_counts_for_numbers_only(self):
        assert len(to_long_format([["1", "-1"]])) == 2
        assert len(to_long_format([[True, False]], missing_values=0)) == 2


def test_a_worker_without_annotations_does_not_change_the_type():
    frame = pd.DataFrame({"Ann": [1, 2], "Bob": [np.nan, np.nan]})
    frame["Ann"] = frame["Ann"].astype("Int64")
    long = to_long_format(frame)
    assert long["label"].dtype == "Int64"
    assert long["worker"].tolist() == ["Ann", "Ann"]


def test_nobody_annotated_anything():
    long = to_long_format(pd.DataFrame({"Ann": [None]}))
    assert long.shape == (0, 3)


def test_names_of_columns_may_be_those_of_the_result():
    frame = pd.DataFrame({"label": [1], "task": [0]})
    assert to_long_format(frame).to_numpy().tolist() == [
        [0, "label", 1],
        [0, "task", 0],
    ]


def test_columns_of_other_names():
    long = pd.DataFrame({"item": ["b", "a"], "who": [2, 1], "said": [True, False]})
    wide = from_long_format(long, task="item", worker="who", label="said")
    assert wide.index.tolist() == ["a", "b"]
    assert wide.columns.tolist() == [1, 2]
    assert (wide.dtypes == "boolean").all()


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (np.array([0, 1], dtype=np.int8), "Int64"),
        (pd.array([0, None], dtype="Int32"), "Int64"),
        (np.array([0, None], dtype=object), "Int64"),
        (np.array([True, None], dtype=object), "boolean"),
        (np.array([True, False]), "boolean"),
        (np.array([0.0, np.nan]), "float64"),
        (np.array(["a", None], dtype=object), "object"),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_types_of_the_matrix(labels, dtype):
    long = pd.DataFrame({"task": [0, 1], "worker": [0, 1], "label": pd.Series(labels)})
    long["label"] = pd.Series(labels, dtype=labels.dtype)
    wide = from_long_format(long)
    assert (wide.dtypes == dtype).all()
    assert wide.isna().to_numpy().tolist() == [
        [False, True],
        [True, bool(pd.isna(labels[1]))],
    ]


def test_tasks_that_nobody_annotated():
    long = pd.DataFrame({"task": [3, 1], "worker": ["Ann", "Bob"], "label": ["x", "y"]})
    wide = from_long_format(long, tasks=[1, 2, 3])
    assert wide.index.tolist() == [1, 2, 3]
    assert wide.loc[2].isna().all()
    with pytest.raises(ValueError, match="Nobody annotated 1 of 3 rows: 1"):
        encode_annotations(wide)


@pytest.mark.parametrize("kind", FRAMES)
def test_matrix_is_understood(kind):
    frame = FRAMES[kind]
    codes, classes = encode_annotations(from_long_format(to_long_format(frame)))
    for row, column in np.ndindex(*frame.shape):
        label = frame.iloc[row, column]
        if pd.isna(label):
            assert codes[row, column] == -1
        else:
            assert classes[codes[row, column]] == label


class TestErrors:
    @pytest.fixture
    def long(self):
        return pd.DataFrame(
            {"task": [0, 0, 1], "worker": ["Ann", "Bob", "Ann"], "label": [0, 1, 1]}
        )

    def test_no_frame(self):
        with pytest.raises(ValueError, match="must be a pandas DataFrame, got list"):
            from_long_format([[0, 0, 1]])

    @pytest.mark.parametrize("parameter", ["task", "worker", "label"])
    def test_no_such_column(self, long, parameter):
        with pytest.raises(
            ValueError, match=f"no column 'it', only .*'worker'.*Pass {parameter}="
        ):
            from_long_format(long, **{parameter: "it"})

    def test_empty(self, long):
        with pytest.raises(ValueError, match="frame is empty"):
            from_long_format(long[:0])

    @pytest.mark.parametrize("column", ["task", "worker"])
    def test_missing_ids(self, long, column):
        long[column] = [None, *long[column][1:]]
        with pytest.raises(ValueError, match=f"Column '{column}' of frame lacks 1 ids"):
            from_long_format(long)

    def test_labelled_twice(self, long):
        with pytest.raises(ValueError, match=r"more than once.*: \(1, 'Ann'\)\. Keep"):
            from_long_format(pd.concat([long, long[2:], long[2:]]))

    def test_many_are_counted_up(self):
        long = pd.DataFrame({"task": range(9), "worker": 0, "label": 1})
        with pytest.raises(ValueError, match=r"\(4, 0\), \.\.\.\. Keep"):
            from_long_format(pd.concat([long, long]))

    def test_unknown_tasks(self, long):
        with pytest.raises(ValueError, match="not among tasks: 1. Add them"):
            from_long_format(long, tasks=[0, 2])

    def test_tasks_twice(self, long):
        with pytest.raises(ValueError, match="tasks holds 0 more than once"):
            from_long_format(long, tasks=[0, 1, 0])

    def test_ids_of_several_types(self, long):
        long["worker"] = pd.Series(["Ann", 2, "Ann"], dtype=object)
        message = r"column 'worker' mixes ids of types \['int', 'str'\]"
        with pytest.raises(ValueError, match=message):
            from_long_format(long)

    @pytest.mark.parametrize("where", ["index", "columns"])
    @pytest.mark.parametrize(
        ("ids", "message"),
        [
            (["a", "a"], "The {} of annotations holds 'a' more than once"),
            (["a", None], "missing in the {} of annotations"),
            ([1, "a"], r"The {} of annotations mixes ids of types \['int', 'str'\]"),
        ],
    )
    def test_ids_of_a_matrix(self, where, ids, message):
        frame = pd.DataFrame([[0, 1], [1, 1]])
        frame = frame.set_axis(ids, axis=where)
        with pytest.raises(ValueError, match=message.format(where)):
            to_long_format(frame)

    def test_no_matrix(self):
        with pytest.raises(ValueError, match="2D array"):
            to_long_format([0, 1])
