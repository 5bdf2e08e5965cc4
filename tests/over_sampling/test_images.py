"""Which samplers take images, and how images are under-sampled before."""

from collections import Counter

import numpy as np
import pytest
from imblearn import FunctionSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from imbdeep.classifiers import NetClassifier
from imbdeep.over_sampling import (
    GLGAN,
    ConditionalGAN,
    ConditionalWGAN,
    DCGANSampler,
    LatentSMOTE,
    MetaAugment,
    ReMix,
)
from imbdeep.over_sampling._remix import mix_images

TAKE_IMAGES = {
    "dcgan": DCGANSampler(n_filters=2, max_epochs=1, min_diversity=0, random_state=0),
    "gl-gan": GLGAN(pretrain_epochs=1, max_epochs=1, random_state=0),
    "latent-smote": LatentSMOTE(max_epochs=1, random_state=0),
    "remix": ReMix(random_state=0),
}
TAKE_TABLES = {
    "conditional-gan": ConditionalGAN(max_epochs=1, random_state=0),
    "conditional-wgan": ConditionalWGAN(max_epochs=1, random_state=0),
    "meta-augment": MetaAugment(random_state=0),
}


def images(dtype=np.uint8, shape=(3, 8, 8), counts=(12, 5, 3)):
    rng = np.random.RandomState(0)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    X = rng.uniform(10, 250, (len(y), *shape))
    return (X > 130 if dtype is bool else X.astype(dtype)), y


@pytest.mark.parametrize("name", TAKE_IMAGES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool])
@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8)], ids=str)
def test_images_come_back_as_images(name, dtype, shape):
    X, y = images(dtype, shape)
    new, labels = clone(TAKE_IMAGES[name]).fit_resample(X, y)
    assert new.shape == (36, *shape)
    assert new.dtype == dtype
    assert new[:20].tobytes() == X.tobytes()
    assert Counter(labels.tolist()) == {0: 12, 1: 12, 2: 12}
    assert new.min() >= X.min()
    assert new.max() <= X.max()


@pytest.mark.parametrize("name", TAKE_TABLES)
@pytest.mark.parametrize("method", ["fit", "fit_resample"])
def test_samplers_of_tables_name_those_of_images(name, method):
    X, y = images()
    match = (
        rf"{type(TAKE_TABLES[name]).__name__} takes tables.*4 dimensions: "
        r"\(20, 3, 8, 8\).*DCGANSampler, GLGAN, LatentSMOTE or ReMix; or flatten.*"
        r"X\.reshape\(len\(X\), -1\)"
    )
    for given in (X, X.tolist()):
        with pytest.raises(ValueError, match=match):
            getattr(clone(TAKE_TABLES[name]), method)(given, y)


@pytest.mark.parametrize("name", ["gl-gan", "remix"])
def test_images_have_no_columns(name):
    sampler = clone(TAKE_IMAGES[name]).set_params(categorical_features=[0])
    with pytest.raises(ValueError, match="categorical_features names columns.*4 dim"):
        sampler.fit_resample(*images())


# --- ReMix ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", [(3, 8, 8), (4, 5), (2, 1, 3, 4)], ids=str)
def test_remix_of_images_agrees_with_pixels_written_out(dtype, shape):
    X, y = images(dtype, shape)
    sampler = ReMix(random_state=0)
    new, labels = sampler.fit_resample(X, y)
    assert len(new) == 36
    pixels = X.reshape(20, -1).astype(float)
    for i in range(20, 36):
        (a, b), share = sampler.parents_[i], sampler.mixing_[i]
        assert y[a] == labels[i]
        for j, got in enumerate(new[i].reshape(-1).tolist()):
            expected = share * pixels[a, j] + (1 - share) * pixels[b, j]
            if np.dtype(dtype).kind in "iub":
                assert abs(got - expected) <= 0.5 + 1e-9
            else:
                assert got == pytest.approx(expected, rel=1e-6)


