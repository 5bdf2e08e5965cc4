import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chisquare

from imbdeep.crowds._certainty import vote_certainty
from imbdeep.crowds._generation import (
    certainty_groups,
    interpolate_certain,
    neighbour_annotations,
    step_towards,
)


class TestCertaintyGroups:
    @pytest.mark.parametrize("n_groups", [1, 2, 3, 5])
    @pytest.mark.parametrize("seed", range(5))
    def test_slow_derivation(self, seed, n_groups):
        rng = np.random.default_rng(seed)
        certainty = rng.choice([1.5, 2.0, 4.0, 1e6, 3.25], size=25)
        values = sorted(set(certainty.tolist()), reverse=True)
        groups = [
            [i for i, s in enumerate(certainty) if s == value]
            for value in values[:n_groups]
        ]
        groups += [[]] * (n_groups - len(groups))
        rest = [i for i, s in enumerate(certainty) if s in values[n_groups:]]
        found = certainty_groups(certainty, n_groups)
        assert [group.tolist() for group in found] == [*groups, rest]

    def test_every_row_is_in_one_group(self):
        certainty = np.random.default_rng(0).random(40)
        groups = certainty_groups(certainty)
        assert len(groups) == 4
        assert_array_equal(np.sort(np.concatenate(groups)), np.arange(40))

    def test_all_equally_certain(self):
        groups = certainty_groups(np.ones(3))
        assert [group.tolist() for group in groups] == [[0, 1, 2], [], [], []]

    def test_votes_in_the_same_proportions_are_one_group(self):
        votes = np.array([[2, 1], [2, 4], [9, 0], [10, 5], [1, 1], [0, 1]])
        groups = certainty_groups(vote_certainty(votes))
        assert [group.tolist() for group in groups] == [[2, 5], [0, 1, 3], [4], []]


class TestStepTowards:
    @pytest.mark.parametrize("jitter", [0.0, 0.1, 2.0])
    @pytest.mark.parametrize("seed", range(5))
    def test_slow_derivation(self, seed, jitter):
        rng = np.random.default_rng(seed)
        own, neighbour = rng.uniform(0.5, 9, size=(2, 50))
        found = step_towards(own, neighbour, jitter, np.random.RandomState(seed))
        same = np.random.RandomState(seed)
        for delta, s_own, s_neighbour in zip(found, own, neighbour, strict=True):
            eta = same.uniform(-jitter, jitter)
            expected = min(max(s_neighbour / (s_own + s_neighbour) + eta, 0), 1)
            assert_allclose(delta, expected, rtol=1e-12)

    def test_jitter_is_uniform_and_clipped(self):
        delta = step_towards(
            np.ones(20_000), np.ones(20_000), 0.75, np.random.RandomState(0)
        )
        # 0.5 + U(-0.75, 0.75): a third of it is cut off, at both ends alike.
        assert delta.min() == 0 and delta.max() == 1
        assert_allclose(np.mean(delta == 0), 1 / 6, atol=0.01)
        assert_allclose(np.mean(delta == 1), 1 / 6, atol=0.01)
        inside = delta[(delta > 0) & (delta < 1)]
        assert chisquare(np.histogram(inside, 20, (0, 1))[0]).pvalue > 1e-4

    def test_nearer_to_the_more_certain(self):
        own, neighbour = np.array([1e6, 2.0, 1.0]), np.array([1.0, 2.0, 1e6])
        delta = step_towards(own, neighbour, 0, np.random.RandomState(0))
        assert_allclose(delta, [0, 0.5, 1], atol=1e-5)


