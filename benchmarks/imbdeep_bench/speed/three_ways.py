"""Three ways to fit the same net: imbdeep, a loop by hand, stock skorch."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import ValidSplit
from torch import nn

from imbdeep._nets.splits import stratified_split
from imbdeep.classifiers import NetClassifier
from imbdeep.modules import MLP
from imbdeep.modules._numeric_encoding import encoding_recipe
from imbdeep_bench.speed.measure import finished

BATCH_SIZE = 128
# imbdeep's batches when nothing is learned from them.
VALID_BATCH_SIZE = 1024


@dataclass(frozen=True)
class Fit:
    """One timed fit; ``set_up`` is the part of ``seconds`` before the first epoch."""

    seconds: float
    set_up: float
    epochs: int
    steps: int
    valid_loss: float

    @property
    def epoch_seconds(self):
        return (self.seconds - self.set_up) / self.epochs


class FirstEpochClock(Callback):
    """Note when the first epoch begins."""

    def initialize(self):
        self.began_ = None
        return self

    def on_epoch_begin(self, net, **kwargs):
        if self.began_ is None:
            self.began_ = perf_counter()


def _timed_fit(make_net, X, y, device, seed):
    """Make a skorch net from a list of further callbacks, fit it and time both."""
    clock = FirstEpochClock()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        start = perf_counter()
        net = make_net([clock]).fit(X, y)
        end = finished(device)
    return Fit(
        seconds=end - start,
        set_up=clock.began_ - start,
        epochs=len(net.history),
        steps=sum(net.history[:, "train_batch_count"]),
        valid_loss=net.history[-1, "valid_loss"],
    )


def fit_imbdeep(X, y, *, encoding, epochs, device, seed):
    """Fit imbdeep's plain net."""

    def make_net(callbacks):
        return NetClassifier(
            numeric_encoding=encoding,
            batch_size=BATCH_SIZE,
            max_epochs=epochs,
            early_stopping=False,
            callbacks=callbacks,
            device=device,
            random_state=seed,
        )

    return _timed_fit(make_net, X, y, device, seed)


def fit_stock(X, y, *, encoding, epochs, device, seed):
    """Fit skorch's own classifier on the same module."""

    def make_net(callbacks):
        recipe = encoding_recipe(torch.from_numpy(X), encoding)
        return NeuralNetClassifier(
            MLP,
            module__n_features=X.shape[1],
            module__n_classes=2,
            module__encoding=recipe and recipe(),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=BATCH_SIZE,
            max_epochs=epochs,
            iterator_train__shuffle=True,
            train_split=ValidSplit(5, stratified=True),
            callbacks=callbacks,
            verbose=0,
            device=device,
        )

    return _timed_fit(make_net, X, y, device, seed)


def train_bare(module, train, valid, *, epochs, generator=None):
    """Train a module on tensors (X, y), and measure it on others after each epoch.

    Returns what each epoch took and came to, as a list of dicts.
    """
    X, y = train
    X_valid, y_valid = valid
    y_true = y_valid.cpu().numpy()
    counts = np.bincount(y_true)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    history = []
    for _ in range(epochs):
        module.train()
        total = torch.zeros((), device=X.device)
        order = torch.randperm(len(X), generator=generator).to(X.device)
        batches = order.split(BATCH_SIZE)
        for rows in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(module(X.index_select(0, rows)), y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        module.eval()
        with torch.inference_mode():
            logits = torch.cat([module(x) for x in X_valid.split(VALID_BATCH_SIZE)])
            valid_loss = criterion(logits, y_valid).item()
            proba = logits.double().softmax(-1)[:, 1].cpu().numpy()
        recalls = np.bincount(y_true[(proba > 0.5) == y_true], minlength=2) / counts
        history.append(
            {
                "steps": len(batches),
                "train_loss": total.item() / len(X),
                "valid_loss": valid_loss,
                "average_precision": average_precision_score(y_true, proba),
                "balanced_accuracy": recalls.mean(),
                "g_mean": recalls.prod() ** 0.5,
            }
        )
    return history


def fit_bare(X, y, *, encoding, epochs, device, seed):
    """Fit the same module by the loop written for it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        start = perf_counter()
        train, valid = stratified_split(y, 0.2, np.random.RandomState(seed))
        rows, target = torch.from_numpy(X), torch.from_numpy(y)
        recipe = encoding_recipe(rows, encoding)
        module = MLP(X.shape[1], 2, encoding=recipe and recipe()).to(device)
        parts = [
            (rows[part].to(device), target[part].to(device)) for part in (train, valid)
        ]
        began = perf_counter()
        history = train_bare(module, *parts, epochs=epochs)
        end = finished(device)
    return Fit(
        seconds=end - start,
        set_up=began - start,
        epochs=epochs,
        steps=sum(epoch["steps"] for epoch in history),
        valid_loss=history[-1]["valid_loss"],
    )


FITS = {"imbdeep": fit_imbdeep, "bare PyTorch": fit_bare, "stock skorch": fit_stock}
