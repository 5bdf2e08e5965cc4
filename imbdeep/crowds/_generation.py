"""Synthetic rows with the annotations of their neighbours: section 3.2.4 of ICED."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from imbdeep.crowds._annotations import MISSING

# Annotations processed at once, which bounds the memory for random numbers.
_CHUNK = 2**22


def certainty_groups(certainty, n_groups=3):
    """Group rows by the highest, second highest, ... certainty, and the rest.

    Parameters
    ----------
    certainty : ndarray of shape (n,)
    n_groups : int, at least 1, default=3
        Groups before the rest.

    Returns
    -------
    list of n_groups + 1 ndarrays of int
        Positions of the rows; empty if there are fewer distinct certainties.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._generation import certainty_groups
    >>> [g.tolist() for g in certainty_groups(np.array([2.0, 9, 5, 9, 1, 3]))]
    [[1, 3], [2], [5], [0, 4]]
    """
    _, rank = np.unique(-certainty, return_inverse=True)
    rank = np.minimum(rank, n_groups)
    return [np.flatnonzero(rank == group) for group in range(n_groups + 1)]


def step_towards(own, neighbour, jitter, random_state):
    r"""Compute how far synthetic rows lie from a row to its neighbour, eq. (3.5).

    .. math:: \delta = S(x^r) / (S(x) + S(x^r)) + \eta

    Parameters
    ----------
    own, neighbour : ndarray of shape (n,)
        Certainty of the row and of its neighbour, greater than 0.
    jitter : float, at least 0
        :math:`\eta` is uniform between ``-jitter`` and ``jitter``.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1]; the nearer to 1, the nearer to the neighbour.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._generation import step_towards
    >>> own, neighbour = np.array([1.0, 1.0]), np.array([1.0, 3.0])
    >>> step_towards(own, neighbour, 0.0, np.random.RandomState(0))
    array([0.5 , 0.75])
    """
    eta = random_state.uniform(-jitter, jitter, len(own))
    return np.clip(neighbour / (own + neighbour) + eta, 0, 1)


def interpolate_certain(
    embeddings, certainty, n_new, n_neighbors, jitter, random_state
):
    """Interpolate embeddings of a class, nearer to the more certain row, eq. (3.3).

    Parameters
    ----------
    embeddings : ndarray of shape (n, n_embedded)
        Embeddings of the rows inferred to be of the class; n is at least 1.
    certainty : ndarray of shape (n,)
    n_new : int
        Number of embeddings to make, spread evenly over the rows.
    n_neighbors : int
        Neighbours to choose from; all others if there are fewer. A row without
        neighbours is copied.
    jitter : float, at least 0
    random_state : RandomState

    Returns
    -------
    made : ndarray of shape (n_new, n_embedded)
    parents : ndarray of shape (n_new, 2), int
        Positions of the row and the neighbour that each comes from.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._generation import interpolate_certain
    >>> made, parents = interpolate_certain(
    ...     np.array([[0.0], [1.0]]),
    ...     certainty=np.array([1.0, 3.0]),
    ...     n_new=2,
    ...     n_neighbors=5,
    ...     jitter=0.0,
    ...     random_state=np.random.RandomState(0),
    ... )
    >>> made  # three quarters of the way to the certain one, wherever it begins
    array([[0.75],
           [0.75]])
    """
    n = len(embeddings)
    repeats = -(-n_new // n)
    # Not drawn with replacement: all rows start equally often, give or take one.
    starts = np.tile(random_state.permutation(n), repeats)[:n_new]
    ends = starts
    if n > 1:
        search = NearestNeighbors(n_neighbors=min(n_neighbors, n - 1))
        # Called without X, kneighbors does not count a row as its own neighbour.
        nearest = search.fit(embeddings).kneighbors(return_distance=False)
        chosen = random_state.randint(nearest.shape[1], size=n_new)
        ends = nearest[starts, chosen]
    delta = step_towards(certainty[starts], certainty[ends], jitter, random_state)
    # Embeddings are float32, and a float64 step would make them wider.
    step = delta.astype(embeddings.dtype)[:, None]
    step = step * (embeddings[ends] - embeddings[starts])
    return embeddings[starts] + step, np.column_stack([starts, ends])


def neighbour_annotations(codes, neighbours, random_state):
    """Annotate new rows as the workers annotated their neighbours.

    Each worker's label is drawn from those that the worker gave to the neighbours.

    Parameters
    ----------
    codes : ndarray of shape (n, W), int
        Annotations of real rows, -1 for a missing one.
    neighbours : ndarray of shape (m, k), int
        Positions of the neighbours of each new row.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (m, W), int
        -1 if a worker annotated none of the neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._generation import neighbour_annotations
    >>> codes = np.array([[0, 1, -1], [0, -1, -1], [1, 0, 1]])
    >>> neighbour_annotations(codes, np.array([[0, 1]]), np.random.RandomState(0))
    array([[ 0,  1, -1]])
    """
    n_parts = max(1, -(-neighbours.size * codes.shape[1] // _CHUNK))
    parts = np.array_split(neighbours, n_parts)
    return np.concatenate([_draw_labels(codes[p], random_state) for p in parts])


def _draw_labels(candidates, random_state):
    """Draw a label for each worker, from candidates of shape (m, k, W)."""
    # If all candidates are missing, argmax takes the first: a missing label.
    lots = random_state.random_sample(candidates.shape)
    lots[candidates == MISSING] = -1
    drawn = lots.argmax(1)[:, None]
    return np.take_along_axis(candidates, drawn, 1)[:, 0]
