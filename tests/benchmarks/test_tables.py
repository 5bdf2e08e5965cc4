"""Tables for development: their rows, planted gaps, and a run of each part."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from imbdeep_bench.engine import command
from imbdeep_bench.engine.command import groups_of
from imbdeep_bench.engine.experiment import Rows
from imbdeep_bench.tables import PARTS, data, thresholds
from imbdeep_bench.tables.experiment import score
from imbdeep_bench.tables.report import metric_blocks
from tables import main
from tests.common.slow import slow_if


@pytest.fixture
def keel(tmp_path):
    """A folder with two small tables of each kind."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "keel"
    folder.mkdir()
    for name in ("glass0", "vehicle1", "crx", "german"):
        n = 70
        frame = pd.DataFrame({"c1": rng.normal(size=n), "c2": rng.normal(size=n)})
        if name in ("crx", "german"):
            frame["c3"] = rng.choice(["a", "b", "c"], n)
            frame.loc[3, "c3"] = None
        frame["target"] = np.where(frame["c1"] > 0.8, "rare", "frequent")
        frame.to_csv(folder / f"{name}.csv.gz", index=False)
    return folder


RUNS = {
    "raw": ("crx,churn", "imbalanced,hist_gb,catboost", 12),
    "encodings": ("glass0,vehicle1", "standard,boosting", 8),
    "levels": ("crx,german", "native,boosting", 8),
    "gaps": ("glass0", "native,boosting", 16),
    "members": ("crx,german,glass0", "members,hist_gb,catboost", 18),
    "thresholds": ("crx,glass0", "out_of_fold,training_rows", 8),
}
FEW = {"max_epochs": 2, "max_iter": 3, "n_estimators": 2, "n_members": 2}
FEW["learners"] = [("tree", DecisionTreeClassifier(max_depth=3))]


def short(method):
    """Return a method that takes little time: how well it learns is not asked."""

    def make(seed):
        model = method.make(seed)
        last = {
            name: name.rpartition("__")[2]
            for name, value in model.get_params().items()
            if value != 1  # a single net
        }
        few = {name: FEW[last[name]] for name in last if last[name] in FEW}
        assert few or method.needs
        return model.set_params(**few)

    return replace(method, make=make)


@pytest.mark.parametrize("part", [slow_if(p == "thresholds", p) for p in PARTS])
def test_a_run_and_its_report(part, keel, tmp_path, fake_peers, monkeypatch):
    datasets, methods, n_cells = RUNS[part]
    made = {name: short(method) for name, method in PARTS[part].methods.items()}
    monkeypatch.setattr(PARTS[part], "methods", made)
    out = tmp_path / "out"
    args = f"{part} --data {keel} --out {out} --datasets {datasets} --n-jobs 0 --smoke"
    assert main([*args.split(), "--methods", methods]) == 0
    report = (out / f"{part}.md").read_text()
    assert f"{n_cells} cells, 0 of them failed. 2 folds" in report
    means = pd.read_csv(out / f"{part}.csv")
    assert set(means["metric"]) == set(PARTS[part].metrics)
    assert means["mean"].notna().all()
    # The same command goes on with what there is.
    assert main([*args.split(), "--methods", methods]) == 0
    assert (out / f"{part}.md").read_text() == report
    for title in ("Average precision", "G-mean at a tuned threshold"):
        for half in ("chooses", "confirms"):
            words = f"## {title}, the half that {half}\n"
            assert (words in report) == (part == "members")


@pytest.mark.parametrize("has_control", [True, False])
def test_tests_are_against_the_control_or_else_the_first_method(has_control):
    names = ["mlp_members", "remix_members", "focal_members"]
    names += ["members"] if has_control else []
    rng = np.random.default_rng(0)
    means = pd.DataFrame(
        [
            {"metric": "ap", "dataset": f"t{i}", "method": name, "mean": rng.random()}
            for i in range(6)
            for name in names
        ]
    ).assign(n_failed=0)
    _, _, tests, _ = metric_blocks(means, "ap", PARTS["members"])
    against = PARTS["members"].methods["members" if has_control else "mlp_members"]
    assert f"| {against.title} minus" in tests


