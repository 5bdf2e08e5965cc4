import random
import re
import warnings

import pytest

from imbdeep_bench.report import rank_sums, rank_table, read_cells, write, write_report
from tests.benchmarks.report.conftest import (
    make_cell,
    make_dataset,
    make_failure,
    make_records,
    make_run,
)


@pytest.fixture
def drawn_report(write_records, tmp_path):
    """Write a report, with every warning an error, and return its text."""

    def write_and_read(records, name="one", **arguments):
        path = write_records(records, f"{name}.jsonl")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = write_report(path, tmp_path / name, **arguments)
        return report.read_text(encoding="utf-8")

    return write_and_read


@pytest.fixture
def report(undrawn, drawn_report):
    """Write a report without its pictures."""
    return drawn_report


@pytest.fixture
def unsaved(monkeypatch):
    """Draw the pictures of a report once, and encode none."""

    def draw(figure, **options):
        figure.draw_without_rendering()
        return b""

    monkeypatch.setattr(write, "png", draw)


def section(text, title):
    """The text of one section of a Markdown report."""
    return re.split(r"^## \d+\. ", text.split(f". {title}\n", 1)[1], flags=re.M)[0]


def table_rows(text, caption):
    """Cells of the table below a caption, by the row's name."""
    lines = text.split(caption, 1)[1].split("\n\n", 2)[1].splitlines()
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def test_files_of_a_report(drawn_report, tmp_path):
    text = drawn_report(few_metrics(3, 3, 1))
    folder = tmp_path / "one"
    written = {path.name for path in folder.iterdir()}
    assert written == {"figures", "report.html", "report.md", "timings.md"}
    pictures, page = re.findall(r"!\[.*\]\((.*)\)", text), folder / "report.html"
    assert pictures == re.findall(r'<img src="([^"]*)"', page.read_text())
    drawn = sorted(f"figures/{path.name}" for path in folder.glob("figures/*"))
    assert sorted(pictures) == drawn
    for picture in pictures:
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def test_killed_and_resumed_run_gives_the_same_bytes(report, tmp_path):
    whole = few_metrics(4, 3, 2)
    first, *rest = whole
    datasets, cells = rest[:4], rest[4:]
    random.Random(3).shuffle(cells)
    retried = {**make_failure(*[cells[0][k] for k in ("dataset", "method", "fold")])}
    resumed = [first, *datasets, retried, *cells[9:], first, *datasets, *cells[:9]]
    resumed = changed(resumed, fit_seconds=77.0, predict_seconds=88.0)
    text = report(whole, "whole")
    assert report(resumed, "resumed") == text
    page = (tmp_path / "whole/report.html").read_bytes()
    assert (tmp_path / "resumed/report.html").read_bytes() == page
    timings = (tmp_path / "whole/timings.md").read_text()
    assert (tmp_path / "resumed/timings.md").read_text() != timings
    assert "run records in the file: 1" in timings


def test_report_holds_no_times_and_no_paths(report, tmp_path):
    seconds = {"fit_seconds": 123.456, "predict_seconds": 654.321}
    records = changed(make_records(2, 2, 2), **seconds)
    error = f"OSError: {tmp_path}/deep/x.npz is broken"
    records[-1] = make_failure("abalone_19", "net_weighted", 1, error)
    text = report(records)
    for shown in (text, (tmp_path / "one/report.html").read_text()):
        assert not any(told in shown for told in ("123.4", "654.3", str(tmp_path)))
        assert "OSError: x.npz is broken" in shown
    assert "123.46" in (tmp_path / "one/timings.md").read_text()


TITLES = {
    "imblearn27": "2 of the 27 imbalanced-learn sets",
    "embedded": "embedded suite (scikit-learn's own data), not the 27 sets",
    "mine": "suite 'mine'",
    None: "suite not recorded",
}


@pytest.mark.slow
@pytest.mark.parametrize("suite", TITLES)
def test_title_names_the_suite(report, suite):
    text = report(make_records(2, 2, 1, suite=suite))
    assert text.splitlines()[0].endswith(f": {TITLES[suite]}")
    assert TITLES[suite].partition(" (")[0] in section(text, "Summary")


