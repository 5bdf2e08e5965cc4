"""Networks, heads and numeric encodings."""

from imbdeep.modules._autoencoder import ConvAutoencoder, MLPAutoencoder
from imbdeep.modules._conv_net import ConvNet
from imbdeep.modules._heads import CosineHead
from imbdeep.modules._mlp import MLP
from imbdeep.modules._numeric_encoding import (
    Encoding,
    PiecewiseLinearEncoding,
    Standardization,
    encoding_recipe,
)
from imbdeep.modules._penultimate import check_head, head_inputs, penultimate
from imbdeep.modules._registry import MODULES
from imbdeep.modules._resnet18 import ResNet18

__all__ = [
    "MLP",
    "MODULES",
    "ConvAutoencoder",
    "ConvNet",
    "CosineHead",
    "Encoding",
    "MLPAutoencoder",
    "PiecewiseLinearEncoding",
    "ResNet18",
    "Standardization",
    "check_head",
    "encoding_recipe",
    "head_inputs",
    "penultimate",
]
