"""Images go where tables go: folds, pipelines, meta-estimators, pickles."""

import functools
import pickle

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_array_equal
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


def test_the_remedies_of_the_messages_work():
    assert clone(NET).fit(X[:, 0][:, None], Y).predict(X[:, :1]).shape == (N,)
    flat = X.reshape(len(X), -1)
    assert clone(NET).fit(flat.reshape(-1, *SHAPE), Y).predict(X).shape == (N,)
    table = NetClassifier(max_epochs=1, random_state=0).fit(flat, Y)
    assert table.n_features_in_ == 192
