"""Nets augment rows of training batches, once, before they are mixed or attacked."""

import functools
import pickle
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch.utils.data import DataLoader

from imbdeep._nets.augmenting import Augmentation
from imbdeep.augmentations import flips, random_crop, random_flips, standard
from imbdeep.batches import ShuffledBatches, TensorBatches
from imbdeep.classifiers import (
    AdversarialClassifier,
    CrowdLayerClassifier,
    ICEDClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    ReMixClassifier,
    SRATClassifier,
)
from imbdeep.modules import ConvNet

N, RARE = 48, 12
ITERATORS = ["shuffled", "balanced", "smote", "mixup", "remix", DataLoader]
ATTACK = {"eps": 0.05, "attack_steps": 1}
SMALL = {
    "module": "conv",
    "module__n_filters": (4,),
    "module__n_hidden": 8,
    "max_epochs": 2,
    "batch_size": 16,
    "random_state": 0,
}
# One net of each way to make a step.
NETS = {
    "net": NetClassifier(),
    "ldam": LDAMClassifier(weight_averaging="swa", average_every=1),
    "remix": ReMixClassifier(),
    "meta-augment": MetaAugmentClassifier(pretrain_epochs=1),
    "adversarial": AdversarialClassifier(**ATTACK),
    "srat": SRATClassifier(**ATTACK),
    "imb-mix": ImbMixClassifier(**ATTACK),
    "members": NetClassifier(n_members=2),
    "members-holdout": NetClassifier(n_members=3, member_holdout="folds"),
}
nets = pytest.mark.parametrize("net", NETS.values(), ids=NETS)


def numbered(n=N):
    """Images that say who they are: all pixels of the i-th are i / n."""
    X = np.arange(n, dtype=np.float32)[:, None, None, None] / n
    return np.broadcast_to(X, (n, 2, 8, 8)).copy()


X, Y = numbered(), (np.arange(N) >= N - RARE).astype(int)
ORDINARY = np.random.default_rng(0).random((N, 2, 8, 8), dtype=np.float32)


def small(net, **params):
    return clone(net).set_params(**SMALL | params)


def proba(net, rows=ORDINARY):
    return net.predict_proba(rows)


@dataclass
class Noting:
    """Gives rows back as they are, or moved, and keeps those that it was given.

    A clone would be a copy, with a list of its own: nets of these tests get it last.
    """

    move: float = 0.0
    seen: list = field(default_factory=list)

    def __call__(self, rows, generator):
        self.seen.append(rows.clone())
        return rows + self.move


class Watch(Callback):
    """Keeps the rows of each batch of training and of validation."""

    def initialize(self):
        self.rows_ = {True: [], False: []}
        return self

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        X = batch[0]["X"] if isinstance(batch[0], dict) else batch[0]
        self.rows_[training].append(torch.as_tensor(X).clone())


def fit_watched(net, augment, X=X, **fit_params):
    watch = Watch()
    net.set_params(augment=augment, callbacks=[("watch", watch)])
    net.fit(X, Y, **fit_params)
    return watch.rows_


# --- Where ---------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("iterator", ITERATORS)
def test_each_training_batch_is_augmented_once(iterator, weighted):
    weight = np.linspace(0.5, 2, N) if weighted else None
    note = Noting(move=10.0)
    # Without early stopping there are validation rows, however few.
    net = small(NetClassifier(early_stopping=False), iterator_train=iterator)
    rows = fit_watched(net, note, sample_weight=weight)
    assert len(note.seen) == len(rows[True]) == 2 * net.n_train_batches_
    assert all(batch.min() >= 10 and batch.max() < 11 for batch in rows[True])
    assert len(rows[False]) == 2
    assert all(batch.max() < 1 for batch in rows[False])
    seen = len(note.seen)
    net.predict_proba(X)
    net.score(X, Y)
    assert len(note.seen) == seen


