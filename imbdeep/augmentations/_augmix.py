"""AugMix: mixtures of an image and chains of operations on it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments, shown
from imbdeep._value_range import check_in_range, read_value_range
from imbdeep.augmentations._checks import check_batch
from imbdeep.augmentations._draws import working_dtype
from imbdeep.augmentations._operations import OPERATIONS, Operation, apply_chosen
from imbdeep.augmentations._unit_bands import from_unit_bands, to_unit_bands

# Operations of a chain whose depth is drawn, at most.
_MOST = 3

CONSTRAINTS: dict[str, list[Any]] = {
    "severity": [FiniteReal(0.1, 10)],
    "width": [WholeNumber(1)],
    "depth": [WholeNumber(1), None],
    "alpha": [FiniteReal(0, None, closed="neither")],
}


class AugMixDraws(NamedTuple):
    """What is drawn for the mixtures of n images.

    Attributes
    ----------
    share : Tensor of shape (n,)
        Weight of the chains in a mixture; the rest is the image's own.
    weights : Tensor of shape (width, n)
        Weights of the chains, whose sum is 1 for each image.
    chosen : Tensor of shape (steps, width, n), int64
        Which operation each chain takes in each step, by position; the one after the
        last is none.
    strength : Tensor of shape (steps, width, n)
    """

    share: Tensor
    weights: Tensor
    chosen: Tensor
    strength: Tensor


def draw_augmix(
    images: Tensor,
    generator: Generator | None,
    n_operations: int,
    *,
    severity: float,
    width: int,
    depth: int | None,
    alpha: float,
) -> AugMixDraws:
    """Draw for the mixtures of images, see :func:`augmix`.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
    generator : torch.Generator or None
    n_operations : int
    severity, width, depth, alpha
        See :func:`augmix`.

    Returns
    -------
    AugMixDraws
        On the device of the images.
    """
    # Numbers are drawn where the generator is, and are the same for any dtype.
    device = images.device if generator is None else generator.device
    told: dict[str, Any] = {"generator": generator, "device": device}
    n, steps = len(images), depth or _MOST
    shape = (steps, width, n)
    # Beyond, draws under- or overflow; one weight is nearly all, or all are equal.
    single = torch.tensor(min(max(alpha, 1e-2), 1e6), device=device).float()
    # torch's distributions take no generator. Beta(a, a) is a Dirichlet of two.
    weights = torch._sample_dirichlet(single.expand(n, width), generator=generator)
    share = torch._sample_dirichlet(single.expand(n, 2), generator=generator)[:, 0]
    chosen = torch.randint(n_operations, shape, **told)
    if depth is None:
        depths = torch.randint(1, _MOST + 1, (width, n), **told)
        is_over = torch.arange(steps, device=device)[:, None, None] >= depths
        chosen = chosen.masked_fill(is_over, n_operations)
    uniform = torch.rand(shape, dtype=torch.float32, **told)
    sign = 2 * torch.randint(2, shape, **told) - 1
    strength = sign * (0.1 + (severity - 0.1) * uniform)
    real = (images.device, working_dtype(images))
    weights = weights.T.to(*real)
    return AugMixDraws(
        share.to(*real),
        # Drawn in single precision, their sum is about 1.
        weights / weights.sum(0),
        chosen.to(real[0]),
        strength.to(*real),
    )


def mix_chains(
    images: Tensor,
    draws: AugMixDraws,
    operations: list[Operation],
    low: np.ndarray,
    high: np.ndarray,
) -> Tensor:
    r"""Mix images with chains of operations on them.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), floating point
    draws : AugMixDraws
    operations : list of callable
    low, high : ndarray of shape (bands,)
        Ends of the range of each band, which operations have for [0, 1]. What lies
        beyond is clipped for them.

    Returns
    -------
    Tensor of shape (n, bands, height, width)
        :math:`(1 - m) x + m \sum_i w_i c_i(x)`, with the share :math:`m`, the weights
        :math:`w` and the chains :math:`c`.
    """
    real = images.to(working_dtype(images))
    chains = to_unit_bands(real, low, high).repeat(len(draws.weights), 1, 1, 1)
    for chosen, strength in zip(draws.chosen, draws.strength, strict=True):
        chains = apply_chosen(chains, chosen.flatten(), strength.flatten(), operations)
    chains = chains.view(len(draws.weights), *real.shape)
    mixed = (draws.weights[..., None, None, None] * chains).sum(0)
    mixed = from_unit_bands(mixed, low, high)
    share = draws.share[:, None, None, None]
    return ((1 - share) * real + share * mixed).to(images.dtype)


def named_operations(ops: Any) -> list[Operation]:
    """Operations by their names.

    Parameters
    ----------
    ops : 'all' or sequence of str

    Returns
    -------
    list of callable

    Raises
    ------
    ValueError
        If there is none, or one is unknown.

    Examples
    --------
    >>> from imbdeep.augmentations._augmix import named_operations
    >>> named_operations(["rotate", "blur"])
    Traceback (most recent call last):
    ValueError: ops must be 'all' or some of ['autocontrast', ...
    """
    if isinstance(ops, str) and ops == "all":
        return list(OPERATIONS.values())
    is_several = isinstance(ops, Sequence | np.ndarray) and not isinstance(ops, str)
    if (
        not is_several
        or len(ops) == 0
        or not all(isinstance(name, str) and name in OPERATIONS for name in ops)
    ):
        raise ValueError(
            f"ops must be 'all' or some of {sorted(OPERATIONS)}, got {shown(ops)}."
        )
    return [OPERATIONS[name] for name in ops]


def augmix(
    batch: Tensor,
    generator: Generator | None,
    *,
    ops: str | Sequence[str] = "all",
    value_range: Any = (0.0, 1.0),
    severity: float = 3.0,
    width: int = 3,
    depth: int | None = None,
    alpha: float = 1.0,
) -> Tensor:
    r"""Mix each image with chains of random operations on it, AugMix [1]_.

    An image becomes :math:`(1 - m) x + m \sum_i w_i c_i(x)`: each of ``width`` chains
    :math:`c_i` applies one to three operations, one after the other, each drawn from
    ``ops`` with a strength of its own; their weights are :math:`w \sim
    Dirichlet(\alpha, ..., \alpha)`, and :math:`m \sim Beta(\alpha, \alpha)`. All is
    drawn for each image.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    ops : 'all' or sequence of str, default='all'
        Operations by name: 'autocontrast', 'equalize', 'posterize' and 'solarize'
        change values, in each band alone; 'rotate', 'shear_x', 'shear_y',
        'translate_x' and 'translate_y' move the pixels of all bands alike. Choose some
        if the class depends on what the others change: 'autocontrast' and 'equalize'
        change the ratios of bands, by which plants are told from soil, and those that
        move pixels move a labelled centre.
    value_range : tuple (low, high), default=(0, 1)
        Smallest and largest value of the images: numbers, or arrays with one number
        for each band. It is what black and white are for the operations that change
        values, in 256 levels, and ``low`` is what comes in from outside where pixels
        are moved.
    severity : float in [0.1, 10], default=3
        Strengths are uniform in [0.1, severity], with a random sign. Per unit: three
        degrees, a thirtieth of the side, a shear of 0.03, a tenth of the levels
        solarized; every 2.5 units take a bit from the four of 'posterize'.
    width : int, at least 1, default=3
        Number of chains.
    depth : int, at least 1, or None, default=None
        Operations of each chain. None draws 1, 2 or 3.
    alpha : float, greater than 0, default=1.0
        Larger values give weights that are more alike, and mixtures nearer to half.
        Values below 0.01 act like 0.01, where one weight is nearly all.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        In ``value_range``. A band whose range is a single value stays as it is.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images or leaves ``value_range``, or a parameter is
        out of range.

    See Also
    --------
    imbdeep.classifiers.AugMixClassifier : With the consistency loss of the paper.
    standard : Rotations and shifts.

    Notes
    -----
    Give a net other parameters with :func:`functools.partial`, as in
    ``augment=partial(augmix, value_range=(0, 255))``.

    NOTE[DIFF]: the authors' code works on three bands of eight bits, and has the side
    of its images as a constant. Here values are rounded to 256 levels only where an
    operation needs levels ('posterize' and 'equalize'). 'posterize' leaves at least one
    bit; theirs leaves none at severity 10, a black image. Images that are not square
    are moved by shares of the width and of the height.

    NOTE[DIFF]: some other implementations draw :math:`m` once for a batch. The paper
    and its authors draw it for each image.

    References
    ----------
    .. [1] D. Hendrycks, N. Mu, E. D. Cubuk, B. Zoph, J. Gilmer, B. Lakshminarayanan.
       "AugMix: A simple data processing method to improve robustness and uncertainty".
       ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import augmix
    >>> images = torch.rand(8, 10, 16, 16)
    >>> augmix(images, torch.Generator(), ops=["rotate", "posterize"]).shape
    torch.Size([8, 10, 16, 16])
    """
    check_batch(batch, generator)
    told = {"severity": severity, "width": width, "depth": depth, "alpha": alpha}
    check_arguments(CONSTRAINTS, told)
    operations = named_operations(ops)
    low, high = read_value_range(value_range, batch.shape[-3])
    images = batch.flatten(0, -4)
    if images.numel() == 0:
        return batch
    ends = torch.aminmax(images.detach().transpose(0, 1).flatten(1), dim=1)
    check_in_range(low, high, *(end.double().cpu().numpy() for end in ends))
    draws = draw_augmix(
        images,
        generator,
        len(operations),
        severity=severity,
        width=width,
        depth=depth,
        alpha=alpha,
    )
    return mix_chains(images, draws, operations, low, high).reshape(batch.shape)