def test_remix_of_images_is_that_of_their_pixels_in_a_table():
    X, y = images(np.float64)
    expected = ReMix(random_state=0)
    rows, labels = expected.fit_resample(X.reshape(20, -1), y)
    sampler = ReMix(random_state=0)
    new, new_labels = sampler.fit_resample(X, y)
    assert_allclose(new.reshape(36, -1), rows)
    assert_array_equal(labels, new_labels)
    assert_array_equal(sampler.parents_, expected.parents_)
    assert_array_equal(sampler.soft_targets_, expected.soft_targets_)


def test_remix_of_images_in_parts(monkeypatch):
    X, _ = images()
    rng = np.random.RandomState(1)
    parents, mixing = rng.randint(20, size=(10, 2)), rng.uniform(size=10)
    whole = mix_images(X, parents, mixing)
    monkeypatch.setattr("imbdeep.over_sampling._remix._IMAGES_AT_ONCE", 3)
    assert_array_equal(mix_images(X, parents, mixing), whole)
    # The weight 1 is the first parent, 0 the second.
    for weight in (1, 0):
        made = mix_images(X, parents, np.full(10, float(weight)))
        assert_array_equal(made, X[parents[:, 1 - weight]])


def test_remix_of_images_with_the_largest_integers():
    X = np.array([[[2**63 - 1, 0]], [[2**63 - 1, 2]]])
    made = mix_images(X, np.array([[0, 1]]), np.array([0.5]))
    # The last digits of float64; beyond the dtype, it would be below 0.
    assert made[0, 0, 0] >= 2**63 - 1024
    assert made[0, 0, 1] == 1


def test_remix_of_images_without_columns_or_bands():
    X, y = images()
    sampler = ReMix(random_state=0).fit(X.tolist(), y)
    new, _ = sampler.fit_resample(X.tolist(), y)
    assert isinstance(new, list)
    assert_array_equal(new, ReMix(random_state=0).fit_resample(X, y)[0])


# --- Under-sampling before -----------------------------------------------------------


def under_sample_images(X, y, sampling_strategy, random_state=0):
    """RandomUnderSampler takes tables: it gets one of the positions."""
    sampler = RandomUnderSampler(
        sampling_strategy=sampling_strategy, random_state=random_state
    )
    sampler.fit_resample(np.arange(len(y))[:, None], y)
    kept = np.sort(sampler.sample_indices_)
    return X[kept], y[kept]


def fewer(n):
    return FunctionSampler(
        func=under_sample_images,
        validate=False,
        kw_args={"sampling_strategy": {0: n}},
    )


def test_the_under_sampler_of_imbalanced_learn_takes_no_images():
    with pytest.raises(ValueError, match="dim 4"):
        RandomUnderSampler().fit_resample(*images())


@pytest.mark.parametrize("name", TAKE_IMAGES)
def test_images_are_under_sampled_before_they_grow(name):
    X, y = images()
    given = []

    def note(X, y):
        given.append((X, y))
        return X, y

    pipeline = make_pipeline(
        fewer(7), clone(TAKE_IMAGES[name]), FunctionSampler(func=note, validate=False)
    )
    pipeline.steps.append(("last", NetClassifier("conv", max_epochs=1, random_state=0)))
    pipeline.fit(X, y)
    ((new, labels),) = given
    assert Counter(labels.tolist()) == {0: 7, 1: 7, 2: 7}
    assert new.dtype == np.uint8
    kept = np.sort(
        RandomUnderSampler(sampling_strategy={0: 7}, random_state=0)
        .fit(np.arange(20)[:, None], y)
        .fit_resample(np.arange(20)[:, None], y)[0][:, 0]
    )
    assert_array_equal(new[:15], X[kept])
    assert_array_equal(labels[:15], y[kept])
    # New images are neither dropped nor made.
    assert pipeline.predict_proba(X).shape == (20, 3)


def test_folds_and_searches_of_such_a_pipeline():
    X, y = images(counts=(24, 10))
    model = make_pipeline(
        fewer(9),
        clone(TAKE_IMAGES["dcgan"]),
        NetClassifier("conv", max_epochs=1, random_state=0),
    )
    scores = cross_val_score(model, X, y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    grid = {
        "functionsampler__kw_args": [{"sampling_strategy": {0: n}} for n in (6, 9)],
        "dcgansampler__n_filters": [1, 2],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.predict(X).shape == (34,)
