"""Tables and the picture of the robust experiments follow from their cells."""

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.robust import report
from imbdeep_bench.papers.robust.figure import (
    SETTING,
    draw_classes,
    draw_parts,
    heading,
)
from imbdeep_bench.papers.robust.methods import CHAPTERS, METHODS
from imbdeep_bench.papers.robust.report import (
    AGREEMENT,
    DUELS,
    FOUR,
    STRONG,
    STUDY,
    agreement_table,
    chapter_table,
    class_table,
    differences_of,
    duel_table,
    published_table,
)
from imbdeep_bench.report.runs import pick, read_published
from papers import main
from tests.benchmarks.papers.conftest import fake_run, pick_row, row_of
from tests.common.slow import slow_if

SHIFTS = {"ce": 0.0, "drcb_ldam": 0.1, "srat_ldam": 0.15, "imb_mix": 0.2}
KEY = ("usps", "step-100", "linf", 0.15)


TOLD = {"cell_seconds": 2.0, "class_counts": [500, 500, 5, 5], "n_test": 400}
METRICS = [*FOUR, *STRONG]


def made_up(method, value):
    return {
        "scores": dict.fromkeys(METRICS, value),
        "class_standard": [value, value + 0.1, value, value - 0.1],
        "class_robust": [value / 2] * 4,
        "agreement": dict.fromkeys(AGREEMENT, value) | {"n_rows": 200},
        "fit_seconds": 1.5,
    }


def image_run(n_seeds=4, shifts=SHIFTS, imbalance="step-100", norm="linf", **more):
    where = {"data": "usps", "imbalance": imbalance, "norm": norm, "eps": 0.15} | more
    where.setdefault("dataset", f"{where['data']}, {imbalance}, {norm} 0.15")
    return fake_run(TOLD | {"fit_seconds": None}, made_up, shifts, n_seeds, **where)


@pytest.fixture
def read(write_records):
    return lambda records: STUDY.read(write_records(records, "images.jsonl"))


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
    assert tuple(table.loc[method, [metric, f"{metric} std"]]) == told


def test_published_tables_are_complete():
    table = read_published(report.__file__)
    sizes = {f"{c}.{i}": n for c, n in ((4, 11), (5, 6)) for i in range(1, 8)}
    assert table.groupby("table").size().to_dict() == sizes
    assert not table.duplicated(["table", "method"]).any()
    assert table.notna().all(axis=None)
    assert table[list(FOUR)].stack().between(0, 100).all()
    # What the net is right of under attack it is nearly always right of without.
    assert (table["robust_overall"] < table["standard_overall"]).all()
    assert (table["robust_under"] <= table["standard_under"]).all()


@pytest.mark.parametrize("chapter", [4, 5])
def test_every_published_method_is_one_of_ours(chapter):
    table = read_published(report.__file__)
    theirs = set(table.loc[table["table"].str.startswith(f"{chapter}."), "method"])
    ours = {m.published.get(chapter) for m in METHODS.values()} - {None}
    # Figures 5.2 to 5.7 alone have one more.
    assert ours - theirs == ({"adv. + data_aug"} if chapter == 5 else set())
    assert theirs <= ours


def test_what_has_no_twin_has_nothing_beside_it():
    assert published_table(4, "cifar100", "step-100", "linf") == (None, None)
    assert published_table(5, "usps", "step-100", "l2") == (None, None)


# --- Numbers -------------------------------------------------------------------------


