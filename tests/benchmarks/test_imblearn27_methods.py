import numpy as np
import pytest
from sklearn.datasets import make_classification

from imbdeep import classifiers, over_sampling
from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier
from imbdeep_bench.imblearn27.methods import METHODS, NET_SETTINGS
from imbdeep_bench.report.styles import method_styles

NETS = [m for m in METHODS.values() if m.make.__qualname__.startswith("_net.")]
MADE_BY = "_generated."
GENERATED = [m for m in METHODS.values() if m.make.__qualname__.startswith(MADE_BY)]
MEMBERS = [m for m in METHODS.values() if m.group == "members"]
PEERS = [m for m in METHODS.values() if m.group == "peers"]
GROUPED = MEMBERS + PEERS
BASELINES = [m for m in METHODS.values() if m not in NETS + GENERATED + GROUPED]
SAMPLERS = {
    "latent_smote": "LatentSMOTE",
    "gl_gan": "GLGAN",
    "conditional_gan": "ConditionalGAN",
    "conditional_wgan": "ConditionalWGAN",
}


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(240, weights=[0.8], random_state=0)
    return X, 2 * y - 1


def few_epochs(model):
    """A learner behind a sampler that trains a net, to be trained for two epochs."""
    limits = ("__max_epochs", "__pretrain_epochs")
    params = {name: 2 for name in model.get_params() if name.endswith(limits)}
    if "metaaugment__estimator" in model.get_params():
        net = MetaAugmentClassifier(max_epochs=2, pretrain_epochs=2)
        params["metaaugment__estimator"] = net
    return model.set_params(**params)


def test_every_method_has_its_kind_and_says_what_it_is():
    assert sum(map(len, (BASELINES, NETS, GENERATED, GROUPED))) == len(METHODS)
    for name, method in METHODS.items():
        assert method.name == name
        assert method.title


