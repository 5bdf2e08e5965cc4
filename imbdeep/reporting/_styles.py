"""Styles of methods in plots: a colour, a line style and a marker each."""

from dataclasses import dataclass
from itertools import cycle

# Okabe and Ito's palette for the colour-blind, black first, without yellow, which is
# hard to see on white.
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-",) * len(COLORS) + ((0, (5, 2)),) * len(COLORS)
MARKERS = "oDhPHsXp^v<>"


@dataclass(frozen=True)
class MethodStyle:
    """Style of a method."""

    color: str
    linestyle: str | tuple
    marker: str

    @property
    def line(self):
        """Keywords of a line."""
        return {"color": self.color, "linestyle": self.linestyle}

    @property
    def point(self):
        """Keywords of a marker."""
        return {"color": self.color, "marker": self.marker}


def styles_for(methods, styles):
    """Return the given styles, or one per method by position."""
    if styles is not None:
        return styles
    looks = map(MethodStyle, *map(cycle, (COLORS, LINESTYLES, MARKERS)))
    return dict(zip(methods, looks, strict=False))
