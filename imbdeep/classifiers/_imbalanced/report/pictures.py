"""Small charts as SVG, for light and dark pages."""

from dataclasses import dataclass
from html import escape

import numpy as np

# To be seen on white and on black.
_COLORS = ("#4A86C8", "#E45756", "#54A24B", "#B279A2", "#F58518", "#72B7B2")
MOST_LINES = len(_COLORS)
_WIDTH, _HEIGHT = 330, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 26, 40
# Room on the right for names of curves, and what fits there.
_LEGEND, _MOST_LETTERS = 110, 18
# Of a curve: more cannot be told apart.
_MOST_POINTS = 200


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes
    ----------
    name : str
    x, y : ndarray of shape (n,)
    low, high : ndarray of shape (n,) or None
        Ends of a bar at each point.
    mark : tuple (float, float) or None
        A point to stand out.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    mark: tuple | None = None


def nice_end(value):
    """End of an axis from 0: at least a value, and round.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.report.pictures import nice_end
    >>> nice_end(0.83), nice_end(0.034), nice_end(0.0)
    (1.0, 0.04, 0.01)
    """
    if value <= 0.01:
        return 0.01
    power = 10.0 ** np.floor(np.log10(value))
    steps = np.array([1, 2, 4, 6, 8, 10]) * power
    return float(round(steps[steps >= value - 1e-12][0], 6))


def thinned(x, y):
    """Points of a curve, without those that nobody could see.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.pictures import thinned
    >>> x, y = thinned(np.arange(1_000.0), np.arange(1_000.0))
    >>> len(x), float(x[-1])
    (200, 999.0)
    """
    if len(x) <= _MOST_POINTS:
        return x, y
    # Along the way, not by number: the start of a curve has few points and long steps.
    way = np.cumsum(np.hypot(np.diff(x, prepend=x[0]), np.diff(y, prepend=y[0])))
    kept = np.searchsorted(way, np.linspace(0, way[-1], _MOST_POINTS))
    kept = np.minimum(kept, len(x) - 1)
    return x[kept], y[kept]


def draw_chart(lines, *, title, x_label, y_label, x_end=1.0, y_end=1.0, diagonal=False):
    """Curves in a frame whose axes start at 0.

    Parameters
    ----------
    lines : list of Line
        At most ``MOST_LINES``.
    title, x_label, y_label : str
    x_end, y_end : float, default=1.0
    diagonal : bool, default=False
        Whether to draw where both are equal.

    Returns
    -------
    str
        SVG.
    """
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(x):
        return _LEFT + width * np.clip(x / x_end, 0, 1)

    def up(y):
        return _TOP + height * (1 - np.clip(y / y_end, 0, 1))

    bottom, right = _TOP + height, _LEFT + width
    parts = [
        f'<text x="{_LEFT}" y="14" font-weight="bold">{escape(title)}</text>',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" '
        'stroke="currentColor" stroke-opacity=".5"/>',
        f'<text x="{_LEFT + width / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x_label)}</text>",
        f'<text transform="translate(11 {_TOP + height / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text>',
    ]
    for share in (0, 0.5, 1):
        x, y = across(share * x_end), up(share * y_end)
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">'
            f"{share * x_end:.3g}</text>"
            f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">'
            f"{share * y_end:.3g}</text>"
        )
    if diagonal:
        end = min(x_end, y_end)
        parts.append(
            f'<path d="M{_LEFT} {bottom}L{across(end):.1f} {up(end):.1f}" fill="none" '
            'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="4 4"/>'
        )
    for color, line in zip(_COLORS, lines, strict=False):
        parts.append(_draw_line(line, color, across, up))
    if len(lines) > 1:
        parts += _legend([line.name for line in lines], right)
    total = _WIDTH + (_LEGEND if len(lines) > 1 else 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{_HEIGHT}" '
        f'viewBox="0 0 {total} {_HEIGHT}" font-size="11" font-family="sans-serif" '
        f'fill="currentColor" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _draw_line(line, color, across, up):
    x, y = thinned(line.x, line.y)
    points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, y, strict=True))
    parts = [
        f'<polyline fill="none" stroke="{color}" stroke-width="1.8" points="{points}"/>'
    ]
    if line.low is not None:
        for a, b, low, high in zip(line.x, line.y, line.low, line.high, strict=True):
            parts.append(
                f'<path d="M{across(a):.1f} {up(low):.1f}V{up(high):.1f}" '
                f'stroke="{color}" stroke-opacity=".6"/>'
                f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="3" fill="{color}"/>'
            )
    if line.mark is not None:
        a, b = line.mark
        parts.append(
            f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="5" fill="none" '
            'stroke="currentColor" stroke-width="2"/>'
        )
    return "".join(parts)


def _legend(names, right):
    return [
        f'<text x="{right + 10}" y="{_TOP + 12 + 14 * place}" fill="{color}">'
        f"{escape(_shortened(name))}</text>"
        for place, (color, name) in enumerate(zip(_COLORS, names, strict=False))
    ]


def _shortened(name):
    return name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"
