"""Tables made into crowds as section 3.3.1.1 of the dissertation has it."""

from dataclasses import dataclass

import numpy as np
from _paper_data import draw_classes, take_rows
from _protocol import derive_seed
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from imbdeep.crowds import simulate_annotators

# Table 3.1; Madelon stands in for Gisette.
N_WORKERS = {"usps": 9, "madelon": 7}
ENOUGH_ACCURACY = 0.98
# Some tables are never learned so well.
MOST_EPOCHS = 100
# One of ten rows of the minority is left.
WITHDRAWN = 10


# --- Crowds --------------------------------------------------------------------------


@dataclass(frozen=True)
class Crowd:
    """Workers.

    Attributes
    ----------
    kind : {'alike', 'unlike'}
        Whether all workers err equally often, as in the dissertation.
    n_workers : int
    """

    kind: str
    n_workers: int

    @property
    def error_rates(self):
        """Share of its annotations that each worker gets wrong, on average."""
        return KINDS[self.kind](self.n_workers)


KINDS = {
    "alike": lambda n: np.full(n, 0.3),
    "unlike": lambda n: np.linspace(0.1, 0.4, n),
}


def learn_difficulty(X, y, random_state):
    """Train a net until it knows its rows; return what it thinks of them.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,), 0 and 1
    random_state : RandomState

    Returns
    -------
    proba : ndarray of shape (n, 2)
        Probabilities, of a net that stopped when its training accuracy exceeded 98 %,
        or after 100 epochs.
    told : dict
        ``difficulty_epochs`` and ``difficulty_accuracy``, for a cell's record.
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


# --- One run -------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Training and test rows of one run; the minority is 1, the majority 0.

    Attributes
    ----------
    X_train : ndarray of shape (n, d)
    annotations : ndarray of shape (n, W)
    truth : ndarray of shape (n,)
        Labels of the training rows, which a method for crowds never sees.
    X_test, y_test : ndarray
    told : dict
        What the record of a cell has to say of the rows.
    """

    X_train: np.ndarray
    annotations: np.ndarray
    truth: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    told: dict

    def record(self):
        """Return sizes, error rates and the difficulty net for a cell's record."""
        wrong = self.annotations != self.truth[:, None]
        return {
            "n_train_majority": int((self.truth == 0).sum()),
            "n_train_minority": int((self.truth == 1).sum()),
            "n_test_majority": int((self.y_test == 0).sum()),
            "n_test_minority": int((self.y_test == 1).sum()),
            "error_rates": wrong.mean(0).round(4).tolist(),
            **self.told,
        }


@dataclass(frozen=True)
class CutPair:
    """Two classes cut to the same size, and then the minority by 90 %.

    Attributes
    ----------
    pairs : Pairs
    """

    pairs: object

    def __call__(self, dataset, crowd, seed):
        """Draw the rows of one run.

        Parameters
        ----------
        dataset : Dataset
        crowd : Crowd
        seed : int
            Decides pair, rows, net and annotations.

        Returns
        -------
        task : Task
            Annotated while the classes were of the same size.
        """
        pair, candidates, tests = draw_classes(dataset, self.pairs, seed)
        X, y = take_rows(dataset, *candidates)
        annotations, told = annotate(X, y, crowd, dataset.name, seed)
        n_majority, n_minority = map(len, candidates)
        # Rows of a class are shuffled, and those of the minority come last.
        kept = slice(n_majority + n_minority // WITHDRAWN)
        told |= {"majority": pair[0], "minority": pair[1]}
        return Task(
            X[kept], annotations[kept], y[kept], *take_rows(dataset, *tests), told
        )


def draw_half(dataset, crowd, seed):
    """Train on a stratified half of a table, as imbalanced as it is.

    Parameters
    ----------
    dataset : Dataset
        Whose minority is labelled 1, its majority 0.
    crowd : Crowd
    seed : int

    Returns
    -------
    task : Task
    """
    X_train, X_test, truth, y_test = train_test_split(
        dataset.X.astype(np.float64),
        dataset.y,
        test_size=0.5,
        stratify=dataset.y,
        random_state=derive_seed(seed, dataset.name, "half"),
    )
    annotations, told = annotate(X_train, truth, crowd, dataset.name, seed)
    told |= {"majority": 0, "minority": 1}
    return Task(X_train, annotations, truth, X_test, y_test, told)
