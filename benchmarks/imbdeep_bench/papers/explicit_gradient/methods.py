"""The paper's method and its baselines, all on the paper's terms.

Every method has the same net, optimiser, epochs and validation rows. A baseline chooses
its epoch by the average precision on the validation rows, as the paper's method does,
and has a second variant that is then trained on training and validation rows for as
many epochs.
"""

from functools import partial

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.validation import check_is_fitted

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier
from imbdeep.over_sampling import ConditionalWGAN
from imbdeep_bench.data.adult import preprocessing
from imbdeep_bench.engine.experiment import Method, by_name

# Section 5 of the paper. Patience as long as the training: the best of all epochs.
PAPER_NET = {
    "module__hidden_sizes": (128, 16),
    "module__dropout": 0.0,
    "numeric_encoding": None,
    "lr": 1e-3,
    "optimizer__betas": (0.5, 0.999),
    "batch_size": 128,
    "max_epochs": 200,
    # The best epoch counts, however few validation rows say which it is.
    "early_stopping": True,
    "patience": 200,
}
# Ends the name of a baseline that was trained on validation rows too.
ALL_ROWS = "_all"
PAPER_STEPS = {
    "inner_lr": 0.01,
    "synth_lr": 10.0,
    "synth_unit": "input",
    "clip": False,
    "pretrain_epochs": 200,
}
# What ADASYN says of it, imbalanced-learn's spelling included.
NO_RARE_ROW_AT_A_BORDER = ("Not any neigbours belong", "No samples will be generated")


def double_minority(y):
    """Rows of the rarest class after over-sampling: twice as many, as in the paper."""
    labels, counts = np.unique(y, return_counts=True)
    rarest = counts.argmin()
    return {labels[rarest]: 2 * counts[rarest]}


def best_epochs(net):
    """How many epochs led to the weights that early stopping chose."""
    scores = np.array(net.history[:, "valid_average_precision"])
    # Of equally good epochs it takes the last.
    return len(scores) - int(scores[::-1].argmax())


class ScaledNet(ClassifierMixin, BaseEstimator):
    """Scaling, an over-sampler and a net; validation rows choose the epoch.

    The sampler sees scaled training rows, and never validation rows unless ``refit``:
    then the net is trained once more on training and validation rows together, for as
    many epochs as were best on the latter. Without a scaler, scaling is min-max.
    """

    def __init__(self, net, sampler=None, scaler=None, refit=False):
        self.net = net
        self.sampler = sampler
        self.scaler = scaler
        self.refit = refit

    def fit(self, X, y, eval_set):
        self.classes_ = np.unique(y)
        X_valid, y_valid = eval_set
        self._fit(X, y, self.net, eval_set)
        labels, counts = np.unique(y, return_counts=True)
        rarest = counts.argmin()
        # Not the history's best: a net may have lost that epoch, to co-training that
        # never gets as far or for want of early stopping.
        self.valid_average_precision_ = average_precision_score(
            y_valid == labels[rarest], self.predict_proba(X_valid)[:, rarest]
        )
        if self.refit:
            alone = {"train_split": None, "early_stopping": False}
            n_epochs = best_epochs(self.net_)
            net = clone(self.net).set_params(max_epochs=n_epochs, **alone)
            self._fit(np.concatenate([X, X_valid]), np.concatenate([y, y_valid]), net)
        return self

    def _fit(self, X, y, net, eval_set=None):
        scaler = MinMaxScaler() if self.scaler is None else clone(self.scaler)
        self.scaler_ = scaler.fit(X)
        X = self.scaler_.transform(X)
        if eval_set is not None:
            eval_set = self.scaler_.transform(eval_set[0]), eval_set[1]
        if self.sampler is not None:
            X, y = self._resample(X, y)
        self.net_ = clone(net).fit(X, y, eval_set=eval_set)

    def _resample(self, X, y):
        sampler = clone(self.sampler)
        n_rarest = np.unique(y, return_counts=True)[1].min()
        for name in ("k_neighbors", "n_neighbors"):
            if name in sampler.get_params():
                most = min(sampler.get_params()[name], n_rarest - 1)
                sampler.set_params(**{name: most})
        try:
            return sampler.fit_resample(X, y)
        except (ValueError, RuntimeError) as error:
            # Borderline-SMOTE returns the rows as they are.
            if str(error).startswith(NO_RARE_ROW_AT_A_BORDER):
                return X, y
            raise

    def predict_proba(self, X):
        check_is_fitted(self)
        return self.net_.predict_proba(self.scaler_.transform(X))


