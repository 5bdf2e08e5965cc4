"""Tables and series of the GL-GAN experiment follow from its cells."""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.gl_gan import report
from imbdeep_bench.papers.gl_gan.experiment import Samplers
from imbdeep_bench.papers.gl_gan.methods import METHODS
from imbdeep_bench.papers.gl_gan.report import (
    BY,
    CLASSIFIERS,
    METRICS,
    add_published,
    classifier_table,
    draw_series,
    make_report,
    published_scores,
    read_cells,
    scores_by_classifier,
)
from imbdeep_bench.report.runs import difference_table, mean_table, read_published
from papers import main
from tests.benchmarks.fakes import scores_of_a_run
from tests.benchmarks.papers.conftest import pick_row, read_records

NO_RESULT = Samplers.no_result
N_SCORES = len(CLASSIFIERS) * len(METRICS)
SHIFTS = {"none": 0.0, "smote": 0.2, "gl_gan": 0.25}


def fake_cell(method, seed, value=None, data="usps", r=0.01):
    """A record all of whose scores are `value`; None makes a failed one."""
    record = {
        "kind": "cell",
        "dataset": f"{data} r={r:g}",
        "data": data,
        "r": r,
        "method": method,
        "fold": seed,
        "status": "failed",
        "error": "ValueError: too few rows",
        **NO_RESULT,
        "majority": 2,
        "minority": 8,
        "n_train_majority": 744,
        "n_train_minority": 7,
        "n_test_majority": 185,
        "n_test_minority": 141,
    }
    if value is None:
        return record
    return record | {
        "status": "ok",
        "error": None,
        "scores": {name: dict.fromkeys(METRICS, value) for name in CLASSIFIERS},
        "classifier_seconds": dict.fromkeys(CLASSIFIERS, 1.0),
        "not_converged": ["LinearSVC"],
        "n_synthetic": 737,
        "sampler_seconds": 2.5,
        "n_epochs": 30 if method == "gl_gan" else None,
    }


fake_run = partial(scores_of_a_run, fake_cell, SHIFTS)


@pytest.fixture
def read(write_records):
    return lambda records: read_cells(write_records(records))


def means_of(cells):
    return mean_table(scores_by_classifier(cells), BY)


# --- Published scores ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "classifier", "metric", "method", "score"),
    [
        ("usps", "MLPClassifier", "macro_f1", "Imbalanced", 0.7712),
        ("usps", "LinearSVC", "micro_f1", "SMOTE", 0.8680),
        ("usps", "AdaBoost", "mcc", "GL-GAN", 0.7942),
        ("usps", "AdaBoost", "macro_f1", "SWIM", 0.8900),
        ("sensorless", "LinearSVC", "mcc", "BAGAN", 0.8659),
        ("sensorless", "AdaBoost", "macro_f1", "MDO", 0.9955),
        ("gas", "MLPClassifier", "mcc", "Random", 0.6518),
        ("gas", "AdaBoost", "micro_f1", "NRAS", 0.6082),
        ("madelon", "LinearSVC", "mcc", "Imbalanced", -0.0439),
        ("madelon", "AdaBoost", "mcc", "GL-GAN", 0.0092),
        ("madelon", "MLPClassifier", "macro_f1", "GL-GAN", 0.4821),
        ("gisette", "AdaBoost", "mcc", "MDO", -0.0935),
        ("gisette", "LinearSVC", "macro_f1", "BAGAN", 0.3521),
    ],
)
def test_published_scores(dataset, classifier, metric, method, score):
    assert published_scores(dataset).at[method, (classifier, metric)] == score


def test_published_tables_are_complete():
    table = read_published(report.__file__)
    assert len(table) == 5 * 8
    assert not table.duplicated(["dataset", "method"]).any()
    columns = {f"{name} {metric}" for name in CLASSIFIERS for metric in METRICS}
    assert set(table) == {"dataset", "method"} | columns
    missing = table[table.isna().any(axis=1)]
    assert missing[["dataset", "method"]].to_numpy().tolist() == [["gisette", "SWIM"]]
    f1 = table[[name for name in columns if "mcc" not in name]].stack().dropna()
    assert f1.between(0, 1).all()
    named = {method.published for method in METHODS.values()} - {None}
    assert named < set(table["method"])


