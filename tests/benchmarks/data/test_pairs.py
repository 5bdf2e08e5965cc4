"""Files of the dissertation's experiments, and the classes drawn from them."""

import numpy as np
import pytest

from imbdeep_bench.data.pairs import (
    SMOKE_ROWS,
    Dataset,
    data_folder,
    draw_classes,
    parse_pairs,
    read_dataset,
    shrink,
    take_rows,
)


def write_data(folder, n_class=40, seed=0):
    """Write both files, made small: ten and two classes, each around its own corner."""
    rng = np.random.RandomState(seed)
    folder.mkdir(parents=True, exist_ok=True)
    label = np.repeat(np.arange(10), n_class)
    data = rng.rand(len(label), 4, 4) / 2
    data[np.arange(len(label)), label // 4, label % 4] += 0.4
    np.savez(folder / "usps.npz", data=data.astype(np.float32), label=label)
    label = np.repeat([-1, 1], n_class)
    data = rng.randint(0, 100, (len(label), 6)) + 30 * (label == 1)[:, None]
    np.savez(folder / "madelon.npz", data=data.astype(np.int16), label=label)
    return folder


def numbered(counts, labels=None, name="usps"):
    """A data set of one column, in which a row holds its own number."""
    labels = range(len(counts)) if labels is None else labels
    y = np.random.RandomState(0).permutation(np.repeat(list(labels), counts))
    return Dataset(name, np.arange(len(y))[:, None], y, "hash")


# --- Files ---------------------------------------------------------------------------


def test_read_dataset_makes_rows_of_pictures(tmp_path):
    folder = write_data(tmp_path)
    usps = read_dataset("usps", folder)
    with np.load(folder / "usps.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(usps.X[7], file["data"][7].ravel())
        np.testing.assert_array_equal(usps.y, file["label"])
    other = read_dataset("usps", write_data(tmp_path / "other", seed=1))
    assert usps.sha256 != other.sha256
    assert usps.sha256 == read_dataset("usps", folder).sha256


def test_read_dataset_says_where_it_looked(tmp_path):
    with pytest.raises(ValueError, match=r"no .*usps\.npz.*Give as --data the folder"):
        read_dataset("usps", tmp_path)


def test_read_dataset_names_absent_arrays(tmp_path):
    np.savez(tmp_path / "usps.npz", data=np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"lacks the arrays \['label'\]"):
        read_dataset("usps", tmp_path)


def test_read_dataset_refuses_other_names(tmp_path):
    with pytest.raises(ValueError, match="'upsp', which is unknown.*Did you mean usps"):
        read_dataset("upsp", tmp_path)


def test_data_folder_is_scikit_learns_unless_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert data_folder(None) == tmp_path / "raw"
    assert data_folder(tmp_path / "here") == tmp_path / "here"


def test_shrink_keeps_some_rows_of_every_class():
    small = shrink(numbered((SMOKE_ROWS + 50, 30)))
    assert np.bincount(small.y).tolist() == [SMOKE_ROWS, 30]
    assert small.sha256 != "hash"


# --- Classes -------------------------------------------------------------------------


def test_published_is_a_word_only_where_something_was():
    published = {"usps": (1, 2)}
    assert parse_pairs("published", published).fixed == published
    with pytest.raises(ValueError, match="write drawn, or two classes"):
        parse_pairs("published")


def test_every_row_of_the_two_classes_is_drawn_once():
    usps = numbered((30, 50, 40))
    pair, candidates, tests = draw_classes(usps, parse_pairs("1-0"), seed=0)
    assert pair == (1, 0)
    assert [len(rows) for rows in candidates + tests] == [24, 24, 6, 6]
    drawn = np.concatenate(candidates + tests)
    assert len(np.unique(drawn)) == 60
    for label, *parts in zip(pair, candidates, tests, strict=True):
        assert set(usps.y[np.concatenate(parts)]) == {label}


def test_rows_are_labelled_by_their_part():
    X, y = take_rows(numbered((20, 20)), [3, 1], [7])
    assert X.tolist() == [[3.0], [1.0], [7.0]]
    assert y.tolist() == [0, 0, 1]
