"""Tables and the picture of the robust experiments follow from their cells."""

import json

import numpy as np
import pandas as pd
import pytest
from _robust import report
from _robust.classes import draw_classes
from _robust.layout import FOUR, chapter_table, duel_table, heading
from _robust.methods import CHAPTERS, METHODS
from _robust.published import PUBLISHED, published_table
from _robust.results import (
    AGREEMENT,
    DUELS,
    agreement_table,
    class_table,
    difference_table,
    mean_table,
    pick_setting,
    read_cells,
    score_frame,
)
from _robust.scores import METRICS

TITLES = {name: method.title for name, method in METHODS.items()}
SHIFTS = {"ce": 0.0, "drcb_ldam": 0.1, "srat_ldam": 0.15, "imb_mix": 0.2}
KEY = ("usps", "step-100", "linf", 0.15)


def fake_cell(method, seed, value=None, imbalance="step-100", norm="linf", data="usps"):
    """A record all of whose scores are `value`; None makes a failed one."""
    record = {
        "kind": "cell",
        "dataset": f"{data}, {imbalance}, {norm} 0.15",
        "data": data,
        "imbalance": imbalance,
        "norm": norm,
        "eps": 0.15,
        "method": method,
        "fold": seed,
        "status": "failed",
        "error": "ValueError: too few rows",
        "scores": {},
        "fit_seconds": None,
        "cell_seconds": 2.0,
        "class_counts": [500, 500, 5, 5],
        "n_test": 400,
    }
    if value is None:
        return record
    told = dict.fromkeys(AGREEMENT, value) | {"n_rows": 200}
    return record | {
        "status": "ok",
        "error": None,
        "scores": dict.fromkeys(METRICS, value),
        "class_standard": [value, value + 0.1, value, value - 0.1],
        "class_robust": [value / 2] * 4,
        "agreement": told,
        "fit_seconds": 1.5,
    }


def fake_run(n_seeds=4, shifts=SHIFTS, **where):
    """Scores that differ by method and, a little, by seed."""
    return [
        fake_cell(method, seed, 0.5 + shift + seed * (0.01 + 0.01 * shift), **where)
        for seed in range(n_seeds)
        for method, shift in shifts.items()
    ]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def read(tmp_path):
    return lambda records: read_cells(write(tmp_path / "images.jsonl", records))


def pick(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


# --- Published scores ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("chapter", "data", "imbalance", "norm", "number", "method", "metric", "told"),
    [
        (4, "usps", "step-10", "linf", "4.1", "CE", "standard_overall", (63.26, 0.59)),
        (4, "cifar10", "step-100", "linf", "4.2", "SRAT-LDAM", "robust_under",
         (18.89, 0.59)),
        (4, "cifar10", "step-100", "linf", "4.2", "CB-Focal", "standard_under",
         (0.0, 0.0)),
        (4, "cifar10", "exp-10", "linf", "4.3", "SRAT-Focal", "robust_overall",
         (42.37, 0.0)),
        (4, "usps", "exp-100", "linf", "4.4", "DRCB-LDAM", "standard_under",
         (57.19, 2.10)),
        (4, "cifar100", "step-10", "linf", "4.5", "LDAM", "robust_under", (7.41, 0.37)),
        (4, "cifar100", "exp-10", "linf", "4.6", "CB-Reweight", "standard_overall",
         (41.82, 0.11)),
        (4, "usps", "step-100", "l2", "4.7", "CE", "robust_under", (20.07, 3.48)),
        (5, "usps", "exp-10", "linf", "5.1", "Imb-Mix", "robust_under", (30.52, 0.37)),
        (5, "usps", "exp-100", "linf", "5.2", "adv. + resample", "standard_under",
         (18.38, 1.86)),
        (5, "usps", "step-10", "linf", "5.3", "remix + adv.", "robust_overall",
         (36.37, 0.13)),
        (5, "usps", "step-100", "linf", "5.4", "mixup + adv.", "standard_under",
         (2.27, 1.55)),
        (5, "cifar100", "exp-10", "linf", "5.5", "vanilla adv.", "robust_under",
         (9.95, 0.09)),
        (5, "cifar100", "step-10", "linf", "5.6", "adv. + reweight", "robust_overall",
         (15.12, 0.13)),
        (5, "cifar100", "exp-10", "l2", "5.7", "Imb-Mix", "standard_overall",
         (63.97, 0.54)),
    ],
)  # fmt: skip
def test_published_scores(chapter, data, imbalance, norm, number, method, metric, told):
    found, table = published_table(chapter, data, imbalance, norm)
    assert found == number
    assert tuple(table.loc[method, metric]) == told


