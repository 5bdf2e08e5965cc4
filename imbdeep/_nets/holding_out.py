"""Members that hold rows out: the ensemble is judged by rows that it never saw."""

import warnings
from collections.abc import Mapping
from numbers import Real

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.utils import to_numpy, to_tensor
from torch.utils.data import Subset

from imbdeep._all_or_nothing import refuse_other_threads
from imbdeep._nets.candidates import offer_candidates
from imbdeep._nets.member_rows import (
    HOLD_OUTS,
    read_groups,
    sample_of_classes,
    under_sample,
)
from imbdeep._nets.members import MemberDraws
from imbdeep._nets.parameters import auto_batch_size
from imbdeep._nets.refitting import check_can_refit, saying_what_a_refit_lacks
from imbdeep._torch.switches import usual_switches

# Of more rows, an epoch is judged by a sample. It would take longer than training, and
# tell the same.
MOST_JUDGED = 10_000


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


def scores_of_epochs(epochs):
    """Scores of validation rows in the entries of a history.

    Parameters
    ----------
    epochs : list of dict

    Returns
    -------
    dict of ndarray of shape (n_epochs,)
        NaN where an epoch has no such entry.

    Examples
    --------
    >>> from imbdeep._nets.holding_out import scores_of_epochs
    >>> epochs = [{"valid_loss": 0.7, "valid_loss_best": True}, {"valid_loss": 0.6}]
    >>> scores_of_epochs(epochs)
    {'valid_loss': array([0.7, 0.6])}
    """
    names = dict.fromkeys(
        name
        for epoch in epochs
        for name, value in epoch.items()
        if name.startswith("valid_")
        and not name.endswith(("_best", "_batch_count"))
        and isinstance(value, Real)
    )
    return {
        name: np.array([epoch.get(name, np.nan) for epoch in epochs], dtype=float)
        for name in names
    }


