"""Members that hold rows out: the ensemble is judged by rows that it never saw."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from skorch.utils import to_numpy
from torch.utils.data import Subset

from imbdeep._nets.member_rows import HOLD_OUTS, MemberRows, under_sample
from imbdeep._torch.seeding import own_state, seed_from
from imbdeep.batches import TensorBatches


def rows_of_each(mask):
    """Positions of the rows of each member, filled up with others to one length.

    Parameters
    ----------
    mask : Tensor of shape (n, k), bool

    Returns
    -------
    rows : Tensor of shape (m, k), int64
        ``m`` is the largest number of rows that a member has.
    is_own : Tensor of shape (m, k), bool
        Whether a position stands for a row, and not for a gap.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.holding_out import rows_of_each
    >>> mask = torch.tensor([[True, False], [False, True], [True, False]])
    >>> rows, is_own = rows_of_each(mask)
    >>> rows.T.tolist(), is_own.T.tolist()
    ([[0, 2], [1, 0]], [[True, True], [True, False]])
    """
    n_rows = int(mask.sum(0).max())
    rows = mask.int().argsort(dim=0, descending=True, stable=True)[:n_rows]
    return rows, mask.gather(0, rows)


def mean_over_rows(outputs, rows, is_own, n_rows):
    """Mean of what several members say about a row.

    Parameters
    ----------
    outputs : Tensor of shape (m, k, n_classes)
    rows, is_own : Tensor of shape (m, k)
        See :func:`rows_of_each`.
    n_rows : int

    Returns
    -------
    Tensor of shape (n_rows, n_classes)
        NaN for a row that no member speaks about.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.holding_out import mean_over_rows
    >>> outputs = torch.tensor([[[1.0], [4.0]], [[3.0], [7.0]]])
    >>> rows = torch.tensor([[0, 0], [1, 1]])
    >>> is_own = torch.tensor([[True, True], [True, False]])
    >>> mean_over_rows(outputs, rows, is_own, 2)
    tensor([[2.5000],
            [3.0000]])
    """
    own, outputs = rows[is_own], outputs[is_own]
    total = outputs.new_zeros(n_rows, outputs.shape[-1]).index_add_(0, own, outputs)
    return total / own.bincount(minlength=n_rows)[:, None]


class HoldsOut:
    """Members that hold rows out, and what they say about them.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    def _members_differ_in_rows(self):
        return self.member_holdout is not None or self.member_sampling is not None

    def _check_parameters(self):
        super()._check_parameters()
        if self.n_members == 1 and self._members_differ_in_rows():
            name = "member_holdout" if self.member_holdout else "member_sampling"
            raise ValueError(
                f"{name}={getattr(self, name)!r} is about the rows of members, and "
                "there is one, which would lack rows that none replaces. Pass "
                "n_members=10, for example."
            )
        if self.refit and self.member_holdout is None:
            raise ValueError(
                "refit=True trains anew on all rows, and without member_holdout no "
                "member holds out any. Pass member_holdout='folds', or refit=False."
            )
        if self.member_holdout is not None and self.train_split != "stratified":
            raise ValueError(
                f"train_split={self.train_split!r} and member_holdout="
                f"{self.member_holdout!r} are two ways to hold rows out. Leave one."
            )

    def _check_goes_on(self, reset):
        if not reset and self._members_differ_in_rows():
            raise ValueError(
                "Training cannot go on with member_holdout or member_sampling: the "
                "members would see rows that they held out. Call fit, with "
                "warm_start=False."
            )

    def _check_groups(self, groups, X):
        if groups is None:
            return None
        if self.member_holdout is None:
            raise ValueError(
                "groups says which rows are held out together, and member_holdout is "
                "None. Pass member_holdout='folds' or 'bootstrap'."
            )
        groups = column_or_1d(groups)
        check_consistent_length(X, groups)
        return groups

    def _split(self, X, target):
        if not self._members_differ_in_rows():
            return super()._split(X, target)
        state = own_state(seed_from(self.random_state_))
        if self.member_holdout is None:
            return self._split_for_samples(X, target, state)
        if self.run_.eval_set is not None:
            raise ValueError(
                f"eval_set and member_holdout={self.member_holdout!r} are two ways to "
                "validate. Pass member_holdout=None to use the rows of eval_set."
            )
        hold_out = HOLD_OUTS[self.member_holdout]
        rows = hold_out(target, self.n_members, state, self.run_.groups)
        judged = np.flatnonzero(rows.held_out.any(axis=1))
        self._set_member_rows(rows, target, state)
        self.run_.n_rows = len(target)
        train = self.get_dataset(X, target)
        if not len(judged):
            return train, None
        company = X if isinstance(X, Mapping) else {"X": X}
        valid = self.get_dataset(company | {"held_out": rows.held_out}, target)
        return train, valid if len(judged) == len(target) else Subset(valid, judged)

    def _split_for_samples(self, X, target, state):
        """Split as a single net does; members sample the training part."""
        train, valid = super()._split(X, target)
        if isinstance(train, Subset):
            target = target[train.indices]
        nothing = np.zeros((len(target), self.n_members), dtype=bool)
        everything = [np.arange(len(target))] * self.n_members
        self._set_member_rows(MemberRows(everything, nothing), target, state)
        return train, valid

    def _set_member_rows(self, rows, target, state):
        if self.member_sampling is not None:
            rows = under_sample(
                rows, target, self.classes_, self.member_sampling, state
            )
        self.run_.member_rows = rows.train

    def infer(self, x, **fit_params):
        if isinstance(x, Mapping) and "held_out" in x and not self.module_.training:
            return self._infer_held_out(x, **fit_params)
        return super().infer(x, **fit_params)

    def _infer_held_out(self, x, **fit_params):
        """Outputs for rows, by the members that held each out."""
        held_out = x["held_out"].to(self.device)
        rows, is_own = rows_of_each(held_out)
        X = self.within_range(x["X"].to(self.device))[rows]
        outputs = self.module_(X, own_rows=True, **fit_params)
        # Of a module that has members itself: those of each member side by side.
        heads = outputs.unflatten(1, (self.n_members, -1))
        own = self.of_all_members(heads.flatten(0, 1)).unflatten(0, rows.shape)
        if self.gives_probabilities_:
            return mean_over_rows(own, rows, is_own, len(held_out))
        # In float64, where no probability of a float32 logit underflows.
        proba = (self.logit_scale_ * own.double()).softmax(-1)
        mean = mean_over_rows(proba, rows, is_own, len(held_out))
        return (mean.log() / self.logit_scale_).to(own.dtype)

    def _train(self, train, valid, method, epochs=None):
        super()._train(train, valid, method, epochs)
        if self.member_holdout is not None:
            self._learn_from_held_out(valid, self.run_.n_rows)
            if self.refit and not self.interrupted_:
                self._train_on_all(train, method)
        return self

    def _learn_from_held_out(self, valid, n_rows):
        stopping = [c for c in self._early_stoppings() if c.watched_ and c.load_best]
        self.best_epoch_ = stopping[0].best_epoch_ if stopping else len(self.history)
        self.oof_scores_ = {
            name: np.array(self.history[:, name])
            for name in self.history[-1]
            if name.startswith("valid_") and not name.endswith("_best")
        }
        self.oof_proba_ = np.full((n_rows, len(self.classes_)), np.nan)
        if valid is not None:
            judged = valid.indices if isinstance(valid, Subset) else slice(None)
            self.oof_proba_[judged] = self.probabilities(self.forward(valid))

    def _train_on_all(self, train, method):
        """Start the members anew, on all rows for the epochs that were best."""
        target = to_numpy(TensorBatches(train).y)
        nothing = np.zeros((len(target), self.n_members), dtype=bool)
        everything = [np.arange(len(target))] * self.n_members
        state = own_state(seed_from(self.random_state_))
        self._set_member_rows(MemberRows(everything, nothing), target, state)
        self.initialize()
        super()._train(train, None, method, self.best_epoch_)
