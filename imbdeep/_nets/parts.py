"""Module, criterion, optimizer and callbacks, built from parameters and the data."""

from copy import deepcopy

import numpy as np
import torch
from skorch.callbacks import EpochScoring, EpochTimer, PassthroughScoring
from skorch.history import History

from imbdeep._nets.nested_parameters import (
    check_callbacks,
    check_groups,
    check_optimizer,
    check_sizes,
    naming_parameters,
)
from imbdeep._nets.parameters import accepts, needs
from imbdeep._nets.scoring import score_in_labels
from imbdeep._torch.draws import drawing_for_fit
from imbdeep.callbacks import EarlyStopping, EpochMetrics, FiniteLoss, PrintLog
from imbdeep.callbacks._epoch_metrics import RECORDED
from imbdeep.callbacks._weight_averaging import averages_last
from imbdeep.losses import ClassificationLoss
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._registry import MODULES

# Validation rows of the rarest class below which average precision is too noisy to stop
# training by.
_LEAST_RARE_ROWS = 5


class BuildsParts:
    """Module, criterion, optimizer and callbacks, built from parameters and the data.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    @property
    def _default_callbacks(self):
        callbacks = [
            ("epoch_timer", EpochTimer()),
            ("finite_loss", FiniteLoss()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("epoch_metrics", EpochMetrics()),
            ("print_log", PrintLog()),
        ]
        # get_params lists the callbacks before fit has checked this parameter.
        stops = self.early_stopping
        if isinstance(stops, bool | np.bool_ | str) and stops:
            callbacks += self._stopping_callbacks(stops)
        return callbacks

    def _stopping_callbacks(self, stops):
        callbacks, metric = [], self.scoring
        if not (isinstance(metric, str) and metric in RECORDED):
            scoring = EpochScoring(metric, lower_is_better=False, name="valid_score")
            callbacks, metric = [("scoring", scoring)], "score"
        least = _LEAST_RARE_ROWS if stops == "auto" else 0
        stopping = EarlyStopping(
            f"valid_{metric}", patience=self.patience, least_rare_rows=least
        )
        return [*callbacks, ("early_stopping", stopping)]

    def initialize_history(self):
        # skorch would empty the old history in place; a failed fit has to restore it.
        self.history_ = History()
        return self

    def initialize_callbacks(self):
        given = self._prefixed("callbacks")
        self._check_callbacks_exist(given)
        callbacks = [
            (name, given.get(f"callbacks__{name}", callback))
            for name, callback in self._uniquely_named_callbacks()
        ]
        check_callbacks(callbacks, given)
        self.callbacks_ = averages_last(
            [
                (name, self._build_callback(f"callbacks__{name}", callback))
                for name, callback in callbacks
                if callback is not None
            ]
        )
        score_in_labels(self.callbacks_)
        return self

    def _build_callback(self, prefix, callback):
        params = self.get_params_for(prefix)
        with naming_parameters(prefix, callback, params):
            if isinstance(callback, type):
                callback = callback(**params)
            else:
                callback.set_params(**params)
            callback.initialize()
        return callback

    def initialize_module(self):
        with self._seeded(), drawing_for_fit():
            self.module_ = self._make_module()
        return self

    def _make_module(self):
        module = self._component("module", MODULES)
        learned = {
            "n_features": getattr(self, "n_features_in_", None),
            "n_classes": len(getattr(self, "classes_inferred_", ())) or None,
            "encoding": getattr(self, "encoding_recipe_", None),
            "image_size": getattr(self, "image_size_", None),
            "head": getattr(self._component("criterion", LOSSES), "head", None),
        }
        if learned["encoding"] is not None:
            learned["encoding"] = learned["encoding"]()
        given = self.get_params_for("module").get("encoding", learned["encoding"])
        self._learn_inputs_and_bins(given)
        return self._build("module", module, learned)

    def initialize_criterion(self):
        criterion = self._component("criterion", LOSSES)
        learned = {
            "weight": getattr(self, "class_weight_", None),
            "class_counts": getattr(self, "class_counts_", None),
        }
        if learned["weight"] is not None and not accepts(criterion, "weight"):
            raise ValueError(
                f"class_weight needs a criterion that takes a weight, got "
                f"{criterion!r}. Use a loss of imbdeep.losses or leave class_weight."
            )
        learned = {
            name: torch.as_tensor(value, dtype=torch.float32)
            for name, value in learned.items()
            if value is not None
        }
        with self._seeded(), drawing_for_fit():
            self.criterion_ = self._build("criterion", criterion, learned)
        if self._uses_class_weights():
            self._check_weight_reduction()
        # Prediction needs these after trim_for_prediction has dropped the criterion.
        self.gives_probabilities_ = isinstance(self.criterion_, torch.nn.NLLLoss)
        self.logit_scale_ = getattr(self.criterion_, "scale", 1.0)
        return self

    def initialize_optimizer(self, triggered_directly=None):
        given = self._set_by_user("optimizer")
        check_optimizer(self.optimizer, given)
        with naming_parameters("optimizer", self.optimizer, given):
            super().initialize_optimizer(triggered_directly)
        check_groups(self.optimizer_, given)
        return self

    def get_params_for(self, prefix):
        params = super().get_params_for(prefix)
        # Not in initialize_criterion: _criterion_reduction and _parameters read it too.
        if prefix == "criterion" and accepts(
            self._component("criterion", LOSSES), "weight_reduction"
        ):
            params.setdefault("weight_reduction", self.weight_reduction)
        return params

    def get_params_for_optimizer(self, prefix, named_parameters):
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        optimizer = getattr(self, prefix)
        # A user's choice stands; fused together with foreach would be an error.
        alternatives = {"fused", "foreach", "capturable", "differentiable"}
        # functools.partial holds arguments of its own.
        chosen = set(kwargs) | set(getattr(optimizer, "keywords", ()))
        if accepts(optimizer, "fused") and not alternatives & chosen:
            kwargs["fused"] = True
        return args, kwargs

    def _build(self, name, component, learned):
        """Build a part from its parameters and what it takes of the learned values."""
        params = self.get_params_for(name)
        if isinstance(component, torch.nn.Module):
            # A copy: fit must not change a parameter, or a clone would know the data.
            return self.initialized_instance(deepcopy(component), params)
        for key, value in learned.items():
            if value is not None and accepts(component, key):
                params.setdefault(key, value)
        if component in MODULES.values():
            check_sizes(params, learned)
        missing = [k for k in learned if k not in params and needs(component, k)]
        if missing:
            raise ValueError(
                f"{name} needs {missing}, which fit learns from the data. Call fit, "
                f"or pass {', '.join(f'{name}__{key}=' for key in missing)}."
            )
        with naming_parameters(name, component, self._set_by_user(name)):
            part = component(**params)
        if not isinstance(part, torch.nn.Module):
            raise ValueError(
                f"{name}={component!r} must make an nn.Module, not {part}."
            )
        return part

    def _suits_head(self):
        """Whether the module has the last layer that the criterion was made for."""
        heads = [
            getattr(criterion, "head", None) or "linear"
            for criterion in (self._component("criterion", LOSSES), self.criterion_)
        ]
        chosen = "head" in self.get_params_for("module")
        takes = accepts(self._component("module", MODULES), "head")
        return heads[0] == heads[1] or chosen or not takes

    def _uses_class_weights(self):
        return self.class_weight is not None

    def _criterion_reduction(self):
        params = self.get_params_for("criterion")
        return params.get("weight_reduction", self.weight_reduction)

    def _check_weight_reduction(self):
        """Refuse a criterion that divides by the weights if 'rows' is asked for."""
        wanted = self._criterion_reduction()
        own = getattr(self.criterion_, "weight_reduction", "weights")
        reduces = getattr(self.criterion_, "reduction", "mean") == "mean"
        if reduces and (wanted, own) == ("rows", "weights"):
            raise ValueError(
                f"weight_reduction='rows' cannot be had with {self.criterion_!r}, "
                "which divides a weighted loss in its own way. Use a loss of "
                "imbdeep.losses by its name or class, or weight_reduction='weights'."
            )

    def _update_criterion(self, counts):
        """Give the criterion in use the new number of rows of each class."""
        if isinstance(self.criterion_, ClassificationLoss):
            self.criterion_.set_class_counts(torch.from_numpy(counts))
            self.criterion_.weight_reduction = self._criterion_reduction()
            weights = self._weigh_classes(counts)
            if weights is not None:
                weights = torch.as_tensor(weights, dtype=torch.float32)
                self.criterion_.weight = weights.to(self.device)
