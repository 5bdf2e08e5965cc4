"""What was run, and how the methods stand."""

import numpy as np
import pandas as pd

from imbdeep_bench.report.document import Bullets, Paragraph, Section, make_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.sections import choices
from imbdeep_bench.report.sections.text import WORDS, best_in_rows, join, number
from imbdeep_bench.report.tables import mean_table, rank_sums, rank_table

SAY = WORDS["summary"]


def summary_section(cells):
    """What was run, and how the methods stand."""
    headline = choices.headline_metrics(cells)
    blocks = [Bullets(facts_of_run(cells) + version_notes(cells))]
    if not headline:
        blocks.append(Paragraph(SAY["nothing"]))
        return Section("Summary", blocks)
    blocks.append(headline_table(cells, headline))
    return Section("Summary", blocks + rank_sum_tables(cells, headline))


def facts_of_run(cells):
    """Say what was run, and what is missing."""
    run, names = cells.run, cells.dataset_names
    n_finished = int((cells.cells["status"] == "ok").sum())
    n_missing = cells.n_expected - len(cells.cells)
    facts = [
        f"Suite: {choices.suite_name(cells)}.",
        f"Protocol: {run.get('protocol') or 'not recorded'}, {len(cells.folds)} folds "
        f"a set; preset: {run.get('preset') or 'none'}; "
        f"seed: {run.get('seed', 'not recorded')}.",
        f"{len(names)} data sets: {join(map(cells.label, names)) or 'none'}.",
        f"{len(cells.methods)} methods: {join(cells.methods) or 'none'}.",
        f"{n_finished} cells finished, {len(cells.cells) - n_finished} failed.",
    ]
    if n_missing > 0:
        told = SAY["incomplete"].format(missing=n_missing, expected=cells.n_expected)
        facts.append(told)
    if cells.missing_datasets:
        facts.append(f"Missing data sets, not run: {join(cells.missing_datasets)}.")
    return facts


def version_notes(cells):
    """Say which packages differ in version between cells; nothing if none does."""
    seen = {}
    for versions in [cells.run.get("versions") or {}, *cells.cells["versions"]]:
        for package, version in versions.items():
            seen.setdefault(package, set()).add(str(version))
    differing = [
        f"{package} {join(sorted(found))}"
        for package, found in sorted(seen.items())
        if len(found) > 1
    ]
    told = SAY["versions"].format(differing="; ".join(differing))
    return [told] if differing else []


def headline_table(cells, headline):
    """Average rank and mean of the main metrics, a row a method."""
    methods = choices.order_by_rank(cells, headline)
    ranks = rank_table(cells, headline).loc[methods]
    columns, bold = {}, []
    for metric in headline:
        info, table = metric_info(metric), mean_table(cells, metric)
        n_sets = len(table.mean)
        means = table.mean.mean().reindex(methods)
        n_used = table.mean.notna().sum().reindex(methods, fill_value=0)
        whole = means.where(n_used == n_sets).to_frame()
        columns[f"{info.label}: rank"] = [number(rank, 2) for rank in ranks[metric]]
        columns[f"{info.label}: mean"] = [
            number(mean) + (f" ({used}/{n_sets})" if 0 < used < n_sets else "")
            for mean, used in zip(means, n_used, strict=True)
        ]
        bold.append(best_in_rows(ranks[[metric]].T, False).to_numpy()[0])
        bold.append(best_in_rows(whole.T, info.greater_is_better).to_numpy()[0])
    frame = pd.DataFrame(columns, index=methods)
    return make_table(SAY["ranks"], frame, np.column_stack(bold), corner="method")


def rank_sum_tables(cells, metrics):
    """Sums of ranks for the ReMix paper's two metrics and average precision."""
    wanted = ("average_precision", "g_mean", "balanced_brier")
    metrics = [metric for metric in wanted if metric in metrics]
    if not metrics:
        return []
    sums = rank_sums(cells, metrics).loc[choices.order_by_rank(cells, metrics)]
    texts = sums.map(lambda value: number(value, 1))
    texts = texts.rename(columns=lambda metric: metric_info(metric).label)
    words = "Sum of ranks over the data sets, lower is better."
    return [make_table(words, texts, best_in_rows(sums.T, False).T, corner="method")]
