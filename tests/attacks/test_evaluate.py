"""Attacks on fitted classifiers: what goes in, what comes out, what is left alone."""

import functools
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from torch import nn

from imbdeep.attacks import (
    Ball,
    adversarial_rows,
    make_robust_scorer,
    margin,
    robust_accuracy,
    robust_predictions,
)
from imbdeep.attacks._nets import evaluation_mode, net_logits
from imbdeep.attacks._worst import worst_rows
from imbdeep.classifiers import (
    AdversarialClassifier,
    LDAMClassifier,
    NetClassifier,
)
from tests.common.slow import half_of, slow_if

NAMES = ["a", "b", "c", "d", "e"]
LABELS = {
    "numbers": np.array([0, 1, 2]),
    "signs": np.array([-1, 1]),
    "text": np.array(["rare", "often", "never"]),
    "bool": np.array([False, True]),
}


def draw(n_classes=3, n=80):
    X, y = make_classification(
        n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, random_state=0
    )
    return X.astype(np.float32), y


def new_net(**parameters):
    parameters = {"max_epochs": 5, "lr": 0.01, "random_state": 0, **parameters}
    return NetClassifier(**parameters)


@pytest.fixture(scope="module")
def data():
    """Do not change these rows."""
    return draw()


@pytest.fixture(scope="module")
def net(data):
    """Do not fit this net again."""
    return new_net().fit(*data)


def margins(net, X, y):
    with evaluation_mode(net.module_), torch.no_grad():
        logits = net_logits(net, torch.tensor(np.asarray(X, dtype=np.float32)))
    target = torch.from_numpy(np.searchsorted(net.classes_, y))
    return margin(logits, target).numpy()


# --- Classifiers and labels ----------------------------------------------------------


@functools.cache
def labelled(labels):
    """Rows and a net, both to look at."""
    X, y = draw(len(LABELS[labels]))
    y = LABELS[labels][y]
    return X, y, new_net().fit(X, y)


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
@pytest.mark.parametrize("labels", LABELS)
def test_labels_in_the_users_coding(labels, attack):
    X, y, net = labelled(labels)
    classes = LABELS[labels]
    given = {"eps": 0.5, "attack": attack, "queries": 50, "random_state": 0}
    X_adv = adversarial_rows(net, X, y, **given)
    assert X_adv.shape == X.shape
    assert X_adv.dtype == np.float32
    assert np.abs(X_adv - X).max() <= 0.5 + 1e-5
    before, after = margins(net, X, y), margins(net, X_adv, y)
    assert (after >= before).all()
    # Some rows lie where all units of the net are at rest, without a gradient.
    assert np.mean(after > before) > 0.7
    y_pred = robust_predictions(net, X, y, **given)
    assert y_pred.dtype == net.predict(X).dtype
    assert set(y_pred) <= set(classes)
    assert np.mean(y_pred == y) < np.mean(net.predict(X) == y) - 0.1
    # Stopping early leaves other rows, which are misclassified as well.
    np.testing.assert_array_equal(y_pred != y, net.predict(X_adv) != y)


def test_labels_may_come_in_other_containers(net, data):
    X, y = data
    expected = adversarial_rows(net, X, y, eps=0.1, random_state=0)
    for same in (y.tolist(), pd.Series(y, index=range(7, 87)), y.astype(float), y[:]):
        found = adversarial_rows(net, X, same, eps=0.1, random_state=0)
        np.testing.assert_array_equal(found, expected)


class Probabilities(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 3)

    def forward(self, x):
        return self.linear(x).softmax(-1)


class WithFeatures(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 3)

    def forward(self, x):
        return self.linear(x), x


NETS = {
    "nll": (Probabilities, nn.NLLLoss),
    "cross_entropy": (nn.Linear(5, 3), nn.CrossEntropyLoss),
}


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
@pytest.mark.parametrize("name", NETS)
def test_nets_of_skorch(data, name, attack):
    X, y = data
    module, criterion = NETS[name]
    net = NeuralNetClassifier(
        module, criterion=criterion, lr=0.1, max_epochs=20, train_split=None, verbose=0
    ).fit(X, y)
    X_adv = adversarial_rows(net, X, y, eps=0.5, attack=attack, random_state=0)
    assert np.abs(X_adv - X).max() <= 0.5 + 1e-5
    before, after = (net.predict_proba(rows) for rows in (X, X_adv))
    of_label = np.arange(len(y)), y
    assert np.mean(after[of_label] < before[of_label]) > 0.9
    assert net.score(X_adv, y) < net.score(X, y) - 0.1


