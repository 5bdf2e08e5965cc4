"""ICED against plain loops: warm-up, generation, inference and training."""

import pickle
from collections import Counter
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, Checkpoint
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch.utils.data import Subset

from imbdeep.batches import TensorBatches
from imbdeep.classifiers import ICEDClassifier
from imbdeep.classifiers._crowds.rounds import AugmentedRows, rows_to_make
from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators
from tests.classifiers.crowds import make_crowd
from tests.common.slow import slow_if

SMALL = {
    "max_epochs": 3,
    "warmup_epochs": 2,
    "decoder_epochs": 4,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "device": "cpu",  # where the loops are
    "random_state": 0,
}
# What loops do, too. Embeddings of ReLUs may tie, those of tanh do not.
PLAIN = {
    **SMALL,
    "numeric_encoding": "standard",
    "module__activation": "tanh",
    "batch_size": 16,
}

crowd = partial(make_crowd, n_workers=5, error_rate=[0.05, 0.1, 0.2, 0.3, 0.4])


class Recorded(ICEDClassifier):
    """Keeps every batch, and what each round began and ended with."""

    def initialize(self):
        self.batches_, self.begins_, self.ends_ = [], [], []
        return super().initialize()

    def train_step(self, batch, **fit_params):
        self.batches_.append((len(self.history), batch))
        return super().train_step(batch, **fit_params)

    def _next_round(self):
        decoder = self.run_.rounds.decoder
        self.begins_.append(
            {
                "module": deepcopy(self.module_),
                "decoder": None if decoder is None else deepcopy(decoder.net),
                "numpy": self.random_state_.get_state(),
                "torch": torch.get_rng_state(),
                "epoch": len(self.history),
                "rows": self.run_.rounds.indices,
            }
        )
        super()._next_round()
        self.ends_.append(
            {
                "X_synth": self.X_synth_,
                "y_synth": self.y_synth_,
                "inferred": self.run_.crowd.inferred,
            }
        )

    def epoch(self, number):
        """Rows and targets of an epoch, counted from 1, in the order they came."""
        X, y = zip(*(batch for n, batch in self.batches_ if n == number), strict=True)
        return torch.cat(X).numpy(), torch.cat(y).numpy()


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


def refuse(match, X, annotations, **params):
    net = ICEDClassifier(**SMALL | {"callbacks": [NoTraining()]} | params)
    with pytest.raises(ValueError, match=match):
        net.fit(X, annotations)


def as_multiset(X, y):
    return Counter(zip((x.tobytes() for x in X), y.tolist(), strict=True))


# --- Loops ---------------------------------------------------------------------------


def votes_by_loops(codes, n_classes):
    return [[list(row).count(c) for c in range(n_classes)] for row in codes]


def majority_by_loops(codes, n_classes):
    return [v.index(max(v)) for v in votes_by_loops(codes, n_classes)]


def certainty_by_loops(codes, n_classes, eps):
    """Eq. (3.4), with one-hot annotations and their mean."""
    certainty = []
    for row in codes:
        given = [np.eye(n_classes)[label] for label in row if label >= 0]
        mean = sum(given) / len(given)
        variance = sum(((v - mean) ** 2).sum() for v in given) / len(given)
        certainty.append(1 / (variance + eps))
    return certainty


def groups_by_loops(certainty):
    """Rows of the highest, second and third certainty."""
    levels = sorted({round(s, 3) for s in certainty}, reverse=True)
    return [
        [i for i, s in enumerate(certainty) if round(s, 3) == level]
        for level in levels[:3]
    ]


def nearest_by_loops(point, others, k):
    """Positions of the k nearest, the nearest first."""
    distances = [((point - other) ** 2).sum() for other in others.astype(np.float64)]
    return sorted(range(len(others)), key=distances.__getitem__)[:k]


def embed_by_loops(module, X):
    with torch.no_grad():
        encoded = (torch.from_numpy(X) - module.encoding.mean) / module.encoding.std
        linear = module.hidden[0]
        return torch.tanh(encoded @ linear.weight.T + linear.bias).numpy()


def interpolate_by_loops(z, certainty, n_new, k, jitter, draw):
    """Eq. (3.3) and (3.5), a row at a time; the draws in their order."""
    order = draw.permutation(len(z))
    starts = [order[i % len(z)] for i in range(n_new)]
    neighbours = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        neighbours.append([others[j] for j in nearest_by_loops(z[i], z[others], k)])
    chosen = draw.randint(min(k, len(z) - 1), size=n_new)
    eta = draw.uniform(-jitter, jitter, n_new)
    made = []
    for i, which, noise in zip(starts, chosen, eta, strict=True):
        r = neighbours[i][which]
        delta = certainty[r] / (certainty[i] + certainty[r]) + noise
        made.append(z[i] + min(max(delta, 0), 1) * (z[r] - z[i]))
    return np.array(made)


def annotate_by_loops(made, z, codes, k, draw):
    """Each worker's label of one neighbour, of those that the worker has labelled."""
    n_workers = codes.shape[1]
    near = [nearest_by_loops(point, z, k) for point in made]
    lots = draw.random_sample((len(made), min(k, len(z)), n_workers))
    labels = np.full((len(made), n_workers), -1)
    for i, rows in enumerate(near):
        for w in range(n_workers):
            given = [j for j in range(len(rows)) if codes[rows[j], w] >= 0]
            if given:
                labels[i, w] = codes[rows[max(given, key=lambda j: lots[i, j, w])], w]
    return labels