def test_published_tables_are_complete():
    long = pd.read_csv(PUBLISHED, dtype={"table": str})
    sizes = long.groupby("table").size().to_dict()
    assert sizes == {
        **{f"4.{i}": 11 * 4 for i in range(1, 8)},
        **{f"5.{i}": 6 * 4 for i in range(1, 8)},
    }
    assert not long.duplicated(["table", "method", "metric"]).any()
    assert long.notna().all(axis=None)
    assert long["mean"].between(0, 100).all()
    # What the net is right of under attack it is nearly always right of without.
    wide = long.pivot(index=["table", "method"], columns="metric", values="mean")
    assert (wide["robust_overall"] < wide["standard_overall"]).all()
    assert (wide["robust_under"] <= wide["standard_under"]).all()
    assert (wide["robust_under"] <= wide["standard_under"]).all()


@pytest.mark.parametrize("chapter", [4, 5])
def test_every_published_method_is_one_of_ours(chapter):
    long = pd.read_csv(PUBLISHED, dtype={"table": str})
    theirs = set(long.loc[long["table"].str.startswith(f"{chapter}."), "method"])
    ours = {m.published.get(chapter) for m in METHODS.values()} - {None}
    # Figures 5.2 to 5.7 alone have one more.
    assert ours - theirs == ({"adv. + data_aug"} if chapter == 5 else set())
    assert theirs <= ours


def test_what_has_no_twin_has_nothing_beside_it():
    assert published_table(4, "cifar100", "step-100", "linf") == (None, None)
    assert published_table(5, "usps", "step-100", "l2") == (None, None)


# --- Numbers -------------------------------------------------------------------------


def test_means_and_standard_deviations(read):
    means = mean_table(score_frame(read(fake_run())))
    assert len(means) == len(SHIFTS) * len(METRICS)
    values = 0.7 + np.arange(4) * 0.012
    row = pick(means, method="imb_mix", metric="robust_under")
    assert row["mean"] == pytest.approx(values.mean())
    assert row["std"] == pytest.approx(values.std(ddof=1))
    assert (row["n_runs"], row["n_failed"]) == (4, 0)


def test_a_failure_is_counted_and_a_missing_half_is_not(read):
    records = fake_run(3)
    records[3] = fake_cell("imb_mix", 0)
    for record in records:
        record["scores"].pop("robust_under", None)
    means = mean_table(score_frame(read(records)))
    row = pick(means, method="imb_mix", metric="robust_overall")
    assert (row["n_runs"], row["n_failed"]) == (2, 1)
    balanced = means[(means["metric"] == "robust_under") & (means["method"] == "ce")]
    assert balanced.empty


def test_only_runs_of_all_methods_count(read):
    cells = read([*fake_run(3), fake_cell("ce", 3, 0.9)])
    assert sorted(cells["fold"].unique()) == [0, 1, 2]