@pytest.mark.parametrize("seed", range(3))
def test_a_module_that_gives_more_than_logits(data, seed):
    X, y = data

    class Net(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            return self.criterion_(y_pred[0], y_true)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Net(
            WithFeatures, criterion=nn.CrossEntropyLoss, train_split=None, verbose=0
        ).fit(X, y)
    X_adv = adversarial_rows(net, X, y, eps=0.5, random_state=0)
    weight = net.module_.linear
    with torch.no_grad():
        before, after = (
            margin(weight(torch.from_numpy(rows)), torch.from_numpy(y))
            for rows in (X, X_adv)
        )
    # A row that no step makes worse stays as it is.
    assert (after >= before - 1e-6).all()
    assert (after > before + 0.01).double().mean() > 0.9


@half_of(
    classifier=[
        LDAMClassifier(max_epochs=3, random_state=0),
        AdversarialClassifier(max_epochs=3, eps=0.1, random_state=0),
    ],
    attack=["pgd", "square", "both"],
)
def test_other_nets_of_imbdeep(data, classifier, attack):
    X, y = data
    net = clone(classifier).fit(X, y)
    X_adv = adversarial_rows(net, X, y, eps=0.5, attack=attack, random_state=0)
    of_label = np.arange(len(y)), y
    before, after = (net.predict_proba(rows)[of_label] for rows in (X, X_adv))
    assert np.mean(after < before) > 0.9


@pytest.mark.parametrize(
    "estimator",
    [
        slow_if(True, RandomForestClassifier(10, random_state=0)),
        slow_if(True, make_pipeline(StandardScaler(), LogisticRegression())),
        make_pipeline(StandardScaler(), new_net()),
    ],
)
def test_any_classifier_can_be_searched(data, estimator):
    X, y = data
    for rows in (X, pd.DataFrame(X, columns=NAMES)):
        fitted = clone(estimator).fit(rows, y)
        given = {"eps": 0.5, "attack": "square", "queries": 50, "random_state": 0}
        X_adv = adversarial_rows(fitted, rows, y, **given)
        assert type(X_adv) is type(rows)
        assert fitted.score(X_adv, y) < fitted.score(rows, y) - 0.1
        y_pred = robust_predictions(fitted, rows, y, **given)
        np.testing.assert_array_equal(y_pred != y, fitted.predict(X_adv) != y)


@pytest.mark.parametrize("attack", ["pgd", "both"])
def test_gradients_need_a_net(data, attack):
    pipeline = make_pipeline(StandardScaler(), new_net(max_epochs=1)).fit(*data)
    message = (
        rf"attack='{attack}' needs the gradients of a net, and Pipeline has no module_"
        r".*last step of a pipeline, on rows that .* transformed.*attack='square'"
    )
    with pytest.raises(ValueError, match=message):
        adversarial_rows(pipeline, *data, eps=0.1, attack=attack)
    # What the message says works.
    X, y = pipeline[:-1].transform(data[0]), data[1]
    assert adversarial_rows(pipeline[-1], X, y, eps=0.1).shape == X.shape


class OneOutput(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 1)

    def forward(self, x):
        return self.linear(x)[:, 0]


@pytest.fixture(scope="module")
def one_output():
    X, y = draw(2)
    return NeuralNetBinaryClassifier(
        OneOutput, lr=0.1, max_epochs=20, train_split=None, verbose=0
    ).fit(X, y.astype(np.float32))


@pytest.mark.parametrize("attack", ["pgd", "square"])
def test_a_net_of_one_output_can_be_attacked(one_output, attack):
    X, y = draw(2)
    X_adv = adversarial_rows(one_output, X, y, eps=0.5, attack=attack)
    assert one_output.score(X_adv, y) < one_output.score(X, y) - 0.1


@pytest.mark.parametrize(
    "estimator",
    [
        new_net(),
        NeuralNetClassifier(nn.Linear(5, 3)),
        NeuralNetClassifier(nn.Linear(5, 3)).initialize(),
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
@pytest.mark.parametrize("attack", ["pgd", "square"])
def test_the_estimator_must_be_fitted(data, estimator, attack):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        adversarial_rows(estimator, *data, eps=0.1, attack=attack)


# --- Thresholds ----------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [slow_if(True, 0.1), slow_if(True, 0.5), 0.8])
def test_a_threshold_decides_what_is_right(threshold):
    """Of a linear model the worst case is known: each logit falls by eps |w|_1."""
    X, y = make_classification(400, weights=[0.8], random_state=0)
    X = X.astype(np.float32)
    linear = LogisticRegression().fit(X, y)
    fixed = FixedThresholdClassifier(
        linear, threshold=threshold, response_method="predict_proba"
    ).fit(X, y)
    linear = fixed.estimator_
    eps = 0.1
    worst = (
        linear.decision_function(X)
        + np.where(y, -1, 1) * eps * np.abs(linear.coef_).sum()
    )
    expected = (worst > np.log(threshold / (1 - threshold))) == y
    found = robust_predictions(
        fixed, X, y, eps=eps, attack="square", queries=400, random_state=0
    )
    for label in (0, 1):
        of_label = y == label
        assert (found == y)[of_label].mean() == pytest.approx(
            expected[of_label].mean(), abs=0.02
        )


@pytest.mark.parametrize("how", ["threshold", "nonlinearity"])
def test_rows_that_a_threshold_leaves_right_are_attacked(how):
    X, y = make_classification(400, weights=[0.8], class_sep=0.7, random_state=0)
    X = X.astype(np.float32)
    if how == "threshold":
        net = NeuralNetBinaryClassifier(
            nn.Linear(20, 1), threshold=0.1, lr=0.5, train_split=None, verbose=0
        ).fit(X, y.astype(np.float32))
    else:
        net = new_net(predict_nonlinearity=favour_the_rare).fit(X, y)
    rare = y == 1
    early, late = (
        (robust_predictions(net, X, y, eps=0.2, early_stop=stop, random_state=0) == y)
        for stop in (True, False)
    )
    assert early[rare].mean() == pytest.approx(late[rare].mean(), abs=0.03)
    assert early[rare].mean() < net.predict(X)[rare].mean() - 0.05


def favour_the_rare(logits):
    return (logits.double() + torch.tensor([0.0, 2.0])).softmax(-1)


# --- Containers and shapes -----------------------------------------------------------


def test_data_frames_come_back(data):
    X, y = data
    X = X.copy()
    X[:, 1] = np.round(X[:, 1])
    frame = pd.DataFrame(X, columns=NAMES, index=range(100, 180)).astype({"b": int})
    net = new_net().fit(frame, y)
    before = frame.copy()
    given = {"eps": 0.3, "random_state": 0}
    X_adv = adversarial_rows(net, frame, y, **given)
    assert isinstance(X_adv, pd.DataFrame)
    pd.testing.assert_index_equal(X_adv.columns, frame.columns)
    pd.testing.assert_index_equal(X_adv.index, frame.index)
    assert (X_adv.dtypes == np.float32).all()
    pd.testing.assert_frame_equal(frame, before)
    without_names = new_net().fit(X, y)
    np.testing.assert_array_equal(X_adv, adversarial_rows(without_names, X, y, **given))


@pytest.mark.parametrize("names", ["first", "last"])
def test_columns_that_move_by_name(data, names):
    X, y = data
    frame = pd.DataFrame(X, columns=NAMES)
    net = new_net().fit(frame, y)
    given = {"eps": 0.3, "random_state": 0}
    moving = {"first": ["a", "b"], "last": ["e", "d"]}[names]
    X_adv = adversarial_rows(net, frame, y, perturb=moving, **given)
    moved = (X_adv != frame).any()
    assert moved.index[moved].tolist() == sorted(moving)
    mask = np.isin(NAMES, moving)
    positions = np.flatnonzero(mask)
    for same in (mask, positions, (positions - 5).tolist()):
        found = adversarial_rows(net, frame, y, perturb=same, **given)
        pd.testing.assert_frame_equal(found, X_adv)


def test_names_of_columns_that_there_are_not(data):
    frame = pd.DataFrame(data[0], columns=NAMES)
    net = new_net(max_epochs=1).fit(frame, data[1])
    message = r"perturb names columns \['age'\], .* named \['a', 'b', 'c', 'd', 'e'\]"
    with pytest.raises(ValueError, match=message):
        adversarial_rows(net, frame, data[1], eps=0.1, perturb=["age"])


def test_a_list_of_no_columns_of_a_data_frame_moves_nothing(data):
    frame = pd.DataFrame(data[0], columns=NAMES)
    net = new_net(max_epochs=1).fit(frame, data[1])
    X_adv = adversarial_rows(net, frame, data[1], eps=0.1, perturb=[])
    pd.testing.assert_frame_equal(X_adv, frame)


def test_lists_come_back_as_arrays(net, data):
    X, y = data
    X_adv = adversarial_rows(net, X.tolist(), y.tolist(), eps=0.3, random_state=0)
    expected = adversarial_rows(net, X, y, eps=0.3, random_state=0)
    np.testing.assert_array_equal(X_adv, expected)
    expected = adversarial_rows(net, X.astype(np.float64), y, eps=0.3, random_state=0)
    np.testing.assert_array_equal(X_adv, expected)


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_sparse_rows_are_attacked_as_dense_ones(data, attack):
    X, y = np.where(np.abs(data[0]) < 0.5, 0, data[0]), data[1]
    net = new_net().fit(sparse.csr_array(X), y)
    given = {"eps": 0.3, "attack": attack, "queries": 10, "random_state": 0}
    expected = adversarial_rows(net, X, y, **given)
    for rows in (sparse.csr_array(X), sparse.csc_matrix(X)):
        found = adversarial_rows(net, rows, y, **given)
        assert type(found) is type(rows)
        np.testing.assert_array_equal(found.toarray(), expected)
        accuracy = robust_accuracy(net, rows, y, **given)
        assert accuracy == robust_accuracy(net, X, y, **given)


def test_a_net_of_double_precision_is_attacked_in_it(data):
    X, y = data
    X = X + np.array([2.0**40, 0, 0, 0, 0])
    frame = pd.DataFrame(X, columns=NAMES)
    net = AdversarialClassifier(eps=0.3, max_epochs=5, lr=0.01, random_state=0)
    net.fit(frame, y)
    assert net.rows_dtype_ == np.float64
    box = (X.min(0), X.max(0))
    X_adv = adversarial_rows(net, frame, y, eps=0.3, box=box, random_state=0)
    assert (X_adv.dtypes == np.float64).all()
    shift = np.abs(X_adv - frame).max()
    np.testing.assert_allclose(shift, 0.3, rtol=1e-3)
    boxed = clone(net).set_params(box=box).fit(frame, y)
    np.testing.assert_array_equal(boxed.box_, box)


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(2, 4, 3)
        self.head = nn.Linear(36, 2)

    def forward(self, x):
        return self.head(self.body(x).relu().flatten(1))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_pictures(norm, attack):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.uniform(size=(40, 2, 5, 5)).astype(np.float32)
    X[y == 1, 0, :3] *= 0.3
    net = NetClassifier(Conv(), max_epochs=20, lr=0.01, random_state=0).fit(X, y)
    mask = np.zeros((2, 5, 5), dtype=bool)
    mask[:, 1:4] = True
    given = {
        "eps": 0.3 if norm == "linf" else 1.5,
        "norm": norm,
        "box": (0, 1),
        "perturb": mask,
        "attack": attack,
        "queries": 100,
        "random_state": 0,
    }
    before = X.copy()
    X_adv = adversarial_rows(net, X, y, **given)
    np.testing.assert_array_equal(X, before)
    assert X_adv.shape == X.shape
    assert X_adv.dtype == np.float32
    assert X_adv.min() >= 0
    assert X_adv.max() <= 1
    assert X_adv[:, ~mask].tobytes() == X[:, ~mask].tobytes()
    shift = (X_adv - X).reshape(40, -1).astype(np.float64)
    order = np.inf if norm == "linf" else 2
    assert np.linalg.norm(shift, order, axis=1).max() <= given["eps"] + 1e-5
    assert net.score(X_adv, y) < net.score(X, y) - 0.1


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_one_row(net, data, attack):
    X, y = data[0][:1], data[1][:1]
    X_adv = adversarial_rows(net, X, y, eps=0.3, attack=attack)
    assert X_adv.shape == (1, 5)
    assert np.abs(X_adv - X).max() <= 0.3 + 1e-6


# --- What is attacked ----------------------------------------------------------------


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_eps_in_standard_deviations(net, data, norm):
    X, y = data
    std = np.array([0.5, 2.0, 0.0, 1.0, 0.1])
    given = {"norm": norm, "random_state": 0}
    X_adv = adversarial_rows(net, X, y, eps=0.3, eps_unit="std", std=std, **given)
    np.testing.assert_array_equal(
        X_adv, adversarial_rows(net, X, y, eps=0.3 * std, **given)
    )
    in_std = adversarial_rows(
        net, X, y, eps=0.3, eps_unit="std", std=std, step_size=0.1, **given
    )
    np.testing.assert_array_equal(
        in_std,
        adversarial_rows(net, X, y, eps=0.3 * std, step_size=0.1 * std, **given),
    )
    assert not np.array_equal(in_std, X_adv)
    np.testing.assert_array_equal(X_adv[:, 2], X[:, 2])


def test_the_estimators_own_standard_deviations(data):
    X, y = data
    X = X * np.array([1, 10, 100, 1, 1], dtype=np.float32)
    net = AdversarialClassifier(eps=0.1, max_epochs=1, eps_unit="std", random_state=0)
    net.fit(X, y)
    X_adv = adversarial_rows(net, X[:20], y[:20], eps=0.5, eps_unit="std")
    shift = np.abs(X_adv - X[:20]).max(0)
    np.testing.assert_allclose(shift, 0.5 * X.std(0), rtol=1e-3)
    given = adversarial_rows(
        net, X[:20], y[:20], eps=0.5, eps_unit="std", std=np.ones(5)
    )
    assert np.abs(given - X[:20]).max() <= 0.5 + 1e-4


def test_parameters_by_column_name(data):
    X, y = data
    frame = pd.DataFrame(X, columns=NAMES)
    net = new_net(max_epochs=1).fit(frame, y)
    ordered = {
        "eps": np.array([0.1, 0.2, 0.0, 0.4, 0.5]),
        "step_size": np.array([0.05, 0.1, 0.1, 0.1, 0.2]),
        "std": np.array([0.5, 1.0, 2.0, 1.0, 3.0]),
        "perturb": np.array([True, True, True, False, True]),
        "box": (X.min(0), X.max(0)),
    }
    given = {"eps_unit": "std", "random_state": 0}
    expected = adversarial_rows(net, frame, y, **ordered, **given)
    assert (expected != frame).any().tolist() == [True, True, False, False, True]
    by_name = {
        name: pd.Series(ordered[name], index=NAMES)[::-1]
        for name in ("eps", "step_size", "std", "perturb")
    }
    by_name["box"] = frame.agg(["min", "max"])[NAMES[::-1]]
    for name, value in by_name.items():
        found = adversarial_rows(net, frame, y, **ordered | {name: value}, **given)
        pd.testing.assert_frame_equal(found, expected)
        message = f"{name} goes by the names"
        with pytest.raises(ValueError, match=message):
            adversarial_rows(
                new_net(max_epochs=1).fit(X, y),
                X,
                y,
                **{**ordered, name: value, **given},
            )
        renamed = value.rename(lambda column: column.upper(), axis=-1 + value.ndim)
        with pytest.raises(ValueError, match=rf"{name} names columns \['E', 'D'"):
            adversarial_rows(net, frame, y, **ordered | {name: renamed}, **given)


def test_warns_of_a_radius_that_is_next_to_nothing(data):
    X, y = data
    frame = pd.DataFrame(5000 * X, columns=NAMES)
    net = new_net(max_epochs=1).fit(frame, y)
    attacked = AdversarialClassifier(eps=0.1, eps_unit="std", max_epochs=1)
    attacked.fit(frame, y)
    scorer = make_robust_scorer(eps=8 / 255)
    for estimator in (net, attacked):
        for call in (adversarial_rows, robust_predictions, robust_accuracy):
            with pytest.warns(UserWarning, match="eps moves no feature by more than"):
                call(estimator, frame, y, eps=8 / 255)
        with pytest.warns(UserWarning, match="eps moves no feature by more than"):
            scorer(estimator, frame, y)
    search = {"attack": "square", "queries": 1}
    forest = RandomForestClassifier(2).fit(frame, y)
    with pytest.warns(UserWarning, match="eps moves no feature by more than"):
        adversarial_rows(forest, frame, y, eps=8 / 255, **search)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adversarial_rows(net, frame, y, eps=500)
        adversarial_rows(net, frame, y, eps=0)
        adversarial_rows(forest, frame, y, eps=500, **search)
        # The standard deviations are those given, or learned, before those of the rows.
        adversarial_rows(net, frame, y, eps=8 / 255, std=np.ones(5))
        adversarial_rows(attacked, frame * 0.0, y, eps=500)
    with pytest.warns(UserWarning, match="eps moves no feature by more than"):
        adversarial_rows(net, frame / 5000, y, eps=0.1, std=np.full(5, 1e4))
    with pytest.warns(UserWarning, match="eps moves no feature by more than 0.0001 of"):
        adversarial_rows(attacked, frame, y, eps=1e-4, eps_unit="std")


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_eps_of_0_leaves_the_rows(net, data, attack):
    X, y = data
    given = {"eps": 0, "attack": attack}
    assert adversarial_rows(net, X, y, **given).tobytes() == X.tobytes()
    np.testing.assert_array_equal(
        robust_predictions(net, X, y, **given), net.predict(X)
    )


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_nothing_moves_without_a_feature_that_may(net, data, attack):
    X, y = data
    X_adv = adversarial_rows(net, X, y, eps=1, perturb=[], attack=attack)
    assert X_adv.tobytes() == X.tobytes()


@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_when_all_rows_are_misclassified(net, data, attack, early_stop):
    X = data[0]
    y = (net.predict(X) + 1) % 3
    given = {"eps": 0.3, "attack": attack, "early_stop": early_stop, "queries": 20}
    X_adv = adversarial_rows(net, X, y, **given)
    assert np.array_equal(X_adv, X) == early_stop
    assert (net.predict(X_adv) != y).all()
    assert (robust_predictions(net, X, y, eps=0.3, attack=attack) != y).all()


@half_of(norm=["linf", "l2"], attack=["pgd", "square", "both"])
def test_rows_on_the_edge_of_the_box_stay_inside(net, data, attack, norm):
    X, y = data
    low, high = X.min(0), X.max(0)
    X_adv = adversarial_rows(
        net, X, y, eps=1, norm=norm, box=(low, high), attack=attack, random_state=0
    )
    assert (X_adv >= low).all()
    assert (X_adv <= high).all()
    assert (X_adv != X).any()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_both_attacks_are_at_least_as_strong_as_either(net, data, norm):
    X, y = data
    given = {"eps": 0.2, "norm": norm, "queries": 100, "random_state": 0}
    alone = {
        attack: margins(net, adversarial_rows(net, X, y, attack=attack, **given), y)
        for attack in ("pgd", "square")
    }
    X_both = adversarial_rows(net, X, y, attack="both", **given)
    both = margins(net, X_both, y)
    assert (both >= alone["pgd"] - 1e-5).all()
    # Its search draws after the random starts, so it is not the search alone.
    ball = Ball(norm, torch.full((5,), 0.2))
    x, target = torch.from_numpy(X), torch.from_numpy(y)
    with evaluation_mode(net.module_):

        def attacked(attack):
            return worst_rows(
                lambda x: net_logits(net, x),
                x,
                target,
                ball,
                attack=attack,
                random_start=False,
                queries=100,
                generator=torch.Generator().manual_seed(0),
            )

        found = {name: attacked(name) for name in ("pgd", "square", "both")}
    heights = {name: margins(net, rows, y) for name, rows in found.items()}
    assert (heights["both"] >= heights["pgd"] - 1e-5).all()
    assert (heights["both"] >= heights["square"] - 1e-5).all()
    stronger = np.maximum(heights["pgd"], heights["square"])
    np.testing.assert_allclose(heights["both"], stronger, atol=1e-5)


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_the_random_state_decides(net, data, attack):
    X, y = data
    given = {
        "eps": 0.3,
        "attack_steps": 2,
        "attack": attack,
        "queries": 10,
        "batch_size": 32,
    }
    first = adversarial_rows(net, X, y, random_state=0, **given)
    np.testing.assert_array_equal(
        first, adversarial_rows(net, X, y, random_state=0, **given)
    )
    np.testing.assert_array_equal(
        first,
        adversarial_rows(net, X, y, random_state=np.random.RandomState(0), **given),
    )
    assert not np.array_equal(
        first, adversarial_rows(net, X, y, random_state=1, **given)
    )
    states = np.random.RandomState(0)
    fresh = [adversarial_rows(net, X, y, random_state=states, **given) for _ in "ab"]
    assert not np.array_equal(*fresh)


@pytest.mark.parametrize("batch_size", [1, 7, 30, 10**6])
def test_batches_do_not_matter(net, data, batch_size):
    X, y = (part[:30] for part in data)
    given = {"eps": 0.3, "random_start": False}
    np.testing.assert_allclose(
        adversarial_rows(net, X, y, batch_size=batch_size, **given),
        adversarial_rows(net, X, y, batch_size=13, **given),
        atol=1e-5,
    )


def test_batches_follow_each_other_in_one_stream_of_draws(net, data):
    """The first batch is attacked as if it were alone, the next with later draws."""
    X, y = np.tile(data[0][:10], (2, 1)), np.tile(data[1][:10], 2)
    given = {"eps": 0.3, "attack_steps": 1, "random_state": 0}
    in_batches = adversarial_rows(net, X, y, batch_size=10, **given)
    alone = adversarial_rows(net, X[:10], y[:10], **given)
    np.testing.assert_array_equal(in_batches[:10], alone)
    assert not np.array_equal(in_batches[10:], alone)


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"norm": "l1"}, "norm must be one of .* got 'l1'"),
        ({"attack": "fgsm"}, r"attack must be one of \('pgd', 'square', 'both'\), got"),
        ({"attack": None}, "attack must be one of .* got None"),
        ({"eps": -0.1}, r"eps must be finite and at least 0, got -0\.1"),
        ({"eps": np.nan}, "eps must be finite"),
        ({"eps": [0.1] * 4}, r"eps has shape \(4,\), but a row of X has shape \(5,\)"),
        ({"eps": "big"}, "eps must be a number"),
        ({"eps_unit": "sd"}, "eps_unit must be one of"),
        ({"eps_unit": "std"}, r"eps_unit='std' needs .* Pass std=X_train\.std"),
        ({"eps_unit": "std", "std": [1] * 4}, r"std has shape \(4,\), .* \(5,\)"),
        ({"step_size": -1}, "step_size must be finite and at least 0, got -1"),
        ({"step_size": [1] * 4}, r"step_size has shape \(4,\)"),
        (
            {"attack_steps": -1},
            "attack_steps must be a whole .* 0, got -1",
        ),
        (
            {"attack_steps": 2.5},
            r"attack_steps must be a whole number of at least 0, got 2\.5",
        ),
        ({"restarts": 0}, "restarts must be a whole number of at least 1, got 0"),
        ({"restarts": "2"}, "restarts must be a whole number of at least 1, got '2'"),
        ({"queries": -1}, "queries must be a whole number of at least 0, got -1"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"batch_size": None}, "batch_size must be a whole number .* got None"),
        ({"box": (0, 1)}, r"X lies outside the box: feature \d has .* allows 0 to 1"),
        ({"box": (1, 0)}, "box must have low at most high"),
        ({"box": 1}, "box must be a pair"),
        ({"box": ([0] * 4, 1)}, r"box has sides of shape \(4,\)"),
        ({"perturb": [True] * 4}, r"perturb is a mask of shape \(4,\)"),
        ({"perturb": ["age"]}, r"columns \['age'\], .*does not have; it has 5 columns"),
        ({"perturb": [5]}, r"perturb names columns \[5\]"),
        ({"perturb": "a"}, "perturb must be a mask"),
        ({"random_state": "now"}, "'now' cannot be used to seed"),
    ],
)
def test_refuses_parameters(net, data, parameters, message):
    for call in (adversarial_rows, robust_predictions):
        with pytest.raises(ValueError, match=message):
            call(net, *data, **{"eps": 0.1, **parameters})


