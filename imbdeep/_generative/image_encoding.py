"""Encode images for generators, and decode them."""

import numpy as np

from imbdeep._generative.scaling import from_unit, to_unit
from imbdeep._tables.frame_building import integers_within


class ImageCodec:
    """Scale images to [0, 1] by the darkest and the brightest pixel of all.

    A single scale for all pixels keeps their contrast. Integer images are decoded to
    integers.

    Attributes
    ----------
    shape_ : tuple of int
        Shape of an image.
    n_outputs_ : int
        Pixel values per image.
    bounded_ : bool
        True: the encoded pixels of the training images lie in [0, 1].
    all_integer_ : bool
        Whether the images hold integers or booleans.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative import ImageCodec
    >>> X = np.array([[[0, 255]], [[51, 102]]], dtype=np.uint8)
    >>> encoding = ImageCodec().fit(X)
    >>> encoding.encode(X[1:])
    array([[[0.2, 0.4]]], dtype=float32)
    >>> encoding.decode([[[0.5, 1.0]]], clip=True)
    array([[[128, 255]]], dtype=uint8)
    """

    def fit(self, X):
        """Learn the darkest and the brightest pixel.

        Parameters
        ----------
        X : ndarray of shape (n, ...)
            Numbers.

        Returns
        -------
        ImageCodec
            Itself.

        Raises
        ------
        ValueError
            If a pixel is missing or infinite, all are equal, or they span more than
            float64 does.
        """
        _check_pixels(X)
        low, high = float(X.min()), float(X.max())
        if low == high:
            raise ValueError(
                f"All pixels of X are {X.flat[0]}: there is nothing to learn. Check "
                "that X holds what it should."
            )
        _check_span(low, high)
        self._low, self._high, self._dtype = low, high, X.dtype
        self.shape_ = X.shape[1:]
        self.n_outputs_ = int(np.prod(self.shape_))
        self.bounded_ = True
        self.all_integer_ = X.dtype.kind in "iub"
        return self

    def encode(self, X):
        """Encode images.

        Parameters
        ----------
        X : ndarray of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, ...), float32

        Raises
        ------
        ValueError
            If a pixel is missing or infinite, or the shape is not that of the fitted
            images.
        """
        _check_shape(X, self.shape_)
        _check_pixels(X)
        return to_unit(X, self._low, self._high).astype(np.float32)

    def decode(self, rows, clip):
        """Decode the outputs of a net into images.

        Parameters
        ----------
        rows : array-like of shape (n, ...)
            Outputs, possibly flat.
        clip : bool
            Whether pixels stay between the darkest and the brightest of the fitted
            images. Integers always stay within their dtype.

        Returns
        -------
        ndarray of shape (n, ...)
            Images of the fitted dtype.
        """
        rows = np.asarray(rows)
        images = from_unit(rows, self._low, self._high)
        if clip:
            np.clip(images, self._low, self._high, out=images)
        return as_pixels(images, self._dtype).reshape(len(rows), *self.shape_)


