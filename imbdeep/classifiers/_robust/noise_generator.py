"""Net that turns normal noise into noise that a classifier errs on."""

from itertools import pairwise

from torch import nn

N_HIDDEN = 20


class NoiseGenerator(nn.Module):
    """Four layers beside the noise itself, the same for each pixel, or for each row.

    Parameters
    ----------
    shape : tuple of int
        Shape of a row: (n_features,) of a table, (n_bands, height, width) of an image.
    kernel_size : {1, 3}, default=1
        Of the second layer, for images. With 1 the noise of a pixel does not depend on
        that of others.

    Notes
    -----
    **Shape**: input and output ``(n, *shape)``.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._robust.noise_generator import NoiseGenerator
    >>> NoiseGenerator((3, 8, 8))(torch.randn(5, 3, 8, 8)).shape
    torch.Size([5, 3, 8, 8])
    """

    def __init__(self, shape, kernel_size=1):
        super().__init__()
        sizes = (shape[0], N_HIDDEN, N_HIDDEN, N_HIDDEN, shape[0])
        layers = []
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            if len(shape) == 1:
                layer = nn.Linear(n_in, n_out)
            else:
                size = kernel_size if i == 1 else 1
                layer = nn.Conv2d(n_in, n_out, size, padding=size // 2)
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, noise):
        return noise + self.layers(noise)
