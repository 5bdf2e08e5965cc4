"""What parameters may be: checks of constructors, in scikit-learn's vocabulary."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, TypeVar, cast

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    make_constraint,
)

Construct = TypeVar("Construct", bound=Callable[..., None])

_INT64 = np.iinfo(np.int64)


class FiniteReal(Interval):
    """A number in an interval that arrays and tensors can hold, which 10**400 is not.

    Parameters
    ----------
    low, high : float or None
        None for no bound.
    closed : {'both', 'left', 'right', 'neither'}, default='both'
        Which ends belong to the interval.

    Examples
    --------
    >>> from imbdeep._arguments import FiniteReal
    >>> FiniteReal(0, None).is_satisfied_by(10**400)
    False
    >>> str(FiniteReal(0, 1, closed="left"))
    'in [0, 1)'
    """

    def __init__(
        self, low: float | None, high: float | None, *, closed: str = "both"
    ) -> None:
        if high is None:
            closed = {"both": "left", "right": "neither"}.get(closed, closed)
        if low is None:
            closed = {"both": "right", "left": "neither"}.get(closed, closed)
        super().__init__(Real, low, high, closed=closed)

    def is_satisfied_by(self, val: Any) -> bool:
        # Not every Real is known to NumPy, which fractions are not.
        if isinstance(val, bool) or not isinstance(val, int | float | np.number):
            return False
        if not super().is_satisfied_by(val):
            return False
        # A larger int is one that NumPy and torch cannot make a number of.
        largest: Any = _INT64.max if isinstance(val, Integral) else sys.float_info.max
        return bool(abs(val) <= largest)

    def __str__(self) -> str:
        if self.left is None and self.right is None:
            return "a finite number"
        if self.right is None:
            words = "at least" if self.closed == "left" else "greater than"
            return f"{words} {self.left}"
        opening = "[" if self.closed in ("left", "both") else "("
        closing = "]" if self.closed in ("right", "both") else ")"
        return f"in {opening}{self.left}, {self.right}{closing}"


class WholeNumber(Interval):
    """A whole number of at least so much, which 64 bits can hold.

    Parameters
    ----------
    low : int

    Examples
    --------
    >>> from imbdeep._arguments import WholeNumber
    >>> [WholeNumber(1).is_satisfied_by(value) for value in (1, 0, 1.0, 10**30)]
    [True, False, False, False]
    """

    def __init__(self, low: int) -> None:
        super().__init__(Integral, low, _INT64.max, closed="both")

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool) and super().is_satisfied_by(val)

    def __str__(self) -> str:
        return f"a whole number of at least {self.left}"


# What ``missing_values`` may be: marks annotations that were not given.
MISSING_VALUES = [FiniteReal(None, None), "nan", None]


def check_arguments(
    constraints: Mapping[str, list[Any]], arguments: Mapping[str, Any]
) -> None:
    """Refuse arguments that are not what they must be.

    Parameters
    ----------
    constraints : dict of str to list
        By name of the argument: constraints of which one must hold, as scikit-learn
        writes them.
    arguments : dict
        Of these, those without constraints are not looked at.

    Raises
    ------
    ValueError
        Says which argument, what it must be and what it is.

    Examples
    --------
    >>> from imbdeep._arguments import FiniteReal, check_arguments
    >>> check_arguments({"dropout": [FiniteReal(0, 1)]}, {"dropout": "much"})
    Traceback (most recent call last):
    ValueError: dropout must be in [0, 1], got 'much'.
    """
    for name in constraints.keys() & arguments.keys():
        value = arguments[name]
        allowed = [make_constraint(constraint) for constraint in constraints[name]]
        if not any(constraint.is_satisfied_by(value) for constraint in allowed):
            *others, last = [word for c in allowed for word in _words(c)]
            what = f"{', '.join(others)} or {last}" if others else last
            raise ValueError(f"{name} must be {what}, got {value!r}.")


def _words(constraint: Any) -> list[str]:
    if isinstance(constraint, StrOptions):
        return sorted(map(repr, constraint.options))
    return [str(constraint)]


@contextmanager
def naming_value(parameter: str, value: Any) -> Iterator[None]:
    """Say which parameter was wrong, where what reads its value does not.

    Parameters
    ----------
    parameter : str
    value : object

    Raises
    ------
    ValueError
        Instead of an error of the reader that does not name the parameter.

    Examples
    --------
    >>> from imbdeep._arguments import naming_value
    >>> with naming_value("class_weight", {0: "x"}):
    ...     float("x")
    Traceback (most recent call last):
    ValueError: class_weight={0: 'x'} cannot be used: could not convert string ...
    """
    try:
        yield
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if parameter in str(error):
            raise
        raise ValueError(f"{parameter}={value!r} cannot be used: {error}") from error


def checks_arguments(
    **constraints: list[Any],
) -> Callable[[Construct], Construct]:
    """A decorator of constructors: check what they are called with.

    Parameters
    ----------
    **constraints
        See :func:`check_arguments`.

    Examples
    --------
    >>> from imbdeep._arguments import WholeNumber, checks_arguments
    >>> class Layer:
    ...     @checks_arguments(n_units=[WholeNumber(1)])
    ...     def __init__(self, n_units=1):
    ...         self.n_units = n_units
    >>> Layer(0)
    Traceback (most recent call last):
    ValueError: n_units must be a whole number of at least 1, got 0.
    """

    def decorate(construct: Construct) -> Construct:
        signature = inspect.signature(construct)

        @functools.wraps(construct)
        def checked(*args: Any, **kwargs: Any) -> None:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:
                # Python's own error names the class.
                given = {}
            check_arguments(constraints, given)
            construct(*args, **kwargs)

        return cast(Construct, checked)

    return decorate