def test_differences_are_seed_by_seed(read):
    records = fake_run(10)
    records[2] = fake_cell("srat_ldam", 0)
    differences = difference_table(score_frame(read(records)))
    own = differences[differences["imbalance"] == "step-100"]
    pairs = set(own[["first", "minus"]].itertuples(index=False, name=None))
    assert pairs == {
        ("srat_ldam", "drcb_ldam"),
        ("srat_ldam", "ce"),
        ("drcb_ldam", "ce"),
        ("imb_mix", "ce"),
    }
    row = pick(own, minus="drcb_ldam", metric="robust_under")
    lead = 0.05 + np.arange(1, 10) * 0.0005
    assert row["difference"] == pytest.approx(lead.mean())
    assert row["se"] == pytest.approx(lead.std(ddof=1) / 3)
    assert row["p_value"] == pytest.approx(2 / 2**9)
    assert (row["won"], row["lost"], row["n_runs"]) == (9, 0, 9)


def test_differences_of_all_imbalances_are_those_of_their_runs(read):
    lower = dict(zip(SHIFTS, (0.3, 0.1, 0.0, 0.2), strict=True))
    records = fake_run(4) + fake_run(4, lower, imbalance="exp-10")
    records += fake_run(4, norm="l2")
    differences = difference_table(score_frame(read(records)))
    total = pick(
        differences, imbalance="all", norm="linf", minus="drcb_ldam",
        metric="standard_overall",
    )  # fmt: skip
    assert (total["won"], total["lost"], total["n_runs"]) == (4, 4, 8)
    lead = [0.05 + s * 0.0005 for s in range(4)] + [-0.1 - s * 0.001 for s in range(4)]
    assert total["difference"] == pytest.approx(np.mean(lead))


def test_duels_are_between_methods_there_are():
    assert set(DUELS) | {name for r in DUELS.values() for name in r} <= set(METHODS)
    rivals = set(CHAPTERS[5]) - {"plain", "imb_mix"}
    assert set(DUELS["imb_mix"]) == rivals


def test_agreement_and_classes_are_means_of_cells_that_did_not_fail(read):
    records = fake_run(3)
    records[0] = fake_cell("ce", 0)
    cells = read(records)
    told = agreement_table(cells)
    row = pick(told, method="ce")
    assert row["square_alone"] == pytest.approx(0.515)
    assert row["n_rows"] == 200
    classes = class_table(cells)
    row = pick(classes[classes["class"] == 1], method="ce")
    assert row["standard"] == pytest.approx(0.615)
    assert row["robust"] == pytest.approx(0.515 / 2)
    assert row["n_train"] == 500
    assert len(classes) == 4 * 4


# --- Tables --------------------------------------------------------------------------


def test_a_table_is_as_the_chapter_has_it(read):
    means = mean_table(score_frame(read(fake_run(3))))
    part = pick_setting(means, KEY)
    methods = {name: METHODS[name] for name in CHAPTERS[4]}
    number, table = chapter_table(part, KEY, 4, methods)
    assert number == "4.2"
    assert table.index.tolist() == ["CE", "DRCB-LDAM", "SRAT-LDAM"]
    assert table.columns.tolist() == [
        *FOUR.values(),
        *(f"{title}, published, of CIFAR10" for title in FOUR.values()),
    ]
    assert table.at["CE", "robust, under"] == "51.00 ± 1.00"
    beside = table["standard, under, published, of CIFAR10"]
    assert beside.tolist() == ["9.03 ± 0.99", "50.69 ± 2.27", "52.73 ± 3.23"]


def test_a_method_that_was_not_published_has_a_dash(read):
    shifts = {"plain": 0.1, "ce": 0.0, "imb_mix_plain": 0.2}
    means = mean_table(score_frame(read(fake_run(3, shifts))))
    methods = {name: METHODS[name] for name in CHAPTERS[5]}
    number, table = chapter_table(pick_setting(means, KEY), KEY, 5, methods)
    assert number == "5.4"
    beside = table["robust, overall, published, of CIFAR10"]
    assert beside.tolist() == ["-", "28.14 ± 0.16", "-"]


def test_cifar_is_no_stand_in_for_itself(read):
    records = fake_run(3, data="cifar100", imbalance="exp-10")
    means = mean_table(score_frame(read(records)))
    key = ("cifar100", "exp-10", "linf", 0.15)
    methods = {name: METHODS[name] for name in CHAPTERS[5]}
    _, table = chapter_table(pick_setting(means, key), key, 5, methods)
    assert "robust, under, published" in table


