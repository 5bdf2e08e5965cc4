"""How training goes on where parameters of the net have been set anew."""

import torch

from imbdeep._nets.parameters_in_use import (
    find_changes,
    refuse_changes,
    remember,
    state_fits,
)
from imbdeep.losses import ClassificationLoss


def _is_trained(criterion):
    """Whether a criterion has parameters of its own that the optimizer changes."""
    parameters = getattr(criterion, "parameters", tuple)
    return any(parameter.requires_grad for parameter in parameters())


def _is_optimizer_setting(name):
    # Settings of one group of parameters are those of the optimizer in use alone.
    return name.startswith("optimizer__") and name.count("__") == 1


class GoesOn:
    """What a skorch net needs to go on with parameters that were set after a fit.

    skorch builds the parts of a net anew as soon as a parameter of theirs is set, and
    the weights are lost; or it does not look at the parameter again. Here setting
    changes nothing that was learned, and training that goes on compares what there is
    with what it began with.
    """

    # Parameters that fit reads once, and why going on cannot take up others.
    _read_once = dict.fromkeys(
        ("numeric_encoding", "n_bins", "compile"), "which decides the module"
    )

    def set_params(self, **params):
        """Set parameters, those with a prefix included; see :class:`skorch.NeuralNet`.

        What a fitted net has learned stays as it is; training that goes on takes them
        up, or refuses them.

        Returns
        -------
        self : object
        """
        if not self.initialized_ and "callbacks" in params:
            # skorch would initialize them here, and fail where fit explains.
            self.callbacks = params.pop("callbacks")
        if self.initialized_:
            self._set_callbacks(
                {k: params.pop(k) for k in list(params) if k.startswith("callbacks")}
            )
        initialized, self.initialized_ = self.initialized_, False
        try:
            # skorch would make the parts of an initialized net anew, weights and all.
            super().set_params(**params)
        finally:
            self.initialized_ = initialized
        if initialized:
            # skorch tells the optimizer in use alone, and the next fit would not know.
            vars(self).update(
                {k: v for k, v in params.items() if _is_optimizer_setting(k)}
            )
        if initialized and "device" in params and self.device is not None:
            for name in ("module_", "criterion_"):
                if isinstance(part := getattr(self, name, None), torch.nn.Module):
                    part.to(self.device)
        return self

    def _set_callbacks(self, params):
        """Set parameters of callbacks, which training that goes on takes up."""
        if "callbacks" in params:
            self.callbacks = params.pop("callbacks")
        self._check_callbacks_exist(params)
        vars(self).update(params)

    def _check_callbacks_exist(self, params):
        known = {name for name, _ in self._uniquely_named_callbacks()} if params else ()
        for key in params:
            name = key.removeprefix("callbacks__").split("__")[0]
            if name not in known:
                raise ValueError(
                    f"{key} is for a callback {name!r} that the net does not have. Its "
                    f"callbacks are {sorted(known)}."
                )

    def initialize(self):
        super().initialize()
        self.parameters_in_use_ = self._parameters()
        return self

    def _parameters(self):
        """Parameters that decide a part of the net for longer than a fit."""
        own = {
            key if hasattr(self, key) else f"criterion__{key}": value
            for key, value in self.get_params_for("criterion").items()
        }
        default_callbacks = {
            name: None if callback is None else (type(callback), callback.get_params())
            for name, callback in self._default_callbacks
        }
        return remember(
            {
                "module": {"module": self.module} | self._prefixed("module"),
                "compile": self._prefixed("compile"),
                "read_once": {name: getattr(self, name) for name in self._read_once},
                "criterion": {"criterion": self.criterion} | own,
                "class_weight": {"class_weight": self.class_weight},
                "optimizer": {"optimizer": self.optimizer, "lr": self.lr}
                | self._prefixed("optimizer"),
                "device": {"device": str(self.device)},
                "callbacks": {"callbacks": self.callbacks}
                | default_callbacks
                | self._prefixed("callbacks"),
                "random_state": {"random_state": self.random_state},
            }
        )

    def _prefixed(self, prefix):
        return {k: v for k, v in vars(self).items() if k.startswith(f"{prefix}__")}

    def _changed_parameters(self):
        """What has changed since training began; refuse what it cannot go on with."""
        changes = find_changes(self.parameters_in_use_, self._parameters())
        for part in ("module", "compile"):
            refuse_changes(changes.get(part, {}), "which decides the module")
        for name, change in changes.get("read_once", {}).items():
            refuse_changes({name: change}, self._read_once[name])
        criterion = changes.get("criterion", {})
        if _is_trained(self.criterion_):
            if not isinstance(self.criterion_, ClassificationLoss):
                criterion = criterion | changes.get("class_weight", {})
            refuse_changes(
                criterion, "which decides the criterion, and that is trained"
            )
        if "criterion" in criterion and not self._suits_head():
            change = {"criterion": criterion["criterion"]}
            refuse_changes(change, "which decides the last layer of the module")
        return changes

    def _take_up(self, changes):
        """Make the parts anew whose parameters have changed."""
        if not changes:
            return
        self._validate_params()
        if "callbacks" in changes:
            self._initialize_callbacks()
        if "class_weight" in changes and _is_trained(self.criterion_):
            self.criterion_.weight = None
        elif "class_weight" in changes or "criterion" in changes:
            self._initialize_criterion()
        if not changes.keys().isdisjoint({"criterion", "optimizer", "device"}):
            self._renew_optimizer()
        self.parameters_in_use_ = self._parameters()

    def _renew_optimizer(self):
        """Build the optimizer anew; it goes on with its state where that fits."""
        used = self.optimizer_
        self._initialize_optimizer()
        probe = [("probe", torch.nn.Parameter(torch.zeros(1, device=self.device)))]
        args, kwargs = self.get_params_for_optimizer("optimizer", probe)
        sizes = [
            [len(group["params"]) for group in optimizer.param_groups]
            for optimizer in (used, self.optimizer_)
        ]
        if sizes[0] != sizes[1] or not state_fits(
            used, self.optimizer(*args, **kwargs)
        ):
            return
        settings = [dict(group) for group in self.optimizer_.param_groups]
        self.optimizer_.load_state_dict(used.state_dict())
        for group, setting in zip(self.optimizer_.param_groups, settings, strict=True):
            group.update(setting)
