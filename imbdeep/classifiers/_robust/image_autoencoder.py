"""An autoencoder of images, whose inner layers are perturbed."""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import pixel_shuffle

from imbdeep.classifiers._robust.perturbations import PERTURBATIONS

N_FILTERS = 16
N_BLOCKS = 3
# Layers that are perturbed at a time.
_N_PERTURBED = 3


class ImageAutoencoder(nn.Module):
    """Residual autoencoder for images of any size, in [0, 1].

    Its latents are images of half the height and width. So it soon draws what it sees
    sharply, and a perturbed residual block leaves the image in place, which is to keep
    its class.

    **Shape**: input and output ``(n, n_bands, height, width)``.

    Parameters
    ----------
    n_bands : int

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._robust.image_autoencoder import ImageAutoencoder
    >>> ImageAutoencoder(3)(torch.rand(2, 3, 9, 7)).shape
    torch.Size([2, 3, 9, 7])
    """

    def __init__(self, n_bands):
        super().__init__()
        self.down = nn.Conv2d(n_bands, N_FILTERS, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(N_FILTERS, N_FILTERS, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(N_FILTERS, N_FILTERS, 3, padding=1),
            )
            for _ in range(N_BLOCKS)
        )
        self.up = nn.Conv2d(N_FILTERS, 4 * n_bands, 3, padding=1)
        # On a CPU, its steps take a quarter less with channels last.
        self.to(memory_format=torch.channels_last)

    def forward(self, images):
        hidden = self.down(images).relu()
        for block in self.blocks:
            hidden = hidden + block(hidden)
        made = pixel_shuffle(self.up(hidden.relu()), 2).sigmoid()
        height, width = images.shape[-2:]
        # Of an odd side, one too many.
        return made[..., :height, :width]

    def inner_layers(self):
        """Names of the convolutions within the residual blocks."""
        modules = self.blocks.named_modules(prefix="blocks")
        return [name for name, module in modules if isinstance(module, nn.Conv2d)]


@torch.no_grad()
def perturb(autoencoder, generator):
    """Perturb some inner layers of an autoencoder, which itself stays as it is.

    Parameters
    ----------
    autoencoder : ImageAutoencoder
    generator : torch.Generator or None
        On its device. None is torch's global generator.

    Returns
    -------
    dict of str to Tensor
        The perturbed parameters, by name.
    """
    weights = dict(autoencoder.named_parameters())
    layers = autoencoder.inner_layers()
    told = {"generator": generator, "device": autoencoder.up.weight.device}
    # Other ones each, as flipping twice, for example, does nothing.
    chosen = torch.randperm(len(layers), **told)[:_N_PERTURBED].tolist()
    kinds = torch.randint(len(PERTURBATIONS), (_N_PERTURBED,), **told).tolist()
    perturbed = {}
    for place, kind in zip(chosen, kinds, strict=True):
        names = [f"{layers[place]}.{part}" for part in ("weight", "bias")]
        changed = PERTURBATIONS[kind](*(weights[name] for name in names), generator)
        perturbed |= zip(names, changed, strict=True)
    return perturbed


@torch.no_grad()
def reconstruct(autoencoder, images, perturbed):
    """Reconstruct images with some parameters in place of an autoencoder's own.

    Parameters
    ----------
    autoencoder : ImageAutoencoder
    images : Tensor of shape (n, n_bands, height, width), in [0, 1]
    perturbed : dict of str to Tensor
        See :func:`perturb`.

    Returns
    -------
    Tensor of shape (n, n_bands, height, width), in [0, 1]
    """
    return functional_call(autoencoder, perturbed, (images,))
