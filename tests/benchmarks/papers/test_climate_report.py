"""The report on satellite tiles: what is published, claims that hold, and pictures."""

import json

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.climate import report
from imbdeep_bench.papers.climate.figure import (
    draw_losses,
    draw_recalls,
    draw_variance,
)
from imbdeep_bench.papers.climate.methods import METHODS
from imbdeep_bench.papers.climate.numbers import (
    CLAIMS,
    MAIN,
    OURS,
    RECALLS,
    network_of,
    published_scores,
)
from imbdeep_bench.report import markdown
from imbdeep_bench.report.runs import read_published
from papers import main
from tests.benchmarks.papers.conftest import fake_run, pick_row, row_of

SHIFTS = {
    **{"ce": -0.2, "sampler": 0.0, "ldam_drw": 0.1, "swa": 0.05, "swa_652": 0.2},
    **{"gan_ce": 0.15, "corrected": 0.02},
}
TOLD = {"class_counts": [60, 15, 15, 10], "n_test": 50, "n_train": 100}
TOLD |= {"cell_seconds": 2.0, "fit_seconds": None}
TOLD |= {"gan_losses": None, "gan_diversity": None}


def made_up(method, value):
    # Recalls spread about the accuracy, less for better methods.
    recalls = {f"recall_{c}": value + (1.5 - c) * (1 - value) / 5 for c in range(4)}
    scores = {"accuracy": 1 - value / 2, "balanced_accuracy": value, **recalls}
    scores["root_intra_class_variance"] = 1 - value
    told = {"scores": scores, "fit_seconds": 1.5}
    if "gan" in method:
        losses = {"discriminator": [1.4, 1.2], "generator": [0.7, value]}
        spread = {"synthetic": value / 4, "real": 0.25}
        told |= {"gan_losses": {"3": losses}, "gan_diversity": {"3": spread}}
    return told


def fake_cells(modules=("conv",), shifts=SHIFTS, data="synthetic", n_seeds=3, **more):
    records = []
    for place, module in enumerate(modules):
        own = {name: shift + 0.05 * place for name, shift in shifts.items()}
        labels = {"dataset": f"{data}, {module}", "data": data, "module": module}
        records += fake_run(TOLD, made_up, own, n_seeds, **labels, **more)
    return records


def report_on(records, folder):
    """Report on records; return the text and the tables."""
    lines = "".join(json.dumps(record) + "\n" for record in records)
    folder.mkdir(exist_ok=True)
    (folder / "cells.jsonl").write_text(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "png", lambda figure, **options: b"a picture")
        assert main(["climate", "tables", "--report-only", "--out", str(folder)]) == 0
    names = ("tables", "claims", "gans")
    frames = {n: pd.read_csv(folder / f"{n}.csv") for n in names}
    return (folder / "tables.md").read_text(), frames


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return report_on(fake_cells(), tmp_path_factory.mktemp("whole"))


# --- Published -----------------------------------------------------------------------


def test_published_scores_follow_from_published_recalls():
    table = read_published(report.__file__)
    recalls = table[list(RECALLS)].to_numpy()
    told = table["balanced_accuracy"].notna().to_numpy()
    mean = recalls.mean(axis=1)[told]
    assert np.abs(mean - table["balanced_accuracy"][told]).max() < 1e-4
    # The root, whatever the paper's formula says; two accuracies have two digits.
    root = np.sqrt(((recalls - table[["accuracy"]].to_numpy()) ** 2).sum(axis=1))[told]
    off = np.abs(root - table["root_intra_class_variance"][told])
    is_exact = (table["accuracy"] * 100 % 1).round(6)[told] > 0
    assert off[is_exact].max() < 2e-4
    assert off.max() < 0.01


def test_every_method_of_the_paper_has_a_published_row():
    published = published_scores()
    assert published.notna().all(axis=None)
    names = {method.published for method in METHODS.values() if method.published}
    assert set(published.index.unique("method")) == names
    # What Table 5 lacks follows from its recalls.
    row = published.loc[("EfficientNet-B4", "SWA 4-3-2")]
    assert row["balanced_accuracy"] == pytest.approx(
        (0.7996 + 0.5356 + 0.5475 + 0.6428) / 4
    )
    own = published.loc[("EfficientNet-B4", "CE + GAN")]
    assert own["root_intra_class_variance"] == 0.0942


