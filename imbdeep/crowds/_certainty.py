"""Agreement of the workers on a row."""

from imbdeep.crowds._annotations import count_votes, encode_annotations


def vote_certainty(votes, eps=1e-6):
    r"""Compute the label certainty of rows from their votes, eq. (3.4).

    With shares :math:`p_c` of the votes, the mean squared distance of the one-hot
    annotations from their mean is :math:`1 - \sum_c p_c^2`.

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes), int
        At least one in each row.
    eps : float, greater than 0, default=1e-6

    Returns
    -------
    ndarray of shape (n,)
        Rows whose votes are in the same proportions have bitwise the same certainty.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._certainty import vote_certainty
    >>> vote_certainty(np.array([[1, 1], [3, 1]]), eps=0.1).round(3)
    array([1.667, 2.105])
    """
    total = votes.sum(1)
    # From integers, so that 2:1 and 4:2 give the same float: the warm-up groups by it.
    agreement = (votes**2).sum(1) / total**2
    return 1 / (1 - agreement + eps)


def label_certainty(annotations, *, eps=1e-6, missing_values=-1):
    r"""Compute the label certainty: the inverse variance of a row's annotations.

    .. math::
        S(x_i) = \frac{1}
        {\mathbb{E}_u \lVert y_{i,u} - \mathbb{E}_u y_{i,u} \rVert^2 + \epsilon}

    with annotations :math:`y_{i,u}` as one-hot vectors and means over the workers who
    annotated the row, eq. (3.4) of [1]_.

    Parameters
    ----------
    annotations : array-like of shape (n_samples, n_workers)
        See :func:`encode_annotations`.
    eps : float, greater than 0, default=1e-6
        :math:`\epsilon`, the inverse of the certainty of a row that all agree on. The
        paper calls it a small constant.
    missing_values : int, float, NaN or None, default=-1
        See :func:`encode_annotations`.

    Returns
    -------
    certainty : ndarray of shape (n_samples,)
        Smallest if all labels have the same number of votes; ``1 / eps`` if all workers
        agree.

    Notes
    -----
    A row with one annotation is as certain as one that many agree on.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023. Chapter 3.

    Examples
    --------
    >>> from imbdeep.crowds import label_certainty
    >>> annotations = [[0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 1]]
    >>> label_certainty(annotations, eps=0.1).round(3)
    array([10.   ,  2.105,  1.667])
    """
    if not eps > 0:
        raise ValueError(f"eps must be greater than 0, got {eps!r}.")
    codes, classes = encode_annotations(annotations, missing_values=missing_values)
    return vote_certainty(count_votes(codes, len(classes)), eps)
