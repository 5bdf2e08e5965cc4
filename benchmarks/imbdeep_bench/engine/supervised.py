"""Experiments on tables of two classes by the benchmark's own protocol.

A protocol splits each set into rows to fit, to validate and to test. One prediction of
the test rows gives every score.
"""

import time
from dataclasses import dataclass

import numpy as np

from imbdeep.metrics import calibration_bins, precision_at_recalls
from imbdeep_bench.engine import scoring
from imbdeep_bench.engine.experiment import Experiment, Grid, Rows, Setting, timed_fit
from imbdeep_bench.engine.protocol import Protocol, derive_seed, minority_label


def minority_proba(model, X, minority):
    """Return the probabilities that a fitted `model` gives to the minority class."""
    column = list(model.classes_).index(minority)
    return scoring.check_probabilities(model.predict_proba(X)[:, column])


@dataclass(frozen=True)
class Prediction:
    """What a fitted method says of the test rows."""

    proba: np.ndarray  # of the minority class
    threshold: float  # tuned in the training half
    fit_seconds: float  # of the model that is scored; one that only tunes is left out
    predict_seconds: float
    model: object  # which is scored


def fit_and_predict(make, kind, X, y, split):
    """Fit a method in the training half and predict the test half, once.

    A ``'stopped'`` method is fitted on the fit part, is given the validation part as
    ``eval_set``, and has its threshold tuned there. A ``'refitted'`` one has no use for
    a validation part while it is fitted: it is fitted on the fit part to tune the
    threshold on the validation part, then again on the whole training half. One that
    has ``'held_out'`` rows by itself is fitted on the whole half, and has its threshold
    tuned on its ``oof_proba_``. So each kind has seen the whole training half, as it
    would outside of this benchmark, and the nets that stop early learn their weights
    from 70 % of it. No fit sees a row of ``split.test``.
    """
    minority = minority_label(y)
    valid, train = ((X[rows], y[rows]) for rows in (split.valid, split.train))
    model = make()
    if kind == "held_out":
        model, fit_seconds = timed_fit(model, *train)
        oof_proba = model.oof_proba_[:, list(model.classes_).index(minority)]
        threshold = scoring.tune_on_held_out(train[1] == minority, oof_proba)
    else:
        if kind == "stopped":
            fitted = X[split.fit], y[split.fit]
            model, fit_seconds = timed_fit(model, *fitted, eval_set=valid)
            tuning = model
        else:
            tuning = make().fit(X[split.fit], y[split.fit])
            model, fit_seconds = timed_fit(model, *train)
        valid_proba = minority_proba(tuning, valid[0], minority)
        threshold = scoring.tune_threshold(valid[1] == minority, valid_proba)

    start = time.perf_counter()
    proba = minority_proba(model, X[split.test], minority)
    predict_seconds = time.perf_counter() - start
    return Prediction(proba, threshold, fit_seconds, predict_seconds, model)


@dataclass(frozen=True)
class Supervised(Experiment):
    """Methods on tables, scored from one prediction a fold."""

    split_by: Protocol | None = None
    suite_name: str = ""

    no_result = dict.fromkeys(
        ("threshold", "fit_seconds", "predict_seconds", "n_train", "n_test")
        + ("n_train_minority", "n_test_minority", "curves")
    ) | {"scores": {}}

    @property
    def suite(self):
        return self.suite_name

    @property
    def protocol(self):
        return self.split_by.name

    def draw(self, setting, fold):
        y, split = setting.data.target, self.split_by.split
        split = split(y, fold, seed=self.seed, dataset=setting.data.name)
        return Rows(None, None, None, None, more=split)

    def seed_of(self, cell):
        return derive_seed(self.seed, *cell.key)

    def make(self, cell, seed, rows=None):
        return cell.method.make(seed, self.device)

    def compute(self, cell, rows):
        X, y, split = cell.setting.data.data, cell.setting.data.target, rows.more
        is_minority = (y == minority_label(y)).astype(int)
        prediction = fit_and_predict(
            lambda: self.make(cell, cell.seed), cell.method.kind, X, y, split
        )
        y_test, proba = is_minority[split.test], prediction.proba
        return {
            "scores": scoring.fold_scores(y_test, proba, prediction.threshold)
            | self.more_scores(prediction.model),
            "threshold": prediction.threshold,
            "fit_seconds": prediction.fit_seconds,
            "predict_seconds": prediction.predict_seconds,
            "n_train": len(split.train),
            "n_test": len(split.test),
            "n_train_minority": int(is_minority[split.train].sum()),
            "n_test_minority": int(y_test.sum()),
            "curves": {
                "precision_at": precision_at_recalls(y_test, proba),
                "calibration": calibration_bins(
                    y_test, proba, strategy="uniform", pos_label=1
                ),
            },
        }

    def more_scores(self, model):
        """Return scores that a fitted model alone knows."""
        return {}


def grid_on(experiment, suite, methods):
    """Return the grid of an experiment on a suite."""
    protocol = experiment.split_by
    settings = [Setting(name, bunch) for name, bunch in suite.data.items()]
    folds = list(range(protocol.n_folds))
    datasets = suite.records(protocol, experiment.seed)
    return Grid(experiment, settings, methods, folds, datasets)
