"""Periodic encoding of numeric features: waves whose frequencies the net learns."""

import torch
from rtdl_num_embeddings import PeriodicEmbeddings
from torch import Tensor

from imbdeep.modules._encoding import Encoding
from imbdeep.modules._scaling import RobustScaling

# Numbers that one becomes, and how fast the waves are at first. Neither is tuned: the
# scaled columns have a spread of about 1.
_WAVES, _FREQUENCY = 8, 0.1


class PeriodicEncoding(Encoding):
    """Waves of numeric features, whose frequencies the net learns [1]_.

    Each feature, scaled as :class:`RobustScaling` does, goes through 48 sines and
    cosines, and these through a layer of its own.

    **Shape**

    - Input: ``(*, n_features)``; NaN counts as the median
    - Output: ``(*, 8 * n_features)``

    Parameters
    ----------
    median, spread : Tensor of shape (n_features,)

    Notes
    -----
    The waves are ``rtdl_num_embeddings.PeriodicEmbeddings``.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, A. Babenko. "On embeddings for numerical features
       in tabular deep learning". NeurIPS 2022.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import PeriodicEncoding
    >>> encoding = PeriodicEncoding(torch.zeros(3), torch.ones(3))
    >>> encoding(torch.randn(5, 3)).shape
    torch.Size([5, 24])
    """

    def __init__(self, median: Tensor, spread: Tensor):
        super().__init__()
        self.scaling = RobustScaling(median, spread)
        self.waves = PeriodicEmbeddings(
            len(median), _WAVES, frequency_init_scale=_FREQUENCY, lite=False
        )
        source = torch.arange(len(median)).repeat_interleave(_WAVES)
        self.register_buffer("source", source, persistent=False)
        self.register_buffer("neutral", median.clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.waves(self.scaling(x)).flatten(-2)
