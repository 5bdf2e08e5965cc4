"""Searches of pipelines over tables of mixed columns: what moves and what does not."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from imbdeep.attacks import (
    adversarial_rows,
    make_robust_scorer,
    robust_accuracy,
    robust_predictions,
)
from imbdeep.classifiers import NetClassifier

slow = pytest.mark.slow

N = 90
MOVING = ["age", "income"]
SEARCH = {"attack": "square", "queries": 15, "random_state": 0}


def mixed(n=N):
    """Two columns that tell the class, among others of every kind."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(n) % 3 == 0, "rare", "often")
    signal = rng.normal(size=(n, 2)) + 1.5 * (y == "rare")[:, None]
    frame = pd.DataFrame(
        {
            "city": rng.choice(["Ulm", "Bonn"], n),
            "age": (40 + 10 * signal[:, 0]).round().astype(int),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "when": pd.date_range("2020-01-01", periods=n),
            "income": 1000 * signal[:, 1],
            "kind": pd.Categorical(rng.choice(list("xyz"), n)),
            "visits": pd.array(np.where(rng.random(n) < 0.3, None, 1), dtype="Int64"),
            "note": [["a"], None, {"b": 1}] * (n // 3),
            "member": rng.random(n) < 0.5,
        },
        index=pd.Index(3 * np.arange(n) + 7, name="id"),
    )
    frame["flag"] = pd.arrays.SparseArray(rng.integers(0, 2, n).astype(float))
    return frame, y


def new_pipeline(last=None):
    columns = ColumnTransformer(
        [
            ("scale", StandardScaler(), MOVING),
            ("encode", OneHotEncoder(sparse_output=False), ["city", "kind"]),
            ("fill", SimpleImputer(), ["gap"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression() if last is None else last)


class Watching(ClassifierMixin, BaseEstimator):
    """A classifier of one column that keeps the tables that it is asked about."""

    def __init__(self, column=0, seen=None):
        self.column = column
        self.seen = seen

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        if self.seen is not None:
            self.seen.append(X)
        column = X[self.column] if isinstance(self.column, str) else X[:, self.column]
        positive = 1 / (1 + np.exp(-np.asarray(column, dtype=float)))
        return np.column_stack([1 - positive, positive])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


@pytest.fixture(scope="module")
def data():
    """Do not change these rows."""
    return mixed()


@pytest.fixture(scope="module")
def pipeline(data):
    """Do not fit this pipeline again."""
    return new_pipeline().fit(*data)


# --- pandas --------------------------------------------------------------------------


# Each two of the options in all combinations; the other half is slow.
@pytest.mark.parametrize(
    ("norm", "batch_size", "early_stop"),
    [
        pytest.param(
            norm,
            batch_size,
            early_stop,
            marks=[] if ((norm == "l2") ^ (batch_size == 40) ^ early_stop) else slow,
        )
        for norm in ("linf", "l2")
        for batch_size in (1024, 40)
        for early_stop in (True, False)
    ],
)
def test_columns_that_may_not_move_pass_untouched(
    data, pipeline, norm, batch_size, early_stop
):
    X, y = data
    before = X.copy(deep=True)
    given = {"eps": 0.6, "eps_unit": "std", "std": X[MOVING].std(), "norm": norm}
    given |= {"perturb": MOVING, "batch_size": batch_size, "early_stop": early_stop}
    X_adv = adversarial_rows(pipeline, X, y, **given, **SEARCH)
    pd.testing.assert_frame_equal(X, before)
    rest = X.columns.difference(MOVING)
    pd.testing.assert_frame_equal(X_adv[rest], X[rest])
    pd.testing.assert_index_equal(X_adv.index, X.index)
    pd.testing.assert_index_equal(X_adv.columns, X.columns)
    assert (X_adv[MOVING].dtypes == np.float64).all()
    shift = ((X_adv[MOVING] - X[MOVING]) / X[MOVING].std()).abs()
    assert shift.max(axis=None) <= 0.6 + 1e-9
    assert pipeline.score(X_adv, y) < pipeline.score(X, y) - 0.1


@pytest.mark.slow
def test_all_functions_take_mixed_tables(data, pipeline):
    X, y = data
    given = {"eps": {"income": 600.0, "age": 6.0}, "perturb": MOVING, **SEARCH}
    y_pred = robust_predictions(pipeline, X, y, **given)
    X_adv = adversarial_rows(pipeline, X, y, **given)
    np.testing.assert_array_equal(y_pred != y, pipeline.predict(X_adv) != y)
    accuracy = robust_accuracy(pipeline, X, y, **given)
    assert accuracy == np.mean(y_pred == y) < pipeline.score(X, y) - 0.1
    rare = robust_accuracy(
        pipeline,
        X,
        y,
        rows="under_represented",
        class_counts=pd.Series(y).value_counts(),
        **given,
    )
    per_class = robust_accuracy(pipeline, X, y, rows="per_class", **given)
    assert rare == pytest.approx(per_class[1], abs=0.07)
    scorer = make_robust_scorer(**given)
    scores = cross_val_score(
        new_pipeline(), X, y, scoring=scorer, cv=3, error_score="raise"
    )
    clean = cross_val_score(new_pipeline(), X, y, cv=3)
    assert scores.mean() < clean.mean() - 0.1


def test_without_an_attack_it_is_the_accuracy(data, pipeline):
    X, y = data
    for given in ({"eps": 0}, {"eps": 1, "perturb": []}):
        pd.testing.assert_frame_equal(
            adversarial_rows(pipeline, X, y, **given, **SEARCH), X
        )
        accuracy = robust_accuracy(pipeline, X, y, **given, **SEARCH)
        assert accuracy == pipeline.score(X, y)


def test_every_row_is_asked_about_with_its_own_text(data):
    X, y = data
    seen = []
    watching = Watching("income", seen).fit(X, y)
    scaled = X.assign(income=X["income"] / 1000, text=[f"row {i}" for i in range(N)])
    own = dict(zip(scaled["text"], scaled["income"], strict=True))
    given = {"eps": 0.7, "perturb": ["income"], "early_stop": True, "batch_size": 40}
    adversarial_rows(watching, scaled, y, **given, **SEARCH)
    assert {len(table) for table in seen} - {40, 10, N}  # some rows were done early
    for table in seen:
        assert list(table.columns) == list(scaled.columns)
        pd.testing.assert_series_equal(
            table.dtypes.drop("income"), scaled.dtypes.drop("income")
        )
        shift = table["income"] - table["text"].map(own)
        assert shift.abs().max() <= 0.7 + 1e-9
        pd.testing.assert_frame_equal(
            table.drop(columns="income"),
            scaled.loc[table.index, table.columns != "income"],
        )


DIGITS = np.arange(N) % 7
NUMBERS = {
    "int64": (DIGITS, "float64"),
    "int8": (DIGITS.astype(np.int8), "float64"),
    "float32": (DIGITS.astype(np.float32), "float32"),
    "bool": (DIGITS > 3, "float64"),
    "Int32": (pd.array(DIGITS, dtype="Int32"), "float64"),
    "Float32": (pd.array(DIGITS, dtype="Float32"), "float32"),
    "boolean": (pd.array(DIGITS > 3, dtype="boolean"), "float64"),
    "int64[pyarrow]": (pd.array(DIGITS, dtype="int64[pyarrow]"), "float64"),
    "sparse": (pd.arrays.SparseArray(DIGITS), "float64"),
    "object": (pd.Series(DIGITS.tolist(), dtype=object), "float64"),
    "decimal": (pd.Series([Decimal(i) for i in DIGITS.tolist()]), "float64"),
}


@pytest.mark.parametrize(("column", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_all_kinds_that_move_become_floats(column, expected):
    X = pd.DataFrame({"moves": column, "text": "x"})
    y = np.arange(N) % 2
    watching = Watching("moves").fit(X, y)
    X_adv = adversarial_rows(watching, X, y, eps=0.5, perturb=["moves"], **SEARCH)
    assert X_adv["moves"].dtype == expected
    shift = X_adv["moves"] - X["moves"].astype(float)
    np.testing.assert_allclose(shift, np.where(y == 1, -0.5, 0.5), atol=1e-5)


def test_columns_of_the_same_name():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20, 2)), columns=["a", "a"]).assign(text="x")
    y = np.arange(20) % 2

    class First(Watching):
        def predict_proba(self, X):
            return super().predict_proba(X.iloc[:, :1].to_numpy())

    first = First().fit(X, y)
    for perturb in ([0], [True, False, False]):
        X_adv = adversarial_rows(first, X, y, eps=0.5, perturb=perturb, **SEARCH)
        assert list(X_adv.columns) == ["a", "a", "text"]
        pd.testing.assert_frame_equal(X_adv.iloc[:, 1:], X.iloc[:, 1:])
        assert (X_adv.iloc[:, 0] != X.iloc[:, 0]).all()
    for given in ({"perturb": ["a"]}, {"perturb": [0], "eps": {"a": 0.5}}):
        with pytest.raises(ValueError, match=r"\['a'\] are there more than once"):
            adversarial_rows(first, X, y, **{"eps": 0.5, **given}, **SEARCH)


def test_columns_of_an_eps_of_0_do_not_move(data, pipeline):
    X, y = data
    eps = dict.fromkeys(X.columns, 0) | {"income": 500}
    X_adv = adversarial_rows(pipeline, X, y, eps=eps, **SEARCH)
    pd.testing.assert_frame_equal(
        X_adv.drop(columns="income"), X.drop(columns="income")
    )
    assert (X_adv["income"] != X["income"]).any()


def test_a_box_bounds_what_may_move(data, pipeline):
    X, y = data
    box = X[MOVING].agg(["min", "max"])
    X_adv = adversarial_rows(pipeline, X, y, eps=900, perturb=MOVING, box=box, **SEARCH)
    assert (X_adv[MOVING] >= box.loc["min"]).all(axis=None)
    assert (X_adv[MOVING] <= box.loc["max"]).all(axis=None)
    with pytest.raises(ValueError, match="X lies outside the box: feature 1"):
        adversarial_rows(
            pipeline, X, y, eps=9, perturb=["age"], box={"age": (0, 30)}, **SEARCH
        )


def test_a_net_leaves_the_dtypes_of_what_may_not_move():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=60), "b": np.arange(60)})
    y = np.arange(60) % 2
    net = NetClassifier(max_epochs=1, random_state=0).fit(X, y)
    for attack in ("pgd", "square"):
        X_adv = adversarial_rows(
            net, X, y, eps=0.5, perturb=["a"], attack=attack, queries=5
        )
        assert X_adv.dtypes.astype(str).to_dict() == {"a": "float32", "b": "int64"}
        pd.testing.assert_series_equal(X_adv["b"], X["b"])
        assert (X_adv["a"] != X["a"]).any()


