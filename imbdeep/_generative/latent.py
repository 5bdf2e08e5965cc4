"""Latents of rows: learning them, and interpolating between neighbours."""

import math
from collections.abc import Iterator

import numpy as np
from imblearn.over_sampling import SMOTE
from torch import Tensor, nn

from imbdeep._generative.losses import (
    cluster_loss,
    reconstruction_loss,
    weight_penalty,
)
from imbdeep._generative.training import Step, class_batches, train

# Rows of a rare class in a batch: fewer give poor estimates of its mean and spread.
_LEAST_OF_A_CLASS = 8


def train_autoencoder(
    autoencoder: nn.Module,
    rows: Tensor,
    one_hot: Tensor,
    row_weight: Tensor,
    *,
    batch_size: int,
    cluster_weight: float,
    minority_weight: float,
    push_weight: float,
    margin: float,
    weight_decay: float,
    **training,
) -> dict[str, np.ndarray]:
    r"""Learn latents that represent the rows and separate the classes, eq. (2.3).

    Parameters
    ----------
    autoencoder : nn.Module
        Has ``encoder`` and ``decoder``, and is trained in place.
    rows : Tensor of shape (n, ...)
    one_hot : Tensor of shape (n, n_classes)
        Classes of the rows.
    row_weight : Tensor of shape (n,)
        Weight of each row in the reconstruction; the mean is 1.
    batch_size : int
    cluster_weight : float
        :math:`\Lambda_1` of eq. (2.3); 0 gives a plain autoencoder.
    minority_weight, push_weight, margin : float
        See :func:`cluster_loss`.
    weight_decay : float
        :math:`\Lambda_2` of eq. (2.3).
    **training
        Parameters of :func:`train`.

    Returns
    -------
    dict of str to ndarray
        The loss 'autoencoder' of each epoch, and its parts 'reconstruction' and
        'cluster'.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import train_autoencoder
    >>> from imbdeep.modules import MLPAutoencoder
    >>> losses = train_autoencoder(
    ...     MLPAutoencoder(n_features=3, n_latent=2),
    ...     torch.randn(100, 3),
    ...     torch.eye(2).repeat_interleave(torch.tensor([90, 10]), 0),
    ...     torch.ones(100),
    ...     batch_size=50,
    ...     cluster_weight=0.01,
    ...     minority_weight=1.0,
    ...     push_weight=1.0,
    ...     margin=3.0,
    ...     weight_decay=0.0,
    ...     method="an autoencoder",
    ...     lr=1e-3,
    ...     max_epochs=4,
    ...     tol=0.0,
    ...     patience=10,
    ... )
    >>> {name: values.shape for name, values in losses.items()}
    {'autoencoder': (4,), 'reconstruction': (4,), 'cluster': (4,)}
    """
    encoder, decoder = autoencoder.encoder, autoencoder.decoder
    n_batches = math.ceil(len(rows) / batch_size)
    majority = int(one_hot.sum(0).argmax())
    classes = [column.nonzero().flatten() for column in one_hot.T]

    def one_epoch() -> Iterator[Step]:
        positions, weight = class_batches(classes, n_batches, _LEAST_OF_A_CLASS)
        weight = weight.to(rows.device)
        for batch in positions:
            x = rows[batch]
            latents = encoder(x)
            reconstruction = reconstruction_loss(
                decoder(latents), x, weight * row_weight[batch]
            )
            cluster = cluster_loss(
                latents,
                one_hot[batch],
                majority,
                minority_weight=minority_weight,
                push_weight=push_weight,
                margin=margin,
            )
            loss = reconstruction + cluster_weight * cluster
            if weight_decay:
                loss = loss + weight_decay * weight_penalty(autoencoder)
            parts = {"reconstruction": reconstruction, "cluster": cluster}
            yield "autoencoder", loss, parts

    return train({"autoencoder": autoencoder}, one_epoch, **training)


def interpolate(
    latents: np.ndarray,
    size: int,
    n_neighbors: int,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Interpolate between latents of a class and their nearest neighbours, with SMOTE.

    Parameters
    ----------
    latents : ndarray of shape (n, n_latent)
        Latents of one class; n is at least 2.
    size : int
    n_neighbors : int
        Neighbours to choose from; all others if there are fewer.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (size, n_latent)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative import interpolate
    >>> latents = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> made = interpolate(latents, 3, 5, np.random.RandomState(0))
    >>> bool((made[:, 0] == made[:, 1]).all())  # on the line between the two
    True
    """
    if not size:
        return latents[:0]
    smote = SMOTE(
        sampling_strategy={1: len(latents) + size},
        k_neighbors=min(n_neighbors, len(latents) - 1),
        random_state=random_state,
    )
    # SMOTE requires a second class, but makes no use of it here.
    rows = np.concatenate([latents, latents[:1]])
    labels = np.append(np.ones(len(latents), dtype=int), 0)
    return smote.fit_resample(rows, labels)[0][len(rows) :]
