"""Rows and what crowds say of them: one draw of a run."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from imbdeep.crowds import label_certainty, simulate_annotators
from imbdeep.crowds._generation import certainty_groups
from imbdeep_bench.data.pairs import count_rows, draw_classes, take_rows
from imbdeep_bench.engine.experiment import Rows
from imbdeep_bench.engine.protocol import derive_seed

# Share of its annotations that each of n workers gets wrong, on average.
KINDS = {
    "alike": lambda n: np.full(n, 0.3),
    "unlike": lambda n: np.linspace(0.1, 0.4, n),
}
ENOUGH_ACCURACY = 0.98
# Some tables are never learned so well.
MOST_EPOCHS = 100
# One of ten rows of the minority is left.
WITHDRAWN = 10


@dataclass(frozen=True)
class Crowd:
    """Workers, of one of :data:`KINDS`."""

    kind: str
    n_workers: int

    @property
    def error_rates(self):
        """Of each worker."""
        return KINDS[self.kind](self.n_workers)


def learn_difficulty(X, y, random_state):
    """Train a net until it knows its rows; return what it thinks of them.

    It stops when its training accuracy exceeds 98 %, or after 100 epochs, and the
    record of a cell says which.
    """
    X = StandardScaler().fit_transform(X)
    net = MLPClassifier((64,), random_state=random_state)
    accuracy, n_epochs = 0.0, 0
    while accuracy <= ENOUGH_ACCURACY and n_epochs < MOST_EPOCHS:
        net.partial_fit(X, y, classes=[0, 1])
        accuracy, n_epochs = float(net.score(X, y)), n_epochs + 1
    told = {"difficulty_epochs": n_epochs, "difficulty_accuracy": accuracy}
    return net.predict_proba(X), told


def annotate(X, y, crowd, name, seed):
    """Let a crowd annotate rows; return its annotations and what the net was like.

    Neither the net nor the draws depend on the kind of crowd.
    """
    net_state = np.random.RandomState(derive_seed(seed, name, "difficulty"))
    proba, told = learn_difficulty(X, y, net_state)
    annotations = simulate_annotators(
        y,
        proba,
        n_workers=crowd.n_workers,
        error_rate=crowd.error_rates,
        random_state=derive_seed(seed, name, "annotations"),
    )
    return annotations, told


def annotated_rows(X, truth, annotations, X_test, y_test, told):
    """Return the rows of a run; the labels to train on are the truth."""
    wrong = annotations != truth[:, None]
    groups = certainty_groups(label_certainty(annotations))
    told = told | {
        **count_rows(truth, y_test),
        "error_rates": wrong.mean(0).round(4).tolist(),
        # Rows of highest, second, third and of less certainty.
        "group_rows": [len(group) for group in groups],
    }
    return Rows(X, truth, X_test, y_test, told, annotations)


def cut_pair(dataset, pairs, crowd, seed):
    """Cut two classes to one size, let a crowd annotate them, cut the minority by 90 %.

    Seed by seed, pair, rows, net and annotations are the same for all methods.
    """
    pair, candidates, tests = draw_classes(dataset, pairs, seed)
    X, y = take_rows(dataset, *candidates)
    annotations, told = annotate(X, y, crowd, dataset.name, seed)
    n_majority, n_minority = map(len, candidates)
    # Rows of a class are shuffled, and those of the minority come last.
    kept = slice(n_majority + n_minority // WITHDRAWN)
    told |= {"majority": pair[0], "minority": pair[1]}
    return annotated_rows(
        X[kept], y[kept], annotations[kept], *take_rows(dataset, *tests), told
    )


def half_of_set(dataset, crowd, seed):
    """Train on a stratified half of a table, as imbalanced as it is."""
    X, y, state = dataset.X, dataset.y, derive_seed(seed, dataset.name, "half")
    X_train, X_test, truth, y_test = train_test_split(
        X.astype(np.float64), y, test_size=0.5, stratify=y, random_state=state
    )
    annotations, told = annotate(X_train, truth, crowd, dataset.name, seed)
    told |= {"majority": 0, "minority": 1}
    return annotated_rows(X_train, truth, annotations, X_test, y_test, told)