def decode_by_loops(net, X, z, made, n_epochs, batch_size):
    """Learn the standardised rows with Adam, and give those of ``made``."""
    X, z = torch.from_numpy(X), torch.from_numpy(z)
    mean, std = X.mean(0), X.std(0, correction=0)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(n_epochs):
        order = torch.randperm(len(z))
        for begin in range(0, len(z), batch_size):
            batch = order[begin : begin + batch_size]
            optimizer.zero_grad()
            ((net(z[batch]) - (X[batch] - mean) / std) ** 2).mean().backward()
            optimizer.step()
    with torch.no_grad():
        rows = net(torch.from_numpy(made.astype(np.float32))) * std + mean
    return torch.minimum(torch.maximum(rows, X.amin(0)), X.amax(0)).numpy()


def infer_by_loops(codes, n_classes, smoothing=0.01):
    """Hard EM: counts of the most probable labels, until they no longer change."""
    n_workers = codes.shape[1]
    labels = majority_by_loops(codes, n_classes)
    for _ in range(100):
        prior = np.full(n_classes, smoothing)
        counts = np.full((n_workers, n_classes, n_classes), smoothing)
        for row, label in zip(codes, labels, strict=True):
            prior[label] += 1
            for w, given in enumerate(row):
                if given >= 0:
                    counts[w, label, given] += 1
        prior, psi = prior / prior.sum(), counts / counts.sum(2, keepdims=True)
        before, labels = labels, []
        for row in codes:
            scores = [
                np.log(prior[c])
                + sum(np.log(psi[w, c, g]) for w, g in enumerate(row) if g >= 0)
                for c in range(n_classes)
            ]
            labels.append(int(np.argmax(scores)))
        if labels == before:
            break
    return np.array(labels)


def new_decoder(n_embedded, n_columns):
    return nn.Sequential(
        nn.Linear(n_embedded, 128), nn.ReLU(), nn.Linear(128, n_columns)
    )


@pytest.mark.parametrize(
    ("data", "params"),
    [
        ({}, {}),
        ({"n_classes": 3, "annotation_rate": 0.7}, {}),
        ({"annotation_rate": 0.5}, {"n_neighbors": 2, "jitter": 0.3}),
        ({}, {"certainty_eps": 2.0, "jitter": 1.0, "n_neighbors": 500}),
        ({}, {"decoder_updates": 0, "warmup": None}),
        ({"n_classes": 3}, {"decoder_updates": 3, "sampling_strategy": "minority"}),
        ({"annotation_rate": 0.6}, {"train_split": "stratified"}),
    ],
    ids=[
        "default",
        "three-classes",
        "two-neighbours",
        "far",
        "frozen",
        "followed",
        "held-out",
    ],
)
def test_rounds_are_those_of_plain_loops(data, params):
    """Every round anew from the net and the generators that it began with."""
    X, codes, _ = crowd(**data)
    n_classes = codes.max() + 1
    net = Recorded(**PLAIN | params).fit(X, codes)
    certainty = certainty_by_loops(codes, n_classes, net.certainty_eps)
    labels = np.array(majority_by_loops(codes, n_classes))
    part = np.sort(net.begins_[0]["rows"])
    n_valid = sum(round(0.2 * n) for n in np.bincount(labels))
    assert len(part) == len(set(part)) == len(X) - n_valid * bool(net.train_split)
    X_part, codes_part = X[part], codes[part]
    assert len(net.begins_) == net.max_epochs
    changed = False
    for begin, end in zip(net.begins_, net.ends_, strict=True):
        draw = np.random.RandomState()
        draw.set_state(begin["numpy"])
        z = embed_by_loops(begin["module"], X_part)
        candidates = labels[part]
        counts = np.bincount(candidates, minlength=n_classes)
        rare = [c for c in range(n_classes) if c != counts.argmax()]
        if net.sampling_strategy == "minority":
            rare = [int(counts.argmin())]
        parts = []
        for c in rare:
            rows = np.flatnonzero(candidates == c)
            of_rows = [certainty[part[i]] for i in rows]
            wanted = counts.max() - counts[c]
            parts.append(
                interpolate_by_loops(
                    z[rows], of_rows, wanted, net.n_neighbors, net.jitter, draw
                )
            )
        made = np.concatenate(parts)
        annotations = annotate_by_loops(made, z, codes_part, net.n_neighbors, draw)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(begin["torch"])
            first = begin["decoder"] is None
            decoder = new_decoder(8, 5) if first else begin["decoder"]
            epochs = net.decoder_epochs if first else net.decoder_updates
            X_synth = decode_by_loops(decoder, X_part, z, made, epochs, net.batch_size)
        inferred = infer_by_loops(np.concatenate([codes, annotations]), n_classes)
        assert_allclose(end["X_synth"], X_synth, rtol=1e-3, atol=1e-3)
        assert_array_equal(end["inferred"], inferred[: len(X)])
        assert_array_equal(end["y_synth"], inferred[len(X) :])
        changed |= (inferred[: len(X)] != labels).any()
        labels, y_synth = np.split(inferred, [len(X)])
        # The net is trained on these, and on nothing else.
        seen = net.epoch(begin["epoch"])
        rows = np.concatenate([X_part, end["X_synth"]])
        y = np.concatenate([labels[part], y_synth])
        assert as_multiset(*seen) == as_multiset(rows, y)
    assert changed  # candidates of the second round are no majority vote
    assert_array_equal(net.inferred_labels_, labels)
    assert_array_equal(net.X_synth_, end["X_synth"])
    assert_array_equal(net.y_synth_, end["y_synth"])
    assert_allclose(
        net.dawid_skene_.label_posterior_.argmax(1),
        np.concatenate([net.inferred_labels_, net.y_synth_]),
    )


