"""Records that no run made, and runs on files that are small."""

import json

import pytest

from papers import main
from tests.benchmarks.data.test_pairs import write_data


@pytest.fixture
def smoke(tmp_path):
    """Run a part of a paper on small files of USPS and Madelon."""
    data = write_data(tmp_path / "raw")

    def run(paper, part, *more):
        out = ["--out", str(tmp_path / "out"), "--smoke", "--n-jobs", "0"]
        return main([paper, part, "--data", str(data), *out, *more])

    return run


def read_records(path):
    """Return the cells of a file."""
    records = map(json.loads, path.read_text().splitlines())
    return [record for record in records if record["kind"] == "cell"]


def pick_row(table, **where):
    """Return the one row of a table that has some values."""
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def refuse(capsys, run):
    """Return the usage error of a run."""
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
    return capsys.readouterr().err
