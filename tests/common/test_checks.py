"""The check suites of scikit-learn and imbalanced-learn, over every estimator."""

import pytest
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as imblearn_parametrize_with_checks,
)
from sklearn.utils.estimator_checks import (
    check_classifiers_train,
    check_estimator_sparse_array,
    check_estimator_sparse_matrix,
    parametrize_with_checks,
)
from skorch import NeuralNet

from imbdeep.classifiers import ICEDClassifier, ImbalancedClassifier, NetClassifier

from .estimators import CLASSIFIERS, SAMPLERS, is_quick

BY_ROW = (
    "mini-batches and the validation split are drawn by row: two copies of a row are "
    "drawn apart, a row of weight 2 is not"
)
NET_XFAILS = {
    "check_no_attributes_set_in_init": (
        "skorch sets history_, initialized_ and virtual_params_ in __init__"
    ),
    "check_sample_weight_equivalence_on_dense_data": BY_ROW,
    "check_sample_weight_equivalence_on_sparse_data": BY_ROW,
}


# Folds are of rows, and so are the steps of nets.
BLEND_XFAILS = {
    name: reason for name, reason in NET_XFAILS.items() if "weight_equivalence" in name
}


def expected_failures(estimator):
    if isinstance(estimator, ImbalancedClassifier):
        return BLEND_XFAILS
    return NET_XFAILS if isinstance(estimator, NeuralNet) else {}


def split(instances):
    """Those that are tried by default, and the others."""
    quick = [one for name, one in instances.items() if is_quick(name, instances)]
    return quick, [one for one in instances.values() if one not in quick]


def is_of_mapped_rows(check):
    is_mapped = check.keywords.get("readonly_memmap", False)
    return check.func is check_classifiers_train and is_mapped


def is_repeated(estimator, check):
    """Whether a check repeats another, of a net, with its rows held in another way.

    Sparse matrices of each net have tests of their own.
    """
    if isinstance(estimator, ImbalancedClassifier):
        # Rows in memory and sparse arrays are tried.
        return is_of_mapped_rows(check) or check.func is check_estimator_sparse_matrix
    if not isinstance(estimator, NeuralNet):
        return False
    if isinstance(estimator, NetClassifier | ICEDClassifier):
        return False
    sparse = (check_estimator_sparse_array, check_estimator_sparse_matrix)
    return is_of_mapped_rows(check) or check.func in sparse


def by_turns(cases):
    """The cases of nets that are left to the slow tests: every second one of a net.

    Each check is tried with NetClassifier, and with every second net of the others.
    """
    left_out, n_nets, last = set(), 0, None
    for i, case in enumerate(cases):
        estimator, _ = getattr(case, "values", case)
        if not isinstance(estimator, NeuralNet) or type(estimator) is NetClassifier:
            continue
        if type(estimator) is not last:
            last, n_nets, turn = type(estimator), n_nets + 1, n_nets
        turn += 1
        if turn % 2:
            left_out.add(i)
    return left_out


def with_slow_repetitions(checks):
    names, cases = checks.args
    cases = list(cases)
    left_out = by_turns(cases)
    slow = [
        pytest.param(*case, marks=pytest.mark.slow)
        if type(case) is tuple and (i in left_out or is_repeated(*case))
        else case
        for i, case in enumerate(cases)
    ]
    return pytest.mark.parametrize(names, slow, **checks.kwargs)


def run(estimator, check, is_to_fail):
    try:
        check(estimator)
    except Exception as error:
        if not is_to_fail:
            raise
        # pytest would parse the long files of the traceback, which nobody reads.
        raise error.with_traceback(None) from None


QUICK_CLASSIFIERS, OTHER_CLASSIFIERS = split(CLASSIFIERS)
QUICK_SAMPLERS, OTHER_SAMPLERS = split(SAMPLERS)


@with_slow_repetitions(
    parametrize_with_checks(QUICK_CLASSIFIERS, expected_failed_checks=expected_failures)
)
def test_sklearn_checks_of_classifiers(estimator, check, request):
    run(estimator, check, is_to_fail=request.node.get_closest_marker("xfail"))


@pytest.mark.slow
@parametrize_with_checks(OTHER_CLASSIFIERS, expected_failed_checks=expected_failures)
def test_sklearn_checks_of_other_classifiers(estimator, check, request):
    run(estimator, check, is_to_fail=request.node.get_closest_marker("xfail"))


@parametrize_with_checks(QUICK_SAMPLERS)
def test_sklearn_checks_of_samplers(estimator, check):
    check(estimator)


@imblearn_parametrize_with_checks(QUICK_SAMPLERS)
def test_imblearn_checks_of_samplers(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(OTHER_SAMPLERS)
def test_sklearn_checks_of_other_samplers(estimator, check):
    check(estimator)


@pytest.mark.slow
@imblearn_parametrize_with_checks(OTHER_SAMPLERS)
def test_imblearn_checks_of_other_samplers(estimator, check):
    check(estimator)
