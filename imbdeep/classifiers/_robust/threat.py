"""Base class of the nets that train on rows moved within a ball."""

import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._arguments import FiniteReal
from imbdeep._nets.run import Run
from imbdeep._tables.rows import column_moments, column_range
from imbdeep.attacks._box import check_inside, read_box
from imbdeep.attacks._threat import (
    check_threat,
    lengths_per_feature,
    make_ball,
    movable_features,
    warn_of_tiny_radius,
)
from imbdeep.batches import MixUpBatches
from imbdeep.batches._tensor_batches import rows_of, with_rows
from imbdeep.classifiers._deferred import BaseDeferredClassifier


class PixelEps(NamedTuple):
    """Radius that pixels from 0 to 1 have by default, and how messages call it.

    Attributes
    ----------
    value : float
    name : str
    needs : dict
        Parameters with which it can be left out.
    """

    value: float
    name: str
    needs: dict


class ThreatRun(Run):
    """State of a fit on moved rows.

    Attributes
    ----------
    ball : Ball
        Where rows may be moved to.
    """

    ball = None


class ThreatNetClassifier(BaseDeferredClassifier):
    """Net that trains on rows moved within a ball.

    See :class:`AdversarialClassifier` for its parameters. Subclasses override
    :meth:`begin_attack`, what a fit holds besides the ball, and
    :meth:`training_rows`, the rows that a step trains on, or :meth:`training_loss`,
    what it minimises.
    """

    _trains_one_net = True
    _run_class = ThreatRun
    # The attack learns how far each pixel varies.
    _keeps_images = False
    # The papers' radius.
    _pixel_eps = PixelEps(8 / 255, "8/255", {"norm": "linf", "eps_unit": "input"})
    _parameter_constraints = {
        **BaseDeferredClassifier._parameter_constraints,
        "eps": [FiniteReal(0, None), "array-like", None],
        "eps_unit": [StrOptions({"input", "std"})],
        "perturb": ["array-like", None],
        "box": [StrOptions({"data"}), "array-like", None],
        "iterator_train": [StrOptions({"shuffled", "balanced", "smote"}), callable],
    }
    # Subclasses that leave the choice to the user have parameters of these names.
    norm = "linf"
    step_size = None

    def __init__(
        self,
        module="mlp",
        *,
        eps=None,
        eps_unit="input",
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
        self.perturb = perturb
        self.box = box

    # --- What the attacker may do ----------------------------------------------------

    def _check_parameters(self):
        super()._check_parameters()
        # The meaning of None depends on the rows.
        eps = 0 if self.eps is None else self.eps
        check_threat(self.norm, eps, self.eps_unit, self.step_size)
        iterator = self._training_iterator()
        if isinstance(iterator, type) and issubclass(iterator, MixUpBatches):
            raise ValueError(
                f"{type(self).__name__} attacks rows of one label, and iterator_train="
                f"{self.iterator_train!r} mixes them. Use ImbMixClassifier, which "
                "mixes attacked rows."
            )

        if self.augment is not None and isinstance(self.box, str):
            raise ValueError(
                f"box={self.box!r} is the range of each feature in the rows as they "
                f"are, which rows that are augmented leave. Give the range of pixels, "
                "such as box=(0, 1), or box=None."
            )

    def _learn_from_columns(self, X):
        super()._learn_from_columns(X)
        self.feature_std_ = column_moments(X)[1].numpy()

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        shape = X.shape[1:]
        names = getattr(self, "feature_names_in_", None)
        movable = movable_features(self.perturb, shape, names, self.is_level_)
        of_row = {"shape": shape, "names": names, "movable": movable}
        in_input = partial(
            lengths_per_feature, unit=self.eps_unit, std=self.feature_std_, **of_row
        )
        eps = self._eps_for(X) if self.eps is None else self.eps
        radius = np.where(movable, in_input("eps", eps), 0.0)
        if (
            not radius.any()
            and lengths_per_feature("eps", eps, **of_row)[movable].any()
        ):
            warnings.warn(
                "No feature can be moved: each has the standard deviation 0 in the "
                "rows that it was measured in, those of the first call.",
                stacklevel=2,
            )
        if not movable.any():
            warnings.warn(
                f"No feature can be moved: perturb={self.perturb!r} names none, and "
                "the net is trained as if there were no attack.",
                stacklevel=2,
            )
        warn_of_tiny_radius(radius, self.feature_std_)
        self.box_ = self._box_for(X, of_row)
        self.eps_ = radius
        if self.step_size is None:
            step_size = self.default_step(radius)
        else:
            step_size = in_input("step_size", self.step_size)
        if step_size is not None:
            self.step_size_ = np.where(movable, step_size, 0.0)

    def default_step(self, radius):
        """Hook: the step length of each feature for ``step_size=None``.

        Parameters
        ----------
        radius : ndarray of the shape of a row

        Returns
        -------
        ndarray of the shape of a row, or None if the method makes no such steps
        """

    def _eps_for(self, X):
        """Default radius, or an error if these rows have none."""
        default = self._pixel_eps
        if X.ndim == 2 or any(getattr(self, k) != v for k, v in default.needs.items()):
            needs = " and ".join(f"{k}={v!r}" for k, v in default.needs.items())
            raise ValueError(
                f"{type(self).__name__} needs eps, how far the attack may move a row. "
                "For a table measure it in standard deviations, such as the error of "
                "the measurements: eps_unit='std' with for example eps=0.1. Only for "
                f"pixels from 0 to 1, with {needs}, can it be left out, and is "
                f"{default.name}."
            )
        low, high = X.min(), X.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"{type(self).__name__} needs eps for these rows: left out it is "
                f"{default.name} of pixels from 0 to 1, and X goes from {low:g} to "
                f"{high:g}. Give eps in the unit of X, such as eps="
                f"{default.value * 255:.2g} for pixels of 0 to 255, or bring X to "
                "[0, 1]."
            )
        return default.value

    def _box_for(self, X, of_row):
        if self.box is None:
            return None
        if isinstance(self.box, str):
            return column_range(X)
        box = read_box(self.box, dtype=X.dtype, **of_row)
        check_inside(X, *box)
        return box

    def _train(self, train, valid, method, epochs=None):
        radius = self.radius_of_ball()
        self.run_.ball = make_ball(
            self.norm, radius, radius > 0, self.box_, **self.like_rows()
        )
        self.begin_attack()
        return super()._train(train, valid, method, epochs)

    def radius_of_ball(self):
        """Hook: radius of the ball, ndarray of the shape of a row."""
        return self.eps_

    def begin_attack(self):
        """Hook: set up what the run holds besides the ball."""

    def like_rows(self):
        """Device and dtype of rows, as arguments of functions of torch."""
        # torch has no public conversion from NumPy's dtypes.
        dtype = torch.from_numpy(np.empty(0, self.rows_dtype_)).dtype
        return {"device": self.device, "dtype": dtype}

    # --- A step ----------------------------------------------------------------------

    def train_step_single(self, batch, **fit_params):
        X, y = self.training_rows(*self.on_device(*unpack_data(batch)))
        self._set_training(True)
        y_pred, loss = self.training_loss(X, y, fit_params)
        loss.backward()
        # Callbacks compare predictions with the labels of the batch.
        return {"loss": loss, "y_pred": y_pred[: len(batch[1])]}

    def training_loss(self, X, y, fit_params):
        """Compute the output of the module for the rows of a step, and their loss.

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

    def inside_box(self, X):
        """Rows of a batch, which an attack relies on to lie in the box."""
        if self.augment is None:
            return X
        # Interpolation rounds.
        return with_rows(X, self.run_.ball.into_box(rows_of(X)))

    def on_device(self, X, y):
        return to_tensor(X, device=self.device), to_tensor(y, device=self.device)
