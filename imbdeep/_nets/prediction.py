"""From rows to probabilities and labels."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from skorch.dataset import get_len
from skorch.utils import is_dataset

from imbdeep._all_or_nothing import refuse_other_threads
from imbdeep._nets.nested_parameters import naming_parameters
from imbdeep._tables.precision import check_finite_outputs
from imbdeep._torch.switches import usual_switches


def scaled_softmax(logits, scale=1.0):
    """Softmax of logits, in float64 so that the rows sum to 1.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.prediction import scaled_softmax
    >>> scaled_softmax(torch.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """
    return (scale * logits.double()).softmax(-1)


def scaled_log_softmax(logits, scale=1.0):
    """Log-softmax of logits, finite where a probability would underflow to 0.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.prediction import scaled_log_softmax
    >>> scaled_log_softmax(torch.tensor([[0.0, 1000.0]]))
    tensor([[-1000.,     0.]], dtype=torch.float64)
    """
    return (scale * logits.double()).log_softmax(-1)


def _identity(probabilities):
    return probabilities


def _as_tensor(nonlinearity, logits):
    """Output of a user's nonlinearity; an error if it is not a tensor."""
    with naming_parameters("predict_nonlinearity", nonlinearity, {}):
        outputs = nonlinearity(logits)
    if not isinstance(outputs, torch.Tensor):
        raise ValueError(
            "predict_nonlinearity must turn the logits, a tensor, into a tensor of "
            f"probabilities, got {outputs!r}."
        )
    return outputs


class Predicts:
    """From rows to probabilities and labels.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    def forward_iter(self, X, training=False, device="cpu"):
        batches = self._forward_batches(X, training, device)
        while True:
            # A generator: between two batches the caller's own switches apply.
            with usual_switches():
                outputs = next(batches, None)
            if outputs is None:
                return
            yield outputs

    def _forward_batches(self, X, training, device):
        # A net in training pairs half-trained weights with the labels of the last fit.
        refuse_other_threads(self)
        self.check_is_fitted()
        if self.run_ is not None and isinstance(X, Mapping) and "X" in X:
            # Callbacks pass the rows of training, in a dict with their weights.
            X = X["X"]
        # Data sets that callbacks pass during a fit have been checked.
        if not (self.run_ is not None and is_dataset(X)):
            X = self._check_rows(X, reset=False)
        # A user's iterator may drop rows, such as an incomplete last batch.
        n_outputs = 0
        for outputs in super().forward_iter(X, training=training, device=device):
            first = outputs[0] if isinstance(outputs, tuple) else outputs
            n_outputs += len(first)
            yield outputs
        if n_outputs != get_len(X):
            raise ValueError(
                f"iterator_valid={self.iterator_valid!r} gave {n_outputs} of "
                f"{get_len(X)} rows. It must give each row once."
            )

    def _get_predict_nonlinearity(self):
        if self.predict_nonlinearity != "auto":
            return partial(_as_tensor, super()._get_predict_nonlinearity())
        self.check_is_fitted()
        if self.gives_probabilities_:
            return _identity
        return partial(scaled_softmax, scale=self.logit_scale_)

    def probabilities(self, logits):
        """Turn the outputs of the module into probabilities.

        Parameters
        ----------
        logits : Tensor of shape (*, n_classes)

        Returns
        -------
        Tensor of shape (*, n_classes)
        """
        return self._get_predict_nonlinearity()(logits)

    @usual_switches()
    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.

        Raises
        ------
        ValueError
            If the module returns NaN; the message names the row and the value to
            blame. If ``predict_nonlinearity=None`` passes on outputs that are not
            probabilities.
        """
        probabilities = super().predict_proba(X)
        # Rows are read a second time only once something is wrong.
        if np.isnan(probabilities).any():
            rows = self._check_rows(X, reset=False)
            names = self._column_names() if rows.ndim == 2 else None
            check_finite_outputs(probabilities, rows, names)
        if self.predict_nonlinearity != "auto":
            self._check_are_probabilities(probabilities)
        return probabilities

    def _check_are_probabilities(self, outputs):
        has_columns = outputs.ndim == 2 and outputs.shape[1] == len(self.classes_)
        # Only None is a likely mistake: it passes on the logits of most modules.
        if has_columns and callable(self.predict_nonlinearity):
            return
        is_positive = has_columns and (outputs >= 0).all()
        if is_positive and np.allclose(outputs.sum(axis=1), 1, atol=1e-3):
            return
        raise ValueError(
            f"With predict_nonlinearity={self.predict_nonlinearity!r} outputs are no "
            f"probabilities of {len(self.classes_)} classes: the first row has "
            f"{outputs[0].tolist()}. Pass 'auto' for a module that gives logits; "
            "net.forward(X) gives these themselves."
        )

    def predict_log_proba(self, X):
        """Log-probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Finite where the probability is too small for a float; ``-inf`` where the
            module, or ``predict_nonlinearity``, itself returns 0.
        """
        self.check_is_fitted()
        if self.predict_nonlinearity != "auto" or self.gives_probabilities_:
            with np.errstate(divide="ignore"):
                return np.log(self.predict_proba(X))
        outputs = [
            output[0] if isinstance(output, tuple) else output
            for output in self.forward_iter(X)
        ]
        logits = torch.cat(outputs)
        return scaled_log_softmax(logits, self.logit_scale_).numpy()

    def predict(self, X):
        """Most probable label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]
