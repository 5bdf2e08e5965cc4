"""Probabilities for the class shares of the data, whatever shares training saw."""

from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from imbdeep._nets.plain_steps import keeps_prior
from imbdeep._nets.stack import Stack, StackedBatches
from imbdeep.batches import TensorBatches
from imbdeep.calibration._prior import (
    class_mass,
    log_prior_ratio,
    read_prior,
    shares_of,
)
from imbdeep.callbacks import WeightAveraging
from imbdeep.losses import ClassificationLoss
from imbdeep.modules import NCA


def shift_logits(outputs, log_ratio, *, scale=1.0, are_probabilities=False):
    """Outputs of a module for other class shares.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_classes) or (n, k, n_classes)
        Logits, or probabilities; of k outputs per row.
    log_ratio : Tensor of shape (n_classes,) or (m, n_classes)
        What is added to log-probabilities; of each of m members, which have k / m
        outputs each.
    scale : float, default=1.0
        Factor of the logits in the softmax.
    are_probabilities : bool, default=False

    Returns
    -------
    Tensor, shaped like outputs

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.prior_correction import shift_logits
    >>> log_ratio = torch.tensor([0.9, 0.1]).log()
    >>> shift_logits(torch.zeros(1, 2), log_ratio, scale=2.0).mul(2.0).softmax(-1)
    tensor([[0.9000, 0.1000]])
    """
    log_ratio = log_ratio.to(outputs)
    if log_ratio.ndim == 2:
        log_ratio = log_ratio.repeat_interleave(outputs.shape[1] // len(log_ratio), 0)
    if not are_probabilities:
        return outputs + log_ratio / scale
    # The largest factor is 1: a ratio of shares may be beyond any float.
    joint = outputs * (log_ratio - log_ratio.amax(-1, keepdim=True)).exp()
    tiny = torch.finfo(joint.dtype).tiny
    return joint / joint.sum(-1, keepdim=True).clamp_min(tiny)


def geometric_mean(priors):
    """Class shares of a net whose logits are the mean of several nets'.

    Parameters
    ----------
    priors : list of ndarray of shape (*, n_classes)
        Class shares that they were trained with.

    Returns
    -------
    ndarray of shape (*, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.prior_correction import geometric_mean
    >>> geometric_mean([np.array([0.9, 0.1]), np.array([0.5, 0.5])])
    array([0.75, 0.25])
    """
    if len(priors) == 1:
        return priors[0]
    with np.errstate(divide="ignore"):
        return shares_of("weights", np.exp(np.log(priors).mean(axis=0)))


def _shares_of_votes(module):
    """Shares of the classes in the votes of nearest neighbours, or None.

    Neighbours vote with the weights of all their rows, whatever batches look like.
    """
    module = getattr(module, "_orig_mod", module)
    member = module.member if isinstance(module, Stack) else module
    if not isinstance(member, NCA):
        return None
    return shares_of("the votes", member.class_weight.detach().cpu().numpy())


class CorrectsPrior:
    """Maps probabilities to the class shares of the data.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    # What a step of the method does to class shares, where it cannot be told.
    _hides_prior: str | None = None
    _log_ratio = None
    # Whether steps are those of the parameters alone; not inherited.
    _has_plain_steps = False

    def _keeps_prior(self, tried=(), has_weights=False):
        """Whether probabilities refer to the class shares of the rows, uncorrected."""
        return keeps_prior(self, tried, has_weights)

    def _check_parameters(self):
        super()._check_parameters()
        if not self.prior_correction:
            if self.target_prior is not None:
                raise ValueError(
                    f"target_prior={self.target_prior!r} says what probabilities are "
                    "corrected to, and prior_correction is False. Pass True, or leave "
                    "target_prior."
                )
            return
        if self._hides_prior is not None:
            raise ValueError(
                f"prior_correction=True cannot be had with {type(self).__name__}, "
                f"{self._hides_prior}: no one can tell what class shares it learns. "
                "Pass False."
            )
        iterator = self._training_iterator()
        if not (isinstance(iterator, type) and issubclass(iterator, TensorBatches)):
            raise ValueError(
                f"prior_correction=True needs to know the class shares of batches, and "
                f"iterator_train={self.iterator_train!r} does not say. Use an iterator "
                "of imbdeep.batches, or a class derived from TensorBatches."
            )
        if self.predict_nonlinearity != "auto":
            raise ValueError(
                "prior_correction=True corrects the softmax of the logits, and "
                f"predict_nonlinearity={self.predict_nonlinearity!r} takes its place. "
                "Pass 'auto'."
            )

    def _learn_data_prior(self, X, target, reset):
        """Learn the class shares of the rows of a fit, as far as they are asked for."""
        learned = ("trained_prior_", "target_prior_", "_log_ratio")
        going_on = self.prior_correction and not reset
        if not going_on:
            for name in (*learned, "_data_mass", "_trained_mass"):
                vars(self).pop(name, None)
        if not self.prior_correction:
            return
        has_weights = isinstance(X, Mapping) and "sample_weight" in X
        weight = X["sample_weight"] if has_weights else None
        self.run_.mass = class_mass(target, len(self.classes_), weight)
        self.run_.earlier_mass = getattr(self, "_trained_mass", 0)
        self._data_mass = self.run_.mass + getattr(self, "_data_mass", 0)
        self.target_prior_ = (
            shares_of("sample_weight", self._data_mass)
            if self.target_prior is None
            else read_prior("target_prior", self.target_prior, self.classes_)
        )

    def get_iterator(self, dataset, training=False, seed=None):
        batches = super().get_iterator(dataset, training, seed)
        if training and self.run_ is not None:
            self.run_.batches = batches
        return batches

    def _train(self, train, valid, method, epochs=None):
        if not self.prior_correction:
            return super()._train(train, valid, method, epochs)
        knows_weights = (ClassificationLoss, nn.CrossEntropyLoss, nn.NLLLoss)
        if not isinstance(self.criterion_, knows_weights):
            raise ValueError(
                "prior_correction=True needs a loss whose class weights are known, got "
                f"{type(self.criterion_).__name__}. Use a loss of imbdeep.losses, "
                "CrossEntropyLoss or NLLLoss."
            )
        # Of this stage: members that are trained anew have other rows.
        self.run_.priors, self.run_.noted = {}, None
        super()._train(train, valid, method, epochs)
        if not self.run_.priors:  # a Ctrl-C in the first epoch
            self._note_trained_prior()
        priors = [self.run_.priors[epoch] for epoch in self._kept_epochs()]
        self._refer_to_data(geometric_mean(priors))
        return self

    def _kept_epochs(self):
        """Numbers of the epochs whose weights the net has kept, or averaged."""
        for _, callback in self.callbacks_:
            if isinstance(callback, WeightAveraging) and callback.epochs_:
                # The moving average hardly remembers what lies an epoch back.
                last = callback.method == "ema"
                return callback.epochs_[-1:] if last else callback.epochs_
        best = self._best_epoch()
        return [best if best in self.run_.priors else max(self.run_.priors)]

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        # Steps, and attacks within them, see the logits as they are learned.
        self.run_.is_stepping = training
        try:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        finally:
            self.run_.is_stepping = False
        if training and self.prior_correction:
            self._note_trained_prior()

    def _note_trained_prior(self):
        """Note the class shares of the epoch's loss; callbacks may change weights."""
        weight = getattr(self.criterion_, "weight", None)
        weight = torch.ones(len(self.classes_)) if weight is None else weight.cpu()
        noted = self.run_.noted
        if noted is None or not torch.equal(noted[0], weight):
            prior = _shares_of_votes(self.module_)
            if prior is None:
                batches = self.run_.batches
                stacked = isinstance(batches, StackedBatches)
                parts = batches.batches if stacked else [batches]
                priors = [self._loss_shares(part, weight).numpy() for part in parts]
                prior = np.stack(priors) if stacked else priors[0]
            self.run_.noted = noted = weight.clone(), prior
        self.run_.priors[len(self.history)] = noted[1]
        self._refer_to_data(noted[1])

    def _loss_shares(self, batches, class_weight):
        """Expected share of each class in the loss of one net's batches.

        Parameters
        ----------
        batches : TensorBatches
        class_weight : Tensor of shape (n_classes,)

        Returns
        -------
        Tensor of shape (n_classes,), float64
        """
        weight = class_weight.double()
        of_rows = batches.mean_weights(len(self.classes_))
        if of_rows is not None:
            weight = weight * of_rows
        criterion = self.criterion_
        by_weights = getattr(criterion, "weight_reduction", "weights") == "weights"
        return batches.loss_shares(
            self._class_shares(batches),
            weight,
            normalized=by_weights and criterion.reduction != "sum",
        )

    def _refer_to_data(self, prior):
        """Set what is added to logits, given what one epoch was trained with."""
        # Votes are those of the rows of the last call alone.
        if _shares_of_votes(self.module_) is None:
            own = shares_of("weights", prior) * self.run_.mass.sum()
            self._trained_mass = self.run_.earlier_mass + own
            prior = shares_of("weights", self._trained_mass)
        self._log_ratio = log_prior_ratio(prior, self.target_prior_, self.classes_)
        self.trained_prior_ = prior.mean(axis=0) if prior.ndim == 2 else prior

    def corrected(self, outputs):
        """Outputs of the module for the class shares that probabilities refer to.

        Parameters
        ----------
        outputs : Tensor of shape (n, n_classes) or (n, k, n_classes), or tuple

        Returns
        -------
        Tensor, or tuple
            Each of several members by its own shares, before they are combined.
        """
        if self._log_ratio is None or (self.run_ is not None and self.run_.is_stepping):
            return outputs
        if isinstance(outputs, tuple):
            return self.corrected(outputs[0]), *outputs[1:]
        return shift_logits(
            outputs,
            torch.as_tensor(self._log_ratio),
            scale=self.logit_scale_,
            are_probabilities=self.gives_probabilities_,
        )

    def get_loss(self, y_pred, y_true, X=None, training=False):
        if training or self._log_ratio is None:
            return super().get_loss(y_pred, y_true, X, training)
        with self._without_class_weight():
            return super().get_loss(y_pred, y_true, X, training)

    @contextmanager
    def _without_class_weight(self):
        """Let the loss of corrected logits be that of rows as they are."""
        criterion = self.criterion_
        weight, criterion.weight = criterion.weight, None
        try:
            yield
        finally:
            criterion.weight = weight
