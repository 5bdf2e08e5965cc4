"""What the papers' cells say: means, and differences of two methods run by run.

All tables are long. Their first columns tell the settings apart (``by``: data set and
ratio, say), the next ones metric and method.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import sem, wilcoxon

from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.engine.store import read_records
from imbdeep_bench.report.markdown import to_markdown

KEY = ["dataset", "method", "fold"]
LEAD_COLUMNS = ["difference", "se", "p_value", "won", "lost", "n_runs"]


def read_published(script, name="published.csv"):
    """Read the scores that a paper published, beside one of its files."""
    path = Path(script).with_name(name)
    return pd.read_csv(path, dtype={"table": str})


# --- Cells ---------------------------------------------------------------------------


def read_complete_cells(path, command, order):
    """Read the runs that every method of a data set has been through.

    A run that was stopped so still compares like with like. A cell that was tried more
    than once has one row, its last. ``command`` is what computes the file; ``order``
    has the columns to sort by and, where it is not empty, their values in order.
    """
    if not path.exists():
        raise ValueError(
            f"There is no {path}: give the --out of a run, or compute one ({command})."
        )
    records = read_records(path, "cell")
    if not records:
        raise ValueError(f"{path} holds no finished cell yet; go on with its run.")
    cells = pd.DataFrame(records).drop_duplicates(KEY, keep="last")
    n_methods = cells.groupby("dataset")["method"].transform("nunique")
    n_run = cells.groupby(["dataset", "fold"])["method"].transform("nunique")
    cells = cells[n_run == n_methods]
    if cells.empty:
        raise ValueError(f"{path} has no run that every method has been through yet.")
    places = {
        column: {name: place for place, name in enumerate(names)}
        for column, names in order.items()
    }
    return cells.sort_values(
        list(order),
        key=lambda c: c.map(places[c.name]) if places[c.name] else c,
        ignore_index=True,
    )


def finished(cells):
    """Return the cells that did not fail."""
    return cells[cells["status"] == "ok"]


def with_rows(cells, *columns):
    """Leave out cells that do not say what rows they had: their worker died."""
    if columns[0] not in cells:
        return cells[:0].assign(**dict.fromkeys(columns))
    known = cells[columns[0]].notna()
    if known.all():
        return cells
    kept = cells[known]
    # Numbers of rows have become floats beside those that are missing.
    whole = [c for c in kept.select_dtypes("float") if (kept[c] % 1 == 0).all()]
    return kept.astype(dict.fromkeys(whole, int))


# --- A study -------------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """What a report needs to know of the part that computed its cells.

    ``by`` are the columns that tell settings apart; ``order`` as in
    :func:`read_complete_cells`, costs as in :func:`cost_block`.
    """

    command: str
    methods: dict
    metrics: dict
    by: list
    order: dict
    costs: dict
    cost_by: tuple = ("dataset",)
    digits: int = 2

    @property
    def titles(self):
        """Titles of the methods, by name."""
        return titles_of(self.methods)

    def read(self, path):
        """Read the runs that every method of a setting has been through."""
        order = self.order | {"fold": (), "method": self.methods}
        return read_complete_cells(path, self.command, order)

    def scores(self, cells):
        """Return scores, a row a cell and a column a metric; NaN: failed."""
        return score_frame(cells, self.by, self.metrics)

    def means(self, cells, spread="se"):
        """Return the means over the runs, and their spread."""
        return mean_table(self.scores(cells), self.by, spread)

    def told_of(self, cells):
        """Return what every report says of its cells: counts, failures, costs."""
        cost = cells, self.cost_by, self.costs, self.titles, self.digits
        return {
            "count": count_line(cells),
            "failures": failure_block(cells, self.titles),
            "costs": cost_block(*cost),
        }


# --- Numbers -------------------------------------------------------------------------


def score_frame(cells, by, metrics, column="scores"):
    """Return scores, a row a cell and a column a metric; NaN: failed."""
    values = [[s.get(name, np.nan) for name in metrics] for s in cells[column]]
    return pd.DataFrame(
        values,
        columns=pd.Index(metrics, name="metric"),
        index=pd.MultiIndex.from_frame(cells[[*by, "method", "fold"]]),
    )


def mean_table(scores, by, spread="se"):
    """Average scores, as :func:`score_frame` gives them, over the runs.

    A row for each setting, metric and method, with mean and spread (``'se'`` of the
    mean or ``'std'`` of the runs) over the runs that did not fail, and their numbers.
    """
    is_failed = scores.isna().all(axis=1)
    # What only some settings or methods have is no failure.
    is_told = scores.notna().where(~is_failed, True).stack(future_stack=True)
    groups = scores.stack(future_stack=True)[is_told].groupby(
        [*by, "metric", "method"], sort=False
    )
    function = {"se": "sem", "std": "std"}[spread]
    table = groups.agg(["mean", function, "count", "size"])
    table["n_failed"] = table["size"] - table["count"]
    table = table.rename(columns={function: spread, "count": "n_runs"})
    return table[["mean", spread, "n_runs", "n_failed"]].reset_index()


def signed_rank_p(difference):
    """Return the p-value of Wilcoxon's signed-rank test; 1 if nothing differs."""
    told = difference[difference != 0]
    return float(wilcoxon(told).pvalue) if len(told) else 1.0


