"""Networks, heads and numeric encodings."""

from imbdeep.modules._autoencoder import ConvAutoencoder, MLPAutoencoder
from imbdeep.modules._conv_net import ConvNet
from imbdeep.modules._heads import CosineHead
from imbdeep.modules._mlp import MLP
from imbdeep.modules._numeric_encoding import (
    PiecewiseLinearEncoding,
    Standardization,
)
from imbdeep.modules._resnet18 import ResNet18

__all__ = [
    "MLP",
    "ConvAutoencoder",
    "ConvNet",
    "CosineHead",
    "MLPAutoencoder",
    "PiecewiseLinearEncoding",
    "ResNet18",
    "Standardization",
]