@pytest.mark.parametrize("iterator", ITERATORS[:-1])
def test_rows_are_augmented_after_resampling_and_before_they_are_mixed(iterator):
    note = Noting()
    rows = fit_watched(small(NetClassifier(iterator_train=iterator)), note)
    seen = torch.cat(note.seen)[:, 0, 0, 0]
    # As they were, not mixed: each is one of the images.
    assert np.isin(seen.numpy(), X[:, 0, 0, 0]).all()
    mixed = ~np.isin(torch.cat(rows[True])[:, 0, 0, 0].numpy(), X[:, 0, 0, 0])
    assert mixed.any() == (iterator in ("smote", "mixup", "remix"))
    share = (seen >= (N - RARE) / N).float().mean()
    resampled = iterator in ("balanced", "remix")
    assert_allclose(share, 0.5 if resampled else RARE / N, atol=0.06)


@pytest.mark.parametrize("name", ["adversarial", "srat", "imb-mix"])
def test_rows_are_augmented_before_they_are_attacked(name):
    note, trained = Noting(move=0.25), []
    net = small(NETS[name], module=watched(trained.append), augment=note)
    if name == "imb-mix":
        net.set_params(mix=None, n_copies=0)
    net.fit(X, Y)
    numbers = X[:, 0, 0, 0]
    assert np.isin(torch.cat(note.seen)[:, 0, 0, 0].numpy(), numbers).all()
    trained = torch.cat(trained)
    assert len(trained) == sum(map(len, note.seen))
    moved = numbers[:, None, None, None] + 0.25
    away = np.abs(trained.numpy()[:, None] - moved).max((2, 3, 4)).min(1)
    # As far as the attack may go, and no further.
    assert_allclose(away, ATTACK["eps"], atol=1e-5)


def watched(look):
    """A module that shows the rows that it is trained on."""

    class Watched(ConvNet):
        def forward(self, x):
            if self.training:
                look(x.detach().clone())
            return super().forward(x)

    return Watched


@pytest.mark.parametrize(
    ("name", "iterator"),
    [("net", iterator) for iterator in ITERATORS]
    + [("ldam", "balanced"), ("meta-augment", "balanced"), ("adversarial", "smote")],
)
def test_an_augmentation_that_does_nothing_changes_nothing(name, iterator):
    params = {"iterator_train": iterator}
    plain = small(NETS[name], **params).fit(ORDINARY, Y)
    same = small(NETS[name], augment=Noting(), **params).fit(ORDINARY, Y)
    assert_array_equal(proba(plain), proba(same))
    other = small(NETS[name], augment="standard", **params).fit(ORDINARY, Y)
    assert np.abs(proba(plain) - proba(other)).max() > 1e-6


class Normed(torch.nn.Sequential):
    """A module with batch norm."""

    def __init__(self):
        super().__init__(
            torch.nn.Flatten(), torch.nn.BatchNorm1d(128), torch.nn.Linear(128, 2)
        )


def test_the_last_look_at_rows_sees_them_augmented():
    note = Noting(move=10.0)
    net = LDAMClassifier(Normed, weight_averaging="swa", average_every=1, scale=1.0)
    net.set_params(max_epochs=1, batch_size=16, random_state=0, augment=note)
    net.fit(X, Y)
    # Batch norm's statistics are those of one more epoch.
    assert len(note.seen) == 2 * net.n_train_batches_
    assert net.module_[1].running_mean.min() > 10


# --- Seeds ---------------------------------------------------------------------------


@nets
def test_one_seed_decides(net):
    state = torch.get_rng_state()
    first, again = (small(net, augment="flips").fit(ORDINARY, Y) for _ in range(2))
    other = small(net, augment="flips", random_state=1).fit(ORDINARY, Y)
    assert_array_equal(proba(first), proba(again))
    assert np.abs(proba(first) - proba(other)).max() > 1e-6
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("augment", ["flips", "standard"])
def test_names_stand_for_functions(augment):
    function = {"flips": flips, "standard": standard}[augment]
    nets = [
        small(NetClassifier(), augment=one).fit(ORDINARY, Y)
        for one in (augment, function, functools.partial(function))
    ]
    assert_array_equal(proba(nets[0]), proba(nets[1]))
    assert_array_equal(proba(nets[0]), proba(nets[2]))


