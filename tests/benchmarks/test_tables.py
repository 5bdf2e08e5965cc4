"""Tables for development: their rows, planted gaps, and a run of each part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from imbdeep_bench.tables import PARTS, data
from tables import main


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
    "encodings": ("glass0,vehicle1", "standard,boosting", 8),
    "levels": ("crx,german", "native,boosting", 8),
    "gaps": ("glass0", "native,boosting", 16),
}
FEW = {"max_epochs": 2, "max_iter": 3}


def short(method):
    """Return a method that takes little time: how well it learns is not asked."""

    def make(seed):
        model = method.make(seed)
        last = {name: name.rpartition("__")[2] for name in model.get_params()}
        few = {name: FEW[last[name]] for name in last if last[name] in FEW}
        assert few
        return model.set_params(**few)

    return replace(method, make=make)


@pytest.mark.parametrize("part", PARTS)
def test_a_run_and_its_report(part, keel, tmp_path, capsys, monkeypatch):
    datasets, methods, n_cells = RUNS[part]
    made = {name: short(method) for name, method in PARTS[part].methods.items()}
    monkeypatch.setattr(PARTS[part], "methods", made)
    out = tmp_path / "out"
    args = f"{part} --data {keel} --out {out} --datasets {datasets} --n-jobs 0 --smoke"
    assert main([*args.split(), "--methods", methods]) == 0
    report = (out / f"{part}.md").read_text()
    assert f"{n_cells} cells, 0 of them failed. 2 folds" in report
    means = pd.read_csv(out / f"{part}.csv")
    assert set(means["metric"]) == {"ap", "log_loss"}
    assert means["mean"].notna().all()
    # The same command goes on with what there is.
    assert main([*args.split(), "--methods", methods]) == 0
    assert (out / f"{part}.md").read_text() == report


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
