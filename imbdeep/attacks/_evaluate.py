"""The worst case of a classifier's rows, as far as attacks can find it."""

from contextlib import contextmanager
from functools import partial
from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from imbdeep._frames import column_names, is_pandas
from imbdeep._torch_switches import usual_switches
from imbdeep._validation import check_columns_are_numeric
from imbdeep.attacks._nets import evaluation_mode, net_logits
from imbdeep.attacks._objectives import margin
from imbdeep.attacks._pgd import strongest_pgd
from imbdeep.attacks._square import square
from imbdeep.attacks._threat import (
    check_inside,
    check_threat,
    lengths_of_row,
    make_ball,
    movable_features,
    read_box,
)

ATTACKS = ("pgd", "square", "both")
LEAST = {"attack_steps": 0, "restarts": 1, "queries": 0, "batch_size": 1}


@usual_switches()
def adversarial_rows(
    estimator,
    X,
    y,
    *,
    eps,
    norm="linf",
    eps_unit="input",
    std=None,
    step_size=None,
    attack_steps=20,
    restarts=1,
    random_start=True,
    attack="pgd",
    queries=500,
    box=None,
    perturb=None,
    early_stop=False,
    batch_size=1024,
    random_state=None,
):
    """Move each row, within ``eps``, to where a classifier errs most.

    Metrics of the classifier on these rows are its robust metrics, as far as the attack
    goes: an upper bound of what a better attack would leave.

    Parameters
    ----------
    estimator : fitted classifier
        A classifier of imbdeep, or another skorch classifier; for ``attack='square'``
        any classifier with ``predict_proba``, a pipeline included.
    X : array-like of shape (n_samples, n_features), or more axes
        Finite numbers; used as float32.
    y : array-like of shape (n_samples,)
        True labels.
    eps : float or array-like that broadcasts to a row, at least 0
        How far a row may go. 0 leaves it, or one feature, as it is.
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or its Euclidean length. With
        different ``eps`` for the features, 'l2' is the ellipsoid of these half-axes.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps`` and ``step_size``: that of X, or standard deviations of each
        feature, which suit a table.
    std : array-like of the shape of a row, or None, default=None
        Standard deviations for 'std', such as ``X_train.std(axis=0)``. None takes those
        that the estimator learned, its ``feature_std_``.
    step_size : float, array-like that broadcasts to a row, or None, default=None
        Length of a step of projected gradient ascent. None takes ``2.5 * eps /
        attack_steps``.
    attack_steps : int, at least 0, default=20
        Steps of projected gradient ascent.
    restarts : int, at least 1, default=1
        Attacks by projected gradient ascent, of which the worst counts; see
        :func:`strongest_pgd`.
    random_start : bool, default=True
        Whether projected gradient ascent begins at a random point of the ball.
    attack : {'pgd', 'square', 'both'}, default='pgd'
        Projected gradient ascent; the black-box search :func:`square`, which sees
        scores alone and is not fooled by useless gradients; or the worse of the two.
    queries : int, at least 0, default=500
        How often 'square' asks for the scores.
    box : tuple (low, high) or None, default=None
        Least and largest values of features, such as ``(0, 1)`` for pixels: numbers, or
        arrays that broadcast to a row.
    perturb : array-like of bool of the shape of a row, list of columns, or None, \
            default=None
        Which features may move; columns of a table also by position or name. Leave out
        categories. None lets all move.
    early_stop : bool, default=False
        Whether a row is left alone once its label is not the likeliest any more and
        ``predict`` gives another: quicker, and all that labels need. Metrics of scores,
        such as average precision, need the worst rows.
    batch_size : int, at least 1, default=1024
        Rows that are attacked at once.
    random_state : int, RandomState instance or None, default=None
        Decides the random starts and the draws of 'square'.

    Returns
    -------
    X_adv : ndarray or DataFrame of the shape of X, float32
        A data frame if X is one.

    Raises
    ------
    ValueError
        If a parameter or the data cannot be used: an unknown norm, ``eps`` below 0, a
        mask of another width, rows outside the box, labels that the estimator does not
        know, or an estimator without gradients.

    See Also
    --------
    robust_predictions : Labels of such rows.
    robust_accuracy : Their accuracy.

    Notes
    -----
    The net is attacked as it predicts: without dropout, and with the statistics of
    batch norm. Its modes, gradients and random generators are left as they were.

    The usual ensemble of attacks uses a loss of three or more classes; several
    restarts, half of them on the :func:`margin`, and 'square' beside them serve two
    classes as well.

    Rows are float32, so a shift may exceed ``eps`` by the rounding of the value.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import adversarial_rows
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = NetClassifier(random_state=0).fit(X, y)
    >>> X_adv = adversarial_rows(net, X, y, eps=0.5, random_state=0)
    >>> bool(np.abs(X_adv - X).max() <= 0.5 + 1e-6)
    True
    """
    check_attack(
        {
            "norm": norm,
            "eps": eps,
            "eps_unit": eps_unit,
            "step_size": step_size,
            "attack": attack,
            "attack_steps": attack_steps,
            "restarts": restarts,
            "queries": queries,
            "batch_size": batch_size,
        }
    )
    check_is_fitted(estimator, "classes_")
    rows = _read_rows(estimator, X)
    target = _read_labels(estimator, y, len(rows))
    shape = rows.shape[1:]
    names = column_names(X)
    movable = movable_features(perturb, shape, names)
    if std is None:
        std = getattr(estimator, "feature_std_", None)
    radius = lengths_of_row("eps", eps, shape, eps_unit, std, names)
    if step_size is not None:
        step_size = lengths_of_row("step_size", step_size, shape, eps_unit, std, names)
        step_size = torch.as_tensor(step_size, dtype=torch.float32)
    if box is not None:
        box = read_box(box, shape)
        check_inside(rows, *box)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)

    with _attacked(estimator, X, attack) as (logits_of, device):
        find_worst = partial(
            worst_rows,
            logits_of,
            ball=make_ball(norm, radius, movable, box, device),
            attack=attack,
            attack_steps=attack_steps,
            step_size=None if step_size is None else step_size.to(device),
            random_start=random_start,
            restarts=restarts,
            queries=queries,
            generator=torch.Generator(device).manual_seed(seed),
        )

        def in_batches(function, rows, target):
            parts = zip(
                torch.tensor(rows).split(batch_size),
                torch.from_numpy(target).split(batch_size),
                strict=True,
            )
            found = [function(x.to(device), y.to(device)).cpu() for x, y in parts]
            return torch.cat(found).numpy()

        worst = in_batches(partial(find_worst, early_stop=early_stop), rows, target)
        if early_stop:
            # A threshold of its own may leave right what is not the likeliest label.
            with torch.no_grad():
                left = in_batches(
                    lambda x, y: margin(logits_of(x), y) > 0, worst, target
                )
            left &= estimator.predict(_like(X, worst)) == column_or_1d(y)
            if left.any():
                worst[left] = in_batches(find_worst, rows[left], target[left])
    X_adv = _like(X, worst)
    return X_adv.set_axis(X.index) if is_pandas(X) else X_adv


