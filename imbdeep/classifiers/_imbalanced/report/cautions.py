"""What to look at before trusting a fitted blend, and what can be done about it."""

from dataclasses import dataclass

import numpy as np

from imbdeep.classifiers._imbalanced.report.words import two_digits

_FEW_ROWS = 50
_SHARE_OF_EQUALS = 0.01
SEPARATES = 0.99
_MOST_NAMES = 5
# Slope of calibration beyond which probabilities mislead, if it is not by chance.
_LEAST_SLOPE, _MOST_SLOPE = 0.8, 1.25
# Intercept, in logits, that misleads, and standard errors that chance hardly makes.
_LEAST_SHIFT, _LEAST_Z = 0.3, 3.0


@dataclass(frozen=True)
class Caution:
    """Something that may mislead, and its remedy.

    Attributes
    ----------
    what, remedy : str
        Sentences.
    """

    what: str
    remedy: str

    def __str__(self):
        return f"{self.what} {self.remedy}"


def listed(names):
    """Names in a sentence; of many the first.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.report.cautions import listed
    >>> listed(["age", "city"]), listed(list("abcdefg"))
    ("'age', 'city'", "'a', 'b', 'c', 'd', 'e' and 2 more")
    """
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _columns(names):
    return ("Column " if len(names) == 1 else "Columns ") + listed(names)


def about_rows(classes, counts, positive, equals, grouped):
    """Cautions about few rows, equal rows and the order of classes.

    Parameters
    ----------
    classes : list
        Labels.
    counts : ndarray of shape (n_classes,), int
    positive : int
        Index of the positive one of two classes.
    equals : Equals
    grouped : bool
        Whether groups were held out together.

    Returns
    -------
    list of Caution
    """
    found = []
    rarest, n = int(np.argmin(counts)), int(counts.sum())
    fewest = int(counts[rarest])
    if fewest < _FEW_ROWS:
        found.append(
            Caution(
                f"Class {classes[rarest]!r} has {_rows(fewest)}: each moves its recall "
                f"by {two_digits(100 / fewest)} points, and chance moves scores, "
                "weights of learners and a learned threshold as well.",
                "Gather more of it, or read scores as rough, and compare models by "
                "repeated cross-validation.",
            )
        )
    if len(classes) == 2 and rarest != positive and counts[rarest] < 0.5 * n:
        found.append(
            Caution(
                "Average precision and threshold are about "
                f"{classes[positive]!r}, and {classes[rarest]!r} is the rarer one.",
                f"If it is what you look for, pass pos_label={classes[rarest]!r}.",
            )
        )
    if equals.n_equal >= max(2, _SHARE_OF_EQUALS * n):
        beyond = " of another group" if grouped else ""
        mixed = ""
        if equals.n_other_class:
            mixed = (
                f"; {equals.n_other_class:,} equal one of another class, which nobody "
                "can tell apart"
            )
        found.append(
            Caution(
                f"{_rows(equals.n_equal)} of {n:,} equal another one{beyond} in all "
                f"columns{mixed}. A row whose copy was trained on is no test: scores "
                "are too good.",
                "Drop copies, or pass groups= to hold them out together. In a table of "
                "a few columns of levels they are natural.",
            )
        )
    return found


def _rows(n):
    return f"{n:,} row" if n == 1 else f"{n:,} rows"


def about_probabilities(slope, interval, calibration):
    """Caution about probabilities that do not come true.

    Parameters
    ----------
    slope : float
        Of calibration; NaN if there is none.
    interval : tuple of two float
        In which it lies: one that holds 1 may be that of honest probabilities.
    calibration : str or None
        What was asked for.

    Returns
    -------
    list of Caution
    """
    low, high = interval
    is_chance = not (high < 1 or low > 1)
    if is_chance or _LEAST_SLOPE <= slope <= _MOST_SLOPE:
        return []
    told = f"the slope of calibration is {slope:.2f} (95% interval {low:.2f} to "
    told += f"{high:.2f})."
    if slope <= 0:
        return [
            Caution(
                f"Out of fold, probabilities say nothing about the label: {told}",
                "Look for columns that have to do with it.",
            )
        ]
    extreme = slope < _LEAST_SLOPE
    remedy = "Pass calibration='sigmoid'" if calibration is None else "Pass another map"
    return [
        Caution(
            f"Probabilities are too {'extreme' if extreme else 'timid'}: {told}",
            f"{remedy}, or do not read them as frequencies.",
        )
    ]