def noise(rows, generator):
    """Draws as a user's function may: from torch's global generator."""
    return rows + torch.randn(rows.shape)


def test_a_function_that_draws_globally_is_seeded():
    state = torch.get_rng_state()
    first, again = (
        small(NetClassifier(), augment=noise).fit(ORDINARY, Y) for _ in range(2)
    )
    assert_array_equal(proba(first), proba(again))
    assert torch.equal(torch.get_rng_state(), state)


def test_images_are_drawn_anew_in_each_epoch():
    net = small(NetClassifier(), max_epochs=4, train_split=None, early_stopping=False)
    watch = Watch()
    image = ORDINARY[:1].repeat(N, 0)
    net.set_params(augment="standard", callbacks=[("watch", watch)]).fit(image, Y)
    rows = torch.cat(watch.rows_[True])
    assert len(torch.unique(rows, dim=0)) == 4 * N


@pytest.mark.parametrize(
    "params",
    [
        {"augment": "standard"},
        {"augment": "flips", "iterator_train": "remix"},
        {"augment": random_crop, "iterator_train": DataLoader},
        {"augment": "flips", "iterator_train": "balanced", "class_weight": "balanced"},
    ],
    ids=["shuffled", "remix", "loader", "balanced"],
)
def test_each_member_is_the_net_alone(params):
    whole = {"train_split": None, "early_stopping": False, "lr": 0.01, **params}
    stack = small(NetClassifier(), n_members=2, **whole).fit(ORDINARY, Y)
    alone = [
        small(NetClassifier(), **whole).set_params(random_state=seed).fit(ORDINARY, Y)
        for seed in stack.member_draws_.seeds
    ]
    for member, net in zip(stack.members_, alone, strict=True):
        for own, other in zip(
            member.parameters(), net.module_.parameters(), strict=True
        ):
            assert_allclose(own.detach(), other.detach(), atol=1e-5)
    assert np.abs(proba(alone[0]) - proba(alone[1])).max() > 1e-4


# --- Parameter -----------------------------------------------------------------------


@nets
def test_training_goes_on_with_another(net):
    if net.member_holdout is not None:
        pytest.skip("its training does not go on")
    net = small(net, augment="flips", warm_start=True).fit(ORDINARY, Y)
    epochs = len(net.history)
    note = Noting()
    net.set_params(augment=note).partial_fit(ORDINARY, Y)
    seen = len(note.seen)
    assert seen >= net.n_train_batches_
    assert len(net.history) > epochs
    net.set_params(augment=None).fit(ORDINARY, Y)
    assert len(note.seen) == seen


