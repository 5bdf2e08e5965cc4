"""Multi-layer perceptron."""

from collections.abc import Sequence

from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep._docs import shared_docs
from imbdeep._sizes import read_sizes
from imbdeep.modules._docs import SHARED
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


class Residual(nn.Module):
    """Layers whose outputs are added to their inputs."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


@shared_docs(SHARED)
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
    {head}
    linear_skip : bool, default=False
        Whether to add a linear function of the (encoded) inputs to the logits, so that
        the hidden layers need not learn what is linear. Its weights begin at 0.
    residual : bool, default=False
        Whether a hidden layer of the width of the one before adds its output to its
        input [1]_; of ``(256, 256, 256)`` the second and the third.
    encoding : Encoding or None, default=None
        Maps ``(*, n_features)`` to ``(*, encoding.n_outputs)`` before the first layer;
        see :class:`PiecewiseLinearEncoding`.

    Raises
    ------
    ValueError
        If ``linear_skip`` is used with the head 'cosine', whose logits are bounded.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, V. Khrulkov, A. Babenko. "Revisiting deep learning
       models for tabular data". NeurIPS 2021.

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
        linear_skip=["boolean"],
        residual=["boolean"],
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
        linear_skip: bool = False,
        residual: bool = False,
        encoding: Encoding | None = None,
    ):
        if linear_skip and head != "linear":
            raise ValueError(
                f"linear_skip=True adds to logits, which head={head!r} bounds. Pass "
                "head='linear', or linear_skip=False."
            )
        super().__init__()
        self.encoding = nn.Identity() if encoding is None else encoding
        width = n_features if encoding is None else encoding.n_outputs
        self.skip = None
        if linear_skip:
            self.skip = nn.Linear(width, n_classes, bias=False)
            nn.init.zeros_(self.skip.weight)
        layers: list[nn.Module] = []
        for size in read_sizes("hidden_sizes", hidden_sizes):
            layer = [nn.Linear(width, size), ACTIVATIONS[activation]()]
            # Dropout(0) would still draw a mask in every step.
            if dropout:
                layer.append(Dropout(dropout))
            # The first layer has no layer before it.
            layers += (
                [Residual(*layer)] if residual and layers and size == width else layer
            )
            width = size
        self.hidden = nn.Sequential(*layers)
        self.head = make_head(head, width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Outputs of the last hidden layer, ``(*, hidden_sizes[-1])``."""
        return self.hidden(self.encoding(x))

    def forward(self, x: Tensor) -> Tensor:
        encoded = self.encoding(x)
        logits = self.head(self.hidden(encoded))
        return logits if self.skip is None else logits + self.skip(encoded)