def test_own_title(report):
    text = report(make_records(1, 1, 1), title="My run")
    assert text.startswith("# My run\n")


@pytest.mark.slow
def test_the_whole_collection_has_its_plain_name(report):
    text = report(make_records(27, 2, 1))
    assert text.splitlines()[0].endswith(": 27 imbalanced-learn sets")


def test_main_table_holds_ranks_and_means(report, write_records):
    records = make_records(4, 3, 2)
    text = report(records)
    cells = read_cells(write_records(records))
    ranks = rank_table(cells)
    rows = table_rows(text, "Average rank over the data sets")
    assert list(rows) == list(ranks["average_precision"].sort_values().index)
    for method, row in rows.items():
        assert row["average precision: rank"].strip("*") == (
            f"{ranks.loc[method, 'average_precision']:.2f}"
        )
        values = [
            record["scores"]["log_loss"]
            for record in records
            if record.get("method") == method
        ]
        mean = sum(values) / len(values)
        assert row["log loss: mean"].strip("*") == f"{mean:.3f}"
    sums = rank_sums(cells)
    for method, row in table_rows(text, "Sum of ranks").items():
        assert row["g-mean"].strip("*") == f"{sums.loc[method, 'g_mean']:.1f}"


def test_best_scores_are_bold_in_both_directions(report):
    records = [make_run(["a"], ["net", "remix"])]
    for method, value in (("net", 0.3), ("remix", 0.6)):
        scores = {"g_mean": value, "balanced_brier": value}
        records.append(make_cell("a", method, 0, scores=scores))
    text = report(records)
    up = table_rows(text, "g-mean (higher is better)")["a"]
    assert up == {"net": "0.300", "remix": "**0.600**"}
    down = table_rows(text, "balanced Brier (lower is better)")["a"]
    assert down == {"net": "**0.300**", "remix": "0.600"}


def test_failures_are_shown_and_ranked_last(report):
    where = {"dataset": "abalone", "method": "net_ros", "fold": 1}
    records = failed(make_records(4, 3, 4), "RuntimeError: loss | nan", **where)
    text = report(records)
    assert "47 cells finished, 1 failed." in section(text, "Summary")
    scores = table_rows(text, "average precision (higher is better)")
    assert scores["abalone"]["net_ros"] == "failed (1)"
    failures = section(text, "Failures")
    assert re.search(r"net_ros \|\s+1 of 4 \| RuntimeError: loss \\\| nan", failures)
    mean = table_rows(text, "Average rank over the data sets")["net_ros"]
    assert mean["average precision: mean"].endswith("(3/4)")


@pytest.mark.slow
def test_incomplete_grid_is_said_and_compared_fairly(report):
    records = make_records(4, 3, 4)[:-7]
    text = report(records)
    assert "7 of 48 cells are missing" in section(text, "Summary")
    whole = report(make_records(4, 3, 4), "whole")
    assert "incomplete" not in whole


def test_missing_and_rebuilt_sets(report, tmp_path):
    records = make_records(6, 2, 1)
    unknown = dict.fromkeys(
        ("sha256", "n_samples", "n_features", "n_minority", "n_duplicate_rows")
    )
    records.insert(1, make_dataset("protein_homo", provenance="missing", **unknown))
    text = report(records)
    assert "Missing data sets, not run: protein_homo." in section(text, "Summary")
    rows = table_rows(section(text, "Provenance of the data"), "The data sets.")
    assert rows["protein_homo (missing)"]["rows"] == "-"
    assert rows["ecoli" if "ecoli" in rows else "abalone"]["minority"] == "27"
    assert rows["car_eval_4"]["shares rows with"] == "car_eval_34"
    assert rows["car_eval_34"]["shares rows with"] == "car_eval_4"
    assert rows["abalone"]["test rows also in training"] == "12 %"
    page = (tmp_path / "one/report.html").read_text()
    for shown in (text, page):
        assert not re.search(r"coil_2000(?! \(rebuilt\))", shown)