@pytest.mark.parametrize("annotation_rate", [1.0, 0.7])
@pytest.mark.parametrize("warmup", ["groups", "certain", "all", None])
def test_the_warm_up_against_loops(warmup, annotation_rate):
    X, codes, _ = crowd(annotation_rate=annotation_rate)
    majority = np.array(majority_by_loops(codes, 2))
    first, second, third = groups_by_loops(certainty_by_loops(codes, 2, 1e-6))
    assert len(first) + len(second) + len(third) < len(X) or annotation_rate == 1
    net = Recorded(warmup=warmup, **PLAIN).fit(X, codes)
    epochs = {
        "groups": [third] * 2 + [second] * 2 + [first] * 2,
        "certain": [first + second + third] * 6,
        "all": [list(range(len(X)))] * 6,
        None: [],
    }[warmup]
    assert len(net.history) == len(epochs) + 3
    for number, rows in enumerate(epochs, start=1):
        assert as_multiset(*net.epoch(number)) == as_multiset(X[rows], majority[rows])
    stages = ["warm-up"] * len(epochs) + ["round"] * 3
    assert net.history[:, "stage"] == stages


def test_the_warm_up_goes_without_groups_that_are_not_there():
    """Two workers: they agree, or they do not."""
    X, codes, _ = crowd(n_workers=2, error_rate=0.2)
    agree = codes[:, 0] == codes[:, 1]
    net = Recorded(**PLAIN).fit(X, codes)
    sizes = [len(net.epoch(number)[0]) for number in range(1, 5)]
    assert sizes == [(~agree).sum()] * 2 + [agree.sum()] * 2
    assert net.history[:, "stage"] == ["warm-up"] * 4 + ["round"] * 3


# --- What a parameter changes --------------------------------------------------------


def test_without_rounds_the_net_is_that_of_the_warm_up():
    X, codes, truth = crowd()
    net = Recorded(**PLAIN | {"max_epochs": 0}).fit(X, codes, y_true=truth)
    assert net.history[:, "stage"] == ["warm-up"] * 6
    one_round = Recorded(**PLAIN | {"max_epochs": 1}).fit(X, codes)
    for name, value in one_round.begins_[0]["module"].state_dict().items():
        assert torch.equal(net.module_.state_dict()[name], value)
    assert net.X_synth_.shape == (0, 5)
    assert len(net.y_synth_) == 0
    # There is something to infer all the same.
    assert_array_equal(net.inferred_labels_, infer_by_loops(codes, 2))
    assert len(net.dawid_skene_.label_posterior_) == len(X)


def test_without_rounds_and_without_a_warm_up_nothing_is_trained():
    X, codes, _ = crowd()
    refuse("leave nothing to train", X, codes, max_epochs=0, warmup=None)


class Made(ICEDClassifier):
    """Keeps the embeddings of the last round, and those that were made."""

    def _interpolate(self, embeddings, y):
        made = super()._interpolate(embeddings, y)
        self.z_ = embeddings[y == 1], made, self.run_.rounds.certainty[y == 1]
        return made


@pytest.mark.parametrize("eps", [1e-6, 0.5, 1e6])
def test_without_jitter_certainty_alone_tells_how_far(eps):
    """All that is made lies on a line, at the share that certainty asks for."""
    X, codes, _ = crowd()
    net = Made(jitter=0.0, certainty_eps=eps, n_neighbors=3, **PLAIN).fit(X, codes)
    z, made, certainty = net.z_
    possible = np.array(
        [
            z[i] + certainty[r] / (certainty[i] + certainty[r]) * (z[r] - z[i])
            for i in range(len(z))
            for r in nearest_by_loops(z[i], z, 4)[1:]
        ]
    )
    for point in made:
        assert np.abs(possible - point).max(1).min() < 1e-6
    if eps == 1e6:  # all are alike
        assert_allclose(certainty, certainty[0], rtol=1e-5)


@pytest.mark.parametrize("updates", [0, 2])
def test_the_decoder_follows_if_it_is_updated(updates):
    X, codes, _ = crowd()
    net = Recorded(**PLAIN, decoder_updates=updates).fit(X, codes)
    second, third = (begin["decoder"] for begin in net.begins_[1:])
    same = [
        torch.equal(a, b)
        for a, b in zip(second.parameters(), third.parameters(), strict=True)
    ]
    assert all(same) == (not updates)


