"""The display of a fitted net: what it shows, whatever names the columns have."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imbdeep._nets.display import draw_losses
from imbdeep.classifiers import NetClassifier

NAMES = ["<script>alert(1)</script>", "</table></div>", "$x^2$", "a & b", 'say "so"']


class Read(HTMLParser):
    """Tags within each other, texts of cells, and the classes of tables."""

    void = {"br", "img", "input", "meta", "link", "path", "circle", "polyline", "rect"}

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.cells, self.classes = [], [], [], ""
        self.texts = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "table":
            self.classes = dict(attrs).get("class", "")
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def fitted(X, **params):
    y = np.arange(len(X)) % 3 == 0
    return NetClassifier(max_epochs=2, random_state=0, **params).fit(X, y)


def own_part(net):
    return Read(net._fitted_html())


def table(n_columns, n=60):
    rng = np.random.default_rng(0)
    names = [f"column {i}" for i in range(n_columns)]
    return pd.DataFrame(rng.normal(size=(n, n_columns)), columns=names)


def test_names_of_columns_are_text():
    shown = own_part(fitted(table(5).set_axis(NAMES, axis=1)))
    assert shown.open == []
    assert "script" not in shown.tags
    assert [cell for cell in shown.cells if cell in NAMES] == NAMES
    # Else a notebook sets what is between dollars as mathematics.
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(shown.classes.split())


def test_a_long_name_is_shown():
    name = "a rather long name of a column " * 4 + "."
    assert name in own_part(fitted(table(1).set_axis([name], axis=1))).cells


@pytest.mark.parametrize("n_columns", [1, 60, 61, 400])
def test_the_middle_of_many_columns_is_left_out(n_columns):
    net = fitted(table(n_columns), numeric_encoding="standard")
    shown = own_part(net)
    n_rows = shown.tags.count("tr") - 1
    assert n_rows == min(n_columns, 61)
    names = [cell for cell in shown.cells if cell.startswith("column ")]
    assert {names[0], names[-1]} == {"column 0", f"column {n_columns - 1}"}
    assert len(net.encoding_summary_) == n_columns
    inputs = net.encoding_summary_["width"].sum()
    assert f"Columns: {n_columns}; inputs of the net: {inputs}" in shown.texts


def test_both_ways_to_display_have_it_once():
    net = fitted(table(2))
    for html in (net._repr_html_(), net._repr_mimebundle_()["text/html"]):
        assert html.count("Columns and training") == 1
        assert html.count('aria-label="losses by epoch"') == 1
    unfitted = NetClassifier()
    assert "Columns and training" not in unfitted._repr_html_()
    # A pipeline displays its steps in scikit-learn's way.
    pipeline = make_pipeline(FunctionTransformer(), net)
    assert "Columns and training" not in pipeline._repr_html_()


# --- Learning curve ------------------------------------------------------------------


def points(svg):
    found = [part.split('"')[0] for part in svg.split('points="')[1:]]
    return [np.array([p.split(",") for p in one.split()], float) for one in found]


def test_a_curve_falls_as_the_loss_does():
    history = [{"train_loss": 3.0 - i, "valid_loss": 3.0} for i in range(3)]
    train, valid = points(draw_losses(history))
    assert (np.diff(train[:, 0]) > 0).all()
    # From the top of the picture downwards.
    assert (np.diff(train[:, 1]) > 0).all()
    np.testing.assert_array_equal(train[:, 0], valid[:, 0])
    assert (valid[:, 1] == train[0, 1]).all()


def test_epochs_without_a_loss_keep_their_place():
    history = [
        {"train_loss": 1.0, "valid_loss": np.nan},
        {"train_loss": 2.0},
        {"train_loss": 1.5, "valid_loss": 0.5},
    ]
    train, valid = points(draw_losses(history))
    assert len(train) == 3
    np.testing.assert_array_equal(valid[:, 0], train[2:, 0])


def test_a_single_epoch_is_a_point():
    svg = draw_losses([{"train_loss": 1.0, "valid_loss": 0.5}])
    assert svg.count("<circle") == 2
    assert Read(svg).open == []


@pytest.mark.parametrize("loss", [0.0, 1e-12, 1e12])
def test_a_constant_loss_is_drawn(loss):
    (train,) = points(draw_losses([{"train_loss": loss}] * 4))
    assert np.isfinite(train).all()
    assert len(train) == 4
