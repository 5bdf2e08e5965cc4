"""Nearest neighbours in a learned space: neighbourhood components analysis."""

import math
from copy import deepcopy
from typing import Any

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn
from torch.nn.functional import one_hot

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep._tables.rows import dense, take
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._encoding import Encoding
from imbdeep.modules._mlp import ACTIVATIONS, Residual

# Of the authors' code: a class without a near candidate keeps a gradient.
_LEAST_PROBA = 1e-7
_BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


def neighbor_logits(distances: Tensor, votes: Tensor) -> Tensor:
    r"""Logarithm of the share that each class has of a row's neighbours.

    Parameters
    ----------
    distances : Tensor of shape (n, m)
        From rows to candidates; ``inf`` leaves a candidate out.
    votes : Tensor of shape (m, n_classes)
        Weight of each candidate, in the column of its class.

    Returns
    -------
    Tensor of shape (n, n_classes)
        :math:`\log(p_c + 10^{-7})` of :math:`p_c \propto \sum_j w_{jc} \exp(-d_j)`;
        equal for all classes of a row without candidates.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._nca import neighbor_logits
    >>> distances = torch.tensor([[1.0, 1.0, 1.0]])
    >>> votes = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> neighbor_logits(distances, votes).exp()
    tensor([[0.5000, 0.5000]])
    """
    # Of far rows, too, one candidate keeps weight.
    nearest = distances.detach().amin(-1, keepdim=True).nan_to_num(posinf=0.0)
    shares = (nearest - distances).exp_() @ votes
    total = shares.sum(-1, keepdim=True)
    # Not a tiny number, whose inverse would make the gradient NaN.
    total = torch.where(total > 0, total, 1.0)
    return (shares / total + _LEAST_PROBA).log()


def squared_distances(x: Tensor, candidates: Tensor) -> Tensor:
    """Squared Euclidean distances from rows to candidates, by one matrix product.

    Parameters
    ----------
    x : Tensor of shape (n, d)
    candidates : Tensor of shape (m, d)

    Returns
    -------
    Tensor of shape (n, m)
        May be a little below 0, by rounding.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._nca import squared_distances
    >>> squared_distances(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[25.]])
    """
    # The squares as two more columns: sums would pass over (n, m) again.
    squares, ones = x.square().sum(-1, keepdim=True), torch.ones_like(x[:, :1])
    theirs = candidates.square().sum(-1, keepdim=True)
    rows = torch.cat([-2 * x, squares, ones], -1)
    columns = torch.cat([candidates, torch.ones_like(theirs), theirs], -1)
    return rows @ columns.mT


