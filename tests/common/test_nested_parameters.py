"""Parameters of parts, and what they are called where they do not fit."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch.dataset import Dataset
from torch.nn import CrossEntropyLoss
from torch.utils.data import DataLoader

from imbdeep.batches import TensorBatches
from imbdeep.callbacks import EarlyStopping, LRDrops, WeightAveraging
from imbdeep.classifiers import NetClassifier
from imbdeep.modules._registry import MODULES

from .estimators import SAMPLERS, each, each_that_reads
from .nets import NETS, quick, table

X, Y = table(60)
WRONG = {
    "module__nope": (
        1,
        "{module} cannot be made of .*module__nope=1: .*It takes .*dropout",
    ),
    "module__dropout": ("x", "{module} cannot be made of .*module__dropout='x'"),
    "criterion__nope": (1, r"cannot be made of .*criterion__nope=1"),
    "optimizer__nope": (
        1,
        r"Adam cannot be made of optimizer__nope=1: .*It takes .*lr",
    ),
    "optimizer__weight_decay": ("x", "optimizer__weight_decay must be a finite number"),
    "optimizer__lr": ("x", "optimizer__lr must be a finite number .* got 'x'"),
    "iterator_train__nope": (1, r"Batches cannot be made of .*iterator_train__nope=1"),
    "iterator_valid__nope": (
        1,
        r"TensorBatches cannot be made of iterator_valid__nope",
    ),
    "verbose": ("loud", "'verbose' parameter"),
    "compile": ("yes", "'compile' parameter"),
}


@pytest.mark.parametrize("parameter", WRONG)
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_wrong_parameter_is_named(name, parameter):
    value, message = WRONG[parameter]
    net = quick(name).set_params(**{parameter: value})
    module = MODULES[net.module].__name__
    with pytest.raises(ValueError, match=message.format(module=module)):
        net.fit(X, Y).predict(X)


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_parameter_of_no_callback_is_refused(name):
    params = quick(name).get_params(deep=False) | {"callbacks__nope__patience": 1}
    with pytest.raises(ValueError, match="callback 'nope' that the net does not have"):
        type(NETS[name])(**params).fit(X, Y)


@pytest.mark.parametrize("name", ["latent-smote", "gl-gan", "conditional-gan"])
def test_one_text_among_numbers_makes_no_categories(name):
    rows = X.astype(object)
    rows[3, 2] = "n/a"
    sampler = clone(SAMPLERS[name])
    with pytest.raises(
        ValueError, match=r"Columns \[2\] hold numbers and text, .*'n/a'"
    ):
        sampler.fit_resample(rows, Y)
    sampler.set_params(categorical_features=[2]).fit_resample(rows, Y)


def test_outputs_that_are_no_probabilities_are_refused():
    net = quick("net").set_params(predict_nonlinearity=None).fit(X, Y)
    for call in (net.predict_proba, net.predict):
        with pytest.raises(ValueError, match=r"predict_nonlinearity=None .* first row"):
            call(X)


def test_a_module_that_gives_probabilities_may_pass_them_on():
    class Given(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(X.shape[1], 2)

        def forward(self, rows):
            return self.layer(rows).softmax(-1)

    net = NetClassifier(Given, predict_nonlinearity=None, max_epochs=1).fit(X, Y)
    assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_module_gives_a_logit_for_each_class(n_outputs):
    net = NetClassifier(torch.nn.Linear(X.shape[1], n_outputs), max_epochs=1)
    with pytest.raises(ValueError, match=r"Linear gives outputs of shape .* 2 classes"):
        net.fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value"),
    [("shuffle", True), ("drop_last", True), ("sampler", [1, 2])],
)
def test_predictions_are_those_of_all_rows_in_order(name, value):
    params = {"iterator_valid": DataLoader, f"iterator_valid__{name}": value}
    with pytest.raises(ValueError, match=f"iterator_valid__{name}=.* would give"):
        NetClassifier(max_epochs=1, **params).fit(X, Y)


def test_an_iterator_that_leaves_rows_out_is_told_of():
    class Most(TensorBatches):
        def __iter__(self):
            return itertools.islice(super().__iter__(), 2)

    net = NetClassifier(iterator_valid=Most, iterator_valid__batch_size=20).fit(X, Y)
    for call in (net.predict, net.predict_proba, net.predict_log_proba):
        with pytest.raises(ValueError, match=r"Most.* gave 40 of 60 rows"):
            call(X)


FAILING = {
    "label_smoothing": (
        {"criterion": CrossEntropyLoss, "criterion__label_smoothing": 2},
        "CrossEntropyLoss fails with criterion__label_smoothing=2: .*between 0.0 and",
    ),
    "weight": (
        {"criterion": CrossEntropyLoss, "criterion__weight": torch.ones(5)},
        "CrossEntropyLoss fails with criterion__weight=.*all 2 classes",
    ),
    "a loss of numbers": (
        {"criterion": torch.nn.MSELoss},
        r"MSELoss fails with criterion=MSELoss: it compares .* \(16, 2\), .* \(16,\)",
    ),
    "a loss of numbers that torch would broadcast": (
        {"criterion": torch.nn.KLDivLoss, "batch_size": 2, "train_split": None},
        r"KLDivLoss fails with criterion=KLDivLoss: it compares .*CrossEntropyLoss",
    ),
    "collate_fn": (
        {"iterator_train": DataLoader, "iterator_train__collate_fn": 5},
        "DataLoader fails with iterator_train__collate_fn=5: .*not callable",
    ),
    "sampler": (
        {"iterator_train": DataLoader, "iterator_train__sampler": [999]},
        r"DataLoader fails with iterator_train__sampler=\[999\]: .*out of bounds",
    ),
    "lr of a group": (
        {"optimizer__param_groups": [("*", {"lr": "x"})]},
        "Adam fails with optimizer__param_groups=.*lr must be .* 'x'",
    ),
    "betas of a group": (
        {"optimizer__param_groups": [("*", {"betas": "xy"})]},
        "Adam fails with optimizer__param_groups=.*betas",
    ),
    "step_sizes": (
        {"optimizer": torch.optim.Rprop, "optimizer__step_sizes": (1,)},
        r"Rprop fails with optimizer__step_sizes=\(1,\): not enough values",
    ),
    "line_search_fn": (
        {"optimizer": torch.optim.LBFGS, "optimizer__line_search_fn": "zz"},
        "LBFGS fails with optimizer__line_search_fn='zz': .*strong_wolfe",
    ),
    "floatfmt": (
        {"callbacks__print_log__floatfmt": "zz", "verbose": 1},
        "PrintLog fails with callbacks__print_log__floatfmt='zz': .*format",
    ),
    "a builtin": ({"optimizer": dict}, "dict cannot be made of optimizer=dict"),
    "half a pair": ({"callbacks": [("stop",)]}, r"callbacks must .* \('stop',\)"),
    "a device of shapes": ({"device": "meta"}, "device='meta' holds shapes"),
    "n_features": ({"module__n_features": 7}, "n_features=7, but the data have 6"),
    "n_classes": ({"module__n_classes": 3}, "n_classes=3, but the data have 2"),
    "classes": ({"classes": [0, 1, np.nan]}, "classes holds a missing label"),
    "nonlinearity": (
        {"predict_nonlinearity": lambda logits: logits * np.nan},
        "validation rows are no numbers, with predict_nonlinearity",
    ),
}


WRONG_WAY = {
    "maximize": (True, "makes the loss larger"),
    "differentiable": (True, "steps that are differentiated"),
    "capturable": (True, "steps that CUDA replays"),
    "lr": (-0.1, "lr must be at least 0"),
    "weight_decay": (-0.1, "weight_decay must be at least 0"),
}


@pytest.mark.parametrize("option", WRONG_WAY)
@pytest.mark.parametrize("name", ["net", "meta-augment", "iced"])
def test_training_in_the_wrong_direction_is_refused(name, option):
    value, what = WRONG_WAY[option]
    own = value is True
    ways = {
        f"Adam fails with optimizer__param_groups=.*{what}": {
            "optimizer__param_groups": [("*", {option: value})]
        },
        f"optimizer__{option}={value}: .*{what if own else 'Invalid'}": {
            f"optimizer__{option}": value
        },
    }
    if own:
        made = functools.partial(torch.optim.Adam, **{option: value})
        ways[f"Adam fails with optimizer=Adam: {option}=True .*{what}"] = {
            "optimizer": made
        }
    for message, params in ways.items():
        net = quick(name).set_params(**params)
        with pytest.raises(ValueError, match=message):
            net.fit(X, Y)
        assert not hasattr(net, "module_")


def test_a_version_of_the_optimizer_may_be_chosen_in_a_function():
    one = quick("net").set_params(optimizer__foreach=True).fit(X, Y)
    foreach = functools.partial(torch.optim.Adam, foreach=True)
    two = quick("net").set_params(optimizer=foreach).fit(X, Y)
    assert_array_equal(two.predict_proba(X), one.predict_proba(X))


def test_a_rate_of_zero_freezes_a_group():
    frozen = [("*", {"lr": 0.0})]
    net = quick("net").set_params(optimizer__param_groups=frozen).fit(X, Y)
    before = quick("net").set_params(optimizer__lr=1e-30).fit(X, Y)
    for weight, start in zip(
        net.module_.parameters(), before.module_.parameters(), strict=True
    ):
        assert_allclose(weight.detach(), start.detach(), atol=1e-20)


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    ("parameter", "value", "what"),
    [
        ("early_stopping__patience", -1, "EarlyStopping.patience must be .* got -1"),
        ("early_stopping__nope", 1, "Invalid parameter 'nope'"),
        ("swa__average_from", 2, r"WeightAveraging.average_from must be in \[0, 1\)"),
        ("swa__nope", 1, "'nope'"),
        ("drops__at", 0.5, "LRDrops.at must be"),
    ],
)
def test_a_wrong_parameter_of_a_callback_is_named(parameter, value, what, fitted):
    callbacks = [("swa", WeightAveraging), ("drops", LRDrops([0.5]))]
    params = {"max_epochs": 2, "early_stopping": True, "callbacks": callbacks}
    wrong = {f"callbacks__{parameter}": value}
    net = NetClassifier(**params if fitted else params | wrong)
    if fitted:
        net.fit(X, Y).set_params(**wrong)
    with pytest.raises(ValueError, match=f"callbacks__{parameter}={value}: .*{what}"):
        net.partial_fit(X, Y)


def test_a_wrong_parameter_of_ones_own_callback_has_the_name_of_its_class():
    callback = EarlyStopping(patience=-1)
    with pytest.raises(ValueError, match=r"^EarlyStopping\.patience must be"):
        NetClassifier(callbacks=[callback]).fit(X, Y)


def test_a_parameter_of_a_callback_that_is_left_out_is_refused():
    left_out = {"callbacks__print_log": None, "callbacks__print_log__sink": print}
    with pytest.raises(ValueError, match=r"print_log__sink is set, .*print_log=None"):
        NetClassifier(**left_out).fit(X, Y)


class Scaled(Dataset):
    """A data set with a parameter, and the rows it is told to leave out."""

    def __init__(self, X, y=None, scale=1.0, n_left_out=0):
        super().__init__(scale * X, y, length=len(X) - n_left_out)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dataset__length": 10}, "dataset__length=10: .* 10 of 60 rows.*Pass fewer"),
        ({"dataset__nope": 1}, "dataset__nope=1: .*It takes X, y, length"),
        ({"dataset__X": X}, "Dataset cannot be made of dataset__X=array.*multiple"),
        (
            {"dataset": Scaled, "dataset__n_left_out": 9},
            "Scaled cannot be made of dataset__n_left_out=9: .* 51 of 60 rows",
        ),
        ({"dataset": functools.partial(Scaled, n_left_out=9)}, "holds 51 of 60 rows"),
    ],
)
@pytest.mark.parametrize("name", ["net", "srat", "iced"])
def test_a_data_set_holds_every_row(name, params, message):
    net = quick(name).set_params(**params)
    with pytest.raises(ValueError, match=message) as raised:
        net.fit(X, Y)
    assert len(str(raised.value)) < 400
    assert not hasattr(net, "module_")
    with pytest.raises(ValueError, match=message):
        quick(name).fit(X, Y).set_params(**params).predict(X)


def test_a_data_set_has_parameters():
    net = NetClassifier(max_epochs=2, random_state=0, numeric_encoding=None)
    reference = clone(net).fit(2 * X, Y)
    net.set_params(dataset=Scaled, dataset__scale=2.0).fit(X, Y)
    last = [fitted.history[-1, "train_loss"] for fitted in (net, reference)]
    assert_allclose(*last, rtol=1e-5)


@pytest.mark.parametrize("case", FAILING)
def test_what_fails_in_use_is_named(case):
    params, message = FAILING[case]
    params = {"max_epochs": 1, "verbose": 0, "early_stopping": True} | params
    with pytest.raises(ValueError, match=message):
        NetClassifier(**params).fit(X, Y)


def test_errors_of_parts_of_a_user_are_left_alone():
    class OwnError(RuntimeError):
        pass

    class Own(torch.nn.Module):
        def forward(self, logits, y):
            raise OwnError

    class Layer(torch.nn.Linear):
        def forward(self, rows):
            raise OwnError

    for params in (
        {"criterion": Own, "optimizer__weight_decay": 0.1},
        {"module": Layer(X.shape[1], 2), "optimizer__weight_decay": 0.1},
    ):
        with pytest.raises(OwnError):
            NetClassifier(max_epochs=1, **params).fit(X, Y)


def test_lack_of_memory_is_left_alone():
    class Large(CrossEntropyLoss):
        def forward(self, logits, y):
            raise torch.OutOfMemoryError

    net = NetClassifier(criterion=Large, criterion__label_smoothing=0.1, max_epochs=1)
    with pytest.raises(torch.OutOfMemoryError):
        net.fit(X, Y)


@pytest.mark.parametrize("weight", [10**400, "x"])
def test_weights_of_classes_that_are_no_numbers(weight):
    with pytest.raises(ValueError, match=r"class_weight=.* cannot be used"):
        quick("net").set_params(class_weight={0: weight, 1: 1}).fit(X, Y)


@pytest.mark.parametrize("name", ["latent-smote", "gl-gan", "conditional-gan"])
def test_one_text_in_a_frame_of_objects_makes_no_categories(name):
    rows = pd.DataFrame(X.astype(object))
    rows.iloc[3, 2] = "n/a"
    with pytest.raises(ValueError, match=r"Columns \[2\] hold numbers and text"):
        clone(SAMPLERS[name]).fit_resample(rows, Y)


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_a_tensor_with_a_gradient_is_a_table(name):
    expected, _ = clone(SAMPLERS[name]).fit_resample(X, Y)
    rows = torch.tensor(X, requires_grad=True)
    got, _ = clone(SAMPLERS[name]).fit_resample(rows, Y)
    assert_array_equal(np.asarray(got), expected)
