"""Dropout that knows the generator of the fit."""

import torch
from torch import Tensor, nn

from imbdeep._torch.draws import current_generator


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout` whose masks come from the generator of a fit.

    Within a fit of the thread the masks are those that torch's global generator would
    give on the CPU, seeded alike; outside they come from it.

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
        # A compiler knows torch's own dropout alone.
        if not self.training or torch.compiler.is_compiling():
            return super().forward(x)
        generator = current_generator(x.device)
        if generator is None:
            return super().forward(x)
        kept = 1 - self.p
        mask = torch.empty_like(x).bernoulli_(kept, generator=generator)
        return x * mask.div_(kept)
