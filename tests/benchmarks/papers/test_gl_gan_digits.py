"""The case study on digits: what is drawn, and what the shares count."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE

from imbdeep_bench.data.pairs import parse_pairs, read_dataset
from imbdeep_bench.engine.experiment import Method, Rows
from imbdeep_bench.papers.gl_gan import digits
from imbdeep_bench.papers.gl_gan.digits import (
    MADE_BY,
    N_SHOWN,
    WITH_CODES,
    draw_codes,
    draw_digits,
    make_digits,
    minority_share,
)
from imbdeep_bench.papers.gl_gan.experiment import draw_rows
from imbdeep_bench.papers.gl_gan.methods import METHODS
from papers import main
from tests.benchmarks.data.test_pairs import write_data


class CodingSMOTE(SMOTE):
    """SMOTE whose codes of rows are their first three columns."""

    def __init__(self, k_neighbors=5, random_state=None):
        super().__init__(k_neighbors=k_neighbors, random_state=random_state)

    def encode(self, X):
        return X[:, :3]

    def fit_resample(self, X, y):
        self.latent_ = self.encode(X)
        return super().fit_resample(X, y)


@pytest.fixture
def coding(monkeypatch):
    """Methods without nets in place of ours."""
    for name in set(MADE_BY) - {"smote"}:
        stub = Method(
            name,
            lambda seed, k: CodingSMOTE(k_neighbors=k, random_state=seed),
            METHODS[name].title,
        )
        monkeypatch.setitem(METHODS, name, stub)


@pytest.fixture
def task(tmp_path):
    usps = read_dataset("usps", write_data(tmp_path / "raw"))
    return draw_rows(usps, parse_pairs("4-7"), 0.1, seed=0)


def test_made_digits_are_the_synthetic_rows_in_order(coding, task):
    made = make_digits(task, seed=0)
    assert list(made) == list(MADE_BY)
    sampler, rows = made["smote"]
    again, y = sampler.fit_resample(task.X_train, task.y_train)
    np.testing.assert_array_equal(rows, again[len(task.X_train) :])
    assert len(rows) == 32 - 3
    assert (y[len(task.X_train) :] == 1).all()


def test_a_picture_has_the_first_ten_of_each_row():
    rng = np.random.RandomState(0)
    rows = {"one": rng.rand(12, 16), "few": rng.rand(7, 16)}
    figure = draw_digits(rows)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == N_SHOWN + 7
    expected = [*rows["one"][:N_SHOWN], *rows["few"]]
    for picture, row in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(picture, row.reshape(4, 4))
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == list(rows)


def test_minority_share_is_by_the_nearest_unseen_row():
    task = Rows(
        # A training row of the minority lies at 0, where it must not count.
        X_train=np.array([[0.0]]),
        y_train=np.array([1]),
        X_test=np.array([[0.1], [0.2], [5.0]]),
        y_test=np.array([0, 0, 1]),
        more=np.array([[6.0], [0.04]]),
    )
    # There are two rows of the majority, so that the withdrawn one at 0.04 is left out.
    rows = np.array([[0.0], [0.15], [5.2], [7.0]])
    assert minority_share(task, rows) == 0.5


def test_codes_are_drawn_in_components_of_the_training_rows(coding, task):
    made = make_digits(task, seed=0)
    figure = draw_codes(made, task.y_train)
    assert len(figure.axes) == len(WITH_CODES)
    sampler, synthetic = made["gl_gan"]
    axes = figure.axes[WITH_CODES.index("gl_gan")]
    drawn = {cloud.get_label(): cloud.get_offsets() for cloud in axes.collections}
    assert {name: len(points) for name, points in drawn.items()} == {
        "majority": 32,
        "minority": 3,
        "synthetic": len(synthetic),
    }
    centred = sampler.latent_ - sampler.latent_.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    for points, rows in (
        (drawn["minority"], sampler.latent_[task.y_train == 1]),
        (drawn["synthetic"], synthetic[:, :3]),
    ):
        expected = (rows - sampler.latent_.mean(axis=0)) @ directions[:2].T
        np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-9)


@pytest.mark.slow
def test_digits_writes_pictures_and_shares(coding, tmp_path, capsys):
    data = write_data(tmp_path / "raw")
    out = tmp_path / "out"
    assert main(["gl_gan", "digits", "--data", str(data), "--out", str(out)]) == 0
    for name in ("digits.png", "codes.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    shares = pd.read_csv(out / "digits.csv", index_col="digits")["nearest_a_7"]
    titles = [METHODS[name].title for name in MADE_BY]
    assert shares.index.tolist()[1:] == titles
    assert shares.between(0, 1).all()
    assert "digits.png" in capsys.readouterr().out


def test_digits_needs_the_file(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "gl_gan",
                "digits",
                "--data",
                str(tmp_path),
                "--out",
                str(tmp_path / "out"),
            ]
        )
    assert stopped.value.code == 2
    assert "usps.npz" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_our_samplers_make_digits_in_a_smoke_run(tmp_path):
    data = write_data(tmp_path / "raw")
    arguments = [
        "gl_gan",
        "digits",
        "--data",
        str(data),
        "--out",
        str(tmp_path),
        "--smoke",
    ]
    assert main(arguments) == 0
    assert set(pd.read_csv(tmp_path / "digits.csv")["digits"][1:]) == {
        METHODS[name].title for name in digits.MADE_BY
    }