def robust_predictions(
    estimator, X, y, *, eps, early_stop=True, random_state=None, **attack
):
    """Labels that a classifier gives to the worst rows within ``eps``.

    Parameters
    ----------
    estimator, X, y, eps
        See :func:`adversarial_rows`.
    early_stop : bool, default=True
        Whether a row is left alone once it is misclassified.
    random_state : int, RandomState instance or None, default=None
        See :func:`adversarial_rows`.
    **attack
        Further parameters of :func:`adversarial_rows`, such as ``norm``,
        ``attack_steps`` or ``restarts``.

    Returns
    -------
    y_pred : ndarray of shape (n_samples,)
        Labels as the classifier gives them: the true one where no attack succeeded.

    Raises
    ------
    ValueError
        See :func:`adversarial_rows`.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.metrics import balanced_accuracy_score
    >>> from imbdeep.attacks import robust_predictions
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = NetClassifier(random_state=0).fit(X, y)
    >>> y_pred = robust_predictions(net, X, y, eps=0.5, restarts=5, random_state=0)
    >>> robust = balanced_accuracy_score(y, y_pred)
    >>> bool(robust < balanced_accuracy_score(y, net.predict(X)))
    True
    """
    X_adv = adversarial_rows(
        estimator,
        X,
        y,
        eps=eps,
        early_stop=early_stop,
        random_state=random_state,
        **attack,
    )
    return estimator.predict(X_adv)


