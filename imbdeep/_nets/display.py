"""What a fitted net shows of itself: its columns and its training."""

import numpy as np
import pandas as pd

from imbdeep._nets.history import history_frame
from imbdeep._tables.rows import missing_shares
from imbdeep.modules import PiecewiseLinearEncoding
from imbdeep.modules._encoding import Encoding

# To be seen on white and on black.
_COLORS = {"train_loss": "#4A86C8", "valid_loss": "#E45756"}
_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 440, 140, 28, 84
_MOST_ROWS = 60
_STYLE = (
    "<style>.imbdeep-columns th,.imbdeep-columns td{padding:.1em .7em;"
    "text-align:right}.imbdeep-columns th:first-child,.imbdeep-columns td:first-child"
    "{text-align:left;overflow-wrap:anywhere}</style>"
)


def inputs_and_bins(encoding, n):
    """How many inputs and bins an encoding gives each of n columns.

    Parameters
    ----------
    encoding : Module or None
    n : int

    Returns
    -------
    width, bins : ndarray of shape (n,), int
        Or None if the encoding does not say what its outputs come from.
    """
    width, bins = np.ones(n, dtype=int), np.zeros(n, dtype=int)
    if encoding is None:
        return width, bins
    if not isinstance(encoding, Encoding):
        return None
    for columns, bin_columns in _bins_of(encoding, np.arange(n)):
        bins[columns] = np.bincount(bin_columns, minlength=len(columns))
    return np.bincount(encoding.source.cpu().numpy(), minlength=n), bins


def summarize(names, level_codes, missing_share, width, bins):
    """A line per column: what it holds and what the net makes of it.

    Parameters
    ----------
    names : sequence of length n_features
    level_codes : LevelCodes
    missing_share : ndarray of shape (n_features,)
    width, bins : ndarray of shape (n_features,), int
        See :func:`inputs_and_bins`.

    Returns
    -------
    DataFrame
    """
    kind = np.full(len(names), "number", dtype=object)
    kind[level_codes.positions] = "level"
    places = bins.copy()
    places[level_codes.positions] = level_codes.n_levels()
    return pd.DataFrame(
        {
            "column": names,
            "kind": kind,
            "levels_or_bins": places,
            "missing": missing_share,
            "width": width,
        }
    )


def _bins_of(encoding, columns):
    """Columns that piecewise-linear encodings see, and the column of each bin."""
    if isinstance(encoding, PiecewiseLinearEncoding):
        yield columns, encoding.source.cpu().numpy()
    own = getattr(encoding, "number_columns", None)
    for part in encoding.children():
        inner = columns if own is None else own.cpu().numpy()
        yield from _bins_of(part, inner)


def draw_losses(history):
    """Learning curve as SVG; empty if the history holds no loss.

    Examples
    --------
    >>> from imbdeep._nets.display import draw_losses
    >>> draw_losses([])
    ''
    """
    curves = {
        name: [
            (epoch, row[name])
            for epoch, row in enumerate(history)
            if name in row and np.isfinite(row[name])
        ]
        for name in _COLORS
    }
    curves = {name: np.array(points) for name, points in curves.items() if points}
    if not curves:
        return ""
    losses = np.concatenate([points[:, 1] for points in curves.values()])
    low, high = losses.min(), losses.max()
    n_epochs = len(history)
    right, bottom = _WIDTH - _MARGIN - _LEGEND, _HEIGHT - _MARGIN
    lines = []
    for place, (name, points) in enumerate(curves.items()):
        x = _MARGIN + right * points[:, 0] / max(1, n_epochs - 1)
        share = (points[:, 1] - low) / ((high - low) or 1)
        y = bottom - (bottom - _MARGIN / 2) * share
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(
            f'<polyline fill="none" stroke="{_COLORS[name]}" stroke-width="1.5" '
            f'points="{points}"/><circle cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="2.5" '
            f'fill="{_COLORS[name]}"/>'
            f'<text x="{_MARGIN + right + 10}" y="{14 + 14 * place}" '
            f'fill="{_COLORS[name]}">{name}</text>'
        )
    labels = (
        f'<text x="{_MARGIN}" y="{_MARGIN / 2 - 3}">{high:.3g}</text>'
        f'<text x="{_MARGIN}" y="{bottom + 12}">{low:.3g}</text>'
        f'<text x="{_MARGIN + right}" y="{bottom + 12}" text-anchor="end">'
        f"epoch {n_epochs}</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-size="11" font-family="sans-serif" '
        f'fill="currentColor" role="img" aria-label="losses by epoch">'
        f'<path d="M{_MARGIN} {_MARGIN / 2}V{bottom}H{_MARGIN + right}" fill="none" '
        f'stroke="currentColor" stroke-opacity="0.4"/>{"".join(lines)}{labels}</svg>'
    )


def draw_summary(summary):
    """Table of columns as HTML, in a box that scrolls; the middle of many is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._nets.display import draw_summary
    >>> html = draw_summary(pd.DataFrame({"column": ["a < b"], "width": [3]}))
    >>> "Columns: 1; inputs of the net: 3" in html, "a &lt; b" in html
    (True, True)
    """
    table = summary.to_html(
        index=False,
        float_format="{:.3g}".format,
        max_rows=_MOST_ROWS,
        border=0,
        # Notebooks would set what is between two dollars as mathematics.
        classes=["imbdeep-columns", "tex2jax_ignore", "mathjax_ignore"],
    )
    return (
        f'{_STYLE}<p style="margin:.4em 0">Columns: {len(summary):,}; inputs of the '
        f"net: {summary['width'].sum():,}</p>"
        '<div style="max-height:20em;max-width:100%;overflow:auto;margin-bottom:.8em">'
        f"{table}</div>"
    )


class Displays:
    """What a fitted net shows of itself, also in a notebook.

    A base of :class:`~imbdeep.base.BaseNetClassifier`.
    """

    missing_share_ = None
    inputs_and_bins_ = None

    def _learn_missing_shares(self, X):
        self.missing_share_ = missing_shares(X) if X.ndim == 2 else None

    def _learn_inputs_and_bins(self, encoding):
        # Numbers alone: the module keeps the encoding wherever it likes, or not at all.
        self.inputs_and_bins_ = None
        if self.missing_share_ is not None:
            n = len(self.missing_share_)
            self.inputs_and_bins_ = inputs_and_bins(encoding, n)

    @property
    def encoding_summary_(self):
        """A line per column: its kind, levels or bins, share missing, and width."""
        if self.inputs_and_bins_ is None:
            raise AttributeError(
                f"{type(self).__name__} has no encoding_summary_ before it is fitted, "
                "where rows are images, or where module__encoding is of another kind "
                "than those of imbdeep.modules."
            )
        return summarize(
            self._column_names(),
            self.level_codes_,
            self.missing_share_,
            *self.inputs_and_bins_,
        )

    @property
    def history_frame_(self):
        """A line per epoch: what it recorded, but for the entries of batches."""
        self.check_is_fitted()
        return history_frame(self.history_)

    def _fitted_html(self):
        if self.inputs_and_bins_ is None or not hasattr(self, "module_"):
            return ""
        return (
            "<details><summary>Columns and training</summary>"
            f"{draw_summary(self.encoding_summary_)}{draw_losses(self.history)}"
            "</details>"
        )

    def _repr_html_inner(self):
        return super()._repr_html_inner() + self._fitted_html()

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += self._fitted_html()
        return bundle
