"""What is no table, or no labels: the message says what it is and what to do."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone

from imbdeep._tables.row_kinds import check_has_rows

from .estimators import SAMPLERS, each, each_that_reads
from .nets import NETS, quick, table

X, Y = table(60)
N = len(X)
RECORDS = np.zeros(N, dtype=[("age", float), ("n", int)])
RAGGED = [[1.0, 2.0], [1.0]] * 30

NO_TABLES = {
    "records": (RECORDS, "rows of X are records.*structured_to_unstructured"),
    "recarray": (RECORDS.view(np.recarray), "rows of X are records"),
    "records in a column": (RECORDS[:, None], r"Columns \[0\] hold records.*to_unst"),
    "sets": ([{1, 2}, {3}] * 30, "rows of X are sets.*MultiLabelBinarizer"),
    "dicts": ([{"a": 1}] * N, "rows of X are dicts.*DictVectorizer"),
    "texts": (["a text"] * N, "rows of X are text.*TfidfVectorizer"),
    "days": (np.zeros(N, "M8[D]"), "rows of X are dates.*days since"),
    "objects": ([object()] * N, "rows of X are objects of type object"),
    "ragged": (RAGGED, "rows of X have different lengths, such as 1 and 2.*Fill up"),
    "ragged tensors": ([torch.ones(2), torch.ones(3)] * 30, "lengths, such as 2 and 3"),
    "ragged objects": (np.array(RAGGED, dtype=object), "different lengths"),
    "rows and numbers": ([[1.0, 2.0], 3.0] * 30, "X mixes rows and single values"),
    "unstacked": (np.array([[1.0], None, *X], dtype=object)[2:], "numpy.stack"),
    "sparse rows": ([sparse.csr_array(X[:1])] * N, "scipy.sparse.vstack"),
    "one column": (X[:, 0], r"X holds 60 single values.*reshape\(-1, 1\)"),
    "nothing": ([None] * N, "X holds 60 single values"),
    "generator": ((row for row in X), "X is of type generator.*list of rows"),
    "a number": (5, "X is of type int"),
    "a text": ("abc", "X is of type str"),
    "None": (None, "X is of type NoneType"),
    "no columns": (pd.DataFrame(index=range(N)), "rows, but no columns"),
    "sparse tensor": (torch.tensor(X).to_sparse(), r"sparse tensor.*to_dense\(\)"),
    "CSR tensor": (torch.tensor(X).to_sparse_csr(), "sparse tensor.*SciPy"),
    "nested tensor": (
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)] * 30),
        r"nested tensor.*to_padded_tensor\(\)",
    ),
    "quantized tensor": (
        torch.quantize_per_tensor(torch.tensor(X).float(), 0.1, 0, torch.quint8),
        r"quantized tensor.*dequantize\(\)",
    ),
    "meta tensor": (torch.empty(N, 6, device="meta"), "meta tensor.*another device"),
}

NO_LABELS = {
    "complex numbers": (Y * 1j, "y holds complex numbers.*whole numbers"),
    "records": (RECORDS, "y holds records.*whole numbers"),
    "a sparse column": (sparse.csr_array(Y[:, None]), "Sparse data.*toarray"),
    "a sparse tensor": (torch.tensor(Y).to_sparse(), r"sparse tensor.*to_dense\(\)"),
    "sets": ([{1}, {2}] * 30, r"objects, the first of type set.*astype\(str\)"),
    "a text": ("ab" * 30, "array of labels, one for each row, .*type str"),
    "a number": (5, "array of labels, .*type int"),
    "generator": ((label for label in Y), "array of labels, .*type generator"),
}


def refused(call, match):
    """The message is short: it shows no table and no long list of labels."""
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    assert re.search(match, str(raised.value)), raised.value
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("case", NO_TABLES)
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_nets_refuse_what_is_no_table(name, case):
    rows, match = NO_TABLES[case]
    refused(lambda: quick(name).fit(rows, Y), match)


@pytest.mark.parametrize("case", NO_TABLES)
@pytest.mark.parametrize("name", each(SAMPLERS))
def test_samplers_refuse_what_is_no_table(name, case):
    rows, match = NO_TABLES[case]
    refused(lambda: clone(SAMPLERS[name]).fit_resample(rows, Y), match)
    refused(lambda: clone(SAMPLERS[name]).fit(rows, Y), match)


@pytest.fixture(scope="module")
def fitted():
    return quick("net").fit(X, Y)


@pytest.mark.parametrize("case", NO_TABLES)
def test_what_is_no_table_cannot_be_predicted(fitted, case):
    rows, match = NO_TABLES[case]
    refused(lambda: fitted.predict_proba(rows), match)


@pytest.mark.parametrize("case", NO_LABELS)
def test_what_is_no_label(case):
    labels, match = NO_LABELS[case]
    refused(lambda: quick("net").fit(X, labels), match)
    refused(lambda: quick("net").fit(X, Y, eval_X=X, eval_y=labels), match)
    refused(lambda: clone(SAMPLERS["remix"]).fit_resample(X, labels), match)


@pytest.mark.parametrize(
    "rows",
    [
        X.tolist(),
        list(X),
        list(torch.tensor(X)),
        [pd.Series(row) for row in X],
        [pl.Series(row) for row in X],
        tuple(map(tuple, X)),
    ],
    ids=["lists", "arrays", "tensors", "pandas", "polars", "tuples"],
)
def test_rows_of_any_kind_in_a_list_are_a_table(fitted, rows):
    assert_array_equal(fitted.predict_proba(rows), fitted.predict_proba(X))


@pytest.mark.parametrize(
    "rows",
    [X, X.astype(object), sparse.csr_array(X), pd.DataFrame(X), pl.DataFrame(X)]
    + [[], np.zeros((0, 2)), np.zeros((2, 0)), np.zeros((2, 3, 4)), [[[1.0]]]],
    ids=lambda rows: type(rows).__name__,
)
def test_what_has_rows_passes(rows):
    check_has_rows(rows)


def test_weights_in_a_tensor_that_is_no_array():
    weight = torch.ones(N)
    refused(
        lambda: quick("net").fit(X, Y, sample_weight=weight.to_sparse()),
        r"sparse tensor.*to_dense\(\)",
    )
    net = quick("net").fit(X, Y, sample_weight=weight.requires_grad_())
    assert_array_equal(net.predict_proba(X), quick("net").fit(X, Y).predict_proba(X))
