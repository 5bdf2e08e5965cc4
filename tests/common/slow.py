"""Values to parametrize a test, of which some are left to the slow tests."""

from itertools import product

import pytest


def slow_if(is_slow, *values, **named):
    """Values to parametrize a test, marked slow or not."""
    return pytest.param(*values, marks=[pytest.mark.slow] if is_slow else [], **named)


def half_of(**values):
    """Parametrize a test by all combinations of values: every second one is slow.

    The quick half has each value of each parameter, and of three parameters or more
    each pair.
    """
    cases = list(product(*(enumerate(given) for given in values.values())))
    return pytest.mark.parametrize(
        tuple(values),
        [slow_if(sum(i for i, _ in case) % 2, *(v for _, v in case)) for case in cases],
    )
