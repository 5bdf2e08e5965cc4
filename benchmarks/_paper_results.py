"""What cells say: means, and differences of two methods run by run."""

import numpy as np
import pandas as pd
from _store import read_records
from scipy.stats import sem, wilcoxon

KEY = ["dataset", "method", "fold"]
LEAD_COLUMNS = ["difference", "se", "p_value", "won", "lost", "n_runs"]


def read_complete_cells(path, command, order):
    """Read the runs that every method of a data set has been through.

    A run that was stopped so still compares like with like.

    Parameters
    ----------
    path : Path
    command : str
        What computes the file, for the message.
    order : dict of str to list
        The columns to sort by; where a list is not empty, its values in their order.

    Returns
    -------
    cells : DataFrame
        A row a cell, the last one if it was tried more than once.

    Raises
    ------
    ValueError
        If there is no such file, or no run to compare in it.
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


def with_rows(cells, *columns):
    """Leave out cells that do not say what rows they had: their worker died.

    Parameters
    ----------
    cells : DataFrame
    *columns : str
        What a cell records of its rows.
    """
    if columns[0] not in cells:
        return cells[:0].assign(**dict.fromkeys(columns))
    known = cells[columns[0]].notna()
    if known.all():
        return cells
    kept = cells[known]
    # Numbers of rows have become floats beside those that are missing.
    whole = [c for c in kept.select_dtypes("float") if (kept[c] % 1 == 0).all()]
    return kept.astype(dict.fromkeys(whole, int))


def average_runs(scores, by):
    """Average over the runs.

    Parameters
    ----------
    scores : Series
        A score a cell, NaN where it failed.
    by : list of str
        Levels of its index that tell groups apart.

    Returns
    -------
    table : DataFrame
        A row a group, with ``mean`` and its standard error ``se`` over the runs that
        did not fail, and their numbers ``n_runs`` and ``n_failed``.
    """
    table = scores.groupby(by, sort=False).agg(["mean", "sem", "count", "size"])
    table["n_failed"] = table["size"] - table["count"]
    table = table.rename(columns={"sem": "se", "count": "n_runs"})
    return table[["mean", "se", "n_runs", "n_failed"]].reset_index()


def signed_rank_p(difference):
    """Return the p-value of Wilcoxon's signed-rank test; 1 if nothing differs."""
    told = difference[difference != 0]
    return float(wilcoxon(told).pvalue) if len(told) else 1.0


def describe_lead(lead):
    """Describe by how much one method is ahead of another, run by run.

    Parameters
    ----------
    lead : Series
        A difference a run, none of them NaN, at least one.

    Returns
    -------
    row : dict
        Mean ``difference``, its ``se``, ``p_value`` of Wilcoxon's signed-rank test,
        two-sided, and how many of ``n_runs`` were ``won`` and ``lost``.
    """
    return {
        "difference": lead.mean(),
        "se": sem(lead) if len(lead) > 1 else np.nan,
        "p_value": signed_rank_p(lead),
        "won": int((lead > 0).sum()),
        "lost": int((lead < 0).sum()),
        "n_runs": len(lead),
    }


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
