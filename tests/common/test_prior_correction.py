"""Prior correction: every net corrects its probabilities, or refuses to."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from imbdeep.calibration import correct_prior

from .estimators import each
from .nets import NETS, quick, table

X, Y = table(90)


def fitted(name, **params):
    """A fitted net, or the reason why it refuses."""
    net = quick(name, **params)
    try:
        return net.fit(X, Y), None
    except ValueError as error:
        assert not net.initialized_
        return None, str(error)


@pytest.mark.parametrize("name", each(NETS))
def test_every_net_corrects_or_refuses(name):
    net, reason = fitted(name, prior_correction=True)
    if net is None:
        assert reason.startswith("prior_correction=True cannot be had with ")
        assert type(NETS[name]).__name__ in reason
        assert NETS[name]._hides_prior in reason
        return
    assert NETS[name]._hides_prior is None
    assert_allclose(net.target_prior_, np.bincount(Y) / len(Y))
    assert_allclose(net.trained_prior_.sum(), 1)
    proba = net.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    assert_allclose(np.exp(net.predict_log_proba(X)), proba, atol=1e-9)
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), proba)
    again = clone(net)
    assert not hasattr(again, "trained_prior_")
    assert_array_equal(again.fit(X, Y).predict_proba(X), proba)
    # Equal shares leave what was learned; those of members lie around their mean.
    plain, _ = fitted(name)
    raw = plain.predict_proba(X)
    same, _ = fitted(name, prior_correction=True, target_prior=net.trained_prior_)
    atol = 1e-6 if net.n_members == 1 else 0.02
    assert_allclose(same.predict_proba(X), raw, atol=atol)
    if net.n_members == 1:
        expected = correct_prior(raw, net.trained_prior_, net.target_prior_)
        assert_allclose(proba, expected, atol=1e-5)
    assert not hasattr(plain, "trained_prior_")