class NCA(nn.Module):
    r"""Neighbourhood components analysis: nearest neighbours in a learned space [1]_.

    A row is placed in a space in which those of its class are near. The candidates,
    rows of the training data, vote for their classes with weights that fall with the
    distance:

    .. math:: p(c \mid x) = \frac{\sum_{j: y_j = c} \exp(-\|f(x) - f(x_j)\|)}
                                 {\sum_j \exp(-\|f(x) - f(x_j)\|)}.

    In training a row has no vote about itself, or about an equal row.

    **Shape**

    - Input: ``(n, n_features)``
    - Output: log-probabilities ``(n, n_classes)``, which are logits

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_classes : int
    n_latent : int, at least 1, default=64
        Dimension of the space.
    n_blocks : int, at least 0, default=0
        Residual blocks behind the first, linear layer.
    dropout : float in [0, 1), default=0.1
        Share of the hidden units of a block left out in a training step.
    activation : {'relu', 'gelu', 'silu', 'selu', 'tanh'}, default='relu'
        Within a block.
    n_candidates : int, at least 1, default=256
        Candidates of a training step, as many of each class, but two at least: rare
        classes take part with all their rows, of others each step sees another part,
        which counts for all.
    max_candidates : int, at least 1, default=4096
        Candidates in all, kept by the same rule.
    head : {'linear'}, default='linear'
        There is no last layer. Losses that want one of cosines, such as LDAM, are
        refused.
    encoding : Encoding or None, default=None
        Maps ``(n, n_features)`` to ``(n, encoding.n_outputs)`` before the first layer;
        see :class:`PiecewiseLinearEncoding`.

    See Also
    --------
    MLP : Learns a function instead of a space.
    TabM : Many perceptrons that share most of their weights.

    Notes
    -----
    A net passes its training rows and their weights to the module before it trains;
    they are in its pickles. Rows that a member holds out are no candidates of it.

    NOTE[DIFF]: of the paper's *ModernNCA* this is the loss, the distance (not squared)
    and prediction by all candidates. It draws a share of all candidates in each step;
    here all rows of rare classes stay, and the others are weighted up, because few
    rare rows would often leave none. Columns count the same at first, however many
    inputs encode them. Blocks use layer norm in place of batch norm, and
    numbers are encoded as in the other modules.

    References
    ----------
    .. [1] H.-J. Ye, H.-H. Yin, D.-C. Zhan, W.-L. Chao. "Revisiting nearest neighbor for
       tabular data: a deep tabular baseline two decades later". ICLR 2025.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import NCA
    >>> nca = NCA(n_features=2, n_classes=2).eval()
    >>> X, y = torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([0, 1])
    >>> nca.set_candidates(X, y, torch.ones(2))
    >>> nca(torch.tensor([[8.0, 9.0]])).argmax(1)
    tensor([1])
    """

    input_ndim = 2
    factors: Tensor
    rows: Tensor
    classes: Tensor
    scale: Tensor

    @checks_arguments(
        n_features=[WholeNumber(1)],
        n_classes=[WholeNumber(1)],
        n_latent=[WholeNumber(1)],
        n_blocks=[WholeNumber(0)],
        dropout=[FiniteReal(0, 1, closed="left")],
        activation=[StrOptions(set(ACTIVATIONS))],
        n_candidates=[WholeNumber(1)],
        max_candidates=[WholeNumber(1)],
        encoding=[nn.Module, None],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        n_latent: int = 64,
        n_blocks: int = 0,
        dropout: float = 0.1,
        activation: str = "relu",
        n_candidates: int = 256,
        max_candidates: int = 4096,
        head: str = "linear",
        encoding: Encoding | None = None,
    ):
        super().__init__()
        if head != "linear":
            raise ValueError(
                f"head must be 'linear', got {head!r}: NCA has no last layer, and the "
                "LDAM loss needs one of cosines. Use module='mlp' or another criterion."
            )
        self.n_classes = n_classes
        self.n_candidates = n_candidates
        self.max_candidates = max_candidates
        self.encoding = nn.Identity() if encoding is None else encoding
        width = n_features if encoding is None else encoding.n_outputs
        # Distances do not change if all rows are shifted.
        self.project = nn.Linear(width, n_latent, bias=n_blocks > 0)
        self.blocks = nn.Sequential(
            *(_block(n_latent, dropout, activation) for _ in range(n_blocks))
        )
        self.register_buffer("scale", torch.ones(width))
        bits = torch.Generator().manual_seed(0)
        factors = torch.randint(1, 2**62, (n_features,), generator=bits)
        self.register_buffer("factors", 2 * factors + 1, persistent=False)
        self.step = 0
        nothing = torch.zeros(0, n_features), torch.zeros(0, dtype=torch.int64)
        self.set_candidates(*nothing, torch.zeros(0))

    def set_candidates(self, X: Any, y: Tensor, weight: Tensor) -> None:
        """Set the rows that vote.

        Parameters
        ----------
        X : Tensor or CSR matrix of shape (n, n_features)
            Only rows that become candidates are made dense.
        y : Tensor of shape (n,), int64
            Class indices.
        weight : Tensor of shape (n,) or (k, n)
            Of each row, at least 0; 0 has no vote. In a stack, of each member. Rows
            that have none are left out.
        """
        # Members that sample rows leave most of them out.
        has_vote = weight > 0
        if has_vote.ndim > 1:
            has_vote = has_vote.any(0)
        most = self._share(self.max_candidates)
        of_class = [rows[has_vote[rows]] for rows in self._by_class(y)]
        index = torch.cat([every_other(rows, most) for rows in of_class])
        by_class = one_hot(y, self.n_classes).to(weight.dtype)
        device = self.factors.device
        self.register_buffer("rows", dense(take(X, index)).to(device))
        self.register_buffer("classes", y[index].to(device))
        # Parameters, not buffers: members of a stack share buffers.
        self.weight = _constant(weight[..., index].to(device))
        self.class_weight = _constant((weight @ by_class).to(device))

    def balance_columns(self, encoding: nn.Module) -> None:
        """Scale the encoded inputs so that each column has variance 1 at first.

        A number is encoded as many inputs, which would outweigh a level. Scales that
        were set before stay.

        Parameters
        ----------
        encoding : nn.Module
            That of this module, or in a stack of one of its members.
        """
        if not bool((self.scale == 1).all()):
            return
        source = getattr(encoding, "source", torch.arange(len(self.scale)))
        with torch.no_grad():
            encoded = deepcopy(encoding).eval()(self.rows)
        self.scale = column_scale(encoded, source.to(encoded.device))

    def _by_class(self, y: Tensor) -> list[Tensor]:
        return [(y == c).nonzero().flatten() for c in range(self.n_classes)]

    def _share(self, n_candidates: int) -> int:
        """Candidates of each class."""
        return max(2, n_candidates // self.n_classes)

    def _candidates_of_step(self) -> Tensor:
        """Positions of as many candidates of each class, others in the next step."""
        most = self._share(self.n_candidates)
        by_class = self._by_class(self.classes)
        self.step += 1
        return torch.cat([every_other(rows, most, self.step) for rows in by_class])

    def embed(self, x: Tensor) -> Tensor:
        """Place rows in the space, ``(n, n_latent)``."""
        return self.blocks(self.project(self.encoding(x) * self.scale))

    def forward(self, x: Tensor) -> Tensor:
        if not len(self.classes):
            raise ValueError(
                "NCA has no candidates. Call set_candidates, or fit a net."
            )
        rows, classes = self.rows, self.classes
        weight: Tensor = self.weight
        if self.training:
            index = self._candidates_of_step()
            rows, classes, weight = rows[index], classes[index], weight[index]
        places, their_places = self.embed(x), self.embed(rows)
        if not self.training:
            # Cancellation costs half of the digits, and would cost them differently in
            # batches of other sizes.
            places, their_places = places.double(), their_places.double()
        has_no_vote = weight <= 0
        if self.training:
            has_no_vote = has_no_vote | (self._hash(x)[:, None] == self._hash(rows))
        squared = squared_distances(places, their_places).to(weight.dtype)
        # In place: memory is what takes time here. The gradient of a root at 0 is
        # infinite.
        distances = squared.masked_fill_(has_no_vote, math.inf).clamp_min_(1e-8).sqrt_()
        votes = weight[:, None] * one_hot(classes, self.n_classes)
        # A class counts as much as if all its rows were here. There may be none: those
        # of a step may all be rows that a member of a stack does not train on.
        here = votes.sum(0)
        factor = self.class_weight / here.clamp_min(torch.finfo(votes.dtype).tiny)
        factor = torch.where(here > 0, factor, 0.0)
        return neighbor_logits(distances, votes * factor)

    def _hash(self, x: Tensor) -> Tensor:
        """A whole number for each row, equal for equal rows alone."""
        bits = x.detach().view(_BITS[x.dtype]).long()
        return (bits * self.factors).sum(-1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any
    ) -> None:
        # A net that is initialized without rows has no candidates yet.
        for name in ("rows", "classes", "weight", "class_weight"):
            saved = state_dict.get(prefix + name)
            if saved is not None:
                getattr(self, name).data = torch.empty_like(saved)
        super()._load_from_state_dict(state_dict, prefix, *args)


def every_other(positions: Tensor, most: int, start: int = 0) -> Tensor:
    """Take at most so many positions, spread over all; others for the next start.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._nca import every_other
    >>> [every_other(torch.arange(5), 2, start).tolist() for start in range(3)]
    [[0, 3], [1, 4], [2]]
    """
    stride = max(1, math.ceil(len(positions) / most))
    return positions[start % stride :: stride]


def column_scale(encoded: Tensor, source: Tensor) -> Tensor:
    """Factors that give each column variance 1, over all that it is encoded as.

    Parameters
    ----------
    encoded : Tensor of shape (n, n_inputs)
    source : Tensor of shape (n_inputs,), int64
        Column that each input comes from.

    Returns
    -------
    Tensor of shape (n_inputs,)
        Not beyond 32, where a column hardly varies.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._nca import column_scale
    >>> encoded = torch.tensor([[0.0, 0.0, 0.0], [2.0, 2.0, 4.0]])
    >>> column_scale(encoded, torch.tensor([0, 0, 1]))
    tensor([0.7071, 0.7071, 0.5000])
    """
    variance = encoded.var(0, correction=0)
    of_column = variance.new_zeros(int(source.max()) + 1).index_add(0, source, variance)
    return of_column.clamp_min(2.0**-10).rsqrt()[source]


def _block(width: int, dropout: float, activation: str) -> Residual:
    return Residual(
        nn.LayerNorm(width),
        nn.Linear(width, 2 * width),
        ACTIVATIONS[activation](),
        *([Dropout(dropout)] if dropout else []),
        nn.Linear(2 * width, width),
    )


def _constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