@pytest.mark.parametrize("attack", ["pgd", "square"])
def test_refuses_data(net, data, attack):
    X, y = data

    def refused(X, y, message):
        with pytest.raises(ValueError, match=message):
            adversarial_rows(net, X, y, eps=0.1, attack=attack)

    spoiled = X.copy()
    spoiled[3, 2] = np.inf
    refused(spoiled, y, "infinite values: 1 in column 2")
    refused(X[:, :4], y, "X has 4 features, but NetClassifier is expecting 5")
    refused(X[:0], y[:0], r"0 sample\(s\)")
    refused(X[0], y[:1], "Expected 2D array, got 1D")
    refused(X, y[:-1], "X has 80 rows and y has 79 labels")
    refused(X, np.where(y == 1, 7, y), r"y has labels \[7\] .* classes \[0, 1, 2\]")
    refused(X, y.astype(str), r"y has labels \['0', '1', '2'\] .* not among")
    refused(X, np.where(y == 1, np.nan, y), r"y has labels \[nan\]")
    refused(X, np.eye(3)[y], "y should be a 1d array")
    frame = pd.DataFrame(X, columns=NAMES).astype({"b": str})
    refused(frame, y, r"Columns \['b'\] hold text")


def test_unknown_keywords_are_refused(net, data):
    for call in (adversarial_rows, robust_predictions):
        with pytest.raises(TypeError, match="attack_stepz"):
            call(net, *data, eps=0.1, attack_stepz=3)