# --- Other containers ----------------------------------------------------------------


def test_polars(data):
    X, y = data
    X = pl.from_pandas(X.drop(columns=["note", "flag", "visits"]))
    pipeline = new_pipeline().fit(X, y)
    std = X.select(MOVING).std()
    given = {"eps": 0.6, "eps_unit": "std", "std": std, "perturb": MOVING, **SEARCH}
    X_adv = adversarial_rows(pipeline, X, y, **given)
    assert isinstance(X_adv, pl.DataFrame)
    assert X_adv.drop(MOVING).equals(X.drop(MOVING))
    assert X_adv.drop(MOVING).schema == X.drop(MOVING).schema
    assert X_adv.columns == X.columns
    assert X_adv.select(MOVING).dtypes == [pl.Float64, pl.Float64]
    accuracy = robust_accuracy(pipeline, X, y, **given)
    assert accuracy < pipeline.score(X, y) - 0.1
    assert accuracy == robust_accuracy(pipeline, X, pl.Series(y), **given)
    scores = cross_val_score(
        clone(pipeline),
        X,
        y,
        scoring=make_robust_scorer(
            rows="under_represented", **given, class_counts=[2, 1]
        ),
        cv=2,
        error_score="raise",
    )
    assert ((scores >= 0) & (scores <= 1)).all()
    # Numbers alone move, unless it is said otherwise.
    moved = adversarial_rows(pipeline, X, y, eps=0.1, **SEARCH)
    fixed = ["city", "when", "kind"]
    assert moved.select(fixed).equals(X.select(fixed))


