"""The 27 sets by the paper's protocol: published scores, numbers, words, runs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep.reporting import wilcoxon_holm
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.explicit_gradient import report_sets
from imbdeep_bench.papers.explicit_gradient.experiment import Sets, stopped
from imbdeep_bench.papers.explicit_gradient.report_sets import (
    EQUATION_1,
    NAMES,
    ON_ALL_ROWS,
    PAPERS,
    SELECTED,
    STILL,
    VALID,
    deviations,
    published_scores,
    score_profile,
    scores_beside,
    summary_table,
    verdict,
)
from imbdeep_bench.report.runs import read_published
from papers import main
from tests.benchmarks.engine.stubs import RecordingClassifier
from tests.benchmarks.papers.conftest import read_records, refuse, row_of

EVERY = [*SELECTED, *ON_ALL_ROWS[:-1]]


# --- Published scores ----------------------------------------------------------------


class TestPublished:
    def test_scores_of_all_sets_and_methods_are_there(self):
        table = read_published(report_sets.__file__).set_index("dataset")
        sd = table.filter(like=" std").rename(columns=lambda c: c.removesuffix(" std"))
        table = table[sd.columns]
        assert sorted(table.index) == sorted(IMBLEARN27_NAMES)
        assert table.shape == sd.shape == (27, 10)
        # The authors of MESA give scores of five sets, and a deviation of four.
        assert table.drop(columns="MESA").notna().all(axis=None)
        assert sd.drop(columns="MESA").notna().all(axis=None)
        assert set(table.index[table["MESA"].notna()]) == {
            "optical_digits",
            "spectrometer",
            "isolet",
            "mammography",
            "protein_homo",
        }
        assert sd["MESA"].notna().sum() == 4

    def test_means_and_deviations_are_those_at_the_foot_of_the_papers_tables(self):
        feet = {
            "CE": (0.60, 0.33),
            "ROS": (0.59, 0.34),
            "SMOTE": (0.59, 0.34),
            "ADASYN": (0.58, 0.33),
            "BSMOTE": (0.58, 0.33),
            "ExplicitGradient": (0.63, 0.33),
            "CWGAN": (0.59, 0.33),
            "FOCAL": (0.60, 0.33),
            "LDAM": (0.58, 0.32),
        }
        table = read_published(report_sets.__file__)
        for name, (mean, sd) in feet.items():
            assert round(table[name].mean(), 2) == mean, name
            assert round(table[name].std(ddof=1), 2) == sd, name

    def test_methods_go_by_their_names_here(self):
        scores = published_scores(["oil", "ecoli"])
        assert list(scores.index) == ["oil", "ecoli"]
        assert list(scores) == list(NAMES)
        assert set(NAMES) == set(SELECTED) - {STILL, *EQUATION_1}
        assert scores.loc["ecoli", "focal"] == 0.81
        assert scores.loc["oil", PAPERS] == 0.63
        assert published_scores(["oil"], " std").loc["oil", "bsmote"] == 0.22
        assert scores.loc["ecoli", "cwgan"] == 0.76


# --- Methods -------------------------------------------------------------------------


def test_every_baseline_has_a_variant_on_all_rows():
    assert list(Sets.methods) == EVERY
    assert {"cwgan", "cwgan_all", "equation_1"} < set(EVERY)
    assert "equation_1_all" not in EVERY
    for name, entry in Sets.methods.items():
        model = entry.make(5, "cpu")
        assert entry.name == name
        assert model.refit == name.endswith("_all")
        assert model.net.random_state == 5


# --- Numbers -------------------------------------------------------------------------


def test_score_profile_by_a_plain_loop():
    rng = np.random.RandomState(0)
    table = pd.DataFrame(rng.rand(7, 3).round(1), columns=list("abc"))
    table.loc[2, "b"] = np.nan
    theta = [0.0, 0.3, 0.5, 1.0]
    profile = score_profile(table, theta)
    for name in table:
        for t in theta:
            reached = 0
            for row in range(len(table)):
                best = max(s for s in table.loc[row] if s == s)
                score = table.loc[row, name]
                reached += score == score and score >= t * best - 1e-9
            assert profile.loc[t, name] == pytest.approx(reached / len(table))


def test_score_profile_is_not_fooled_by_rounding():
    # 0.1 * 3 > 0.3 in floating point.
    table = pd.DataFrame({"a": [0.3], "b": [0.1 * 3]})
    assert score_profile(table, [1.0]).loc[1.0].tolist() == [1, 1]


def constant_table(datasets, names, **changed):
    """The same score everywhere, but for some methods."""
    return pd.DataFrame(0.5, index=datasets, columns=names).assign(**changed)


def test_summary_by_hand():
    datasets = ["ecoli", "oil"]
    mean = constant_table(datasets, EVERY, **{PAPERS: [0.9, 0.6], "ce": [0.8, np.nan]})
    valid = constant_table(datasets, EVERY, ros=[0.7, 0.9])
    summary = summary_table(mean, valid, published_scores(datasets))
    assert list(summary.index) == SELECTED
    assert summary.loc[PAPERS, "mean here"] == 0.75
    assert np.isnan(summary.loc["ce", "mean here"])
    # Second of eleven, then the last for its failure.
    assert summary.loc["ce", "rank here"] == (2 + 11) / 2
    # Of nine, eight are alike: places 2 to 9.
    assert summary.loc["ros", "rank here, all rows"] == 5.5
    assert summary.loc[PAPERS, "rank here, all rows"] == 1
    assert summary.loc["ros", "mean validation"] == pytest.approx(0.8)
    assert summary.loc["ce", "mean published"] == pytest.approx((0.64 + 0.56) / 2)
    # ecoli: FOCAL before it; oil: LDAM before it.
    assert summary.loc[PAPERS, "rank published"] == 2
    assert np.isnan(summary.loc[STILL, "mean published"])


def test_deviations_by_hand():
    datasets = ["ecoli", "satimage"]
    published = published_scores(datasets, " std")
    here = constant_table(datasets, EVERY) * 0.2
    here[PAPERS] = [0.01, 0.04]
    told = deviations(here, published)
    table = told["deviations"]
    assert table.loc["ce", "mean published"] == pytest.approx((0.16 + 0.03) / 2)
    assert table.loc[PAPERS, "mean published"] == pytest.approx((0.01 + 0.00) / 2)
    assert table.loc[PAPERS, "at most 0.01 published"] == 1
    assert table.loc[PAPERS, "at most 0.01 here"] == 0.5
    assert told["ratio"] == pytest.approx(0.025 / 0.1)
    baselines = [0.16, 0.18, 0.17, 0.18, 0.19, 0.03, 0.04, 0.02, 0.03, 0.03]
    expected = {"few": 2, "mean": 0.005, "focal": 0, "ldam": 0}
    expected["ratio"] = 0.005 / (sum(baselines) / 10)
    assert told["printed"] == pytest.approx(expected)


# --- The verdict ---------------------------------------------------------------------

TEN = [name for name in IMBLEARN27_NAMES if name not in ("protein_homo", "abalone_19")]
TEN = TEN[:10]


def judge(**changed):
    mean = constant_table(TEN, EVERY, **changed)
    comparisons = wilcoxon_holm(mean[SELECTED], control=PAPERS)
    valid = constant_table(TEN, EVERY, **{PAPERS: 0.8, STILL: 0.75})
    return verdict(mean, valid, published_scores(TEN), comparisons)


def test_verdict_where_every_baseline_is_beaten():
    told = judge(**{PAPERS: 0.6, STILL: 0.58})
    assert told["answer"] == "is there"
    expected = {"ours": 0.6, "best": "ce", "score": 0.5, "gain": 0.6 - 0.5}
    assert told["found"] == pytest.approx(expected)
    assert told["still"][["wins", "losses", "ties"]].tolist() == [0, 10, 0]
    assert told["moved"] == pytest.approx([0.02, 0.05])
    assert told["better"] == []


def test_verdict_where_some_baselines_are_beaten():
    mixed = [0.7, 0.4] * 5  # mean 0.55, no consistent winner
    told = judge(**{PAPERS: 0.6, "ce": mixed})
    assert told["answer"] == "is there in part"
    assert set(told["beaten"]) == set(SELECTED) - {PAPERS, "ce"}


def test_verdict_where_the_method_is_beaten():
    told = judge(**{PAPERS: 0.4, "ros_all": 0.8})
    assert (told["answer"], told["beaten"]) == ("is not there", [])
    assert told["better"][:2] == ["ce", "ros"]
    assert (told["on_all"]["best"], told["on_all"]["score"]) == ("ros_all", 0.8)


def test_scores_stand_beside_the_published():
    datasets = ["ecoli", "oil"]
    mean = constant_table(datasets, SELECTED, ce=[0.61234, np.nan])
    sd = constant_table(datasets, SELECTED) / 5
    words = scores_beside(mean, sd, published_scores(datasets))
    assert words.loc["ecoli", "ce"] == "0.612 (0.100) / 0.64"
    assert words.loc["oil", "ce"] == "failed"
    assert words.loc["ecoli", STILL] == "0.500 (0.100)"


# --- Report --------------------------------------------------------------------------

PROVENANCE = {
    "ecoli": "original",
    "oil": "original",
    "scene": "rebuilt",
    "satimage": "original",
    "protein_homo": "missing",
}
REPORTED = [name for name in PROVENANCE if name != "protein_homo"]


def records_of(score, failed=()):
    """A finished grid; ``score(dataset, method, fold)`` gives each score."""
    run = {"kind": "run", "suite": "imblearn27", "preset": "explicit_gradient"}
    run |= {"protocol": "4x60-20-20", "n_repeats": 4, "datasets": REPORTED}
    records = [{**run, "methods": EVERY, "seed": 0, "versions": {}}]
    for name, provenance in PROVENANCE.items():
        records.append(
            {
                "kind": "dataset",
                "name": name,
                "provenance": provenance,
                "n_minority": 20,
                "shares_rows_with": None,
            }
        )
    for dataset in REPORTED:
        for name in EVERY:
            for fold in range(4):
                key = (dataset, name, fold)
                ok = key not in failed
                scores = {"average_precision": score(*key), VALID: 0.9}
                records.append(
                    {
                        "kind": "cell",
                        "dataset": dataset,
                        "method": name,
                        "fold": fold,
                        "status": "ok" if ok else "failed",
                        "error": None if ok else "it broke",
                        "scores": scores if ok else {},
                    }
                )
    return records


def a_score(dataset, name, fold):
    """Between 0 and 1, apart for each method and set, mean over folds at fold 1.5."""
    return 0.3 + 0.03 * EVERY.index(name) + 0.02 * REPORTED.index(dataset) + 0.01 * fold


REPORT = "explicit_gradient sets"


@pytest.mark.slow
def test_report_tells_the_numbers_of_the_file(tmp_path, report_on):
    text = report_on(REPORT, records_of(a_score))
    assert (tmp_path / "profiles.png").stat().st_size > 10_000
    assert "Finished: 304 of 304 cells, 0 of them failed" in text
    assert "4 to 4 a set" in text
    assert "Not here: `protein_homo`" in text
    assert "alone: `scene`" in text
    # ce: 0.3 + 0.02 * 1.5 + 0.01 * 1.5; deviation of 0, 1, 2, 3 hundredths.
    assert row_of(text, "ce")[1] == "0.345"
    assert row_of(text, "ecoli")[1] == "0.315 (0.013) / 0.64"
    ce_all = 0.315 + 0.03 * EVERY.index("ce_all")
    again = text.split("trained once more on training and validation rows:")[1]
    assert row_of(again, "ecoli")[1] == f"{ce_all:.3f} (0.013) / 0.64"
    assert "| scene (rebuilt) " in text
    claimed = published_scores(REPORTED).mean()
    for words in (
        f"it printed {claimed[PAPERS]:.3f} and at best {claimed['ldam']:.3f} (ldam)",
        "Measured on these sets: 0.585 and at best 0.555 (ldam): +0.030. The claimed "
        "advantage **is not there**.",
        *("better than: none; worse than: none", "has 0.885 (ldam_all)"),
        "wins 0 sets, loses 4 and ties 0 (p = 1)",
        "by -0.0300 on test rows and by +0.0000 on the validation rows",
        "deviation of 0.00 or 0.01 for its own method on 4 of 4 sets",
        "(11 methods, 4 sets)",
    ):
        assert words in text


@pytest.mark.slow
def test_failures_are_told_and_ranked_last(report_on):
    text = report_on(REPORT, records_of(a_score, {("oil", "smote", 2)}))
    assert "1 of them failed" in text
    assert row_of(text, "oil")[1 + SELECTED.index("smote")] == "failed"
    # Scores grow along EVERY: of eleven it is the ninth, where it failed the last.
    smote = row_of(text, "smote")
    assert (smote[1], smote[5]) == ("-", f"{(3 * 9 + 11) / 4:.3f}")


def test_too_few_sets_are_refused_with_the_reason(report_on, capsys):
    two = [
        r for r in records_of(a_score) if r.get("dataset") not in ("satimage", "scene")
    ]
    two[0] |= {"datasets": REPORTED[:2]}
    error = refuse(capsys, lambda: report_on(REPORT, two))
    assert "need at least 3" in error


# --- Runs ----------------------------------------------------------------------------


class RankingClassifier(RecordingClassifier):
    """The recording classifier, with the validation score that a run records."""

    def __init__(self, log=None, random_state=None):
        super().__init__(log)
        self.random_state = random_state

    def fit(self, X, y, eval_set):
        super().fit(X, y, eval_set)
        self.log[-1]["random_state"] = self.random_state
        X_valid, y_valid = eval_set
        self.valid_average_precision_ = average_precision_score(
            y_valid == 1, self.predict_proba(X_valid)[:, 1]
        )
        return self


@pytest.fixture
def log():
    return []


@pytest.fixture
def run(tmp_path, data_home, log, monkeypatch, no_network):
    """Run two methods whose fits are logged, without a report; return the cells."""

    def make(seed, device):
        return RankingClassifier(log, seed)

    methods = stopped({"first": make, "second": make})
    monkeypatch.setattr(Sets, "methods", methods)
    monkeypatch.setattr(Sets, "report", staticmethod(lambda args: "none"))
    given = ["--out", str(tmp_path / "out"), "--data-home", str(data_home)]

    def run(*more):
        argv = ["explicit_gradient", "sets", *given, "--n-jobs", "0", *more]
        assert main(argv) == 0
        return read_records(tmp_path / "out" / "cells.jsonl")

    return run


SMALL = ["--datasets", "ecoli,libras_move"]


@pytest.mark.slow
def test_every_cell_is_computed_split_by_split(run, log):
    found = run(*SMALL)
    keys = {(r["dataset"], r["method"], r["fold"]) for r in found}
    assert len(found) == len(keys) == len(log) == 2 * 2 * 4
    assert {r["status"] for r in found} == {"ok"}
    # Within a split, the larger sets last.
    order = [(r["fold"], r["dataset"]) for r in found]
    assert order == sorted(order, key=lambda k: (k[0], k[1] == "ecoli"))
    # The same command finds nothing left to do.
    log.clear()
    assert len(run(*SMALL)) == len(found)
    assert log == []


@pytest.mark.slow
def test_the_validation_score_of_each_cell_is_recorded(run, log):
    for record, fit in zip(run(*SMALL), log, strict=True):
        X_valid, y_valid = fit["eval_set"]
        order = np.argsort(-X_valid[:, 0])
        at_hits = y_valid[order] == 1
        precision = at_hits.cumsum() / np.arange(1, len(order) + 1)
        assert record["scores"][VALID] == pytest.approx(precision[at_hits].mean())
        assert record["scores"]["average_precision"] > 0


@pytest.mark.slow
def test_methods_share_rows_and_seeds_of_a_split(run, log):
    run(*SMALL)
    assert len({fit["random_state"] for fit in log}) == 8
    for first, second in zip(log[::2], log[1::2], strict=True):
        assert first["random_state"] == second["random_state"]
        np.testing.assert_array_equal(first["X"], second["X"])
        np.testing.assert_array_equal(first["eval_set"][0], second["eval_set"][0])
    assert derive_seed(0, "ecoli", 0) in {fit["random_state"] for fit in log}
