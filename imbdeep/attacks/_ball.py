"""The set of rows that an attack may reach."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Generator, Tensor

NORMS = ("linf", "l2")


@dataclass(frozen=True)
class Ball:
    r"""Rows within a distance of a row, and within a box.

    Parameters
    ----------
    norm : {'linf', 'l2'}
        'linf' admits :math:`|x'_i - x_i| \leq r_i`, 'l2' :math:`\sum_i ((x'_i - x_i) /
        r_i)^2 \leq 1`: the usual ball if all radii are equal, otherwise an ellipsoid.
    radius : Tensor of the shape of a row
        Radius of each feature, at least 0; features of radius 0 do not move.
    low, high : Tensor broadcastable to a row, or None, default=None
        Smallest and largest value of a feature. None sets no limit.

    Notes
    -----
    Methods take rows of shape ``(*, n, ...)`` whose last axes are those of the radius.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> ball = Ball("linf", torch.tensor([0.5, 0.0]))
    >>> x = torch.zeros(1, 2)
    >>> ball.project(x + 2, x)
    tensor([[0.5000, 0.0000]])
    """

    norm: str
    radius: Tensor
    low: Tensor | None = None
    high: Tensor | None = None

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise ValueError(f"norm must be one of {NORMS}, got {self.norm!r}.")

    def to(self, device: torch.device | str) -> "Ball":
        """Return the same ball on a device."""
        return replace(
            self,
            radius=self.radius.to(device),
            low=None if self.low is None else self.low.to(device),
            high=None if self.high is None else self.high.to(device),
        )

    @cached_property
    def is_point(self) -> bool:
        """Whether no feature may move."""
        return not bool(self.radius.any())

    def without_box(self) -> "Ball":
        """Return the ball that shifts of several rows stay in, around the shift 0."""
        return replace(self, low=None, high=None)

    def project(self, x_adv: Tensor, x: Tensor) -> Tensor:
        """Project rows into the box and into the balls around their original rows.

        Parameters
        ----------
        x_adv, x : Tensor of shape (*, n, ...)

        Returns
        -------
        Tensor of shape (*, n, ...)
        """
        if self.norm == "linf":
            inside = x_adv.clamp(x - self.radius, x + self.radius)
        else:
            shift = x_adv - x
            inside = x + shift / self._norm(self._in_radii(shift)).clamp_min(1)
        # Clipping does not leave the ball: the original row lies in the box.
        return torch.where(self.radius > 0, self.into_box(inside), x)

    def into_box(self, x: Tensor) -> Tensor:
        """Clip rows to the box."""
        if self.low is None and self.high is None:
            return x
        return x.clamp(self.low, self.high)

    def add(self, x: Tensor, shift: Tensor) -> Tensor:
        """Add shifts to rows, and clip the sums to the box.

        Parameters
        ----------
        x : Tensor of shape (*, n, ...)
        shift : Tensor broadcastable to the rows
            A gradient leads back to it, but for what is clipped or missing.

        Returns
        -------
        Tensor of shape (*, n, ...)
        """
        # A gap stays one; the gradient there may be NaN, and would spread over rows.
        moved = x + torch.where(x.isnan(), 0.0, shift)
        return torch.where(self.radius > 0, self.into_box(moved), x)

    def random_point(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw uniformly from the ball of each row; then clip to the box.

        Parameters
        ----------
        x : Tensor of shape (*, n, ...)
        generator : torch.Generator or None, default=None
            Must be on the device of ``x``. None is torch's global generator.

        Returns
        -------
        Tensor of shape (*, n, ...)
        """
        if self.norm == "linf":
            shift = 2 * _uniform(x, generator) - 1
        else:
            movable = self.radius > 0
            # Fixed features must not take up a share of the length.
            normal = torch.empty_like(x).normal_(generator=generator) * movable
            lead = x.shape[: x.ndim - self.radius.ndim] + (1,) * self.radius.ndim
            length = _uniform(x.new_empty(lead), generator)
            # A uniform length would crowd points near the centre: in d dimensions the
            # volume grows with the d-th power of the radius.
            length = length ** (1 / movable.sum().clamp_min(1))
            shift = self._unit(normal) * length
        return self.project(x + self.radius * shift, x)

    def ascend(self, x_adv: Tensor, gradient: Tensor, step: Tensor) -> Tensor:
        """Make a step in the direction that raises a linear objective most.

        Parameters
        ----------
        x_adv, gradient : Tensor of shape (*, n, ...)
        step : Tensor broadcastable to a row
            Step length of each feature.

        Returns
        -------
        Tensor of shape (*, n, ...)
        """
        if self.norm == "linf":
            return x_adv + step * gradient.sign()
        return x_adv + step * self._unit(gradient * self.radius)

    def _in_radii(self, shift: Tensor) -> Tensor:
        # 0 / 0 would make the norm NaN; project restores features of radius 0 anyway.
        # What is missing has not moved.
        return torch.where(self.radius > 0, shift / self.radius, 0.0).nan_to_num(0.0)

    def _norm(self, shift: Tensor) -> Tensor:
        axes = tuple(range(-self.radius.ndim, 0))
        return torch.linalg.vector_norm(shift, dim=axes, keepdim=True)

    def _unit(self, shift: Tensor) -> Tensor:
        # Divided by the largest entry first, or squares of tiny gradients underflow.
        axes = tuple(range(-self.radius.ndim, 0))
        tiny = torch.finfo(shift.dtype).tiny
        shift = shift / shift.abs().amax(axes, keepdim=True).clamp_min(tiny)
        return shift / self._norm(shift).clamp_min(tiny)


def _uniform(x: Tensor, generator: Generator | None) -> Tensor:
    return torch.empty_like(x).uniform_(generator=generator)
