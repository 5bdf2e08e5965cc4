"""A net that scales the bands of each batch, so that tiles can stay bytes."""

import torch
from torch import nn

from imbdeep._nets.parameters import accepts
from imbdeep_bench.image_nets import NETS, PARAMS


class ScaledBands(nn.Module):
    """A net of :data:`NETS` behind a layer that standardises bands.

    Parameters
    ----------
    n_features, n_classes : int
    mean, std : sequence of float
        Of each band; None leaves the values as they are.
    net : str
    head : {'linear', 'cosine'}
    image_size : int or None
        For nets that ask for it.
    """

    input_ndim = 4

    def __init__(
        self,
        n_features,
        n_classes,
        *,
        mean=None,
        std=None,
        net="conv",
        head="linear",
        image_size=None,
    ):
        super().__init__()
        mean = [0.0] * n_features if mean is None else mean
        std = [1.0] * n_features if std is None else std
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        params = {"head": head, **PARAMS.get(net, {})}
        if image_size is not None and accepts(NETS[net], "image_size"):
            params["image_size"] = image_size
        self.net = NETS[net](n_features, n_classes, **params)

    def forward(self, x):
        return self.net((x - self.mean) / self.std)