# --- What is left as it was ----------------------------------------------------------


class Delicate(nn.Module):
    """All that an attack could disturb; optionally fails on the way."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)
        )
        self.calls, self.fails_at = 0, None

    def forward(self, x):
        self.calls += 1
        if self.fails_at == self.calls:
            raise RuntimeError("the net failed")
        return self.body(x)


def everything(net):
    module = net.module_
    grads = [p.grad if p.grad is None else p.grad.clone() for p in module.parameters()]
    return {
        "modes": [part.training for part in module.modules()],
        "state": {key: value.clone() for key, value in module.state_dict().items()},
        "grads": grads,
        "flags": [p.requires_grad for p in module.parameters()],
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1:3],
        "grad mode": torch.is_grad_enabled(),
    }


def check_same(before, after):
    assert before["modes"] == after["modes"]
    assert before["flags"] == after["flags"]
    assert before["grad mode"] == after["grad mode"]
    assert torch.equal(before["torch"], after["torch"])
    assert (before["numpy"][0] == after["numpy"][0]).all()
    assert before["numpy"][1] == after["numpy"][1]
    for key, value in before["state"].items():
        assert torch.equal(value, after["state"][key])
    for old, new in zip(before["grads"], after["grads"], strict=True):
        assert (old is None) == (new is None)
        assert old is None or torch.equal(old, new)


@pytest.fixture
def delicate(data):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = NeuralNetClassifier(
            Delicate,
            criterion=nn.CrossEntropyLoss,
            max_epochs=2,
            lr=0.1,
            train_split=None,
            verbose=0,
        ).fit(*data)
    # Parts in different modes, of different fates, and with and without gradients.
    net.module_.train()
    net.module_.body[1].eval()
    parameters = list(net.module_.parameters())
    parameters[0].requires_grad_(False)
    for parameter in parameters:
        parameter.grad = None
    parameters[1].grad = torch.full_like(parameters[1], 3.0)
    net.module_.calls = 0
    return net


@pytest.mark.parametrize("fails_at", [None, 1, 4])
@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_the_net_is_left_as_it_was(delicate, data, attack, fails_at):
    delicate.module_.fails_at = fails_at
    before = everything(delicate)
    assert len(set(before["modes"])) == 2
    given = {"eps": 0.3, "attack": attack, "queries": 20, "random_state": 0}
    if fails_at is None:
        X_adv = adversarial_rows(delicate, *data, **given)
        np.testing.assert_array_equal(X_adv, adversarial_rows(delicate, *data, **given))
    else:
        with pytest.raises(RuntimeError, match="the net failed"):
            adversarial_rows(delicate, *data, **given)
    check_same(before, everything(delicate))


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_the_net_is_attacked_as_it_predicts(delicate, data, attack):
    """Whatever modes its parts are in, dropout is off."""
    given = {"eps": 0.3, "attack": attack, "queries": 20, "random_state": 0}
    found = adversarial_rows(delicate, *data, **given)
    delicate.module_.eval()
    np.testing.assert_array_equal(found, adversarial_rows(delicate, *data, **given))


@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
def test_gradients_may_be_off_outside(net, data, attack):
    given = {"eps": 0.3, "attack": attack, "queries": 20, "random_state": 0}
    expected = adversarial_rows(net, *data, **given)
    with torch.no_grad():
        found = adversarial_rows(net, *data, **given)
        assert not torch.is_grad_enabled()
    np.testing.assert_array_equal(found, expected)


def test_a_net_whose_parameters_are_frozen(delicate, data):
    expected = adversarial_rows(delicate, *data, eps=0.3, random_state=0)
    for parameter in delicate.module_.parameters():
        parameter.requires_grad_(False)
    found = adversarial_rows(delicate, *data, eps=0.3, random_state=0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("attack", ["pgd", "square"])
def test_inference_mode_around_an_attack_makes_no_difference(delicate, data, attack):
    params = {"eps": 0.3, "attack": attack, "random_state": 0}
    expected = adversarial_rows(delicate, *data, **params)
    before = everything(delicate)
    with torch.inference_mode():
        found = adversarial_rows(delicate, *data, **params)
    np.testing.assert_array_equal(found, expected)
    check_same(before, everything(delicate))


@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ["pgd", "square", "both"])
@pytest.mark.gpu
def test_nets_on_a_gpu(data, attack, norm, early_stop):
    X, y = data
    net = new_net(device="cuda").fit(X, y)
    given = {
        "eps": 0.3,
        "norm": norm,
        "attack": attack,
        "box": (X.min(0), X.max(0)),
        "step_size": 0.1,
        "restarts": 2,
        "queries": 50,
        "early_stop": early_stop,
        "random_state": 0,
    }
    X_adv = adversarial_rows(net, X, y, **given)
    assert isinstance(X_adv, np.ndarray)
    assert net.score(X_adv, y) < net.score(X, y) - 0.05
    np.testing.assert_allclose(X_adv, adversarial_rows(net, X, y, **given), atol=1e-5)