def test_it_is_a_parameter_like_others():
    net = small(NetClassifier(), augment="flips")
    assert net.get_params()["augment"] == "flips"
    assert clone(net).augment == "flips"
    partial = functools.partial(random_flips, vertical=0)
    net.set_params(augment=partial).fit(ORDINARY, Y)
    again = pickle.loads(pickle.dumps(net))
    assert again.augment.keywords == {"vertical": 0}
    assert_array_equal(proba(again), proba(net))
    assert_array_equal(proba(again.fit(ORDINARY, Y)), proba(net.fit(ORDINARY, Y)))
    grid = {"augment": [None, "flips", "standard"]}
    search = GridSearchCV(small(NetClassifier(), max_epochs=1), grid, cv=2)
    search.fit(ORDINARY, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_crowds_annotate_rows_as_they_are():
    annotations = np.stack([Y, Y, 1 - Y], 1)
    for net in (CrowdLayerClassifier(), ICEDClassifier(warmup_epochs=1)):
        note = Noting()
        net = small(net).set_params(augment=note).fit(ORDINARY, annotations)
        assert len(note.seen) >= net.n_train_batches_
        assert proba(net).shape == (N, 2)


def test_synthetic_rows_are_copies_of_rows_as_they_are():
    note = Noting(move=10.0)
    net = small(MetaAugmentClassifier(pretrain_epochs=1, synth_lr=0.0))
    net.set_params(augment=note).fit(X, Y)
    assert len(note.seen) >= 3 * net.n_train_batches_
    assert_array_equal(net.X_synth_, X[net.synth_parents_])


def test_a_function_may_change_the_rows_of_a_table():
    table, y = make_classification(80, 5, weights=[0.7], flip_y=0, random_state=0)
    note = Noting(move=10.0)
    net = NetClassifier(max_epochs=2, random_state=0, augment=note).fit(table, y)
    assert len(note.seen) == 2 * net.n_train_batches_
    table[::3, 1] = np.nan
    NetClassifier(max_epochs=1, augment=Noting()).fit(table, y)


# --- Modules -------------------------------------------------------------------------


class Scaled(torch.nn.Module):
    """Multiplies rows by a weight, and draws noise from the generator."""

    def __init__(self, size=0.1):
        super().__init__()
        self.size = size
        self.weight = torch.nn.Parameter(torch.full((2, 1, 1), 1.5))

    def forward(self, rows, generator):
        noise = torch.randn(rows.shape, generator=generator)
        return self.weight * rows + self.size * noise


def scaled(rows, generator):
    return 1.5 * rows + 0.1 * torch.randn(rows.shape, generator=generator)


@pytest.mark.parametrize("name", ["net", "meta-augment", "adversarial", "members"])
def test_a_module_is_a_function_like_others(name):
    module = Scaled()
    net = small(NETS[name]).set_params(augment=module).fit(ORDINARY, Y)
    plain = small(NETS[name]).set_params(augment=scaled).fit(ORDINARY, Y)
    assert_allclose(proba(net), proba(plain), atol=1e-6)
    # No part of the net: neither trained nor given gradients.
    assert module.weight.grad is None
    assert_array_equal(module.weight.detach(), 1.5)


def test_a_module_is_a_parameter_like_others():
    net = small(NetClassifier(augment=Scaled()))
    other = clone(net)
    assert other.augment is not net.augment
    assert_array_equal(proba(net.fit(ORDINARY, Y)), proba(other.fit(ORDINARY, Y)))
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(proba(again), proba(net))
    assert_array_equal(proba(again.fit(ORDINARY, Y)), proba(net))
    again.set_params(augment=Scaled(size=2.0)).fit(ORDINARY, Y)
    assert np.abs(proba(again) - proba(net)).max() > 1e-4


def test_modules_as_other_parameters():
    net = small(NetClassifier()).set_params(predict_nonlinearity=torch.nn.Softmax(-1))
    plain = small(NetClassifier()).fit(ORDINARY, Y)
    assert_allclose(proba(clone(net).fit(ORDINARY, Y)), proba(plain), atol=1e-6)


class OneArgument(torch.nn.Module):
    def forward(self, rows):
        return rows


# --- Tables --------------------------------------------------------------------------


TABLE = pd.DataFrame(
    {
        "age": np.linspace(20, 60, 80),
        "city": pd.Categorical(["Ulm", "Bonn", "Kiel", None] * 20),
        "gone": np.where(np.arange(80) % 5, 1.0 + np.arange(80), np.nan),
    }
)
RARE_ROWS = (np.arange(80) > 55).astype(int)


def fit_table(augment):
    net = NetClassifier(max_epochs=2, batch_size=32, random_state=0, device="cpu")
    return net.set_params(augment=augment).fit(TABLE, RARE_ROWS)


def adding(value, column):
    def augment(rows, generator):
        rows = rows.clone()
        rows[:, column] += value
        return rows

    return augment


@pytest.mark.parametrize(
    ("value", "named"), [(0.5, r"[0-2]\.5"), (100, "10[0-2]"), (-4, "-[2-4]")]
)
def test_what_is_no_level_is_refused(value, named):
    message = (
        rf"augment=augment made {named} in column 'city', where 0 to 2 stand for "
        "levels and 3 for one not seen in training"
    )
    with pytest.raises(ValueError, match=message):
        fit_table(adding(value, 1))


def swap(rows, generator):
    """Takes half of the values from other rows: levels stay levels, gaps gaps."""
    others = rows[torch.randperm(len(rows), generator=generator)]
    return torch.where(torch.rand(rows.shape, generator=generator) < 0.5, rows, others)


@pytest.mark.parametrize("augment", [swap, adding(3, 0), adding(3, 2)])
def test_numbers_may_change_and_levels_change_places(augment):
    assert fit_table(augment).predict_proba(TABLE).shape == (80, 2)


def test_a_level_may_become_one_that_training_has_not_seen():
    def unknown(rows, generator):
        return rows.index_fill(1, torch.tensor(1), 3.0)

    net, other = fit_table(unknown), TABLE.copy()
    other["city"] = "Ulm"
    # All that the net saw was the unknown one.
    rest = TABLE.assign(city="Rome")
    with pytest.warns(UserWarning, match="hold no level that training had"):
        seen = net.predict_proba(rest)
    assert np.abs(seen - net.predict_proba(other)).max() > 0


@pytest.mark.parametrize(
    ("column", "value", "is_fine"),
    [
        (0, torch.nan, False),
        (0, torch.inf, False),
        (1, torch.nan, True),
        (2, torch.nan, True),
        (2, -torch.inf, False),
    ],
)
def test_gaps_are_made_only_where_the_table_has_some(column, value, is_fine):
    augment = adding(value, column)
    if is_fine:
        assert np.isfinite(fit_table(augment).predict_proba(TABLE)).all()
    else:
        with pytest.raises(ValueError, match="augment=augment made NaN or infinity"):
            fit_table(augment)


# --- Refusals ------------------------------------------------------------------------


def to_numpy(rows, generator):
    return rows.numpy()


def fewer(rows, generator):
    return rows[:-1]


def in_double(rows, generator):
    return rows.double()


def to_nan(rows, generator):
    return rows.masked_fill(rows > rows.mean(), torch.nan)


def of_rows(rows):
    return rows


def fill_with_nan(rows, generator):
    return rows.fill_(float("nan"))


def of_no_module(rows, generator):
    return rows


of_no_module.__module__ = None  # as functions of torch have it


def test_a_function_of_no_module():
    net = small(NetClassifier(), max_epochs=1, augment=of_no_module)
    plain = small(NetClassifier(), max_epochs=1)
    assert_array_equal(proba(net.fit(ORDINARY, Y)), proba(plain.fit(ORDINARY, Y)))


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ("flip", r"'augment' .* must be a str among {.*'flips'.*}, a callable or None"),
        ("flip", "'standard'"),
        (3, "'augment' .* Got 3 instead"),
        (to_numpy, "augment=to_numpy returned a ndarray. Return a tensor"),
        (fewer, r"augment=fewer made \(15, 2, 8, 8\), .* of rows \(16, 2, 8, 8\)"),
        (in_double, "augment=in_double made .*float64.* same shape, dtype and device"),
        (to_nan, "augment=to_nan made NaN or infinity of finite rows"),
        (fill_with_nan, "augment=fill_with_nan made NaN or infinity of finite rows"),
        (of_rows, "of_rows cannot be called with rows and a generator.*lambda rows"),
        (OneArgument(), r"OneArgument\(\) cannot be called .*lambda rows, generator"),
        (Scaled, r"augment=Scaled is a class.*pass Scaled\(\)"),
    ],
)
def test_what_cannot_be_used_is_refused(augment, message):
    net = small(NetClassifier(), augment=augment, n_members=2)
    with pytest.raises((ValueError, TypeError), match=message):
        net.fit(ORDINARY, Y)
    assert not net.initialized_