def can_go_on(net):
    """Whether training may go on with other rows.

    Raises
    ------
    ValueError
        If members hold out rows, which says why.
    """
    if net.member_holdout is not None:
        raise ValueError(
            f"Training cannot go on with member_holdout={net.member_holdout!r}: "
            "members would see rows that they held out. Call fit, with "
            "warm_start=False."
        )
    return True


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
        if self.member_holdout is not None and callable(self.train_split):
            raise ValueError(
                f"train_split={self.train_split!r} and member_holdout="
                f"{self.member_holdout!r} are two ways to hold rows out. Leave one."
            )

    def _check_goes_on(self, reset):
        if not reset:
            can_go_on(self)

    def _check_groups(self, groups, X):
        if groups is None:
            return None
        if self.member_holdout is None:
            raise ValueError(
                "groups says which rows are held out together, and member_holdout is "
                "None. Pass member_holdout='folds' or 'bootstrap'."
            )
        return read_groups(groups, X)

    def _split(self, X, target):
        if not self._members_differ_in_rows():
            return super()._split(X, target)
        if self.member_holdout is None:
            train, valid = super()._split(X, target)
            if isinstance(train, Subset):
                target = target[train.indices]
            self._give_rows(None, target)
            return train, valid
        if self.run_.eval_set is not None:
            raise ValueError(
                f"eval_set and member_holdout={self.member_holdout!r} are two ways to "
                "validate. Pass member_holdout=None to use the rows of eval_set."
            )
        hold_out = HOLD_OUTS[self.member_holdout]
        state = self._draw_state()
        rows = hold_out(target, self.n_members, state, self.run_.groups)
        self._give_rows(rows.train, target)
        self.run_.target, self.run_.held_out = target, rows.held_out
        self.run_.unseen = self._held_out(X, target, rows.held_out)
        return self.get_dataset(X, target), self._sample_to_judge(target)

    def _draw_state(self):
        return np.random.RandomState(self._draw_seed())

    def _held_out(self, X, target, held_out):
        """Data set of the rows that some member holds out, or None."""
        judged = np.flatnonzero(held_out.any(axis=1))
        unseen = self.classes_[np.setdiff1d(target, target[judged])].tolist()
        if unseen:
            warnings.warn(
                f"No member holds out a row of class {unseen}, which has too few rows "
                "or groups: oof_proba_ is NaN there, and early stopping does not see "
                "how it fares.",
                UserWarning,
                stacklevel=2,
            )
        if not len(judged):
            return None
        company = X if isinstance(X, Mapping) else {"X": X}
        dataset = self.get_dataset(company | {"held_out": held_out}, target)
        return Subset(dataset, judged) if len(judged) < len(target) else dataset

    def _sample_to_judge(self, target):
        """Data set of the rows that each epoch is judged by, or None."""
        unseen = self.run_.unseen
        if unseen is None or len(unseen) <= MOST_JUDGED:
            return unseen
        own = target[getattr(unseen, "indices", slice(None))]
        return Subset(unseen, sample_of_classes(own, MOST_JUDGED, self._draw_state()))

    def _give_rows(self, rows, target):
        """Set the rows that each member trains on, before any sampling of classes.

        Parameters
        ----------
        rows : list of ndarray of int, or None
            None means all.
        target : ndarray of shape (n,)
        """
        if self.member_sampling is not None:
            rows = under_sample(
                rows or [np.arange(len(target))] * self.n_members,
                target,
                self.classes_,
                self.member_sampling,
                self._draw_state(),
            )
            # An epoch of the few rows that are left has eight steps as well.
            self.auto_batch_size_ = auto_batch_size(len(rows[0]), len(self.classes_))
        self.run_.member_rows = rows

    def _forward_batches(self, X, training, device):
        if self.run_ is not None and isinstance(X, Mapping) and "held_out" in X:
            # Of a callback that looks at the rows once more.
            X = self.get_dataset(X)
        return super()._forward_batches(X, training, device)

    def infer(self, x, **fit_params):
        if isinstance(x, Mapping) and "held_out" in x and not self.module_.training:
            return self._infer_held_out(x, **fit_params)
        return super().infer(x, **fit_params)

    def _infer_held_out(self, x, **fit_params):
        """Outputs for rows, by the members that held each out."""
        held_out = to_tensor(x["held_out"], device=self.device)
        rows, is_own = rows_of_each(held_out)
        X = self.within_range(to_tensor(x["X"], device=self.device))[rows]
        outputs = self.corrected(self.module_(X, own_rows=True, **fit_params))
        # Of a module that has members itself: those of each member side by side.
        heads = outputs.unflatten(1, (self.n_members, -1))
        own = self.of_all_members(heads.flatten(0, 1)).unflatten(0, rows.shape)
        if self.gives_probabilities_:
            return mean_over_rows(own, rows, is_own, len(held_out))
        proba = (self.logit_scale_ * own.double()).softmax(-1)
        mean = mean_over_rows(proba, rows, is_own, len(held_out))
        # No logit is infinite, where all members are as sure as can be.
        mean = mean.clamp_min(torch.finfo(mean.dtype).tiny)
        return (mean.log() / self.logit_scale_).to(own.dtype)

    @usual_switches()
    def predict_held_out(self, X, rows):
        """Probability of each class, by the members that did not train on a row.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows of training, or what they would be with other values.
        rows : array-like of shape (n,), int
            Their positions in training.

        Returns
        -------
        ndarray of shape (n, n_classes)
            NaN for a row that all members trained on.

        Raises
        ------
        ValueError
            If the members did not hold rows out, or were trained anew by ``refit``.
        """
        refuse_other_threads(self)
        self.check_is_fitted()
        if not hasattr(self, "held_out_"):
            raise ValueError(
                f"The members of this {type(self).__name__} hold no rows out. Fit it "
                "with member_holdout='folds' and refit=False."
            )
        X = self._check_rows(X, reset=False)
        dataset = self.get_dataset({"X": X, "held_out": self.held_out_[rows]})
        # skorch's own: the rows have been read.
        outputs = torch.cat(list(NeuralNet.forward_iter(self, dataset)))
        return to_numpy(self.probabilities(outputs))

    def _train(self, train, valid, method, epochs=None):
        if self.refit:
            check_can_refit(self.callbacks_)
        super()._train(train, valid, method, epochs)
        learned = ("best_epoch_", "oof_scores_", "oof_proba_", "held_out_")
        for name in (*learned, "_refit_for_chosen"):
            vars(self).pop(name, None)
        if self.member_holdout is not None:
            self._learn_from_held_out(self.run_.unseen)
            if self.refit and not self.interrupted_:
                self._train_on_all(train, method)
            else:
                self.held_out_ = self.run_.held_out
        return self

    def _learn_from_held_out(self, unseen):
        n_epochs = self.run_.n_epochs
        best = self._best_epoch()
        self.best_epoch_ = n_epochs if best is None else best
        # A Ctrl-C may have left an epoch unfinished.
        self.oof_scores_ = scores_of_epochs(self.history[:n_epochs])
        shape = len(self.run_.target), len(self.classes_)
        self.oof_proba_ = np.full(shape, np.nan)
        if unseen is not None:
            rows = getattr(unseen, "indices", slice(None))
            self.oof_proba_[rows] = self.probabilities(self.forward(unseen))

    def _train_on_all(self, train, method):
        """Start the members anew, on all rows for the epochs that were best."""
        self._refit_for_chosen = self.do_early_stopping_
        self._give_rows(None, self.run_.target)
        # With the seeds of before: each is the net alone on all rows.
        self.member_draws_ = MemberDraws(self.member_draws_.seeds)
        with self._seeded(), saying_what_a_refit_lacks():
            # Not anew: skorch would print what that resets.
            self.initialized_ = False
            self.initialize()
            offer_candidates(self, train)
            # skorch's own would fail without validation rows.
            self.callbacks_ = [
                (name, callback)
                for name, callback in self.callbacks_
                if not isinstance(callback, EarlyStopping)
            ]
            super()._train(train, None, method, self.best_epoch_)

    @property
    def do_early_stopping_(self):
        """Whether validation rows decided for how many epochs training went on.

        They decide for a refit as well, in which early stopping has no part.
        """
        return getattr(self, "_refit_for_chosen", super().do_early_stopping_)
