"""What stands between the columns of a table and the first layer of a net."""

import torch
from torch import Tensor, nn


class Encoding(nn.Module):
    """What stands between the columns of a table and the first layer.

    Rows may be float64, where float32 would merge the values of a column: buffers that
    meet them have their dtype, and what comes out has that of the net.

    Where a number is missing, the encoding sees a neutral one in its place.

    Attributes
    ----------
    n_outputs : int
        Width of the output.
    source : Tensor of shape (n_outputs,), int64
        Position of the column that each output comes from.
    neutral : Tensor of shape (n_features,)
        What stands for a missing number.
    """

    source: Tensor
    neutral: Tensor

    @property
    def n_outputs(self) -> int:
        return len(self.source)

    def filled(self, x: Tensor) -> Tensor:
        """Rows with neutral numbers in place of missing ones."""
        return torch.where(x.isnan(), self.neutral, x)


class PassThrough(Encoding):
    """Columns as they are, for a module that cannot do without an encoding.

    Parameters
    ----------
    n_features : int

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._encoding import PassThrough
    >>> encoding = PassThrough(2)
    >>> encoding.n_outputs, encoding(torch.tensor([[1.0, torch.nan]]))
    (2, tensor([[1., 0.]]))
    """

    def __init__(self, n_features: int):
        super().__init__()
        source = torch.arange(n_features)
        self.register_buffer("source", source, persistent=False)
        neutral = torch.zeros(n_features)
        self.register_buffer("neutral", neutral, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.filled(x)
