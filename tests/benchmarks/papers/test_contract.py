"""What every part of every paper does alike, whatever it is about."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep_bench.engine import command
from imbdeep_bench.engine.command import EXIT_INTERRUPTED, Command
from imbdeep_bench.papers.crowds import rows
from imbdeep_bench.report import markdown
from papers import PAPERS, main
from tests.benchmarks.papers.conftest import PARTS, read_records, refuse
from tests.common.slow import slow_if

EXPERIMENTS = {key: part for key, part in PARTS.items() if issubclass(part, Command)}
# What makes a run short, beside --smoke: two methods, and two runs of one setting.
SHORT = {
    ("climate", "tables"): "--smoke --methods ce,swa --seeds 0-1",
    ("crowds", "run"): "--smoke --methods mv_lr,truth_net --seeds 0-1 --crowds alike",
    ("crowds", "warmup"): "--smoke --methods groups_2,all_2 --seeds 0-1",
    ("crowds", "sets"): "--smoke --methods mv_lr,ds_lr --runs 2 --workers 5",
    ("gl_gan", "run"): "--smoke --methods none,smote --seeds 0-1 --r 0.1",
    ("remix", "tables"): "--smoke --methods baseline,remix",
    ("remix", "images"): "--smoke --methods baseline,remix --tasks binary",
    ("robust", "images"): "--smoke --methods plain,ce --seeds 0-1 --imbalances exp-10",
    ("robust", "tables"): "--smoke --methods net,drcb_ce",
    ("robustness", "images"): "--smoke --methods plain,universal --seeds 0-1 "
    "--levels linear",
    ("robustness", "tables"): "--smoke --methods plain,universal",
    ("robust", "weights"): "--smoke --methods natural_1,adversarial_50 --seeds 0-1",
    ("robust", "sensitivity"): "--smoke --figures pair --seeds 0-1",
    # These report on all of their methods, which learn nothing here.
    ("explicit_gradient", "sets"): "",
    ("explicit_gradient", "sensitivity"): "",
    ("explicit_gradient", "adult"): "",
    ("explicit_gradient", "convergence"): "",
}
# What a finished cell records and a failed one does not.
NOT_OF_FAILED = {
    ("robust", "images"): {"class_standard", "class_robust", "agreement"},
    ("robust", "sensitivity"): {"places", "digits"},
    ("explicit_gradient", "adult"): {"curves", "fit_seconds"},
}
# What a cell whose worker died says: it never got as far as its rows.
HEAD = ("kind", "dataset", "method", "fold", "versions", "data_sha256", "identity")
LABELS = ("data", "crowd", "n_workers", "r", "imbalance", "norm", "eps")
LABELS += ("task", "ratio", "module", "level", "figure", "value")
every_part = pytest.mark.parametrize("key", PARTS, ids=" ".join)
every_experiment = pytest.mark.parametrize("key", EXPERIMENTS, ids=" ".join)
# Those that report on all of their methods have many cells; the sets are larger than
# what the other runs read.
LONG = {key for key, given in SHORT.items() if not given} | {("crowds", "sets")}


def runs(quick):
    return pytest.mark.parametrize(
        "key", [slow_if(key not in quick, key, id=" ".join(key)) for key in SHORT]
    )


every_run = runs(SHORT.keys() - LONG)
# What the engine does is tried by default with one part of a paper.
a_run_of_each_paper = runs(
    {("crowds", "run"), ("gl_gan", "run"), ("remix", "tables"), ("robust", "images")}
)


class ByFirstColumn(ClassifierMixin, BaseEstimator):
    """Rank by the first column; learn nothing."""

    valid_average_precision_ = 0.5

    def fit(self, X, y, eval_set):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-X[:, 0].astype(float) / 100))
        return np.column_stack([1 - positive, positive])


class Breaks(BaseEstimator):
    """Break as soon as it is to learn."""

    def fit(self, *args, **kwargs):
        raise RuntimeError("the loss is\nnot finite")

    fit_resample = fit
    scaler = property(fit)


def short(key, method):
    """Return a method that takes no time, where its experiment is not made short."""
    if key == ("explicit_gradient", "convergence"):
        small = {"pretrain_epochs": 2, "max_epochs": 3, "module__hidden_sizes": (4,)}
        return replace(method, make=lambda s, **k: method.make(s, **small, **k))
    if SHORT[key]:
        return method
    kind = "" if method.kind == "synthetic" else method.kind
    return replace(method, make=lambda *args, **kwargs: ByFirstColumn(), kind=kind)


@pytest.fixture
def go(small_data, tmp_path):
    """Run a part, its methods made short but for those that are given."""

    def go(key, *more, out=None, n_jobs="0", is_drawn=True, **methods):
        part, out = EXPERIMENTS[key], out or tmp_path / "out"
        made = {name: short(key, method) for name, method in part.methods.items()}
        argv = [*key, *small_data[key], *SHORT[key].split(), "--n-jobs", n_jobs]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(part, "methods", made | methods)
            # The net by which a crowd errs: how well it knows its rows is not asked.
            patch.setattr(rows, "MOST_EPOCHS", 5)
            if not is_drawn:
                patch.setattr(markdown, "png", lambda figure, **options: b"a picture")
            return main([*argv, "--out", str(out), *more])

    return go


WHOLE = {}


@pytest.fixture
def whole(go, tmp_path_factory, tmp_path):
    """Return a function that gives a copy of a finished run, computed once a part."""

    def whole(key):
        if key not in WHOLE:
            WHOLE[key] = tmp_path_factory.mktemp("whole")
            assert go(key, out=WHOLE[key]) == 0
        return shutil.copytree(WHOLE[key], tmp_path / "out")

    return whole


def files_of(folder):
    """Return what a report wrote, and the file of cells."""
    (cells,) = folder.glob("*.jsonl")
    written = {
        p.name: p.read_bytes() for p in folder.iterdir() if "jsonl" not in p.name
    }
    return cells, written


def scores_of(path):
    return {
        (c["dataset"], c["method"], c["fold"]): (c.get("scores"), c.get("curves"))
        for c in read_records(path)
    }


def test_every_experiment_is_run():
    assert set(SHORT) == set(EXPERIMENTS)


# --- Without computing ---------------------------------------------------------------


@every_part
def test_every_part_explains_itself(key, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*key, "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert PARTS[key].__doc__.splitlines()[0] in out
    assert f"papers.py {' '.join(key)}" in out
    assert "--out" in out


@pytest.mark.parametrize("argv", [["--help"], ["crowds", "--help"]])
def test_help_names_what_there_is(argv, capsys):
    with pytest.raises(SystemExit):
        main(argv)
    words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
    assert (set(PAPERS) if len(argv) == 1 else {"run", "sets"}) <= words


def test_another_paper_is_refused(capsys):
    assert "invalid choice: 'iced'" in refuse(capsys, lambda: main(["iced", "run"]))


@every_experiment
def test_methods_are_named_and_told_apart(key):
    methods = EXPERIMENTS[key].methods
    assert all(method.name == name for name, method in methods.items())
    assert len({method.title for method in methods.values()}) == len(methods)


@every_experiment
def test_a_report_needs_cells(key, tmp_path, capsys):
    argv = [*key, "--report-only", "--out", str(tmp_path / "none")]
    assert "--report-only finds no" in refuse(capsys, lambda: main(argv))
    assert not (tmp_path / "none").exists()


@every_experiment
def test_an_unknown_method_is_refused(key, go, tmp_path, capsys):
    name = next(iter(EXPERIMENTS[key].methods))
    error = refuse(capsys, lambda: go(key, "--methods", f"{name}_"))
    assert f"Did you mean {name}" in error
    assert not (tmp_path / "out").exists()


ECOLI, NOWHERE = "Did you mean ecoli", "Give as --data the folder"
PAIRS, CHAPTERS = "write drawn, or two classes", "give --chapter 4 or --chapter 5"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("climate tables --datasets droughtwatch", "give as --data the folder"),
        ("climate tables --datasets kenya", "'kenya', which is unknown"),
        ("climate tables --data /nowhere", "neither TFRecord files"),
        ("climate tables --modules mlp", "'mlp', which is unknown"),
        ("climate tables --size 30", "--size got 30; give a multiple of 4"),
        ("climate tables --epochs 3", "must be an integer, 4 or more, got '3'"),
        ("crowds run --datasets gisette", "'gisette', which is unknown"),
        ("crowds run --seeds 3-1", "--seeds is empty"),
        ("crowds run --pairs published", PAIRS),
        ("crowds run --pairs 4-7 --datasets madelon", "madelon has no class 4"),
        ("crowds run --n-jobs -2", "--n-jobs got -2"),
        ("crowds run --data /nowhere", NOWHERE),
        ("crowds sets --datasets ecol", ECOLI),
        ("crowds sets --workers 1", "numbers of 2 or more"),
        ("crowds sets --workers a", "numbers of 2 or more"),
        ("crowds sets --runs 0", "--runs got 0"),
        ("gl_gan run --r 0,0.1", "--r got [0.0, 0.1]"),
        ("gl_gan run --r 1.5", "--r got [1.5]"),
        ("gl_gan run --r ,", "--r got []"),
        ("gl_gan run --pairs 4:7", "--pairs got '4:7'"),
        ("gl_gan digits --data /nowhere", "usps.npz"),
        ("remix tables --datasets musc", "Did you mean musk"),
        ("remix tables --datasets aps,musk", "musk cannot be found. Give as --data"),
        ("remix tables --data /nowhere --data-home /nowhere --datasets usps", "--data"),
        ("remix tables --tasks multi-class", "multi-class cannot be made of the sets"),
        ("remix images --datasets mnist", "'mnist', which is unknown"),
        ("remix images --tasks binry", "Did you mean binary"),
        ("robust images --datasets mnist", "'mnist', which is unknown"),
        ("robust images --datasets cifar10", CHAPTERS),
        ("robust images --chapter 5 --methods srat_ce", "'srat_ce', which is unknown"),
        ("robust images --chapter 3", "invalid choice: 3"),
        ("robust images --imbalances linear-10", "write step or exp and a ratio"),
        ("robust images --imbalances ,", "--imbalances is empty"),
        ("robust images --imbalances step-1000", "leaves a class without rows"),
        ("robust images --norm l1", "invalid choice: 'l1'"),
        ("robust images --eps 0", "must be a number above 0, got '0'"),
        ("robust images --eps a", "must be a number above 0, got 'a'"),
        ("robust weights --pairs 3-12", "usps has no class 12"),
        ("robust sensitivity --figures weight", "Did you mean weights"),
        ("robust sensitivity --figures lambda-3", "'lambda-3', which is unknown"),
        ("robust sensitivity --epochs 0", "must be an integer, 1 or more, got '0'"),
        ("explicit_gradient sine --seeds 0", "--seeds got 0; give 1 or more"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    small_data, tmp_path, capsys, command, message
):
    paper, part, *options = command.split()
    given = small_data.get((paper, part), [])
    argv = [paper, part, "--out", str(tmp_path / "out"), *given, *options]
    assert message in refuse(capsys, lambda: main(argv))
    assert not (tmp_path / "out").exists()


def test_the_census_table_is_needed_to_compute(tmp_path, capsys):
    argv = ["explicit_gradient", "adult", "--out", str(tmp_path / "out")]
    assert "--data is missing" in refuse(capsys, lambda: main(argv))


def test_a_run_that_is_stopped_says_how_to_go_on(go, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "fill", interrupt)
    assert go(("crowds", "run")) == EXIT_INTERRUPTED
    assert "go on with the same command" in capsys.readouterr().err


# --- Runs ----------------------------------------------------------------------------


@every_run
def test_a_run_computes_every_cell_and_reports(key, whole):
    path, written = files_of(whole(key))
    cells = read_records(path)
    assert {c["status"] for c in cells} == {"ok"}, cells[0]["error"]
    methods, settings, folds = (
        len({c[name] for c in cells}) for name in ("method", "dataset", "fold")
    )
    assert len(cells) == methods * settings * folds
    # All methods of a run have one seed.
    assert (
        len({(c["dataset"], c["fold"], c["seed"]) for c in cells}) == settings * folds
    )
    assert all(c["data_sha256"] for c in cells)
    assert any(name.endswith(".md") for name in written)
    for name, content in written.items():
        assert content.startswith(b"\x89PNG") == name.endswith(".png")


@a_run_of_each_paper
def test_a_run_goes_on_where_it_was_cut(key, whole, go):
    folder = whole(key)
    path, written = files_of(folder)
    scores, lines = scores_of(path), path.read_bytes().splitlines(keepends=True)
    # Two cells, and half of the one before them, are lost.
    path.write_bytes(b"".join(lines[:-2])[:-9])
    assert go(key, is_drawn=False) == 0
    found = path.read_bytes().splitlines()
    again = [line for line in found[len(lines) - 3 :] if b'"kind": "cell"' in line]
    assert len(again) == 3
    assert scores_of(path) == scores
    assert {n: c for n, c in files_of(folder)[1].items() if n.endswith(".csv")} == {
        n: c for n, c in written.items() if n.endswith(".csv")
    }
    # The same command finds nothing left to do.
    assert go(key, is_drawn=False) == 0
    assert len(read_records(path)) == len(scores)


@a_run_of_each_paper
def test_a_method_that_breaks_is_recorded_and_reported(key, go, whole, tmp_path):
    whole_cells = read_records(files_of(whole(key))[0])
    name = list(dict.fromkeys(c["method"] for c in whole_cells))[1]
    breaks = replace(EXPERIMENTS[key].methods[name], make=lambda *a, **k: Breaks())
    assert go(key, out=tmp_path / "new", **{name: breaks}) == 0
    path, written = files_of(tmp_path / "new")
    cells = read_records(path)
    failed = [cell for cell in cells if cell["status"] == "failed"]
    assert {cell["method"] for cell in failed} == {name}
    assert len(failed) == sum(c["method"] == name for c in whole_cells)
    assert all(c["error"].startswith("RuntimeError: the loss is not f") for c in failed)
    # What it was to learn from is on record all the same.
    assert set(whole_cells[0]) - set(failed[0]) == NOT_OF_FAILED.get(key, set())
    report = next(c for n, c in written.items() if n.endswith(".md")).decode()
    assert "failed" in report.lower() or "No split has been through" in report


@a_run_of_each_paper
def test_reports_do_without_cells_whose_worker_died(key, go, whole, capsys):
    folder = whole(key)
    path, _ = files_of(folder)
    records = list(map(json.loads, path.read_text().splitlines()))
    no_result = EXPERIMENTS[key].no_result

    def kill(record):
        head = {k: v for k, v in record.items() if k in HEAD + LABELS}
        return head | {"status": "failed", "error": "worker died", **no_result}

    def report(records):
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        for old in folder.glob("*.md"):
            old.unlink()
        try:
            code = go(key, "--report-only")
        except SystemExit as stopped:
            code = stopped.code
        return code, len(list(folder.glob("*.md")))

    first = next(i for i, r in enumerate(records) if r["kind"] == "cell")
    one_dead = [kill(r) if i == first + 1 else r for i, r in enumerate(records)]
    assert report(one_dead) == (0, 1)
    # Where nothing is left to say there is a report that says so, or a usage error.
    all_dead = [kill(r) if r["kind"] == "cell" else r for r in records]
    assert report(all_dead) in ((0, 1), (2, 0))
    assert report(records[:first]) in ((0, 1), (2, 0))


@pytest.mark.slow
@every_run
def test_a_worker_process_computes_the_same(key, go, whole, tmp_path):
    path, _ = files_of(whole(key))
    assert go(key, n_jobs="1", out=tmp_path / "new") == 0
    assert scores_of(files_of(tmp_path / "new")[0]) == scores_of(path)


@pytest.mark.parametrize(
    ("key", "option", "message"),
    [
        (("gl_gan", "run"), ["--pairs", "4-7"], "holds results with protocol"),
        (("robust", "images"), ["--chapter", "4"], "give another --out"),
        (("explicit_gradient", "convergence"), ["--seed", "1"], "give another --out"),
    ],
)
def test_cells_of_other_rows_or_epochs_are_not_mixed_in(
    key, option, message, go, whole, capsys
):
    whole(key)
    assert message in refuse(capsys, lambda: go(key, *option))


def test_runs_may_be_added(go, tmp_path):
    key, path = ("gl_gan", "run"), tmp_path / "out" / "cells.jsonl"
    go(key, "--seeds", "0")
    before = path.read_text()
    go(key, "--seeds", "0-1")
    assert path.read_text().startswith(before)
    cells = [(c["method"], c["fold"]) for c in read_records(path)]
    assert cells == [("none", 0), ("smote", 0), ("none", 1), ("smote", 1)]


def test_there_are_other_data_than_the_27_sets_for_other_benchmarks(
    tmp_path, no_network, capsys
):
    argv = ["explicit_gradient", "sets", "--data-home", str(tmp_path / "empty")]
    error = refuse(capsys, lambda: main([*argv, "--out", str(tmp_path / "out")]))
    assert "27 sets, and none of them" in error