def test_polars_and_pandas_alike(data, pipeline):
    X, y = data
    columns = ["city", "age", "gap", "income", "kind"]
    X = X[columns].reset_index(drop=True)
    given = {"eps": [0, 6, 0, 600, 0], **SEARCH}
    of_pandas = adversarial_rows(new_pipeline().fit(X, y), X, y, **given)
    X = pl.from_pandas(X)
    of_polars = adversarial_rows(new_pipeline().fit(X, y), X, y, **given)
    pd.testing.assert_frame_equal(
        of_polars.select(MOVING).to_pandas(), of_pandas[MOVING]
    )


def test_pyarrow():
    rng = np.random.default_rng(0)
    X = pa.table({"text": ["x"] * 30, "a": rng.normal(size=30)})
    y = np.arange(30) % 2
    seen = []
    watching = Watching("a", seen).fit(X, y)
    X_adv = adversarial_rows(watching, X, y, eps=0.5, perturb=["a"], **SEARCH)
    assert all(isinstance(table, pa.Table) for table in seen)
    assert X_adv.schema == X.schema
    assert X_adv["text"] == X["text"]
    shift = X_adv["a"].to_numpy() - X["a"].to_numpy()
    np.testing.assert_allclose(shift, np.where(y == 1, -0.5, 0.5))


