"""What nets share that train on attacked rows."""

import warnings
from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._rows import column_moments, column_range
from imbdeep.attacks import (
    check_inside,
    check_threat,
    lengths_of_row,
    make_ball,
    movable_features,
    net_logits,
    pgd,
    read_box,
)
from imbdeep.batches import MixUpBatches, rows_of
from imbdeep.classifiers._deferred import DeferredNetClassifier


def with_rows(X, rows):
    """The batch with other rows."""
    return {**X, "X": rows} if isinstance(X, dict) else rows


class AdversarialNetClassifier(DeferredNetClassifier):
    """Net that trains on attacked rows.

    Parameters are those that :class:`AdversarialClassifier` documents. Subclasses
    change which rows a step trains on, :meth:`training_rows`, or what it minimises,
    :meth:`training_loss`.
    """

    _parameter_constraints = {
        **DeferredNetClassifier._parameter_constraints,
        "eps": [Interval(Real, 0, None, closed="left"), "array-like"],
        "eps_unit": [StrOptions({"input", "std"})],
        "norm": [StrOptions({"linf", "l2"})],
        "attack_steps": [Interval(Integral, 1, None, closed="left")],
        "step_size": [Interval(Real, 0, None, closed="left"), "array-like", None],
        "random_start": ["boolean"],
        "perturb": ["array-like", None],
        "box": [StrOptions({"data"}), "array-like", None],
        "iterator_train": [StrOptions({"shuffled", "balanced", "smote"}), callable],
    }

    def __init__(
        self,
        module="mlp",
        *,
        eps=8 / 255,
        eps_unit="input",
        norm="linf",
        attack_steps=10,
        step_size=None,
        random_start=True,
        perturb=None,
        box=None,
        criterion="cross_entropy",
        reweight_from=1.0,
        **kwargs,
    ):
        super().__init__(
            module, criterion=criterion, reweight_from=reweight_from, **kwargs
        )
        self.eps = eps
        self.eps_unit = eps_unit
        self.norm = norm
        self.attack_steps = attack_steps
        self.step_size = step_size
        self.random_start = random_start
        self.perturb = perturb
        self.box = box

    # --- What the attacker may do ----------------------------------------------------

    def _check_parameters(self):
        super()._check_parameters()
        check_threat(self.norm, self.eps, self.eps_unit, self.step_size)
        iterator = self._training_iterator()
        if isinstance(iterator, type) and issubclass(iterator, MixUpBatches):
            raise ValueError(
                f"{type(self).__name__} attacks rows of one label, and iterator_train="
                f"{self.iterator_train!r} mixes them. Use ImbMixClassifier, which "
                "mixes attacked rows."
            )

    def _learn_from_columns(self, X):
        super()._learn_from_columns(X)
        self.feature_std_ = column_moments(X)[1].numpy()

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        shape = X.shape[1:]
        names = getattr(self, "feature_names_in_", None)
        movable = movable_features(self.perturb, shape, names)
        unit, std = self.eps_unit, self.feature_std_
        radius = lengths_of_row("eps", self.eps, shape, unit, std, names)
        if np.any(np.asarray(self.eps) > 0) and movable.any() and not radius.any():
            warnings.warn(
                "No feature can be moved: each has the standard deviation 0 in the "
                "rows that it was measured in, those of the first call.",
                stacklevel=2,
            )
        if self.step_size is None:
            step_size = 2.5 * radius / self.attack_steps
        else:
            step_size = lengths_of_row(
                "step_size", self.step_size, shape, unit, std, names
            )
        if isinstance(self.box, str):
            box = column_range(X)
        else:
            box = None if self.box is None else read_box(self.box, shape)
        if box is not None:
            check_inside(X, *box)
        self.eps_ = np.where(movable, radius, 0.0)
        self.step_size_ = np.where(movable, step_size, 0.0)
        self.box_ = box

    def _train(self, X, target, method, epochs=None):
        step_size = torch.as_tensor(self.step_size_, dtype=torch.float32)
        self.attack_ = partial(
            pgd,
            partial(net_logits, self),
            ball=make_ball(self.norm, self.eps_, self.eps_ > 0, self.box_, self.device),
            attack_steps=self.attack_steps,
            step_size=step_size.to(self.device),
            random_start=self.random_start,
        )
        try:
            return super()._train(X, target, method, epochs)
        finally:
            # It holds tensors of the training device, which a pickle must not need.
            del self.attack_

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "attack_"}

    # --- A step ----------------------------------------------------------------------

    def train_step_single(self, batch, **fit_params):
        X, y = self.training_rows(*self._on_device(*unpack_data(batch)))
        self._set_training(True)
        y_pred, loss = self.training_loss(X, y, fit_params)
        loss.backward()
        # Callbacks compare predictions with the labels of the batch.
        return {"loss": loss, "y_pred": y_pred[: len(batch[1])]}

    def training_rows(self, X, y):
        """Rows that a step trains on instead of those of its batch, and their labels.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'
        y : Tensor of shape (n,), int64

        Returns
        -------
        X, y
        """
        # As the net predicts: without dropout, and leaving batch norm's statistics.
        self._set_training(False)
        return with_rows(X, self.attack_(rows_of(X), y)), y

    def training_loss(self, X, y, fit_params):
        """Output of the module for the rows of a step, and their loss.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'
        y : Tensor of shape (n,) or (n, n_classes)
        fit_params : dict

        Returns
        -------
        y_pred : Tensor of shape (n, n_classes)
        loss : Tensor of shape ()
        """
        y_pred = self.infer(X, **fit_params)
        return y_pred, self.get_loss(y_pred, y, X=X, training=True)

    def _on_device(self, X, y):
        return to_tensor(X, device=self.device), to_tensor(y, device=self.device)
