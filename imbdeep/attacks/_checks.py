"""What an attack refuses before it begins."""

import numpy as np
from sklearn.utils.validation import column_or_1d

from imbdeep._arguments import WholeNumber, check_arguments
from imbdeep.attacks._threat import check_threat

ATTACKS = ("pgd", "square", "both")
COUNTS = {
    "attack_steps": [WholeNumber(0)],
    "restarts": [WholeNumber(1)],
    "queries": [WholeNumber(0)],
    "n_level_changes": [WholeNumber(0)],
    "batch_size": [WholeNumber(1)],
}


def check_attackable(estimator, attack):
    """Refuse an attack for which a classifier lacks gradients or probabilities.

    Parameters
    ----------
    estimator : classifier
    attack : {'pgd', 'square', 'both'}
    """
    if hasattr(estimator, "module_"):
        if attack != "square":
            _check_gradients(estimator)
        return
    if attack == "square" and hasattr(estimator, "predict_proba"):
        return
    raise ValueError(
        f"attack={attack!r} needs the gradients of a net, and "
        f"{type(estimator).__name__} has no module_. Attack the net inside, such "
        "as best_estimator_ or the last step of a pipeline, on rows that the steps "
        "before it have transformed; or use attack='square', which takes any "
        "classifier with predict_proba, and rows as they are: name the columns that "
        "may move in perturb, and the others may be text."
    )


def check_attack(parameters):
    """Refuse parameters of :func:`adversarial_rows` that are wrong for any data.

    Parameters
    ----------
    parameters : dict
        All parameters, by name.
    """
    check_threat(
        *(parameters[name] for name in ("norm", "eps", "eps_unit", "step_size"))
    )
    if parameters["attack"] not in ATTACKS:
        raise ValueError(
            f"attack must be one of {ATTACKS}, got {parameters['attack']!r}."
        )
    check_arguments(COUNTS, parameters)


def check_has_gradients(estimator):
    """Refuse a classifier that is no net.

    Parameters
    ----------
    estimator : classifier
    """
    if not hasattr(estimator, "module_"):
        raise ValueError(
            "A universal perturbation is learned by the gradients of a net, and "
            f"{type(estimator).__name__} has no module_. Learn it for the net inside, "
            "or for another net, and see by fooling_rate whether it carries over."
        )
    _check_gradients(estimator)


def _check_gradients(estimator):
    """Refuse a net whose weights torch bars from all gradients."""
    if any(weights.is_inference() for weights in estimator.module_.parameters()):
        raise ValueError(
            f"{type(estimator).__name__} was initialized in torch.inference_mode, "
            "which keeps its weights out of gradients for good. Fit it outside."
        )


def class_indices(estimator, y, n_rows):
    """Labels of rows as indices of a classifier's classes.

    Parameters
    ----------
    estimator : fitted classifier
    y : array-like of shape (n_rows,)
    n_rows : int

    Returns
    -------
    ndarray of shape (n_rows,), int
    """
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
    # skorch leaves ``classes`` in the order in which the user gave them.
    order = np.argsort(classes)
    return order[np.searchsorted(classes, y, sorter=order)]