def test_pyarrow_from_pandas_goes_back_to_pandas():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    frame = pd.DataFrame(
        {
            "moves": pd.array(rng.integers(0, 9, 40), dtype="Int64"),
            "stays": pd.array(rng.integers(0, 9, 40), dtype="Int64"),
            "level": pd.array(rng.integers(0, 3, 40), dtype="Int64"),
            "town": pd.Categorical(rng.choice(["Ulm", "Bonn"], 40)),
        },
        index=pd.Index(np.arange(40) + 7, name="id"),
    )
    table = pa.Table.from_pandas(frame)
    net = NetClassifier(max_epochs=2, random_state=0).fit(table, y)
    asked = {"perturb": ["moves", "level"], "levels": {"level": [0, 1]}}
    X_adv = adversarial_rows(net, table, y, eps=0.5, **asked, **SEARCH)
    found = X_adv.to_pandas()
    assert found["moves"].dtype == "float32"
    assert 0 < (found["moves"] - frame["moves"]).abs().max() <= 0.5
    for name in ("stays", "level", "town"):
        assert found[name].dtype == frame[name].dtype
    pd.testing.assert_frame_equal(found[["stays", "town"]], frame[["stays", "town"]])


@pytest.mark.parametrize("container", [np.asarray, np.ndarray.tolist])
def test_objects(data, container):
    frame, y = data
    objects = frame[["age", "city", "gap", "income"]].to_numpy(dtype=object)
    X = container(objects)
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                ("scale", StandardScaler(), [0, 3]),
                ("encode", OneHotEncoder(), [1]),
                ("fill", SimpleImputer(), [2]),
            ]
        ),
        LogisticRegression(),
    ).fit(X, y)
    X_adv = adversarial_rows(
        pipeline, X, y, eps={0: 6, 3: 600}, perturb=[0, 3], **SEARCH
    )
    assert X_adv.dtype == object
    for i in (1, 2):
        pd.testing.assert_series_equal(pd.Series(X_adv[:, i]), pd.Series(objects[:, i]))
    assert pipeline.score(X_adv, y) < pipeline.score(X, y) - 0.1
    # Left to itself, it moves numbers alone, and leaves gaps.
    eps = {0: 6, 2: 0, 3: 600}
    np.testing.assert_array_equal(
        adversarial_rows(pipeline, X, y, eps=eps, perturb=[0, 2, 3], **SEARCH)[:, 0],
        adversarial_rows(pipeline, X, y, eps=[6, 0, 0, 600], **SEARCH)[:, 0],
    )


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_gaps_of_an_array_that_may_not_move(norm):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), np.arange(80) % 2
    X[:, 0] += 2 * y
    X[rng.random(80) < 0.3, 2] = np.nan
    X[3, 3] = np.inf
    columns = ColumnTransformer(
        [("a", "passthrough", [0, 1]), ("b", SimpleImputer(), [2])]
    )
    pipeline = make_pipeline(columns, LogisticRegression()).fit(X, y)
    given = {"eps": 0.9, "norm": norm, "perturb": [0, 1], **SEARCH}
    X_adv = adversarial_rows(pipeline, X, y, **given)
    assert X_adv[:, 2:].tobytes() == X[:, 2:].tobytes()
    assert pipeline.score(X_adv, y) < pipeline.score(X, y) - 0.1
    shift = X_adv[:, :2] - X[:, :2]
    order = np.inf if norm == "linf" else 2
    assert np.linalg.norm(shift, order, axis=1).max() <= 0.9 + 1e-6
    with pytest.raises(ValueError, match=r"infinity in 1 rows of the feature 3"):
        adversarial_rows(pipeline, X, y, eps=0.1, **SEARCH)
    moved = adversarial_rows(pipeline, X, y, **given | {"perturb": [0, 1, 2]})
    np.testing.assert_array_equal(np.isnan(moved), np.isnan(X))
    assert np.nanmax(np.abs(moved[:, 2] - X[:, 2])) > 0.1


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows(container):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), np.arange(80) % 2
    X[:, 0] += 2 * y
    X[:, 1:][rng.random((80, 2)) < 0.7] = 0
    model = LogisticRegression().fit(container(X), y)
    given = {"eps": 0.9, "perturb": [0], **SEARCH}
    X_adv = adversarial_rows(model, container(X), y, **given)
    assert type(X_adv) is container
    np.testing.assert_array_equal(
        X_adv.toarray(), adversarial_rows(model, X, y, **given)
    )
    assert X_adv.nnz <= np.count_nonzero(X)
    accuracy = robust_accuracy(model, container(X), y, **given)
    assert accuracy == robust_accuracy(model, X, y, **given) < model.score(X, y) - 0.1


