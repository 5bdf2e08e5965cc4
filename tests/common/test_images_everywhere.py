"""Images go where tables go: folds, pipelines, meta-estimators, pickles."""

import functools
import pickle
import re
import warnings

import numpy as np
import pytest
import torch
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.preprocessing import FunctionTransformer

from imbdeep import ImbalancedClassifier
from imbdeep.calibration import PriorCorrectedClassifier
from imbdeep.classifiers import (
    AdversarialClassifier,
    AugMixClassifier,
    CrowdLayerClassifier,
    DeepAugmentClassifier,
    InferThenFit,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    NetEnsembleClassifier,
    ReMixClassifier,
)
from imbdeep.over_sampling import DCGANSampler, LatentSMOTE, ReMix
from imbdeep.preprocessing import BandScaler, BandSelector

N, SHAPE = 60, (3, 8, 8)
Y = (np.arange(N) % 4 == 0).astype(int)
SMALL = {
    "module": "conv",
    "module__n_filters": (4,),
    "module__n_hidden": 8,
    "max_epochs": 2,
    "batch_size": 16,
    "lr": 1e-2,
    "random_state": 0,
    "device": "cpu",
}
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)
NET = NetClassifier(**SMALL)
BALANCED = NetClassifier(iterator_train="balanced", augment="flips", **SMALL)
NETS = {
    "net": NET,
    "balanced": BALANCED,
    "ldam": LDAMClassifier(**SMALL),
    "remix": ReMixClassifier(augment="standard", **SMALL),
    "meta-augment": MetaAugmentClassifier(pretrain_epochs=1, **SMALL),
    "adversarial": AdversarialClassifier(eps=2.0, attack_steps=1, **SMALL),
    "augmix": AugMixClassifier(width=1, depth=1, **SMALL),
    "deep-augment": DeepAugmentClassifier(
        augmix=False, autoencoder_epochs=1, noise_share=0.1, **SMALL
    ),
    "members-holdout": NetClassifier(n_members=3, member_holdout="folds", **SMALL),
}
SAMPLERS = {
    "remix": ReMix(random_state=0),
    "latent-smote": LatentSMOTE(max_epochs=1, random_state=0),
    "dcgan": DCGANSampler(n_filters=2, max_epochs=1, min_diversity=0, random_state=0),
}


SLOW = {"ldam", "meta-augment", "adversarial", "latent-smote"}


