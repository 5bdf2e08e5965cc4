"""Images as the transformers of this folder take them."""

import numpy as np
from sklearn.utils.validation import validate_data

from imbdeep._tables.images import check_has_pixels
from imbdeep._tables.row_kinds import check_has_rows
from imbdeep._tables.torch_data import as_array


def read_images(estimator, X, *, reset):
    """Read images, without a copy of an array.

    Parameters
    ----------
    estimator : object
        Learns or holds the number of bands, ``n_features_in_``.
    X : array-like or Tensor of shape (n, n_bands, height, width)
    reset : bool
        Whether the estimator learns it.

    Returns
    -------
    ndarray of the shape and the dtype of X

    Raises
    ------
    ValueError
        If ``X`` has another number of axes, or of bands, does not hold numbers, or is
        masked.
    """
    if np.ma.is_masked(X):
        raise ValueError(
            f"X is masked in {np.ma.count_masked(X)} pixels. Fill them first, for "
            "example with X.filled(0), or drop their images."
        )
    X = as_array(X)
    if not isinstance(X, np.ndarray) or X.dtype == object:
        check_has_rows(X)
    shape = np.shape(X)
    if len(shape) != 4:
        raise ValueError(
            "X must hold images, of shape (n_samples, n_bands, height, width), got "
            f"{shape}. Give images without bands one, X[:, None], and a single image a "
            "first axis, X[None]; tables have no bands."
        )
    if not reset and estimator.n_features_in_ == shape[-1] != shape[1]:
        raise ValueError(
            f"X has {shape[1]} features, its bands, but {type(estimator).__name__} is "
            f"expecting {shape[-1]}. Bands come before the pixels: np.moveaxis(X, -1, "
            "1)."
        )
    X = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=None,
        allow_nd=True,
        ensure_all_finite=False,
    )
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"X must hold numbers, got {X.dtype}. Turn pixels into numbers first, for "
            "example with astype(float)."
        )
    check_has_pixels(X)
    return X


class TakesImages:
    """Tags of a transformer that takes images, and no tables."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        return tags
