"""Networks, heads and numeric encodings."""

from imbdeep.modules._autoencoder import ConvAutoencoder, MLPAutoencoder
from imbdeep.modules._conv_net import ConvNet
from imbdeep.modules._efficientnet import EfficientNet
from imbdeep.modules._heads import CosineHead
from imbdeep.modules._mlp import MLP
from imbdeep.modules._nca import NCA
from imbdeep.modules._periodic import PeriodicEncoding
from imbdeep.modules._piecewise_linear import PiecewiseLinearEncoding
from imbdeep.modules._resnet18 import ResNet18
from imbdeep.modules._resnet50 import ResNet50
from imbdeep.modules._scaling import RobustScaling, Standardization
from imbdeep.modules._squeezenet import SqueezeNet
from imbdeep.modules._tabm import TabM

__all__ = [
    "MLP",
    "NCA",
    "ConvAutoencoder",
    "ConvNet",
    "CosineHead",
    "EfficientNet",
    "MLPAutoencoder",
    "PeriodicEncoding",
    "PiecewiseLinearEncoding",
    "ResNet18",
    "ResNet50",
    "RobustScaling",
    "SqueezeNet",
    "Standardization",
    "TabM",
]
