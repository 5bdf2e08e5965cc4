"""Small charts: points lie where their numbers say."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imbdeep.classifiers._imbalanced.report.pictures import (
    Line,
    draw_chart,
    nice_end,
    thinned,
)


def drawn(lines, **params):
    labels = {"title": "a < b", "x_label": "x", "y_label": "y"}
    svg = draw_chart(lines, **labels, **params)
    return svg, ElementTree.fromstring(svg)


def points_of(root):
    found = [e.get("points") for e in root.iter() if e.tag.endswith("polyline")]
    return [np.array([p.split(",") for p in one.split()], float) for one in found]


def test_points_are_where_the_ticks_say():
    x, y = np.array([0.0, 0.2, 0.4]), np.array([0.4, 0.0, 0.2])
    _, root = drawn([Line("one", x, y, mark=(0.4, 0.2))], x_end=0.4, y_end=0.4)
    ticks = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        if re.fullmatch(r"[\d.]+", text.text):
            ticks.setdefault(text.get("text-anchor"), {})[float(text.text)] = text
    across = {at: float(text.get("x")) for at, text in ticks["middle"].items()}
    # Numbers stand a little below the height of their tick.
    up = {at: float(text.get("y")) - 4 for at, text in ticks["end"].items()}
    assert set(across) == set(up) == {0.0, 0.2, 0.4}
    (points,) = points_of(root)
    expected = [[across[a], up[b]] for a, b in zip(x, y, strict=True)]
    assert_allclose(points, expected, atol=0.11)
    (ring,) = [e for e in root.iter() if e.get("r") == "5"]
    assert_allclose([float(ring.get("cx")), float(ring.get("cy"))], points[2])


def test_bars_reach_from_low_to_high():
    one = Line("one", *(np.array([v]) for v in (0.5, 0.6, 0.2, 2.0)))
    _, root = drawn([one])
    (bar,) = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", drawn([one])[0])[1:]
    (point,) = points_of(root)[0]
    x, low, high = map(float, bar)
    # What lies beyond the frame ends with it.
    assert x == point[0] and high == 26.0 < point[1] < low


def test_names_of_several_curves_are_text_in_their_color():
    lines = [Line(f"<b>{i}</b>", np.zeros(2), np.ones(2)) for i in range(3)]
    svg, root = drawn(lines)
    texts = {e.text: e.get("fill") for e in root.iter() if e.tag.endswith("text")}
    strokes = [e.get("stroke") for e in root.iter() if e.tag.endswith("polyline")]
    assert [texts[line.name] for line in lines] == strokes
    assert "a < b" in texts and "<b>" not in svg
    alone, _ = drawn(lines[:1])
    assert "&lt;b&gt;" not in alone


@pytest.mark.parametrize("n", [1, 2, 200, 5_000])
def test_a_thinned_curve_keeps_its_shape(n):
    x = np.linspace(0, 1, n) ** 3
    y = np.where(x < 0.5, 1.0, 0.2)
    few_x, few_y = thinned(x, y)
    assert len(few_x) == min(n, 200)
    assert (few_x[0], few_x[-1]) == (x[0], x[-1])
    if n > 2:
        middle = np.interp(np.linspace(0, 1, 50), few_x, few_y)
        assert_allclose(middle, np.interp(np.linspace(0, 1, 50), x, y), atol=0.02)


@pytest.mark.parametrize("value", [1e-5, 0.011, 0.1, 0.21, 0.61, 0.99, 1.0])
def test_axes_end_at_a_round_number_beyond_all_points(value):
    end = nice_end(value)
    assert value <= end <= max(2 * value, 0.01)
    assert len(f"{end:g}".replace("0.", "").strip("0")) == 1