def scores_of(n_test, n_errors):
    """F1, accuracy and MCC of a confusion matrix; pairs are (majority, minority)."""
    (tn, fp), (tp, fn) = ((n - e, e) for n, e in zip(n_test, n_errors, strict=True))
    f1 = [2 * hit / (2 * hit + fp + fn) for hit in (tn, tp)]
    root = np.sqrt(float((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    mcc = (tp * tn - fp * fn) / root if root else 0.0
    return np.mean(f1), (tn + tp) / sum(n_test), mcc


def is_one_matrix(published, n_test):
    """Tell whether rounded scores are those of one confusion matrix."""
    n_errors = round((1 - published["micro_f1"]) * sum(n_test))
    expected = published[list(METRICS)].to_numpy()
    return any(
        np.abs(np.subtract(scores_of(n_test, (fp, n_errors - fp)), expected)).max()
        < 6e-5
        for fp in range(n_errors + 1)
        if fp < n_test[0] and n_errors - fp < n_test[1]
    )


@pytest.mark.slow
def test_published_linear_svc_has_185_and_141_test_rows():
    svc = published_scores("usps")["LinearSVC"]
    fits = svc.apply(is_one_matrix, axis=1, n_test=(185, 141))
    assert fits.drop("SMOTE").all()
    # No other composition of as many rows does, nor the balanced set of Table 2.1.
    for n_majority in range(120, 207):
        if n_majority not in (185, 141):
            n_test = (n_majority, 326 - n_majority)
            assert (
                not svc.drop("SMOTE").apply(is_one_matrix, axis=1, n_test=n_test).all()
            )
    assert not svc.apply(is_one_matrix, axis=1, n_test=(186, 186)).any()


# --- Numbers -------------------------------------------------------------------------


def test_every_classifier_has_means_and_differences(read):
    scores = scores_by_classifier(read(fake_run()))
    means = mean_table(scores, BY)
    assert len(means) == len(SHIFTS) * N_SCORES
    row = pick_row(means, method="gl_gan", classifier="AdaBoost", metric="mcc")
    assert row["mean"] == pytest.approx((0.75 + np.arange(4) * 0.0125).mean())
    differences = difference_table(scores, BY, {"gl_gan": METHODS})
    assert set(differences["minus"]) == {"none", "smote"}
    assert len(differences) == 2 * N_SCORES


# --- Tables --------------------------------------------------------------------------


def test_published_scores_stand_beside_their_method(read):
    table = add_published(means_of(read(fake_run())))
    where = {"classifier": "AdaBoost", "metric": "mcc"}
    assert pick_row(table, method="gl_gan", **where)["published"] == 0.7942
    assert pick_row(table, method="smote", **where)["published"] == 0.6662
    swim = pick_row(table, method="SWIM", **where)
    assert swim["published"] == 0.7865
    assert np.isnan(swim["mean"])
    # A method that was not run keeps its published score, too.
    assert pick_row(table, method="Random", **where)["published"] == 0.6441


def test_nothing_is_published_at_other_ratios(read):
    table = add_published(means_of(read(fake_run(r=0.1))))
    assert set(table["method"]) == set(SHIFTS)


def test_a_method_that_failed_is_marked_and_ranks_last(read):
    records = [
        *fake_run(3),
        *(fake_cell("adasyn", seed) for seed in range(3)),
        *(fake_cell("random", seed, 0.99 if seed else None) for seed in range(3)),
    ]
    table = add_published(means_of(read(records)))
    laid = classifier_table(table[table["classifier"] == "LinearSVC"])
    assert laid.at["ADASYN", "MCC"] == "failed"
    assert laid.at["RandomOverSampler", "MCC"] == "0.990 ± 0.000*"
    assert laid["rank by MCC"].dropna().to_dict() == {
        "none": "3",
        "RandomOverSampler": "4.5",
        "SMOTE": "2",
        "ADASYN": "4.5",
        "GL-GAN": "1",
    }
    assert laid.at["SMOTE", "MCC, published"] == "0.7510"


def text_of(cells):
    blocks, _ = make_report(cells)
    return "\n".join(blocks)


def test_report_says_what_failed_and_why(read):
    text = text_of(read([*fake_run(2), fake_cell("adasyn", 0), fake_cell("adasyn", 1)]))
    assert "- usps r=0.01, ADASYN, seeds 0, 1: ValueError: too few rows" in text
    assert "8 cells, 2 of them failed" in text
    assert "744 + 7" in text
    assert "LinearSVC in 6 of 6 cells" in text
    assert "+0.050" in text


def dead_cell(method, seed):
    """A record that the main process made, since the worker died."""
    record = fake_cell(method, seed)
    rows = ("majority", "minority", "n_train", "n_test")
    return {k: v for k, v in record.items() if not k.startswith(rows)}


def test_a_worker_that_died_leaves_the_rows_of_others_alone(read):
    text = text_of(read([dead_cell("adasyn", 0), *fake_run(1)]))
    assert "4 cells, 1 of them failed" in text
    assert "744 + 7 " in text


def test_a_report_of_nothing_but_dead_workers(read):
    text = text_of(read([dead_cell("adasyn", 0)]))
    assert "1 cells, 1 of them failed" in text


def test_report_of_nothing_but_failures(read):
    text = text_of(read([fake_cell("adasyn", 0)]))
    assert "No run has both yet." in text
    assert "1 cells, 1 of them failed" in text
    assert "No cell has finished." in text


def test_tables_are_written(tmp_path, write_records):
    write_records(fake_run() + fake_run(data="madelon"))
    assert main(["gl_gan", "tables", "--out", str(tmp_path)]) == 0
    differences = pd.read_csv(tmp_path / "differences.csv")
    assert len(differences) == 2 * 2 * N_SCORES
    written = pd.read_csv(tmp_path / "tables.csv")
    assert set(written["data"]) == {"usps", "madelon"}
    text = (tmp_path / "tables.md").read_text()
    assert text.index("## usps r=0.01") < text.index("## madelon r=0.01")


# --- Series --------------------------------------------------------------------------


@pytest.mark.slow
def test_series_draw_mean_mcc_over_the_ratio(tmp_path, write_records):
    records = [
        cell
        for r, data in product((0.01, 0.1), ("usps", "madelon"))
        for cell in fake_run(r=r, data=data)
    ]
    write_records(records)
    assert main(["gl_gan", "series", "--out", str(tmp_path)]) == 0
    means = pd.read_csv(tmp_path / "series.csv")
    assert set(means["metric"]) == {"mcc"}
    assert len(means) == 2 * 2 * 3 * len(SHIFTS)

    figure = draw_series(means)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{d}, {c}" for d in ("usps", "madelon") for c in CLASSIFIERS]
    lines = {bars.get_label(): bars[0] for bars in figure.axes[0].containers}
    x, y = lines["GL-GAN"].get_data()
    assert x.tolist() == [0.01, 0.1]
    assert y == pytest.approx([0.75 + 0.0125 * 1.5] * 2)


def test_series_leave_a_failed_method_out(tmp_path, write_records):
    records = [*fake_run(2), fake_cell("latent_smote", 0), fake_cell("latent_smote", 1)]
    write_records(records)
    assert main(["gl_gan", "series", "--out", str(tmp_path)]) == 0
    row = pick_row(
        pd.read_csv(tmp_path / "series.csv"),
        method="latent_smote",
        classifier="AdaBoost",
    )
    assert np.isnan(row["mean"])
    assert row["n_failed"] == 2


@pytest.mark.slow
def test_run_tables_and_series(smoke, tmp_path):
    given = ["--methods", "none,smote", "--seeds", "0-1", "--r", "0.1,0.2"]
    assert smoke("gl_gan", "run", *given) == 0
    out = tmp_path / "out"
    assert main(["gl_gan", "series", "--out", str(out)]) == 0
    cells = read_records(out / "cells.jsonl")
    assert len(cells) == 2 * 2 * 2 * 2
    where = {"data": "usps", "r": 0.2, "method": "smote"}
    by_hand = [
        cell["scores"]["LinearSVC"]["mcc"]
        for cell in cells
        if where.items() <= cell.items()
    ]
    table = pd.read_csv(out / "tables.csv")
    row = pick_row(table, classifier="LinearSVC", metric="mcc", **where)
    assert row["mean"] == pytest.approx(np.mean(by_hand))
    assert row["n_runs"] == 2
    assert (out / "series.png").read_bytes().startswith(b"\x89PNG")
