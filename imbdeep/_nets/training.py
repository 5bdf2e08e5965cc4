"""A fit, from its checks to its last epoch, and a step."""

import warnings
from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import torch
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._nets.candidates import offer_candidates
from imbdeep._nets.criteria import check_targets
from imbdeep._nets.interrupts import raised_by_a_handler, watch_interrupts
from imbdeep._nets.lone_rows import explaining_lone_rows
from imbdeep._nets.members import has_members, mean_of_members
from imbdeep._nets.run import Run
from imbdeep._nets.scoring import look_at_rows_anew
from imbdeep._tables.sample_weight import read_sample_weight
from imbdeep._torch.draws import drawing_for_fit, draws_globally
from imbdeep._torch.imports import import_what_training_needs
from imbdeep._torch.seeding import own_state, seed_from, seeded_torch
from imbdeep._torch.switches import usual_switches
from imbdeep.losses import ClassificationLoss
from imbdeep.losses._reduction import reduce_losses
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._registry import MODULES


class Trains:
    """A fit, from its checks to its last epoch, and a step.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    run_ = None
    _run_class = Run

    def _starts_warm(self):
        # Read before parameters are checked; anything else raises an error there.
        return isinstance(self.warm_start, bool | np.bool_) and self.warm_start

    @usual_switches()
    def _fit(
        self, X, y, sample_weight, eval_set, reset, method, classes=None, groups=None
    ):
        import_what_training_needs()
        # All that can be wrong with the call is checked before anything is trained.
        with all_or_nothing(self, going_on=not reset), self._running() as run:
            self._check_parameters()
            self.check_training_readiness()
            self._check_goes_on(reset)
            changes = {} if reset else self._changed_parameters()
            X, y = self._check_rows(X, y, reset=reset)
            if reset:
                self._reset_random_state()
                self._learn_labels(y, classes)
                self._learn_from_columns(X)
            else:
                self._check_declared(classes)
                self._check_declared(self.classes)
            self._learn_column_range(X, reset)
            self._learn_from_rows(X)
            target = self._encode(y)
            counts = np.bincount(target, minlength=len(self.classes_))
            self._check_class_counts(counts, method, eval_set)
            if eval_set is not None:
                run.eval_set = self._check_eval_set(eval_set)
            run.groups = self._check_groups(groups, X)
            X = self._with_company(X, sample_weight)
            self._learn_data_prior(X, target, reset)
            self._learn_class_counts(counts, reset)
            # Before the seeding below, which draws from it.
            if "random_state" in changes:
                self._reset_random_state()
            self.interrupted_ = False
            with self._seeded():
                if reset:
                    self.initialize()
                else:
                    self._take_up(changes)
                    self._update_criterion(self.class_counts_)
                train, valid = self._split(X, target)
                offer_candidates(self, train)
                return self._train(train, valid, method)

    @contextmanager
    def _running(self):
        """Hold a run during a fit; a fit within another shares the outer run."""
        if self.run_ is not None:
            yield self.run_
            return
        self.run_ = self._run_class()
        try:
            yield self.run_
        finally:
            # The class attribute, None, shows again.
            del self.run_

    def _with_company(self, X, sample_weight):
        """Rows, or a dict of the rows and their weights."""
        if sample_weight is None:
            return X
        weight = read_sample_weight(sample_weight, X, dtype=np.float32)
        if self.weight_reduction == "rows":
            weight /= weight.mean(dtype=np.float64)
        # All ones take the path of no weights: the same net, bit for bit.
        return {"X": X, "sample_weight": weight} if (weight != 1).any() else X

    def _train(self, train, valid, method, epochs=None):
        """Train an initialized net.

        Methods that train in stages override this and call it once per stage.

        Parameters
        ----------
        train : Dataset
            Checked rows and encoded targets.
        valid : Dataset or None
        method : {'fit', 'partial_fit'}
        epochs : int or None, default=None
            None means ``max_epochs``.
        """
        self.run_.split, self.run_.n_epochs = (train, valid), 0
        with watch_interrupts() as interrupts:
            super().partial_fit(train, epochs=epochs, _routing_method=method)
        if interrupts.seen or self.interrupted_:
            self._stop_early()
        return self

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        try:
            return super().fit_loop(X, y, epochs=epochs, **fit_params)
        except KeyboardInterrupt as error:
            # skorch swallows it; callbacks raise it as well, to stop early.
            self.interrupted_ = raised_by_a_handler(error)
            raise

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is not None:
            # ``prefix`` names the entry in the history, 'train' or 'valid'.
            own = "iterator_train" if training else "iterator_valid"
            iterator = self._batches(own, iterator)

        def step(batch, **fit_params):
            with explaining_lone_rows(self.module_):
                done = step_fn(batch, **fit_params)
            # Callbacks compare predictions with labels.
            return done | {"y_pred": self.of_all_members(done["y_pred"])}

        super().run_single_epoch(iterator, training, prefix, step, **fit_params)

    def _batches(self, prefix, iterator):
        with self._naming(prefix, type(iterator)):
            yield from iterator

    def _step_optimizer(self, step_fn):
        # The optimizer calls module and criterion, whose errors are not its own.
        failed = []

        def remember_failure():
            try:
                return step_fn()
            except Exception as error:
                failed.append(error)
                raise

        try:
            super()._step_optimizer(remember_failure)
        except Exception:
            if failed:
                raise
            with self._naming("optimizer", self.optimizer):
                raise

    def _stop_early(self):
        """Raise the user's interrupt, or warn that there was one."""
        if self.on_interrupt == "raise":
            raise KeyboardInterrupt
        self.interrupted_ = True
        warnings.warn(
            f"Training was interrupted after {len(self.history)} epochs, and the net "
            "keeps what it learned until then. on_interrupt='raise' ends the program "
            "instead.",
            stacklevel=2,
        )

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        look_at_rows_anew(self.callbacks_)

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        self.run_.n_epochs += 1

    @property
    def do_early_stopping_(self):
        """Whether validation rows decided when the last training ended."""
        # skorch's own, if the user passes it, has no such attribute.
        return any(getattr(c, "watched_", True) for c in self._early_stoppings())

    def _early_stoppings(self):
        return [c for _, c in self.callbacks_ if isinstance(c, SkorchEarlyStopping)]

    def _best_epoch(self):
        """Number of the epoch that early stopping went back to, or None."""
        # skorch's own, if the user passes it, is always watched.
        best = [
            c.best_epoch_
            for c in self._early_stoppings()
            if getattr(c, "watched_", True) and c.load_best
        ]
        return best[0] if best else None

    def _was_interrupted(self, epochs):
        """Whether the last stage ended too soon, and not by early stopping."""
        stopped = any(c.misses_ >= c.patience for c in self._early_stoppings())
        return self.run_.n_epochs < epochs and not stopped

    def _seeded(self):
        return self._seeded_by(self._draw_seed)

    def _seeded_by(self, draw_seed):
        shared = self._draws_globally()
        return seeded_torch(draw_seed, self.device or "cpu", shared=shared)

    def _draws_globally(self):
        """Whether a part may draw from torch's global generators instead of ours."""
        parts = [
            type(self),
            self._component("module", MODULES),
            self._component("criterion", LOSSES),
            self._training_iterator(),
            self.optimizer,
            self.dataset,
        ]
        for prefix in ("module", "criterion", "iterator_train"):
            parts += filter(callable, self._prefixed(prefix).values())
        # torch.compile replaces dropout with kernels that use the global generator.
        return bool(self.compile) or any(draws_globally(part) for part in parts)

    def notify(self, method_name, **cb_kwargs):
        getattr(self, method_name)(self, **cb_kwargs)
        # A user's callback may draw random numbers, and skorch's Initializer does.
        with drawing_for_fit():
            for name, callback in self.callbacks_:
                try:
                    getattr(callback, method_name)(self, **cb_kwargs)
                except Exception:
                    with self._naming(f"callbacks__{name}", callback):
                        raise

    def _draw_seed(self):
        if not hasattr(self, "random_state_"):
            self._reset_random_state()
        return seed_from(self.random_state_)

    def _reset_random_state(self):
        self.random_state_ = own_state(self.random_state)

    def _set_training(self, training=True):
        # skorch sets the mode in every step, and each time walks over all submodules.
        if self.module_.training != training:
            super()._set_training(training)

    def training_rows(self, X, y):
        """Hook: the rows and labels that a step trains on instead of its batch.

        Parameters
        ----------
        X : Tensor of shape (n, ...), or dict if weights or annotations travel along
        y : Tensor of shape (n,) or (n, n_classes)

        Returns
        -------
        X, y
        """
        return X, y

    def look_at_batch(self, batch):
        """Run the module, in training mode, on the rows that a step would train on.

        Nothing is learned except what the module itself updates in a forward pass,
        such as running statistics.

        Parameters
        ----------
        batch : tuple (X, y)
            A batch of a training iterator.
        """
        X, y = (to_tensor(part, device=self.device) for part in unpack_data(batch))
        X, _ = self.training_rows(X, y)
        self._set_training(True)
        with torch.no_grad():
            self.infer(X)

    def infer(self, x, **fit_params):
        if isinstance(x, Mapping) and "X" in x:
            # Weights or annotations travel with the rows.
            x = x["X"]
        x = self.within_range(to_tensor(x, device=self.device))
        outputs = super().infer(x, **fit_params)
        # In training each member has a loss of its own.
        if self.module_.training:
            return outputs
        return self.of_all_members(self.corrected(outputs))

    def of_all_members(self, outputs):
        """Combine the outputs of a module that has several for each row.

        Parameters
        ----------
        outputs : Tensor of shape (n, n_classes) or (n, k, n_classes), or tuple
            Outputs of the module; several for a row are members of an ensemble.

        Returns
        -------
        Tensor of shape (n, n_classes), or tuple
            Logits whose probabilities are the means of the members'.
        """
        if isinstance(outputs, tuple) or not has_members(outputs):
            return outputs
        return mean_of_members(
            outputs,
            scale=self.logit_scale_,
            are_probabilities=self.gives_probabilities_,
        )

    def get_loss(self, y_pred, y_true, X=None, training=False):
        self._check_has_outputs(y_pred)
        if not has_members(y_pred):
            return self.loss_of_logits(y_pred, y_true, X, training)
        losses = [
            self.loss_of_logits(logits, y_true, X, training)
            for logits in y_pred.unbind(1)
        ]
        return torch.stack(losses).mean()

    def loss_of_logits(self, y_pred, y_true, X, training):
        """Hook: the loss of one output per row.

        Parameters
        ----------
        y_pred : Tensor of shape (n, n_classes)
        y_true : Tensor of shape (n,) or (n, n_classes)
        X : Tensor of shape (n, ...), or dict if weights or annotations travel along
        training : bool

        Returns
        -------
        Tensor of shape ()
        """
        weight = None
        if isinstance(X, Mapping) and "sample_weight" in X:
            weight = to_tensor(X["sample_weight"], device=self.device)
        try:
            if isinstance(self.criterion_, ClassificationLoss):
                y_true = to_tensor(y_true, device=self.device)
                return self.criterion_.batch_loss(y_pred, y_true, weight)
            check_targets(self.criterion_, y_pred, y_true)
            losses = super().get_loss(y_pred, y_true, X=X, training=training)
        except Exception:
            with self._naming("criterion", type(self.criterion_)):
                raise
        if losses.ndim:
            return reduce_losses(losses, weight, weight_reduction=self.weight_reduction)
        if weight is not None:
            raise ValueError(
                "sample_weight needs one loss per row, but the criterion "
                f"{type(self.criterion_).__name__} gave one for {len(weight)} rows. "
                "Pass criterion__reduction='none'."
            )
        return losses

    def _check_has_outputs(self, logits):
        """Refuse a module that does not return one logit per class."""
        n_classes = len(self.classes_inferred_)
        if logits.ndim not in (2, 3) or logits.shape[-1] != n_classes:
            raise ValueError(
                f"The module {type(self.module_).__name__} gives outputs of shape "
                f"{tuple(logits.shape)}, and {n_classes} classes need as many logits "
                f"for each row, two classes two: {self.classes_inferred_.tolist()}."
            )

    def __getstate__(self):
        # A callback may pickle the net during a fit; the run holds all training rows.
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "run_"}
