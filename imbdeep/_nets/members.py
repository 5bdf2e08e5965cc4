"""Ensembles as one net: members that a module has, or that are stacked."""

import math
from collections.abc import Mapping
from contextlib import contextmanager

import torch
from skorch.callbacks import GradientNormClipping
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.data import Subset

from imbdeep._nets.stack import Stack, StackedBatches
from imbdeep._torch.draws import drawing_for_fit
from imbdeep._torch.member_draws import drawing_for_members
from imbdeep._torch.seeding import own_state, seed_from
from imbdeep.losses import ClassificationLoss

# Optimizers of torch that treat a parameter as a matrix, or all of them as one vector.
_NOT_ELEMENTWISE = ("LBFGS", "Muon", "Adafactor")


def has_members(outputs: Tensor) -> bool:
    """Whether outputs are ``(n, k, n_classes)``, and not ``(n, n_classes)``."""
    return outputs.ndim == 3


def mean_of_members(
    outputs: Tensor, *, scale: float = 1.0, are_probabilities: bool = False
) -> Tensor:
    r"""Logits of a whole ensemble: their softmax is the mean of its members'.

    Parameters
    ----------
    outputs : Tensor of shape (n, k, n_classes)
        Logits of the members, or probabilities.
    scale : float, default=1.0
        Factor of the logits in the softmax.
    are_probabilities : bool, default=False

    Returns
    -------
    Tensor of shape (n, n_classes)
        :math:`\frac{1}{s} \log \frac{1}{k} \sum_i \mathrm{softmax}(s z_i)`, or the
        mean of the probabilities.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.members import mean_of_members
    >>> outputs = torch.tensor([[[0.0, 0.0], [0.0, 100.0]]])
    >>> mean_of_members(outputs).softmax(-1)
    tensor([[0.2500, 0.7500]])
    """
    if are_probabilities:
        return outputs.mean(-2)
    log_proba = (scale * outputs).log_softmax(-1)
    return (log_proba.logsumexp(-2) - math.log(outputs.shape[-2])) / scale


def of_heads(rows: Tensor, n_heads: int) -> Tensor:
    """Rows of the members, for each of the heads that a member has.

    Parameters
    ----------
    rows : Tensor of shape (n, k, ...)
    n_heads : int

    Returns
    -------
    Tensor of shape (k * n_heads, n, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.members import of_heads
    >>> of_heads(torch.tensor([[1, 2]]), 2)
    tensor([[1],
            [1],
            [2],
            [2]])
    """
    return rows.movedim(1, 0).repeat_interleave(n_heads, 0)


class MemberDraws:
    """Seeds of the members, as each would draw them as a net of its own.

    Parameters
    ----------
    seeds : sequence of int
        ``random_state`` of each member.
    """

    def __init__(self, seeds):
        self.seeds = list(seeds)
        self.states = [own_state(seed) for seed in self.seeds]

    def draw(self):
        """Draw one seed for each member."""
        return [seed_from(state) for state in self.states]

    def state_dict(self):
        """What a fit that fails has to put back."""
        return [state.get_state() for state in self.states]

    def load_state_dict(self, states):
        """Put it back."""
        for state, kept in zip(self.states, states, strict=True):
            state.set_state(kept)


