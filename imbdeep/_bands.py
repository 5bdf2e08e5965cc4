"""Spectral bands by name, by number or by preset, as readers and selectors take them.

Bands go by the numbers of Landsat 8, from one: B1 coastal aerosol, B2 blue, B3 green,
B4 red, B5 near infrared, B6 and B7 short-wave infrared, B8 panchromatic, B9 cirrus, B10
and B11 thermal infrared.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

PRESETS = {
    "natural": ("B4", "B3", "B2"),
    "near_infrared": ("B5", "B4", "B3"),
    "agriculture": ("B6", "B5", "B2"),
}


def band_name(band: Any) -> str:
    """Name of a band: that of a number k is Bk.

    Examples
    --------
    >>> from imbdeep._bands import band_name
    >>> band_name(6), band_name("red")
    ('B6', 'red')
    """
    is_number = isinstance(band, Integral) and not isinstance(band, bool | np.bool_)
    if is_number:
        return f"B{int(band)}"
    return str(band) if isinstance(band, str) else band  # not numpy.str_


def in_order(bands: Any) -> list[Any] | None:
    """Several bands as a list; None of what has no order, or is no sequence.

    Examples
    --------
    >>> from imbdeep._bands import in_order
    >>> in_order((4, "B2")), in_order({4, 2}), in_order(4)
    ([4, 'B2'], None, None)
    """
    # Of a mapping or of bytes, a list would hold keys or numbers.
    if isinstance(bands, set | frozenset | Mapping | bytes | bytearray):
        return None
    try:
        return list(bands)
    except TypeError:
        return None


def find_bands(bands: Any, existing: Sequence[str]) -> list[int]:
    """Positions of the bands that a user has named.

    Parameters
    ----------
    bands : str, int, sequence of such or None
        A preset; a name or the number of a band, or several, in the order wanted. None
        means all.
    existing : sequence of str
        Names of the bands there are.

    Returns
    -------
    list of int
        Positions in ``existing``, from zero.

    Raises
    ------
    ValueError
        The message lists the bands there are.

    Examples
    --------
    >>> from imbdeep._bands import find_bands
    >>> names = ["B2", "B4", "B5", "B6"]
    >>> find_bands("agriculture", names), find_bands((4, "B2"), names)
    ([3, 2, 0], [1, 0])
    >>> find_bands("natural", names)
    Traceback (most recent call last):
    ValueError: bands='natural' are B4, B3, B2, and B3 does not exist; there are B2, B4,
    B5, B6.
    """
    if bands is None:
        return list(range(len(existing)))
    if isinstance(bands, str) and bands in PRESETS:
        wanted = list(PRESETS[bands])
        if missing := [band for band in wanted if band not in existing]:
            raise ValueError(
                f"bands={bands!r} are {', '.join(wanted)}, and {', '.join(missing)} "
                f"{'does' if len(missing) == 1 else 'do'} not exist; there are "
                f"{', '.join(existing)}."
            )
    else:
        is_one = isinstance(bands, str | Integral)
        wanted = [bands] if is_one else in_order(bands)
    names = [band_name(band) for band in wanted or ()]
    if not names or any(not isinstance(n, str) or n not in existing for n in names):
        raise _unknown(bands, existing)
    return [list(existing).index(name) for name in names]


def _unknown(bands: Any, existing: Sequence[str]) -> ValueError:
    presets = ", ".join(map(repr, PRESETS))
    return ValueError(
        f"bands must hold bands that exist, by name or number, or be one of {presets}, "
        f"got {bands!r}; there are {', '.join(existing)}."
    )
