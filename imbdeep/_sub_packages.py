"""Import sub-packages on first use.

They need torch, which takes seconds to import, and nobody uses all of them.
"""

import importlib
import sys
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name in sys.modules["imbdeep"].__all__:
        return importlib.import_module(f"imbdeep.{name}")
    raise AttributeError(f"module 'imbdeep' has no attribute {name!r}")


def __dir__() -> list[str]:
    package = sys.modules["imbdeep"]
    return sorted({*vars(package), *package.__all__})