def mixed_rows(n=60, seed=0):
    """Rows of a table with a text column, gaps, and a level that fits never saw."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["u", "v"], n)})
    y = (X["a"] > 0.9).to_numpy().astype(int)
    y[:3] = 1
    X.loc[5, "a"] = None
    train, test = np.arange(n // 2), np.arange(n // 2, n)
    X.loc[test[:2], "b"] = "new"
    return Rows(X.iloc[train], y[train], X.iloc[test], y[test])


SWITCHED = {
    "single": {"n_members", "member_holdout"},
    "no_holdout": {"member_holdout", "train_split"},
    "last_epoch": {"early_stopping"},
    "log_loss": {"scoring"},
    "refit": {"refit"},
    "bootstrap": {"member_holdout"},
    "blocks": {"module__n_blocks"},
    "lr_1e-3": {"lr"},
    "standard": {"numeric_encoding"},
    "robust": {"numeric_encoding"},
    "piecewise_linear": {"numeric_encoding"},
    "mlp": {"module", "module__hidden_sizes", "lr"},
    "linear_skip": {"module__linear_skip"},
}


@pytest.mark.filterwarnings("ignore:Average precision")
@pytest.mark.parametrize(
    # Of the ablations, most differ by a number from methods that are tried.
    "name",
    [slow_if(name in SWITCHED, name) for name in PARTS["members"].methods],
)
def test_every_method_takes_text_and_gaps(name, fake_peers):
    rows = mixed_rows()
    model = short(PARTS["members"].methods[name]).make(0)
    model.fit(rows.X_train, rows.y_train)
    scores = score(model, rows)
    assert np.isfinite(list(scores.values())).all()
    holds_out = name in HELD_OUT
    assert ("g_mean_tuned" in scores) == holds_out


PEERS_OF_TABLES = (
    *("hist_gb", "random_forest", "catboost", "lightgbm", "realmlp", "tabm_d"),
    *("easy_ensemble", "balanced_bagging", "voting"),
)
HELD_OUT = set(PARTS["members"].methods) - {*PEERS_OF_TABLES, "net", "single"}
HELD_OUT -= {"no_holdout", "own_epochs"}


@pytest.mark.slow
def test_ways_to_a_threshold_by_hand():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = (X[:, 0] + rng.normal(size=150) > 1.5).astype(int)
    linear = LogisticRegression()
    way = thresholds.OutOfFold(linear, thresholds.BY_NAME).fit(X, y)
    labels, p = way.labels(X), way.model_.predict_proba(X)[:, 1]
    assert_array_equal(labels["cost"], p >= 1 / 11)
    assert set(p[labels["f1"] == 1]) == set(np.sort(p)[-labels["f1"].sum() :])
    alone = way.model_.set_threshold("g_mean").predict(X)
    assert_array_equal(labels["g_mean"], alone)
    # Chosen on these rows: nowhere better than by all cuts, and no worse than by 0.5.
    seen = thresholds.OnTrainingRows(linear).fit(X, y).labels(X)
    p = LogisticRegression().fit(X, y).predict_proba(X)[:, 1]
    for metric, of_labels in thresholds.SCORES.items():
        sign = -1 if metric == "cost" else 1
        by_hand = max(sign * of_labels(y, (p >= cut).astype(int)) for cut in p)
        chosen = sign * of_labels(y, seen[metric])
        assert sign * of_labels(y, (p >= 0.5).astype(int)) < chosen <= by_hand + 1e-12
        assert by_hand - chosen < 0.03
    chosen = thresholds.CrossValidated(linear).fit(X, y).models_
    assert chosen["cost"].best_threshold_ < chosen["f1"].best_threshold_
    assert_allclose(chosen["f1"].estimator_.coef_, linear.fit(X, y).coef_)


def test_groups_hold_what_they_say():
    groups = groups_of(PARTS["members"].methods)
    assert groups["peers"] == list(PEERS_OF_TABLES)
    assert len(groups["rebalancing"]) == 5
    alone = {"members", "imbalanced", "net", "mlp_members", "tabm_members"}
    assert set(PARTS["members"].methods) == alone.union(*groups.values())


WHOLE = {"linear_skip": "mlp"}  # of the others: the members


@pytest.mark.parametrize("name", SWITCHED)
def test_an_ablation_switches_one_thing(name):
    methods = PARTS["members"].methods
    whole, without = (
        methods[key].make(3).get_params(deep=False)
        for key in (WHOLE.get(name, "members"), name)
    )
    keys = whole.keys() | without.keys()
    changed = {key for key in keys if whole.get(key) != without.get(key)}
    assert changed == SWITCHED[name]


def test_nets_with_epochs_of_their_own_are_the_single_net():
    methods = PARTS["members"].methods
    bag, single = methods["own_epochs"].make(3), methods["single"].make(3)
    assert bag.estimator.get_params(deep=False) == single.get_params(deep=False)
    assert bag.n_estimators == methods["members"].make(3).n_members
    assert not bag.bootstrap
    assert bag.max_samples in (None, 1.0)


def test_each_half_of_the_tables_has_every_second_one():
    chooses, confirms = PARTS["members"].parts.values()
    assert len(chooses) == 14
    assert len(confirms) == 13
    in_turn = [name for pair in zip(chooses, confirms, strict=False) for name in pair]
    assert [*in_turn, chooses[-1]] == sorted(data.NUMERIC + data.MIXED)


def test_a_threshold_is_tuned_on_rows_that_were_held_out():
    y = np.array([1, 0, 0, 1, 0, 0])
    rows = Rows(None, y, None, y)
    # Of the training rows the best cut is 0.3; no member held out the first.
    told, test = np.where(y == 1, 0.4, 0.2), np.where(y == 1, 0.31, 0.29)
    told[0] = np.nan
    model = SimpleNamespace(predict_proba=lambda X: np.column_stack([1 - test, test]))
    assert "g_mean_tuned" not in score(model, rows)
    model.oof_proba_ = np.column_stack([1 - told, told])
    assert score(model, rows)["g_mean_tuned"] == 1
    model.oof_proba_ = model.oof_proba_ / 2
    assert score(model, rows)["g_mean_tuned"] == 0


def test_a_peer_that_is_not_installed_is_refused_first(
    keel, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    args = ["members", "--data", str(keel), "--out", str(tmp_path / "out")]
    for methods, told in (
        ("peers", "catboost, lightgbm, pytabkit"),
        (None, "pytabkit"),
    ):
        asked = [] if methods is None else ["--methods", methods]
        with pytest.raises(SystemExit) as stopped:
            main([*args, *asked])
        assert stopped.value.code == 2
        error = capsys.readouterr().err
        assert f'{told} is not installed: pip install "imbdeep[peers]"' in error
    assert not (tmp_path / "out").exists()


def test_rare_rows_are_a_tenth_or_what_there_is(keel):
    (table,) = data.read_tables(["glass0"], keel, data.NUMERIC)
    frame = pd.read_csv(keel / "glass0.csv.gz")
    is_rare = frame["target"] == "rare"
    assert table.y.sum() == min(25, is_rare.sum())
    assert (table.y == 0).sum() == (~is_rare).sum()
    assert (table.X["c1"][table.y == 1] > 0.8).all()
    (again,) = data.read_tables(["glass0"], keel, data.NUMERIC)
    pd.testing.assert_frame_equal(table.X, again.X)


def test_a_table_that_is_not_there(keel):
    with pytest.raises(ValueError, match="There is no .*magic.csv.gz; give as --data"):
        data.read_tables(["magic"], keel, data.NUMERIC)


@pytest.mark.parametrize("share", [0.1, 0.4])
@pytest.mark.parametrize("by_value", [False, True])
def test_gaps_are_as_many_as_asked_and_where(share, by_value):
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(2000, 3)), columns=list("abc"))
    planted = data.plant_gaps(X, share, by_value, 0)
    assert planted.isna().mean().tolist() == [share] * 3
    kept = planted.notna()
    assert (planted[kept] == X[kept]).to_numpy()[kept.to_numpy()].all()
    for column in X:
        related = spearmanr(X[column], planted[column].isna()).statistic
        assert (related > 0.3) if by_value else (abs(related) < 0.07)
    other = data.plant_gaps(X, share, by_value, 1)
    assert not other.isna().equals(planted.isna())


def test_tables_share_nothing_with_the_27_sets():
    assert not {"satimage", "optdigits", "penbased"} & {*data.NUMERIC, *data.MIXED}
    assert not set(data.NUMERIC) & set(data.MIXED)
