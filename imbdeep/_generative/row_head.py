"""The last layer of nets that generate rows of a table."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from imbdeep._torch.draws import current_generator


def gumbel_softmax(logits: Tensor, temperature: float) -> Tensor:
    """:func:`torch.nn.functional.gumbel_softmax` with the generator of the fit."""
    # Minus the logarithm of an exponential variable has the Gumbel distribution.
    waiting = torch.empty_like(logits).exponential_(
        generator=current_generator(logits.device)
    )
    return ((logits - waiting.log()) / temperature).softmax(1)


class RowHead(nn.Module):
    """Turn numbers into rows of a table: numeric columns, then categories.

    **Shape**

    - Input and output: ``(n, n_numeric + sum(category_sizes))``

    Parameters
    ----------
    n_numeric : int
        Number of numeric columns, which come first.
    category_sizes : sequence of int
        Number of categories of each categorical column; a softmax turns their outputs
        into probabilities.
    bounded : bool
        Whether numeric columns lie in [0, 1]; a sigmoid keeps them there.
    temperature : float or None, default=None
        None returns the probabilities of the categories. A number draws categories by
        Gumbel-softmax at this temperature: nearly one-hot if small, with a useful
        gradient.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import RowHead
    >>> head = RowHead(1, [2], bounded=True)
    >>> head(torch.zeros(1, 3))
    tensor([[0.5000, 0.5000, 0.5000]])
    """

    def __init__(
        self,
        n_numeric: int,
        category_sizes: Sequence[int],
        *,
        bounded: bool,
        temperature: float | None = None,
    ):
        super().__init__()
        self.n_numeric = n_numeric
        self.category_sizes = list(category_sizes)
        self.bounded = bounded
        self.temperature = temperature

    def forward(self, x: Tensor) -> Tensor:
        numeric, *blocks = x.split([self.n_numeric, *self.category_sizes], dim=1)
        if self.bounded:
            numeric = numeric.sigmoid()
        if self.temperature is None:
            made = [block.softmax(1) for block in blocks]
        else:
            made = [gumbel_softmax(block, self.temperature) for block in blocks]
        return torch.cat([numeric, *made], 1)
