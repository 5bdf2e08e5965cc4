"""Base class of the samplers with a generator: encoding and decoding of rows."""

import math
from abc import abstractmethod

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments, shown
from imbdeep._generative import (
    ImageCodec,
    RowHead,
    TableCodec,
)
from imbdeep._generative.categories import most_likely_missing
from imbdeep._sizes import read_sizes
from imbdeep._tables.column_selection import select_columns
from imbdeep._tables.frame_building import integers_within
from imbdeep._tables.frames import (
    column_names,
    count_dimensions,
    read_table,
)
from imbdeep._tables.validation import check_columns_are_numeric
from imbdeep._torch.device import check_device, resolve_device
from imbdeep._torch.imports import import_what_training_needs
from imbdeep._torch.seeding import own_state, seed_from, seeded_torch
from imbdeep._torch.switches import usual_switches
from imbdeep.over_sampling._containers import has_large_integers
from imbdeep.over_sampling._tables import (
    COLUMNS,
    REMEDIES_BY_NAME,
    TableOverSampler,
    as_dense,
)

POSITIVE = [FiniteReal(0, None, closed="neither")]
AT_LEAST_0 = [FiniteReal(0, None)]
COUNT = [WholeNumber(1)]

# Constraints of the parameters that every generator has.
OF_TRAINING = {
    "n_latent": COUNT,
    "lr": POSITIVE,
    "max_epochs": COUNT,
    "tol": AT_LEAST_0,
    "patience": COUNT,
    "device": [str, torch.device],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def auto_batch_size(n_rows):
    """Rows per step: an eighth of the table, at least 64 and at most 1024.

    Examples
    --------
    >>> from imbdeep.over_sampling._generative.base import auto_batch_size
    >>> [auto_batch_size(n) for n in (100, 4_000, 200_000)]
    [64, 500, 1024]
    """
    return max(64, min(1024, n_rows // 8))


class GenerativeSampler(TableOverSampler):
    """Base class of samplers that train a generator and sample rows from it.

    Methods learn from encoded rows in ``_train`` and make more of them in ``_make``.
    This class handles scaling, categories, the range of the training rows, seeds and
    devices.
    """

    _parameter_constraints = {
        **TableOverSampler._parameter_constraints,
        **OF_TRAINING,
        "integer_features": COLUMNS,
        "scaling": [StrOptions({"minmax", "standard", "quantile"})],
        "clip": ["boolean"],
        "hidden_sizes": ["array-like"],
        "batch_size": [*COUNT, StrOptions({"auto"})],
    }

    @abstractmethod
    def _train(self, rows, codes, n_new):
        """Learn from encoded rows, and make synthetic ones.

        Parameters
        ----------
        rows : Tensor of shape (n, ...)
            Encoded rows, on the device.
        codes : Tensor of shape (n,), int64
            Position of each row's class in ``classes_``.
        n_new : list of int
            Number of rows to make per class.

        Returns
        -------
        Tensor of shape (sum(n_new), ...)
            Encoded rows, class by class.
        """

    @abstractmethod
    def _make(self, n_new):
        """Make more encoded rows: the given number per class, class by class."""

    def _forget(self):
        for name in [n for n in vars(self) if n.endswith("_")]:
            delattr(self, name)

    # --- Rows in ---------------------------------------------------------------------

    def _check_X_y(self, X, y, accept_sparse=None):
        # ``sample`` must not find the generator of another table.
        self._forget()
        check_device(resolve_device(self.device))
        read_sizes("hidden_sizes", self.hidden_sizes)
        if self._allow_nd and count_dimensions(X) > 2:
            return self._check_images(X, y)
        categorical = self._categorical_columns(X)
        integer = self.integer_features
        if not isinstance(integer, str):
            integer = select_columns(X, integer, "integer_features")
        check_columns_are_numeric(X, besides=categorical, remedies=REMEDIES_BY_NAME)
        labels, binarize_y = self._check_y(y)
        table, labels = self._check_table(X, labels, categorical)
        if len(categorical) and has_large_integers(as_dense(table)):
            # As objects, categories keep all their digits.
            table = as_dense(table).astype(object)
        self._encoding = TableCodec(
            scaling=self.scaling,
            categorical=categorical,
            integer=integer,
            feature_names=column_names(X),
        ).fit(as_dense(table))
        return table, labels, binarize_y

    def _check_images(self, X, y):
        images, labels, binarize_y = super()._check_images(X, y)
        self._encoding = ImageCodec().fit(images)
        return images, labels, binarize_y

    # --- Rows out --------------------------------------------------------------------

    def _fit_resample(self, X, y):
        import_what_training_needs()
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_new = [self.sampling_strategy_.get(label, 0) for label in self.classes_]
        # `sample` uses it as well.
        self.random_state_ = own_state(self.random_state)
        device = resolve_device(self.device)
        rows = self._rows_to_train_on(X, device)
        self._learn_gap_shares(X, codes)
        with seeded_torch(self._draw_seed, device, shared=self._draws_globally()):
            made = self._train(rows, torch.from_numpy(codes).to(device), n_new)
        for name, value in vars(self).items():
            # The user's own modules are parameters, without an underscore, and stay.
            if name.endswith("_") and isinstance(value, torch.nn.Module):
                value.cpu()
        self._dtype = X.dtype
        # Any row of the class does as a parent: only its label is repeated.
        first = np.unique(y, return_index=True)[1]
        return self._decode(made, n_new), first.repeat(n_new)

    def _rows_to_train_on(self, X, device):
        """Encoded rows, as ``_train`` gets them."""
        return torch.from_numpy(self._encoding.encode(as_dense(X))).to(device)

    def _learn_gap_shares(self, X, codes):
        """How often each class lacks the number of a column."""
        self._gap_shares = None
        if getattr(self._encoding, "n_gappy_", 0):
            gaps = self._encoding.gaps(as_dense(X))
            labels = range(len(self.classes_))
            self._gap_shares = np.array(
                [gaps[codes == code].mean(0) for code in labels]
            )

    def _choose_gaps(self, rows, n_new):
        """Which of the synthetic numbers are missing, as often as in their class."""
        scores = self._encoding.gap_scores(rows)
        ends = np.cumsum(n_new)[:-1]
        chosen = [
            np.column_stack(
                [
                    most_likely_missing(score, share, self.random_state_)
                    for score, share in zip(part.T, shares, strict=True)
                ]
            )
            for part, shares in zip(
                np.split(scores, ends), self._gap_shares, strict=True
            )
        ]
        return np.concatenate(chosen)

    def _decode(self, made, n_new):
        made = made.cpu().numpy()
        if self._gap_shares is None:
            rows = self._encoding.decode(made, clip=self.clip)
        else:
            chosen = self._choose_gaps(made, n_new)
            rows = self._encoding.decode(made, clip=self.clip, is_missing=chosen)
        if self._dtype.kind in "iu" and self._encoding.all_integer_:
            # Whole numbers, but without clip possibly beyond the dtype.
            return integers_within(rows, self._dtype)
        n_numeric = getattr(self._encoding, "n_numeric_", 0)  # images have none
        is_flags = self._dtype.kind == "b" and not n_numeric
        return rows.astype(bool) if is_flags else rows

    def _encode(self, X):
        """Encode rows that the sampler may not have seen."""
        check_is_fitted(self, "n_epochs_")
        validate_data(self, X, reset=False, skip_check_array=True)
        table = check_array(
            X if count_dimensions(X) > 2 else read_table(X, self._encoding.categorical),
            accept_sparse=True,
            allow_nd=self._allow_nd,
            dtype=None if self._dtype.kind in "OUS" else "numeric",
            ensure_all_finite=False,
            estimator=self,
        )
        return torch.from_numpy(self._encoding.encode(as_dense(table)))

    @usual_switches()
    def sample(self, n_samples, label):
        """Make more rows of a class, without fitting again.

        Parameters
        ----------
        n_samples : int, at least 1
        label : object
            One of ``classes_``, whether ``sampling_strategy`` names it or not.

        Returns
        -------
        {ndarray, sparse matrix, data frame, list} of shape (n_samples, ...)
            In the container of the ``X`` of the fit. Each call makes other rows,
            determined by ``random_state`` and the order of calls.

        Raises
        ------
        ValueError
            If ``label`` is not among the classes, or ``n_samples`` is less than 1.
        """
        check_is_fitted(self, "n_epochs_")
        check_arguments({"n_samples": [WholeNumber(1)]}, {"n_samples": n_samples})
        n_new = [0] * len(self.classes_)
        n_new[self._code_of(label)] = int(n_samples)
        with seeded_torch(self._draw_seed, shared=self._draws_globally()):
            return self._container.build(self._decode(self._make(n_new), n_new))

    def _code_of(self, label):
        """Position of a label in ``classes_``."""
        labels = self.classes_.tolist()
        # Of an array, each element would be compared.
        if getattr(label, "ndim", 0) or label not in labels:
            raise ValueError(f"label must be one of {labels}, got {shown(label)}.")
        return labels.index(label)

    def _draws_globally(self):
        """Whether a net may draw from torch's global generators."""
        return False

    def _draw_seed(self):
        return seed_from(self.random_state_)

    # --- Nets ------------------------------------------------------------------------

    def _row_head(self, temperature=None):
        """Last layer of a net that outputs encoded rows."""
        encoding = self._encoding
        return RowHead(
            encoding.n_numeric_,
            encoding.category_sizes_,
            bounded=encoding.bounded_,
            temperature=temperature,
        )

    def _n_batches(self, n_rows):
        return math.ceil(n_rows / self._n_rows_of_a_step(n_rows))

    def _n_rows_of_a_step(self, n_rows):
        if isinstance(self.batch_size, str):
            return auto_batch_size(n_rows)
        return self.batch_size

    def _training_params(self, max_epochs):
        """Parameters of the training loop."""
        return {
            "method": type(self).__name__,
            "lr": self.lr,
            "max_epochs": max_epochs,
            "tol": self.tol,
            "patience": self.patience,
            "verbose": self.verbose,
        }