@pytest.mark.slow
def test_the_decoder_is_the_nearer_the_longer_it_learns():
    X, codes, _ = crowd()

    def error(epochs):
        net = Recorded(**PLAIN | {"decoder_epochs": epochs, "max_epochs": 2})
        net.fit(X, codes)
        begin = net.begins_[1]  # the decoder as the first round left it
        z = torch.from_numpy(embed_by_loops(net.begins_[0]["module"], X))
        with torch.no_grad():
            rows = begin["decoder"](z).numpy() * X.std(0) + X.mean(0)
        return ((rows - X) ** 2).mean() / X.var()

    assert error(100) < 0.5 * error(2)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {1: 60, 2: 80}),
        ("not majority", {1: 60, 2: 80}),
        ("not minority", {0: 0, 1: 60}),
        ("minority", {2: 80}),
        ("all", {0: 0, 1: 60, 2: 80}),
        ({"b": 70}, {1: 30}),
        ({"b": 10, "c": 25}, {1: 0, 2: 5}),
        (lambda y: {"c": 2 * np.count_nonzero(y == "c")}, {2: 20}),
    ],
)
def test_rows_to_make(strategy, expected):
    codes = np.repeat([0, 1, 2], [100, 40, 20])
    labels = np.array(["a", "b", "c"])
    assert rows_to_make(codes, strategy, labels) == expected
    if strategy != {"b": 10, "c": 25}:  # imbalanced-learn does not take rows away
        y = labels[codes]
        sampler = RandomOverSampler(sampling_strategy=strategy, random_state=0)
        _, resampled = sampler.fit_resample(np.zeros((160, 1)), y)
        made = {c: int((resampled == labels[c]).sum()) for c in range(3)}
        counts = np.bincount(codes)
        assert {c: n - counts[c] for c, n in made.items() if n > counts[c]} == {
            c: n for c, n in expected.items() if n
        }


def test_rows_to_make_of_a_ratio():
    labels = np.array([-1, 1])
    codes = np.repeat([0, 1], [50, 7])
    assert rows_to_make(codes, 0.5, labels) == {1: 18}
    assert rows_to_make(codes, 0.1, labels) == {1: 0}
    assert rows_to_make(1 - codes, 1.0, labels) == {0: 43}


def test_rows_to_make_of_classes_that_came_and_went():
    labels = np.array(["a", "b", "c"])
    codes = np.repeat([0, 2], [9, 4])
    assert rows_to_make(codes, "auto", labels) == {2: 5}
    assert rows_to_make(codes, {"b": 5, "c": 6}, labels) == {2: 2}
    for strategy in ("auto", 0.5, {"c": 20}, lambda y: {"c": 20}):
        assert rows_to_make(np.zeros(9, dtype=int), strategy, labels) == {}


@pytest.mark.parametrize("strategy", ["not minority", 0.6, 1.0, {1: 70}, "minority"])
def test_numbers_of_rows_are_those_of_the_strategy(strategy):
    X, codes, _ = crowd()
    net = Recorded(sampling_strategy=strategy, **PLAIN).fit(X, codes)
    candidates = np.array(majority_by_loops(codes, 2))
    numbers = []
    for end in net.ends_:
        common, rare = np.bincount(candidates)
        totals = {"not minority": rare, "minority": common}
        if isinstance(strategy, float):
            total = int(strategy * common)
        elif isinstance(strategy, dict):
            total = strategy[1]
        else:
            total = totals[strategy]
        assert len(end["X_synth"]) == len(end["y_synth"]) == total - rare
        numbers.append(total - rare)
        candidates = end["inferred"]
    recorded = net.history[:, "n_synthetic"]
    assert recorded == [0] * 6 + numbers


def test_strategies_that_cannot_be_used():
    X, codes, _ = crowd()
    refuse("over-sampling", X, codes, sampling_strategy={1: 2})
    refuse("not present|target", X, codes, sampling_strategy={7: 200})
    refuse("sampling_strategy", X, codes, sampling_strategy="some")
    X, codes, _ = crowd(n_classes=3)
    refuse("ratio of two classes, and there are 3", X, codes, sampling_strategy=0.5)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_labels_are_inferred_with_the_model_that_is_given(assignment):
    X, codes, _ = crowd(annotation_rate=0.6)
    names = np.array(["no", "yes"])
    annotations = np.where(codes < 0, None, names[codes])
    # Its labels are those of the net, whatever it was made for.
    model = DawidSkene(
        assignment=assignment, smoothing=2.0, classes=[5, 6], missing_values=None
    )
    before = model.get_params()
    net = ICEDClassifier(dawid_skene=model, **PLAIN).fit(X, annotations)
    assert model.get_params() == before
    assert not hasattr(model, "classes_")
    assert net.dawid_skene_.assignment == assignment
    assert net.dawid_skene_.smoothing == 2
    # It learned from synthetic rows, too, and speaks of labels now.
    assert_array_equal(net.dawid_skene_.classes_, names)
    both = np.concatenate([net.inferred_labels_, net.y_synth_])
    posterior = net.dawid_skene_.label_posterior_
    assert_array_equal(names[posterior.argmax(1)], both)
    assert_array_equal(net.dawid_skene_.predict(annotations), net.inferred_labels_)
    assert_array_equal(net.dawid_skene_.classes, names)
    assert net.dawid_skene_.missing_values == -1
    again = pickle.loads(pickle.dumps(net.dawid_skene_))
    assert_array_equal(again.predict(annotations), net.inferred_labels_)


