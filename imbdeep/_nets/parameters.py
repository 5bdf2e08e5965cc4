"""Parameters as users set them, and as training sees them."""

import functools
import inspect
from numbers import Integral

import torch
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils._param_validation import (
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from imbdeep._arguments import FiniteReal, WholeNumber, naming_value
from imbdeep._nets.member_rows import HOLD_OUTS
from imbdeep._nets.nested_parameters import (
    check_iterator,
    check_names_of_callbacks,
    naming_failures,
)
from imbdeep._torch.device import check_device, resolve_device
from imbdeep.augmentations._registry import AUGMENTATIONS
from imbdeep.batches._registry import BATCHES
from imbdeep.callbacks._epoch_metrics import RECORDED
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._numeric_encoding import encoding_kinds
from imbdeep.modules._registry import MODULES

# Parameters that a property resolves, so that skorch never sees their 'auto'.
_RESOLVED = ("batch_size", "device")


def accepts(function, name):
    """Whether a class or function takes a keyword argument of this name.

    Examples
    --------
    >>> from imbdeep._nets.parameters import accepts
    >>> accepts(sorted, 'key'), accepts(sorted, 'lock')
    (True, False)
    """
    try:
        return name in _parameters_of(function)
    except TypeError:  # of an instance that cannot be hashed
        return name in _parameters_of.__wrapped__(function)


@functools.lru_cache(maxsize=128)
def _parameters_of(function):
    """Names of the parameters of a function, looked up in every batch."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except ValueError:  # of a class that is not written in Python
        return frozenset()


def needs(function, name):
    """Whether a class or function needs an argument of this name.

    Examples
    --------
    >>> from imbdeep._nets.parameters import needs
    >>> needs(sorted, 'iterable'), needs(sorted, 'key'), needs(sorted, 'lock')
    (True, False, False)
    """
    if not accepts(function, name):
        return False
    parameter = inspect.signature(function).parameters[name]
    return parameter.default is inspect.Parameter.empty


def auto_batch_size(n_rows, n_classes=2):
    """Batch size for a table of ``n_rows``: 128, or fewer to give eight steps.

    Examples
    --------
    >>> from imbdeep._nets.parameters import auto_batch_size
    >>> [auto_batch_size(n) for n in (50, 400, 2_000)]
    [16, 50, 128]
    """
    # Room for two rows of each class, however many classes there are.
    return max(16, 2 * n_classes, min(128, n_rows // 8))


class NetParameters:
    """Parameters as users set them, and as training sees them.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    _parameter_constraints = {
        "module": [StrOptions(set(MODULES)), torch.nn.Module, callable],
        "criterion": [StrOptions(set(LOSSES)), torch.nn.Module, callable],
        "optimizer": [callable],
        "lr": [FiniteReal(0, None, closed="neither")],
        "max_epochs": [WholeNumber(1)],
        "batch_size": [
            WholeNumber(1),
            Options(Integral, {-1}),  # skorch's sign for all rows at once
            StrOptions({"auto"}),
        ],
        "iterator_train": [StrOptions(set(BATCHES)), callable],
        "augment": [StrOptions(set(AUGMENTATIONS)), callable, None],
        "iterator_valid": [callable],
        "train_split": [StrOptions({"stratified"}), callable, None],
        "validation_fraction": [FiniteReal(0, 1, closed="neither")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "patience": [WholeNumber(1)],
        "scoring": [StrOptions(set(get_scorer_names()) | set(RECORDED)), callable],
        "numeric_encoding": [str, None],
        "categorical_features": ["array-like", StrOptions({"auto"}), dict, None],
        "n_bins": [WholeNumber(2)],
        "n_members": [WholeNumber(1)],
        "member_holdout": [StrOptions(set(HOLD_OUTS)), None],
        "member_sampling": [
            FiniteReal(0, 1, closed="right"),
            str,
            dict,
            callable,
            None,
        ],
        "refit": ["boolean"],
        "prior_correction": ["boolean"],
        "target_prior": ["array-like", dict, None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "weight_reduction": [StrOptions({"weights", "rows"})],
        "dataset": [callable],
        "classes": ["array-like", None],
        "use_caching": ["boolean", StrOptions({"auto"})],
        "torch_load_kwargs": [dict, None],
        "predict_nonlinearity": [StrOptions({"auto"}), callable, None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "compile": ["boolean"],
        "on_interrupt": [StrOptions({"raise", "stop"})],
        "device": [str, torch.device, None],
        "random_state": ["random_state"],
        "callbacks": [list, StrOptions({"disable"}), None],
    }

    @property
    def device(self):
        """Device that training and prediction run on; never ``'auto'``."""
        return resolve_device(vars(self)["device"])

    @device.setter
    def device(self, device):
        vars(self)["device"] = device

    @property
    def batch_size(self):
        """Rows per step; never ``'auto'``."""
        size = vars(self)["batch_size"]
        if isinstance(size, str) and size == "auto":
            return getattr(self, "auto_batch_size_", 128)
        return size

    @batch_size.setter
    def batch_size(self, batch_size):
        vars(self)["batch_size"] = batch_size

    def __setattr__(self, name, value):
        # skorch takes any module for a part that ``fit`` makes, and refuses it here.
        if isinstance(value, torch.nn.Module) and name in self._parameter_constraints:
            vars(self)[name] = value
        else:
            super().__setattr__(name, value)

    def _get_param_names(self):
        # skorch takes every attribute without a trailing underscore for a parameter.
        return [name for name in super()._get_param_names() if name[0] != "_"]

    def get_params(self, deep=True, **kwargs):
        params = super().get_params(deep=deep, **kwargs)
        # skorch lists the defaults of default callbacks even where others were set.
        params |= self._prefixed("callbacks")
        # As the user set them, or a clone would have lost its 'auto'.
        return {**params, **{name: vars(self)[name] for name in _RESOLVED}}

    def _check_parameters(self):
        # skorch unpacks the pairs, and would fail there without an explanation.
        check_names_of_callbacks(self.callbacks)
        validate_parameter_constraints(
            self._parameter_constraints,
            self.get_params(deep=False),
            caller_name=type(self).__name__,
        )
        if callable(self.scoring):
            # skorch would take a function of labels for a scorer, which is maximised.
            with naming_value("scoring", self.scoring):
                check_scoring(self, self.scoring)
        if self.numeric_encoding is not None:
            encoding_kinds(self.numeric_encoding)
        for prefix, iterator in (
            ("iterator_train", self._training_iterator()),
            ("iterator_valid", self.iterator_valid),
        ):
            check_iterator(prefix, iterator, self._set_by_user(prefix))
        check_device("cpu" if self.device is None else self.device)

    def _component(self, name, registry):
        """Class, instance or function behind a parameter that may be a name."""
        value = getattr(self, name)
        return registry[value] if isinstance(value, str) else value

    def _training_iterator(self):
        return self._component("iterator_train", BATCHES)

    def _set_by_user(self, prefix):
        """Parameters that the user has set with a prefix, without the prefix."""
        given = self._prefixed(prefix)
        return {key.removeprefix(f"{prefix}__"): given[key] for key in given}

    def _naming(self, prefix, component):
        return naming_failures(prefix, component, self._set_by_user(prefix))

    def __setstate__(self, state):
        # skorch asks torch where to load tensors, and torch does not know 'auto'.
        requested = state["device"]
        if requested == "auto":
            state["device"] = resolve_device("auto")
        super().__setstate__(state)
        if requested == "auto":
            self.device = "auto"
