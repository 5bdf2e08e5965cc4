"""The report of a fitted blend, and the class that gives an estimator one."""

from copy import copy
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from imbdeep._files import write_files
from imbdeep._torch.switches import usual_switches
from imbdeep.classifiers._imbalanced.report.cautions import (
    about_columns,
    about_learners,
    about_level,
    about_probabilities,
    about_rows,
)
from imbdeep.classifiers._imbalanced.report.columns import (
    column_importances,
    columns_to_shuffle,
    dense_columns,
    separation,
)
from imbdeep.classifiers._imbalanced.report.honesty import judge_level, judge_slope
from imbdeep.classifiers._imbalanced.report.html import as_document, as_html
from imbdeep.classifiers._imbalanced.report.judged import Judged, judged_rows
from imbdeep.classifiers._imbalanced.report.record import record_fit
from imbdeep.classifiers._imbalanced.report.scores import (
    confusion_per_1000,
    score_table,
)
from imbdeep.classifiers._imbalanced.report.text import as_text
from imbdeep.classifiers._imbalanced.report.words import (
    describe_costs,
    describe_threshold,
)

# Of a class in the sample: fewer are told apart by chance, given many columns.
_FEWEST_TO_SEPARATE = 5


class Report:
    """What out-of-fold rows say of a fitted :class:`ImbalancedClassifier`.

    All of it is about rows that no model trained on when it judged them. Of the map
    that ``calibration`` asks for this is not true: it was learned from these rows.

    Parameters
    ----------
    model : ImbalancedClassifier
        Fitted. A later fit of it leaves the report as it is.

    Attributes
    ----------
    classes : DataFrame
        Rows and share of each class; with ``sample_weight`` also ``weighted share``.
    scores : DataFrame
        Scores, and those of probabilities that know nothing of a row.
    learners : DataFrame
        Weight in the blend, and seconds of the fit.
    threshold : float or None
    confusion : DataFrame of shape (n_classes, n_classes)
        What the threshold, or costs, make of 1,000 rows: true classes by predicted.
    decision : list of str
        The same in words.
    columns : DataFrame
        What the blend loses in average precision if a column is shuffled, ``drop``, or
        with more than two classes by how much its log loss rises; and ``spread``, the
        standard deviation over shuffles. Of the columns that were tried, most first.
    n_columns_tried, n_columns_varying : int
    cautions : list of Caution
        What may mislead, each with ``what`` and ``remedy``.
    """

    def __init__(self, model):
        # The copy keeps what this fit has learned: the next one replaces it.
        self._model, self._record = copy(model), model._fit_record

    def __repr__(self):
        return as_text(self)

    def _repr_html_(self):
        return as_html(self)

    def to_html(self):
        """The report as an HTML document that needs no other file and no network.

        Returns
        -------
        str
        """
        return as_document(self)

    def save(self, path):
        """Write the report as an HTML file.

        Parameters
        ----------
        path : str or path-like
        """
        write_files({Path(path): self.to_html()})

    @property
    def labels(self):
        """Labels as they are to be read."""
        return [repr(label) for label in self._model.classes_.tolist()]

    @property
    def positive_label(self):
        """That of two classes which average precision and threshold are about."""
        return self.labels[self._positive]

    @cached_property
    def rows(self):
        """Rows that were held out, as :class:`Judged`."""
        return judged_rows(
            self._model.oof_proba_,
            self._target,
            self._model.oof_sample_weight_,
            self._positive,
        )

    @property
    def is_weighted(self):
        """Whether rows count by weights."""
        return self._model.oof_sample_weight_ is not None

    @property
    def is_calibrated(self):
        """Whether a map was learned from the rows that were held out."""
        return self._model.calibrator_ is not None

    @property
    def _positive(self):
        return self._model._decision.positive

    @property
    def _target(self):
        return np.searchsorted(self._model.classes_, self._model.oof_y_)

    @property
    def classes(self):
        counts = self._model.class_counts_
        table = {"rows": counts, "share": counts / counts.sum()}
        if self.is_weighted:
            weight = self._model.oof_sample_weight_
            weights = np.bincount(self._target, weight, len(counts))
            table["weighted share"] = weights / weights.sum()
        return pd.DataFrame(table, index=self._model.classes_.tolist())

    @cached_property
    def scores(self):
        return score_table(self.rows)

    @property
    def learners(self):
        weights = self._model.learner_weights_
        return pd.DataFrame({"weight": weights, "seconds": self._model.fit_seconds_})

    @property
    def threshold(self):
        return self._model._decision.threshold

    @cached_property
    def confusion(self):
        labels = self._model.classes_.tolist()
        table = confusion_per_1000(self.rows, self._model._decision)
        return pd.DataFrame(
            table,
            index=pd.Index(labels, name="true"),
            columns=pd.Index(labels, name="predicted"),
        )

    @property
    def decision(self):
        table = self.confusion.to_numpy()
        if self.threshold is None:
            return describe_costs(self._model._decision.costs, table, self.labels)
        order = [1 - self._positive, self._positive]
        table, labels = table[np.ix_(order, order)], [self.labels[i] for i in order]
        is_misled = bool(self._cautions_of_probabilities)
        return describe_threshold(self.threshold, table, labels, is_misled=is_misled)

    @property
    def columns(self):
        return self._judgement["columns"]

    @property
    def n_columns_tried(self):
        return len(self.columns)

    @property
    def n_columns_varying(self):
        return self._judgement["n_varying"]

    @property
    def n_sampled(self):
        """Rows by which columns are judged."""
        return len(self._record.positions)

    @property
    def cautions(self):
        model, record = self._model, self._record
        names = record.names
        return [
            *about_rows(
                model.classes_.tolist(),
                model.class_counts_,
                self._positive,
                record.equals,
                record.grouped,
            ),
            *self._cautions_of_probabilities,
            *about_columns(
                [names[i] for i in record.constant],
                [names[i] for i in record.identifiers],
                [names[i] for i in record.numbers_as_text],
                self._judgement["separations"],
                self.n_columns_varying,
            ),
            *about_learners(
                record.left_out,
                *self._classes_not_judged(),
                [name for name, one in model.learners_.items() if not _holds_out(one)],
            ),
        ]

    def _classes_not_judged(self):
        """Labels of classes without a held-out row, and without one that counts."""
        model = self._model
        was_held_out = ~np.isnan(model.oof_proba_).any(axis=1)
        never = np.setdiff1d(model.classes_, model.oof_y_[was_held_out])
        judged = model.classes_[self.rows.classes]
        weightless = np.setdiff1d(model.classes_, np.union1d(judged, never))
        return never.tolist(), weightless.tolist()

    @property
    def _cautions_of_probabilities(self):
        model, scores = self._model, self.scores["score"]
        if "calibration slope" not in scores:
            return []
        return [
            *about_probabilities(
                scores["calibration slope"],
                judge_slope(self.rows),
                model.calibration,
            ),
            *about_level(
                scores["calibration intercept"],
                judge_level(self.rows),
                self.positive_label,
                model.calibration,
            ),
        ]

    @property
    def _judgement(self):
        # Kept with the fit: a second report of it, at another threshold, is quick.
        kept = self._record.kept
        if self._positive not in kept:
            kept[self._positive] = self._judge_columns()
        return kept[self._positive]

    @usual_switches()
    def _judge_columns(self):
        record, y = self._record, self._target[self._record.positions]
        table = pd.DataFrame({"column": [], "drop": [], "spread": []})
        blank = {"columns": table, "n_varying": 0, "separations": {}}
        if len(np.unique(y)) < 2:
            return blank
        chosen, n_varying = columns_to_shuffle(record.X, y)
        separations = {}
        if np.bincount(y)[np.unique(y)].min() >= _FEWEST_TO_SEPARATE:
            levels = set(record.levels)
            values = dense_columns(record.X, chosen)
            separations = {
                record.names[j]: separation(column, y, j in levels)
                for j, column in zip(chosen.tolist(), values.T, strict=True)
            }
        judged = {"n_varying": n_varying, "separations": separations}
        if not any(map(_holds_out, self._model.learners_.values())):
            return blank | judged
        proba = self._predict_held_out(record.X, record.positions)
        found = column_importances(
            self._predict_held_out,
            record.X,
            record.positions,
            Judged(proba, y, self._weight_of_sample(y), self._positive),
            chosen,
            np.random.RandomState(record.seed),
        )
        names = [record.names[j] for j in found.pop("position")]
        found.insert(0, "column", names)
        return judged | {"columns": found}

    def _weight_of_sample(self, y):
        """Weights by which the sample has the class shares of the table."""
        rows, own = self.rows, np.ones(len(y))
        if self._model.oof_sample_weight_ is not None:
            own = self._model.oof_sample_weight_[self._record.positions]
        n_classes = rows.proba.shape[1]
        of_all = np.bincount(rows.y, rows.weight, n_classes)
        of_sample = np.bincount(y, own, n_classes)
        return own * of_all[y] / of_sample[y]

    def _predict_held_out(self, X, rows):
        model = self._model
        parts = {n: one for n, one in model.learners_.items() if _holds_out(one)}
        total = sum(model.learner_weights_[name] for name in parts)
        blended = sum(
            model.learner_weights_[name] / total * one.predict_held_out(X, rows)
            for name, one in parts.items()
        )
        if model.calibrator_ is None:
            return blended
        return model.calibrator_.predict_proba(blended)


def _holds_out(learner):
    return hasattr(learner, "held_out_")


class Reports:
    """What a fitted blend says of itself.

    A base of :class:`~imbdeep.classifiers.ImbalancedClassifier`.
    """

    def _record_fit(self, X, target, learners, **given):
        self._fit_record = record_fit(self, X, target, learners, **given)

    @property
    def report_(self):
        check_is_fitted(self)
        return Report(self)