def test_error_rates_count_the_rows_of_fit():
    X, codes, _ = crowd(annotation_rate=0.8)
    codes[:, 2] = -1
    codes[(codes < 0).all(1), 0] = 0
    net = ICEDClassifier(**PLAIN).fit(X, codes)
    share = net.dawid_skene_.label_posterior_[: len(X)].mean(0)
    psi = net.dawid_skene_.confusion_matrices_
    for w, rate in enumerate(net.worker_error_rates_):
        expected = sum(share[c] * (1 - psi[w, c, c]) for c in range(2))
        assert rate == pytest.approx(expected) or (w == 2 and np.isnan(rate))
    assert np.isnan(net.worker_error_rates_).sum() == 1


# --- History -------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["all", "some", "none"])
def test_the_history_of_inference(known):
    X, codes, truth = crowd()
    y_true = truth.astype(float)
    if known == "some":
        y_true[::3] = np.nan
    net = Recorded(**PLAIN)
    net.fit(X, codes, y_true=None if known == "none" else y_true)
    if known == "none":
        assert "inference_accuracy" not in net.history[-1]
        return
    rows = [i for i in range(len(X)) if not np.isnan(y_true[i])]
    majority = majority_by_loops(codes, 2)
    inferred = [majority] * 6 + [end["inferred"] for end in net.ends_]
    expected = [sum(y[i] == truth[i] for i in rows) / len(rows) for y in inferred]
    assert_allclose(net.history[:, "inference_accuracy"], expected)
    assert len(set(expected)) > 1
    assert expected[-1] == np.mean(net.inferred_labels_[rows] == truth[rows])


def test_a_column_of_true_labels_is_a_list_of_them():
    X, codes, truth = crowd()
    flat = ICEDClassifier(**PLAIN).fit(X, codes, y_true=truth)
    column = ICEDClassifier(**PLAIN).fit(X, codes, y_true=truth[:, None])
    name = "inference_accuracy"
    assert column.history[:, name] == flat.history[:, name]


def test_the_truth_in_a_column_is_compared_where_it_is_known():
    X, codes, truth = crowd()
    truth = np.where(np.arange(120) % 3, truth, -1)
    known = truth >= 0
    net = ICEDClassifier(truth_column=0, **PLAIN)
    net.fit(X, np.column_stack([truth, codes]))
    right = net.inferred_labels_[known] == truth[known]
    assert net.history[-1, "inference_accuracy"] == pytest.approx(right.mean())
    # What is passed by itself counts instead.
    net.fit(X, np.column_stack([truth, codes]), y_true=1 - net.inferred_labels_)
    assert net.history[-1, "inference_accuracy"] == 0


def test_a_worker_who_is_wrong_is_told_from_others():
    """With every seed, and by far."""
    for seed in range(8):
        X, codes, _ = crowd(
            n_samples=200, seed=seed, n_workers=4, error_rate=[0.1, 0.2, 0.2, 0.5]
        )
        net = ICEDClassifier(**SMALL | {"random_state": seed}).fit(X, codes)
        rates = net.worker_error_rates_
        assert rates[3] > max(rates[:3]) + 0.1


@pytest.mark.slow
def test_inference_beats_the_majority_of_unlike_workers():
    """One worker knows, four nearly guess: a mean over seeds, and none much worse."""
    gains = []
    for seed in range(8):
        X, codes, truth = crowd(
            n_samples=300, seed=seed, error_rate=[0.05, 0.3, 0.35, 0.4, 0.45]
        )
        params = SMALL | {"max_epochs": 5, "random_state": seed}
        net = ICEDClassifier(**params).fit(X, codes, y_true=truth)
        vote = np.mean(MajorityVote().fit_predict(codes) == truth)
        gains.append(net.history[-1, "inference_accuracy"] - vote)
    assert np.mean(gains) > 0.03
    assert min(gains) > -0.02


# --- Candidates that are few ---------------------------------------------------------


class Leaves(DawidSkene):
    """Infers that all rows are of the first class but the last ``n_left`` of it."""

    def __init__(self, n_left=1, *, classes=None, missing_values=-1):
        super().__init__(classes=classes, missing_values=missing_values)
        self.n_left = n_left

    def fit_predict(self, annotations, y=None):
        labels = super().fit_predict(annotations)
        rare = np.flatnonzero(labels[:120] != self.classes_[0])
        labels[:] = self.classes_[0]
        labels[rare[: self.n_left]] = self.classes_[-1]
        return labels


