"""Rows and annotations that the tests of crowd classifiers share."""

import numpy as np
from sklearn.datasets import make_classification

from imbdeep.crowds import simulate_annotators


def make_crowd(
    n_classes=2,
    n_samples=120,
    *,
    class_sep=1.0,
    annotation_rate=1.0,
    dtype=np.float32,
    seed=0,
    **workers,
):
    """Rows, annotations with -1 where there is none, and the truth."""
    X, truth = make_classification(
        n_samples,
        n_features=5,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=class_sep,
        weights=[0.75] if n_classes == 2 else [0.6, 0.25],
        flip_y=0,
        random_state=seed,
    )
    annotations = simulate_annotators(
        truth, annotation_rate=annotation_rate, random_state=seed, **workers
    )
    codes = np.where(np.isnan(annotations), -1, annotations).astype(int)
    return X.astype(dtype), codes, truth
