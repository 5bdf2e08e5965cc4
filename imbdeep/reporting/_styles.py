"""How methods are drawn: a colour, a line style and a marker each."""

from dataclasses import dataclass
from itertools import cycle

# Okabe and Ito's palette, black first and without yellow, which vanishes on white.
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-",) * len(COLORS) + ((0, (5, 2)),) * len(COLORS)
MARKERS = "oDhPHsXp^v<>"


@dataclass(frozen=True)
class MethodStyle:
    """How a method is drawn."""

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
    """Return the given styles, or one for each method by its place."""
    if styles is not None:
        return styles
    looks = map(MethodStyle, *map(cycle, (COLORS, LINESTYLES, MARKERS)))
    return dict(zip(methods, looks, strict=False))
