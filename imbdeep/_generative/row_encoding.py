"""Encode rows as numbers near 0 for a net, and decode its outputs into rows."""

from numbers import Number

import numpy as np

from imbdeep._generative.categories import (
    categories_of,
    distinct,
    fill_gaps,
    positions_of,
)
from imbdeep._generative.scaling import build_scaler
from imbdeep._tables.column_kinds import as_objects, is_missing, numbers_of_objects
from imbdeep._tables.validation import check_complete

# Training needs several times as much.
_MOST_ONE_HOT_BYTES = 2**30

_SCALINGS = ["minmax", "standard", "quantile"]


def _is_no_number(value):
    return not isinstance(value, Number | np.bool_) and not is_missing(value)


def _any_in_columns(table, holds):
    """Whether each column of an array of objects has a value that ``holds`` accepts."""
    if not table.size:
        return np.zeros(table.shape[1], dtype=bool)
    return np.frompyfunc(holds, 1, 1)(table).astype(bool).any(0)


class TableCodec:
    """Encode the rows of a table for a net, and decode its outputs.

    Scaled numeric columns come first; then one block per categorical column, with a 1
    at the row's category, a missing one included; then a block of two per numeric
    column with missing values, which says whether the number is there. A missing number
    counts as the median. Constant columns are dropped, and restored when decoding.

    Parameters
    ----------
    scaling : {'minmax', 'standard', 'quantile'}, default='minmax'
        How to scale numeric columns: to [0, 1]; to mean 0 and variance 1; or to a
        standard normal distribution by ranks, for heavy tails.
    categorical : array-like of int, default=()
        Positions of the categorical columns.
    integer : array-like of int or 'auto', default=()
        Positions of numeric columns whose decoded values are rounded to whole numbers;
        'auto' takes the columns that hold no others. Categorical columns among them
        keep their categories.
    feature_names : array-like of str or None, default=None
        Names of the columns, for errors; None uses positions.

    Attributes
    ----------
    n_numeric_ : int
        Number of encoded numeric columns.
    category_sizes_ : list of int
        Sizes of the blocks: categories of each categorical column that is encoded, then
        2 for each numeric column with gaps.
    n_gappy_ : int
        Numeric columns with gaps.
    n_outputs_ : int
        ``n_numeric_ + sum(category_sizes_)``.
    bounded_ : bool
        Whether the encoded numeric columns of the training rows lie in [0, 1].
    all_integer_ : bool
        Whether all encoded numeric columns are rounded to whole numbers.

    Notes
    -----
    Encoding in float32 and decoding changes a value by at most the following, plus a
    few units in the last place of float64 at the ends of the column:

    - 'minmax': ``2**-25`` of the column's range;
    - 'standard': ``2**-24`` of the value's distance from the mean;
    - 'quantile': ``2**-26 * n_quantiles`` of the distance between the two neighbouring
      quantiles, of at most 1,000, and of the distances next to it.

    Categories are restored exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative import TableCodec
    >>> X = np.array([[20, "Ulm"], [30, "Bonn"], [60, "Ulm"]], dtype=object)
    >>> encoding = TableCodec(categorical=[1], integer=[0]).fit(X)
    >>> encoding.encode(X)
    array([[0.  , 0.  , 1.  ],
           [0.25, 1.  , 0.  ],
           [1.  , 0.  , 1.  ]], dtype=float32)
    >>> encoding.decode([[0.26, 0.3, 0.7]], clip=True)
    array([[30.0, 'Ulm']], dtype=object)
    """

    def __init__(
        self, scaling="minmax", categorical=(), integer=(), feature_names=None
    ):
        self.scaling = scaling
        self.categorical = categorical
        self.integer = integer
        self.feature_names = feature_names

    def fit(self, X):
        """Learn scales, categories and the box of the rows.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
            Numbers, or objects.

        Returns
        -------
        TableCodec
            Itself.

        Raises
        ------
        ValueError
            If ``scaling`` is unknown, a value is infinite, a numeric column
            holds text or spans more than 1e300 or less than 1e-300, a whole-number
            column holds fractions, or no column varies.
        """
        if self.scaling not in _SCALINGS:
            raise ValueError(
                f"scaling must be one of {_SCALINGS}, got {self.scaling!r}."
            )
        X = _without_fixed_width_text(X)
        self._n_features = X.shape[1]
        categorical = np.unique(np.asarray(self.categorical, dtype=int))
        numeric = np.setdiff1d(np.arange(X.shape[1]), categorical)
        numbers = self._read_numbers(X, numeric)
        missing = np.isnan(numbers)
        self._gappy = numeric[missing.any(0) & ~missing.all(0)]
        low, high = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
        self._check_ranges(low, high, numeric)
        varies = low < high
        self._numeric = numeric[varies]
        self._low, self._high = low[varies], high[varies]
        numbers = numbers[:, varies]
        is_whole = (np.isnan(numbers) | (numbers == np.rint(numbers))).all(0)
        if isinstance(self.integer, str):
            self._is_integer = is_whole
        else:
            self._is_integer = np.isin(self._numeric, self.integer)
            self._check_whole(is_whole)
        categories = {
            column: categories_of(X[:, column]) for column in categorical.tolist()
        }
        self._categories = {
            column: values for column, values in categories.items() if len(values) > 1
        }
        self._check_one_hot_size(len(X))

        self.n_numeric_ = len(self._numeric)
        self.n_gappy_ = len(self._gappy)
        self.category_sizes_ = [len(values) for values in self._categories.values()]
        self.category_sizes_ += [2] * self.n_gappy_
        self.n_outputs_ = self.n_numeric_ + sum(self.category_sizes_)
        self.bounded_ = self.scaling == "minmax"
        self.all_integer_ = bool(self._is_integer.all())
        if not self.n_outputs_:
            raise ValueError(
                f"No column of X varies over its {len(X)} samples: there is nothing "
                "to learn. Check that X holds what it should, or give more rows."
            )
        # Decoded columns are written into copies of it; it holds the constant ones.
        self._template = X[0].astype(object if X.dtype == object else np.float64)
        # The first row may have a gap where others have a number, always the same.
        for column in np.setdiff1d(self._gappy, self._numeric):
            self._template[column] = low[numeric == column][0]
        if self.n_numeric_:
            self._scaler = build_scaler(self.scaling, self._low, self._high, len(X))
            self._median = np.nanmedian(numbers, 0)
            self._scaler.fit(fill_gaps(numbers, self._median))
        return self

    def _check_one_hot_size(self, n_rows):
        """Refuse categories that would not fit in memory one-hot."""
        sizes = {column: len(values) for column, values in self._categories.items()}
        n_bytes = 4 * n_rows * sum(sizes.values())
        if n_bytes > _MOST_ONE_HOT_BYTES:
            largest = max(sizes, key=sizes.get)
            raise ValueError(
                f"Categories as one-hot columns would take {n_bytes / 2**30:.1f} GiB "
                f"for {n_rows} rows, and 1 GiB is the most; column "
                f"{self._names([largest])[0]!r} alone has {sizes[largest]} of them. "
                "Merge its rare categories, leave it out, or use ReMix, which does not "
                "encode them."
            )

    def encode(self, X):
        """Encode rows.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
            Numbers outside the range of the fitted rows are encoded as they are, except
            by 'quantile', which clips them.

        Returns
        -------
        ndarray of shape (n, ``n_outputs_``), float32

        Raises
        ------
        ValueError
            If a value is infinite or too far out for float32, a category is not among
            the fitted ones, or the number of columns differs from that of the fitted
            rows.
        """
        X = _without_fixed_width_text(X)
        if X.shape[1] != self._n_features:
            raise ValueError(
                f"X has {X.shape[1]} columns, but the encoding was fitted on "
                f"{self._n_features}. Give the same columns in the same order."
            )
        rows = np.zeros((len(X), self.n_outputs_), dtype=np.float32)
        if self.n_numeric_:
            numbers = self._read_numbers(X, self._numeric)
            # What overflows float32 is refused below, by the name of its column.
            with np.errstate(over="ignore"):
                numbers = fill_gaps(numbers, self._median)
                rows[:, : self.n_numeric_] = self._scaler.transform(numbers)
            is_far = ~np.isfinite(rows[:, : self.n_numeric_]).all(0)
            if is_far.any():
                raise ValueError(
                    f"Columns {self._names(self._numeric[is_far])} hold values too far "
                    "from those of the fitted rows for float32. Leave these rows out."
                )
        start = self.n_numeric_
        for column, categories in self._categories.items():
            codes = positions_of(X[:, column], categories)
            if (codes < 0).any():
                unknown = distinct(X[codes < 0, column]).tolist()
                raise ValueError(
                    f"Columns {self._names([column])} hold categories that the fitted "
                    f"rows do not have: {unknown}. Leave these rows out, or fit on "
                    "rows that have them."
                )
            rows[np.arange(len(X)), start + codes] = 1
            start += len(categories)
        gaps = np.isnan(self._read_numbers(X, self._gappy)).astype(int)
        for missing in gaps.T:
            rows[np.arange(len(X)), start + missing] = 1
            start += 2
        return rows

    def gaps(self, X):
        """Which numbers are missing, in the columns where the fitted rows have gaps.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_gappy_), bool
        """
        return np.isnan(self._read_numbers(_without_fixed_width_text(X), self._gappy))

    def gap_scores(self, rows):
        """How likely each number is missing in what a net made, of shape (n, n_gappy_).

        Parameters
        ----------
        rows : ndarray of shape (n, n_outputs_)
        """
        if not self.n_gappy_:
            return rows[:, :0]
        blocks = rows[:, -2 * self.n_gappy_ :]
        return blocks[:, 1::2] - blocks[:, ::2]

    def decode(self, rows, clip, is_missing=None):
        """Decode the outputs of a net into rows.

        Parameters
        ----------
        rows : array-like of shape (n, ``n_outputs_``)
            The largest number of a block selects its category.
        clip : bool
            Whether to clip numbers to the range of the fitted rows.
        is_missing : ndarray of shape (n, n_gappy_), bool, or None, default=None
            Which numbers are missing; None takes those that are likelier missing.

        Returns
        -------
        ndarray of shape (n, n_features)
            Objects if the fitted rows were objects, otherwise float64.
        """
        rows = np.asarray(rows)
        X = np.tile(self._template, (len(rows), 1))
        if not len(rows):
            return X
        if self.n_numeric_:
            # Back in float64: large numbers have more digits than float32 holds.
            scaled = rows[:, : self.n_numeric_].astype(np.float64)
            numbers = self._scaler.inverse_transform(scaled)
            if clip:
                np.clip(numbers, self._low, self._high, out=numbers)
            np.rint(numbers, out=numbers, where=self._is_integer)
            X[:, self._numeric] = numbers
        start = self.n_numeric_
        for column, categories in self._categories.items():
            block = rows[:, start : start + len(categories)]
            X[:, column] = categories[block.argmax(1)]
            start += len(categories)
        if is_missing is None:
            is_missing = self.gap_scores(rows) > 0
        for column, missing in zip(self._gappy, is_missing.T, strict=True):
            X[missing, column] = np.nan
        return X

    def _names(self, columns):
        names = np.arange(self._n_features)
        if self.feature_names is not None:
            names = as_objects(self.feature_names)
        return names[columns].tolist()

    def _read_numbers(self, X, columns):
        """Check columns and convert them to float64."""
        values = X[:, columns]
        if values.dtype == object:
            is_other = _any_in_columns(values, _is_no_number)
            if is_other.any():
                raise ValueError(
                    f"Columns {self._names(columns[is_other])} hold text or other "
                    "values that are not numbers. Name them in categorical_features, "
                    "or turn them into numbers."
                )
        check_complete(values, self._names(columns), allow_missing=True)
        if values.dtype == object:
            return numbers_of_objects(values)
        return values.astype(np.float64)

    def _check_ranges(self, low, high, columns):
        with np.errstate(over="ignore"):
            spans = high - low
        # Nearer to the limits of float64, scaling overflows in one direction or other.
        is_extreme = (spans > 1e300) | ((spans > 0) & (spans < 1e-300))
        if is_extreme.any():
            raise ValueError(
                f"Columns {self._names(columns[is_extreme])} span more than 1e300 or "
                "less than 1e-300, which float64 is too coarse to scale. Multiply them "
                "by a constant, or drop their extreme rows."
            )

    def _check_whole(self, is_whole):
        is_broken = self._is_integer & ~is_whole
        if is_broken.any():
            raise ValueError(
                f"Columns {self._names(self._numeric[is_broken])} are to stay whole "
                "numbers, but hold others. Leave them out of integer_features, or "
                "round them first."
            )


def _without_fixed_width_text(X):
    # A fixed width would cut off longer categories and numbers that are decoded.
    return X.astype(object) if X.dtype.kind in "SU" else X
