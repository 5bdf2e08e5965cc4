"""The sensitivity study: its candidates, and what its report tells of them."""

import numpy as np
import pandas as pd
import pytest

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep_bench.papers.explicit_gradient.candidates import (
    CANDIDATES,
    OURS,
    PLAIN,
    SETTING,
    VARIATIONS,
    ours_candidates,
    ours_name,
    plain_candidates,
    plain_name,
)
from imbdeep_bench.papers.explicit_gradient.experiment import Sensitivity
from imbdeep_bench.papers.explicit_gradient.report_sensitivity import (
    TEST,
    choose,
    curves,
    effect_ranges,
    effect_table,
    set_means,
    tuned_means,
    tuning_table,
)
from imbdeep_bench.papers.explicit_gradient.report_sets import VALID
from tests.benchmarks.papers.conftest import refuse, row_of

NAMES = list(CANDIDATES)


# --- Candidates ----------------------------------------------------------------------


def changed_parameters(candidates, base):
    """What each candidate's net has that the base's has not, patience left out."""
    absent = {"optimizer__weight_decay": 0.0}
    expected = absent | candidates[base](0).net.get_params(deep=False)
    changed = {}
    for name, make in candidates.items():
        params = absent | make(0).net.get_params(deep=False)
        params["patience"] = expected["patience"]
        assert params.keys() == expected.keys()
        changed[name] = {k: v for k, v in params.items() if v != expected[k]}
    return changed


def test_every_variation_changes_one_parameter_of_the_papers_setting():
    changed = changed_parameters(ours_candidates(), OURS)
    assert changed.pop(OURS) == {}
    found = sorted((key, str(v)) for c in changed.values() for key, v in c.items())
    expected = sorted(
        (parameter, str(value))
        for parameter, values in VARIATIONS.items()
        for value in values
        if value != SETTING[parameter]
    )
    assert found == expected
    assert {len(c) for c in changed.values()} == {1}


def test_the_papers_value_is_among_those_of_each_parameter():
    for parameter, values in VARIATIONS.items():
        assert [ours_name(parameter, v) for v in values].count(OURS) == 1


def test_candidates_of_the_plain_net_differ_in_learning_rate_and_decay_alone():
    changed = changed_parameters(plain_candidates(), PLAIN)
    assert changed.pop(PLAIN) == {}
    assert changed.pop("ce early_stopping=False") == {"early_stopping": False}
    for parameters in changed.values():
        assert set(parameters) <= {"lr", "optimizer__weight_decay"}
    assert len({tuple(sorted(p.items())) for p in changed.values()}) == len(changed)


def test_either_side_has_as_many_candidates():
    assert len(ours_candidates()) == len(plain_candidates())
    assert list(Sensitivity.methods) == [*plain_candidates(), *ours_candidates()]


def test_no_candidate_stops_before_its_last_epoch():
    for make in ours_candidates().values():
        net = make(0).net
        assert net.patience >= net.max_epochs


def test_candidates_fit_with_the_seed_they_are_given():
    for name, candidate in Sensitivity.methods.items():
        model = candidate.make(7, "cpu")
        assert candidate.name == name
        assert model.net.random_state == 7
        model.net._check_parameters()


def test_sets_are_of_the_collection():
    assert len(Sensitivity.datasets) == 10
    assert set(Sensitivity.datasets) < set(IMBLEARN27_NAMES)


# --- Numbers -------------------------------------------------------------------------


def make_scores(test, valid):
    """Scores of methods on sets of two splits, a set's splits side by side."""
    rows = {}
    for method, values in test.items():
        for place, value in enumerate(values):
            key = (f"set{place // 2}", method, place % 2)
            rows[key] = {TEST: value, VALID: valid[method][place]}
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index = pd.MultiIndex.from_tuples(rows, names=["dataset", "method", "fold"])
    return frame.sort_index()


def test_a_failed_split_leaves_its_set_without_a_mean():
    scores = make_scores(
        {"a": [0.2, 0.4, 0.6, np.nan], "b": [0.1] * 4}, {"a": [0] * 4, "b": [0] * 4}
    )
    means = set_means(scores, TEST)
    assert means.loc["set0", "a"] == pytest.approx(0.3)
    assert np.isnan(means.loc["set1", "a"])
    assert means["b"].tolist() == [0.1, 0.1]


