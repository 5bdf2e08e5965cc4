"""Checks of arguments, with scikit-learn's constraints."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, TypeVar, cast

import numpy as np
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    make_constraint,
)

Construct = TypeVar("Construct", bound=Callable[..., None])

_INT64 = np.iinfo(np.int64)
# Characters of a value in a message.
_MOST_SHOWN = 120


class FiniteReal(Interval):
    """A number in an interval that arrays and tensors can hold, unlike 10**400.

    Parameters
    ----------
    low, high : float or None
        None sets no bound.
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
        # NumPy does not know every Real: fractions, for example.
        if isinstance(val, bool) or not isinstance(val, int | float | np.number):
            return False
        if not super().is_satisfied_by(val):
            return False
        # NumPy and torch cannot convert a larger int.
        if isinstance(val, Integral):
            return abs(int(val)) <= _INT64.max
        # Of short floats, NumPy would make the bound one, which warns of an overflow.
        return abs(float(val)) <= sys.float_info.max

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
    """A whole number with a lower bound that 64 bits can hold.

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
        # bool is an Integral.
        return not isinstance(val, bool) and super().is_satisfied_by(val)

    def __str__(self) -> str:
        return f"a whole number of at least {self.left}"


class Instance(HasMethods):
    """An object with some methods that is no class, which would have them as well.

    Parameters
    ----------
    methods : str or list of str

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep._arguments import Instance
    >>> given = LogisticRegression(), LogisticRegression
    >>> [Instance("fit").is_satisfied_by(one) for one in given]
    [True, False]
    """

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, type) and bool(super().is_satisfied_by(val))

    def __str__(self) -> str:
        return f"{super().__str__()}, and no class"


# Constraints of ``missing_values``, which marks missing annotations.
MISSING_VALUES = [FiniteReal(None, None), "nan", None]


def check_arguments(
    constraints: Mapping[str, list[Any]], arguments: Mapping[str, Any]
) -> None:
    """Refuse arguments that violate their constraints.

    Parameters
    ----------
    constraints : dict of str to list
        By name of the argument, scikit-learn's constraints, one of which must hold.
    arguments : dict
        Arguments without constraints are ignored.

    Raises
    ------
    ValueError
        The message names the argument, the constraint and the value.

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
            raise ValueError(f"{name} must be {what}, got {shown(value)}.")


def shown(value: Any) -> str:
    """Value as it stands in a message: on one line, and the start of a long one.

    Examples
    --------
    >>> from imbdeep._arguments import shown
    >>> shown((1, 2)), len(shown(list(range(1000))))
    ('(1, 2)', 124)
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."


def _words(constraint: Any) -> list[str]:
    if isinstance(constraint, StrOptions):
        return sorted(map(repr, constraint.options))
    return [str(constraint)]


@contextmanager
def naming_value(parameter: str, value: Any) -> Iterator[None]:
    """Name the parameter in errors of code that reads its value.

    Parameters
    ----------
    parameter : str
    value : object

    Raises
    ------
    ValueError
        Instead of an error that does not name the parameter.

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
        raise ValueError(
            f"{parameter}={shown(value)} cannot be used: {error}"
        ) from error


def checks_arguments(
    **constraints: list[Any],
) -> Callable[[Construct], Construct]:
    """Decorate a constructor so that it checks its arguments.

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
