"""Choose the bands of images."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from imbdeep._arguments import shown
from imbdeep._bands import band_name, find_bands, in_order
from imbdeep._mapped import image_blocks
from imbdeep.preprocessing._images import TakesImages, read_images


def select(X, positions):
    """Take bands by position: a view if they are evenly spaced, else a copy.

    Parameters
    ----------
    X : ndarray of shape (n, n_bands, height, width)
    positions : sequence of int

    Returns
    -------
    ndarray of shape (n, len(positions), height, width)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.preprocessing._band_selector import select
    >>> X = np.zeros((2, 5, 3, 3))
    >>> [np.shares_memory(X, select(X, bands)) for bands in ([0, 2, 4], [1, 0])]
    [True, False]
    """
    steps = set(np.diff(positions).tolist()) or {1}
    step = min(steps)
    # torch takes no views of negative strides.
    if len(steps) == 1 and step > 0:
        return X[:, positions[0] : positions[-1] + 1 : step]
    chosen = np.empty((len(X), len(positions), *X.shape[2:]), X.dtype)
    start = 0
    for block in image_blocks(X):
        chosen[start : start + len(block)] = block[:, positions]
        start += len(block)
    return chosen


class BandSelector(
    TakesImages, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Choose bands of images, by name, by number or by a preset.

    A step of a pipeline, so that a search can choose the bands::

        GridSearchCV(
            make_pipeline(BandSelector(), NetClassifier("conv")),
            {"bandselector__bands": ["natural", "near_infrared", "agriculture"]},
        )

    Parameters
    ----------
    bands : {'natural', 'near_infrared', 'agriculture'}, int, str, sequence of int or \
            str, or None, default=None
        Bands to keep, in this order. Numbers count from 1, as the bands of Landsat 8
        do: 6 is the band named 'B6', here as in
        :func:`~imbdeep.datasets.load_droughtwatch`. 'natural' is the bands 4, 3 and 2,
        red, green and blue; 'near_infrared' 5, 4 and 3; 'agriculture' 6, 5 and 2. None
        keeps all.

    band_names : sequence of int or str, or None, default=None
        Which bands the images of ``fit`` have, if they are others than B1, B2, B3 and
        so on: the `bands` of a data set that was read with some, or names of your own.

    Attributes
    ----------
    bands_ : list of str
        Names of the bands that are kept.
    positions_ : ndarray of shape (n_bands,), int
        Where they are in the images, from 0.
    n_features_in_ : int
        Number of bands of the images.

    See Also
    --------
    BandScaler : Brings all bands to one scale.
    imbdeep.datasets.load_droughtwatch : Reads only some bands.

    Notes
    -----
    Dtypes stay as they are. If the bands are evenly spaced and in the order of the
    images, the result is a view, of a mapped file as well. Others are copied, bytes as
    bytes: three of ten bands of 86,317 tiles of 65 x 65 pixels take 1 GB.

    Examples
    --------
    >>> from imbdeep.datasets import make_satellite_tiles
    >>> from imbdeep.preprocessing import BandSelector
    >>> X = make_satellite_tiles(20, random_state=0).data
    >>> selector = BandSelector("agriculture").fit(X)
    >>> selector.bands_, selector.transform(X).shape
    (['B6', 'B5', 'B2'], (20, 3, 64, 64))
    """

    def __init__(self, bands=None, *, band_names=None):
        self.bands = bands
        self.band_names = band_names

    def fit(self, X, y=None):
        """Find the bands.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bands, height, width)
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If ``X`` holds no images, or the bands do not exist; the message lists
            those that do.
        """
        X = read_images(self, X, reset=True)
        names = self._names(X.shape[1])
        positions = find_bands(self.bands, names)
        self.positions_ = np.array(positions)
        self.bands_ = [names[position] for position in positions]
        return self

    def _names(self, n_bands):
        if self.band_names is None:
            return [band_name(number) for number in range(1, n_bands + 1)]
        names = [band_name(band) for band in in_order(self.band_names) or ()]
        are_names = all(isinstance(name, str) for name in names)
        if not are_names or not len(set(names)) == len(names) == n_bands:
            raise ValueError(
                f"band_names must name each of the {n_bands} bands of X, all "
                f"different and in their order, got {self.band_names!r}."
            )
        return names

    def transform(self, X):
        """Keep the bands.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bands, height, width)

        Returns
        -------
        ndarray of shape (n_samples, n_kept, height, width)
            Of the dtype of ``X``; may be a view.

        Raises
        ------
        ValueError
            If ``X`` has another number of bands than in ``fit``.
        """
        check_is_fitted(self)
        return select(read_images(self, X, reset=False), self.positions_.tolist())

    def get_feature_names_out(self, input_features=None):
        """Names of the bands that are kept.

        Parameters
        ----------
        input_features : array-like of shape (n_features_in_,) or None, default=None
            Names of all bands; None takes those that the bands were chosen by.

        Returns
        -------
        ndarray of shape (n_kept,), object
        """
        check_is_fitted(self)
        if input_features is None:
            return np.array(self.bands_, dtype=object)
        names = None if isinstance(input_features, str) else in_order(input_features)
        if names is None or len(names) != self.n_features_in_:
            raise ValueError(
                f"input_features must have {self.n_features_in_} names, got "
                f"{shown(input_features)}."
            )
        return np.array(names, dtype=object)[self.positions_]