@pytest.mark.parametrize(
    ("methods", "module", "network"),
    [
        (["ce"], "conv", "EfficientNet-B4"),
        (["sampler"], "efficientnet_b4", "ResNet-50"),
        (["ldam_drw", "sampler"], "conv", "ResNet-50"),
        (["ldam_drw", "ce"], "resnet50", "ResNet-50"),
        (["swa"], "resnet50", None),
        (["corrected"], "conv", None),
    ],
)
def test_a_published_row_is_of_the_nearest_network_that_has_it(
    methods, module, network
):
    assert network_of(methods, module, published_scores()) == network


def test_claims_are_of_methods_that_there_are():
    pairs = [(a, b) for told in (CLAIMS, OURS) for a, bs in told.items() for b in bs]
    assert {name for pair in pairs for name in pair} <= set(METHODS)
    assert len(set(pairs)) == len(pairs)
    published = published_scores()
    for told, is_published in ((CLAIMS, True), (OURS, False)):
        for first, others in told.items():
            for other in others:
                network = network_of([first, other], "conv", published)
                assert (network is not None) == is_published


# --- Tables --------------------------------------------------------------------------


def test_scores_stand_beside_the_published_ones(whole):
    text, frames = whole
    assert "21 cells, 0 of them failed. Seeds 0, 1, 2." in text
    assert "**The tiles of 'synthetic' are synthetic**" in text
    assert "6-5-2 tell the classes best is built into them" in text
    assert "Not among the cells: droughtwatch." in text
    row = pick_row(frames["tables"], metric="balanced_accuracy", method="swa")
    values = [0.55 + seed * 0.0105 for seed in range(3)]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["se"] == pytest.approx(np.std(values, ddof=1) / 3**0.5)
    line = row_of(text, METHODS["swa"].title)
    assert line[3:5] == ["0.561 ± 0.006", "0.6740"]
    assert row_of(text, METHODS["sampler"].title)[2] == "0.7184 (ResNet-50)"
    assert row_of(text, METHODS["corrected"].title)[2] == "-"
    recalls = text.split("Recalls, after")[1]
    assert row_of(recalls, METHODS["swa_652"].title)[8] == "0.7584"
    assert "- synthetic: 60, 15, 15, 10; 50 to test" in text
    assert "EfficientNet-B4 minus ResNet-50" not in text


def test_claims_hold_where_signs_agree_in_every_run(whole):
    text, frames = whole
    claims = frames["claims"]
    pair = {"first": "sampler", "minus": "ce"}
    for metric, sign, holds in (
        # Balanced accuracy rises and variance falls, as published.
        ("balanced_accuracy", +1, "yes"),
        ("root_intra_class_variance", -1, "yes"),
        ("accuracy", -1, "yes"),
    ):
        row = pick_row(claims, metric=metric, **pair)
        assert np.sign(row["difference"]) == sign
        assert (row["network"], row["holds"]) == ("ResNet-50", holds)
    row = pick_row(claims, metric="accuracy", **pair)
    assert row["published"] == pytest.approx(0.7184 - 0.7465)
    # LDAM was published to have the lower balanced accuracy of the two.
    pair = {"first": "ldam_drw", "minus": "sampler"}
    row = pick_row(claims, metric="balanced_accuracy", **pair)
    assert (row["published"].round(4), row["holds"]) == (-0.0061, "no")
    told = claims[claims["published"].notna()]
    yes, no = ((told["holds"] == word).sum() for word in ("yes", "no"))
    assert f"Of {len(told)} published differences {yes} have the same sign" in text
    assert f"{no} the opposite one in every run" in text
    title = f"{METHODS['swa'].title} - {METHODS['corrected'].title}"
    assert row_of(text.split("paper does not tell")[1], title)[2].startswith("+0.030")


def test_signs_that_differ_between_runs_are_counted(tmp_path):
    records = fake_cells(shifts={"ce": 0.0, "sampler": 0.1}, n_seeds=4)
    for record in records:
        if record["method"] == "sampler" and record["fold"] in (0, 3):
            record["scores"]["balanced_accuracy"] = 0.1
    _, frames = report_on(records, tmp_path / "out")
    row = pick_row(frames["claims"], metric="balanced_accuracy")
    assert (row["won"], row["lost"], row["holds"]) == (2, 2, "in 2 of 4")


