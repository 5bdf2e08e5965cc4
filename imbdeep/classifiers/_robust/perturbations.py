"""Changes of the weights of a convolution, drawn at random.

Each takes the weight, a tensor of shape (n_filters, n_in, k, k), the bias, of shape
(n_filters,), and a generator on their device, and returns new ones.
"""

import torch

# Of the filters, on average.
_SHARE = 0.2


def _per_filter(weight, factor):
    return weight * factor[:, None, None, None]


def _uniform(shape, like, generator):
    return torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype)


def _some_filters(bias, generator):
    return _uniform(bias.shape, bias, generator) < _SHARE


def flip_filters(weight, bias, generator):
    """Bring the filters into the reverse order."""
    return weight.flip(0), bias.flip(0)


def negate_filters(weight, bias, generator):
    """Change the sign of some filters."""
    factor = 1 - 2 * _some_filters(bias, generator).to(bias.dtype)
    return _per_filter(weight, factor), bias * factor


def zero_filters(weight, bias, generator):
    """Leave out some filters."""
    factor = 1 - _some_filters(bias, generator).to(bias.dtype)
    return _per_filter(weight, factor), bias * factor


def scale_weights(weight, bias, generator):
    """Multiply each weight by a factor around 1, at most 2 away from it."""
    most = 2 * _uniform((), weight, generator)
    factor = 1 + most * (2 * _uniform(weight.shape, weight, generator) - 1)
    return weight * factor, bias


def mask_weights(weight, bias, generator):
    """Leave out half of the weights."""
    return weight * (_uniform(weight.shape, weight, generator) < 0.5), bias


def negate_weights(weight, bias, generator):
    """Change the sign of half of the weights."""
    is_kept = _uniform(weight.shape, weight, generator) < 0.5
    return torch.where(is_kept, weight, -weight), bias


def turn_kernels(weight, bias, generator):
    """Turn all kernels by one, two or three quarters."""
    turns = torch.randint(1, 4, (), generator=generator, device=weight.device)
    return weight.rot90(int(turns), (2, 3)), bias


PERTURBATIONS = (
    flip_filters,
    negate_filters,
    zero_filters,
    scale_weights,
    mask_weights,
    negate_weights,
    turn_kernels,
)