@pytest.mark.slow
@pytest.mark.parametrize("method", BASELINES, ids=lambda m: m.name)
def test_seed_decides_a_baseline(method, data):
    X, y = data
    one, same, other = (
        few_epochs(method.make(seed, "cpu")).fit(X[::2], y[::2]).predict_proba(X[1::2])
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


BALANCED = {"iterator_train": "balanced", "iterator_train__balance": "expected"}
OPTIONS = {
    "net": ("NetClassifier", {}),
    "net_weighted": ("NetClassifier", {"class_weight": "balanced"}),
    "net_ros": ("NetClassifier", BALANCED),
    "net_smote": ("NetClassifier", {"iterator_train": "smote"}),
    "mixup": ("ReMixClassifier", {"mix": "mixup"}),
    "remix": ("ReMixClassifier", {"balance": "data"}),
    "remix_batch": ("ReMixClassifier", {"balance": "batch"}),
    "remix_alpha_0.1": ("ReMixClassifier", {"alpha": 0.1}),
    "remix_batch_alpha_0.1": ("ReMixClassifier", {"balance": "batch", "alpha": 0.1}),
    "focal": ("NetClassifier", {"criterion": "focal"}),
    "ldam_drw": ("LDAMClassifier", {}),
    "meta_augment": ("MetaAugmentClassifier", {}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_net_differs_from_the_default_by_its_remedy_alone(name):
    class_name, params = OPTIONS[name]
    plain = getattr(classifiers, class_name)(random_state=0, device="cpu", **params)
    made = METHODS[name].make(0, "cpu")
    assert type(made) is type(plain)
    assert made.get_params(deep=False) == plain.get_params(deep=False)


REMEDIES = {
    "mlp_members": ("NetClassifier", {}),
    "tabm_members": ("NetClassifier", {"module": "tabm"}),
    "remix_members": ("ReMixClassifier", {}),
    "ldam_members": ("LDAMClassifier", {}),
    "focal_members": ("NetClassifier", {"criterion": "focal"}),
    "balanced_members": ("NetClassifier", {"iterator_train": "balanced"}),
    "under_sampled_members": (
        "NetClassifier",
        {"iterator_train": "balanced", "member_sampling": "auto"},
    ),
}


def test_members_differ_by_their_remedy_alone():
    names = ["imbalanced", "net_members", *REMEDIES]
    assert [method.name for method in MEMBERS] == names
    plain = METHODS["mlp_members"].make(3, "cpu")
    assert plain.member_holdout == "folds"
    defaults = NetClassifier().get_params(deep=False)
    chosen = {
        name: value
        for name, value in plain.get_params(deep=False).items()
        if defaults.get(name, value is None) != value
    }
    for name, (class_name, params) in REMEDIES.items():
        made = METHODS[name].make(3, "cpu")
        expected = getattr(classifiers, class_name)(**chosen | params)
        assert type(made) is type(expected)
        assert made.get_params(deep=False) == expected.get_params(deep=False)
        assert METHODS[name].kind == "held_out"


AT_DEFAULTS = {
    "imbalanced": "ImbalancedClassifier",
    "net_members": "NetEnsembleClassifier",
}


@pytest.mark.parametrize("name", AT_DEFAULTS)
def test_members_are_at_their_defaults(name):
    made = METHODS[name].make(3, "cpu")
    expected = getattr(classifiers, AT_DEFAULTS[name])(random_state=3, device="cpu")
    assert type(made) is type(expected)
    assert made.get_params(deep=False) == expected.get_params(deep=False)
    assert METHODS[name].kind == "held_out"


def test_peers_are_told_seed_device_and_one_thread(data, fake_peers):
    X, y = data
    told = {}
    for method in PEERS:
        assert method.kind == "refitted"
        if method.needs:
            model = method.make(11, "cpu").fit(X, y)
            told[method.name] = getattr(model, "model_", model).told
    assert told["catboost"]["random_seed"] == 11
    assert told["catboost"]["thread_count"] == 1
    assert told["lightgbm"] == {"random_state": 11, "n_jobs": 1, "verbose": -1}
    for name in ("realmlp", "tabm_d"):
        assert told[name] == {"random_state": 11, "device": "cpu", "n_threads": 1}


def test_voting_is_the_plain_net_and_boosting():
    (_, net), (_, boosting) = METHODS["voting"].make(11, "cpu").estimators
    for made, name in ((net, "net"), (boosting, "hist_gb")):
        alone = METHODS[name].make(11, "cpu")
        assert type(made) is type(alone)
        assert made.get_params(deep=False) == alone.get_params(deep=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
@pytest.mark.parametrize("method", PEERS, ids=lambda m: m.name)
def test_a_peer_gives_the_same_twice(method, data):
    if method.needs:
        pytest.importorskip(method.needs)
    X, y = (part[:80] for part in data)
    one, same = (
        method.make(2**32 - 1, "cpu").fit(X[::2], y[::2]).predict_proba(X[1::2])
        for _ in range(2)
    )
    np.testing.assert_allclose(one.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(one, same)


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


def test_generative_samplers_stand_before_the_net_and_boosting():
    assert {method.name for method in GENERATED} == {
        f"{learner}_{sampler}" for sampler in SAMPLERS for learner in ("net", "hist_gb")
    }
    for method in GENERATED:
        is_net = method.name.startswith("net_")
        assert method.kind == ("stopped" if is_net else "refitted")


@pytest.mark.parametrize("learner", ["net", "hist_gb"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_generative_sampler_is_at_its_defaults(name, learner):
    sampler, behind = METHODS[f"{learner}_{name}"].make(11, "cpu")
    expected = getattr(over_sampling, SAMPLERS[name])(random_state=11, device="cpu")
    assert type(sampler) is type(expected)
    assert sampler.get_params() == expected.get_params()
    # The same learner as without a sampler, at the same settings.
    alone = METHODS[learner].make(11, "cpu")
    assert type(behind) is type(alone)
    assert behind.get_params(deep=False) == alone.get_params(deep=False)


@pytest.mark.slow
@pytest.mark.parametrize("method", GENERATED, ids=lambda m: m.name)
def test_seed_decides_a_learner_behind_a_generative_sampler(method, data):
    X, y = data
    stopped_by = {"eval_set": (X[1::4], y[1::4])} if method.kind == "stopped" else {}
    one, same, other = (
        few_epochs(method.make(seed, "cpu"))
        .fit(X[::2], y[::2], **stopped_by)
        .predict_proba(X[3::4])
        for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(one.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_net_behind_a_sampler_is_stopped_by_real_rows(data, monkeypatch):
    X, y = data
    seen = {}

    def fit(self, X, y, sample_weight=None, eval_set=None):
        seen.update(X=X, y=y, eval_set=eval_set)
        return self

    monkeypatch.setattr(NetClassifier, "fit", fit)
    model = few_epochs(METHODS["net_latent_smote"].make(0, "cpu"))
    valid = X[1::4], y[1::4]
    model.fit(X[::2], y[::2], eval_set=valid)
    # All training rows as they were, then rows that balance them.
    np.testing.assert_array_equal(seen["X"][:120], X[::2])
    assert (seen["y"] == -1).sum() == (seen["y"] == 1).sum() == (y[::2] == -1).sum()
    assert all(
        given is kept for given, kept in zip(valid, seen["eval_set"], strict=True)
    )


def test_no_two_methods_look_alike_in_a_picture():
    styles = method_styles(METHODS).values()
    assert len({(s.color, s.linestyle) for s in styles}) == len(METHODS)
    assert len({(s.color, s.marker) for s in styles}) == len(METHODS)


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
