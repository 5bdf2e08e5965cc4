"""Base class of the samplers that use the latents of an autoencoder."""

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import StrOptions

from imbdeep._generative import interpolate, outputs_of, train_autoencoder
from imbdeep._tables.validation import check_class_sizes
from imbdeep._torch.draws import drawing_for_fit
from imbdeep._torch.switches import usual_switches
from imbdeep.modules import ConvAutoencoder, MLPAutoencoder
from imbdeep.over_sampling._generative.base import AT_LEAST_0, COUNT, GenerativeSampler


def check_autoencoder(autoencoder, rows):
    """Refuse a module that is not an autoencoder for such rows.

    Parameters
    ----------
    autoencoder : nn.Module
    rows : Tensor of shape (n, ...)
        Encoded rows.

    Raises
    ------
    ValueError
    """
    name = type(autoencoder).__name__
    for part in ("encoder", "decoder"):
        module = getattr(autoencoder, part, None)
        if not isinstance(module, torch.nn.Module):
            raise ValueError(
                "autoencoder must have submodules encoder and decoder, but "
                f"{name} has no {part} that is one."
            )
    shape = tuple(rows.shape[1:])
    try:
        latents = outputs_of(autoencoder.encoder, rows)
        made = outputs_of(autoencoder.decoder, latents)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"autoencoder {name} does not take encoded rows of shape {shape}: {error}"
        ) from error
    if latents.ndim != 2 or made.shape != rows.shape:
        raise ValueError(
            f"autoencoder {name} must turn encoded rows of shape {shape} into flat "
            f"latents and back; got latents of shape {tuple(latents.shape[1:])} and "
            f"rows of shape {tuple(made.shape[1:])}."
        )
    for part in ("encoder", "decoder"):
        if not any(p.requires_grad for p in getattr(autoencoder, part).parameters()):
            raise ValueError(
                f"autoencoder {name} has nothing to train in its {part}. Leave "
                "requires_grad of some of its parameters at True."
            )


class AutoencodedSampler(GenerativeSampler):
    """Base class of samplers that interpolate between latents of an autoencoder."""

    _allow_nd = True

    _parameter_constraints = {
        **GenerativeSampler._parameter_constraints,
        "n_neighbors": COUNT,
        "autoencoder": [torch.nn.Module, None],
        "class_weight": [StrOptions({"balanced"}), None],
        "cluster_weight": AT_LEAST_0,
        "minority_weight": AT_LEAST_0,
        "push_weight": AT_LEAST_0,
        "margin": AT_LEAST_0,
        "weight_decay": AT_LEAST_0,
    }

    def _draws_globally(self):
        # A user's autoencoder may have layers such as torch's dropout.
        return self.autoencoder is not None

    def _learn_latents(self, rows, codes, n_new, max_epochs):
        """Train the autoencoder, and encode the rows.

        Returns
        -------
        autoencoder : nn.Module
        losses : dict of str to ndarray
        """
        self._codes = codes.cpu().numpy()
        self._check_sizes(n_new)
        autoencoder = self._build_autoencoder(rows).to(rows)
        losses = train_autoencoder(
            autoencoder,
            rows,
            F.one_hot(codes, len(self.classes_)).float(),
            self._row_weight(codes),
            batch_size=self._n_rows_of_a_step(len(rows)),
            cluster_weight=self.cluster_weight,
            minority_weight=self.minority_weight,
            push_weight=self.push_weight,
            margin=self.margin,
            weight_decay=self.weight_decay,
            **self._training_params(max_epochs),
        )
        self.latent_ = outputs_of(autoencoder.encoder, rows).cpu().numpy()
        return autoencoder, losses

    def _row_weight(self, codes):
        """Weight of each row in the reconstruction loss."""
        if self.class_weight is None:
            return torch.ones(len(codes), device=codes.device)
        counts = codes.bincount()
        return (len(codes) / len(counts) / counts)[codes]

    @drawing_for_fit()
    def _build_autoencoder(self, rows):
        if self.autoencoder is not None:
            # A copy: fit must not change the user's parameter.
            own = deepcopy(self.autoencoder).to(rows)
            check_autoencoder(own, rows[:2])
            return own
        if rows.ndim > 2:
            return ConvAutoencoder(
                rows.shape[1:], self.n_latent, output=torch.nn.Sigmoid()
            )
        return MLPAutoencoder(
            rows.shape[1],
            self.n_latent,
            hidden_sizes=self.hidden_sizes,
            output=self._row_head(),
        )

    def _check_sizes(self, n_new):
        """Refuse to grow a class with fewer than two rows to interpolate between."""
        to_grow = np.flatnonzero(n_new)
        counts = np.bincount(self._codes, minlength=len(n_new))
        check_class_sizes(self.classes_[to_grow], counts[to_grow], 2, self)

    def _new_latents(self, n_new):
        """Interpolate the given number of latents of each class, class by class."""
        # Once more: ``sample`` may name a class that the fit did not grow.
        self._check_sizes(n_new)
        made = [
            interpolate(
                self.latent_[self._codes == label],
                size,
                self.n_neighbors,
                self.random_state_,
            )
            for label, size in enumerate(n_new)
        ]
        return torch.from_numpy(np.concatenate(made))

    @usual_switches()
    def encode(self, X):
        """Encode rows as latents.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples, n_latent), float32
        """
        rows = self._encode(X)
        return outputs_of(self.encoder_, rows).numpy()