@pytest.mark.slow
def test_one_candidate_gives_copies():
    X, codes, _ = crowd()
    net = Recorded(
        dawid_skene=Leaves(1), **PLAIN | {"max_epochs": 2, "decoder_epochs": 300}
    ).fit(X, codes)
    [candidate] = np.flatnonzero(net.ends_[0]["inferred"] == 1)
    made = net.ends_[1]["X_synth"]
    assert len(made) == 118
    # Copies of one embedding, decoded.
    assert_allclose(made, np.broadcast_to(made[0], made.shape), atol=1e-5)
    distances = ((X - made[0]) ** 2 / X.var(0)).sum(1)
    assert distances[candidate] < np.quantile(distances, 0.1)


def test_no_candidate_gives_no_rows():
    X, codes, _ = crowd()
    net = Recorded(dawid_skene=Leaves(0), **PLAIN).fit(X, codes)
    numbers = [len(end["X_synth"]) for end in net.ends_]
    assert numbers[0] > 0 and numbers[1:] == [0, 0]
    assert net.X_synth_.shape == (0, 5)
    assert len(net.y_synth_) == 0
    assert as_multiset(*net.epoch(len(net.history))) == as_multiset(
        X, np.zeros(len(X), dtype=int)
    )


def test_two_candidates_have_one_neighbour_each():
    X, codes, _ = crowd()
    net = Recorded(dawid_skene=Leaves(2), **PLAIN).fit(X, codes)
    assert [len(end["X_synth"]) for end in net.ends_[1:]] == [116, 116]


def test_rows_are_followed_by_those_of_the_round():
    rows = np.arange(6.0).reshape(3, 2)
    augmented = AugmentedRows(rows)
    for n_made in (0, 5, 2, 9, 0, 1):
        made = np.full((n_made, 2), float(n_made))
        assert_array_equal(augmented.followed_by(made), np.concatenate([rows, made]))
        assert_array_equal(augmented.rows, rows)
    assert_array_equal(rows, np.arange(6.0).reshape(3, 2))


# --- Validation rows -----------------------------------------------------------------


class Parts(Callback):
    def initialize(self):
        self.seen_ = []
        return self

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        batches = TensorBatches(dataset_valid)
        self.seen_.append((batches.X.numpy(), batches.y.numpy()))


def test_every_stage_is_validated_with_the_same_rows_and_trains_on_the_others():
    X, codes, _ = crowd()
    majority = np.array(majority_by_loops(codes, 2))
    net = Recorded(
        train_split="stratified",
        early_stopping=True,
        callbacks=[("parts", Parts())],
        **PLAIN | {"warmup": "all"},
    ).fit(X, codes)
    (held_out, y_held_out), *others = dict(net.callbacks_)["parts"].seen_
    for part, _ in others:
        assert_array_equal(part, held_out)
    everything = as_multiset(X, majority)
    assert as_multiset(*net.epoch(1)) + as_multiset(held_out, y_held_out) == everything
    # Held-out rows have their labels inferred, and are neither seen nor copied.
    X_seen, _ = net.epoch(len(net.history))
    trained_on = {x.tobytes() for x in X_seen}
    assert not trained_on & {x.tobytes() for x in held_out}
    assert len(net.inferred_labels_) == len(X)
    n_real = len(X) - len(held_out)
    assert len(X_seen) == n_real + len(net.X_synth_)
    counts = np.bincount(majority)
    assert np.bincount(y_held_out).tolist() == [round(0.2 * n) for n in counts]


@pytest.mark.parametrize("how", ["eval_set", "predefined_split"])
def test_validation_rows_of_ones_own(how):
    X, codes, truth = crowd()
    names = np.array(["no", "yes"])
    X_valid, y_valid = X[80:], names[truth[80:]]
    params, eval_set = {}, (X_valid, y_valid)
    if how == "predefined_split":
        dataset = torch.utils.data.TensorDataset(
            torch.from_numpy(X_valid), torch.from_numpy(truth[80:])
        )
        params, eval_set, names = (
            {"train_split": predefined_split(dataset)},
            None,
            [0, 1],
        )
        names = np.array(names)
    net = Recorded(early_stopping=True, **PLAIN, **params)
    net.fit(X[:80], names[codes[:80]], eval_set=eval_set)
    assert len(net.inferred_labels_) == 80
    assert np.isfinite(net.history[:, "valid_average_precision"]).all()
    score = -np.log(net.predict_proba(X_valid)[range(40), truth[80:]]).mean()
    losses = net.history[:, "valid_loss"]
    assert min(abs(np.array(losses) - score)) < 1e-5


def test_early_stopping_ends_a_stage_and_not_the_fit():
    X, codes, _ = crowd()
    net = ICEDClassifier(
        train_split="stratified",
        early_stopping=True,
        patience=2,
        **PLAIN | {"warmup_epochs": 60, "max_epochs": 60, "lr": 0.05},
    ).fit(X, codes)
    stages = net.history[:, "stage"]
    assert stages.count("warm-up") < 180
    assert 0 < stages.count("round") < 60


# --- Going on, stopping, saving ------------------------------------------------------