def worst_rows(
    logits_of,
    x,
    y,
    ball,
    *,
    attack="pgd",
    attack_steps=20,
    step_size=None,
    random_start=True,
    restarts=1,
    queries=500,
    early_stop=False,
    generator=None,
):
    """Worst rows that one attack or two come by, as tensors.

    Parameters
    ----------
    logits_of : callable
        Takes rows and gives logits, or for 'square' log-probabilities, of shape (n, C).
    x : Tensor of shape (n, ...)
    y : Tensor of shape (n,), int64
    ball : Ball
    attack : {'pgd', 'square', 'both'}, default='pgd'
    attack_steps, step_size, random_start, restarts
        See :func:`strongest_pgd`.
    queries : int, default=500
        See :func:`square`.
    early_stop, generator
        See :func:`strongest_pgd`.

    Returns
    -------
    Tensor of shape (n, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball, worst_rows
    >>> net = torch.nn.Linear(2, 2)
    >>> x, y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
    >>> ball = Ball("linf", torch.full((2,), 0.5))
    >>> worst_rows(net, x, y, ball, attack="both").shape
    torch.Size([4, 2])
    """
    worst = x
    if attack != "square":
        worst = strongest_pgd(
            logits_of,
            x,
            y,
            ball,
            attack_steps=attack_steps,
            step_size=step_size,
            random_start=random_start,
            restarts=restarts,
            early_stop=early_stop,
            generator=generator,
        )
    if attack == "pgd":
        return worst
    with torch.no_grad():
        height = margin(logits_of(worst), y)
        going = height <= 0 if early_stop else torch.ones_like(height, dtype=torch.bool)
        rows = going.nonzero()[:, 0]
        if len(rows) == 0:
            return worst
        found = square(
            logits_of,
            x[rows],
            y[rows],
            ball,
            queries=queries,
            early_stop=early_stop,
            generator=generator,
        )
        higher = margin(logits_of(found), y[rows]) > height[rows]
    worst = worst.clone()
    worst[rows[higher]] = found[higher]
    return worst


def check_attack(parameters):
    """Refuse parameters of :func:`adversarial_rows` that no data could make sense of.

    Parameters
    ----------
    parameters : dict
        All of them, by name.
    """
    check_threat(
        *(parameters[name] for name in ("norm", "eps", "eps_unit", "step_size"))
    )
    if parameters["attack"] not in ATTACKS:
        raise ValueError(
            f"attack must be one of {ATTACKS}, got {parameters['attack']!r}."
        )
    for name, least in LEAST.items():
        value = parameters[name]
        if not (isinstance(value, Integral) and value >= least):
            raise ValueError(
                f"{name} must be an integer of at least {least}, got {value!r}."
            )


def _read_rows(estimator, X):
    check_columns_are_numeric(X)
    return validate_data(
        estimator,
        X,
        reset=False,
        dtype=np.float32,
        order="C",
        allow_nd=True,
    )


def _read_labels(estimator, y, n_rows):
    y = column_or_1d(y)
    if len(y) != n_rows:
        raise ValueError(f"X has {n_rows} rows and y has {len(y)} labels.")
    classes = np.asarray(estimator.classes_)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"y has labels {unknown.tolist()} that are not among the classes "
            f"{classes.tolist()} of {type(estimator).__name__}."
        )
    order = np.argsort(classes)
    return order[np.searchsorted(classes, y, sorter=order)]


@contextmanager
def _attacked(estimator, X, attack):
    """What an attack may ask of a classifier: its logits, and on which device."""
    module = getattr(estimator, "module_", None)
    if module is not None:
        if attack != "square":
            _check_gradients(estimator)
        device = next(iter(module.parameters()), torch.empty(0)).device
        with evaluation_mode(module):
            yield partial(net_logits, estimator), device
    elif attack == "square" and hasattr(estimator, "predict_proba"):
        yield partial(_log_probabilities, estimator, X), torch.device("cpu")
    else:
        raise ValueError(
            f"attack={attack!r} needs the gradients of a net, and "
            f"{type(estimator).__name__} has no module_. Attack the net inside, such "
            "as best_estimator_ or the last step of a pipeline, on rows that the steps "
            "before it have transformed; or use attack='square', which takes any "
            "classifier with predict_proba."
        )


def _check_gradients(estimator):
    """Refuse a net whose weights torch keeps out of every gradient."""
    if any(weights.is_inference() for weights in estimator.module_.parameters()):
        raise ValueError(
            f"{type(estimator).__name__} was initialized in torch.inference_mode, "
            "which keeps its weights out of gradients for good. Fit it outside."
        )


def _log_probabilities(estimator, X, x):
    probabilities = estimator.predict_proba(_like(X, x.numpy()))
    probabilities = torch.from_numpy(np.asarray(probabilities, dtype=np.float64))
    return probabilities.clamp_min(torch.finfo(torch.float64).tiny).log()


def _like(X, rows):
    """Rows in the container of X."""
    if not is_pandas(X):
        return rows
    return type(X)(rows, columns=X.columns)
