import numpy as np
import pytest
from _methods import METHODS, NET_SETTINGS
from sklearn.datasets import make_classification

NETS = [m for m in METHODS.values() if m.make.__qualname__.startswith("_net.")]
BASELINES = [m for m in METHODS.values() if m not in NETS]


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(240, weights=[0.8], random_state=0)
    return X, 2 * y - 1


def test_every_method_is_a_net_or_a_baseline():
    assert len(BASELINES) + len(NETS) == len(METHODS)
    for name, method in METHODS.items():
        assert method.name == name
        assert method.description


@pytest.mark.parametrize("method", BASELINES, ids=lambda m: m.name)
def test_seed_decides_a_baseline(method, data):
    X, y = data
    one, same, other = (
        method.make(seed, "cpu").fit(X[::2], y[::2]).predict_proba(X[1::2])
        for seed in (0, 0, 1)
    )
    assert one.shape == (120, 2)
    np.testing.assert_array_equal(one, same)
    # Boosting on few rows and logistic regression draw nothing at random.
    draws = "forest" in method.name or method.name.endswith(("smote", "meta_augment"))
    assert draws != np.array_equal(one, other)


@pytest.mark.parametrize("method", NETS, ids=lambda m: m.name)
def test_net_is_told_seed_device_and_common_settings(method, monkeypatch):
    monkeypatch.setitem(NET_SETTINGS, "max_epochs", 7)
    params = method.make(11, "cpu").get_params()
    assert (params["random_state"], params["device"]) == (11, "cpu")
    assert params["max_epochs"] == 7


@pytest.mark.parametrize(
    ("name", "class_name", "params"),
    [
        ("net", "NetClassifier", {}),
        ("net_weighted", "NetClassifier", {"class_weight": "balanced"}),
        ("net_ros", "NetClassifier", {"iterator_train": "balanced"}),
        ("net_smote", "NetClassifier", {"iterator_train": "smote"}),
        ("mixup", "ReMixClassifier", {"mix": "mixup"}),
        ("remix", "ReMixClassifier", {"balance": "data"}),
        ("remix_batch", "ReMixClassifier", {"balance": "batch"}),
        ("focal", "NetClassifier", {"criterion": "focal"}),
        ("ldam_drw", "LDAMClassifier", {}),
        ("meta_augment", "MetaAugmentClassifier", {}),
    ],
)
def test_net_differs_from_the_default_by_its_remedy_alone(name, class_name, params):
    from imbdeep import classifiers

    plain = getattr(classifiers, class_name)(random_state=0, device="cpu", **params)
    made = METHODS[name].make(0, "cpu")
    assert type(made) is type(plain)
    assert made.get_params(deep=False) == plain.get_params(deep=False)


@pytest.mark.parametrize("learner", ["logistic", "random_forest", "hist_gb"])
@pytest.mark.parametrize(
    ("name", "class_name"), [("smote", "SMOTE"), ("meta_augment", "MetaAugment")]
)
def test_a_learner_stands_behind_its_sampler(learner, name, class_name):
    scaler, sampler, behind = METHODS[f"{learner}_{name}"].make(11, "cpu")
    assert type(scaler).__name__ == "StandardScaler"
    assert type(sampler).__name__ == class_name
    assert sampler.random_state == behind.random_state == 11
    # The same learner as without a sampler, at the same settings.
    alone = METHODS[learner].make(11, "cpu")
    alone = getattr(alone, "steps", [("", alone)])[-1][1]
    assert type(behind) is type(alone)
    assert behind.get_params() == alone.get_params()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [240, 100], ids=["two batches", "less than a batch"])
@pytest.mark.parametrize("method", NETS, ids=lambda m: m.name)
def test_net_fits_with_a_validation_part(method, rows, data, monkeypatch):
    monkeypatch.setitem(NET_SETTINGS, "max_epochs", 3)
    X, y = (part[:rows] for part in data)
    net = method.make(0, "cpu")
    net.fit(X[::2], y[::2], eval_set=(X[1::4], y[1::4]))
    assert net.classes_.tolist() == [-1, 1]
    proba = net.predict_proba(X[3::4])
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