class TrainsMembers:
    """Several nets in one, each parameter of theirs one stacked tensor.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    # Of methods whose steps are more than a forward pass and a loss per row.
    _trains_one_net = False

    @property
    def members_(self):
        """Copies of the members as modules of their own; one if there is no stack."""
        self.check_is_fitted()
        is_stack = isinstance(self.module_, Stack)
        return self.module_.members() if is_stack else [self.module_]

    def _check_parameters(self):
        super()._check_parameters()
        if self.n_members == 1:
            return
        if self._trains_one_net:
            raise ValueError(
                f"{type(self).__name__} trains one net at a time, got "
                f"n_members={self.n_members}. Leave it at 1; BaggingClassifier of "
                "scikit-learn trains several, one after the other."
            )
        if self.compile:
            raise ValueError("compile=True works with n_members=1 only.")
        name = getattr(self.optimizer, "__name__", "")
        if name in _NOT_ELEMENTWISE:
            raise ValueError(
                f"optimizer={name} mixes the weights of members: use one that treats "
                "each weight alone, such as Adam, or n_members=1."
            )

    def initialize_callbacks(self):
        super().initialize_callbacks()
        clips = any(isinstance(c, GradientNormClipping) for _, c in self.callbacks_)
        if self.n_members > 1 and clips:
            raise ValueError(
                "GradientNormClipping would clip the gradients of all members by their "
                "common norm. Leave it, or use n_members=1."
            )
        return self

    def _reset_random_state(self):
        super()._reset_random_state()
        if self.n_members > 1:
            seeds = [seed_from(self.random_state_) for _ in range(self.n_members)]
            self.member_draws_ = MemberDraws(seeds)

    def _draw_member_seeds(self):
        # skorch lets a net be initialized without a fit.
        if not hasattr(self, "member_draws_"):
            self._reset_random_state()
        return self.member_draws_.draw()

    @contextmanager
    def _seeded(self):
        with super()._seeded():
            if self.n_members == 1:
                yield
                return
            device = self.device or "cpu"
            generators = [
                torch.Generator(device).manual_seed(seed)
                for seed in self._draw_member_seeds()
            ]
            with drawing_for_members(generators):
                yield

    def initialize_module(self):
        if self.n_members == 1:
            return super().initialize_module()
        members = []
        for seed in self._draw_member_seeds():
            with self._seeded_by(lambda seed=seed: seed), drawing_for_fit():
                members.append(self._make_module())
        _check_stackable(members[0])
        self.module_ = Stack(members)
        return self

    def get_iterator(self, dataset, training=False, seed=None):
        if self.n_members == 1 or not training:
            return super().get_iterator(dataset, training, seed)
        own_rows = self.run_.member_rows if self.run_ is not None else None
        parts = [dataset] * self.n_members
        if own_rows is not None:
            parts = [Subset(dataset, rows) for rows in own_rows]
        return StackedBatches(
            [
                super(TrainsMembers, self).get_iterator(part, True, seed)
                for part, seed in zip(parts, self._draw_member_seeds(), strict=True)
            ]
        )

    def _each_has_own_rows(self):
        return (
            self.run_ is not None
            and isinstance(self.module_, Stack)
            and self.module_.training
        )

    def infer(self, x, **fit_params):
        if self._each_has_own_rows():
            fit_params["own_rows"] = True
        return super().infer(x, **fit_params)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        if not (training and isinstance(self.module_, Stack)):
            return super().get_loss(y_pred, y_true, X, training)
        self._check_has_outputs(y_pred)
        weight = X.get("sample_weight") if isinstance(X, Mapping) else None
        y_true = torch.as_tensor(y_true, device=y_pred.device)
        # Sums: a member's gradient is that of the net alone.
        n_heads = y_pred.shape[1] // self.n_members
        if isinstance(self.criterion_, ClassificationLoss):
            if weight is not None:
                weight = of_heads(weight.to(y_pred.device), n_heads)
            by_head = y_pred.movedim(1, 0), of_heads(y_true, n_heads)
            return self.criterion_.batch_loss(*by_head, weight) / n_heads
        losses = [
            self.loss_of_logits(
                y_pred[:, i],
                y_true[:, i // n_heads],
                None if weight is None else {"sample_weight": weight[:, i // n_heads]},
                training,
            )
            for i in range(y_pred.shape[1])
        ]
        return sum(losses) / n_heads

    def train_step(self, batch, **fit_params):
        step = super().train_step(batch, **fit_params)
        if not isinstance(self.module_, Stack):
            return step
        # Callbacks see each row as often as there are members: each has its own.
        heads = step["y_pred"].unflatten(1, (self.module_.k, -1))
        loss = step["loss"] / self.module_.k
        return step | {"loss": loss, "y_pred": heads.flatten(0, 1)}


def _check_stackable(member):
    """Refuse a module that changes its buffers as it trains."""
    for name, part in member.named_modules():
        if isinstance(part, _NormBase) and part.running_mean is not None:
            raise ValueError(
                f"{type(member).__name__} has running statistics in {name}, which "
                "members of a stack cannot keep apart. Use layer norm or group norm, "
                "or n_members=1."
            )
