"""TabM: many perceptrons that share most of their weights."""

from collections.abc import Sequence

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep._sizes import read_sizes
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._encoding import Encoding
from imbdeep.modules._heads import CosineHeads
from imbdeep.modules._mlp import ACTIVATIONS


class TabM(nn.Module):
    r"""TabM: ``k`` perceptrons for tables that share most of their weights [1]_.

    Each layer has one matrix of weights :math:`W` for all members, and member
    :math:`i` scales its inputs and outputs by vectors of its own, as BatchEnsemble
    [2]_ does:

    .. math:: f_i(x) = s_i \odot (W (r_i \odot x)) + b_i.

    The last layers are separate. Each member is trained on every row by a loss of its
    own; a net predicts with the mean of the members' probabilities. It needs the
    package tabm: ``pip install imbdeep[tabm]``.

    **Shape**

    - Input: ``(n, n_features)``
    - Output: logits of each member, ``(n, k, n_classes)``

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_classes : int
    k : int, at least 1, default=16
        Number of members. The paper has 32, which takes twice as long.
    hidden_sizes : sequence of int, default=(256, 256)
        Width of each hidden layer, at least one.
    dropout : float in [0, 1), default=0.1
        Share of the hidden units left out in a training step.
    activation : {'relu', 'gelu', 'silu', 'selu', 'tanh'}, default='relu'
    head : {'linear', 'cosine'}, default='linear'
        Last layers; 'cosine' for margin losses.
    encoding : Encoding or None, default=None
        Maps ``(n, n_features)`` to ``(n, encoding.n_outputs)`` before the first layer;
        see :class:`PiecewiseLinearEncoding`. All members share it.

    Raises
    ------
    ImportError
        If tabm is not installed.

    See Also
    --------
    MLP : A single perceptron.

    Notes
    -----
    The members differ at first by :math:`r_i` of the first layer alone, one number for
    all that a column is encoded as: drawn from a normal distribution behind an
    encoding, else -1 or 1. All other scales begin at 1. This is the initialization of
    the paper, and so are the layers, from its authors' package.

    NOTE[DIFF]: the paper's learned embeddings of numbers are replaced by the encodings
    of this library, which are not learned, but for 'periodic'. Its defaults are three
    layers of 512 units, or two behind embeddings.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov, A. Babenko. "TabM: Advancing tabular deep
       learning with parameter-efficient ensembling". ICLR 2025.
    .. [2] Y. Wen, D. Tran, J. Ba. "BatchEnsemble: an alternative approach to efficient
       ensemble and lifelong learning". ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import TabM
    >>> TabM(n_features=4, n_classes=2, k=8)(torch.randn(5, 4)).shape
    torch.Size([5, 8, 2])
    """

    input_ndim = 2

    @checks_arguments(
        n_features=[WholeNumber(1)],
        n_classes=[WholeNumber(1)],
        k=[WholeNumber(1)],
        dropout=[FiniteReal(0, 1, closed="left")],
        activation=[StrOptions(set(ACTIVATIONS))],
        head=[StrOptions({"linear", "cosine"})],
        encoding=[nn.Module, None],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        k: int = 16,
        hidden_sizes: Sequence[int] = (256, 256),
        dropout: float = 0.1,
        activation: str = "relu",
        head: str = "linear",
        encoding: Encoding | None = None,
    ):
        sizes = read_sizes("hidden_sizes", hidden_sizes)
        if not sizes:
            raise ValueError(
                "hidden_sizes must have one layer or more, got (): without hidden "
                "layers the members would share nothing."
            )
        try:
            from tabm import LinearBatchEnsemble, LinearEnsemble
        except ImportError as error:
            raise ImportError(
                "TabM needs the package tabm, which is not installed. Run pip install "
                "imbdeep[tabm], or take module='mlp'."
            ) from error
        super().__init__()
        self.k = k
        self.encoding = nn.Identity() if encoding is None else encoding
        width = n_features if encoding is None else encoding.n_outputs
        layers: list[nn.Module] = []
        for size in sizes:
            scaling = {"scaling_init": "ones"}
            if not layers:
                scaling = _first_scaling(width, encoding)
            layers.append(LinearBatchEnsemble(width, size, k=k, **scaling))
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(Dropout(dropout))
            width = size
        self.hidden = nn.Sequential(*layers)
        heads = LinearEnsemble if head == "linear" else CosineHeads
        self.head = heads(width, n_classes, k=k)

    def features(self, x: Tensor) -> Tensor:
        """Outputs of the last hidden layers, ``(n, k, hidden_sizes[-1])``."""
        encoded = self.encoding(x)
        return self.hidden(encoded.unsqueeze(-2).expand(-1, self.k, -1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _first_scaling(width: int, encoding: Encoding | None) -> dict:
    """How the inputs of the members are scaled at first, column by column."""
    if encoding is None:
        return {
            "scaling_init": ("random-signs", "ones"),
            "first_scaling_init_chunks": [1] * width,
        }
    _, lengths = torch.unique_consecutive(encoding.source, return_counts=True)
    return {
        "scaling_init": ("normal", "ones"),
        "first_scaling_init_chunks": lengths.tolist(),
    }
