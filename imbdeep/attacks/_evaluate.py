"""The worst case of a classifier's rows that an attack can find."""

from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from imbdeep._torch.seeding import seed_from
from imbdeep._torch.switches import usual_switches
from imbdeep.attacks._asked import read_changes, read_threat
from imbdeep.attacks._checks import check_attack, check_attackable, class_indices
from imbdeep.attacks._levels import LevelChoices
from imbdeep.attacks._nets import evaluation_mode, net_logits
from imbdeep.attacks._objectives import margin
from imbdeep.attacks._rows import open_rows
from imbdeep.attacks._worst import worst_rows


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
    levels=None,
    n_level_changes=1,
    early_stop=False,
    batch_size=1024,
    random_state=None,
):
    """Move each row, within ``eps``, to where a classifier errs most.

    Metrics on these rows are robust metrics of the classifier. They are upper bounds: a
    better attack may lower them.

    Parameters
    ----------
    estimator : fitted classifier
        A classifier of imbdeep, or another skorch classifier; for ``attack='square'``
        any classifier with ``predict_proba``, a pipeline included.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like \
            with more axes
        Sparse input is made dense meanwhile. Tables may have mixed columns, as a data
        frame or an array of objects: what cannot move reaches the classifier unchanged,
        text, dates and missing values included.
    y : array-like of shape (n_samples,)
        True labels.
    eps : float, array-like that broadcasts to a row, or mapping or Series by column \
            name, at least 0
        How far a row may move. 0 keeps a row, or a single feature, fixed.
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or the Euclidean length of the
        shift. If ``eps`` differs between features, 'l2' is the ellipsoid with these
        half-axes.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps`` and ``step_size``: that of X, or standard deviations of each
        feature, which suit a table.
    std : array-like of the shape of a row, mapping, Series or DataFrame of one row, \
            by column name, or None, default=None
        Standard deviations for 'std', such as ``X_train.std(axis=0)``. None takes the
        estimator's ``feature_std_``.
    step_size : float, array-like, mapping, Series or None, default=None
        Step length of projected gradient ascent, given like ``eps``. None takes
        ``2.5 * eps / attack_steps``.
    attack_steps : int, at least 0, default=20
        Steps of projected gradient ascent.
    restarts : int, at least 1, default=1
        Number of attacks by projected gradient ascent, of which the worst counts. Every
        second one climbs the :func:`margin`.
    random_start : bool, default=True
        Whether projected gradient ascent begins at a random point of the ball.
    attack : {'pgd', 'square', 'both'}, default='pgd'
        Projected gradient ascent; the black-box search :func:`square`, which sees only
        scores, so that useless gradients do not mislead it; or the worse of the two.
    queries : int, at least 0, default=500
        Number of queries of 'square' per row.
    box : tuple (low, high), mapping, DataFrame of two rows or None, default=None
        Smallest and largest values of the features that may move, such as ``(0, 1)``
        for pixels: numbers, arrays that broadcast to a row, mappings or Series; a
        mapping from each column to its pair; or a data frame such as
        ``X_train.agg(["min", "max"])``.
    perturb : array-like of bool of the shape of a row, list of columns, mapping or \
            Series of bool by column name, or None, default=None
        Which features may move; columns of a table also by position or name. None lets
        all numbers move. Levels change only for 'square' and 'both', if they are named
        here or in ``levels``. Dates cannot, and gaps stay.
    levels : mapping or None, default=None
        Allowed levels by column, such as ``{"city": ["Bonn", "Ulm"]}``; a column named
        here holds levels whatever its dtype. None, for all columns or in place of a
        list, allows those that occur in the rows attacked: for the rare classes alone,
        rather list those of training.
    n_level_changes : int, at least 0, default=1
        How many columns of a row may have another level, in addition to what ``eps``
        allows.
    early_stop : bool, default=False
        Whether to stop attacking a row once its label is no longer the likeliest and
        ``predict`` returns another. This is faster and enough for metrics of labels.
        Metrics of scores, such as average precision, need the worst rows.
    batch_size : int, at least 1, default=1024
        Rows attacked at once.
    random_state : int, RandomState instance or None, default=None
        Determines the random starts and the draws of 'square'.

    Returns
    -------
    X_adv : ndarray, sparse matrix or DataFrame of the shape of X
        In the container of X: sparse, or a data frame of the same library and index.
        Columns that may move are float32 for a net, or float64 if the net uses that;
        for other classifiers float64, or float32 if they were float32. Other columns
        are as in X. An array has one such dtype as a whole.

    Raises
    ------
    ValueError
        If a parameter or the data cannot be used: an unknown norm, ``eps`` below 0, a
        mask of the wrong width, unknown or missing columns, rows outside the box,
        columns in ``perturb`` that hold non-numbers, infinite numbers, labels that the
        estimator does not know, or an estimator without gradients.

    Warns
    -----
    UserWarning
        If ``eps`` moves no feature by a thousandth of its standard deviation in
        ``std``, else in the estimator's ``feature_std_``, else in these rows.

    See Also
    --------
    robust_predictions : Labels of such rows.
    robust_accuracy : Accuracy on such rows.

    Notes
    -----
    The net is attacked as it predicts: without dropout, and with the running statistics
    of batch norm. Its modes, gradients and random generators are left as they were.

    The usual ensemble of attacks includes a loss that needs three or more classes.
    Several restarts, half of them on the :func:`margin`, together with 'square' also
    serve two classes.

    Values given by column name, in a mapping or a Series, must name each column that
    may move, in any order, and no column that X lacks. If X has no names, whole numbers
    as names are positions.

    The search over levels is a random one, as the queries allow. If only levels change
    and their combinations are no more than ``queries``, it tries all of them: then
    nothing worse is to be found. Beyond that, and where numbers move as well, it may
    miss the worst combination, and more so the more levels and changes there are: raise
    ``queries`` and see whether the metric falls.

    Rounding may let a shift exceed ``eps``. Whole numbers and booleans that may move
    become floats; leave them out of ``perturb`` if a step of the pipeline treats them
    as categories.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import adversarial_rows
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = NetClassifier(max_epochs=20, random_state=0).fit(X, y)
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
            "n_level_changes": n_level_changes,
            "batch_size": batch_size,
        }
    )
    check_is_fitted(estimator, "classes_")
    check_attackable(estimator, attack)
    rows = open_rows(estimator, X)
    target = torch.from_numpy(class_indices(estimator, y, len(rows)))
    movable, searched = read_changes(rows, perturb, levels, attack)
    numbers, ball, step_size, allowed = read_threat(
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
        in_batches = partial(_in_batches, batch_size, device)
        find_worst = partial(
            worst_rows,
            logits_of,
            ball=ball.to(device),
            attack=attack,
            attack_steps=attack_steps,
            step_size=None if step_size is None else step_size.to(device),
            random_start=random_start,
            restarts=restarts,
            queries=queries,
            levels=LevelChoices(allowed, n_level_changes).to(device),
            generator=torch.Generator(device).manual_seed(seed),
        )
        worst = in_batches(partial(find_worst, early_stop=early_stop), numbers, target)
        if early_stop:
            # A classifier may predict by a threshold of its own, and still be right
            # where its label is no longer the likeliest.
            with torch.no_grad():
                left = in_batches(
                    lambda x, y: margin(logits_of(x), y) > 0, worst, target
                )
            is_right = estimator.predict(rows.like(worst.numpy())) == column_or_1d(y)
            left &= torch.from_numpy(np.asarray(is_right))
            if left.any():
                worst[left] = in_batches(find_worst, numbers[left], target[left])
    return rows.like(worst.numpy())


def _in_batches(batch_size, device, function, x, target):
    parts = zip(x.split(batch_size), target.split(batch_size), strict=True)
    return torch.cat([function(x.to(device), y.to(device)).cpu() for x, y in parts])


def robust_predictions(
    estimator, X, y, *, eps, early_stop=True, random_state=None, **attack
):
    """Predict labels of the worst rows within ``eps``.

    Parameters
    ----------
    estimator, X, y, eps
        See :func:`adversarial_rows`.
    early_stop : bool, default=True
        Whether to stop attacking a row once it is misclassified.
    random_state : int, RandomState instance or None, default=None
        See :func:`adversarial_rows`.
    **attack
        Further parameters of :func:`adversarial_rows`, such as ``norm``,
        ``attack_steps`` or ``restarts``.

    Returns
    -------
    y_pred : ndarray of shape (n_samples,)
        Predicted labels: the true label for rows on which no attack succeeded.

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
    >>> net = NetClassifier(max_epochs=20, random_state=0).fit(X, y)
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


@contextmanager
def attacked(estimator, rows):
    """The logits function of a classifier, and the device that it runs on."""
    module = getattr(estimator, "module_", None)
    if module is None:
        yield partial(_log_probabilities, estimator, rows), torch.device("cpu")
    else:
        device = next(iter(module.parameters()), torch.empty(0)).device
        with evaluation_mode(module):
            yield partial(net_logits, estimator), device


def _log_probabilities(estimator, rows, x):
    probabilities = estimator.predict_proba(rows.like(x.numpy()))
    probabilities = torch.from_numpy(np.asarray(probabilities, dtype=np.float64))
    # Trees give probabilities of 0, whose logarithm no margin can use.
    return probabilities.clamp_min(torch.finfo(torch.float64).tiny).log()
