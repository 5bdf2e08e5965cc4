"""Training rows for modules that compare rows with them."""

import numpy as np
import torch

from imbdeep._nets.stack import Stack
from imbdeep.batches import TensorBatches
from imbdeep.modules import NCA


class OffersCandidates:
    """Passes the training rows to a module that compares rows with them.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    def _offer_candidates(self, train):
        """Pass the rows of a data set to the parts of the module that want them."""
        parts = [part for part in self.module_.modules() if isinstance(part, NCA)]
        if not parts:
            return
        batches = TensorBatches(train)
        X, weight = batches.X, torch.ones(len(batches.y))
        if isinstance(X, dict):
            X, weight = X["X"], X.get("sample_weight", weight)
        if self.class_weight_ is not None:
            # They vote for the classes that the loss says there are.
            weight = weight * torch.as_tensor(self.class_weight_).float()[batches.y]
        if isinstance(self.module_, Stack):
            weight = self._weight_by_member(weight)
        for part in parts:
            part.set_candidates(X, batches.y, weight)

    def _weight_by_member(self, weight):
        """Weight of each row times how often each member trains on it."""
        n_rows = len(weight)
        if self.run_.member_rows is None:
            return weight.expand(self.n_members, n_rows)
        counts = [np.bincount(rows, minlength=n_rows) for rows in self.run_.member_rows]
        return weight * torch.as_tensor(np.stack(counts))
