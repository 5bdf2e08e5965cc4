"""The same answers as crowd-kit gives, which is not installed with the tests."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imbdeep.crowds import DawidSkene, MajorityVote, to_long_format

pytest.importorskip("crowdkit", reason="compares with crowd-kit")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:crowdkit"),
    pytest.mark.filterwarnings("ignore::FutureWarning:crowdkit"),
    pytest.mark.filterwarnings("ignore:DawidSkene did not converge"),
]


def random_annotations(seed):
    """Annotations of 2-5 classes by 3-12 workers, a third of them missing."""
    rng = np.random.default_rng(seed)
    n_classes, n_workers = rng.integers(2, 6), rng.integers(3, 13)
    truth = rng.choice(n_classes, p=rng.dirichlet(np.full(n_classes, 2.0)), size=300)
    wrong = rng.random((300, n_workers)) < rng.uniform(0.1, 0.6, size=n_workers)
    codes = np.where(wrong, rng.integers(n_classes, size=wrong.shape), truth[:, None])
    codes[rng.random(codes.shape) < 1 / 3] = -1
    return codes[(codes >= 0).any(1)]


def matrices(errors, n_workers, n_classes):
    """crowd-kit's frame as [worker, true, given]; it leaves out labels never given."""
    table = np.zeros((n_workers, n_classes, n_classes))
    for (worker, given), row in errors.iterrows():
        for true, share in row.items():
            table[worker, true, given] = share
    return table


@pytest.mark.parametrize("n_iter", [1, 2, 20, 100])
@pytest.mark.parametrize("seed", range(6))
def test_dawid_skene(seed, n_iter):
    from crowdkit.aggregation import DawidSkene as CrowdKit

    codes = random_annotations(seed)
    n_workers = codes.shape[1]
    # A negative tol never ends the iterations.
    theirs = CrowdKit(n_iter=n_iter, tol=-np.inf).fit(to_long_format(codes))
    model = DawidSkene(smoothing=0, tol=0, max_iter=n_iter).fit(codes)
    labels = model.classes_
    # crowd-kit raises whatever is less than 1e-10 to it.
    assert_allclose(model.label_posterior_, theirs.probas_[labels], atol=1e-5)
    # crowd-kit ends with a maximisation, this with an expectation.
    after = DawidSkene(smoothing=0, tol=0, max_iter=n_iter + 1).fit(codes)
    assert_allclose(after.class_prior_, theirs.priors_[labels], atol=1e-6)
    assert_allclose(
        after.confusion_matrices_,
        matrices(theirs.errors_, n_workers, len(labels)),
        atol=1e-6,
    )


@pytest.mark.parametrize("seed", range(6))
def test_majority_vote(seed):
    from crowdkit.aggregation import MajorityVote as CrowdKit

    codes = random_annotations(seed)
    vote = MajorityVote().fit(codes)
    theirs = CrowdKit().fit(to_long_format(codes))
    shares = theirs.probas_[vote.classes_]
    assert_allclose(vote.label_posterior_, shares, atol=1e-12)
    # Of labels that tie crowd-kit takes any.
    most = np.sort(vote.label_posterior_, axis=1)
    clear = most[:, -1] > most[:, -2]
    assert clear.sum() > 100
    assert (vote.predict(codes) == theirs.labels_)[clear].all()
