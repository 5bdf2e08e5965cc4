"""Last layers of networks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imbdeep._arguments import WholeNumber, checks_arguments


class CosineHead(nn.Module):
    """Cosine between a row's features and one direction per class.

    Logits lie between -1 and 1 for features of any norm, as margins require; the loss
    supplies the temperature (``scale``).

    **Shape**

    - Input: ``(*, n_features)``
    - Output: ``(*, n_classes)``, in [-1, 1]

    Parameters
    ----------
    n_features, n_classes : int

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import CosineHead
    >>> head = CosineHead(3, 2)
    >>> x = torch.randn(5, 3)
    >>> bool(torch.equal(head(x), head(8 * x)))  # a power of 2 rounds nothing
    True
    """

    @checks_arguments(n_features=[WholeNumber(1)], n_classes=[WholeNumber(1)])
    def __init__(self, n_features: int, n_classes: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, n_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Lengths have no effect, and normal vectors point in uniform directions.
        nn.init.normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.normalize(x, dim=-1), F.normalize(self.weight, dim=-1))


class CosineHeads(nn.Module):
    """A :class:`CosineHead` for each of several members.

    **Shape**

    - Input: ``(n, k, n_features)``
    - Output: ``(n, k, n_classes)``, in [-1, 1]

    Parameters
    ----------
    n_features, n_classes, k : int

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._heads import CosineHeads
    >>> CosineHeads(3, 2, k=4)(torch.randn(5, 4, 3)).shape
    torch.Size([5, 4, 2])
    """

    def __init__(self, n_features: int, n_classes: int, *, k: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(k, n_classes, n_features))
        nn.init.normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        directions = F.normalize(self.weight, dim=-1)
        return torch.einsum("nkf,kcf->nkc", F.normalize(x, dim=-1), directions)


def make_head(kind: str, n_features: int, n_classes: int) -> nn.Module:
    """Make a head by name: 'linear' or 'cosine'."""
    if kind == "linear":
        return nn.Linear(n_features, n_classes)
    if kind == "cosine":
        return CosineHead(n_features, n_classes)
    raise ValueError(f"head must be 'linear' or 'cosine', got {kind!r}.")
