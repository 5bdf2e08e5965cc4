"""Tables of means and differences, as reports print them."""

import pandas as pd
from _explicit_gradient.markdown import to_markdown
from _paper_results import with_error, with_rows

from _crowds.published import TITLES, scores_beside
from _crowds.results import CROWD


def crowd_name(data, n_workers, crowd):
    """Name a data set and its crowd in a heading.

    Examples
    --------
    >>> crowd_name("usps", 9, "alike")
    'usps, 9 workers alike'
    """
    return f"{data}, {n_workers} workers {crowd}"


def span(counts):
    """Print the least and the largest of some whole numbers.

    Examples
    --------
    >>> span([7, 3, 5]), span([4, 4])
    ('3 to 7', '4')
    """
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"


def pick_crowd(table, key):
    """Return the rows of one data set and crowd."""
    return table[(table[CROWD] == list(key)).all(axis=1)]


def lay_out(part, metrics, titles):
    """Print means, a row a method and a column a metric, in the order of ``titles``.

    Parameters
    ----------
    part : DataFrame
        Rows of :func:`~_crowds.results.mean_table`, of one crowd.
    metrics : dict of str to str
        Their names in the table.
    titles : dict of str to str
        Of the methods.
    """
    told = part[part["metric"].isin(list(metrics))]
    printed = told.assign(text=told.apply(with_error, axis=1))
    table = printed.pivot(index="method", columns="metric", values="text")
    rows = [name for name in titles if name in table.index]
    table = table.reindex(index=rows, columns=list(metrics))
    table = table.rename(columns=metrics, index=titles)
    return table.rename_axis(index="method", columns=None)


def best_first(part, metric):
    """Return the methods by their mean, best first; one that failed comes last."""
    means = part[part["metric"] == metric].set_index("method")
    means = means["mean"].where(means["n_failed"] == 0)
    return means.sort_values(ascending=False, kind="stable").index.tolist()


def put_published_beside(table, key, methods, metrics, number):
    """Put published scores beside those measured, and other methods below them.

    Parameters
    ----------
    table : DataFrame
        As :func:`lay_out` prints it.
    key : tuple
        Data set, number of workers, kind of crowd.
    methods : dict of str to Method
    metrics : dict of str to str
        Those that were published.
    number : {'3.2', '3.3'}
        Of the published table.

    Returns
    -------
    table : DataFrame
        As it was, where nothing was published.
    """
    data, _, crowd = key
    published = scores_beside(number, data, crowd)
    if published is None:
        return table
    title_of = {m.published: m.title for m in methods.values() if m.published}
    published = published.rename(title_of)
    others = [name for name in published.index if name not in table.index]
    table = table.reindex([*table.index, *others])
    for metric, title in metrics.items():
        column = published[metric].reindex(table.index)
        place = table.columns.get_loc(title) + 1
        printed = column.map("{:.4f}".format, na_action="ignore")
        table.insert(place, f"{title}, {TITLES[data]}", printed)
    return table.rename_axis(index="method")


def duel_table(part, order, metrics, titles):
    """Print how far a method is ahead of every other one of one crowd."""
    columns = {}
    for metric, title in metrics.items():
        rows = part[part["metric"] == metric].set_index("minus")
        rows = rows.loc[[name for name in order if name in rows.index]]
        columns[title] = [
            f"{row.difference:+.3f}" + (f" ± {row.se:.3f}" if row.n_runs > 1 else "")
            for row in rows.itertuples()
        ]
        columns[f"{title}, won - lost"] = [
            f"{row.won} - {row.lost}" for row in rows.itertuples()
        ]
        columns[f"{title}, p"] = rows["p_value"].map("{:.2g}".format).to_list()
    index = pd.Index([titles[name] for name in rows.index], name="minus")
    return pd.DataFrame(columns, index=index)


def row_table(cells):
    """Classes, rows and the difficulty net of every run, and how workers erred."""
    runs = with_rows(cells, "group_rows", "majority", "minority", "error_rates")
    runs = runs.drop_duplicates(["dataset", "fold"])
    return pd.DataFrame(
        {
            "data": runs["dataset"],
            "seed": runs["fold"],
            "majority": runs["majority"],
            "minority": runs["minority"],
            "training rows": [
                f"{run.n_train_majority} + {run.n_train_minority}"
                for run in runs.itertuples()
            ],
            "test rows": [
                f"{run.n_test_majority} + {run.n_test_minority}"
                for run in runs.itertuples()
            ],
            "wrong annotations": [
                f"{min(rates):.2f} to {max(rates):.2f}" for rates in runs["error_rates"]
            ],
            "rows by certainty": [
                " / ".join(map(str, counts)) for counts in runs["group_rows"]
            ],
            "difficulty net": [
                f"{run.difficulty_accuracy:.3f} after {run.difficulty_epochs}"
                for run in runs.itertuples()
            ],
        }
    ).set_index("data")


def cost_table(cells, titles):
    """Mean seconds of fits, and of cells with all that is around them."""
    finished = cells[cells["status"] == "ok"]
    seconds = finished.groupby(["dataset", "method"], sort=False)[
        ["fit_seconds", "cell_seconds"]
    ].agg(lambda column: column.astype(float).mean())
    seconds = seconds.reset_index("method")
    seconds["method"] = seconds["method"].map(titles)
    return seconds.set_axis(["method", "fit [s]", "cell [s]"], axis=1)


def cost_block(cells, titles):
    """Say what the cells that did not fail took."""
    if not (cells["status"] == "ok").any():
        return "No cell has finished."
    return to_markdown(cost_table(cells, titles), digits=2)


def convergence_line(cells, titles):
    """Say how often iterations of a method ended before they converged."""
    finished = cells[cells["status"] == "ok"]
    told = []
    for name, part in finished.groupby("method", sort=False):
        n_stopped = (~part["converged"].astype(bool)).sum()
        if n_stopped:
            told.append(f"{titles[name]} in {n_stopped} of {len(part)} cells")
    if not told:
        return "All iterations of Dawid and Skene's model and of LR converged."
    return f"Iterations of the model or of LR did not converge: {', '.join(told)}."


def count_line(cells):
    """Say how many cells there are."""
    n_failed = (cells["status"] == "failed").sum()
    return f"{len(cells)} cells, {n_failed} of them failed."
