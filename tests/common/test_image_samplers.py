"""Both check suites, over samplers of images that are given tables."""

import numpy as np
import pytest
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as imblearn_parametrize_with_checks,
)
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from imbdeep._generative import BandCodec
from imbdeep.over_sampling import DCGANSampler
from imbdeep.over_sampling._tables import as_dense

from .estimators import IMAGE_SAMPLERS


class OfTables(DCGANSampler):
    """Takes a table for images: a number for the first pixel of a band.

    The checks know nothing but tables. What is read and returned is the table, all
    else is the sampler's own: parameters, seeds, classes, training, failures.
    """

    def _check_X_y(self, X, y, accept_sparse=None):
        self._forget()
        labels, binarize_y = self._check_y(y)
        table, labels = self._check_table(X, labels)
        # The other pixels differ, as they do in an image.
        others = np.arange(16).reshape(4, 4).astype(table.dtype)
        images = as_dense(table)[:, :, None, None] + others
        self._encoding = BandCodec().fit(images)
        return images, labels, binarize_y

    def _make(self, n_new):
        return super()._make(n_new)[:, :, 0, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = True
        return tags


TABLES = [OfTables(**one.get_params()) for one in IMAGE_SAMPLERS.values()]


@parametrize_with_checks(TABLES)
def test_sklearn_checks(estimator, check):
    check(estimator)


@imblearn_parametrize_with_checks(TABLES)
def test_imblearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", IMAGE_SAMPLERS)
def test_the_tags_tell_the_checks_that_it_takes_no_tables(name):
    with pytest.warns(SkipTestWarning, match="two_d_array=False"):
        ((_, check),) = estimator_checks_generator(IMAGE_SAMPLERS[name])
    # The only one that needs no rows.
    assert check.func.__name__ == "check_estimator_cloneable"
