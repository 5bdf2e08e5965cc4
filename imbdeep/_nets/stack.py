"""Several nets of one architecture, in one tensor per parameter."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from imbdeep.batches._tensor_batches import Batch, Rows


class Stack(nn.Module):
    """Members of one architecture: each parameter of theirs is one stacked tensor.

    **Shape**

    - Input: ``(n, *)``, the same rows for all members; or with ``own_rows``
      ``(n, k, *)``, each member's own
    - Output: ``(n, k, n_classes)``; ``(n, k * h, n_classes)`` if each member itself
      gives ``h`` outputs per row

    Parameters
    ----------
    members : sequence of nn.Module
        They are not changed.

    Raises
    ------
    ValueError
        If the members differ in their buffers, which they share.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.stack import Stack
    >>> members = [torch.nn.Linear(3, 2) for _ in range(4)]
    >>> stack = Stack(members)
    >>> x = torch.randn(5, 3)
    >>> torch.allclose(stack(x)[:, 1], members[1](x), atol=1e-6)
    True
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.k = len(members)
        self.member = deepcopy(members[0])
        _check_same_buffers(members)
        by_name = [dict(member.named_parameters()) for member in members]
        for name, first in by_name[0].items():
            stacked = torch.stack([own[name].detach() for own in by_name])
            _set(self.member, name, nn.Parameter(stacked, first.requires_grad))

    def forward(self, x: Tensor, own_rows: bool = False) -> Tensor:
        in_dims = (0, 1 if own_rows else None)
        of_all = vmap(self._of_one, in_dims, 1, randomness="different")
        outputs = of_all(dict(self.member.named_parameters()), x)
        return outputs.flatten(1, 2) if outputs.ndim == 4 else outputs

    def _of_one(self, parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(self.member, parameters, (x,))

    def alone(self, i: int) -> nn.Module:
        """Copy of a member, as a module of its own."""
        member = deepcopy(self.member)
        for name, stacked in self.member.named_parameters():
            own = nn.Parameter(stacked.detach()[i].clone(), stacked.requires_grad)
            _set(member, name, own)
        return member

    def members(self) -> list[nn.Module]:
        """Copies of the members, each a module of its own."""
        return [self.alone(i) for i in range(self.k)]


def _set(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(owner), leaf, parameter)


def _check_same_buffers(members: Sequence[nn.Module]) -> None:
    first = dict(members[0].named_buffers())
    for member in members[1:]:
        for name, buffer in member.named_buffers():
            if not torch.equal(buffer, first[name]):
                raise ValueError(
                    f"Members share their buffers, and {name} of "
                    f"{type(member).__name__} is drawn anew for each. Make it a "
                    "parameter, or use n_members=1."
                )


class StackedBatches:
    """Mini-batches of which each member has one of its own.

    Parameters
    ----------
    batches : sequence of iterables
        Of each member; all of the same lengths.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep._nets.stack import StackedBatches
    >>> from imbdeep.batches import TensorBatches
    >>> batches = TensorBatches(TensorDataset(torch.zeros(5, 3), torch.zeros(5)), 2)
    >>> [tuple(X.shape) for X, y in StackedBatches([batches] * 4)]
    [(2, 4, 3), (3, 4, 3)]
    """

    def __init__(self, batches: Sequence[Any]):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches[0])

    def __iter__(self) -> Iterator[Batch]:
        for together in zip(*self.batches, strict=True):
            X, y = zip(*together, strict=True)
            yield _stacked(X), _stacked(y)


def _stacked(parts: Sequence[Rows]) -> Rows:
    if isinstance(parts[0], dict):
        return {name: _stacked([part[name] for part in parts]) for name in parts[0]}
    return torch.stack([torch.as_tensor(part) for part in parts], dim=1)
