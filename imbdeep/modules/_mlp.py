"""Multi-layer perceptron."""

from collections.abc import Sequence

from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep._sizes import read_sizes
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._encoding import Encoding
from imbdeep.modules._heads import make_head

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
}


class MLP(nn.Module):
    """Multi-layer perceptron for tables, with an optional encoding of its inputs.

    **Shape**

    - Input: ``(*, n_features)``
    - Output: logits ``(*, n_classes)``

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_classes : int
    hidden_sizes : sequence of int, default=(128, 16)
        Width of each hidden layer; empty gives a linear model.
    dropout : float in [0, 1), default=0.1
        Share of the hidden units left out in a training step.
    activation : {'relu', 'gelu', 'silu', 'selu', 'tanh'}, default='relu'
    head : {'linear', 'cosine'}, default='linear'
        Last layer; 'cosine' for margin losses.
    encoding : Encoding or None, default=None
        Maps ``(*, n_features)`` to ``(*, encoding.n_outputs)`` before the first layer;
        see :class:`PiecewiseLinearEncoding`.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import MLP
    >>> MLP(n_features=4, n_classes=2)(torch.randn(8, 4)).shape
    torch.Size([8, 2])
    """

    input_ndim = 2

    @checks_arguments(
        n_features=[WholeNumber(1)],
        n_classes=[WholeNumber(1)],
        dropout=[FiniteReal(0, 1, closed="left")],
        activation=[StrOptions(set(ACTIVATIONS))],
        encoding=[nn.Module, None],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        hidden_sizes: Sequence[int] = (128, 16),
        dropout: float = 0.1,
        activation: str = "relu",
        head: str = "linear",
        encoding: Encoding | None = None,
    ):
        super().__init__()
        self.encoding = nn.Identity() if encoding is None else encoding
        width = n_features if encoding is None else encoding.n_outputs
        layers: list[nn.Module] = []
        for size in read_sizes("hidden_sizes", hidden_sizes):
            layers += [nn.Linear(width, size), ACTIVATIONS[activation]()]
            # Dropout(0) would still draw a mask in every step.
            if dropout:
                layers.append(Dropout(dropout))
            width = size
        self.hidden = nn.Sequential(*layers)
        self.head = make_head(head, width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Outputs of the last hidden layer, ``(*, hidden_sizes[-1])``."""
        return self.hidden(self.encoding(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
