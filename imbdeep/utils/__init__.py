"""Discovery of the estimators."""

from imbdeep.utils._discovery import all_estimators

__all__ = ["all_estimators"]
