"""Friedman's and Wilcoxon's tests, tests on single sets, and diagrams."""

import numpy as np
import pandas as pd

from imbdeep.reporting import (
    corrected_resampled_ttest,
    friedman_iman_davenport,
    wilcoxon_holm,
)
from imbdeep.reporting._significance import why_not_testable
from imbdeep_bench.report.document import Paragraph, Picture, Section, make_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.plots import plot_critical_difference
from imbdeep_bench.report.sections import choices
from imbdeep_bench.report.sections.choices import control_method, order_by_rank
from imbdeep_bench.report.sections.text import NOTHING, WORDS, number, p_value
from imbdeep_bench.report.tables import mean_table

LEVEL = 0.05
SAY = WORDS["significance"]


def significance_section(cells):
    """Friedman, Wilcoxon with Holm, and tests on single sets."""
    metrics = choices.headline_metrics(cells)
    title = "Tests of significance"
    if not metrics:
        return Section(title, [Paragraph("Not computed: there are no scores.")])
    blocks = [
        Paragraph(SAY["blocks"]),
        *friedman_blocks(cells, metrics),
        *wilcoxon_blocks(cells, metrics),
        *pairwise_blocks(cells, metrics[0]),
        *ttest_blocks(cells, metrics[0]),
        *diagram_blocks(cells, metrics),
    ]
    return Section(title, blocks)


def friedman_blocks(cells, metrics):
    """Friedman's test with Iman and Davenport's correction, a row a metric."""
    rows, labels, reasons = [], [], {}
    for metric in metrics:
        info = metric_info(metric)
        for choice, datasets in choices.source_choices(cells).items():
            mean = choices.means_on(cells, metric, datasets)
            if reason := why_not_testable(mean, min_methods=3):
                reasons.setdefault(f"{choice}: {reason}", None)
                continue
            told = {"greater_is_better": info.greater_is_better}
            rows.append(friedman_row(choice, friedman_iman_davenport(mean, **told)))
            labels.append(info.label)
    blocks = [
        Paragraph(f"Friedman's test was not computed for {reason}")
        for reason in reasons
    ]
    if rows:
        table = pd.DataFrame(rows, index=labels)
        blocks.insert(0, make_table(SAY["friedman"], table, corner="metric"))
    return blocks


def friedman_row(choice, result):
    """Print one result of Friedman's test."""
    return {
        "sets": f"{choice} ({result.n_datasets})",
        "methods": f"{result.n_methods}",
        "chi²": number(result.chi2, 2),
        "p (chi²)": p_value(result.chi2_p_value),
        "F": number(result.f, 2) if np.isfinite(result.f) else "infinite",
        "p (F)": p_value(result.f_p_value),
    }


def wilcoxon_blocks(cells, metrics):
    """Wilcoxon's test of each method against the control, adjusted by Holm."""
    control, blocks = control_method(cells), []
    for choice, datasets in choices.source_choices(cells).items():
        columns, bold, reasons = {}, {}, {}
        for metric in metrics:
            info = metric_info(metric)
            mean = choices.means_on(cells, metric, datasets)
            reason = why_not_testable(mean)
            if control not in mean.columns:
                reason = f"{control} has no {info.label}."
            if reason:
                reasons.setdefault(reason, None)
                continue
            up = info.greater_is_better
            result = wilcoxon_holm(mean, control, greater_is_better=up)
            result = result.set_index("method")
            columns[info.label] = result.apply(comparison_text, axis=1)
            bold[info.label] = result["p_holm"] < LEVEL
        blocks += [
            Paragraph(f"Wilcoxon's test was not computed ({choice}): {reason}")
            for reason in reasons
        ]
        if columns:
            methods = [m for m in order_by_rank(cells, metrics) if m != control]
            frame = pd.DataFrame(columns).reindex(methods).fillna(NOTHING)
            marks = pd.DataFrame(bold).reindex(methods).eq(True)
            told = {"control": control, "choice": choice, "level": LEVEL}
            caption = SAY["wilcoxon"].format(**told)
            blocks.append(make_table(caption, frame, marks, corner="method"))
    return blocks


def comparison_text(row):
    """Print wins, losses, ties and p-value of one comparison."""
    ties = f"-{row['ties']}" if row["ties"] else ""
    return f"{row['wins']}-{row['losses']}{ties}, p {p_value(row['p_holm'])}"


def pairwise_blocks(cells, metric):
    """Holm-adjusted p-values of all pairs of methods, by the first metric."""
    info = metric_info(metric)
    mean = mean_table(cells, metric).mean
    if why_not_testable(mean, min_methods=3):
        return []
    methods = [m for m in order_by_rank(cells, [metric]) if m in mean.columns]
    result = wilcoxon_holm(mean, greater_is_better=info.greater_is_better)
    one_way = result.pivot(index="method", columns="against", values="p_holm")
    one_way = one_way.reindex(index=methods, columns=methods)
    matrix = one_way.fillna(one_way.T)
    texts = matrix.map(lambda p: NOTHING if np.isnan(p) else p_value(p))
    caption = SAY["pairs"].format(label=info.label, n=len(result), level=LEVEL)
    return [make_table(caption, texts, matrix < LEVEL, corner="method")]


def ttest_blocks(cells, metric):
    """Count the sets on which a method differs from the control."""
    info, control = metric_info(metric), control_method(cells)
    table = mean_table(cells, metric)
    if control not in table.mean.columns or (table.n_folds < 2).all():
        return [Paragraph(SAY["no_single"].format(control=control))]
    rows = {
        name: verdict_counts(cells, table, name, control)
        for name in order_by_rank(cells, [metric])
        if name in table.mean.columns and name != control
    }
    if not rows:
        return []
    caption = SAY["single"].format(control=control, label=info.label, level=LEVEL)
    return [make_table(caption, pd.DataFrame(rows).T, corner="method")]


def verdict_counts(cells, table, method, control):
    """Count the sets on which the method is better or worse than the control."""
    counts = dict.fromkeys(("better", "worse", "undecided", "not tested"), 0)
    scores = cells.paired_scores[table.metric].unstack("method")
    n_rows = cells.cells.astype({"n_train": "float64", "n_test": "float64"})
    n_rows = n_rows.groupby("dataset")[["n_train", "n_test"]].mean()
    gains = scores[method] - scores[control]
    if not metric_info(table.metric).greater_is_better:
        gains = -gains
    for dataset in table.mean.index:
        counts[verdict(gains.loc[dataset], *n_rows.loc[dataset])] += 1
    return {name: f"{n_sets}" for name, n_sets in counts.items()}


def verdict(gains, n_train, n_test):
    """Say what the corrected resampled t-test makes of one set's gains."""
    if len(gains) < 2 or gains.isna().any() or not (n_train > 0 and n_test > 0):
        return "not tested"
    result = corrected_resampled_ttest(gains, n_train, n_test)
    if result.p_value >= LEVEL:
        return "undecided"
    return "better" if result.statistic > 0 else "worse"


def diagram_blocks(cells, metrics):
    """Critical-difference diagrams."""
    blocks = []
    for metric in metrics:
        if why_not_testable(mean_table(cells, metric).mean, min_methods=3):
            continue
        caption = SAY["diagram"].format(label=metric_info(metric).label, level=LEVEL)
        figure = plot_critical_difference(cells, metric, alpha=LEVEL)
        blocks.append(Picture(f"critical_difference_{metric}", figure, caption))
    return blocks or [Paragraph(SAY["no_diagram"])]