@dataclass
class Late:
    """Makes a number that is none, in the batch of this number alone."""

    value: float
    batch: int = 5
    n_seen: int = 0

    def __call__(self, rows, generator):
        self.n_seen += 1
        if self.n_seen == self.batch:
            rows[-1, 0, 0, 0] = self.value
        return rows


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["net", "meta-augment", "srat", "members"])
def test_numbers_that_are_none_are_seen_in_any_batch(name, value):
    # Without this callback training would go on with NaN.
    net = small(NETS[name], callbacks__finite_loss=None).set_params(augment=Late(value))
    with pytest.raises(ValueError, match="augment=Late.* made NaN or infinity .* 1 of"):
        net.fit(ORDINARY, Y)
    assert not net.initialized_


def test_numbers_whose_sum_overflows_are_numbers():
    augmentation = Augmentation(lambda rows, _: rows, "same", torch.Generator())
    rows = torch.full((4, 3), 3e38)
    assert augmentation(rows) is rows


@pytest.mark.parametrize("augment", ["flips", "standard"])
def test_names_are_for_images(augment):
    table, y = make_classification(80, 5, random_state=0)
    note = Watch()
    net = NetClassifier(augment=augment, callbacks=[("watch", note)])
    message = rf"augment='{augment}' is for images .* a table of shape \(80, 5\)"
    with pytest.raises(ValueError, match=message):
        net.fit(table, y)
    with pytest.raises(ValueError, match=r"four axes: .*X\[:, None\]"):
        NetClassifier(Normed, augment=augment).fit(ORDINARY[:, 0], Y)
    assert not hasattr(note, "rows_")


