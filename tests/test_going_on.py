"""Parameters set after a fit: training that goes on takes them up, or refuses them."""

import functools
import pickle
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from skorch import NeuralNet
from skorch.callbacks import EpochScoring
from skorch.dataset import Dataset, ValidSplit

from imbdeep._nets.parameters_in_use import find_changes, remember, same
from imbdeep.batches import TensorBatches
from imbdeep.callbacks import EarlyStopping
from imbdeep.classifiers import (
    AdversarialNoiseClassifier,
    CrowdLayerClassifier,
    ICEDClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    NetEnsembleClassifier,
    ReMixClassifier,
    SharedAdversarialClassifier,
    SRATClassifier,
)
from imbdeep.classifiers._deferred import BaseDeferredClassifier
from imbdeep.classifiers._robust.base import AdversarialNetClassifier
from imbdeep.crowds import DawidSkene

from .common.estimators import CLASSIFIERS

# One net of each class, short.
SHORT = {
    "max_epochs": 2,
    "batch_size": 24,
    "pretrain_epochs": 1,
    "warmup_epochs": 1,
    "decoder_epochs": 1,
}
NETS = {}
for _estimator in CLASSIFIERS.values():
    if isinstance(_estimator, NeuralNet):
        NETS.setdefault(type(_estimator), _estimator)
# Members that hold rows out do not go on, which is a case of its own.
NETS[NetEnsembleClassifier] = clone(NETS[NetEnsembleClassifier]).set_params(
    member_holdout=None
)
CROWD_NETS = (CrowdLayerClassifier, ICEDClassifier)


@functools.cache
def data(cls):
    X, y = make_classification(48, 4, weights=[0.7], flip_y=0, random_state=0)
    if issubclass(cls, CROWD_NETS):
        rng = np.random.default_rng(0)
        y = np.where(rng.random((48, 4)) < 0.2, 1 - y[:, None], y[:, None])
        y[rng.random((48, 4)) < 0.1] = -1
        y[:, 0] = np.abs(y[:, 0])
    return X, y


_FITS, _TRACES = {}, {}


def fitted(cls, base=None):
    """A pickled fit."""
    key = cls, repr(base)
    if key not in _FITS:
        net = clone(NETS[cls])
        known = net.get_params(deep=False)
        short = {name: value for name, value in SHORT.items() if name in known}
        net.set_params(**short | (base or {}))
        _FITS[key] = pickle.dumps(net.fit(*data(cls)))
    return _FITS[key]


def went_on(net, X, y, capsys=None):
    """What a training that goes on leaves behind."""
    net.partial_fit(X, y)
    times = ("dur", "event_lr")
    history = [
        {k: v for k, v in row.items() if k not in (*times, "batches")}
        for row in net.history
    ]
    callbacks = {name: (type(c), c.get_params()) for name, c in net.callbacks_}
    learned = ("X_synth_", "synth_history_", "worker_error_rates_", "box_")
    learned += ("target_prior_", "trained_prior_")
    rows = [getattr(net, name, None) for name in learned]
    printed = "" if capsys is None else capsys.readouterr().out
    return history, net.module_.state_dict(), callbacks, rows, printed != ""


def unchanged(cls, base=None):
    key = cls, repr(base)
    if key not in _TRACES:
        _TRACES[key] = went_on(pickle.loads(fitted(cls, base)), *data(cls))
    return _TRACES[key]


# --- Every parameter of every net ----------------------------------------------------


class Shifted(Dataset):
    def __init__(self, X, y=None, length=None):
        moved = {**X, "X": X["X"] + 1} if isinstance(X, dict) else X + 1
        super().__init__(moved, y, length)