def describe_lead(lead):
    """Describe by how much one method is ahead of another, run by run.

    ``lead`` has a difference a run, none of them NaN, at least one. Wilcoxon's
    signed-rank test is two-sided.
    """
    return {
        "difference": lead.mean(),
        "se": sem(lead) if len(lead) > 1 else np.nan,
        "p_value": signed_rank_p(lead),
        "won": int((lead > 0).sum()),
        "lost": int((lead < 0).sum()),
        "n_runs": len(lead),
    }


def difference_table(scores, by, duels):
    """Compare methods with others, run by run; runs where either failed are left out.

    ``duels`` says from whom, among those that were run, which others are subtracted.
    """
    rows = []
    for key, part in scores.groupby(level=by, sort=False):
        run = set(part.index.unique("method"))
        where = dict(zip(by, key, strict=True))
        pairs = [(a, b) for a, others in duels.items() for b in others if a != b]
        for first, other in pairs:
            if not {first, other} <= run:
                continue
            for metric in scores:
                by_run = part[metric].unstack("method")
                lead = (by_run[first] - by_run[other]).dropna()
                if not lead.empty:
                    who = {"first": first, "minus": other, "metric": metric}
                    rows.append(where | who | describe_lead(lead))
    columns = [*by, "first", "minus", "metric", *LEAD_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def keys_of(table, by):
    """Return the settings of a table, in its order."""
    return list(table[by].drop_duplicates().itertuples(index=False, name=None))


def pick(table, by, key):
    """Return the rows of one setting."""
    return table[(table[by] == list(key)).all(axis=1)]


# --- Text ----------------------------------------------------------------------------


def with_error(row):
    """Print mean and standard error; a star says that some runs failed.

    Examples
    --------
    >>> with_error({"mean": 0.91234, "se": 0.0051, "n_runs": 9, "n_failed": 1})
    '0.912 ± 0.005*'
    >>> with_error({"mean": float("nan"), "n_runs": 0, "n_failed": 10})
    'failed'
    """
    if row["n_runs"] == 0:
        return "failed"
    error = f" ± {row['se']:.3f}" if row["n_runs"] > 1 else ""
    return f"{row['mean']:.3f}{error}{'*' if row['n_failed'] else ''}"


def print_lead(row):
    """Print a difference and its standard error, and the runs with either sign.

    Examples
    --------
    >>> row = {"difference": -0.1234, "se": 0.01, "won": 1, "lost": 4}
    >>> print_lead(row)
    '-0.123 ± 0.010 (1-4)'
    """
    error = "" if pd.isna(row["se"]) else f" ± {row['se']:.3f}"
    return f"{row['difference']:+.3f}{error} ({row['won']}-{row['lost']})"


def lay_out(part, methods, metrics, titles, print_row=with_error):
    """Print means of one setting, a row a method and a column a metric.

    Methods are in the order given; those that were not run are left out.
    """
    told = part[part["metric"].isin(list(metrics))]
    printed = told.assign(text=told.apply(print_row, axis=1))
    table = printed.pivot(index="method", columns="metric", values="text")
    rows = [name for name in methods if name in table.index]
    table = table.reindex(index=rows, columns=list(metrics))
    table = table.rename(columns=metrics, index=titles)
    return table.rename_axis(index="method", columns=None)


def span(counts):
    """Print the least and the largest of some whole numbers.

    Examples
    --------
    >>> span([7, 3, 5]), span([4, 4])
    ('3 to 7', '4')
    """
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"


def count_line(cells):
    """Say how many cells there are."""
    n_failed = (cells["status"] == "failed").sum()
    return f"{len(cells)} cells, {n_failed} of them failed."


def failure_block(cells, titles):
    """List the failed cells, those with one reason together."""
    failed = cells[cells["status"] == "failed"]
    groups = failed.groupby(["dataset", "method", "error"], sort=False)["fold"]
    lines = [
        f"- {dataset}, {titles[method]}, seeds {', '.join(map(str, seeds))}: {error}"
        for (dataset, method, error), seeds in groups
    ]
    return "\n".join(lines) or "None."


def cost_block(cells, by, columns, titles, digits=2):
    """Print means of what the cells that did not fail took.

    The first column of ``by`` names the rows; ``columns`` are those of the cells, by
    what the table calls them.
    """
    done = finished(cells)
    if done.empty:
        return "No cell has finished."
    table = done.groupby([*by, "method"], sort=False)[list(columns)].agg(
        lambda column: column.astype(float).mean()
    )
    table = table.reset_index().rename(columns=columns)
    table["method"] = table["method"].map(titles)
    return to_markdown(table.set_index(by[0]), digits)


def row_table(cells, **more):
    """Classes and rows of every run, and what ``more`` columns print of it."""
    runs = with_rows(cells, "n_train_majority", "majority", "minority")
    runs = list(runs.drop_duplicates(["dataset", "fold"]).itertuples())
    columns = {
        "data": lambda run: run.dataset,
        "seed": lambda run: run.fold,
        "majority": lambda run: run.majority,
        "minority": lambda run: run.minority,
        "training rows": lambda run: f"{run.n_train_majority} + {run.n_train_minority}",
        "test rows": lambda run: f"{run.n_test_majority} + {run.n_test_minority}",
        **more,
    }
    table = {name: [text(run) for run in runs] for name, text in columns.items()}
    return pd.DataFrame(table).set_index("data")
