"""Dropout that draws from the generator of the fit."""

import torch
from torch import Tensor, nn

from imbdeep._torch.draws import current_generator
from imbdeep._torch.member_draws import draw_mask


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout` with masks from the generator of a fit.

    On the CPU, the masks within a fit are those that torch's global generator would
    draw with the same seed. Outside a fit they come from the global generator.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.draws import drawing_from
    >>> from imbdeep.modules._dropout import Dropout
    >>> with drawing_from(torch.Generator().manual_seed(0)):
    ...     Dropout(0.5)(torch.ones(4))
    tensor([0., 0., 2., 0.])
    """

    def forward(self, x: Tensor) -> Tensor:
        # torch.compile recognizes torch's own dropout only.
        if not self.training or torch.compiler.is_compiling():
            return super().forward(x)
        if current_generator(x.device) is None:
            return super().forward(x)
        # F.dropout takes no generator.
        kept = 1 - self.p
        return x * draw_mask(x, kept).div_(kept)
