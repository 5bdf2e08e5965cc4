"""Modules by name, for estimators that take a name."""

from torch import nn

from imbdeep.modules._conv_net import ConvNet
from imbdeep.modules._mlp import MLP
from imbdeep.modules._nca import NCA
from imbdeep.modules._resnet18 import ResNet18
from imbdeep.modules._tabm import TabM

MODULES: dict[str, type[nn.Module]] = {
    "mlp": MLP,
    "nca": NCA,
    "tabm": TabM,
    "conv": ConvNet,
    "resnet18": ResNet18,
}
