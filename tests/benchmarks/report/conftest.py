"""Synthetic benchmark files: every number follows from the names, none from luck."""

import zlib

import numpy as np
import pytest

from imbdeep_bench.report import write
from imbdeep_bench.report.sections import pictures, significance

METHODS = (
    *("net", "net_weighted", "net_ros", "net_smote", "mixup", "remix", "remix_batch"),
    *("focal", "ldam_drw", "logistic", "random_forest", "balanced_random_forest"),
    *("hist_gb", "hist_gb_weighted", "srat", "meta_augment"),
)
DATASETS = (
    *("abalone", "abalone_19", "arrhythmia", "car_eval_34", "car_eval_4", "coil_2000"),
    *("ecoli", "isolet", "letter_img", "libras_move", "mammography", "oil"),
    *("optical_digits", "ozone_level", "pen_digits", "satimage", "scene"),
    *("sick_euthyroid", "solar_flare_m0", "spectrometer", "thyroid_sick", "us_crime"),
    *("webpage", "wine_quality", "yeast_me2", "yeast_ml8", "letter_two"),
)
REBUILT = {"coil_2000", "isolet", "scene", "webpage"}
TWINS = {"abalone": "abalone_19", "car_eval_34": "car_eval_4"}
HIGHER = ("average_precision", "roc_auc", "g_mean", "balanced_accuracy", "macro_f1")
LOWER = ("balanced_brier", "brier", "log_loss", "intra_class_variance")


def make_run(datasets, methods, **changes):
    return {
        **{"kind": "run", "suite": "imblearn27", "preset": "quick", "seed": 0},
        **{"protocol": "10x2", "n_repeats": 2},
        **{"datasets": list(datasets), "methods": list(methods)},
        "versions": {"torch": "2.13", "sklearn": "1.9.1"},
        **changes,
    }


def make_dataset(name, **changes):
    return {
        **{"kind": "dataset", "name": name},
        "provenance": "rebuilt" if name in REBUILT else "original",
        "sha256": f"{zlib.crc32(name.encode()):064x}",
        **{"n_samples": 300, "n_features": 7, "n_minority": 20 + len(name)},
        **{"n_duplicate_rows": 3, "n_conflicting_rows": 0},
        **{"shares_rows_with": TWINS.get(name), "shared_test_fraction": 0.12},
        **changes,
    }


def make_curves(skill, rng):
    recalls = np.linspace(0, 1, 51)
    precision = np.clip(1 - (1 - skill) * 1.6 * recalls**1.5, 0.05, 1)
    counts = (400 * 0.45 ** np.arange(10)).astype(int)
    counts[7] = 0
    predicted = (np.arange(10) + 0.5) / 10
    shares = np.clip(predicted * (0.5 + skill / 2) + rng.normal(0, 0.02, 10), 0, 1)
    calibration = {
        "count": counts.tolist(),
        "mean_predicted": np.where(counts, predicted, None).tolist(),
        "positives": (counts * shares).astype(int).tolist(),
    }
    return {"precision_at": precision.round(6).tolist(), "calibration": calibration}


def make_cell(dataset, method, fold, **changes):
    """A cell whose scores are drawn from a generator that its names seed."""
    rng = np.random.default_rng(zlib.crc32(f"{dataset} {method} {fold}".encode()))
    hardness = zlib.crc32(dataset.encode()) % 97 / 140
    strength = zlib.crc32(method.encode()) % 89 / 890
    skill = float(np.clip(0.9 - hardness + strength, 0.1, 0.97))
    scores = {name: skill + rng.normal(0, 0.02) for name in HIGHER}
    scores |= {name: 1 - skill + abs(rng.normal(0, 0.02)) for name in LOWER}
    scores |= {"mcc": skill - 0.1, "recall_0": 0.95, "recall_1": skill}
    for name in ("g_mean", "balanced_accuracy", "macro_f1", "mcc"):
        scores[f"{name}_tuned"] = scores[name] + 0.03
    return {
        **{"kind": "cell", "dataset": dataset, "method": method, "fold": fold},
        **{"status": "ok", "error": None, "threshold": 0.1 + 0.4 * skill},
        "scores": {
            name: float(np.clip(value, -1, 1)) for name, value in scores.items()
        },
        **{"fit_seconds": 1.2, "predict_seconds": 0.01, "seed": 7},
        **{"n_train": 150, "n_test": 150},
        **{"n_train_minority": 12, "n_test_minority": 12},
        "curves": make_curves(skill, rng),
        "versions": {"torch": "2.13", "sklearn": "1.9.1"},
        "data_sha256": f"{zlib.crc32(dataset.encode()):064x}",
        **changes,
    }


def make_failure(dataset, method, fold, error="ValueError: no minority row"):
    unknown = dict.fromkeys(("curves", "threshold", "fit_seconds", "predict_seconds"))
    told = {"status": "failed", "error": error, "scores": {}}
    return make_cell(dataset, method, fold, **told, **unknown)


def make_records(n_datasets=4, n_methods=3, n_folds=4, **run):
    """A complete grid: the run, its data sets and its cells."""
    datasets, methods = DATASETS[:n_datasets], METHODS[:n_methods]
    return [
        make_run(datasets, methods, **run),
        *[make_dataset(name) for name in datasets],
        *[
            make_cell(dataset, method, fold)
            for fold in range(n_folds)
            for dataset in datasets
            for method in methods
        ],
    ]


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures of a report undrawn, for tests of all else; files stand in."""
    for module in (pictures, significance):
        for name in [name for name in vars(module) if name.startswith("plot_")]:
            monkeypatch.setattr(module, name, lambda *args, **options: None)
    monkeypatch.setattr(write, "png", lambda figure, **options: b"a picture")