def test_tests_are_over_the_runs(whole):
    text, _ = whole
    assert text.count("Friedman's test") == len(MAIN)
    part = text.split("By root ICV:")[1]
    # Less variance is a win.
    assert row_of(part, METHODS["ce"].title)[2:4] == ["3", "0"]


def test_networks_are_compared_where_both_were_run(tmp_path):
    records = fake_cells(("efficientnet_b4", "resnet50"), data="droughtwatch")
    text, _ = report_on(records, tmp_path / "out")
    part = text.split("## EfficientNet-B4 minus ResNet-50")[1].split("\n## ")[0]
    line = row_of(part, f"droughtwatch, {METHODS['ce'].title}")
    # ResNet-50 has the higher balanced accuracy here, the lower one in the paper.
    assert line[4].startswith("-0.050")
    assert line[5:7] == ["+0.0257", "no"]
    assert METHODS["swa"].title not in part
    assert "are synthetic" not in text
    assert "Not among the cells: synthetic." in text


def test_gans_are_judged_by_spread(whole):
    text, frames = whole
    (row,) = frames["gans"].to_dict("records")
    assert (row["method"], row["class"]) == ("gan_ce", 3)
    assert row["share"] == pytest.approx(row["synthetic"] / 0.25)
    assert METHODS["gan_ce"].title in text.split("## What the GANs made")[1]


def test_a_report_does_without_gans_and_with_failures(tmp_path):
    shifts = {"ce": -0.1, "swa": 0.1}
    records = fake_cells(shifts=shifts, failed=[("swa", 1)])
    text, _ = report_on(records, tmp_path / "out")
    assert "No GAN was trained." in text
    assert "No run has both methods of a published difference." in text
    assert "seeds 1: ValueError: too few rows" in text
    assert row_of(text, METHODS["swa"].title)[1].endswith("*")
    assert not (tmp_path / "out" / "losses.png").exists()
    records = fake_cells(
        shifts=shifts, failed=[(n, s) for n in shifts for s in (0, 1, 2)]
    )
    text, _ = report_on(records, tmp_path / "none")
    assert row_of(text, METHODS["swa"].title)[1] == "failed"
    assert not list((tmp_path / "none").glob("*.png"))


# --- Pictures ------------------------------------------------------------------------


def test_recalls_are_drawn_by_class_and_method(whole):
    _, frames = whole
    (axes,) = draw_recalls(frames["tables"]).axes
    drawn = {c.get_label(): c.get_offsets() for c in axes.collections}
    titles = [t.get_text() for t in axes.get_yticklabels()]
    assert titles == [METHODS[name].title for name in METHODS if name in SHIFTS]
    row = pick_row(frames["tables"], metric="recall_3", method="ce")
    assert drawn["class 3"][0].tolist() == [pytest.approx(row["mean"]), 0]
    assert len(drawn["class 0"]) == len(SHIFTS)


def test_variance_is_drawn_against_accuracy_with_rings_for_the_paper(whole):
    _, frames = whole
    figure = draw_variance(frames["tables"], published_scores())
    assert [axes.get_ylabel() for axes in figure.axes] == [
        *("accuracy", "balanced accuracy", "balanced accuracy")
    ]
    points = [c for c in figure.axes[1].collections if len(c.get_facecolors())]
    rings = [c for c in figure.axes[1].collections if not len(c.get_facecolors())]
    assert len(points) == len(SHIFTS)
    # Of the methods that were run, one is ours alone.
    assert len(rings) == len(SHIFTS) - 1
    assert rings[0].get_offsets()[0].tolist() == [0.4443, 0.6380]


def test_losses_are_means_over_the_seeds(whole):
    cells = pd.DataFrame(fake_cells(shifts={"gan_ce": 0.1}))
    (axes,) = draw_losses(cells).axes
    lines = {line.get_label(): line for line in axes.lines}
    values = [0.6 + seed * 0.011 for seed in range(3)]
    assert lines["generator"].get_ydata()[-1] == pytest.approx(np.mean(values))
    assert lines["discriminator"].get_xdata().tolist() == [1, 2]
    assert axes.get_title() == "class 3"
