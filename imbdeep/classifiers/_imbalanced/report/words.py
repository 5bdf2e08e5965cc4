"""What a decision does to a thousand rows, in words."""

import numpy as np

from imbdeep.classifiers._imbalanced.report.honesty import least_sure, share_too_sure

# Of rows: their clipping is said.
_MANY = 0.05


def rounded(value):
    """A number of rows, of a thousand.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.report.words import rounded
    >>> rounded(812.4), rounded(9.62), rounded(3.0)
    ('812', '9.6', '3')
    """
    text = f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}"
    return text.removesuffix(".0")


def two_digits(value):
    """A number with two digits, or all that are in front of the point.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.report.words import two_digits
    >>> two_digits(7.142), two_digits(100.0), two_digits(12_345.6), two_digits(1e40)
    ('7.1', '100', '12,346', '1e+40')
    """
    return f"{value:,.0f}" if 10 <= value < 1e15 else f"{value:.2g}"


def describe_threshold(threshold, confusion, labels, *, is_misled=False):
    """What a threshold between two classes does.

    Parameters
    ----------
    threshold : float
    confusion : ndarray of shape (2, 2)
        Rows of each true class (rows) and predicted class (columns), of a thousand.
    labels : sequence of two str
        As they are to be read.
    is_misled : bool, default=False
        Whether probabilities do not come true.

    Returns
    -------
    list of str
        Sentences.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.words import describe_threshold
    >>> confusion = np.array([[880.0, 20.0], [10.0, 90.0]])
    >>> for line in describe_threshold(0.25, confusion, ["'no'", "'churned'"]):
    ...     print(line)
    Rows are called 'churned' from the probability 0.25 on.
    Of 1,000 rows, 110 are called so: 90 rightly, 20 falsely (precision 81.8%).
    Of the 100 that are 'churned', it finds 90 (recall 90.0%) and misses 10.
    If probabilities come true, it is best where a miss costs as much as 3 false alarms.
    """
    (_, false), (missed, found) = confusion
    called, real = false + found, missed + found
    wanted = labels[1]
    lines = [f"Rows are called {wanted} from the probability {threshold:.3g} on."]
    if called > 0:
        lines.append(
            f"Of 1,000 rows, {rounded(called)} are called so: {rounded(found)} "
            f"rightly, {rounded(false)} falsely (precision {found / called:.1%})."
        )
    else:
        lines.append("Of 1,000 rows, none is called so.")
    if real > 0:
        lines.append(
            f"Of the {rounded(real)} that are {wanted}, it finds {rounded(found)} "
            f"(recall {found / real:.1%}) and misses {rounded(missed)}."
        )
    if 0 < threshold < 1:
        odds = (1 - threshold) / threshold
        alarms = "a false alarm" if odds == 1 else f"{two_digits(odds)} false alarms"
        lines.append(
            "If probabilities come true, it is best where a miss costs as much as "
            f"{alarms}."
        )
        if is_misled:
            lines.append("Here they do not: see the cautions.")
    return lines


def describe_costs(costs, confusion, labels):
    """What costs, or the most probable class, decide among several classes.

    Parameters
    ----------
    costs : ndarray of shape (n_classes, n_classes)
        Of each true class (rows) and predicted class (columns).
    confusion : ndarray of shape (n_classes, n_classes)
    labels : sequence of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.words import describe_costs
    >>> confusion = np.array([[800.0, 50, 50], [10, 40, 0], [20, 0, 30]])
    >>> for line in describe_costs(1 - np.eye(3), confusion, ["a", "b", "c"]):
    ...     print(line)
    The most probable class is predicted.
    Of 1,000 rows, 870 are right; of the classes it finds worst c (recall 60.0%).
    """
    total = confusion.sum(axis=1)
    recall = {
        label: confusion[i, i] / total[i]
        for i, label in enumerate(labels)
        if total[i] > 0
    }
    is_default = _all_the_same(costs)
    chosen = (
        "most probable class" if is_default else "class with the least expected cost"
    )
    lines = [f"The {chosen} is predicted."]
    if recall:
        worst = min(recall, key=recall.get)
        lines.append(
            f"Of 1,000 rows, {rounded(confusion.trace())} are right; of the classes it "
            f"finds worst {worst} (recall {recall[worst]:.1%})."
        )
    return lines


def _all_the_same(costs):
    """Whether each error costs as much as any other."""
    is_right = np.eye(len(costs), dtype=bool)
    return all(np.ptp(costs[part]) == 0 for part in (is_right, ~is_right))


def describe_scores(report):
    """What scores are of, and of which rows.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
    """
    n, total = len(report.rows.y), int(report.classes["rows"].sum())
    if not len(report.scores):
        which = "were held out with a weight" if report.is_weighted else "were held out"
        return f"Rows of fewer than two classes {which}: there is nothing to score."
    of_rows = f"Of {n:,} rows" + ("" if n == total else f" of {total:,}")
    is_binary = len(report.labels) == 2
    of_class = f", about {report.positive_label}" if is_binary else ""
    words = (
        f"{of_rows}{of_class}, each by models that did not train on it; beside them "
        "what one would have without looking at a row."
    )
    if report.is_weighted:
        words += (
            " Rows count by their sample_weight, in scores, in shares that came true "
            "and in the 1,000 rows of the decision."
        )
    if report.is_calibrated:
        words += (
            " But probabilities were calibrated by these very rows: if they come "
            "true here, that proves little: only new rows can tell."
        )
    if is_binary:
        return words + _describe_calibration(report.rows)
    return words + (
        " Average precision and ROC AUC are of each class against all others; log loss "
        "and Brier score are means over rows."
    )


def _describe_calibration(rows):
    words = (
        " A calibration slope below 1 means probabilities that are too extreme, "
        "above 1 too timid; an intercept below 0 that they are too high overall. "
        "The error is the mean distance from what came true, in ten groups."
    )
    too_sure = share_too_sure(rows)
    if too_sure >= _MANY:
        words += (
            f" In slope and intercept, {too_sure:.0%} of the rows count as less sure "
            f"than they are: their probability of a class is below "
            f"{least_sure(rows):.1g}, which so few rows cannot confirm."
        )
    return words


def describe_columns(report):
    """What the drops of columns mean, and what was left out.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
    """
    tried, varying = report.n_columns_tried, report.n_columns_varying
    if not tried:
        return "No column could be judged by rows that were held out."
    several = len(report.labels) > 2
    of = "Rise of the log loss" if several else "Drop of average precision"
    words = (
        f"{of} if a column is shuffled among {report.n_sampled:,} rows, which models "
        "predict that did not train on them. Columns that say the same stand in for "
        "each other, and both look useless."
    )
    if tried < varying:
        words += (
            f" Of {varying:,} columns that vary, these {tried} were tried: those that "
            "tell most about the label alone."
        )
    return words
