"""scikit-learn's checks, over classifiers of images that are given tables."""

import pytest
from scipy import sparse
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from imbdeep.classifiers import AugMixClassifier, DeepAugmentClassifier

from .estimators import IMAGE_CLASSIFIERS
from .test_checks import expected_failures, run, with_slow_repetitions


class OfTables:
    """Takes a table for images of one pixel, whose bands are its columns.

    The checks know nothing but tables. What is read is the table, all else is the
    classifier's own: parameters, labels, weights, seeds, steps, failures.
    """

    def _check_rows(self, X, *y, reset):
        read = super()._check_rows(X, *y, reset=reset)
        # Images have no gaps, which the module would take.
        assert_all_finite(read[0] if y else read)
        return read

    def _check_are_images(self, X):
        pass

    def _learn_from_rows(self, X):
        X = X.toarray() if sparse.issparse(X) else X
        super()._learn_from_rows(X[:, :, None, None])

    def mixtures(self, rows):
        return super().mixtures(rows[:, :, None, None])[:, :, 0, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = False
        return tags


class AugMixOfTables(OfTables, AugMixClassifier):
    pass


class DeepAugmentOfTables(OfTables, DeepAugmentClassifier):
    def distorted(self, rows):
        return super().distorted(rows[:, :, None, None])[:, :, 0, 0]

    def in_unit_range(self, images):
        is_table = images.ndim == 2
        return super().in_unit_range(images[:, :, None, None] if is_table else images)


OF_TABLES = {
    AugMixClassifier: AugMixOfTables,
    DeepAugmentClassifier: DeepAugmentOfTables,
}
# Few of the operations leave anything of a single pixel.
OWN = {
    "module": "mlp",
    "width": 1,
    "depth": 1,
    "ops": ["posterize"],
    "consistency": 1.0,
}
TABLES = [
    OF_TABLES[type(one)](**one.get_params(deep=False) | OWN)
    for one in IMAGE_CLASSIFIERS.values()
]


@with_slow_repetitions(
    parametrize_with_checks(TABLES, expected_failed_checks=expected_failures)
)
def test_sklearn_checks(estimator, check, request):
    run(estimator, check, is_to_fail=request.node.get_closest_marker("xfail"))


@pytest.mark.parametrize("name", IMAGE_CLASSIFIERS)
def test_the_tags_tell_the_checks_that_it_takes_no_tables(name):
    with pytest.warns(SkipTestWarning, match="two_d_array=False"):
        checks = list(
            estimator_checks_generator(
                IMAGE_CLASSIFIERS[name],
                expected_failed_checks=expected_failures(IMAGE_CLASSIFIERS[name]),
                mark="skip",
            )
        )
    # The only one that needs no rows.
    ((_, check),) = checks
    assert check.func.__name__ == "check_estimator_cloneable"
