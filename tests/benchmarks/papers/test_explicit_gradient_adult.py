"""Adult: the table and its rows, one cell, and the report."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep_bench.data.adult import (
    CONTINUOUS,
    FEATURES,
    RATIOS,
    TARGET,
    balance,
    preprocessing,
    read_adult,
    split,
)
from imbdeep_bench.engine.experiment import Cell, Setting, run_cell
from imbdeep_bench.papers.explicit_gradient.experiment import (
    AdultTable,
    add_withdrawn_rows,
    relative_move,
    score,
)
from imbdeep_bench.papers.explicit_gradient.methods import (
    ALL_ROWS,
    OURS,
    PAPER_NET,
    PAPER_STEPS,
    on_components,
)
from imbdeep_bench.papers.explicit_gradient.methods import TABLE_METHODS as METHODS
from imbdeep_bench.papers.explicit_gradient.report_adult import (
    DATASETS,
    TITLES,
    latest,
    published_scores,
    score_frame,
)
from tests.benchmarks.papers.conftest import census


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("census") / "adult.csv.gz"
    # The columns stand in another order than the code's.
    census()[[TARGET, *reversed(FEATURES)]].to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def balanced(path):
    return balance(read_adult(path), seed=0)


class OlderIsRicher(ClassifierMixin, BaseEstimator):
    """Rank by age; learn nothing."""

    def fit(self, X, y, eval_set):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        positive = X[:, 0].astype(float) / 200
        return np.column_stack([1 - positive, positive])


class Records(OlderIsRicher):
    """Keep the rows to fit, to validate and to test."""

    def __init__(self, log):
        self.log = log

    def fit(self, X, y, eval_set):
        self.log += [(X, y), eval_set]
        return super().fit(X, y, eval_set)

    def predict_proba(self, X):
        self.log.append((X,))
        return super().predict_proba(X)


def cell_of(adult, method, fold=0, ratio=50):
    setting = Setting(f"adult {ratio}:1", adult, of=ratio)
    return Cell(AdultTable(seed=0), setting, method, fold)


# --- Data ----------------------------------------------------------------------------


def test_read_adult_drops_rows_with_a_missing_value(path):
    frame = read_adult(path)
    assert list(frame) == [*FEATURES, TARGET]
    expected = [row for row in census().itertuples() if isinstance(row.workclass, str)]
    assert len(frame) == len(expected) == 4800
    assert frame["age"].tolist() == [row.age for row in expected]


def test_read_adult_names_absent_columns(tmp_path):
    census(50).drop(columns=["race", "fnlwgt"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"lacks the columns \['fnlwgt', 'race'\]"):
        read_adult(tmp_path / "a.csv")


def test_read_adult_names_other_labels(tmp_path):
    census(50).assign(income=1).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"labels \['1'\]; they should be <=50K and"):
        read_adult(tmp_path / "a.csv")


def as_set(rows):
    return set(map(tuple, rows))


def test_balance_drops_rows_of_the_majority_at_random(path, balanced):
    frame = read_adult(path)
    is_minority = frame[TARGET] == ">50K"
    assert len(balanced.majority) == len(balanced.minority) == is_minority.sum()
    features = frame[list(FEATURES)]
    assert as_set(balanced.minority) == as_set(features[is_minority].to_numpy())
    assert as_set(balanced.majority) < as_set(features[~is_minority].to_numpy())
    again, other = balance(frame, seed=0), balance(frame, seed=1)
    assert (balanced.majority == again.majority).all()
    assert as_set(balanced.majority) != as_set(other.majority)
    assert balanced.sha256 == other.sha256 != balance(frame[1:], seed=0).sha256


@pytest.mark.parametrize("ratio", RATIOS)
def test_imbalanced_withdraws_rows_of_the_minority(balanced, ratio):
    X, y = balanced.imbalanced(ratio)
    n = len(balanced.majority)
    assert len(X) == len(y)
    assert (np.bincount(y) == [n, round(n / ratio)]).all()
    assert as_set(X[y == 0]) == as_set(balanced.majority)
    left, withdrawn = as_set(X[y == 1]), as_set(balanced.withdrawn(ratio))
    assert not left & withdrawn
    assert left | withdrawn == as_set(balanced.minority)


def test_a_milder_ratio_has_all_rows_of_a_harsher_one(balanced):
    kept = [as_set(balanced.imbalanced(ratio)[0]) for ratio in RATIOS]
    assert kept[0] > kept[1] > kept[2]


def test_split_is_stratified_64_16_20():
    y = np.repeat([0, 1], [5000, 100])
    parts = split(y, 50, fold=0, seed=0)
    found = [len(rows) for rows in (parts.fit, parts.valid, parts.test)]
    assert found == [3264, 816, 1020]
    assert [y[rows].sum() for rows in (parts.fit, parts.valid, parts.test)] == [
        64,
        16,
        20,
    ]
    everything = np.concatenate([parts.fit, parts.valid, parts.test])
    assert (np.sort(everything) == np.arange(5100)).all()


def test_split_follows_from_seed_ratio_and_fold():
    y = np.repeat([0, 1], [500, 20])
    drawn = [
        tuple(split(y, *what).test)
        for what in [(50, 0, 0), (50, 1, 0), (100, 0, 0), (50, 0, 1)]
    ]
    assert len(set(drawn)) == 4
    assert tuple(split(y, 50, 0, 0).test) == drawn[0]


def components_slowly(rows, others, n_components):
    """Components of ``others``: loops to encode, then the eigenvectors of ``rows``."""
    n_continuous = len(CONTINUOUS)
    levels = [sorted(set(rows[:, k])) for k in range(n_continuous, len(FEATURES))]
    means = [np.mean(rows[:, k].astype(float)) for k in range(n_continuous)]
    spreads = [np.std(rows[:, k].astype(float)) for k in range(n_continuous)]

    def encode(row):
        numbers = [
            (float(value) - mean) / spread
            for value, mean, spread in zip(row, means, spreads, strict=False)
        ]
        flags = [
            float(row[n_continuous + k] == level)
            for k, column in enumerate(levels)
            for level in column
        ]
        return numbers + flags

    encoded = np.array([encode(row) for row in rows])
    centre = encoded.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(encoded.T))
    leading = vectors[:, np.argsort(values)[::-1][:n_components]]
    return (np.array([encode(row) for row in others]) - centre) @ leading


def test_preprocessing_is_learned_from_the_rows_it_is_fitted_on(balanced):
    rows, others = balanced.majority[:400], balanced.minority[:30].copy()
    others[0, FEATURES.index("race")] = "a level never seen"
    fitted = preprocessing().fit(rows)
    expected = components_slowly(rows, others, 64)
    found = fitted.transform(others)
    assert found.shape == (30, 64)
    # The sign of a component is arbitrary.
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-6, atol=1e-8)


# --- Cells ---------------------------------------------------------------------------


def test_withdrawn_rows_double_the_minority(balanced):
    X, y = balanced.imbalanced(50)
    withdrawn = balanced.withdrawn(50)
    more, target = add_withdrawn_rows(X, y, withdrawn, np.random.RandomState(0))
    added = more[len(X) :]
    assert (more[: len(X)] == X).all()
    assert (target == np.append(y, np.ones(y.sum()))).all()
    assert len(added) == len(as_set(added)) == y.sum()
    assert as_set(added) <= as_set(withdrawn)


def test_scores_agree_with_loops_over_thresholds():
    rng = np.random.RandomState(0)
    y = (rng.rand(300) < 0.2).astype(int)
    proba = np.round(0.3 * y + 0.7 * rng.rand(300), 2)
    points = []
    for threshold in np.unique(proba):
        alarmed = y[proba >= threshold]
        points.append((alarmed.sum() / y.sum(), alarmed.mean()))
    found = score(y, proba)
    for recall in (0.25, 0.5, 0.75):
        expected = max(precision for r, precision in points if r >= recall)
        assert found[f"precision_at_{recall}"] == pytest.approx(expected)
    area, before = 0.0, 0.0
    for recall, precision in reversed(points):
        area, before = area + (recall - before) * precision, recall
    assert found["average_precision"] == pytest.approx(area)
    pairs = [(p > q) + 0.5 * (p == q) for p in proba[y == 1] for q in proba[y == 0]]
    assert found["roc_auc"] == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("ratio", RATIOS)
def test_counted_rows_are_those_of_every_split(balanced, ratio):
    _, y = balanced.imbalanced(ratio)
    setting = Setting(f"adult {ratio}:1", balanced, of=ratio)
    counts = AdultTable(seed=3).count_rows(setting)
    for fold in range(4):
        parts = split(y, ratio, fold, seed=3)
        for name in ("fit", "valid", "test"):
            labels = [y[row] for row in getattr(parts, name)]
            assert counts[name] == [len(labels), labels.count(1)]


def test_a_cell_of_the_papers_method(balanced):
    make = on_components(OURS["explicit_gradient"], max_epochs=2, pretrain_epochs=15)
    method = replace(METHODS["explicit_gradient"], make=make)
    record = run_cell(cell_of(balanced, method))
    assert (record["status"], record["error"]) == ("ok", None)
    # Age alone tells the classes apart rather well.
    assert record["scores"]["roc_auc"] > 0.6
    assert len(record["curves"]["precision_at"]) == 51
    assert 0 < record["scores"]["relative_move"] < 1


@pytest.mark.parametrize("synth_lr", [0.0, 1e4])
def test_relative_move_is_measured_from_the_parents(balanced, synth_lr):
    X, y = balanced.imbalanced(200)
    rows = split(y, 200, fold=0, seed=0)
    X_fit, y_fit, valid = X[rows.fit], y[rows.fit], (X[rows.valid], y[rows.valid])
    params = {"synth_lr": synth_lr, "max_epochs": 1, "pretrain_epochs": 1}
    model = on_components(OURS["explicit_gradient"], **params)(random_state=0)
    net = model.fit(X_fit, y_fit, eval_set=valid).net_
    shares = []
    for row, parent in zip(net.X_synth_, net.synth_parents_, strict=True):
        assert y_fit[parent] == 1
        began = model.scaler_.transform(X_fit[[parent]])[0]
        shares.append(np.sqrt(sum((row - began) ** 2) / sum(began**2)))
    found = relative_move(model, X_fit)
    assert found == pytest.approx(np.mean(shares), rel=1e-4)
    assert found > 1e-3 if synth_lr else found < 1e-6


@pytest.mark.parametrize("name", ["ce", "potential"])
def test_a_cell_keeps_the_test_rows_for_the_test(balanced, name):
    log = []
    method = replace(METHODS[name], make=lambda random_state: Records(log))
    run_cell(cell_of(balanced, method, fold=2))
    X, y = balanced.imbalanced(50)
    rows = split(y, 50, fold=2, seed=0)
    (fitted, target), (valid, valid_target), (tested,) = log
    n_fit = len(rows.fit)
    assert (fitted[:n_fit] == X[rows.fit]).all()
    assert (target[:n_fit] == y[rows.fit]).all()
    assert (valid == X[rows.valid]).all()
    assert (valid_target == y[rows.valid]).all()
    assert (tested == X[rows.test]).all()
    added = as_set(fitted[n_fit:])
    assert len(added) == (y[rows.fit].sum() if name == "potential" else 0)
    assert added <= as_set(balanced.withdrawn(50))


def test_methods_are_the_papers_on_components():
    assert set(TITLES) == {n for n in METHODS if not n.endswith(ALL_ROWS)}
    again = {"ce", "rs", "smote", "focal", "potential"}
    assert {n for n in METHODS if n.endswith(ALL_ROWS)} == {n + ALL_ROWS for n in again}
    for name, method in METHODS.items():
        model = method.make(random_state=7)
        steps = [step for step, _ in model.scaler.steps]
        assert steps == ["columntransformer", "pca"]
        params = model.net.get_params()
        paper = {**PAPER_NET, **(PAPER_STEPS if name in OURS else {})}
        if name == "duplicates":
            paper["synth_lr"] = 0.0
        assert {key: params[key] for key in paper} == paper
        assert params["random_state"] == 7
        assert model.refit == name.endswith(ALL_ROWS)
        assert (method.kind == "withdrawn") == name.startswith("potential")
        assert (method.kind == "synthetic") == (name in OURS)
    assert METHODS["rs"].make(0).net.iterator_train == "balanced"
    assert METHODS["focal"].make(0).net.criterion == "focal"


# --- The report ----------------------------------------------------------------------

ADULT = "explicit_gradient adult"


def fabricated(value, folds=2):
    """Records whose scores are all ``value(dataset, method, fold)``."""
    names = ["average_precision", "roc_auc", "relative_move"]
    names += [f"precision_at_{recall}" for recall in (0.25, 0.5, 0.75)]
    return [
        {
            **{"kind": "cell", "dataset": dataset, "method": method, "fold": fold},
            **{"status": "ok", "error": None},
            "scores": dict.fromkeys(names, value(dataset, method, fold)),
            "curves": {"precision_at": [0.5] * 51},
        }
        for dataset in DATASETS
        for method in METHODS
        for fold in range(folds)
    ]


def line_of(report, *parts):
    lines = [line for line in report.splitlines() if all(p in line for p in parts)]
    return lines[0]


def test_report_compares_means_with_the_potential_and_the_paper(report_on):
    level = {"explicit_gradient": 0.30, "potential": 0.40}
    records = fabricated(lambda d, method, fold: level.get(method, 0.2) + 0.02 * fold)
    parts = {"fit": [64, 7], "valid": [16, 2], "test": [20, 3]}
    counted = {"kind": "dataset", "name": "adult 200:1", "provenance": "x"}
    report = report_on(ADULT, [counted | {"parts": parts}, *records])
    ours = line_of(report, "adult 100:1", "Explicit gradient", "±", "%")
    # (0.30 + 0.32) / 2 = 0.31 against 0.41: -24.4 %; sd of two values 0.02 apart.
    for part in ("0.310 ± 0.014", "-24.4%", "0.333", "-11.2%"):
        assert part in ours
    assert "place 1 of 6 that fit the same rows, and is best of all" in report
    assert "+0.100" in line_of(report, "50:1", "SMOTE", "2 of 2 splits")
    recalls = line_of(report, "adult 50:1", "CE", "0.513")
    assert [cell.strip() for cell in recalls.split("|")[3:6]] == [
        *("0.210 ± 0.014", "0.210 ± 0.014", "0.1"),
    ]
    assert line_of(report, "64 (7)", "16 (2)", "20 (3)").startswith("| adult 200:1")


def test_report_says_so_if_the_method_is_not_best(report_on):
    level = {"explicit_gradient": 0.2, "ce": 0.25, f"ce{ALL_ROWS}": 0.3}
    records = fabricated(lambda d, method, fold: level.get(method, 0.1))
    line = line_of(report_on(ADULT, records), "- adult 50:1: explicit")
    assert "place 2 of 6" in line
    assert "not best of all; the best other is CE, all rows with 0.300" in line
    assert "rows had moved by 20.00%" in line


def test_splits_that_a_method_has_not_been_through_do_not_count(report_on):
    records = fabricated(lambda d, method, fold: 0.9 if fold else 0.1)
    records = [r for r in records if (r["method"], r["fold"]) != ("focal", 1)]
    scores = score_frame(latest(records))
    assert set(scores.index.get_level_values("fold")) == {0}
    assert (scores == 0.1).all(axis=None)
    text = report_on(ADULT, [r for r in records if r["method"] != "ce"])
    assert "No split has been through all methods yet." in text


def test_a_failed_cell_is_named_until_it_succeeds(report_on):
    records = fabricated(lambda *key: 0.3)
    failed = {**records[0], "status": "failed", "error": "FloatingPointError: nan"}
    broken = [failed | {"scores": {}, "curves": {}}, *records[1:]]
    report = report_on(ADULT, broken)
    assert "- adult 50:1, ce, split 0: FloatingPointError: nan" in report
    assert "FloatingPointError" not in report_on(ADULT, [*broken, records[0]])


def test_the_papers_table_is_complete_and_agrees_with_itself():
    published = published_scores()
    assert published.index.unique("dataset").tolist() == DATASETS
    for dataset in DATASETS:
        table = published.loc[dataset]
        assert set(table.index) == set(TITLES) - {"duplicates"}
        gaps = 100 * (table["area"] / table.at["potential", "area"] - 1)
        assert gaps.tolist() == pytest.approx(table["gap_percent"].tolist(), abs=0.15)
        assert (
            table[["ap_0.75", "ap_0.5", "ap_0.25"]].diff(axis=1).iloc[:, 1:] >= 0
        ).all(axis=None)
