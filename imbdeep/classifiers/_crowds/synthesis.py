"""Synthetic rows of ICED, section 3.2.4 of the dissertation."""

from numbers import Real

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from skorch.utils import to_numpy, to_tensor

from imbdeep._generative import RowDecoder
from imbdeep._tables.rows import dense
from imbdeep._tables.sampling_strategy import read_sampling_strategy
from imbdeep.batches._smote import most_frequent
from imbdeep.classifiers._crowds.rounds import rows_to_make
from imbdeep.crowds._generation import (
    interpolate_certain,
    neighbour_annotations,
)
from imbdeep.modules._penultimate import penultimate

# Rows embedded at once, which bounds the memory of the activations.
_CHUNK = 4096


class MakesRows:
    """Synthesis of ICED: an embedding between two, its annotations, its features."""

    _keeps_images = False

    def _interpolate(self, embeddings, y):
        """Interpolate between embeddings of rows inferred to be of the same class."""
        wanted = rows_to_make(y, self.sampling_strategy, self.classes_inferred_)
        made = [embeddings[:0]]  # np.concatenate needs one array
        for label, n_new in wanted.items():
            candidates = np.flatnonzero(y == label)
            new, _ = interpolate_certain(
                embeddings[candidates],
                self.run_.rounds.certainty[candidates],
                n_new,
                self.n_neighbors,
                self.jitter,
                self.random_state_,
            )
            made.append(new)
        return np.concatenate(made)

    def _annotate(self, embeddings, made, codes):
        """Annotate new embeddings like their real neighbours."""
        if not len(made):
            return codes[:0]
        neighbours = self._neighbours(embeddings, made)
        return neighbour_annotations(codes, neighbours, self.random_state_)

    def _decode(self, embeddings, made):
        """Decode new embeddings into rows."""
        rounds = self.run_.rounds
        if not len(made):
            return self._no_rows()
        n_epochs = self.decoder_updates
        if rounds.decoder is None:
            rounds.decoder = RowDecoder(
                rounds.X.rows, embeddings.shape[1], device=self.device
            )
            n_epochs = self.decoder_epochs
        if n_epochs:
            rounds.decoder.fit(
                torch.from_numpy(embeddings),
                n_epochs=n_epochs,
                batch_size=self._rows_of_a_step(len(embeddings)),
                method=f"the decoder of {type(self).__name__}",
            )
        decoded = to_numpy(rounds.decoder(torch.from_numpy(made)))
        decoded = decoded.astype(rounds.X.rows.dtype, copy=False)
        if self.is_level_ is not None:
            self._take_levels(decoded, self._neighbours(embeddings, made))
        return decoded

    def _take_levels(self, decoded, neighbours):
        """Give decoded rows the levels and gaps that most of their neighbours have."""
        n, k = neighbours.shape
        near = dense(self.run_.rounds.X.rows[neighbours.ravel()]).reshape(n, k, -1)
        levels = most_frequent(near[..., self.is_level_])
        mostly_missing = near.isnan().double().mean(1) > 0.5
        decoded[to_numpy(mostly_missing)] = np.nan
        decoded[:, self.is_level_] = to_numpy(levels)

    def _neighbours(self, embeddings, made):
        """Real rows next to new embeddings, of shape (n_new, n_neighbors)."""
        search = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(embeddings)))
        return search.fit(embeddings).kneighbors(made, return_distance=False)

    @torch.no_grad()
    def _embed(self, X):
        self._set_training(False)
        embedded = []
        for start in range(0, X.shape[0], _CHUNK):
            part = to_tensor(dense(X[start : start + _CHUNK]), device=self.device)
            embedded.append(to_numpy(penultimate(self.module_, part)))
        return np.concatenate(embedded)

    def _no_rows(self):
        rows = self.run_.rounds.X.rows
        return np.empty((0, *rows.shape[1:]), rows.dtype)

    def _check_generation(self, X, y):
        strategy = self.sampling_strategy
        labels = self.classes_inferred_[y]
        if isinstance(strategy, Real) and len(self.classes_inferred_) > 2:
            raise ValueError(
                f"sampling_strategy={strategy!r} is a ratio of two classes, and there "
                f"are {len(self.classes_inferred_)}. Pass 'auto' or a dict."
            )
        # Both raise errors before a warm-up of minutes: a strategy that does not suit
        # the classes, a module without a head.
        read_sampling_strategy(strategy, labels)
        self._embed(X[:2])