def about_level(intercept, level, label, calibration):
    """Caution about probabilities that are too high or too low overall.

    Parameters
    ----------
    intercept : float
        Of calibration.
    level : Level
    label : str
        Of the class they are of, as it is to be read.
    calibration : str or None
        What was asked for.

    Returns
    -------
    list of Caution
    """
    if abs(intercept) < _LEAST_SHIFT or abs(level.z) < _LEAST_Z:
        return []
    remedy = "Pass another map"
    # A temperature moves no level.
    if calibration in (None, "temperature"):
        remedy = "Pass calibration='sigmoid'"
    return [
        Caution(
            f"Probabilities of {label} are too {'high' if level.z > 0 else 'low'} "
            f"overall: they say {100 * level.said:.3g}% on average, and "
            f"{100 * level.came_true:.3g}% came true; the intercept of calibration is "
            f"{intercept:.2f}.",
            f"{remedy}. If a learner balances classes, by weights or by resampling, "
            "train it without, or wrap it in PriorCorrectedClassifier.",
        )
    ]


def about_columns(constant, identifiers, numbers_as_text, separations, n_varying):
    """Cautions about columns that say nothing, and that say too much.

    Parameters
    ----------
    constant, identifiers, numbers_as_text : list of str
        Names.
    separations : dict of float
        How well columns tell the classes apart by themselves, by name.
    n_varying : int
        Columns with two values or more.

    Returns
    -------
    list of Caution
    """
    return [
        *_about_leaks(separations, n_varying),
        *_about_values(constant, identifiers, numbers_as_text),
    ]


def _about_leaks(separations, n_varying):
    leaks = [name for name, value in separations.items() if value >= SEPARATES]
    # Where many columns tell the classes apart, it is the table that is easy.
    if leaks and len(leaks) <= max(1, n_varying // 4):
        worst = max(leaks, key=separations.get)
        return [
            Caution(
                f"{_columns(leaks)} {'tells' if len(leaks) == 1 else 'each tell'} the "
                f"classes apart alone ({separations[worst]:.3f} of 1), which is rare "
                "in honest data: perhaps it is filled in once the label is known.",
                "If rows lack it when you want to predict them, drop it and fit again.",
            )
        ]
    if leaks:
        return [
            Caution(
                f"{_columns(leaks)} each tell the classes apart alone. With so many, "
                "the table is easy, or they all come after the label.",
                "If it is easy, a simple rule will do; otherwise drop them.",
            )
        ]
    return []


def _about_values(constant, identifiers, numbers_as_text):
    found = []
    if numbers_as_text:
        found.append(
            Caution(
                f"{_columns(numbers_as_text)} {_has(numbers_as_text)} numbers written "
                "as text, another in nearly each row. As text they are names, of which "
                "learners can at best learn by heart which is which.",
                "If they measure or count something, make numbers of them first, by "
                "pandas.to_numeric; if they only name rows, drop them.",
            )
        )
    if identifiers:
        found.append(
            Caution(
                f"{_columns(identifiers)} {_has(identifiers)} another value in nearly "
                "each row, as identifiers have. Learners can at best learn by heart "
                "which is which, or in which order rows were written.",
                "Drop such a column; of text or codes, keep what rows share, such as "
                "a prefix, a length or a date.",
            )
        )
    if constant:
        found.append(
            Caution(
                f"{_columns(constant)} {_has(constant)} one value, or none.",
                "Drop it, or look whether reading the table went wrong.",
            )
        )
    return found


def _has(names):
    return "has" if len(names) == 1 else "have"


def about_learners(left_out, never_held_out, weightless, unmeasured):
    """Cautions about what was not trained or not judged.

    Parameters
    ----------
    left_out : list of str
        Learners that the budget had no time for.
    never_held_out : list
        Labels of classes without a held-out row.
    weightless : list
        Labels of classes whose held-out rows have no weight.
    unmeasured : list of str
        Learners that were trained anew on all rows.

    Returns
    -------
    list of Caution
    """
    found = []
    if left_out:
        found.append(
            Caution(
                f"time_budget was spent before {listed(left_out)} could begin.",
                "Raise it, or name the learners you want most first.",
            )
        )
    if never_held_out:
        found.append(
            Caution(
                f"No row of {listed(never_held_out)} was held out by all learners: "
                "nothing here is about it.",
                "Gather more rows, or groups, of it, or merge it with another class.",
            )
        )
    if weightless:
        found.append(
            Caution(
                f"All held-out rows of {listed(weightless)} have the sample_weight 0: "
                "nothing here is about it.",
                "Give some of them a weight above 0.",
            )
        )
    if unmeasured:
        found.append(
            Caution(
                f"{listed(unmeasured)} was trained anew on all rows and has no part in "
                "what columns are worth.",
                "Leave refit=False to have it judged.",
            )
        )
    return found
