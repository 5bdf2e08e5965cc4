"""A decoder for the embeddings of another net."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from imbdeep._generative.training import Step, outputs_of, train
from imbdeep._sizes import read_sizes
from imbdeep._tables.rows import column_moments, column_range, dense, take
from imbdeep._torch.draws import current_generator, drawing_for_fit


class RowDecoder:
    """Map embeddings back to rows.

    A multi-layer perceptron learns the standardised rows; its output is clipped to the
    range of each column.

    Parameters
    ----------
    rows : ndarray or Tensor of shape (n, ...), or CSR matrix of shape (n, n_features)
        Target rows. They may be float64; the net is float32.
    n_embedded : int
        Length of an embedding.
    hidden_sizes : sequence of int, default=(128,)
        Widths of the hidden layers.
    device : str or torch.device, default='cpu'
        Device of the net. Its inputs and outputs are on the CPU.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative import RowDecoder
    >>> rows = torch.rand(50, 3)
    >>> decoder = RowDecoder(rows, n_embedded=2)
    >>> losses = decoder.fit(rows[:, :2], n_epochs=5, batch_size=10, method="a decoder")
    >>> decoder(torch.rand(4, 2)).shape
    torch.Size([4, 3])
    """

    def __init__(
        self,
        rows: Any,
        n_embedded: int,
        *,
        hidden_sizes: Sequence[int] = (128,),
        device: str | torch.device = "cpu",
    ):
        self.shape = rows.shape[1:]
        flat = rows if sparse.issparse(rows) else torch.as_tensor(rows).flatten(1)
        self.rows = flat
        self.low, self.high = map(torch.as_tensor, column_range(flat))
        self.mean, spread = column_moments(flat)
        self.spread = torch.where(spread > 0, spread, 1)
        self.device = torch.device(device)
        widths = [n_embedded, *read_sizes("hidden_sizes", hidden_sizes)]
        layers: list[nn.Module] = []
        with drawing_for_fit():
            for width, size in pairwise(widths):
                layers += [nn.Linear(width, size), nn.ReLU()]
            layers.append(nn.Linear(widths[-1], flat.shape[1]))
        self.net = nn.Sequential(*layers).to(self.device)

    def fit(
        self,
        embeddings: Tensor,
        *,
        n_epochs: int,
        batch_size: int,
        lr: float = 1e-3,
        method: str,
    ) -> dict[str, np.ndarray]:
        """Learn to reconstruct the rows from their embeddings, or continue to learn.

        Parameters
        ----------
        embeddings : Tensor of shape (n, n_embedded)
            Embeddings in the order of the rows.
        n_epochs : int
        batch_size : int
        lr : float, default=1e-3
            Learning rate of Adam.
        method : str
            Named in errors.

        Returns
        -------
        dict of str to ndarray
            'decoder': mean squared error of the standardised columns in each epoch.
        """

        def one_epoch() -> Iterator[Step]:
            order = torch.randperm(len(embeddings), generator=current_generator())
            for batch in order.split(batch_size):
                rows = dense(take(self.rows, batch))
                # Standardised before it becomes float32, which may merge raw values. A
                # missing number counts as the mean.
                target = ((rows - self.mean) / self.spread).float().nan_to_num(0.0)
                made = self.net(embeddings[batch].to(self.device))
                yield "decoder", F.mse_loss(made, target.to(self.device)), {}

        return train(
            {"decoder": self.net},
            one_epoch,
            method=method,
            lr=lr,
            max_epochs=n_epochs,
            tol=0.0,
            # Never met: two spans of patience are longer than the training.
            patience=n_epochs,
        )

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Decode embeddings into rows.

        Parameters
        ----------
        embeddings : Tensor of shape (m, n_embedded)

        Returns
        -------
        Tensor of shape (m, ...)
        """
        flat = outputs_of(self.net, embeddings).cpu() * self.spread + self.mean
        return flat.clamp(self.low, self.high).reshape(-1, *self.shape)
