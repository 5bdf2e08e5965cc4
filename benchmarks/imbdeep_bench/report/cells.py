"""Read a file of benchmark cells and keep it as data frames."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from imbdeep_bench.engine.protocol import count_folds
from imbdeep_bench.engine.records import REMEDY, REQUIRED_FIELDS, numbered_records

CELL_FIELDS = (
    "error",
    "threshold",
    "fit_seconds",
    "predict_seconds",
    "seed",
    "n_train",
    "n_test",
    "n_train_minority",
    "n_test_minority",
    "data_sha256",
)
DATASET_FIELDS = (
    "provenance",
    "sha256",
    "n_samples",
    "n_features",
    "n_minority",
    "n_duplicate_rows",
    "n_conflicting_rows",
    "shares_rows_with",
    "shared_test_fraction",
)


def check_reportable(numbered, name):
    """Raise unless all scores are numbers and all curves have as many points.

    The records of other experiments may hold scores of several classifiers.
    """
    n_points = None
    for number, record in numbered:
        for metric, value in (record.get("scores") or {}).items():
            if isinstance(value, dict):
                raise ValueError(
                    f"Line {number} of {name}, a cell, has several scores of "
                    f"{metric!r}; a report takes one number a metric."
                )
        curve = (record.get("curves") or {}).get("precision_at")
        if curve is not None and n_points not in (None, len(curve)):
            raise ValueError(
                f"Line {number} of {name}, a cell, has precision_at {len(curve)} "
                f"recalls, not {n_points} as the cells before it. {REMEDY}"
            )
        n_points = n_points if curve is None else len(curve)


def latest_cells(records):
    """Keep one record a cell: the last that is ok, else the last."""
    kept = {}
    for record in records:
        key = (record["dataset"], record["method"], record["fold"])
        if record["status"] == "ok" or kept.get(key, record)["status"] == "failed":
            kept[key] = record
    return [kept[key] for key in sorted(kept)]


@dataclass(frozen=True, eq=False)
class BenchmarkCells:
    """A benchmark's results as data frames, in an order the file does not decide.

    Where a cell stands more than once, the last finished one counts, else the last; of
    several run records, and of several records of one data set, the last counts.
    """

    # The last run record: suite, preset, protocol, methods; empty without one.
    run: dict
    # A row a data set, by its name: provenance, counts, duplicates.
    datasets: pd.DataFrame
    # A row a cell: status, error, threshold, times, row counts, versions and curves.
    cells: pd.DataFrame
    # Those of finished cells: dataset, method, fold, metric and value.
    scores: pd.DataFrame
    # Run records of the file; each resume adds one.
    n_runs: int = 1

    @property
    def methods(self):
        """Names of the methods: the run's order first, then the others by name."""
        listed = list(dict.fromkeys(self.run.get("methods") or []))
        return listed + sorted(set(self.cells["method"]) - set(listed))

    @property
    def missing_datasets(self):
        """Names of the sets the run could not get, sorted."""
        missing = self.datasets.index[self.datasets["provenance"] == "missing"]
        return sorted(set(missing) - set(self.cells["dataset"]))

    @property
    def dataset_names(self):
        """Names of the sets that were, or are to be, run, sorted."""
        listed = set(self.run.get("datasets") or []) | set(self.cells["dataset"])
        return sorted(listed - set(self.missing_datasets))

    @property
    def folds(self):
        """Fold numbers of the whole grid: those promised and those seen, sorted."""
        return sorted(set(range(count_folds(self.run))) | set(self.cells["fold"]))

    @property
    def n_expected(self):
        """Number of cells of the whole grid."""
        return len(self.dataset_names) * len(self.methods) * len(self.folds)

    @cached_property
    def paired_scores(self):
        """Scores by (dataset, method, fold), metrics as columns, NaN where failed.

        Only folds that every method has run, finished or failed, are here, so that a
        run which is not complete still compares like with like.
        """
        keys = ["dataset", "method", "fold"]
        n_run = self.cells.groupby(["dataset", "fold"])["method"].transform("nunique")
        paired = self.cells.loc[n_run == len(self.methods), keys]
        wide = self.scores.pivot(index=keys, columns="metric", values="value")
        index = pd.MultiIndex.from_frame(paired).sort_values()
        return wide.replace([np.inf, -np.inf], np.nan).reindex(index)

    @cached_property
    def paired_failures(self):
        """Whether each cell of :attr:`paired_scores` failed."""
        status = self.cells.set_index(["dataset", "method", "fold"])["status"]
        return status.reindex(self.paired_scores.index) == "failed"

    @cached_property
    def mean_tables(self):
        """Tables of means that were asked for, by metric; a report asks many times."""
        return {}

    def label(self, dataset):
        """Return a set's name in print; a file that is not the original says so."""
        if dataset not in self.datasets.index:
            return dataset
        provenance = self.datasets.loc[dataset, "provenance"]
        flagged = provenance in ("rebuilt", "unverified", "missing")
        return f"{dataset} ({provenance})" if flagged else dataset


def read_cells(path):
    """Read a benchmark's ``cells.jsonl``: a JSON object a line, run, dataset or cell.

    Half a line at the end, which a killed run leaves behind, is skipped; any other line
    that is no record is refused by its number.
    """
    numbered = list(numbered_records(Path(path).read_bytes(), path))
    check_reportable(numbered, path)
    records = [record for _, record in numbered]
    runs = [record for record in records if record["kind"] == "run"]
    datasets = {r["name"]: r for r in records if r["kind"] == "dataset"}
    cells = latest_cells([record for record in records if record["kind"] == "cell"])
    return BenchmarkCells(
        run=runs[-1] if runs else {},
        datasets=dataset_frame(datasets),
        cells=cell_frame(cells),
        scores=score_frame(cells),
        n_runs=len(runs),
    )


def dataset_frame(records):
    """Return one row a data set, sorted by name; absent fields are None."""
    rows = [[records[name].get(f) for f in DATASET_FIELDS] for name in sorted(records)]
    index = pd.Index(sorted(records), name="name", dtype=object)
    return pd.DataFrame(rows, index=index, columns=DATASET_FIELDS, dtype=object)


def cell_frame(records):
    """Return one row a cell without its scores; absent fields are None."""
    keys = (*REQUIRED_FIELDS["cell"], *CELL_FIELDS)
    rows = [
        [record.get(key) for key in keys]
        + [record.get("versions") or {}, record.get("curves") or {}]
        for record in records
    ]
    return pd.DataFrame(rows, columns=[*keys, "versions", "curves"], dtype=object)


def score_frame(records):
    """Return the finished cells' scores in long form; a null score becomes NaN."""
    rows = [
        (record["dataset"], record["method"], record["fold"], metric, value)
        for record in records
        if record["status"] == "ok"
        for metric, value in sorted((record.get("scores") or {}).items())
    ]
    columns = ["dataset", "method", "fold", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"value": "float64"})


def independent_blocks(cells):
    """Return the data sets that share no rows with one another, sorted.

    Tests over data sets take each set for an independent block. Where two sets are
    made of the same rows (`abalone` and `abalone_19`), only the one with the larger
    minority is kept, since its scores are less noisy; equal ones go by name.
    """
    twins = {
        frozenset(pair)
        for pair in cells.datasets["shares_rows_with"].items()
        if isinstance(pair[1], str)
    }
    minority = cells.datasets["n_minority"].dropna().to_dict()
    kept = []
    for name in sorted(cells.dataset_names, key=lambda n: (-minority.get(n, 0), n)):
        if not any(frozenset((name, other)) in twins for other in kept):
            kept.append(name)
    return sorted(kept)