def test_differences_of_all_imbalances_are_those_of_their_runs(read):
    lower = dict(zip(SHIFTS, (0.3, 0.1, 0.0, 0.2), strict=True))
    records = image_run(4) + image_run(4, lower, imbalance="exp-10")
    records += image_run(4, norm="l2")
    differences = differences_of(STUDY.scores(read(records)))
    total = pick_row(
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
    cells = read(image_run(3, failed=[("ce", 0)]))
    row = pick_row(agreement_table(cells), method="ce")
    assert row["square_alone"] == pytest.approx(0.515)
    assert row["n_rows"] == 200
    classes = class_table(cells)
    row = pick_row(classes[classes["class"] == 1], method="ce")
    assert row["standard"] == pytest.approx(0.615)
    assert row["robust"] == pytest.approx(0.515 / 2)
    assert row["n_train"] == 500
    assert len(classes) == 4 * 4


# --- Tables --------------------------------------------------------------------------


def test_a_table_is_as_the_chapter_has_it(read):
    means = STUDY.means(read(image_run(3)), "std")
    part = pick(means, SETTING, KEY)
    number, table = chapter_table(part, KEY, 4)
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
    means = STUDY.means(read(image_run(3, shifts)), "std")
    number, table = chapter_table(pick(means, SETTING, KEY), KEY, 5)
    assert number == "5.4"
    beside = table["robust, overall, published, of CIFAR10"]
    assert beside.tolist() == ["-", "28.14 ± 0.16", "-"]


def test_cifar_is_no_stand_in_for_itself(read):
    records = image_run(3, data="cifar100", imbalance="exp-10")
    means = STUDY.means(read(records), "std")
    key = ("cifar100", "exp-10", "linf", 0.15)
    _, table = chapter_table(pick(means, SETTING, key), key, 5)
    assert "robust, under, published" in table


def test_duels_are_told_in_percent(read):
    differences = differences_of(STUDY.scores(read(image_run(4))))
    table = duel_table(pick(differences, SETTING, KEY))
    assert table.columns[-2:].tolist() == ["robust, under", "worst of all, under"]
    assert table.index.tolist() == [
        *("SRAT-LDAM - DRCB-LDAM", "SRAT-LDAM - CE", "DRCB-LDAM - CE", "Imb-Mix - CE"),
    ]
    assert table.iat[0, 3] == "+5.08 ± 0.03 (4-0, p 0.12)"


@pytest.mark.parametrize("chapter", [None, slow_if(True, 5)])
def test_report_says_what_was_run_and_what_failed(read, tmp_path, chapter):
    failed = [("focal", 0), ("focal", 1)]
    shifts = SHIFTS | {"focal": 0.0}
    read(
        image_run(2, shifts, imbalance="step-10", failed=failed)
        + image_run(2, shifts, imbalance="exp-100")
    )
    given = ["--chapter", str(chapter)] if chapter else []
    argv = ["robust", "images", "--report-only", "--out", str(tmp_path), *given]
    assert main(argv) == 0
    text = (tmp_path / "tables.md").read_text()
    assert "20 cells, 2 of them failed. Seeds 0, 1." in text
    assert "- usps, step-10, linf 0.15, Focal, seeds 0, 1: ValueError" in text
    assert ("Methods of chapter 4; published: Table 4.4" in text) == (chapter is None)
    assert "Methods of chapter 5; published: Table 5.3" in text
    assert "- usps, step-10: 500, 500, 5, 5; 400 test rows" in text
    if chapter is None:
        assert row_of(text.split("## usps, step-10")[1], "Focal")[1:5] == ["failed"] * 4
    names = ["All imbalances together"]
    names += [heading("usps", i, "linf", 0.15) for i in ("exp-100", "step-10")]
    places = [text.index(f"## {name}") for name in names]
    assert places == sorted(places)
    assert len(pd.read_csv(tmp_path / "tables.csv")) == 2 * 5 * len(METRICS)
    assert len(pd.read_csv(tmp_path / "classes.csv")) == (5 + 4) * 4
    assert len(pd.read_csv(tmp_path / "agreement.csv")) == 5 + 4
    for name in ("classes.png", "parts.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# --- Figure 4.1 ----------------------------------------------------------------------


def test_classes_are_drawn_with_and_without_an_attacker(read):
    shifts = {"plain": 0.1, "ce": 0.0, "focal": 0.1, "imb_mix": 0.2}
    figure = draw_classes(class_table(read(image_run(1, shifts))))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["clean training", "CE", "Imb-Mix"]
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx([50, 60, 50, 40, 25, 25, 25, 25])
    colors = [bar.get_facecolor()[:3] for bar in figure.axes[1].patches]
    assert colors[0] == colors[1] == colors[5]
    assert colors[2] == colors[3] == colors[7] != colors[0]


def test_nothing_is_drawn_of_other_methods(read):
    assert draw_classes(class_table(read(image_run(1, {"focal": 0.0})))) is None


# --- Figures 5.2 to 5.7 --------------------------------------------------------------


def test_parts_of_imb_mix_are_drawn_by_imbalance(read):
    shifts = {"imb_mix": 0.2, "ce": 0.0}
    records = image_run(2, shifts, failed=[("ce", 0), ("ce", 1)])
    records += image_run(2, shifts, imbalance="exp-10")
    figure = draw_parts(STUDY.means(read(records), "std"))
    assert [axes.get_title() for axes in figure.axes] == list(FOUR.values())
    for axes in figure.axes:
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["exp-10", "step-100"]
    heights = {
        bars.get_label(): [bar.get_height() for bar in bars]
        for bars in figure.axes[2].containers
        if hasattr(bars, "patches")
    }
    assert heights["CE"] == pytest.approx([50.5, np.nan], nan_ok=True)
    assert heights["Imb-Mix"] == pytest.approx([70.6, 70.6])


def test_no_parts_are_drawn_of_other_methods(read):
    assert draw_parts(STUDY.means(read(image_run(1, {"focal": 0.0})), "std")) is None