class BandCodec:
    """Scale each band of images to [-1, 1] by its own darkest and brightest pixel.

    Satellite bands have ranges of their own. A band that does not vary is left out, and
    restored in decoding.

    Attributes
    ----------
    shape_ : tuple of int
        Shape of an image: ``(height, width)`` or ``(bands, height, width)``.
    encoded_shape_ : tuple of int
        Shape of an encoded one: ``(bands that vary, height, width)``.
    dtype_ : dtype
        Of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.image_encoding import BandCodec
    >>> X = np.array([[[[0, 200]], [[7, 7]]], [[[50, 100]], [[7, 7]]]], dtype=np.uint8)
    >>> encoding = BandCodec().fit(X)
    >>> encoding.encode(X[1:])
    array([[[[-0.5,  0. ]]]], dtype=float32)
    >>> encoding.decode(np.array([[[[-1.0, 0.51]]]]))
    array([[[[  0, 151]],
            [[  7,   7]]]], dtype=uint8)
    """

    def fit(self, X):
        """Learn the darkest and the brightest pixel of each band.

        Parameters
        ----------
        X : ndarray of shape (n, height, width) or (n, bands, height, width)
            Numbers.

        Returns
        -------
        BandCodec
            Itself.

        Raises
        ------
        ValueError
            If a pixel is missing or infinite, no band varies, or a band spans more than
            float64 does.
        """
        _check_pixels(X)
        self.shape_, self.dtype_ = X.shape[1:], X.dtype
        bands = _with_bands(X)
        low, high = (
            ends.astype(np.float64)[:, None, None]
            for ends in (bands.min((0, 2, 3)), bands.max((0, 2, 3)))
        )
        varies = (low < high).ravel()
        if not varies.any():
            raise ValueError(
                f"All bands of X are constant, the first is {X.flat[0]} everywhere: "
                "there is nothing to learn. Check that X holds what it should."
            )
        for ends in zip(low.ravel().tolist(), high.ravel().tolist(), strict=True):
            _check_span(*ends)
        # A slice: indices would copy the images.
        self._varies = slice(None) if varies.all() else np.flatnonzero(varies)
        self._low, self._high = low[self._varies], high[self._varies]
        # Of one pixel: those of a band that does not vary are all alike.
        self._constants = bands[:1, :, :1, :1].copy()
        self.encoded_shape_ = (int(varies.sum()), *self.shape_[-2:])
        return self

    def encode(self, X):
        """Encode images.

        Parameters
        ----------
        X : ndarray of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, *encoded_shape_), float32
            In [-1, 1] for the fitted images.

        Raises
        ------
        ValueError
            If the shape is not that of the fitted images.
        """
        _check_shape(X, self.shape_)
        unit = to_unit(_with_bands(X)[:, self._varies], self._low, self._high)
        unit *= 2
        unit -= 1
        return unit.astype(np.float32)

    def decode(self, rows):
        """Decode the outputs of a net into images.

        Parameters
        ----------
        rows : ndarray of shape (n, *encoded_shape_)

        Returns
        -------
        ndarray of shape (n, ...)
            Images of the fitted dtype and within the range of each band.
        """
        bands = from_unit((rows.astype(np.float64) + 1) / 2, self._low, self._high)
        np.clip(bands, self._low, self._high, out=bands)
        shape = (len(rows), self._constants.shape[1], *self.shape_[-2:])
        images = np.empty(shape, self.dtype_)
        images[:] = self._constants
        images[:, self._varies] = as_pixels(bands, self.dtype_)
        return images.reshape(len(rows), *self.shape_)


def as_pixels(values, dtype):
    """Round numbers to the pixels of images of this dtype, and keep within it.

    Parameters
    ----------
    values : ndarray
        Floating point.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.image_encoding import as_pixels
    >>> as_pixels(np.array([254.6, 300.0]), np.dtype(np.uint8))
    array([255, 255], dtype=uint8)
    """
    if dtype.kind in "iu":
        return integers_within(values, dtype)
    if dtype.kind == "b":
        return np.rint(values) > 0
    return values.astype(dtype, copy=False)


def _with_bands(X):
    """Give images without bands one."""
    return X[:, None] if X.ndim == 3 else X


def _check_shape(X, shape):
    if X.shape[1:] != shape:
        raise ValueError(
            f"The images of X have shape {X.shape[1:]}, but the encoding was fitted on "
            f"{shape}. Resize them first."
        )


def _check_span(low, high):
    if not np.isfinite(high - low):
        raise ValueError(
            f"The pixels of X span more than float64 can hold, from {low} to {high}. "
            "Divide them by a constant."
        )


def _check_pixels(X):
    # Whole numbers are finite, and the mask would be as large as the images.
    if X.dtype.kind not in "iub" and not np.isfinite(X).all():
        raise ValueError(
            "X holds missing or infinite pixels. Fill them first, or drop their images."
        )
