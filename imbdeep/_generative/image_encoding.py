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
        if not np.isfinite(high - low):
            raise ValueError(
                f"The pixels of X span more than float64 can hold, from {low} to "
                f"{high}. Divide them by a constant."
            )
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
        if X.shape[1:] != self.shape_:
            raise ValueError(
                f"The images of X have shape {X.shape[1:]}, but the encoding was "
                f"fitted on {self.shape_}. Resize them first."
            )
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
        if self._dtype.kind in "iu":
            images = integers_within(images, self._dtype)
        elif self._dtype.kind == "b":
            images = np.rint(images) > 0
        return images.reshape(len(rows), *self.shape_).astype(self._dtype, copy=False)


def _check_pixels(X):
    if not np.isfinite(X).all():
        raise ValueError(
            "X holds missing or infinite pixels. Fill them first, or drop their images."
        )
