"""List the estimators of the package, as scikit-learn and imbalanced-learn do."""

import importlib

from sklearn.base import BaseEstimator

# The sub-packages of each type of estimators.
_PACKAGES = {
    "aggregator": ("crowds",),
    "classifier": ("classifiers", "calibration"),
    "sampler": ("over_sampling",),
    "transformer": ("preprocessing",),
}


def all_estimators(type_filter=None):
    """List the public estimators.

    Parameters
    ----------
    type_filter : {'aggregator', 'classifier', 'sampler', 'transformer'}, list of \
            such or None, default=None
        Types to list; None lists all. Aggregators infer one label per row from those of
        a crowd; transformers take images.

    Returns
    -------
    list of tuple (str, class)
        Names and classes, sorted by name.

    Raises
    ------
    ValueError
        If a type is unknown.

    See Also
    --------
    sklearn.utils.all_estimators : Those of scikit-learn.
    imblearn.utils.testing.all_estimators : Those of imbalanced-learn.

    Examples
    --------
    >>> from imbdeep.utils import all_estimators
    >>> [name for name, _ in all_estimators("aggregator")]
    ['DawidSkene', 'MajorityVote']
    """
    types = [type_filter] if isinstance(type_filter, str) else type_filter
    types = list(_PACKAGES) if types is None else list(types)
    unknown = [name for name in types if name not in _PACKAGES]
    if unknown:
        raise ValueError(
            f"type_filter must be among {sorted(_PACKAGES)}, got {unknown}. None lists "
            "all estimators."
        )
    found = {}
    for sub_package in {part for name in types for part in _PACKAGES[name]}:
        package = importlib.import_module(f"imbdeep.{sub_package}")
        public = {name: getattr(package, name) for name in package.__all__}
        found |= {name: one for name, one in public.items() if _is_estimator(one)}
    return sorted(found.items())


def _is_estimator(thing):
    return isinstance(thing, type) and issubclass(thing, BaseEstimator)