def test_duels_are_told_in_percent(read):
    differences = difference_table(score_frame(read(fake_run(4))))
    table = duel_table(
        pick_setting(differences, KEY), {"robust_under": "robust, under"}, TITLES
    )
    assert table.index.tolist() == [
        "SRAT-LDAM - DRCB-LDAM",
        "SRAT-LDAM - CE",
        "DRCB-LDAM - CE",
        "Imb-Mix - CE",
    ]
    told = table.at["SRAT-LDAM - DRCB-LDAM", "robust, under"]
    assert told == "+5.08 ± 0.03 (4-0, p 0.12)"


def test_report_says_what_was_run_and_what_failed(read):
    records = [*fake_run(2), *(fake_cell("focal", seed) for seed in (0, 1))]
    text, frames = report.make_report(read(records))
    assert "10 cells, 2 of them failed. Seeds 0, 1." in text
    assert "- usps, step-100, linf 0.15, Focal, seeds 0, 1: ValueError" in text
    assert "published: Table 4.2" in text
    assert "published: Table 5.4" in text
    assert "- usps, step-100: 500, 500, 5, 5; 400 test rows" in text
    focal = next(line for line in text.splitlines() if line.startswith("| Focal"))
    assert focal.count("failed") == 4
    assert set(frames) == {"tables", "differences", "agreement", "classes"}


def dead_cell(method, seed):
    """A record that the main process made, since the worker died."""
    rows = ("class_counts", "n_test", "cell_seconds")
    return {k: v for k, v in fake_cell(method, seed).items() if k not in rows}


def test_a_worker_that_died_leaves_the_rows_of_others_alone(read):
    text, _ = report.make_report(read([dead_cell("focal", 0), *fake_run(1)]))
    assert "5 cells, 1 of them failed" in text
    assert "- usps, step-100: 500, 500, 5, 5; 400 test rows" in text


def test_a_report_of_nothing_but_dead_workers(read):
    text, _ = report.make_report(read([dead_cell("ce", 0)]))
    assert "1 cells, 1 of them failed" in text


def test_report_of_nothing_but_failures(read):
    text, _ = report.make_report(read([fake_cell("ce", 0)]))
    assert "1 cells, 1 of them failed" in text
    assert "No cell has finished." in text


@pytest.mark.slow
def test_files_and_the_order_of_settings(tmp_path):
    records = [c for i in ("step-10", "exp-10") for c in fake_run(2, imbalance=i)]
    write(tmp_path / report.CELLS, records)
    text = report.write_report(tmp_path).read_text()
    places = [
        text.index(f"## {name}")
        for name in (
            "All imbalances together",
            heading("usps", "exp-10", "linf", 0.15),
            heading("usps", "step-10", "linf", 0.15),
        )
    ]
    assert places == sorted(places)
    assert len(pd.read_csv(tmp_path / "tables.csv")) == 2 * 4 * len(METRICS)
    assert len(pd.read_csv(tmp_path / "classes.csv")) == 2 * 4 * 4
    assert (tmp_path / "classes.png").read_bytes().startswith(b"\x89PNG")


# --- Figure 4.1 ----------------------------------------------------------------------


def test_classes_are_drawn_with_and_without_an_attacker(read):
    shifts = {"plain": 0.1, "ce": 0.0, "focal": 0.1, "imb_mix": 0.2}
    figure = draw_classes(class_table(read(fake_run(1, shifts))))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["clean training", "CE", "Imb-Mix"]
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx([50, 60, 50, 40, 25, 25, 25, 25])
    colors = [bar.get_facecolor()[:3] for bar in figure.axes[1].patches]
    assert colors[0] == colors[1] == colors[5]
    assert colors[2] == colors[3] == colors[7] != colors[0]


def test_nothing_is_drawn_of_other_methods(read):
    assert draw_classes(class_table(read(fake_run(1, {"focal": 0.0})))) is None