def by_turns(names):
    """Of those that read and return images in one way the first is tried by default."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in names
    ]


nets = pytest.mark.parametrize("name", by_turns(NETS))
samplers = pytest.mark.parametrize("name", by_turns(SAMPLERS))


def images():
    """Bytes; rare images are brighter in the second band."""
    X = np.random.RandomState(0).randint(0, 120, (N, *SHAPE)).astype(np.uint8)
    X[Y == 1, 1] += 100
    return X


X = images()


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def piped(net=NET, sampler=None):
    steps = [BandSelector((2, 1)), BandScaler()]
    return make_pipeline(*steps, *([] if sampler is None else [sampler]), net)


# --- Folds ---------------------------------------------------------------------------


@nets
def test_folds_of_a_mapped_file_are_those_by_hand(name, mapped):
    proba = cross_val_predict(NETS[name], mapped, Y, cv=FOLDS, method="predict_proba")
    for train, test in FOLDS.split(X, Y):
        expected = clone(NETS[name]).fit(X[train], Y[train]).predict_proba(X[test])
        assert_array_equal(proba[test], expected)


@samplers
def test_a_sampler_sees_the_images_of_its_fold_alone(name):
    model = piped(sampler=SAMPLERS[name])
    proba = cross_val_predict(model, X, Y, cv=FOLDS, method="predict_proba")
    for train, test in FOLDS.split(X, Y):
        chosen = X[:, [1, 0]].astype(np.float64)
        axes = (0, 2, 3)
        mean = chosen[train].mean(axes, keepdims=True)
        scaled = (chosen - mean) / chosen[train].std(axes, keepdims=True)
        scaled = scaled.astype(np.float32)
        sampler = clone(SAMPLERS[name])
        grown, labels = sampler.fit_resample(scaled[train], Y[train])
        assert len(grown) == 2 * (Y[train] == 0).sum()
        expected = clone(NET).fit(grown, labels).predict_proba(scaled[test])
        np.testing.assert_allclose(proba[test], expected, atol=1e-4)


def test_tiles_of_a_field_are_held_out_together():
    net = NetClassifier(n_members=3, member_holdout="folds", augment="flips", **SMALL)
    fields = np.arange(N) // 3
    net.fit(X, Y, groups=fields)
    for field in np.unique(fields):
        rows = net.held_out_[fields == field]
        assert (rows == rows[0]).all()
    held = net.held_out_.any(1)
    assert np.isfinite(net.oof_proba_[held]).all()
    assert held.any()


@pytest.mark.parametrize("seed", range(3))
def test_members_rank_the_tiles_that_they_held_out(seed):
    settings = SMALL | {"max_epochs": 8, "random_state": seed}
    net = NetClassifier(
        n_members=3, member_holdout="folds", iterator_train="remix", augment="flips",
        **settings,
    ).fit(X / np.float32(255), Y)  # fmt: skip
    held = net.held_out_.any(1)
    assert average_precision_score(Y[held], net.oof_proba_[held, 1]) > 0.9


# --- Meta-estimators -----------------------------------------------------------------


def to_images(X):
    return X.reshape(-1, *SHAPE)


METAS = {
    "calibrated": functools.partial(CalibratedClassifierCV, cv=FOLDS),
    "calibrated whole": functools.partial(
        CalibratedClassifierCV, cv=FOLDS, method="isotonic", ensemble=False
    ),
    "tuned threshold": functools.partial(
        TunedThresholdClassifierCV, cv=FOLDS, scoring="f1", thresholds=10
    ),
    "fixed threshold": functools.partial(FixedThresholdClassifier, threshold=0.2),
    "voting": lambda net: VotingClassifier([("a", net), ("b", net)], voting="soft"),
    "stacking": lambda net: StackingClassifier([("a", net)], cv=FOLDS),
    "prior": PriorCorrectedClassifier,
}


@pytest.mark.parametrize("name", METAS)
def test_a_meta_estimator_of_images_is_that_of_their_pixels(name):
    model = piped(BALANCED)
    on_images = METAS[name](model).fit(X, Y)
    # Tables, for all that the meta-estimator knows.
    flat = make_pipeline(FunctionTransformer(to_images), model)
    rows = X.reshape(N, -1)
    on_rows = METAS[name](flat).fit(rows, Y)
    assert_array_equal(on_images.predict(X), on_rows.predict(rows))
    proba = on_images.predict_proba(X)
    assert_array_equal(proba, on_rows.predict_proba(rows))
    assert proba.std(0).min() > 0


@samplers
def test_probabilities_are_moved_back_to_the_shares_before_a_sampler(name):
    pipeline = piped(sampler=SAMPLERS[name])
    model = PriorCorrectedClassifier(pipeline).fit(X, Y)
    balanced = clone(pipeline).fit(X, Y).predict_proba(X)
    # The classes had the same size.
    moved = balanced * np.bincount(Y) / N
    moved /= moved.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), moved, rtol=1e-5)


def test_annotated_images():
    votes = np.stack([Y, Y, 1 - Y], axis=1)
    inferred = InferThenFit(estimator=piped()).fit(X, votes)
    assert_array_equal(inferred.predict_proba(X), piped().fit(X, Y).predict_proba(X))
    layered = CrowdLayerClassifier(**SMALL).fit(X, votes)
    assert layered.predict_proba(X).shape == (N, 2)


# --- Copies --------------------------------------------------------------------------


@samplers
def test_pickles_and_clones_of_a_pipeline(name):
    model = piped(BALANCED, SAMPLERS[name]).fit(X, Y)
    proba = model.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), proba)
    assert_array_equal(clone(model).fit(X, Y).predict_proba(X), proba)


# --- What takes no images ------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [ImbalancedClassifier(), ImbalancedClassifier([("net", NET)])]
    + [NetEnsembleClassifier(), *map(NetClassifier, ["mlp", "nca", "tabm"])],
    ids=["blend", "blend of nets", "ensemble", "mlp", "nca", "tabm"],
)
@pytest.mark.parametrize("as_lists", [False, True])
def test_what_takes_tables_names_what_takes_images(model, as_lists):
    match = (
        rf"{type(model).__name__} takes tables here, but X has 4 dimensions: "
        r"\(60, 3, 8, 8\).*\(n, bands, height, width\).*NetClassifier\(module='conv'\)"
        r".*X\.reshape\(len\(X\), -1\)"
    )
    with pytest.raises(ValueError, match=match):
        model.fit(X.tolist() if as_lists else X, Y)


def test_what_takes_no_tables_does_not_ask_for_flat_images():
    with pytest.raises(ValueError, match=r"AugMixClassifier\(module='conv'\)\.$"):
        AugMixClassifier("mlp").fit(X, Y)


@pytest.mark.parametrize(
    "rows", [X.reshape(N, -1), X[:, 0], X[:, None]], ids=["flat", "no bands", "volumes"]
)
def test_what_takes_images_says_how_to_make_them(rows):
    shape = str(rows.shape).replace("(", r"\(").replace(")", r"\)")
    match = rf"module='conv' takes images of shape .*, got X of shape {shape}\."
    net = clone(NET).fit(X, Y)
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match=match):
        net.fit(rows, Y)
    assert_array_equal(net.predict_proba(X), before)


def refused_by_all(rows, match):
    """Nets, fitted or not, samplers and transformers refuse images."""
    with pytest.raises(ValueError, match=match):
        clone(NET).fit(rows, Y)
    with pytest.raises(ValueError, match=match):
        clone(NET).fit(X, Y).predict(rows)
    for sampler in SAMPLERS.values():
        with pytest.raises(ValueError, match=match):
            clone(sampler).fit_resample(rows, Y)
    with pytest.raises(ValueError, match=match):
        BandScaler().fit(rows)


@pytest.mark.parametrize("as_lists", [False, True])
def test_images_of_different_shapes(as_lists):
    rows = [*X[:-1], X[-1, :, :4]]
    rows = [row.tolist() for row in rows] if as_lists else rows
    match = r"different shapes, such as \(3, 4, 8\) and \(3, 8, 8\)\. Crop, pad"
    refused_by_all(rows, match)


@pytest.mark.parametrize(
    ("value", "match"), [(np.nan, "missing values"), (-np.inf, "infinite values")]
)
def test_numbers_that_are_none(value, match):
    rows = X.astype(np.float32)
    rows[4, 0, 2, 1] = value
    refused_by_all(rows, rf"X holds {match}.*: 1\..*images\.")


def test_masked_pixels_are_missing():
    masked = np.ma.masked_array(X, np.zeros(X.shape, bool))
    # A mask of nothing makes no difference.
    assert_array_equal(BandScaler().fit(masked).mean_, BandScaler().fit(X).mean_)
    proba = clone(NET).fit(X, Y).predict_proba(X)
    assert_array_equal(clone(NET).fit(masked, Y).predict_proba(masked), proba)
    masked[4, 0, 2, 1] = np.ma.masked
    match = r"missing values .*: 1\.|masked in 1 pixels.*X\.filled\(0\)"
    refused_by_all(masked, match)
    with pytest.raises(ValueError, match=match):
        BandSelector().fit(masked)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_images_of_nothing(axis):
    nothing = np.delete(X, range(X.shape[axis]), axis)
    match = r"The images of X have shape \(.*0.*\): there is nothing in them"
    refused_by_all(nothing, match + r"|trained on images of shape \(n, 3, 8, 8\)")


UNLIKE_TRAINING = {
    "one": (lambda X: X[0], "X[None]"),
    "bands last": (lambda X: np.moveaxis(X, 1, -1), "np.moveaxis(X, -1, 1)"),
    "one, bands last": (
        lambda X: np.moveaxis(X[0], 0, -1),
        "np.moveaxis(X, -1, 0)[None]",
    ),
    "flat": (lambda X: X.reshape(N, -1), "X.reshape(-1, 3, 8, 8)"),
    "fewer bands": (lambda X: X[:, :2], "Choose the bands"),
    "five axes": (lambda X: X[None], "Choose the bands"),
}


@pytest.mark.parametrize("case", UNLIKE_TRAINING)
def test_images_unlike_those_of_training(case):
    change, remedy = UNLIKE_TRAINING[case]
    net = clone(NET).fit(X, Y)
    rows = change(X)
    message = (
        f"X has shape {rows.shape}, and NetClassifier was trained on images of shape "
        "(n, 3, 8, 8)."
    )
    calls = [net.predict, net.predict_proba, net.predict_log_proba]
    calls.append(lambda rows: net.partial_fit(rows, Y[: len(rows)]))
    for call in calls:
        for given in (rows, rows.tolist(), torch.tensor(rows)):
            with pytest.raises(ValueError, match=re.escape(message)) as error:
                call(given)
            assert remedy in str(error.value)
    if "X" in remedy:
        changed = eval(remedy, {"X": rows, "np": np})
        expected = net.predict_proba(X[: len(changed)])
        assert_allclose(net.predict_proba(changed), expected, atol=1e-6)


def test_what_is_like_an_array_has_a_shape():
    class Like:
        def __init__(self, rows):
            self.rows = rows

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.rows, dtype)

    net = clone(NET).fit(Like(X), Y)
    assert_array_equal(net.predict_proba(Like(X)), net.predict_proba(X))
    with pytest.raises(ValueError, match=r"X\[None\]"):
        net.predict(Like(X[0]))


def test_grey_images_without_a_band():
    net = clone(NET).fit(X[:, :1], Y)
    with pytest.raises(ValueError, match=r"without bands one, X\[:, None\]"):
        net.predict(X[:, 0])


def test_transformers_see_bands_that_come_last():
    for one in (BandScaler(), BandSelector()):
        one.fit(X)
        with pytest.raises(ValueError, match=r"8 features.*np\.moveaxis\(X, -1, 1\)"):
            one.transform(np.moveaxis(X, 1, -1))
        with pytest.raises(ValueError, match=r"single image a first axis, X\[None\]"):
            one.transform(X[0])


@pytest.mark.parametrize("value", [1e300, -1e39, 10**60], ids=str)
def test_values_beyond_float32(value, monkeypatch):
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 192)
    rows = X.astype(object if isinstance(value, int) else np.float64)
    rows[40, 1, 2, 3] = value
    said = re.escape(f"{float(value):g} in the pixel (40, 1, 2, 3)")
    match = rf"X holds {said}.*float32.*BandScaler"
    net = clone(NET)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=match):
            net.fit(rows, Y)
        assert not net.initialized_
        with pytest.raises(ValueError, match=match):
            net.fit(X, Y, eval_set=(rows, Y))
        with pytest.raises(ValueError, match=match):
            clone(NET).fit(X, Y).predict(rows)


def test_values_that_float32_takes_for_zero():
    with pytest.raises(ValueError, match=r"largest pixel of X is .*e-4.*BandScaler"):
        clone(NET).fit(X / X.max() * 1e-42, Y)
    # Some may vanish, and all may be 0.
    small = np.where(X.mean() < X, X, 1e-42)
    assert clone(NET).fit(small, Y).predict(0.0 * X[:2]).shape == (2,)


@samplers
def test_rows_of_lists_are_of_one_kind(name):
    def made(rows):
        return clone(SAMPLERS[name]).fit_resample(rows, Y)[0]

    expected = made(X)
    for kind, rows in {
        np.ndarray: list(X),
        torch.Tensor: [torch.tensor(x) for x in X],
        list: X.tolist(),
        tuple: [tuple(x.tolist()) for x in X],
    }.items():
        out = made(rows)
        assert isinstance(out, list)
        assert {*map(type, out)} == {kind}
        assert_array_equal(np.stack([np.asarray(row) for row in out[:N]]), X)
        assert len(out) == len(expected)
        if kind is np.ndarray:
            assert_array_equal(np.stack(out), expected)
            assert {row.dtype for row in out} == {expected.dtype}
            assert not any(map(np.shares_memory, out, rows))
    mixed = [*X[:3], *X[3:].tolist()]
    assert {*map(type, made(mixed))} == {list}


def test_lists_are_copied_to_the_last_pixel():
    rows = X.tolist()
    out = ReMix(random_state=0).fit_resample(rows, Y)[0]
    out[0][0][0][0] = -1
    assert rows[0][0][0][0] == X[0, 0, 0, 0]


def test_weights_and_a_sampler_before_the_net():
    weight = np.ones(N) + Y
    model = piped(sampler=ReMix(random_state=0))
    match = r"has 60 weights, and X has 90 rows\. A sampler .*class_weight"
    with pytest.raises(ValueError, match=match):
        model.fit(X, Y, netclassifier__sample_weight=weight)
    for sampler in SAMPLERS.values():
        with pytest.raises(TypeError, match=r"'sample_weight'\. Rows that it makes"):
            clone(sampler).fit_resample(X, Y, sample_weight=weight)


STRATEGIES = [
    {1: 20.5},
    {True: 20.5},
    {1: np.nan},
    {1: np.inf},
    {1: 1e30},
    lambda y: {1: 50.5},
]


@pytest.mark.parametrize("name", SAMPLERS)
def test_numbers_of_images_are_whole(name, monkeypatch):
    sampler = clone(SAMPLERS[name])
    assert len(sampler.set_params(sampling_strategy={1: 20.0}).fit_resample(X, Y)[0])
    monkeypatch.setattr(type(sampler), "_fit_resample", None)
    for strategy in STRATEGIES:
        sampler.set_params(sampling_strategy=strategy)
        with pytest.raises(ValueError, match="sampling_strategy=.* no whole number"):
            sampler.fit_resample(X, Y)


@pytest.mark.parametrize("name", ["latent-smote", "dcgan"])
def test_a_label_is_one_of_the_classes(name):
    sampler = clone(SAMPLERS[name])
    sampler.fit_resample(X, Y)
    for label in (np.array([1]), np.array([0, 1]), [1], {1: 2}, None, "1", X):
        with pytest.raises(ValueError, match=r"label must be one of \[0, 1\], got"):
            sampler.sample(2, label)
    for label in (1, True, np.int64(1), np.array(1), torch.tensor(1)):
        assert sampler.sample(2, label).shape == (2, *SHAPE)


def test_the_remedies_of_the_messages_work():
    assert clone(NET).fit(X[:, 0][:, None], Y).predict(X[:, :1]).shape == (N,)
    flat = X.reshape(len(X), -1)
    assert clone(NET).fit(flat.reshape(-1, *SHAPE), Y).predict(X).shape == (N,)
    table = NetClassifier(max_epochs=1, random_state=0).fit(flat, Y)
    assert table.n_features_in_ == 192
