"""Transformers of images, for pipelines and searches.

They take images of shape (n_samples, n_bands, height, width), bytes and mapped files
included, and read them a block at a time.
"""

from imbdeep.preprocessing._band_scaler import BandScaler
from imbdeep.preprocessing._band_selector import BandSelector

__all__ = ["BandScaler", "BandSelector"]
