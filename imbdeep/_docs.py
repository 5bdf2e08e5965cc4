"""Entries that several docstrings share."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

Documented = TypeVar("Documented", bound=type)


def shared_docs(texts: Mapping[str, str]) -> Callable[[Documented], Documented]:
    """Decorate a class so that names in braces in its docstring become texts.

    Parameters
    ----------
    texts : mapping of str to str
        numpydoc entries, by the name that stands in braces alone on a line.

    Examples
    --------
    >>> from imbdeep._docs import shared_docs
    >>> @shared_docs({"lr": "lr : float\\n    Learning rate."})
    ... class Net:
    ...     '''A net.
    ...
    ...     Parameters
    ...     ----------
    ...     {lr}
    ...     '''
    >>> print(Net.__doc__.splitlines()[4].strip())
    lr : float
    """

    def decorate(documented: Documented) -> Documented:
        doc = documented.__doc__
        if doc is not None:  # python -OO strips docstrings
            named = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)
            documented.__doc__ = named.sub(lambda m: _indented(texts[m[2]], m[1]), doc)
        return documented

    return decorate


def _indented(text: str, margin: str) -> str:
    return "\n".join(margin + line for line in text.strip("\n").split("\n"))