class Interrupts(Callback):
    def __init__(self, epoch, when="end"):
        self.epoch = epoch
        self.when = when

    def on_epoch_begin(self, net, **kwargs):
        if self.when == "begin" and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, net, **kwargs):
        if self.when == "end" and len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("epoch", "when"),
    # At the end of its last epoch a stage of the warm-up (of two epochs) is complete.
    [slow_if(epoch in (2, 4, 6), epoch, "begin") for epoch in range(1, 9)]
    + [(epoch, "end") for epoch in (1, 3, 5, 7, 8)],
)
def test_an_interrupt_ends_training(epoch, when):
    X, codes, _ = crowd()
    net = ICEDClassifier(callbacks=[Interrupts(epoch, when)], **PLAIN).fit(X, codes)
    assert len(net.history) == epoch
    assert_allclose(net.predict_proba(X).sum(1), 1)
    assert len(net.inferred_labels_) == len(X)
    assert len(net.X_synth_) == len(net.y_synth_)
    assert (len(net.X_synth_) > 0) == (epoch > 6)
    assert len(net.worker_error_rates_) == 5
    assert net.run_ is None
    # It can go on, with rounds.
    net.set_params(callbacks=None).partial_fit(X, codes)
    assert net.history[-3:, "stage"] == ["round"] * 3


class InterruptedModel(DawidSkene):
    """Is interrupted in the second round, in the middle of it."""

    calls = 0

    def fit_predict(self, annotations, y=None):
        type(self).calls += 1
        if type(self).calls == 2:
            raise KeyboardInterrupt
        return super().fit_predict(annotations)


def test_an_interrupt_in_the_middle_of_a_round_leaves_the_last_one():
    X, codes, _ = crowd()
    InterruptedModel.calls = 0
    net = Recorded(dawid_skene=InterruptedModel(assignment="hard"), **PLAIN)
    net.fit(X, codes)
    assert len(net.ends_) == 1
    assert_array_equal(net.X_synth_, net.ends_[0]["X_synth"])
    assert_array_equal(net.y_synth_, net.ends_[0]["y_synth"])
    assert_array_equal(net.inferred_labels_, net.ends_[0]["inferred"])


@pytest.mark.parametrize("warm_start", [True, False])
def test_going_on_begins_with_a_round(warm_start):
    X, codes, _ = crowd()
    net = Recorded(warm_start=warm_start, **PLAIN).fit(X, codes)
    if warm_start:
        net.fit(X, codes)
    else:
        net.partial_fit(X[:90], codes[:90])
        assert len(net.inferred_labels_) == 90
    assert net.history[:, "stage"] == ["warm-up"] * 6 + ["round"] * 6
    # Candidates are those of the majority vote again.
    majority = np.bincount(majority_by_loops(codes if warm_start else codes[:90], 2))
    assert len(net.ends_[3]["X_synth"]) == majority[0] - majority[1]


class Saves(Callback):
    def initialize(self):
        self.saved_, self.weight_ = [], []
        return self

    def on_epoch_end(self, net, **kwargs):
        self.saved_.append(pickle.dumps(net))
        self.weight_.append(net.module_.head.weight.detach().clone())


def test_a_net_saved_in_the_middle_of_training_goes_on():
    X, codes, _ = crowd()
    net = ICEDClassifier(callbacks=[("saves", Saves())], **PLAIN).fit(X, codes)
    saves = dict(net.callbacks_)["saves"]
    for saved, weight in zip(saves.saved_, saves.weight_, strict=True):
        copy = pickle.loads(saved)
        assert torch.equal(copy.module_.head.weight, weight)
        assert copy.run_ is None
        assert copy.predict(X).shape == (120,)
    copy.set_params(callbacks=None).partial_fit(X, codes)
    assert copy.history[:, "stage"] == ["warm-up"] * 6 + ["round"] * 6


def test_a_checkpoint(tmp_path):
    X, codes, _ = crowd()
    checkpoint = Checkpoint(monitor="train_loss_best", dirname=str(tmp_path))
    net = ICEDClassifier(callbacks=[("save", checkpoint)], **PLAIN).fit(X, codes)
    other = ICEDClassifier(**PLAIN | {"max_epochs": 1, "random_state": 1})
    other.fit(X, codes)
    other.load_params(checkpoint=dict(net.callbacks_)["save"])
    best = int(np.argmin(net.history[:, "train_loss"]))
    assert other.predict_proba(X).shape == (120, 2)
    if best == len(net.history) - 1:
        assert_array_equal(other.predict_proba(X), net.predict_proba(X))


def test_ordinary_labels_leave_nothing_of_an_earlier_inference():
    X, codes, truth = crowd()
    net = ICEDClassifier(**PLAIN).fit(X, codes)
    net.fit(X, truth)
    assert_array_equal(net.inferred_labels_, truth)
    for name in ("dawid_skene_", "worker_error_rates_", "X_synth_", "y_synth_"):
        assert not hasattr(net, name)


# --- Batches, modules, rows ----------------------------------------------------------


@pytest.mark.parametrize("iterator", ["balanced", "smote", "mixup", "remix"])
def test_batches_of_every_kind(iterator):
    X, codes, _ = crowd()
    net = Recorded(iterator_train=iterator, **PLAIN).fit(X, codes)
    assert net.history[:, "stage"] == ["warm-up"] * 6 + ["round"] * 3
    assert np.isfinite(net.history[:, "train_loss"]).all()
    if iterator == "balanced":
        number = len(net.history)
        X_seen, y_seen = net.epoch(number)
        rows = np.concatenate([X, net.X_synth_])
        assert len(X_seen) == len(rows)
        labels = np.concatenate([net.inferred_labels_, net.y_synth_])
        assert set(as_multiset(X_seen, y_seen)) <= set(as_multiset(rows, labels))


class SmallConvNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(16, n_classes))

    def forward(self, x):
        return self.head(self.features(x))


def test_images_with_a_module_of_ones_own():
    rng = np.random.RandomState(0)
    truth = np.repeat([0, 1], [70, 20])
    X = rng.rand(90, 1, 6, 6).astype(np.float32) + truth[:, None, None, None]
    codes = simulate_annotators(truth, n_workers=4, error_rate=0.2, random_state=0)
    params = {k: v for k, v in SMALL.items() if k[:8] != "module__"}
    net = ICEDClassifier(SmallConvNet, **params).fit(X, codes)
    assert net.X_synth_.shape[1:] == (1, 6, 6)
    assert len(net.X_synth_) > 0
    low, high = X.min(0), X.max(0)
    assert ((net.X_synth_ >= low) & (net.X_synth_ <= high)).all()
    assert_allclose(net.predict_proba(X).sum(1), 1)


class Headless(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.last = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.last(x)


def test_a_module_without_a_head_is_refused():
    X, codes, _ = crowd()
    net = ICEDClassifier(Headless, callbacks=[NoTraining()], max_epochs=1)
    with pytest.raises(ValueError, match="Headless does not say .* Name that layer"):
        net.fit(X, codes)


def test_rows_are_in_the_range_of_each_column():
    X, codes, _ = crowd()
    X = X * np.float32([1, 100, 0.01, 3, 0])
    net = ICEDClassifier(**SMALL).fit(X, codes)
    assert (net.X_synth_ >= X.min(0)).all() and (net.X_synth_ <= X.max(0)).all()
    assert (net.X_synth_[:, 4] == 0).all()


def test_a_long_table_is_embedded_in_parts():
    X, codes, _ = crowd(n_samples=9000)
    net = Recorded(**PLAIN | {"max_epochs": 1, "warmup": None, "batch_size": 1000})
    net.fit(X, codes)
    z = embed_by_loops(net.begins_[0]["module"], X)
    again = net.begins_[0]["module"]
    net.module_ = again
    assert_allclose(net._embed(X), z, atol=1e-5)


@pytest.mark.gpu
def test_cuda_training_is_that_on_the_cpu():
    X, codes, _ = crowd()
    on_cpu = ICEDClassifier(**PLAIN).fit(X, codes)
    on_cuda = ICEDClassifier(**PLAIN | {"device": "cuda"}).fit(X, codes)
    assert next(on_cuda.module_.parameters()).is_cuda
    assert len(on_cuda.X_synth_) > 0
    agree = on_cuda.inferred_labels_ == on_cpu.inferred_labels_
    assert agree.mean() > 0.9
    assert np.isfinite(on_cuda.predict_proba(X)).all()


def test_a_split_must_say_which_rows_it_took():
    X, codes, _ = crowd()

    def halves(dataset, y, **kwargs):
        X, y = dataset.X, dataset.y
        return Dataset(X[:60], y[:60]), Dataset(X[60:], y[60:])

    net = ICEDClassifier(**PLAIN | {"train_split": halves})
    with pytest.raises(ValueError, match="gave a Dataset of 60 rows and does not say"):
        net.fit(X, codes)


def test_a_split_may_be_a_part_of_a_part():
    X, codes, _ = crowd()

    def nested(dataset, y, **kwargs):
        later = Subset(dataset, np.arange(20, 120))
        return Subset(later, np.arange(40, 100)), Subset(later, np.arange(40))

    def direct(dataset, y, **kwargs):
        return Subset(dataset, np.arange(60, 120)), Subset(dataset, np.arange(20, 60))

    one, other = (
        ICEDClassifier(**PLAIN | {"train_split": split}).fit(X, codes)
        for split in (nested, direct)
    )
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_all_rows_at_once():
    X, codes, _ = crowd()
    net = ICEDClassifier(**PLAIN | {"batch_size": -1}).fit(X, codes)
    assert_allclose(net.predict_proba(X).sum(1), 1)


def test_balanced_class_weights_do_not_balance_twice():
    X, codes, _ = crowd(n_samples=300)
    weights = []

    class Watch(Callback):
        def on_batch_begin(self, net, training, **kwargs):
            if training and net.run_.rounds is not None:
                weights.append(net.criterion_.weight.clone())

    net = ICEDClassifier(class_weight="balanced", callbacks=[Watch()], **PLAIN)
    net.fit(X, codes)
    made = np.concatenate([net.inferred_labels_, net.y_synth_])
    expected = len(made) / (2 * np.bincount(made))
    assert_allclose(weights[-1].numpy(), expected, rtol=1e-6)


def test_parameters_of_the_model_of_the_workers():
    net = ICEDClassifier(dawid_skene=DawidSkene()).set_params(dawid_skene__smoothing=1)
    assert net.dawid_skene.smoothing == 1
    with pytest.raises(ValueError, match="which is None. Pass dawid_skene=DawidSkene"):
        ICEDClassifier().set_params(dawid_skene__smoothing=1)