class OwnWay(TensorBatches):
    """Gathers rows without ``take``."""

    def __iter__(self):
        yield torch.zeros(16, 2, 8, 8), torch.arange(16) % 2


class Noisy(ShuffledBatches):
    """Changes what it takes."""

    def __iter__(self):
        for rows, y in super().__iter__():
            yield rows + 1, y


@pytest.mark.parametrize("n_members", [1, 2])
def test_iterators_derived_from_ours(n_members):
    note = Noting()
    net = small(NetClassifier(iterator_train=Noisy), n_members=n_members)
    net.set_params(augment=note).fit(X, Y)
    assert max(rows.max() for rows in note.seen) < 1
    net.set_params(iterator_train=OwnWay)
    with pytest.raises(ValueError, match="augment=.* not used: OwnWay gathers its row"):
        net.fit(X, Y)


def test_neighbours_would_not_know_themselves():
    table, y = make_classification(80, 5, random_state=0)
    with pytest.raises(ValueError, match="module='nca' compares .* Leave augment None"):
        NetClassifier("nca", augment=Noting()).fit(table, y)


@pytest.mark.parametrize("name", ["adversarial", "srat", "imb-mix"])
def test_attacks_stay_in_a_box_that_augmented_rows_are_in(name):
    net = small(NETS[name], box="data", augment="standard")
    with pytest.raises(ValueError, match="box='data' is the range .* box=\\(0, 1\\)"):
        net.fit(ORDINARY, Y)
    net.set_params(box=(0, 1), module=watched(check_inside)).fit(ORDINARY, Y)


def check_inside(rows):
    assert rows.min() >= 0
    assert rows.max() <= 1


# --- Use -----------------------------------------------------------------------------


def corners(seed, turned):
    """Images whose class is a stroke's direction: away from a corner, or along it.

    Those for training have it in one corner, ``turned`` ones in any.
    """
    rng = np.random.default_rng(seed)
    n = 400 if turned else 60
    images = rng.normal(0, 0.3, (n, 1, 12, 12)).astype(np.float32)
    y = np.arange(n) % 2
    step = np.arange(5)
    images[y == 0, 0, 1:6, 3] += 1.0
    images[y == 0, 0, 3, 1:6] += 1.0
    diagonal = np.ix_(np.flatnonzero(y == 1), [0])
    images[diagonal[0], 0, step + 1, step + 1] += 1.0
    images[diagonal[0], 0, step + 1, 5 - step] += 1.0
    if turned:
        images = flips(torch.from_numpy(images), torch.Generator().manual_seed(seed))
        images = images.numpy()
    return images, y


@pytest.mark.slow
def test_flips_tell_a_net_that_directions_do_not_matter():
    ahead = []
    for seed in range(3):
        told = {"max_epochs": 30, "lr": 0.01, "train_split": None, "batch_size": 30}
        plain, flipped = (
            NetClassifier(
                "conv", augment=augment, early_stopping=False, random_state=seed, **told
            ).fit(*corners(seed, False))
            for augment in (None, "flips")
        )
        test = corners(seed, True)
        ahead.append(flipped.score(*test) - plain.score(*test))
    assert np.mean(ahead) > 0.05
    assert min(ahead) > 0
