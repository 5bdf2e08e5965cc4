"""Modules by name, for estimators that take a name."""

from torch import nn

from imbdeep.modules._conv_net import ConvNet
from imbdeep.modules._efficientnet import EfficientNet, EfficientNetB4
from imbdeep.modules._mlp import MLP
from imbdeep.modules._nca import NCA
from imbdeep.modules._resnet18 import ResNet18
from imbdeep.modules._resnet50 import ResNet50
from imbdeep.modules._squeezenet import SqueezeNet
from imbdeep.modules._tabm import TabM

MODULES: dict[str, type[nn.Module]] = {
    "mlp": MLP,
    "nca": NCA,
    "tabm": TabM,
    "conv": ConvNet,
    "squeezenet": SqueezeNet,
    "resnet18": ResNet18,
    "resnet50": ResNet50,
    "efficientnet_b0": EfficientNet,
    "efficientnet_b4": EfficientNetB4,
}