def test_an_array_of_doubles_keeps_its_digits():
    X, y = 2.0**40 + np.arange(40.0)[:, None], np.arange(40) % 2

    class Odd(Watching):
        def predict_proba(self, X):
            from_even = 1 - np.abs(X % 2 - 1)
            return super().predict_proba(4 * from_even - 2)

    odd = Odd().fit(X, y)
    assert odd.score(X, y) == 1
    assert robust_accuracy(odd, X, y, eps=0, **SEARCH) == 1
    X_adv = adversarial_rows(odd, X, y, eps=0.25, **SEARCH)
    assert X_adv.dtype == np.float64
    assert np.abs(X_adv - X).max() == 0.25
    assert robust_accuracy(odd, X, y, eps=0.25, box=(X.min(0), X.max(0)), **SEARCH) == 1
    assert robust_accuracy(odd, X, y, eps=0.75, **SEARCH) < 0.2


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"perturb": ["age", "when", "note"]},
            r"perturb names columns \['when', 'note'\], .*no numbers.*Leave them out",
        ),
        ({"perturb": ["weight"]}, r"perturb names columns \['weight'\]"),
        ({"perturb": MOVING, "eps": {"age": 1}}, r"eps .* lacks columns \['income'\]"),
        ({"perturb": MOVING, "eps": [0.1] * 2}, r"eps has shape \(2,\), .* \(10,\)"),
        ({"perturb": MOVING, "eps_unit": "std"}, r"std=X_train\[columns\]\.std\(\)"),
        (
            {"perturb": MOVING, "attack": "pgd"},
            r"Pipeline has no module_.*name the columns that may move in perturb",
        ),
    ],
)
def test_refuses(data, pipeline, given, message):
    X, y = data
    with pytest.raises(ValueError, match=message):
        adversarial_rows(pipeline, X, y, **{**SEARCH, "eps": 0.1, **given})


def test_refuses_a_table_without_rows(data, pipeline):
    X, y = data
    with pytest.raises(ValueError, match="X has 0 rows"):
        adversarial_rows(pipeline, X[:0], y[:0], eps=0.1, perturb=MOVING, **SEARCH)
