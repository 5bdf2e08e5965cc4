"""Tables and series of the GL-GAN experiment follow from its cells."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.papers.gl_gan import report
from imbdeep_bench.papers.gl_gan.experiment import (
    CLASSIFIERS,
    Samplers,
)
from imbdeep_bench.papers.gl_gan.methods import METHODS
from imbdeep_bench.report.runs import mean_table, read_published
from papers import main
from tests.benchmarks.papers.conftest import fake_run, pick_row, row_of

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
    assert report.published_scores(dataset).at[method, (classifier, metric)] == score


def test_published_tables_are_complete():
    table = read_published(report.__file__)
    assert len(table) == 5 * 8
    assert not table.duplicated(["dataset", "method"]).any()
    columns = {" ".join(pair) for pair in product(CLASSIFIERS, report.METRICS)}
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
    expected = published[list(report.METRICS)].to_numpy()
    gaps = [
        np.abs(np.subtract(scores_of(n_test, (fp, n_errors - fp)), expected)).max()
        for fp in range(n_errors + 1)
        if fp < n_test[0] and n_errors - fp < n_test[1]
    ]
    return min(gaps) < 6e-5


@pytest.mark.slow
def test_published_linear_svc_has_185_and_141_test_rows():
    svc = report.published_scores("usps")["LinearSVC"]
    others = svc.drop("SMOTE")
    assert others.apply(is_one_matrix, axis=1, n_test=(185, 141)).all()
    # No other composition of as many rows does, nor the balanced set of Table 2.1.
    for n in range(120, 207):
        if n not in (185, 141):
            assert not others.apply(is_one_matrix, axis=1, n_test=(n, 326 - n)).all()
    assert not svc.apply(is_one_matrix, axis=1, n_test=(186, 186)).any()


# --- Report --------------------------------------------------------------------------

SHIFTS = {"none": 0.0, "smote": 0.2, "gl_gan": 0.25}
TOLD = {
    **{"majority": 2, "minority": 8, "n_train_majority": 744, "n_train_minority": 7},
    **{"n_test_majority": 185, "n_test_minority": 141},
    **{name: None for name in Samplers.no_result if name != "scores"},
}


def made_up(method, value):
    return {
        "scores": {name: dict.fromkeys(report.METRICS, value) for name in CLASSIFIERS},
        "not_converged": ["LinearSVC"],
        "n_synthetic": 737,
        "sampler_seconds": 2.5,
    }


def gl_gan_run(n_seeds=4, shifts=SHIFTS, data="usps", r=0.01, **more):
    labels = {"dataset": f"{data} r={r:g}", "data": data, "r": r}
    return fake_run(TOLD, made_up, shifts, n_seeds, **labels, **more)


@pytest.fixture
def means(write_records):
    def means(records):
        cells = report.STUDY.read(write_records(records))
        table = mean_table(report.scores_by_classifier(cells), report.BY)
        return report.add_published(table)

    return means


def test_published_scores_stand_beside_their_method(means):
    table = means(gl_gan_run())
    where = {"classifier": "AdaBoost", "metric": "mcc"}
    ours = pick_row(table, method="gl_gan", **where)
    assert ours["mean"] == pytest.approx((0.75 + np.arange(4) * 0.0125).mean())
    # A method that was not run keeps its published score, too.
    for name, told in (("gl_gan", 0.7942), ("smote", 0.6662), ("SWIM", 0.7865)):
        assert pick_row(table, method=name, **where)["published"] == told
    assert np.isnan(pick_row(table, method="Random", **where)["mean"])
    # Nothing is published at other ratios.
    assert set(means(gl_gan_run(r=0.1))["method"]) == set(SHIFTS)


def test_a_method_that_failed_is_marked_and_ranks_last(means):
    shifts = SHIFTS | {"adasyn": 0.0, "random": 0.29}
    failed = [("adasyn", 0), ("adasyn", 1), ("adasyn", 2), ("random", 0)]
    table = means(gl_gan_run(3, shifts, failed=failed))
    laid = report.classifier_table(table[table["classifier"] == "LinearSVC"])
    assert laid.at["ADASYN", "MCC"] == "failed"
    assert laid.at["RandomOverSampler", "MCC"] == "0.809 ± 0.006*"
    ranks = laid["rank by MCC"].dropna().to_dict()
    expected = {"none": "3", "RandomOverSampler": "4.5", "SMOTE": "2"}
    assert ranks == expected | {"ADASYN": "4.5", "GL-GAN": "1"}
    assert laid.at["SMOTE", "MCC, published"] == "0.7510"


def test_report_tells_the_numbers_of_the_file(write_records, tmp_path):
    failed = [("adasyn", seed) for seed in range(4)]
    shifts = SHIFTS | {"adasyn": 0.0}
    usps = gl_gan_run(shifts=shifts, failed=failed)
    write_records(gl_gan_run(data="madelon", r=0.1) + usps)
    assert main(["gl_gan", "tables", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "tables.md").read_text()
    assert "28 cells, 4 of them failed" in text
    assert "- usps r=0.01, ADASYN, seeds 0, 1, 2, 3: ValueError: too few rows" in text
    assert "LinearSVC in 24 of 24 cells" in text
    assert text.index("## usps r=0.01") < text.index("## madelon r=0.1")
    assert row_of(text, "usps r=0.01")[:4] == [
        *("usps r=0.01", "MLPClassifier", "macro F1", "+0.051"),
    ]
    assert "744 + 7" in text
    assert len(pd.read_csv(tmp_path / "differences.csv")) == 2 * 2 * 9
    write_records(gl_gan_run(shifts={"none": 0.0}))
    main(["gl_gan", "tables", "--out", str(tmp_path)])
    assert "No run has both yet." in (tmp_path / "tables.md").read_text()


def test_series_draw_mean_mcc_over_the_ratio(tmp_path, write_records):
    settings = product((0.01, 0.1), ("usps", "madelon"))
    shifts = SHIFTS | {"latent_smote": 0.0}
    failed = [("latent_smote", seed) for seed in range(4)]
    runs = (gl_gan_run(r=r, data=d, shifts=shifts, failed=failed) for r, d in settings)
    write_records(sum(runs, []))
    assert main(["gl_gan", "series", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "series.png").read_bytes().startswith(b"\x89PNG")
    means = pd.read_csv(tmp_path / "series.csv")
    assert set(means["metric"]) == {"mcc"}
    assert len(means) == 2 * 2 * 3 * 4
    figure = report.draw_series(means)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{d}, {c}" for d in ("usps", "madelon") for c in CLASSIFIERS]
    lines = {bars.get_label(): bars[0] for bars in figure.axes[0].containers}
    x, y = lines["GL-GAN"].get_data()
    assert x.tolist() == [0.01, 0.1]
    assert y == pytest.approx([0.75 + 0.0125 * 1.5] * 2)
    assert np.isnan(lines["LatentSMOTE"].get_ydata().astype(float)).all()
