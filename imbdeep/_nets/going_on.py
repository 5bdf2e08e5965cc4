"""How training continues after the net's parameters have been changed."""

import torch

from imbdeep._nets.parameters_in_use import (
    find_changes,
    refuse_changes,
    remember,
    state_fits,
)
from imbdeep.losses import ClassificationLoss


def _is_trained(criterion):
    """Whether a criterion has parameters of its own that the optimizer trains."""
    parameters = getattr(criterion, "parameters", tuple)
    return any(parameter.requires_grad for parameter in parameters())


def _is_optimizer_setting(name):
    # Names with more parts, such as optimizer__param_groups__0__lr, set one group of
    # the optimizer in use; the next fit builds another.
    return name.startswith("optimizer__") and name.count("__") == 1


class GoesOn:
    """Lets a skorch net continue training with parameters that were set after a fit.

    skorch rebuilds a part of a net as soon as one of its parameters is set, and loses
    the weights; or it never looks at the parameter again. Here, setting a parameter
    changes nothing that was learned. Training that continues compares the parameters
    with those it began with.
    """

    # Parameters that fit reads once, and why training cannot continue with others.
    _read_once = dict.fromkeys(
        ("numeric_encoding", "categorical_features", "n_bins", "n_members", "compile"),
        "which decides the module",
    ) | {"member_holdout": "which decides the rows of members"}

    def set_params(self, **params):
        """Set parameters, with or without a prefix; see :class:`skorch.NeuralNet`.

        A fitted net keeps what it has learned. Training that continues adopts the new
        parameters or refuses them.

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
            # skorch would rebuild the parts of an initialized net, weights and all.
            super().set_params(**params)
        finally:
            self.initialized_ = initialized
        if initialized:
            # skorch changes the optimizer in use only; the next fit would not know.
            vars(self).update(
                {k: v for k, v in params.items() if _is_optimizer_setting(k)}
            )
        if initialized and "device" in params and self.device is not None:
            for name in ("module_", "criterion_"):
                if isinstance(part := getattr(self, name, None), torch.nn.Module):
                    part.to(self.device)
        return self

    def _set_callbacks(self, params):
        """Set parameters of callbacks, which training that continues adopts."""
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
        """Parameters that shape a part of the net beyond a single fit."""
        # Criterion parameters that a classifier exposes go by its own names: an error
        # has to name the parameter that the user has set.
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
                # As text: 'cpu' and torch.device('cpu') are the same device.
                "device": {"device": str(self.device)},
                "callbacks": {"callbacks": self.callbacks}
                | default_callbacks
                | self._prefixed("callbacks"),
                "random_state": {"random_state": self.random_state},
            }
        )

    def _prefixed(self, prefix):
        start = f"{prefix}__"
        return {k: v for k, v in vars(self).items() if k.startswith(start)}

    def _changed_parameters(self):
        """What has changed since training began; refuse what cannot change midway."""
        changes = find_changes(self.parameters_in_use_, self._parameters())
        for part in ("module", "compile"):
            refuse_changes(changes.get(part, {}), "which decides the module")
        for name, change in changes.get("read_once", {}).items():
            refuse_changes({name: change}, self._read_once[name])
        criterion = changes.get("criterion", {})
        if _is_trained(self.criterion_):
            # Ours take new weights in place; another has to be rebuilt for them.
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
        """Rebuild the parts whose parameters have changed."""
        if not changes:
            return
        self._validate_params()
        if "callbacks" in changes:
            self._initialize_callbacks()
        if "class_weight" in changes and _is_trained(self.criterion_):
            self.criterion_.weight = None
        elif "class_weight" in changes or "criterion" in changes:
            self._initialize_criterion()
        # After the criterion, whose own parameters the optimizer may train.
        if not changes.keys().isdisjoint({"criterion", "optimizer", "device"}):
            self._renew_optimizer()
        self.parameters_in_use_ = self._parameters()

    def _renew_optimizer(self):
        """Rebuild the optimizer, and keep its state where that fits."""
        used = self.optimizer_
        self._initialize_optimizer()
        # state_fits makes a step, which must not touch the weights of the net.
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
        # load_state_dict brings back the old lr and momentum along with the state.
        settings = [dict(group) for group in self.optimizer_.param_groups]
        self.optimizer_.load_state_dict(used.state_dict())
        for group, setting in zip(self.optimizer_.param_groups, settings, strict=True):
            group.update(setting)