class TestInterpolateCertain:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("n_neighbors", [1, 3, 50])
    @pytest.mark.parametrize("seed", range(3))
    def test_slow_derivation(self, seed, n_neighbors, dtype):
        rng = np.random.default_rng(seed)
        embeddings = rng.normal(size=(8, 4)).astype(dtype)
        certainty = rng.uniform(1, 5, size=8)
        made, parents = interpolate_certain(
            embeddings, certainty, 19, n_neighbors, 0.0, np.random.RandomState(seed)
        )
        assert made.shape == (19, 4) and made.dtype == dtype
        for new, (start, end) in zip(made, parents, strict=True):
            # Among the nearest of the others.
            distances = {
                other: sum((embeddings[start] - embeddings[other]) ** 2)
                for other in range(8)
                if other != start
            }
            nearest = sorted(distances, key=distances.get)[:n_neighbors]
            assert end in nearest
            share = certainty[end] / (certainty[start] + certainty[end])
            expected = (1 - share) * embeddings[start] + share * embeddings[end]
            assert_allclose(new, expected, rtol=1e-5, atol=1e-6)

    def test_every_row_gives_as_many_or_one_more(self):
        embeddings = np.random.default_rng(0).normal(size=(7, 2))
        _, parents = interpolate_certain(
            embeddings, np.ones(7), 24, 3, 0.1, np.random.RandomState(0)
        )
        counts = np.bincount(parents[:, 0], minlength=7)
        assert set(counts) == {3, 4}

    def test_neighbours_are_chosen_alike(self):
        embeddings = np.arange(6.0)[:, None] ** 2
        _, parents = interpolate_certain(
            embeddings, np.ones(6), 6000, 3, 0, np.random.RandomState(0)
        )
        # The nearest of 0 are 1, 4 and 9.
        ends = np.bincount(parents[parents[:, 0] == 0, 1], minlength=6)
        assert_array_equal(ends > 0, [False, True, True, True, False, False])
        assert chisquare(ends[1:4]).pvalue > 1e-4

    def test_jitter_moves_along_the_line(self):
        made, _ = interpolate_certain(
            np.array([[0.0, 0.0], [1.0, 2.0]]),
            np.ones(2),
            500,
            1,
            0.2,
            np.random.RandomState(0),
        )
        assert_allclose(made[:, 1], 2 * made[:, 0])
        assert 0.3 <= made[:, 0].min() < 0.32 and 0.68 < made[:, 0].max() <= 0.7

    def test_one_row_is_copied(self):
        row = np.array([[3.0, -1.0]])
        made, parents = interpolate_certain(
            row, np.ones(1), 4, 5, 0.5, np.random.RandomState(0)
        )
        assert_array_equal(made, np.repeat(row, 4, axis=0))
        assert_array_equal(parents, np.zeros((4, 2)))

    def test_a_copy_of_a_row_can_be_its_neighbour(self):
        _, parents = interpolate_certain(
            np.array([[1.0], [1.0], [9.0]]),
            np.ones(3),
            30,
            1,
            0,
            np.random.RandomState(0),
        )
        assert (parents[:, 0] != parents[:, 1]).all()
        assert set(parents[parents[:, 0] == 0, 1]) == {1}

    def test_none(self):
        made, parents = interpolate_certain(
            np.ones((3, 2)), np.ones(3), 0, 5, 0.1, np.random.RandomState(0)
        )
        assert made.shape == (0, 2)
        assert parents.shape == (0, 2)

    def test_random_state_decides(self):
        embeddings = np.random.default_rng(0).normal(size=(9, 2))

        def make(seed):
            return interpolate_certain(
                embeddings, np.ones(9), 20, 4, 0.1, np.random.RandomState(seed)
            )[0]

        assert_array_equal(make(1), make(1))
        assert not np.array_equal(make(1), make(2))


class TestNeighbourAnnotations:
    @pytest.mark.parametrize("missing", [0.0, 0.5, 0.9])
    @pytest.mark.parametrize("seed", range(4))
    def test_only_labels_that_the_worker_gave_the_neighbours(self, seed, missing):
        rng = np.random.default_rng(seed)
        codes = rng.integers(4, size=(30, 6))
        codes[rng.random(codes.shape) < missing] = -1
        neighbours = np.array([rng.choice(30, 3, replace=False) for _ in range(40)])
        made = neighbour_annotations(codes, neighbours, np.random.RandomState(seed))
        assert made.shape == (40, 6) and made.dtype == codes.dtype
        for i in range(40):
            for w in range(6):
                given = {codes[r, w] for r in neighbours[i]} - {-1}
                assert made[i, w] in (given or {-1})

    def test_slow_derivation(self):
        """Of lots for each annotation the greatest among those that were given wins."""
        rng = np.random.default_rng(0)
        codes = rng.integers(-1, 3, size=(20, 5))
        neighbours = rng.integers(20, size=(50, 4))
        made = neighbour_annotations(codes, neighbours, np.random.RandomState(7))
        lots = np.random.RandomState(7).random_sample((50, 4, 5))
        for i in range(50):
            for w in range(5):
                best, label = -1.0, -1
                for j in range(4):
                    given = codes[neighbours[i, j], w]
                    if given != -1 and lots[i, j, w] > best:
                        best, label = lots[i, j, w], given
                assert made[i, w] == label

    def test_labels_as_often_as_among_the_neighbours(self):
        # Label 2 once, label 0 twice, and once none.
        codes = np.array([[0, 0], [2, 2], [-1, 0], [0, 2], [1, 1]])
        neighbours = np.tile([0, 1, 2, 3], (9000, 1))
        made = neighbour_annotations(codes, neighbours, np.random.RandomState(0))
        first, second = np.apply_along_axis(np.bincount, 0, made, minlength=3).T
        assert first[1] == second[1] == 0
        assert chisquare(first[[0, 2]], [6000, 3000]).pvalue > 1e-4
        assert chisquare(second[[0, 2]], [4500, 4500]).pvalue > 1e-4
        # Workers choose their neighbours apart from each other.
        both = np.mean((made[:, 0] == 2) & (made[:, 1] == 2))
        assert_allclose(both, 1 / 3 * 1 / 2, atol=0.02)

    def test_row_among_rows_that_nobody_annotated(self):
        codes = np.array([[-1, -1], [-1, 1]])
        made = neighbour_annotations(
            codes, np.array([[0, 0]]), np.random.RandomState(0)
        )
        assert_array_equal(made, [[-1, -1]])

    def test_codes_are_unchanged(self):
        codes = np.array([[0, -1], [1, 1]])
        codes.flags.writeable = False
        neighbour_annotations(codes, np.array([[0, 1]]), np.random.RandomState(0))

    @pytest.mark.parametrize("n_workers", [0, 3])
    def test_none(self, n_workers):
        codes = np.zeros((4, n_workers), dtype=int)
        made = neighbour_annotations(
            codes, np.empty((0, 2), dtype=int), np.random.RandomState(0)
        )
        assert made.shape == (0, n_workers)
        assert made.dtype == codes.dtype
