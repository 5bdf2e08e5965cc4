"""Tables of accuracies, as reports print them: in percent, as the dissertation does."""

import pandas as pd
from _explicit_gradient.markdown import to_markdown

from _robust.published import published_table, title_of
from _robust.results import AGREEMENT

# The four columns of every table of the dissertation.
FOUR = {
    "standard_overall": "standard, overall",
    "standard_under": "standard, under",
    "robust_overall": "robust, overall",
    "robust_under": "robust, under",
}


def percent(mean, std):
    """Print a mean and a standard deviation as the dissertation does.

    Examples
    --------
    >>> percent(0.63264, 0.0059), percent(0.5, float("nan"))
    ('63.26 ± 0.59', '50.00')
    """
    spread = "" if pd.isna(std) else f" ± {100 * std:.2f}"
    return f"{100 * mean:.2f}{spread}"


def with_spread(row):
    """Print mean and standard deviation; a star says that some runs failed.

    Examples
    --------
    >>> with_spread({"mean": 0.5, "std": 0.01, "n_runs": 4, "n_failed": 1})
    '50.00 ± 1.00*'
    >>> with_spread({"mean": float("nan"), "std": 0, "n_runs": 0, "n_failed": 5})
    'failed'
    """
    if row["n_runs"] == 0:
        return "failed"
    star = "*" if row["n_failed"] else ""
    return percent(row["mean"], row["std"]) + star


def heading(data, imbalance, norm, eps):
    """Name a setting.

    Examples
    --------
    >>> heading("usps", "step-10", "linf", 0.15)
    'usps, step-10, linf 0.15'
    """
    return f"{data}, {imbalance}, {norm} {eps:.3g}"


def lay_out(part, methods, metrics, titles):
    """Print means, a row a method and a column a metric.

    Parameters
    ----------
    part : DataFrame
        Rows of :func:`~_robust.results.mean_table`, of one setting.
    methods : list of str
        In the order of the table; those that were not run are left out.
    metrics : dict of str to str
        Their names in the table.
    titles : dict of str to str
        Of the methods.
    """
    printed = part.assign(text=part.apply(with_spread, axis=1))
    table = printed.pivot(index="method", columns="metric", values="text")
    rows = [name for name in methods if name in table.index]
    table = table.reindex(index=rows, columns=list(metrics))
    table = table.rename(columns=metrics, index=titles)
    return table.rename_axis(index="method", columns=None)


def chapter_table(part, key, chapter, methods):
    """Print a table as a chapter has it, with the published one on its right.

    Parameters
    ----------
    part : DataFrame
        Rows of :func:`~_robust.results.mean_table`, of one setting.
    key : tuple
        Data set, imbalance, norm, radius.
    chapter : {4, 5}
    methods : dict of str to Method
        Those of the chapter.

    Returns
    -------
    number : str or None
        Of the published table.
    table : DataFrame
    """
    titles = {name: method.title for name, method in methods.items()}
    table = lay_out(part, methods, FOUR, titles)
    number, published = published_table(chapter, *key[:3])
    if number is None:
        return None, table
    name_of = {m.title: m.published.get(chapter) for m in methods.values()}
    for metric, title in FOUR.items():
        table[f"{title}, {title_of(key[0])}"] = [
            f"{published.at[(name_of[row], metric), 'mean']:.2f} ± "
            f"{published.at[(name_of[row], metric), 'std']:.2f}"
            if (name_of[row], metric) in published.index
            else "-"
            for row in table.index
        ]
    return number, table


def duel_table(part, metrics, titles):
    """Print how far methods are ahead of others, in percent."""
    told = part[part["metric"].isin(list(metrics))]
    pairs = told[["first", "minus"]].drop_duplicates()
    lines = {}
    for first, minus in pairs.itertuples(index=False, name=None):
        rows = told[(told["first"] == first) & (told["minus"] == minus)]
        rows = rows.set_index("metric")
        line = {}
        for metric, title in metrics.items():
            row = rows.loc[metric]
            error = "" if pd.isna(row["se"]) else f" ± {100 * row['se']:.2f}"
            line[title] = (
                f"{100 * row['difference']:+.2f}{error} ({row['won']}-{row['lost']}, "
                f"p {row['p_value']:.2g})"
            )
        lines[f"{titles[first]} - {titles[minus]}"] = line
    return pd.DataFrame(lines).T.rename_axis("difference")


def agreement_block(part, titles):
    """Print accuracies under the attacks, and how often they do not agree."""
    table = part.set_index("method")[list(AGREEMENT)].mul(100)
    table = table.rename(columns=AGREEMENT, index=titles)
    return to_markdown(table.rename_axis("method"), digits=2)


def cost_block(cells, by, titles):
    """Print mean seconds of the fits and of whole cells that did not fail."""
    finished = cells[cells["status"] == "ok"]
    if finished.empty:
        return "No cell has finished."
    seconds = finished.groupby([*by, "method"], sort=False)[
        ["fit_seconds", "cell_seconds"]
    ].agg(lambda column: column.astype(float).mean())
    seconds = seconds.reset_index()
    seconds["method"] = seconds["method"].map(titles)
    seconds = seconds.rename(
        columns={"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"}
    )
    return to_markdown(seconds.set_index(by[0]), digits=1)


def count_line(cells):
    """Say how many cells there are."""
    n_failed = (cells["status"] == "failed").sum()
    return f"{len(cells)} cells, {n_failed} of them failed."