class FewBatches(TensorBatches):
    def __len__(self):
        return 1

    def cut(self, order):
        yield order[: len(order) // 2]


def moved(rows, generator):
    return rows + 1


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def forward(self, X):
        return self.layer(X)


@dataclass
class Case:
    """Another legal value, and what must come of it.

    ``outcome`` is 'effect', 'refused', 'unavailable' where there is no ``partial_fit``
    then, or 'nothing' for what has no say in training;
    ``base`` are parameters of the fit with which the parameter matters.
    """

    value: object
    outcome: str = "effect"
    base: dict = field(default_factory=dict)
    at_prediction: bool = False


# As few as will do, as each is a fit of its own.
STOPS = {"train_split": "stratified", "early_stopping": True}
AVERAGES = {"weight_averaging": "swa", "average_from": 0.0}
LDAM_LOSS = {"criterion": "ldam"}
WEIGHED = {"class_weight": {0: 1, 1: 9}}
CASES = {
    "module": Case(Linear, "refused"),
    "module__hidden_sizes": Case((4,), "refused"),
    "module__n_latent": Case(4, "refused"),
    "module__dropout": Case(0.5, "refused"),
    "criterion": Case("focal"),
    "criterion__reduction": Case("sum"),
    "optimizer": Case(torch.optim.SGD),
    "optimizer__weight_decay": Case(0.5),
    "lr": Case(0.3),
    "max_epochs": Case(5),
    "batch_size": Case(40),
    "iterator_train": Case("balanced"),
    "iterator_train__generator": Case(torch.Generator().manual_seed(3)),
    "augment": Case(moved),
    "iterator_valid": Case(FewBatches, base=STOPS, at_prediction=True),
    "dataset": Case(Shifted, at_prediction=True),
    "train_split": Case(ValidSplit(3, stratified=True)),
    "validation_fraction": Case(0.4, base=STOPS),
    "early_stopping": Case(False, base=STOPS),
    "patience": Case(1, base=STOPS),
    "scoring": Case("neg_log_loss", base=STOPS),
    "numeric_encoding": Case("standard", "refused"),
    "n_bins": Case(2, "refused"),
    "n_members": Case(2, "refused"),
    "member_holdout": Case("folds", "unavailable", base={"n_members": 2}),
    "member_sampling": Case("auto", base={"n_members": 2}),
    "refit": Case(True, "refused"),
    "prior_correction": Case(True),
    "target_prior": Case([0.5, 0.5], base={"prior_correction": True}),
    "categorical_features": Case([0], "refused"),
    "class_weight": Case({0: 1, 1: 9}),
    "weight_reduction": Case("rows", base=WEIGHED),
    "callbacks": Case([("more", EpochScoring("accuracy", name="more"))], base=STOPS),
    "callbacks__print_log": Case(None),
    "callbacks__early_stopping__patience": Case(1, base=STOPS),
    "predict_nonlinearity": Case(torch.sigmoid, "nothing", at_prediction=True),
    "warm_start": Case(True, "nothing"),
    "on_interrupt": Case("stop", "nothing"),
    "verbose": Case(1),
    "device": Case("cpu", "nothing"),
    "compile": Case(True, "refused"),
    "classes": Case([0, 1, 2], "refused"),
    "use_caching": Case(False, "nothing"),
    "torch_load_kwargs": Case({"weights_only": False}, "nothing"),
    "random_state": Case(1),
    # Deferred re-weighting
    "max_margin": Case(0.1, base=LDAM_LOSS),
    "scale": Case(9.0, base=LDAM_LOSS),
    "gamma": Case(5.0, base={"criterion": "focal"}),
    "beta": Case(0.5, base={"reweight_from": 0.0}),
    "reweight_from": Case(0.3),
    "weight_normalization": Case("frequent", base={"reweight_from": 0.0}),
    "lr_schedule": Case("triangular"),
    "weight_averaging": Case("ema"),
    "average_from": Case(0.9, base=AVERAGES),
    "average_every": Case(2, base=AVERAGES),
    # Attacks
    "eps": Case(0.9),
    "eps_unit": Case("input"),
    "norm": Case("l2"),
    "attack_steps": Case(2),
    "step_size": Case(0.01),
    "random_start": Case(False),
    "perturb": Case([0]),
    "box": Case("data", base={"eps": 0.9}),
    "separation": Case(5.0),
    "temperature": Case(2.0),
    "method": Case("simultaneous"),
    "heap_size": Case(2),
    "sigma": Case(0.9),
    "label_smoothing": Case(0.3),
    "noise": Case("3x3", "refused"),
    "clean_share": Case(0.1),
    "earlier_share": Case(0.4),
    "generator_lr": Case(0.5),
    "fresh_lr": Case(0.5),
    "fresh_steps": Case(9),
    # Mixtures
    "mix": Case("mixup"),
    "alpha": Case(9.0),
    "n_copies": Case(0),
    "copy_scale": Case(9.0),
    "kappa": Case(1.0),
    "tau": Case(0.0),
    "balance": Case("batch"),
    # Meta-augmentation
    "sampling_strategy": Case("auto", "refused"),
    "confidence": Case(0.5, "refused"),
    "pretrain_epochs": Case(9, "refused"),
    "inner_lr": Case(0.5),
    "inner_rows": Case("synthetic"),
    "synth_lr": Case(0.0),
    "synth_unit": Case("input"),
    "inner_steps": Case(2),
    "clip": Case(False, base={"synth_lr": 1e5}),
    "store_synth_history": Case(True),
    # Crowds
    "layer": Case("vector", "refused"),
    "truth_column": Case(3, "refused"),
    "missing_values": Case(None, "refused"),
    "n_neighbors": Case(1),
    "jitter": Case(1.0),
    "certainty_eps": Case(9.0),
    "warmup": Case("all", "refused"),
    "warmup_epochs": Case(9, "refused"),
    "decoder_epochs": Case(9),
    "decoder_updates": Case(5),
    "dawid_skene": Case(DawidSkene(smoothing=9.0, assignment="soft")),
}
OPTIMIZER = ("optimizer", "optimizer__weight_decay", "lr")
SPECIAL = {
    **{(MetaAugmentClassifier, n): Case(CASES[n].value, "refused") for n in OPTIMIZER},
    # The last layer is made for the loss.
    (LDAMClassifier, "criterion"): Case("cross_entropy", "refused"),
    (SRATClassifier, "criterion"): Case("cross_entropy", "refused"),
    # The layers of the workers are learned.
    (CrowdLayerClassifier, "criterion"): Case(torch.nn.CrossEntropyLoss, "refused"),
    (CrowdLayerClassifier, "criterion__reduction"): Case("sum", "refused"),
    (CrowdLayerClassifier, "weight_reduction"): Case("rows", "refused"),
    # Modules have sizes of their own.
    (NetEnsembleClassifier, "module__hidden_sizes"): None,
    **{
        (cls, "module__n_latent"): None
        for cls in NETS
        if cls is not NetEnsembleClassifier
    },
    (NetEnsembleClassifier, "n_members"): Case(3, "refused"),
    # Its modules compare rows with those of training.
    (NetEnsembleClassifier, "augment"): Case(moved, "refused"),
    # They have one member, whose rows are all.
    **{
        (cls, name): None
        for cls in NETS
        if cls._trains_one_net
        for name in ("member_holdout", "member_sampling")
    },
    # No one can tell what class shares they learn.
    **{
        (cls, name): Case(value, "refused")
        for cls in NETS
        if cls._hides_prior
        for name, value in (("prior_correction", True), ("target_prior", [0.5, 0.5]))
    },
    # They begin with 'rows'.
    **{
        (cls, "weight_reduction"): Case("weights", base=WEIGHED)
        for cls in NETS
        if issubclass(cls, BaseDeferredClassifier)
    },
    # mix says what it is.
    (ReMixClassifier, "iterator_train"): None,
    (ImbMixClassifier, "weight_averaging"): Case(None),
    (ImbMixClassifier, "lr_schedule"): Case(
        "triangular", base={"weight_averaging": None}
    ),
    # Rows of two classes are seldom lost.
    (SharedAdversarialClassifier, "kappa"): Case(0.1),
    (ImbMixClassifier, "mix"): Case("mixup", base={"kappa": 1.0, "n_copies": 0}),
    (ImbMixClassifier, "tau"): Case(0.0, base={"kappa": 1.0, "n_copies": 0}),
    # Where an attack goes depends on the odds, and these on the probabilities.
    **{
        (cls, "predict_nonlinearity"): Case(
            torch.sigmoid,
            base={} if cls is AdversarialNoiseClassifier else {"norm": "l2"},
            at_prediction=True,
        )
        for cls in NETS
        if issubclass(cls, AdversarialNetClassifier | AdversarialNoiseClassifier)
    },
    # It looks for its rows in what the split gives.
    (ICEDClassifier, "dataset"): Case(Shifted, "refused", at_prediction=True),
    (ImbMixClassifier, "iterator_train"): Case(
        "balanced", base={"n_copies": 0, "mix": None}
    ),
    (ICEDClassifier, "sampling_strategy"): Case(0.9),
    (ICEDClassifier, "decoder_updates"): Case(5, base={"max_epochs": 3}),
}


def parameters_of(cls):
    """Parameters of a net, and some of each prefix."""
    own = NETS[cls].get_params(deep=False)
    prefixed = [name for name in CASES if "__" in name]
    return [name for name in [*own, *prefixed] if SPECIAL.get((cls, name), True)]


def first_nets():
    """The net that a parameter is tried on by default: the first that has it."""
    found = {}
    for cls in NETS:
        for name in parameters_of(cls):
            found.setdefault(name, cls)
    return found


FIRST = first_nets()
EVERY = [
    pytest.param(
        cls,
        name,
        id=f"{cls.__name__}-{name}",
        marks=[] if FIRST[name] is cls or (cls, name) in SPECIAL else pytest.mark.slow,
    )
    for cls in NETS
    for name in dict.fromkeys(parameters_of(cls))
]


def case_of(cls, name):
    return SPECIAL.get((cls, name)) or CASES[name]


def test_there_is_a_case_for_every_parameter():
    assert {name for cls in NETS for name in parameters_of(cls)} <= CASES.keys()
    assert len(NETS) == 13


@pytest.mark.parametrize(("cls", "name"), EVERY)
def test_a_parameter_set_after_the_fit(cls, name, capsys):
    case = case_of(cls, name)
    X, y = data(cls)
    base = case.base
    before = unchanged(cls, base)
    net = pickle.loads(fitted(cls, base))
    proba = net.predict_proba(X)
    # Copied, as callbacks keep a state.
    net.set_params(**{name: deepcopy(case.value)})
    if not case.at_prediction:
        np.testing.assert_array_equal(net.predict_proba(X), proba)
    assert name in net.get_params()
    capsys.readouterr()
    if case.outcome == "unavailable":
        assert not hasattr(net, "partial_fit")
        with pytest.raises(ValueError, match=f"cannot go on with {name}="):
            net.set_params(warm_start=True).fit(X, y)
        return
    if case.outcome == "refused":
        weights = deepcopy(net.module_.state_dict())
        with pytest.raises(ValueError):
            net.partial_fit(X, y)
        assert same(dict(net.module_.state_dict()), dict(weights))
        return
    after = went_on(net, X, y, capsys)
    if case.outcome == "effect":
        assert not all(map(same, before, after))
    else:
        assert same(before[1], after[1])


@pytest.mark.parametrize("cls", NETS)
def test_what_has_not_changed_goes_on_as_if_it_had_not_been_set(cls):
    net = pickle.loads(fitted(cls))
    net.set_params(**deepcopy(net.get_params(deep=False)))
    assert all(map(same, unchanged(cls), went_on(net, *data(cls))))


REFUSED = {
    (NetClassifier, "module"): "module='mlp', which decides the module",
    (
        NetClassifier,
        "module__hidden_sizes",
    ): r"module__hidden_sizes=\(16,\).* \(4,\)\. ",
    (NetClassifier, "module__dropout"): "module__dropout=not set, .* with 0.5",
    (NetClassifier, "n_bins"): "n_bins=4, .* with 2",
    (NetClassifier, "categorical_features"): r"categorical_features='auto'.* \[0\]",
    (NetClassifier, "compile"): "compile=False, .* with True",
    (LDAMClassifier, "criterion"): "criterion='ldam', which decides the last layer",
    (CrowdLayerClassifier, "layer"): "layer='matrix', .* that is trained",
    (MetaAugmentClassifier, "confidence"): "confidence=1.0, .* synthetic rows .* 0.5",
    (MetaAugmentClassifier, "lr"): "lr=0.1, which .* at inner_lr, .* with 0.3",
    (ICEDClassifier, "warmup"): "warmup='groups', .* begins with, .* with 'all'",
}


@pytest.mark.parametrize(("cls", "name"), REFUSED)
@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_a_refusal_names_the_parameter_both_values_and_the_remedy(cls, name, method):
    net = pickle.loads(fitted(cls)).set_params(warm_start=True)
    old = net.get_params().get(name)
    net.set_params(**{name: case_of(cls, name).value})
    with pytest.raises(ValueError, match=f"began with {REFUSED[cls, name]}"):
        getattr(net, method)(*data(cls))
    with pytest.raises(
        ValueError, match="Set it back, or begin anew with fit and warm"
    ):
        getattr(net, method)(*data(cls))
    if name != "module__dropout":
        # Set back, training goes on as if nothing had been tried.
        net.set_params(**{name: old, "warm_start": False})
        assert all(map(same, unchanged(cls), went_on(net, *data(cls))))
    else:
        net.set_params(warm_start=False).fit(*data(cls))
        assert net.module_.hidden[2].p == 0.5


# --- Parts ---------------------------------------------------------------------------


def net_and_data(**params):
    net = clone(NETS[NetClassifier]).set_params(max_epochs=2, **params)
    X, y = data(NetClassifier)
    return net.fit(X, y), X, y


def test_skorch_parameters_of_the_module_do_not_reset_the_weights():
    net, X, y = net_and_data()
    proba = net.predict_proba(X)
    net.set_params(module__hidden_sizes=(4,), criterion="focal", lr=0.5)
    np.testing.assert_array_equal(net.predict_proba(X), proba)
    assert net.fit(X, y).module_.hidden[0].out_features == 4
    fresh = clone(net).fit(X, y)
    np.testing.assert_array_equal(net.predict_proba(X), fresh.predict_proba(X))


@pytest.mark.parametrize(
    "params",
    [{"lr": 0.5}, {"optimizer__weight_decay": 0.5}, {"optimizer__betas": (0.5, 0.9)}],
)
def test_the_optimizer_keeps_its_state(params):
    net, X, y = net_and_data(optimizer=torch.optim.AdamW)
    steps = next(iter(net.optimizer_.state.values()))["step"].item()
    net.set_params(**params).partial_fit(X, y)
    [state, *_] = net.optimizer_.state.values()
    assert state["step"].item() == 2 * steps
    [(name, value)] = params.items()
    for group in net.optimizer_.param_groups:
        assert group[name.removeprefix("optimizer__")] == value


@pytest.mark.parametrize(
    ("optimizer", "params"),
    [
        (torch.optim.Adam, {"optimizer__amsgrad": True}),
        (torch.optim.RMSprop, {"optimizer__momentum": 0.9}),
        (torch.optim.RMSprop, {"optimizer__centered": True}),
        (torch.optim.Adam, {"optimizer": torch.optim.RMSprop}),
        (torch.optim.Adam, {"optimizer": torch.optim.LBFGS}),
    ],
)
def test_the_state_begins_anew_where_it_does_not_fit(optimizer, params):
    net, X, y = net_and_data(optimizer=optimizer)
    weights = net.module_.hidden[0].weight.detach().clone()
    try:
        net.set_params(**params).partial_fit(X, y)
    except TypeError:
        assert params == {"optimizer": torch.optim.LBFGS}  # wants a closure
        return
    assert not torch.equal(net.module_.hidden[0].weight, weights)
    assert np.isfinite(net.predict_proba(X)).all()


def test_sgd_takes_up_momentum():
    net, X, y = net_and_data(optimizer=torch.optim.SGD)
    net.set_params(optimizer__momentum=0.9, optimizer__nesterov=True).partial_fit(X, y)
    assert all("momentum_buffer" in state for state in net.optimizer_.state.values())


def test_a_setting_of_the_optimizer_survives_a_new_fit():
    net, X, y = net_and_data()
    net.set_params(optimizer__weight_decay=0.5).fit(X, y)
    assert net.optimizer_.param_groups[0]["weight_decay"] == 0.5


def test_the_rate_of_a_group_of_parameters():
    net, X, y = net_and_data(
        optimizer__param_groups=[("head.*", {"lr": 1e-4})], early_stopping=False
    )
    net.set_params(lr=0.5).partial_fit(X, y)
    assert sorted(g["lr"] for g in net.optimizer_.param_groups) == [1e-4, 0.5]


def test_a_callback_added_to_the_list_in_place():
    net, X, y = net_and_data(callbacks=[], early_stopping=True)
    net.callbacks.append(("more", EpochScoring("accuracy", name="more")))
    net.partial_fit(X, y)
    assert "more" in net.history[-1]


def test_callbacks_that_were_not_set_keep_theirs():
    scoring = EpochScoring("accuracy", name="more")
    net, X, y = net_and_data(callbacks=[("more", scoring)])
    before = dict(net.callbacks_)
    net.set_params(max_epochs=3).partial_fit(X, y)
    assert all(dict(net.callbacks_)[name] is before[name] for name in before)


def test_a_callback_that_there_is_not():
    net, _, _ = net_and_data()
    with pytest.raises(
        ValueError, match="callback 'lr_scheduler' that the net does no"
    ):
        net.set_params(callbacks__lr_scheduler__step=1)
    net.set_params(callbacks=[("stop", EarlyStopping())], callbacks__stop__patience=3)
    assert net.get_params()["callbacks__stop__patience"] == 3


def test_parameters_of_the_iterator():
    net, X, y = net_and_data(iterator_train="mixup")
    net.set_params(iterator_train__alpha=9.0)
    assert net.get_iterator(net.get_dataset(X, y), training=True).alpha == 9.0


@pytest.mark.parametrize("criterion", ["cross_entropy", torch.nn.CrossEntropyLoss])
def test_class_weights_can_be_given_and_taken_back(criterion):
    net, X, y = net_and_data(criterion=criterion)
    net.set_params(class_weight={0: 1, 1: 9}).partial_fit(X, y)
    assert net.criterion_.weight.tolist() == [1, 9]
    net.set_params(class_weight=None).partial_fit(X, y)
    assert net.criterion_.weight is None


def test_class_weights_of_a_criterion_that_learns():
    X, y = data(CrowdLayerClassifier)
    net = pickle.loads(fitted(CrowdLayerClassifier))
    learned = net.criterion_.worker_weight.detach().clone()
    net.set_params(class_weight={0: 1, 1: 9}, max_epochs=1).partial_fit(X, y)
    assert net.criterion_.weight.tolist() == [1, 9]
    drift = (net.criterion_.worker_weight - learned).abs().max()
    assert 0 < drift < 0.5
    net.set_params(class_weight=None).partial_fit(X, y)
    assert net.criterion_.weight is None


class Learned(torch.nn.Module):
    """A criterion of the user that learns, and takes a weight."""

    def __init__(self, weight=None):
        super().__init__()
        self.weight = weight
        self.log_scale = torch.nn.Parameter(torch.zeros(()))

    def forward(self, logits, target):
        return torch.nn.functional.cross_entropy(
            self.log_scale.exp() * logits, target, self.weight
        )


def test_a_criterion_of_the_user_that_learns():
    net, X, y = net_and_data(criterion=Learned)
    net.set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight=None, .* that is trained"):
        net.partial_fit(X, y)
    net, X, y = net_and_data()
    net.set_params(criterion=Learned).partial_fit(X, y)
    assert net.criterion_.log_scale.item() != 0  # the optimizer has taken it up
    net.partial_fit(X, y)


def test_a_seed_takes_effect_once():
    net, X, y = net_and_data()
    nets = [pickle.loads(pickle.dumps(net)) for _ in range(2)]
    for other in nets:
        other.set_params(random_state=5).partial_fit(X, y).partial_fit(X, y)
    assert same(*(dict(other.module_.state_dict()) for other in nets))
    first, second = nets[0].history[-4:-2], nets[0].history[-2:]
    assert first[0]["train_loss"] != second[0]["train_loss"]


def test_a_callback_may_set_the_rate_in_the_middle_of_training():
    class Halve(EpochScoring):
        def on_epoch_end(self, net, **kwargs):
            net.set_params(lr=net.lr / 2)

    net, X, y = net_and_data(callbacks=[("halve", Halve("accuracy"))], lr=0.4)
    assert net.optimizer_.param_groups[0]["lr"] == net.lr == 0.1
    net.partial_fit(X, y)
    assert net.optimizer_.param_groups[0]["lr"] == net.lr == 0.025


# --- Comparisons ---------------------------------------------------------------------


def scaled(layer=None):
    return torch.nn.Linear(2, 2) if layer is None else layer


EQUAL = [
    (1, 1.0),
    ("a", "a"),
    (None, None),
    (np.ones(2), np.ones(2)),
    (torch.ones(2), torch.ones(2)),
    ([1, (2.0, torch.ones(1))], [1.0, (2, torch.ones(1))]),
    ({"a": np.ones(2)}, {"a": np.ones(2)}),
    (ValidSplit(3), ValidSplit(3)),
    (functools.partial(scaled, layer=3), functools.partial(scaled, layer=3)),
    (np.random.RandomState(0), np.random.RandomState(0)),
]
UNEQUAL = [
    (1, 2),
    (1, "1"),
    (None, 0),
    (np.ones(2), np.zeros(2)),
    (np.ones(2), np.ones(3)),
    (torch.ones(2), torch.zeros(2)),
    ([1], [1, 2]),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 2}),
    (ValidSplit(3), ValidSplit(4)),
    (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)),
    (torch.nn.ReLU(), torch.nn.Tanh()),
    (lambda: 1, lambda: 1),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_same(a, b):
    assert same(a, b) and same(b, a) and same(a, a)
    assert same(a, pickle.loads(pickle.dumps(a)))


@pytest.mark.parametrize(("a", "b"), UNEQUAL)
def test_not_the_same(a, b):
    assert not same(a, b) and not same(b, a)


def test_a_copy_of_a_layer_is_the_same():
    layer = torch.nn.Linear(2, 2)
    assert same(layer, pickle.loads(pickle.dumps(layer)))


def test_changes():
    before = remember({"a": {"x": [1], "y": 2}, "b": {"z": 3}})
    assert find_changes(before, before) == {}
    changes = find_changes(before, {"a": {"x": [1, 2]}, "b": {"z": 3, "w": 4}})
    assert changes["a"]["x"] == ([1], [1, 2])
    assert changes["a"]["y"][0] == 2 and repr(changes["a"]["y"][1]) == "not set"
    assert repr(changes["b"]["w"][0]) == "not set" and changes["b"]["w"][1] == 4
    assert "z" not in changes["b"]
