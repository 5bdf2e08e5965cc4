"""Rows as the net uses them, and what it learns about their columns."""

from functools import partial

import numpy as np
import torch
from scipy import sparse

from imbdeep._arguments import shown
from imbdeep._nets.parameters import accepts, needs
from imbdeep._tables.column_selection import automatic_columns, select_columns
from imbdeep._tables.frames import rows_as_array
from imbdeep._tables.images import (
    check_fits_float32,
    check_like_training,
    is_kept,
)
from imbdeep._tables.levels import LevelCodes
from imbdeep._tables.precision import (
    check_spans,
    columns_losing_digits,
    to_float32,
    warn_of_lost_digits,
    warn_of_merged_integers,
)
from imbdeep._tables.reading import read_rows, read_rows_and_labels
from imbdeep._tables.rows import column_range, missing_shares
from imbdeep._tables.torch_data import arrays_of
from imbdeep.batches import TensorBatches
from imbdeep.modules._encoding import PassThrough
from imbdeep.modules._registry import MODULES
from imbdeep.modules._table_encoding import table_recipe


def _writeable(X):
    # torch cannot share memory that NumPy holds read-only.
    return X if sparse.issparse(X) or X.flags.writeable else X.copy()


class ReadsTables:
    """Rows as the net uses them, and what it learns about their columns.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    # For nets that skorch initializes without rows, as load_params does.
    rows_dtype_ = np.dtype(np.float32)
    column_range_ = None
    image_shape_ = None
    level_codes_ = LevelCodes()
    is_level_ = None
    allows_nd_ = True
    # Whether images may stay as they are until a batch is taken. Methods that compute
    # with all rows before they train say no.
    _keeps_images = True

    def _check_rows(self, X, y="no_validation", *, reset):
        """Rows, and labels if there are any to check, as the net uses them."""
        # A string, because None stands for the labels inside a data set.
        are_labelled = not (isinstance(y, str) and y == "no_validation")
        X, y = arrays_of(X, y if are_labelled else None)
        if not reset and self.image_shape_ is not None:
            rows = X if hasattr(X, "shape") else rows_as_array(X)
            check_like_training(rows, self.image_shape_, self)
        if reset:
            if are_labelled and hasattr(X, "columns"):
                # Before advice on its columns, which would lead nowhere.
                self._check_are_images(X)
            module = self._component("module", MODULES)
            self.allows_nd_ = getattr(module, "input_ndim", None) != 2
            self.level_codes_ = LevelCodes(self._categorical_columns(X)).fit(X)
            if not len(self.level_codes_.positions):
                warn_of_merged_integers(X)
        params = {
            "levels": self.level_codes_,
            "allow_missing": self._takes_encoding(),
            "reset": reset,
            "allow_nd": self.allows_nd_,
            "keep_images": self._keeps(X),
        }
        if not are_labelled:
            return self._as_used(read_rows(self, X, **params))
        X, y = read_rows_and_labels(self, X, y, **params)
        if reset:
            self._check_are_images(X)
        self._choose_dtype(X, reset)
        return self._as_used(X), y

    def _check_are_images(self, X):
        """Refuse what a module for images would refuse in the first step."""
        takes = getattr(self._component("module", MODULES), "input_ndim", None)
        if takes == 4 and len(X.shape) != 4:
            raise ValueError(
                f"module={shown(self.module)} takes images of shape (n, bands, height, "
                f"width), got X of shape {X.shape}. Give images without bands one, "
                "X[:, None]; reshape flat ones, X.reshape(-1, bands, height, width); "
                "for tables take module='mlp'."
            )

    def _keeps(self, X):
        """Whether images stay as they are until a batch of them is taken."""
        if not self._keeps_images or not is_kept(X):
            return False
        # Other iterators than the library's would hand bytes on to the module.
        iterators = self._training_iterator(), self.iterator_valid
        return all(
            isinstance(i, type) and issubclass(i, TensorBatches) for i in iterators
        )

    def _categorical_columns(self, X):
        chosen = self.categorical_features
        if isinstance(chosen, str):
            # A module without a place for levels takes booleans as the numbers 0 and 1.
            positions = automatic_columns(X) if self._takes_encoding() else []
        else:
            positions = select_columns(X, chosen, "categorical_features")
        if len(positions) and sparse.issparse(X):
            raise ValueError(
                f"categorical_features={chosen!r} are columns of levels, and X is "
                "sparse. Pass it dense, or one-hot columns in their place."
            )
        if len(positions) and not self._takes_encoding():
            raise ValueError(
                f"categorical_features={chosen!r} are columns of levels, and "
                f"module={self.module!r} has no place for levels. Let its constructor "
                "take encoding, a module that maps a batch to floats, or encode them "
                "before, for example with OneHotEncoder in a ColumnTransformer."
            )
        return positions

    def _as_used(self, X):
        if self._keeps(X):
            return X
        if self.rows_dtype_ == np.float64:
            return _writeable(X.astype(np.float64, copy=False))
        if X.ndim > 2:
            check_fits_float32(X)
        return _writeable(to_float32(X))

    def _choose_dtype(self, X, reset):
        """Use float64 for rows that lose digits as float32, if the net can."""
        losing = columns_losing_digits(X) if X.ndim == 2 else ()
        # Later rows keep the dtype that the encoding was learned in.
        if reset:
            precise = len(losing) and self._encodes_columns()
            self.rows_dtype_ = np.dtype(np.float64 if precise else np.float32)
        if len(losing):
            check_spans(*column_range(X), self._column_names())
            if self.rows_dtype_ == np.float32:
                warn_of_lost_digits(self._column_names()[losing].tolist())

    def _column_names(self):
        return getattr(self, "feature_names_in_", np.arange(self.n_features_in_))

    def _takes_encoding(self):
        return accepts(self._component("module", MODULES), "encoding")

    def _encodes_columns(self):
        return self._takes_encoding() and self.numeric_encoding is not None

    def _learn_from_columns(self, X):
        self.encoding_recipe_ = self.is_level_ = None
        self.image_shape_ = X.shape[1:] if X.ndim > 2 else None
        # The shorter side, by which modules for images choose their first layer.
        self.image_size_ = min(X.shape[2:]) if X.ndim == 4 else None
        self._learn_missing_shares(X)
        if self._takes_encoding() and X.ndim == 2:
            gappy = self.missing_share_ > 0
            if len(self.level_codes_.positions) or gappy.any():
                columns = np.arange(X.shape[1])
                self.is_level_ = np.isin(columns, self.level_codes_.positions)
            self.encoding_recipe_ = table_recipe(
                X,
                self.numeric_encoding,
                self.n_bins,
                gappy=gappy,
                level_columns=self.level_codes_.positions,
                n_levels=self.level_codes_.n_levels(),
                names=getattr(self, "feature_names_in_", None),
            )
            module = self._component("module", MODULES)
            if self.encoding_recipe_ is None and needs(module, "encoding"):
                self.encoding_recipe_ = partial(PassThrough, X.shape[1])

    def _learn_column_range(self, X, reset):
        if X.ndim != 2:
            self.column_range_ = None
            return
        low, high = column_range(X)
        shares = self.missing_share_ if reset else missing_shares(X)
        varies = (low < high) | ((shares > 0) & ~np.isnan(low))
        levels = self.level_codes_
        # The code of what training has not seen is beyond those of the levels.
        high[levels.positions] = np.where(
            varies[levels.positions], levels.n_levels(), high[levels.positions]
        )
        if not reset and self.column_range_ is not None:
            before = self.column_range_
            low, high = np.fmin(low, before[0]), np.fmax(high, before[1])
            varies = (low < high) | varies | before[2]
        self.column_range_ = low, high, varies

    def _learn_from_rows(self, X):
        """Hook: learn from the rows of every call, or refuse them."""

    def within_range(self, x):
        """Clip rows to the range of the training rows, as the module sees them.

        A column that did not vary in training makes no difference, nor does how far a
        value lies outside the range seen there. Rows are clipped on their way to the
        module in prediction, validation and attacks. Training steps see the rows that
        their method makes as they are.

        Parameters
        ----------
        x : Tensor of shape (*, n, n_features), or of images

        Returns
        -------
        Tensor of the shape of x
            Images as they are.
        """
        steps = self.run_ is not None and self.module_.training
        if steps or self.column_range_ is None:
            return x
        low, high, varies = (
            torch.as_tensor(part, device=x.device) for part in self.column_range_
        )
        # The gradient of clamp is 1 at its ends, where a constant column always lies:
        # an attack would try to move it.
        return torch.where(varies, x.clamp(low, high), low)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._takes_encoding()
        return tags