class TestChoose:
    scores = make_scores(
        test={"a": [0.1, 0.2, 0.3, 0.4], "b": [0.5, 0.6, 0.7, np.nan]},
        valid={"a": [0.9, 0.5, 0.5, 0.1], "b": [0.8, 0.6, 0.5, np.nan]},
    )

    def test_by_validation_scores_alone(self):
        chosen = choose(self.scores, ["a", "b"])
        # Better; worse; equal, and listed first; the other one failed.
        assert chosen["method"].tolist() == ["a", "b", "a", "a"]
        assert chosen[TEST].tolist() == [0.1, 0.6, 0.3, 0.4]
        assert chosen[VALID].tolist() == [0.9, 0.6, 0.5, 0.1]

    def test_of_equals_the_first_listed(self):
        chosen = choose(self.scores, ["b", "a"])
        assert chosen["method"].tolist() == ["a", "b", "b", "a"]

    def test_means_over_the_splits_of_a_set(self):
        means = tuned_means(self.scores, ["a", "b"])
        assert means.round(12).to_dict() == {"set0": 0.35, "set1": 0.35}


@pytest.fixture(scope="module")
def scores():
    """Random scores of all candidates on four sets of three splits."""
    rng = np.random.RandomState(0)
    index = pd.MultiIndex.from_product(
        [["ecoli", "oil", "abalone", "us_crime"], NAMES, range(3)],
        names=["dataset", "method", "fold"],
    )
    values = rng.rand(len(index), 2).round(3)
    return pd.DataFrame(values, index=index, columns=[TEST, VALID]).sort_index()


def loop_means(scores, name, column):
    """Means over the splits of each set, by loops."""
    means = {}
    for dataset in ("abalone", "ecoli", "oil", "us_crime"):
        found = [scores.loc[(dataset, name, fold), column] for fold in range(3)]
        means[dataset] = sum(found) / 3
    return means


def test_effects_by_plain_loops(scores):
    table = effect_table(scores, NAMES)
    assert list(table.index) == NAMES
    ours = loop_means(scores, OURS, TEST)
    for name in NAMES:
        test = loop_means(scores, name, TEST)
        gains = [test[d] - ours[d] for d in test]
        row = table.loc[name]
        assert row["test"] == pytest.approx(sum(test.values()) / 4)
        valid = loop_means(scores, name, VALID)
        assert row["validation"] == pytest.approx(sum(valid.values()) / 4)
        mean_gain = sum(gains) / 4
        assert row[f"minus {OURS}"] == pytest.approx(mean_gain, abs=1e-9)
        variance = sum((g - mean_gain) ** 2 for g in gains) / 3
        assert row["s.e."] == pytest.approx(np.sqrt(variance / 4), abs=1e-9)
        assert row["sets won"] == sum(g > 1e-9 for g in gains)
        assert row["sets lost"] == sum(g < -1e-9 for g in gains)
    assert table.loc[OURS, [f"minus {OURS}", "s.e.", "sets won"]].tolist() == [0, 0, 0]
    gain = table.loc[OURS, f"minus {PLAIN}"]
    assert gain == pytest.approx(table.loc[OURS, "test"] - table.loc[PLAIN, "test"])


def test_ranges_of_the_effects_by_plain_loops(scores):
    ranges = effect_ranges(scores)
    assert set(ranges.index) == set(VARIATIONS)
    assert ranges["range"].is_monotonic_decreasing
    for parameter, values in VARIATIONS.items():
        means = {
            str(v): sum(loop_means(scores, ours_name(parameter, v), TEST).values()) / 4
            for v in values
        }
        row = ranges.loc[parameter]
        assert row["best"] == max(means, key=means.get)
        assert row["worst"] == min(means, key=means.get)
        expected = means[row["best"]] - means[row["worst"]]
        assert row["range"] == pytest.approx(expected)


