"""Every part of speed.py, on small tables: what it prints, and what it refuses."""

import itertools

import pytest
import torch

from imbdeep_bench.speed import PARTS, aggregators, measure
from speed import main

# Few and small, and how many lines each table of the report then has.
SMALL = {
    "fit": ("--epochs=1 --repeats=2 --rows-large=1200", [12, 12, 3]),
    "defaults": ("--rows=200 --columns=6 --repeats=1", [4]),
    "levels": ("--rows=400 --levels=30 --epochs=1 --repeats=2", [3, 3]),
    "members": ("--members=2 --epochs=1 --repeats=2", [6]),
    "meta_step": ("--steps=5 --repeats=2", [12]),
    "robust_step": ("--steps=3 --repeats=1", [26, 3]),
    # A training step and eight augmentations, of three kinds of images.
    "augmentations": ("--steps=1 --repeats=1", [27]),
    "samplers": ("--samplers=SMOTE,GLGAN --repeats=2 --rows-large=4480", [6, 2, 1]),
    "aggregators": ("--smoke", [4]),
}
SAID = {
    "fit": ["1,200 rows, 74 columns", "\n## Ratios\n", "\n## Times\n", "\n## Memory\n"],
    "defaults": ["200 rows, 6 columns", "CatBoost", "| 1 (1 to 1)", "<= 4"],
    "levels": ["400 rows of 20 numbers", "of 30 levels", "4.8e-05 GB", "| 1 (1 to 1)"],
    "members": ["small: 1,200 rows, 5 columns", "| 1 (1 to 1)", "<= 0.67"],
    # Plain steps are the measure, of two tables with two encodings.
    "meta_step": ["raised the peak memory by 1.5 MB", "1 (1 to 1)"],
    "robust_step": ["| plain ", "| bare PyTorch, adversarial ", "<= 12", "| 1.5 "],
    "augmentations": ["| training step ", "| 1 (1 to 1)", "| standard ", "<= 0.25"],
    "samplers": ["quarter: 1,120 rows, 74 columns, 111.0:1, synthetic", "| 3 + 3 "],
    "aggregators": ["2,000 rows, 20 workers, 10 classes", *aggregators.AGGREGATORS],
}
PROGRESS = {
    "fit": "large table, encoding None",
    "levels": "memory",
    "samplers": "GLGAN, 2,240 rows",
    "aggregators": "MajorityVote",
}


@pytest.fixture
def at_home(monkeypatch, tmp_path):
    """No other process, set or library; torch's threads are put back."""
    X, y = measure.synthetic_rows(1_200, 5, ratio=5)
    table = measure.Table("small", "synthetic", X, y)
    monkeypatch.setattr(measure, "small_table", lambda: table)
    monkeypatch.setattr(aggregators, "crowd_kit_version", lambda: None)

    def at_once(function, *arguments):
        if function is measure.growth_of_steps:
            return 1.5
        return function(*arguments)

    monkeypatch.setattr(measure, "in_fresh_process", at_once)
    monkeypatch.setattr(measure, "WARM_UP_STEPS", 2)
    # The peak of this process may lie far above what is measured.
    peaks = itertools.count(step=2**20)
    monkeypatch.setattr(measure, "peak_bytes", lambda: next(peaks))
    threads = torch.get_num_threads()
    yield table
    torch.set_num_threads(threads)


def count_rows(report):
    """Count the rows of each table, without its head and its rule."""
    lines = [line.startswith("|") for line in report.splitlines()]
    runs = [len(list(run)) for is_row, run in itertools.groupby(lines) if is_row]
    return [n_rows - 2 for n_rows in runs]


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_small_run_writes_the_report(
    part, at_home, fake_peers, monkeypatch, tmp_path, capsys
):
    if part == "meta_step":
        monkeypatch.setattr(measure, "large_table", lambda n_rows: at_home)
    options, n_rows = SMALL[part]
    out = tmp_path / "new" / "speed.md"
    assert main([part, *options.split(), f"--out={out}"]) == 0
    report = out.read_text(encoding="utf-8")
    printed, progress = capsys.readouterr()
    assert printed.strip() == report.strip()
    assert count_rows(report) == n_rows
    assert [words for words in SAID[part] if words not in report] == []
    assert PROGRESS.get(part, "") in progress
    assert f"torch {torch.__version__}" in report
    assert "nan" not in report
    assert "{" not in report
    if part == "aggregators":  # what is not installed has dashes
        (absent,) = (line for line in report.splitlines() if "| crowd-kit's" in line)
        assert set(absent.split("|")[2:-1]) <= {" " * n + "-" + " " for n in range(40)}


WRONG = {
    "fit --epochs=0": "--epochs: must be an integer, 1 or more, got '0'",
    "fit --repeats=two": "--repeats: must be an integer, 1 or more, got 'two'",
    "fit --rows-large=9": "--rows-large: must be an integer, 1120 or more",
    "fit --threads=-1": "--threads: must be an integer, 1 or more, got '-1'",
    "levels --rows=100": "--rows: must be an integer, 200 or more",
    "defaults --columns=5": "--columns: must be an integer, 6 or more, got '5'",
    "levels --levels=1": "--levels: must be an integer, 2 or more, got '1'",
    "samplers --epochs=1": "--epochs: must be an integer, 2 or more, got '1'",
    "samplers --rows-large=99": "--rows-large: must be an integer, 4480 or more",
    "samplers --samplers=GLGAM": "--samplers got 'GLGAM', which is unknown. Did you",
    "meta_step --rows-large=99": "--rows-large: must be an integer, 60000 or more",
    "aggregators --rows=1": "--rows: must be an integer, 2 or more, got '1'",
}


@pytest.mark.parametrize("command", WRONG)
def test_the_command_line_says_what_is_wrong(command, capsys):
    with pytest.raises(SystemExit):
        main(command.split())
    assert WRONG[command] in capsys.readouterr().err
