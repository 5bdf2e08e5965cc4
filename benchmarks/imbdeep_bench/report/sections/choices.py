"""Which metrics, methods and data sets a section speaks of, and in which order."""

from imbdeep_bench.report.cells import independent_blocks
from imbdeep_bench.report.metrics import HEADLINE_METRICS, METRICS
from imbdeep_bench.report.tables import mean_table, rank_table

CONTROL = "net"
SUITE_NAMES = {
    "imblearn27": "27 imbalanced-learn sets",
    "embedded": "embedded suite (scikit-learn's own data), not the 27 sets",
}


def suite_name(cells):
    """Name the suite; a run on some of its sets does not pass for the whole."""
    suite = cells.run.get("suite")
    if suite is None:
        return "suite not recorded"
    name, n_sets = SUITE_NAMES.get(suite, f"suite {suite!r}"), len(cells.dataset_names)
    return f"{n_sets} of the {name}" if suite == "imblearn27" and n_sets < 27 else name


def report_title(cells):
    """Name the suite in the title, so that nobody takes one for another."""
    return f"Benchmark of methods for imbalanced learning: {suite_name(cells)}"


def recorded_metrics(cells):
    """Return the known metrics of which a comparable score exists, in order."""
    found = set(cells.scores["metric"])
    return [m for m in METRICS if m in found and not mean_table(cells, m).mean.empty]


def headline_metrics(cells):
    """Return the recorded ones of the metrics that the summary and tests speak of."""
    recorded = recorded_metrics(cells)
    return [metric for metric in HEADLINE_METRICS if metric in recorded]


def order_by_rank(cells, metrics):
    """Return the methods with the best average rank of the first metric first."""
    if not metrics:
        return cells.methods
    ranks = rank_table(cells, metrics[:1])[metrics[0]]
    return list(ranks.sort_values(kind="stable", na_position="last").index)


def control_method(cells):
    """Return the method to compare with: the plain net, else the first."""
    methods = cells.methods
    return CONTROL if CONTROL in methods else next(iter(methods), None)


def source_choices(cells):
    """Name the sets to test on: all, and independent sources where these differ."""
    independent = independent_blocks(cells)
    choices = {"all sets": cells.dataset_names}
    if independent != cells.dataset_names:
        choices["independent sources"] = independent
    return choices


def means_on(cells, metric, datasets):
    """Return the table of means restricted to some sets."""
    mean = mean_table(cells, metric).mean
    return mean[mean.index.isin(datasets)]