def plain(random_state, device="cpu", scaler=None, refit=False, **params):
    """A net without synthetic rows, on the paper's terms."""
    params = {**PAPER_NET, **params, "random_state": random_state, "device": device}
    net = NetClassifier(**params)
    return ScaledNet(net, scaler=scaler, refit=refit)


def sampled(sampler, random_state, device="cpu", scaler=None, refit=False, **params):
    """The net on rows that an over-sampler has added to the training part."""
    made = plain(random_state, device, scaler, refit, **params)
    own = {"sampling_strategy": double_minority, "random_state": random_state}
    return made.set_params(sampler=sampler(**own))


def generated(random_state, device="cpu", scaler=None, refit=False, **params):
    """The net on rows that a conditional Wasserstein GAN has added (cWGAN).

    All columns count as numeric, as the paper has it. NOTE[DIFF]: the GAN is ours at
    its defaults; the paper takes its authors' net, whose layers cross columns, and
    their settings. How many rows it makes, the paper does not say: as many as the
    over-samplers.
    """
    gan = partial(ConditionalWGAN, categorical_features=None, device=device)
    return sampled(gan, random_state, device, scaler, refit, **params)


def explicit_gradient(random_state, device="cpu", scaler=None, **params):
    """The paper's method."""
    params = {**PAPER_NET, **PAPER_STEPS, **params, "random_state": random_state}
    net = MetaAugmentClassifier(**params, device=device)
    return ScaledNet(net, scaler=scaler)


# Each is called with random_state, device, scaler and, but for those of OURS, refit.
BASELINES = {
    "ce": plain,
    "ros": partial(sampled, RandomOverSampler),
    "smote": partial(sampled, SMOTE),
    "adasyn": partial(sampled, ADASYN),
    "bsmote": partial(sampled, BorderlineSMOTE),
    "cwgan": generated,
    "focal": partial(plain, criterion="focal"),
    "ldam": partial(plain, criterion="ldam"),
}
OURS = {
    "explicit_gradient": explicit_gradient,
    "duplicates": partial(explicit_gradient, synth_lr=0.0),
}
# The inner step of eq. (1), which the paper states beside that of Algorithm 1.
EQUATION_1 = {"equation_1": partial(explicit_gradient, inner_rows="synthetic")}


def trained_again(makes):
    """Return baselines that are trained once more, on validation rows too."""
    return {f"{name}{ALL_ROWS}": partial(make, refit=True) for name, make in makes}


SET_METHODS = {**BASELINES, **OURS, **EQUATION_1, **trained_again(BASELINES.items())}


# --- Table 1 -------------------------------------------------------------------------


def on_components(make, **params):
    """Give a maker of models the table's preprocessing in place of min-max scaling.

    So eta2 refers to principal components as they are.
    """
    return partial(make, scaler=preprocessing(), **params)


# As many rows of each class in every mini-batch.
_BALANCED = {"iterator_train": "balanced", "iterator_train__balance": "exact"}
_ON_TABLE = {
    "ce": on_components(plain),
    "rs": on_components(plain, **_BALANCED),
    "smote": on_components(BASELINES["smote"]),
    "focal": on_components(BASELINES["focal"]),
    "potential": on_components(plain),
}


def _kind(name):
    """Say whose nets move synthetic rows, and whose minority withdrawn rows double."""
    if name in OURS:
        return "synthetic"
    return "withdrawn" if name.startswith("potential") else ""


TABLE_METHODS = by_name(
    Method(name, make, name, _kind(name))
    for name, make in {
        **_ON_TABLE,
        **{name: on_components(make) for name, make in OURS.items()},
        **trained_again(_ON_TABLE.items()),
    }.items()
)
