"""What a docstring says that a parameter may be."""

import inspect
import math
import re
from numbers import Integral, Real

import numpy as np
from numpydoc.docscrape import ClassDoc

_LITERALS = re.compile(r"'([^']*)'")
_RANGE = re.compile(r"in ([\[(])(-?[\d.]+), (-?[\d.]+)([\])])")

# What a word of a documented type stands for. Longer words come first.
_KINDS = {
    "DawidSkene": (),
    "MetaAugmentClassifier": (),
    "RandomState instance": (np.random.RandomState,),
    "array-like": (list, tuple, range, np.ndarray),
    "sequence": (list, tuple, range, np.ndarray),
    "tuple": (list, tuple, np.ndarray),
    "list": (list,),
    "mapping": (dict,),
    "dict": (dict,),
    "str": (str,),
}


def documented_type(component, name):
    """Text of the type of a parameter, from the first docstring that has it."""
    bases = component.__mro__ if inspect.isclass(component) else (component,)
    for base in bases:
        if base.__module__.startswith("imbdeep"):
            for entry in ClassDoc(base)["Parameters"]:
                if name in [n.strip() for n in entry.name.split(",")]:
                    return entry.type.replace("\\", " ")
    return None


def _fits_number(text, value):
    if "int" not in text and "float" not in text:
        return False
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    if "float" not in text and not isinstance(value, Integral):
        return False
    if not -math.inf < value < math.inf:
        return False
    if found := re.search(r"at least (-?[\d.]+)", text):
        return value >= float(found[1]) or (value == -1 and "-1 or" in text)
    if found := re.search(r"greater than (-?[\d.]+)", text):
        return value > float(found[1])
    if found := _RANGE.search(text):
        opening, low, high, closing = found.groups()
        above = value >= float(low) if opening == "[" else value > float(low)
        below = value <= float(high) if closing == "]" else value < float(high)
        return above and below
    return True


def fits(text, value):
    """Whether a documented type allows a value; more generous than the code may be.

    Examples
    --------
    >>> fits("float in [0, 1), default=0.1", 1), fits("{'a', 'b'} or None", "a")
    (False, True)
    """
    text, _, default = text.partition("default=")
    if value is None:
        return bool(re.search(r"\bNone\b", text)) or default.strip() == "None"
    if isinstance(value, bool):
        # Whole numbers to Python, and to scikit-learn's checks of numbers.
        return "bool" in text or _fits_number(text, int(value))
    if isinstance(value, float) and math.isnan(value) and "NaN" in text:
        return True
    if isinstance(value, str) and value in _LITERALS.findall(text):
        return True
    if inspect.isclass(value):
        return "class" in text or "callable" in text
    if callable(value):
        return "callable" in text or "class" in text
    for word, types in _KINDS.items():
        if re.search(rf"(?<![\w.]){word}\b", text) and isinstance(value, types):
            return True
    return _fits_number(text, value)
