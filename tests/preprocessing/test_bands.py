"""Transformers of images: alone, in pipelines and in searches."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from imbdeep.classifiers import NetClassifier
from imbdeep.datasets import make_satellite_tiles
from imbdeep.preprocessing import BandScaler, BandSelector
from tests.common.estimators import TRANSFORMERS

N = 40


def images(dtype=np.uint8, n_bands=10):
    X = np.random.RandomState(0).randint(0, 256, (N, n_bands, 6, 5))
    return (X - 60 * (np.dtype(dtype).kind == "f")).astype(dtype)


def mapped(folder, X):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


# --- Both ----------------------------------------------------------------------------


@pytest.fixture(params=TRANSFORMERS)
def transformer(request):
    return clone(TRANSFORMERS[request.param])


# They take no tables, and say so in their tags: the suite then checks what needs none.
@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_sklearn_checks(transformer):
    check_estimator(transformer)


def of_bands(transformer, dtype=np.uint8):
    named = getattr(transformer, "band_names", None)
    return images(dtype, 10 if named is None else len(named))


def test_fit_again_pickle_and_one_image_at_a_time(transformer):
    X = of_bands(transformer)
    expected = transformer.fit(X).transform(X)
    assert transformer.n_features_in_ == X.shape[1]
    assert_array_equal(transformer.fit(X).transform(X), expected)
    assert_array_equal(clone(transformer).fit_transform(X), expected)
    assert_array_equal(pickle.loads(pickle.dumps(transformer)).transform(X), expected)
    alone = [transformer.transform(X[i : i + 1])[0] for i in range(3)]
    assert_array_equal(alone, expected[:3])


def test_containers(transformer, tmp_path):
    X = of_bands(transformer)
    expected = transformer.fit(X).transform(X)
    for other in (mapped(tmp_path, X), torch.tensor(X), X.tolist(), X[::-1][::-1]):
        assert_array_equal(clone(transformer).fit(other).transform(other), expected)


@pytest.mark.parametrize("how", ["pandas", "polars"])
def test_images_stay_arrays_whatever_the_output_of_transformers(transformer, how):
    with config_context(transform_output=how):
        out = transformer.fit_transform(of_bands(transformer))
    assert isinstance(out, np.ndarray)


def test_what_is_refused(transformer):
    X = of_bands(transformer)
    with pytest.raises(NotFittedError):
        transformer.transform(X)
    with pytest.raises(ValueError, match=r"hold images, .*got \(40, 3\).*X\[:, None"):
        transformer.fit(np.zeros((40, 3)))
    assert not hasattr(transformer, "n_features_in_")
    with pytest.raises(ValueError, match=r"got \(40, 6, 5\)"):
        transformer.fit(X[:, 0])
    with pytest.raises(ValueError, match="X must hold numbers, got <U1"):
        transformer.fit(np.full(X.shape, "a"))
    transformer.fit(X)
    with pytest.raises(ValueError, match="features"):
        transformer.transform(X[:, :2])
    with pytest.raises(ValueError, match="0 sample"):
        transformer.fit(X[:0])


# --- BandSelector --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bands", "positions"),
    [
        ("natural", [3, 2, 1]),
        ("near_infrared", [4, 3, 2]),
        ("agriculture", [5, 4, 1]),
        ((6, 5, 2), [5, 4, 1]),
        (np.array([1]), [0]),
        ("B10", [9]),
        (10, [9]),
        ((1, 3, 5), [0, 2, 4]),
        ((1, 2, 4), [0, 1, 3]),
        ((2, 2), [1, 1]),
        (None, list(range(10))),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bands_that_are_kept(bands, positions, dtype, monkeypatch):
    # Several blocks, of which the last is smaller.
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 10 * 6 * 5)
    X = images(dtype)
    selector = BandSelector(bands).fit(X)
    out = selector.transform(X)
    assert_array_equal(out, X[:, positions])
    assert out.dtype == dtype
    assert selector.positions_.tolist() == positions
    assert selector.bands_ == [f"B{position + 1}" for position in positions]
    assert selector.get_feature_names_out().tolist() == selector.bands_
    # torch takes what comes out as it is.
    assert_array_equal(torch.as_tensor(out).numpy(), out)


@pytest.mark.parametrize("bands", [None, 5, (2, 3, 4), (1, 3, 5)])
def test_evenly_spaced_bands_are_a_view_of_the_file(tmp_path, bands):
    X = mapped(tmp_path, images())
    out = BandSelector(bands).fit_transform(X)
    assert np.shares_memory(out, X)


def test_names_of_other_bands():
    X = images(n_bands=3)
    selector = BandSelector("agriculture", band_names=(5, 2, 6)).fit(X)
    assert_array_equal(selector.transform(X), X[:, [2, 0, 1]])
    selector = BandSelector(("nir", 2), band_names=("nir", 2, "ndvi")).fit(X)
    assert_array_equal(selector.transform(X), X[:, [0, 1]])
    assert selector.bands_ == ["nir", "B2"]
    names = selector.get_feature_names_out(["a", "b", "c"])
    assert names.tolist() == ["a", "b"]
    assert all(type(name) is str for name in selector.bands_)
    for wrong in (["a", "b"], "abc", 5, {"a", "b", "c"}, [["a", "b", "c"]], b"abc"):
        with pytest.raises(ValueError, match="must have 3 names, got "):
            selector.get_feature_names_out(wrong)


def test_names_of_numpy_are_names():
    selector = BandSelector(band_names=np.array(["red", "nir"])).fit(images(n_bands=2))
    assert [type(name) for name in selector.bands_] == [str, str]


def test_bands_that_do_not_exist():
    with pytest.raises(
        ValueError,
        match="bands='agriculture' are B6, B5, B2, and B6, B5 do not exist; .* B4",
    ):
        BandSelector("agriculture").fit(images(n_bands=4))
    for wrong in ({1: 2}, b"B1", {"B1", "B2"}, 1.5):
        with pytest.raises(ValueError, match="bands must hold bands that exist"):
            BandSelector(wrong).fit(images())
    with pytest.raises(ValueError, match="got 2; there are nir, ndvi"):
        BandSelector(2, band_names=("nir", "ndvi")).fit(images(n_bands=2))


@pytest.mark.parametrize(
    "names",
    [(1, 2), (1, 2, 2), (1, 2, None), (1, 2, 3, 4), "abc ", 5, 1.5, True, b"abc"]
    + [{"a", "b", "c"}, {"a": 1, "b": 2, "c": 3}],
    # Sets of text print differently in each process.
    ids=lambda names: "a set" if isinstance(names, set) else repr(names),
)
def test_band_names_that_do_not_fit(names):
    with pytest.raises(ValueError, match=r"name each of the 3 bands of X, .*got "):
        BandSelector(band_names=names).fit(images(n_bands=3))


# --- BandScaler ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.int16, np.float32, np.float64])
def test_moments_are_those_of_all_pixels(dtype, monkeypatch):
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 10 * 6 * 5)
    X = images(dtype)
    scaler = BandScaler().fit(X)
    pixels = X.astype(np.float64).transpose(1, 0, 2, 3).reshape(10, -1)
    assert_allclose(scaler.mean_, pixels.mean(1), rtol=1e-12)
    assert_allclose(scaler.scale_, np.sqrt(pixels.var(1)), rtol=1e-12)
    out = scaler.transform(X)
    assert out.dtype == (np.float64 if dtype == np.float64 else np.float32)
    expected = (pixels - pixels.mean(1, keepdims=True)) / pixels.std(1, keepdims=True)
    flat = out.transpose(1, 0, 2, 3).reshape(10, -1)
    assert_allclose(flat, expected, rtol=1e-5, atol=1e-6)


def test_a_small_spread_far_from_zero_is_seen():
    X = images(np.float64)
    near = BandScaler().fit(X)
    far = BandScaler().fit(X + 1e9)
    assert_allclose(far.scale_, near.scale_, rtol=1e-6)
    # Sums of squares would have lost it all.
    assert_allclose(far.mean_ - 1e9, near.mean_, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 1e6 / 3])
def test_a_band_that_does_not_vary(value):
    X = images(np.float64)
    X[:, 4] = value
    scaler = BandScaler().fit(X)
    assert scaler.scale_[4] == 1
    assert_allclose(scaler.transform(X)[:, 4], 0, atol=1e-9)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_options(with_mean, with_std):
    X = images(np.float64)
    scaler = BandScaler(with_mean=with_mean, with_std=with_std).fit(X)
    mean, std = X.mean((0, 2, 3)), X.std((0, 2, 3))
    out = scaler.transform(X)
    expected_mean = (mean if not with_mean else 0 * mean) / (std if with_std else 1)
    assert_allclose(out.mean((0, 2, 3)), expected_mean, atol=1e-10)
    assert_allclose(out.std((0, 2, 3)), 1 if with_std else std, rtol=1e-10)
    with pytest.raises(ValueError, match="with_mean"):
        BandScaler(with_mean="yes").fit(X)


@pytest.mark.parametrize(
    "size", [1e-310, 1e-200, 1e-170, 1e-130, 1e130, 1e155, 1e170, 1e300, 1.79e308]
)
@pytest.mark.parametrize("offset", [0, 0.25])
def test_huge_and_tiny_values_are_scaled_like_others(size, offset, monkeypatch):
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 3 * 6 * 5)
    unit = np.random.RandomState(0).uniform(-1, 1, (N, 3, 6, 5)) / (1 + 2 * offset)
    unit[:, 1] += offset
    X = unit.copy()
    X[:, 1:] *= size  # next to a band of ordinary size
    scaler, plain = BandScaler().fit(X), BandScaler().fit(unit)
    # The digits of subnormal numbers are few.
    rtol = 1e-2 if size < 1e-300 else 1e-12
    sizes = np.array([1, size, size])
    assert_allclose(scaler.scale_ / sizes, plain.scale_, rtol=rtol)
    assert_allclose(scaler.mean_ / sizes, plain.mean_, rtol=rtol, atol=1e-12)
    out = scaler.transform(X)
    assert_allclose(out, plain.transform(unit), rtol=rtol, atol=rtol)
    assert_allclose(scaler.inverse_transform(out), X, rtol=rtol, atol=rtol * size)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_way_back(dtype, with_mean, with_std):
    X = images(dtype)
    X[:, 4] = 7
    scaler = BandScaler(with_mean=with_mean, with_std=with_std).fit(X)
    back = scaler.inverse_transform(scaler.transform(X))
    assert back.dtype == (np.float64 if dtype == np.float64 else np.float32)
    assert_allclose(back, X, atol=1e-12 if dtype == np.float64 else 1e-4)
    if dtype == np.uint8:
        assert_array_equal(np.rint(back).astype(np.uint8), X)
    # Band by band, as StandardScaler has it.
    own = StandardScaler(with_mean=with_mean, with_std=with_std)
    flat = X[:, 2].reshape(-1, 1).astype(np.float64)
    own.fit(flat)
    values = np.linspace(-2, 2, N * 30).reshape(-1, 1)
    asked = np.zeros(X.shape)
    asked[:, 2] = values.reshape(N, 6, 5)
    expected = own.inverse_transform(values).reshape(N, 6, 5)
    assert_allclose(scaler.inverse_transform(asked)[:, 2], expected, rtol=1e-10)


def test_the_way_back_refuses_what_transform_refuses():
    scaler = BandScaler().fit(images())
    with pytest.raises(ValueError, match="features"):
        scaler.inverse_transform(np.zeros((2, 3, 6, 5)))
    with pytest.raises(ValueError, match="X holds missing values"):
        scaler.inverse_transform(np.full((2, 10, 6, 5), np.nan))
    with pytest.raises(NotFittedError):
        BandScaler().inverse_transform(images())


def test_pixels_too_far_from_those_of_fit():
    scaler = BandScaler().fit(1e-30 * images(np.float32))
    with pytest.raises(ValueError, match="numbers beyond float32.*unit of X"):
        scaler.transform(np.full((2, 10, 6, 5), 1e20, np.float32))
    assert np.isfinite(scaler.transform(np.full((2, 10, 6, 5), 1e20))).all()
    with pytest.raises(ValueError, match="numbers beyond float32"):
        BandScaler().fit(1e30 * images(np.float32)).inverse_transform(
            np.full((2, 10, 6, 5), 1e20, np.float32)
        )


def test_missing_and_infinite_pixels():
    X = images(np.float32)
    scaler = BandScaler().fit(X)
    X[3, 2, 1, 0] = np.nan
    for call in (scaler.transform, scaler.fit):
        with pytest.raises(ValueError, match=r"X holds missing values .*: 1\."):
            call(X)
    X[3, 2, 1, 0] = np.inf
    with pytest.raises(ValueError, match=r"X holds infinite values: 1\."):
        scaler.fit(X)


# --- In pipelines and searches -------------------------------------------------------


def small_net():
    return NetClassifier(
        "conv",
        module__n_filters=(4,),
        module__n_hidden=8,
        max_epochs=2,
        batch_size=16,
        random_state=0,
        device="cpu",
    )


@pytest.fixture(scope="module")
def tiles():
    return make_satellite_tiles(80, size=12, random_state=0)


def test_a_search_chooses_bands(tiles, tmp_path):
    X, y = mapped(tmp_path, tiles.data), tiles.target
    pipeline = make_pipeline(BandSelector(), BandScaler(), small_net())
    grid = {"bandselector__bands": ["natural", (1, 7)]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="balanced_accuracy")
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    assert best[0].bands == search.best_params_["bandselector__bands"]
    assert best[1].n_features_in_ == len(best[0].bands_)
    again = pickle.loads(pickle.dumps(search))
    assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    # What the search does is what one does by hand.
    scores = []
    for bands in grid["bandselector__bands"]:
        pipeline = make_pipeline(BandSelector(bands), BandScaler(), small_net())
        scores.append(
            cross_val_score(pipeline, X, y, cv=2, scoring="balanced_accuracy").mean()
        )
    assert_allclose(search.cv_results_["mean_test_score"], scores)


def test_bands_of_the_reader_are_those_of_the_selector(tiles):
    X, y = tiles.data, tiles.target
    chosen = make_satellite_tiles(80, size=12, bands="agriculture", random_state=0)
    piped = make_pipeline(BandSelector("agriculture"), small_net()).fit(X, y)
    alone = small_net().fit(chosen.data, y)
    assert_array_equal(piped.predict_proba(X), alone.predict_proba(chosen.data))


def test_bytes_and_floats_score_alike(tiles):
    X, y = tiles.data, tiles.target
    scores = cross_val_score(small_net(), X, y, cv=2)
    assert_array_equal(
        scores, cross_val_score(small_net(), X.astype(np.float32), y, cv=2)
    )
