"""Modules by name, for estimators that take a name."""

from torch import nn

from imbdeep.modules._mlp import MLP

MODULES: dict[str, type[nn.Module]] = {"mlp": MLP}
