"""Networks, heads and numeric encodings."""

from imbdeep.modules._autoencoder import ConvAutoencoder, MLPAutoencoder
from imbdeep.modules._heads import CosineHead
from imbdeep.modules._mlp import MLP
from imbdeep.modules._numeric_encoding import (
    Encoding,
    PiecewiseLinearEncoding,
    Standardization,
    encoding_recipe,
)
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES

__all__ = [
    "MLP",
    "MODULES",
    "ConvAutoencoder",
    "CosineHead",
    "Encoding",
    "MLPAutoencoder",
    "PiecewiseLinearEncoding",
    "Standardization",
    "encoding_recipe",
    "penultimate",
]
