"""What was run, and how the methods stand."""

import numpy as np
import pandas as pd

from imbdeep_bench.report.document import Bullets, Paragraph, Section, make_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.sections.choices import (
    headline_metrics,
    order_by_rank,
    suite_name,
)
from imbdeep_bench.report.sections.text import best_in_rows, join, number
from imbdeep_bench.report.tables import mean_table, rank_sums, rank_table


def summary_section(cells):
    """What was run, and how the methods stand."""
    run, headline = cells.run, headline_metrics(cells)
    n_finished = int((cells.cells["status"] == "ok").sum())
    n_missing = cells.n_expected - len(cells.cells)
    facts = [
        f"Suite: {suite_name(cells)}.",
        f"Protocol: {run.get('protocol') or 'not recorded'}, {len(cells.folds)} folds "
        f"a set; preset: {run.get('preset') or 'none'}; "
        f"seed: {run.get('seed', 'not recorded')}.",
        f"{len(cells.dataset_names)} data sets: "
        f"{join(map(cells.label, cells.dataset_names)) or 'none'}.",
        f"{len(cells.methods)} methods: {join(cells.methods) or 'none'}.",
        f"{n_finished} cells finished, {len(cells.cells) - n_finished} failed.",
    ]
    if n_missing > 0:
        facts.append(
            f"The grid is incomplete: {n_missing} of {cells.n_expected} cells are "
            "missing. Everything below uses only folds that every method has run."
        )
    if cells.missing_datasets:
        facts.append(f"Missing data sets, not run: {join(cells.missing_datasets)}.")
    blocks = [Bullets(facts + version_notes(cells))]
    if not headline:
        blocks.append(
            Paragraph(
                "No main metric can be compared: none was recorded in a fold that "
                "every method has run."
            )
        )
        return Section("Summary", blocks)
    blocks.append(headline_table(cells, headline))
    blocks.append(rank_sum_table(cells, headline))
    return Section("Summary", [block for block in blocks if block is not None])


def version_notes(cells):
    """Say which packages differ in version between cells; nothing if none does."""
    seen = {}
    for versions in [cells.run.get("versions") or {}, *cells.cells["versions"]]:
        for package, version in versions.items():
            seen.setdefault(package, set()).add(str(version))
    differing = [
        f"{package} {', '.join(sorted(seen[package]))}"
        for package in sorted(seen)
        if len(seen[package]) > 1
    ]
    if not differing:
        return []
    return [
        "Versions differ between cells: "
        + "; ".join(differing)
        + ". Differences between methods may be differences between versions."
    ]


def headline_table(cells, headline):
    """Average rank and mean of the main metrics, a row a method."""
    methods = order_by_rank(cells, headline)
    ranks = rank_table(cells, headline).loc[methods]
    columns, bold = {}, []
    for metric in headline:
        info, table = metric_info(metric), mean_table(cells, metric)
        n_sets = len(table.mean)
        means = table.mean.mean().reindex(methods)
        n_used = table.mean.notna().sum().reindex(methods, fill_value=0)
        whole = means.where(n_used == n_sets)
        columns[f"{info.label}: rank"] = [number(rank, 2) for rank in ranks[metric]]
        columns[f"{info.label}: mean"] = [
            number(mean) + (f" ({used}/{n_sets})" if 0 < used < n_sets else "")
            for mean, used in zip(means, n_used, strict=True)
        ]
        bold.append(best_in_rows(ranks[[metric]].T, False).to_numpy()[0])
        bold.append(
            best_in_rows(whole.to_frame().T, info.greater_is_better).to_numpy()[0]
        )
    return make_table(
        "Average rank over the data sets (1 is best) and mean score. A set on which a "
        "method failed ranks it last; such sets are not in its mean, and (sets "
        "used/all) says so. Lower is better for balanced Brier and log loss.",
        pd.DataFrame(columns, index=methods),
        np.column_stack(bold),
        corner="method",
    )


def rank_sum_table(cells, metrics):
    """Sums of ranks for the ReMix paper's two metrics and average precision."""
    wanted = ("average_precision", "g_mean", "balanced_brier")
    metrics = [metric for metric in wanted if metric in metrics]
    if not metrics:
        return None
    sums = rank_sums(cells, metrics)
    sums = sums.loc[order_by_rank(cells, metrics)]
    return make_table(
        "Sum of ranks over the data sets, lower is better.",
        sums.map(lambda value: number(value, 1)).rename(
            columns=lambda metric: metric_info(metric).label
        ),
        best_in_rows(sums.T, False).T,
        corner="method",
    )
