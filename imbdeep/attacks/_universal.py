"""One perturbation for all rows that a classifier sees."""

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments
from imbdeep._torch.seeding import seed_from
from imbdeep._torch.switches import usual_switches
from imbdeep.attacks._asked import read_changes, read_threat
from imbdeep.attacks._box import check_inside, read_box
from imbdeep.attacks._checks import check_has_gradients, class_indices
from imbdeep.attacks._evaluate import attacked
from imbdeep.attacks._rows import open_rows
from imbdeep.attacks._shared import universal_shift
from imbdeep.attacks._threat import check_threat, refuse_levels

_COUNTS = {
    "n_epochs": [WholeNumber(1)],
    "batch_size": [WholeNumber(1)],
    "beta": [FiniteReal(0, None, closed="neither"), None],
}


def check_universal(parameters):
    """Refuse parameters of :func:`universal_perturbation` that are wrong for any data.

    Parameters
    ----------
    parameters : dict
        All parameters, by name.
    """
    check_threat(
        *(parameters[name] for name in ("norm", "eps", "eps_unit", "step_size"))
    )
    check_arguments(_COUNTS, parameters)


@usual_switches()
def universal_perturbation(
    estimator,
    X,
    y,
    *,
    eps,
    norm="linf",
    eps_unit="input",
    std=None,
    step_size=None,
    n_epochs=10,
    beta=9.0,
    box=None,
    perturb=None,
    batch_size=128,
    random_state=None,
):
    """Learn one perturbation that misleads a net on as many rows as it can [1]_.

    The same numbers are added to every row. An attacker who knows nothing of the rows
    to come can do that, and it shows what a net is sensitive to whatever the row.
    Learn it on training rows, and measure on others what it does:
    :func:`perturbed_rows`, :func:`fooling_rate`.

    Parameters
    ----------
    estimator : fitted classifier
        A classifier of imbdeep, or another skorch classifier.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like \
            with more axes
        Rows to learn from.
    y : array-like of shape (n_samples,)
        True labels.
    eps : float, array-like that broadcasts to a row, or mapping or Series by column \
            name, at least 0
        How far a feature may move, or, for 'l2', the length of the perturbation.
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds, see :func:`adversarial_rows`.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps`` and ``step_size``: that of X, or standard deviations of each
        feature, which suit a table.
    std : array-like of the shape of a row, mapping, Series or DataFrame of one row, \
            by column name, or None, default=None
        Standard deviations for 'std', such as ``X_train.std(axis=0)``. None takes the
        estimator's ``feature_std_``.
    step_size : float, array-like, mapping, Series or None, default=None
        Step length, given like ``eps``. None takes ``eps`` divided by the number of
        batches, or by four if there are fewer: each epoch can cross the ball once.
    n_epochs : int, at least 1, default=10
        Passes over the rows; 5 to 10 are usual.
    beta : float, greater than 0, or None, default=9.0
        Bound of the cross-entropy of a row. Rows that are lost already then count for
        nothing; None sets no bound, and a few of them may drown the others.
    box : tuple (low, high), mapping, DataFrame of two rows or None, default=None
        Smallest and largest values of moved features, see :func:`adversarial_rows`.
        Moved rows are clipped to it.
    perturb : array-like of bool of the shape of a row, list of columns, mapping or \
            Series of bool by column name, or None, default=None
        Which features may move, see :func:`adversarial_rows`. Levels cannot, and gaps
        stay.
    batch_size : int, at least 1, default=128
        Rows per step.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the rows.

    Returns
    -------
    perturbation : ndarray of the shape of a row
        In the unit of X; 0 for features that may not move.

    Raises
    ------
    ValueError
        If the estimator is no net, or a parameter is wrong; see also
        :func:`adversarial_rows`.

    See Also
    --------
    perturbed_rows : Adds it to rows.
    fooling_rate : Share of predictions that it changes.
    make_universal_scorer : Accuracy under such a perturbation, for ``scoring=``.
    imbdeep.classifiers.UniversalAdversarialClassifier : Trains against one.

    Notes
    -----
    Starts at :math:`\\delta = 0`. Each batch makes one step,

    .. math::
        \\delta \\leftarrow \\Pi_\\epsilon \\Bigl(\\delta + s \\, \\mathrm{sign}
        \\nabla_\\delta
        \\sum_i \\min\\bigl(-\\log p_{y_i}(x_i + \\delta), \\beta\\bigr)\\Bigr),

    with the unit vector of the gradient instead of its signs for 'l2'. It is a local
    search: another seed, more epochs or smaller steps may find a worse perturbation.

    The rows of a frequent class have most of the sum. A perturbation that shall hit a
    rare class is learned on its rows alone.

    The net is attacked as it predicts. Its modes, gradients and random generators are
    left as they were.

    References
    ----------
    .. [1] A. Shafahi, M. Najibi, Z. Xu, J. Dickerson, L. S. Davis, T. Goldstein.
       "Universal adversarial training". AAAI 2020. Section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import universal_perturbation
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = NetClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> shift = universal_perturbation(net, X, y, eps=0.5, random_state=0)
    >>> shift.shape, bool(np.abs(shift).max() <= 0.5)
    ((20,), True)
    """
    check_universal(
        {
            "norm": norm,
            "eps": eps,
            "eps_unit": eps_unit,
            "step_size": step_size,
            "n_epochs": n_epochs,
            "batch_size": batch_size,
            "beta": beta,
        }
    )
    check_is_fitted(estimator, "classes_")
    check_has_gradients(estimator)
    rows = open_rows(estimator, X)
    target = torch.from_numpy(class_indices(estimator, y, len(rows)))
    movable, searched = read_changes(rows, perturb, None, "pgd")
    numbers, ball, step_size, _ = read_threat(
        rows,
        movable,
        searched,
        eps=eps,
        norm=norm,
        eps_unit=eps_unit,
        std=getattr(estimator, "feature_std_", None) if std is None else std,
        step_size=step_size,
        box=box,
    )
    seed = seed_from(check_random_state(random_state))
    with attacked(estimator, rows) as (logits_of, device):
        shift = universal_shift(
            logits_of,
            numbers,
            target,
            ball.to(device),
            n_epochs=n_epochs,
            batch_size=batch_size,
            step_size=None if step_size is None else step_size.to(device),
            beta=np.inf if beta is None else beta,
            generator=torch.Generator().manual_seed(seed),
        )
    return shift.cpu().numpy()