def test_both_sides_are_tuned_alike():
    # The plain net chooses one of three in each split, ours always the last.
    index = pd.MultiIndex.from_product(
        [[f"set{k}" for k in range(6)], NAMES, [0, 1]],
        names=["dataset", "method", "fold"],
    )
    scores = pd.DataFrame({TEST: 0.5, VALID: 0.5}, index=index)
    by_method = scores.index.get_level_values("method")
    fast, slow = plain_name(3e-3, 0.0), plain_name(3e-4, 0.0)
    decayed = plain_name(1e-2, 1e-3)
    scores.loc[by_method == fast, [TEST, VALID]] = 0.6, 0.7
    scores.loc[(slice(None), slow, 0), [TEST, VALID]] = 0.4, 0.8
    scores.loc[by_method == decayed, [TEST, VALID]] = 0.3, 0.9
    scores.loc[by_method == ours_name("synth_lr", 1.0), [TEST, VALID]] = 0.9, 0.95
    table = tuning_table(scores.sort_index())
    assert table["candidates"].tolist() == ["1 / 1", "3 / 3", "21 / 21"]
    # First split of each set: the slow one, 0.4; second: the fast one, 0.6.
    assert table[f"test, {PLAIN}"].round(9).tolist() == [0.5, 0.5, 0.3]
    assert table[f"validation, {PLAIN}"].round(9).tolist() == [0.5, 0.75, 0.9]
    assert table[f"test, {OURS}"].round(9).tolist() == [0.5, 0.5, 0.9]
    assert table["gain"].round(9).tolist() == [0, 0, 0.6]
    assert table["wins"].tolist() == [0, 0, 6]
    assert table["ties"].tolist() == [6, 6, 0]
    # All six signs alike: 2 / 2 ** 6, times three comparisons.
    assert table["p_value"].tolist() == pytest.approx([1, 1, 2 / 64])
    assert table["p_holm"].tolist() == pytest.approx([1, 1, 6 / 64])


def test_every_candidate_of_one_changed_parameter_is_drawn():
    drawn = {name for points in curves().values() for _, name, _ in points}
    grid = {n for n in plain_candidates() if n != PLAIN and "lr=" in n}
    both_changed = {
        n for n in grid if "lr=0.001 " not in n and n.split()[2] != "weight_decay=0.0"
    }
    assert drawn == set(NAMES) - both_changed
    for points in curves().values():
        assert [papers for _, _, papers in points].count(True) == 1


# --- Report --------------------------------------------------------------------------


def records_of(scores):
    datasets = sorted(scores.index.unique("dataset"))
    run = {"kind": "run", "suite": "imblearn27", "protocol": "3x60-20-20", "seed": 0}
    records = [{**run, "n_repeats": 3, "datasets": datasets, "methods": NAMES}]
    for (dataset, name, fold), row in scores.iterrows():
        cell = {"kind": "cell", "dataset": dataset, "method": name, "fold": fold}
        records.append({**cell, "status": "ok", "error": None, "scores": dict(row)})
    return records


SENSITIVITY = "explicit_gradient sensitivity"


@pytest.mark.slow
def test_report_tells_the_numbers_of_the_file(tmp_path, scores, report_on):
    text = report_on(SENSITIVITY, records_of(scores))
    assert (tmp_path / "sensitivity.png").stat().st_size > 10_000
    assert "504 of 504 cells, 0 of them failed; 12 splits of 4 sets" in text
    table = effect_table(scores, NAMES)
    told = f"{table.loc['inner_lr=0.1', 'test']:.3f}"
    assert row_of(text, "inner_lr=0.1")[1] == told
    tuned = tuning_table(scores).iloc[-1]
    assert (
        f"from 21 / 21 candidates, the plain net has {tuned[f'test, {PLAIN}']:.3f} and "
        f"the paper's method {tuned[f'test, {OURS}']:.3f}: {tuned['gain']:+.3f}" in text
    )
    widest = effect_ranges(scores).iloc[0]
    assert f"those of `{widest.name}` ({widest['range']:.3f})" in text
    # Splits that a candidate has not run do not count.
    text = report_on(SENSITIVITY, records_of(scores.drop(("oil", "clip=True", 2))))
    assert "503 of 504 cells" in text
    assert "11 splits of 4 sets" in text


def test_report_says_when_there_is_nothing_to_compare(scores, report_on, capsys):
    records = records_of(scores.drop("clip=True", level=1))
    error = refuse(capsys, lambda: report_on(SENSITIVITY, records))
    assert "no split that every method has run" in error
