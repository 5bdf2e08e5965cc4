"""Dropout that draws from the generator of the fit."""

import torch
from torch import Tensor, nn

from imbdeep._torch.draws import current_generator


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
        generator = current_generator(x.device)
        if generator is None:
            return super().forward(x)
        # F.dropout takes no generator.
        kept = 1 - self.p
        mask = torch.empty_like(x).bernoulli_(kept, generator=generator)
        return x * mask.div_(kept)