def test_independent_sources_are_tested_apart(report):
    text = report(make_records(8, 3, 2))
    rows = section(text, "Tests of significance")
    assert "all sets (8)" in rows
    assert "independent sources (6)" in rows
    provenance = section(text, "Provenance of the data")
    assert "Left out of 'independent sources': abalone, car_eval_4" in provenance


def test_tests_say_why_they_are_not_computed(report):
    two_sets = report(make_records(2, 3, 2), "sets")
    tests = section(two_sets, "Tests of significance")
    assert "all sets: The table has 2 data set(s)" in tests
    assert "Wilcoxon's test was not computed (all sets)" in tests
    assert "No critical-difference diagram" in tests
    two_methods = report(make_records(3, 2, 2), "methods")
    tests = section(two_methods, "Tests of significance")
    assert "The table has 2 method(s); this test compares at least 3" in tests
    assert "Each method against net (all sets)" in tests


def test_all_pairs_are_told_both_ways(report):
    text = report(make_records(4, 3, 2))
    rows = table_rows(text, "All pairs by average precision")
    assert set(rows) == {"net", "net_weighted", "net_ros"}
    for one, told in rows.items():
        assert told == {other: row[one] for other, row in rows.items()}
        assert [other for other, p in told.items() if p == "-"] == [one]


def test_single_set_tests_count_clear_differences(report):
    records = [make_run(["a", "b", "c", "d"], ["net", "remix"], n_repeats=3)]
    gains = {"a": 0.3, "b": -0.3, "c": 0.0, "d": None}
    for dataset, gain in gains.items():
        for fold in range(6):
            noise = (-1) ** fold * 0.01
            records.append(
                make_cell(dataset, "net", fold, scores={"average_precision": 0.5})
            )
            score = {"average_precision": 0.5 + (gain or 0) + noise}
            records.append(
                make_failure(dataset, "remix", fold)
                if gain is None
                else make_cell(dataset, "remix", fold, scores=score)
            )
    text = report(records)
    assert table_rows(text, "Sets on which a method differs from net")["remix"] == {
        "better": "1",
        "worse": "1",
        "undecided": "1",
        "not tested": "1",
    }


def test_threshold_section_sets_both_thresholds_side_by_side(report):
    text = report(make_records(3, 3, 2))
    means = table_rows(section(text, "What the threshold does"), "Mean over the sets")
    for row in means.values():
        gain = float(row["g-mean, tuned"]) - float(row["g-mean, at 0.5"])
        assert gain == pytest.approx(0.03, abs=0.0011)


@pytest.mark.slow
def test_differing_versions_are_reported(report):
    records = make_records(2, 2, 2)
    same = report(records, "same")
    assert "Versions differ" not in same
    records[-1] = {**records[-1], "versions": {"torch": "2.14", "sklearn": "1.9.1"}}
    text = report(records, "changed")
    assert "Versions differ between cells: torch 2.13, 2.14." in text


def test_data_that_changed_under_the_run_are_reported(report):
    records = make_records(2, 2, 2)
    records[-1] = {**records[-1], "data_sha256": "f" * 64}
    text = report(records)
    assert "another hash than the one recorded for the set: abalone_19." in text


def test_unknown_scores_are_named_and_not_ranked(report):
    scores = {"g_mean": 0.5, "h_measure": 0.4}
    records = [make_cell("a", method, 0, scores=scores) for method in ("net", "remix")]
    text = report(records)
    assert (
        "Recorded but not shown, since their direction is unknown: h_measure." in text
    )
    assert text.count("h_measure") == 1


def test_half_a_surrogate_pair_is_written_as_its_escape(report, tmp_path):
    error = "UnicodeError: \udc80 cannot be decoded"
    records = [make_cell("a", "net", 0), make_failure("a", "remix", 0, error)]
    text = report(records)
    page = (tmp_path / "one/report.html").read_text(encoding="utf-8")
    assert r"UnicodeError: \\udc80 cannot be decoded" in text
    assert r"UnicodeError: \udc80 cannot be decoded" in page


