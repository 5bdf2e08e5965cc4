"""Import sub-packages on first use.

They need torch, which takes seconds to import, and nobody uses all of them.
"""

import importlib
import sys
from typing import Any

# Of classes that are there at the top as well: the one to start with.
_CLASSES = {"ImbalancedClassifier": "imbdeep.classifiers"}


def __getattr__(name: str) -> Any:
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name]), name)
    if name in sys.modules["imbdeep"].__all__:
        return importlib.import_module(f"imbdeep.{name}")
    raise AttributeError(f"module 'imbdeep' has no attribute {name!r}")


def __dir__() -> list[str]:
    package = sys.modules["imbdeep"]
    return sorted({*vars(package), *package.__all__})
