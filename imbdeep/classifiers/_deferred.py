"""Base class of the nets with deferred re-weighting."""

from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._nets.parameters import accepts
from imbdeep.base import BaseNetClassifier
from imbdeep.callbacks import (
    DeferredReweighting,
    LRDrops,
    TriangularLR,
    WeightAveraging,
)
from imbdeep.losses._registry import LOSSES

_LR_SCHEDULES = {"step": LRDrops, "triangular": TriangularLR}


class BaseDeferredClassifier(BaseNetClassifier):
    """Net whose classes have equal weights for a first fraction of the epochs.

    See :class:`LDAMClassifier` for its parameters.
    """

    _parameter_constraints = {
        **BaseNetClassifier._parameter_constraints,
        "max_margin": [FiniteReal(0, None)],
        "scale": [FiniteReal(0, None, closed="neither")],
        "gamma": [FiniteReal(0, None)],
        "beta": [FiniteReal(0, 1, closed="left")],
        "reweight_from": [FiniteReal(0, 1)],
        "weight_normalization": [StrOptions({"rows", "frequent", "classes"})],
        "lr_schedule": [StrOptions(set(_LR_SCHEDULES)), None],
        "weight_averaging": [StrOptions({"swa", "ema"}), None],
        "average_from": [FiniteReal(0, 1, closed="left")],
        "average_every": [
            WholeNumber(1),
            StrOptions({"auto"}),
        ],
    }

    def __init__(
        self,
        module="mlp",
        *,
        criterion="ldam",
        max_margin=0.5,
        scale=30.0,
        gamma=2.0,
        beta=0.9999,
        reweight_from=0.8,
        weight_reduction="rows",
        weight_normalization="rows",
        lr_schedule="step",
        weight_averaging=None,
        average_from=0.75,
        average_every="auto",
        max_epochs=50,
        early_stopping=False,
        train_split=None,
        **kwargs,
    ):
        super().__init__(
            module,
            criterion=criterion,
            weight_reduction=weight_reduction,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            train_split=train_split,
            **kwargs,
        )
        self.max_margin = max_margin
        self.scale = scale
        self.gamma = gamma
        self.beta = beta
        self.reweight_from = reweight_from
        self.weight_normalization = weight_normalization
        self.lr_schedule = lr_schedule
        self.weight_averaging = weight_averaging
        self.average_from = average_from
        self.average_every = average_every

    def get_params_for(self, prefix):
        params = super().get_params_for(prefix)
        if prefix == "criterion":
            own = {
                "max_margin": self.max_margin,
                "scale": self.scale,
                "gamma": self.gamma,
            }
            criterion = self._component("criterion", LOSSES)
            own = {k: v for k, v in own.items() if accepts(criterion, k)}
            return own | params
        return params

    def _uses_class_weights(self):
        # The callback sets weights later, on a criterion that was built without any.
        return super()._uses_class_weights() or self.reweight_from < 1

    @property
    def _default_callbacks(self):
        reweighting = DeferredReweighting(
            self.reweight_from, self.beta, self.weight_normalization
        )
        callbacks = [*super()._default_callbacks, ("reweighting", reweighting)]
        if self.lr_schedule is not None:
            # get_params lists the callbacks before fit has checked this parameter.
            schedule = _LR_SCHEDULES.get(str(self.lr_schedule))
            callbacks.append(("lr_schedule", schedule and schedule()))
        if self.weight_averaging is not None:
            average = WeightAveraging(
                self.weight_averaging,
                self.average_from,
                average_every=self.average_every,
            )
            callbacks.append(("weight_averaging", average))
        return callbacks