ODD_NAMES = {
    "net": r"$\frac$",
    "net_ros": "\ud800 __x__",
    "abalone": r"[x](http://e.org) $a$ $\b$",
}


@pytest.mark.slow
@pytest.mark.usefixtures("unsaved")
def test_names_stand_as_they_are_everywhere(drawn_report):
    records = few_metrics(3, 3, 1)
    records[0] |= {"datasets": [], "methods": []}
    for record in records:
        for key in {"name", "dataset", "method", "shares_rows_with"} & record.keys():
            record[key] = ODD_NAMES.get(record[key], record[key])
    text = drawn_report(records)
    assert r"\[x\](http://e.org) \$a\$ \$\\b\$" in text
    assert r"\$\\frac\$" in text
    assert r"\ud800 \_\_x\_\_" in text
    assert not re.search(r"(?<!\\)[$[](?!.*\]\(figures/)", text)


def test_title_is_escaped_as_in_html(report):
    title = "# <b>bold</b> [link](http://e.org) *x* &lt; #"
    text = report(make_records(1, 1, 1), title=title)
    assert text.splitlines()[0] == (
        r"# \# \<b>bold\</b> \[link\](http://e.org) \*x\* \&lt; \#"
    )


def changed(records, **changes):
    """Change all cells; a change may be made of the cell."""
    return [
        {**r, **{k: v(r) if callable(v) else v for k, v in changes.items()}}
        if r["kind"] == "cell"
        else r
        for r in records
    ]


def failed(records, error="ValueError: no minority row", **where):
    """Let those cells fail that have some values."""
    return [
        make_failure(r["dataset"], r["method"], r["fold"], error)
        if r["kind"] == "cell" and where.items() <= r.items()
        else r
        for r in records
    ]


def with_scores(metrics, records):
    return changed(records, scores=lambda r: {m: r["scores"][m] for m in metrics})


def few_metrics(*grid):
    """A grid with just the metrics that give a section, and pictures, of each kind."""
    kept = ("average_precision", "balanced_brier", "g_mean", "g_mean_tuned")
    return with_scores(kept, make_records(*grid))


def only(metrics, records):
    return changed(with_scores(metrics, records), curves=None)


DEGENERATE = {
    "nothing": [],
    "only a run": [make_run(["a"], ["net"])],
    "only failures": failed(make_records(4, 3, 2)),
    "one cell": [make_cell("a", "net", 0)],
    "one failure": [make_failure("a", "net", 0)],
    "one set": few_metrics(1, 3, 2),
    "one method": few_metrics(3, 1, 2),
    "two methods": few_metrics(3, 2, 2),
    "one fold": few_metrics(3, 3, 1),
    "one metric": only(["g_mean"], make_records(3, 3, 2)),
    "metrics without a headline": only(["mcc", "recall_1"], make_records(3, 3, 2)),
    "no scores": only([], make_records(3, 3, 2)),
    "all equal": changed(
        few_metrics(4, 3, 2), scores=lambda r: dict.fromkeys(r["scores"], 0.5)
    ),
    "no thresholds": changed(few_metrics(3, 3, 2), threshold=None),
    "no row counts": changed(few_metrics(3, 3, 2), n_train=None, n_test=None),
    "nothing known of the data": [
        r for r in few_metrics(3, 3, 2) if r["kind"] != "dataset"
    ],
    "no paired fold": [make_cell("a", "net", 0), make_cell("a", "remix", 1)],
    "control failed": failed(few_metrics(3, 3, 2), method="net"),
    "control without the metric": changed(
        few_metrics(4, 4, 2),
        scores=lambda r: {"mcc": 0.1} if r["method"] == "net" else r["scores"],
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("unsaved")
@pytest.mark.parametrize("records", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_runs_give_a_report_without_warnings(
    drawn_report, tmp_path, records
):
    text = drawn_report(records)
    assert re.findall(r"^## (\d+)\.", text, flags=re.M) == [*"12345678"]
    assert not re.search(r"\bnan\b|\binf\b|NaN", text)
    assert not re.search(r"\bnan\b|\bNone\b", (tmp_path / "one/timings.md").read_text())
