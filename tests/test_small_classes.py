"""Classes of one row, and folds that lack a class."""

import warnings

import numpy as np
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier

from .common.estimators import CLASSIFIERS, each, is_quick
from .common.nets import GOING_ON, NETS
from .common.slow import slow_if

# Two batches an epoch: one at least has no row of a class of one row.
SHORT = {
    "max_epochs": 2,
    "pretrain_epochs": 1,
    "warmup_epochs": 1,
    "decoder_epochs": 1,
    "batch_size": 24,
}
META = {n for n in NETS if isinstance(CLASSIFIERS[n], MetaAugmentClassifier)}
WITHOUT_META = {name: net for name, net in GOING_ON.items() if name not in META}


def short(name, **params):
    model = clone(CLASSIFIERS[name])
    known = model.get_params(deep=False)
    return model.set_params(**{k: v for k, v in SHORT.items() if k in known} | params)


def table(n_tiny, n_samples=48):
    """Three classes far apart, one of them tiny and at the end."""
    y = np.repeat(["a", "b", "tiny"], [24, n_samples - 24 - n_tiny, n_tiny])
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, 4))
    return X + 4 * np.array([[0], [1], [-1]])[np.unique(y, return_inverse=True)[1]], y


# --- One row -------------------------------------------------------------------------


@pytest.mark.parametrize("name", each(WITHOUT_META))
def test_one_row_is_enough_where_no_row_is_set_aside(name):
    X, y = table(1)
    net = short(name, train_split=None, early_stopping=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Two epochs are too few for an average, which is another matter.
        warnings.filterwarnings("ignore", message="Weights are averaged over a single")
        net.fit(X, y)
    assert net.class_counts_.tolist() == [24, 23, 1]
    np.testing.assert_allclose(net.predict_proba(X).sum(1), 1)


@pytest.mark.parametrize("name", each(WITHOUT_META))
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_stratified_split_leaves_it_in_training_and_says_so(name, early_stopping):
    X, y = table(1)
    net = short(name, train_split="stratified", early_stopping=early_stopping)
    match = "Class 'tiny' has one row, which stays in training: .*eval_set.*train_split"
    with pytest.warns(UserWarning, match=match):
        net.fit(X, y)
    assert "valid_loss" in net.history[-1]
    assert np.isfinite(net.predict_proba(X)).all()


def test_several_classes_of_one_row_are_named_together():
    X, y = table(2)
    y = y.astype("U5")
    y[-1] = "other"
    with pytest.warns(
        UserWarning, match=r"Each of the classes \['other', 'tiny'\] has"
    ):
        short("net", early_stopping=True).fit(X, y)


def test_a_row_that_stays_in_training_is_learned():
    X, y = table(1)
    for seed in range(3):
        net = NetClassifier(
            max_epochs=60, lr=0.01, early_stopping=False, random_state=seed
        )
        with pytest.warns(UserWarning, match="'tiny' has one row"):
            net.fit(X, y)
        assert net.predict_proba(X[-1:])[0, 2] > 0.8


def test_a_binary_table_whose_only_rare_row_is_in_training():
    X, y = table(1)
    for seed in range(3):
        net = short("net", max_epochs=5, random_state=seed, early_stopping=True)
        with pytest.warns(UserWarning, match="one row"):
            net.fit(X, y == "tiny")
        assert np.isfinite(net.predict_proba(X)).all()


def test_validation_rows_of_the_user_need_no_warning():
    X, y = table(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short("net").fit(X[:-3], y[:-3], eval_X=X, eval_y=y)
        short("meta-augment").fit(X[:-3], y[:-3], eval_X=X, eval_y=y)


def test_two_rows_are_one_on_each_side_and_need_no_warning():
    X, y = table(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Two epochs are too few for an average, which is another matter.
        warnings.filterwarnings("ignore", message="Weights are averaged over a single")
        for name in NETS:
            short(name).fit(X, y)


@pytest.mark.parametrize("name", sorted(META))
def test_meta_augmentation_needs_a_row_on_both_sides(name):
    X, y = table(1)
    match = "'tiny' has 1 row; MetaAugmentClassifier needs at least 2 .* as eval_set"
    with pytest.raises(ValueError, match=match):
        short(name).fit(X, y)


# --- Folds and parts that lack a class -----------------------------------------------

WRAPPERS = {
    "one-vs-rest": OneVsRestClassifier,
    "one-vs-one": OneVsOneClassifier,
    "calibrated": lambda net: CalibratedClassifierCV(net, cv=2),
    "calibrated-once": lambda net: CalibratedClassifierCV(net, cv=2, ensemble=False),
    "stacked": lambda net: StackingClassifier(
        [("net", net)], LogisticRegression(), cv=2
    ),
    "voting": lambda net: VotingClassifier([("net", net)], voting="soft"),
    "balanced-bagging": lambda net: BalancedBaggingClassifier(
        net, n_estimators=2, random_state=0
    ),
}
# Of two rows in two folds, one is trained on; of four, two.
N_TINY = {name: 4 if name in META else 2 for name in CLASSIFIERS}


@pytest.mark.filterwarnings("ignore:.* has one row", "ignore:Each of the classes")
@pytest.mark.parametrize(
    ("name", "wrapper"),
    [
        slow_if(not (is_quick(name, CLASSIFIERS) and wrapper in fit_for), name, wrapper)
        for name in CLASSIFIERS
        for fit_for in [WRAPPERS if name == "net" else ("one-vs-rest", "calibrated")]
        for wrapper in WRAPPERS
    ],
)
def test_meta_estimators(name, wrapper):
    X, y = table(N_TINY[name])
    model = WRAPPERS[wrapper](short(name)).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "tiny"]
    assert set(model.predict(X)) <= set(y)
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        assert proba.shape == (48, 3)
        np.testing.assert_allclose(proba.sum(1), 1)


@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
@pytest.mark.parametrize("name", each(CLASSIFIERS))
def test_a_fold_that_lacks_a_class(name):
    # The tiny class is at the end, all of it in the last of the folds.
    X, y = table(4)
    proba = cross_val_predict(short(name), X, y, cv=KFold(3), method="predict_proba")
    assert proba.shape == (48, 3)
    np.testing.assert_allclose(proba.sum(1), 1)
    assert (proba[32:, 2] == 0).all()
    logs = cross_val_predict(short(name), X, y, cv=KFold(3), method="predict_log_proba")
    np.testing.assert_allclose(logs[:32], np.log(proba[:32]), atol=1e-9)