@usual_switches()
def perturbed_rows(estimator, X, perturbation, *, box=None):
    """Add one perturbation to all rows.

    Parameters
    ----------
    estimator : fitted classifier
        Any that the rows are meant for, a pipeline of trees included: the perturbation
        may come from another one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like \
            with more axes
        Tables may have mixed columns, see :func:`adversarial_rows`.
    perturbation : array-like of the shape of a row
        Finite numbers in the unit of X; 0 for levels.
    box : tuple (low, high), mapping, DataFrame of two rows or None, default=None
        Smallest and largest values, to which the sums are clipped; see
        :func:`adversarial_rows`.

    Returns
    -------
    X_perturbed : of the type of X
        Gaps stay.

    Raises
    ------
    ValueError
        If the perturbation has another shape or is not finite, moves levels, or a row
        lies outside the box.

    See Also
    --------
    universal_perturbation : Learns one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from imbdeep.attacks import perturbed_rows
    >>> X = np.array([[0.0, 1.0], [0.5, 0.0]])
    >>> dummy = DummyClassifier().fit(X, [0, 1])
    >>> perturbed_rows(dummy, X, [0.75, 0.0], box=(0, 1))
    array([[0.75, 1.  ],
           [1.  , 0.  ]])
    """
    rows = open_rows(estimator, X)
    shift = _read_perturbation(perturbation, rows)
    moves = shift != 0
    numbers, _ = rows.read(moves, {})
    moved = numbers + shift.astype(numbers.dtype)
    if box is not None:
        low, high = read_box(
            box, shape=rows.shape, names=rows.names, movable=moves, dtype=numbers.dtype
        )
        check_inside(numbers, low, high)
        moved = moved.clip(low, high)
    return rows.like(np.where(moves, moved, numbers))


def _read_perturbation(perturbation, rows):
    try:
        shift = np.asarray(perturbation, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"perturbation must be numbers, got {perturbation!r}."
        ) from None
    if shift.shape != rows.shape:
        raise ValueError(
            f"perturbation has shape {shift.shape}, but a row of X has shape "
            f"{rows.shape}. Give one number for each feature."
        )
    if not np.isfinite(shift).all():
        raise ValueError(
            "perturbation must be finite, and it holds NaN or infinity. Learn it with "
            "a smaller eps or step_size."
        )
    if rows.is_level is not None and (shift != 0)[rows.is_level].any():
        columns = np.flatnonzero((shift != 0) & rows.is_level).tolist()
        if rows.names is not None:
            columns = [list(rows.names)[i] for i in columns]
        refuse_levels(
            columns, "a perturbation to go. Let it be 0 there.", of="perturbation"
        )
    return shift
