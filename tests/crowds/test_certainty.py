import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imbdeep.crowds import label_certainty
from imbdeep.crowds._annotations import count_votes
from imbdeep.crowds._certainty import vote_certainty


def certainty_slowly(row, n_classes, eps):
    """Eq. (3.4) to the letter: vectors of the annotations, their mean and variance."""
    vectors = [[float(c == x) for c in range(n_classes)] for x in row if x != -1]
    n_given = len(vectors)
    mean = [sum(v[c] for v in vectors) / n_given for c in range(n_classes)]
    squares = [sum((a - b) ** 2 for a, b in zip(v, mean, strict=True)) for v in vectors]
    return 1 / (sum(squares) / n_given + eps)


@pytest.mark.parametrize("eps", [1e-6, 0.1, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_slow_derivation(seed, eps):
    rng = np.random.default_rng(seed)
    n_classes = rng.integers(1, 5)
    codes = rng.integers(-1, n_classes, size=(60, rng.integers(1, 12)))
    codes[:, 0] = rng.integers(n_classes, size=60)
    expected = [certainty_slowly(row, n_classes, eps) for row in codes.tolist()]
    assert_allclose(label_certainty(codes, eps=eps), expected, rtol=1e-8)
    votes = count_votes(codes, n_classes)
    assert_allclose(vote_certainty(votes, eps), expected, rtol=1e-8)


def test_limits():
    certainty = label_certainty([[2, 2, 2], [2, -1, -1], [0, 1, 2]])
    # 1 / eps, whether three agree or one is alone.
    assert_array_equal(certainty[:2], 1 / 1e-6)
    assert_allclose(certainty[2], 1 / (2 / 3), rtol=1e-5)


@pytest.mark.parametrize(
    "shares", [(2, 1), (1, 1), (1, 1, 1), (5, 2, 3), (3, 1, 2, 7, 5), (1, 0)]
)
def test_same_proportions_tie_bitwise(shares):
    votes = np.array([np.multiply(shares, times) for times in range(1, 200)])
    shuffled = np.random.default_rng(0).permuted(votes, axis=1)
    assert len(np.unique(vote_certainty(votes))) == 1
    assert (
        len(np.unique(np.append(vote_certainty(votes), vote_certainty(shuffled)))) == 1
    )


def test_two_to_one_ties_with_four_to_two():
    two, four = label_certainty([[0, 0, 1, -1, -1, -1], [1, 0, 0, 1, 1, 1]])
    assert two == four


def test_more_agreement_is_more_certain():
    votes = np.array([[10 - k, k] for k in range(6)])
    assert (np.diff(vote_certainty(votes)) < 0).all()


def test_labels_of_any_type():
    rows = [["a", "b", None], ["b", "b", "b"]]
    assert_array_equal(
        label_certainty(rows), label_certainty([[0, 1, np.nan], [1, 1, 1]])
    )
    signs = np.array([[-1, 1, 1], [-1, -1, -1]])
    with pytest.raises(ValueError, match="If -1 is a label, pass missing_values=None"):
        label_certainty(signs)
    assert_array_equal(
        label_certainty(signs, missing_values=None), label_certainty(signs + 1)
    )


@pytest.mark.parametrize("eps", [0, -1.0, np.nan])
def test_eps(eps):
    with pytest.raises(ValueError, match=f"eps must be greater than 0, got {eps}"):
        label_certainty([[0, 1]], eps=eps)


def test_row_that_nobody_annotated():
    with pytest.raises(ValueError, match=r"Nobody annotated 1 of 2 rows: 1\."):
        label_certainty([[0, 1], [-1, -1]])
