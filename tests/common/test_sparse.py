"""Sparse tables: the same nets as dense ones make, and never dense as a whole."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import get_tags

from imbdeep.batches._registry import BATCHES
from imbdeep.classifiers import ICEDClassifier, NetClassifier
from imbdeep.crowds import simulate_annotators
from imbdeep.modules import NCA

from .estimators import each
from .nets import GOING_ON, NETS, quick, table

CONTAINERS = {
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "csc_matrix": sparse.csc_matrix,
    "csc_array": sparse.csc_array,
    "coo_array": sparse.coo_array,
    "frame": lambda X: pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)),
}


def same_parameters(net, other):
    for one, two in zip(
        net.module_.parameters(), other.module_.parameters(), strict=True
    ):
        assert_array_equal(one.detach().numpy(), two.detach().numpy())


@pytest.mark.parametrize("name", each(GOING_ON))
def test_a_sparse_table_gives_the_net_of_the_dense_one(name):
    X, y = table()
    X_valid, y_valid = table(random_state=1)
    dense, thin = quick(name), quick(name)
    dense.fit(X, y, eval_set=(X_valid, y_valid))
    thin.fit(sparse.csc_array(X), y, eval_set=(sparse.csr_matrix(X_valid), y_valid))
    same_parameters(dense, thin)
    proba = dense.predict_proba(X)
    assert_array_equal(thin.predict_proba(X), proba)
    assert_array_equal(thin.predict_proba(sparse.coo_array(X)), proba)
    assert_array_equal(dense.predict(sparse.csr_array(X)), dense.predict(X))


@pytest.mark.parametrize("name", each(GOING_ON))
def test_partial_fit_and_the_split_take_sparse_rows(name):
    X, y = table()
    dense, thin = quick(name), quick(name)
    for rows, net in ((X, dense), (sparse.csr_array(X), thin)):
        net.partial_fit(rows, y).partial_fit(rows, y)
    same_parameters(dense, thin)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("encoding", ["piecewise_linear", "standard", None])
def test_containers_and_encodings(container, encoding):
    X, y = table()
    make = CONTAINERS[container]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    fits = [
        quick("net", numeric_encoding=encoding).fit(rows, y, sample_weight=weight)
        for rows in (X, make(X))
    ]
    same_parameters(*fits)
    assert_array_equal(fits[1].predict_proba(make(X)), fits[0].predict_proba(X))


@pytest.mark.parametrize("iterator", BATCHES)
def test_every_iterator(iterator):
    X, y = table()
    fits = [
        quick("net", iterator_train=iterator).fit(rows, y)
        for rows in (X, sparse.csr_array(X))
    ]
    same_parameters(*fits)


def test_rounds_on_annotations_of_sparse_rows():
    X, y = table()
    annotations = simulate_annotators(y, n_workers=4, random_state=0)
    fits = [
        ICEDClassifier(
            max_epochs=2,
            warmup_epochs=1,
            decoder_epochs=2,
            module__hidden_sizes=(8,),
            random_state=0,
        ).fit(rows, annotations)
        for rows in (X, sparse.csc_array(X))
    ]
    same_parameters(*fits)
    assert len(fits[1].X_synth_)
    assert_array_equal(fits[1].X_synth_, fits[0].X_synth_)


@pytest.fixture
def largest_dense(monkeypatch):
    """Numbers of the largest table that was made of a sparse one."""
    sizes = [0]
    for kind in (sparse.csr_array, sparse.csc_array):

        def toarray(self, *args, _toarray=kind.toarray, **kwargs):
            filled = _toarray(self, *args, **kwargs)
            sizes.append(filled.size)
            return filled

        monkeypatch.setattr(kind, "toarray", toarray)
    return sizes


@pytest.mark.parametrize("name", each(NETS))
def test_rows_are_made_dense_batch_by_batch(name, largest_dense, monkeypatch):
    monkeypatch.setattr("imbdeep._tables.rows.BLOCK_SIZE", 4_000)
    X, y = table(n_rows=2_000, n_features=12)
    X = sparse.csr_array(X)
    net = quick(name, max_epochs=1, pretrain_epochs=1, batch_size=256).fit(X, y)
    net.predict_proba(X)
    # A batch of prediction has 1024 rows. The rows that a method makes are dense, and
    # those that a module compares others with: it embeds them in every step.
    kept = [len(p.rows) for p in net.module_.modules() if isinstance(p, NCA)]
    rows = max(1024, len(getattr(net, "X_synth_", ())), *kept)
    assert 0 < max(largest_dense) <= rows * X.shape[1]


@pytest.mark.parametrize("seed", range(3))
def test_categories_through_one_hot_columns(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "city": rng.choice(list("abcdefgh"), 600),
            "plan": rng.choice(["x", "y", "z"], 600),
            "age": rng.uniform(20, 60, 600),
        }
    )
    odds = frame["city"].isin(["a", "b"]) & (frame["plan"] != "z")
    y = np.where(odds & (rng.random(600) < 0.9), "leaves", "stays")
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]),
            remainder="passthrough",
            sparse_threshold=1.0,
        ),
        NetClassifier(max_epochs=10, batch_size=50, lr=0.01, random_state=seed),
    )
    model.fit(frame[:400], y[:400])
    assert sparse.issparse(model[0].transform(frame))
    proba = model.predict_proba(frame[400:])[:, 1]
    assert roc_auc_score(y[400:] == "stays", proba) > 0.85


def test_a_pipeline_that_begins_with_an_encoder():
    rng = np.random.default_rng(0)
    X = rng.choice(list("abc"), (120, 2)).astype(object)
    y = (X[:, 0] == "a").astype(int)
    net = NetClassifier(max_epochs=10, batch_size=20, lr=0.02, random_state=0)
    model = make_pipeline(OneHotEncoder(), net)
    assert model.fit(X, y).score(X, y) == 1
    assert cross_val_score(model, X, y, cv=3, error_score="raise").min() > 0.9


@pytest.mark.parametrize("name", each(NETS))
def test_the_tag_is_true(name):
    assert get_tags(NETS[name]).input_tags.sparse


def test_what_is_infinite_is_refused():
    X, y = table()
    X[3, 0] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        quick("net").fit(sparse.csr_array(X), y)


def test_missing_numbers_are_as_in_a_dense_table():
    X, y = table()
    X[3:9, 0] = np.nan
    dense_net = quick("net").fit(X, y)
    net = quick("net").fit(sparse.csr_array(X), y)
    assert_array_equal(
        net.predict_proba(sparse.csr_array(X)), dense_net.predict_proba(X)
    )
