import math
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import dirichlet
from sklearn.exceptions import ConvergenceWarning

from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators
from imbdeep.crowds._worker_model import error_rates
from tests.common.slow import half_of

never_converges = pytest.mark.filterwarnings(
    "ignore:DawidSkene did not converge:sklearn.exceptions.ConvergenceWarning"
)


def give_labels(rng, truth, confusion, missing=0.0):
    """Annotations by workers with given confusion matrices, at least one per row."""
    thresholds = confusion.cumsum(2)[:, truth]
    lots = rng.random((len(confusion), len(truth), 1))
    codes = (lots > thresholds[:, :, :-1]).sum(2).T
    absent = rng.random(codes.shape) < missing
    absent[np.arange(len(codes)), rng.integers(len(confusion), size=len(codes))] = False
    return np.where(absent, -1, codes)


def workers_who_know(rng, n_workers, n_classes, least=0.55, most=0.95):
    """Confusion matrices: how often right at random, and the errors of any pattern."""
    confusion = rng.dirichlet(np.ones(n_classes), size=(n_workers, n_classes))
    confusion[:, np.arange(n_classes), np.arange(n_classes)] = 0
    confusion /= confusion.sum(2, keepdims=True)
    right = rng.uniform(least, most, size=(n_workers, n_classes))
    return confusion * (1 - right)[:, :, None] + np.eye(n_classes) * right[:, :, None]


def random_problem(seed):
    """2-5 classes, 1-30 workers, with missing annotations and rare classes."""
    rng = np.random.default_rng(seed)
    n_classes, n_workers = rng.integers(2, 6), rng.integers(1, 31)
    prior = rng.dirichlet(np.ones(n_classes))
    truth = rng.choice(n_classes, p=prior, size=rng.integers(5, 150))
    # From experts to workers who are worse than chance.
    confusion = workers_who_know(rng, n_workers, n_classes, 0.1, 0.95)
    codes = give_labels(rng, truth, confusion, missing=rng.choice([0, 0.3, 0.8]))
    return codes, rng.dirichlet(np.ones(n_classes)), n_classes


def step_slowly(codes, weights, n_classes, smoothing, prior, is_given, hard):
    """One iteration in plain Python; weights[i][c] is the posterior before it.

    A prior of None is counted. That of all iterations is given, and has no density.
    """
    n, n_workers = len(codes), len(codes[0])
    if hard:
        best = [max(range(n_classes), key=lambda c, row=row: row[c]) for row in weights]
        weights = [[float(c == b) for c in range(n_classes)] for b in best]
    confusion = []
    for w in range(n_workers):
        matrix = []
        for true in range(n_classes):
            counts = [smoothing] * n_classes
            for i in range(n):
                if codes[i][w] != -1:
                    counts[codes[i][w]] += weights[i][true]
            total = sum(counts)
            matrix.append([x / total if total > 0 else 1 / n_classes for x in counts])
        confusion.append(matrix)
    if prior is None:
        counts = [sum(row[c] for row in weights) + smoothing for c in range(n_classes)]
        prior = [count / sum(counts) for count in counts]
    posterior, likelihood = [], 0.0
    for i in range(n):
        joint = []
        for c in range(n_classes):
            probability = prior[c]
            for w in range(n_workers):
                if codes[i][w] != -1:
                    probability *= confusion[w][c][codes[i][w]]
            joint.append(probability)
        posterior.append([p / sum(joint) for p in joint])
        likelihood += math.log(max(joint) if hard else sum(joint))
    density = 0.0
    if smoothing:
        for matrix in confusion:
            density += sum(smoothing * math.log(p) for row in matrix for p in row)
        if not is_given:
            density += sum(smoothing * math.log(p) for p in prior)
    return confusion, prior, posterior, likelihood, likelihood + density


def vote_slowly(codes, n_classes):
    votes = [[sum(x == c for x in row) for c in range(n_classes)] for row in codes]
    return [[v / sum(row) for v in row] for row in votes]


@never_converges
class TestObjective:
    @half_of(
        assignment=["soft", "hard"],
        begins=[("vote", True), ("vote", False), ("uniform", True)],
        smoothing=[0, 0.01, 1.5],
    )
    def test_never_decreases(self, assignment, begins, smoothing):
        init, fit_prior = begins
        n_steps = 0
        for seed in range(20):
            codes, prior, n_classes = random_problem(seed)
            model = DawidSkene(
                init=init,
                max_iter=40,
                tol=0,
                assignment=assignment,
                smoothing=smoothing,
                fit_prior=fit_prior,
                class_prior=None if fit_prior or seed % 2 else prior,
                classes=np.arange(n_classes),
            ).fit(codes)
            objective = model.log_posterior_
            if not smoothing:
                assert_array_equal(model.log_likelihood_, objective)
            assert np.isfinite(objective).all()
            assert (np.diff(objective) >= -1e-11 * np.abs(objective[1:])).all(), seed
            n_steps += (np.diff(objective) > 1e-6).sum()
        # It is no constant.
        assert n_steps > 20

    @pytest.mark.parametrize("fit_prior", [True, False])
    def test_log_density_is_that_of_a_dirichlet_distribution(self, fit_prior):
        codes, _, n_classes = random_problem(3)
        smoothing, constants = 0.3, []
        for max_iter in range(1, 6):
            model = DawidSkene(
                max_iter=max_iter, tol=0, smoothing=smoothing, fit_prior=fit_prior
            ).fit(codes)
            shares = list(np.concatenate(model.confusion_matrices_))
            shares += [model.class_prior_] * fit_prior
            alpha = np.full(n_classes, 1 + smoothing)
            density = sum(dirichlet.logpdf(p, alpha) for p in shares)
            found = model.log_posterior_[-1] - model.log_likelihood_[-1]
            constants.append(found - density)
        assert_allclose(constants, constants[0], rtol=1e-10)

    def test_is_at_a_maximum_in_the_end(self):
        codes, _, n_classes = random_problem(11)
        model = DawidSkene(tol=0, max_iter=2000, smoothing=0.5).fit(codes)
        codes = codes.tolist()

        def objective(prior, confusion):
            """By products over the rows' annotations, not by the code's sums."""
            total = 0.5 * (np.log(confusion).sum() + np.log(prior).sum())
            for row in codes:
                joint = prior.copy()
                for w, label in enumerate(row):
                    joint *= 1 if label == -1 else confusion[w, :, label]
                total += np.log(joint.sum())
            return total

        prior, confusion = model.class_prior_, model.confusion_matrices_
        best = objective(prior, confusion)
        assert_allclose(best, model.log_posterior_[-1])
        rng = np.random.default_rng(0)
        for _ in range(50):
            # Steps in the simplex, so small that only the slope shows.
            near = confusion * np.exp(1e-3 * rng.normal(size=confusion.shape))
            near_prior = prior * np.exp(1e-3 * rng.normal(size=n_classes))
            near /= near.sum(2, keepdims=True)
            assert objective(near_prior / near_prior.sum(), near) < best


@never_converges
@half_of(
    seed=range(3),
    begins=[("vote", True), ("vote", False), ("uniform", True)],
    smoothing=[0, 0.01, 1.5],
    assignment=["soft", "hard"],
)
def test_slow_derivation_step_by_step(seed, begins, smoothing, assignment):
    init, fit_prior = begins
    rng = np.random.default_rng(seed)
    n_classes, n_workers = 2 + seed, 3 + 2 * seed
    truth = rng.choice(n_classes, p=rng.dirichlet(np.ones(n_classes)), size=40)
    confusion = workers_who_know(rng, n_workers, n_classes, 0.2, 0.9)
    codes = give_labels(rng, truth, confusion, missing=0.3)
    prior = None if fit_prior else rng.dirichlet(np.ones(n_classes)).tolist()
    slow_codes = codes.tolist()
    posterior = vote_slowly(slow_codes, n_classes)
    likelihoods, objectives = [], []
    for n_iter in range(1, 9):
        begins_uniform = init == "uniform" and n_iter == 1
        confusion, shares, posterior, likelihood, objective = step_slowly(
            slow_codes,
            posterior,
            n_classes,
            smoothing,
            [1 / n_classes] * n_classes if begins_uniform else prior,
            not fit_prior,
            assignment == "hard",
        )
        likelihoods.append(likelihood)
        objectives.append(objective)
        model = DawidSkene(
            init=init,
            max_iter=n_iter,
            tol=0,
            assignment=assignment,
            smoothing=smoothing,
            fit_prior=fit_prior,
            class_prior=prior,
            classes=range(n_classes),
        ).fit(codes)
        if model.n_iter_ < n_iter:
            break
        assert_allclose(model.confusion_matrices_, confusion, rtol=1e-8, atol=1e-12)
        assert_allclose(model.class_prior_, shares, rtol=1e-8, atol=1e-12)
        assert_allclose(model.label_posterior_, posterior, rtol=1e-7, atol=1e-12)
        assert_allclose(model.log_likelihood_, likelihoods, rtol=1e-10)
        assert_allclose(model.log_posterior_, objectives, rtol=1e-10)
    # Hard assignment comes to rest early, but not at once.
    assert n_iter > (1 if assignment == "hard" else 7)


class TestInit:
    def test_labels_that_are_all_alike_stay_so(self):
        """Why 'uniform' cannot mean the labels: iterations would end at once."""
        codes, _, n_classes = random_problem(11)
        alike = [[1 / n_classes] * n_classes] * len(codes)
        _, _, posterior, _, _ = step_slowly(
            codes.tolist(), alike, n_classes, 0.01, None, False, False
        )
        assert_allclose(posterior, alike)

    @never_converges
    @pytest.mark.parametrize("assignment", ["soft", "hard"])
    def test_first_iteration(self, assignment):
        """One E step with equal shares, and the votes' confusion matrices."""
        params = {"max_iter": 1, "assignment": assignment}
        for seed in range(10):
            codes, _, n_classes = random_problem(seed)
            params["classes"] = np.arange(n_classes)
            by_vote = DawidSkene(**params).fit(codes)
            uniform = DawidSkene(init="uniform", **params).fit(codes)
            assert_array_equal(uniform.confusion_matrices_, by_vote.confusion_matrices_)
            assert_array_equal(uniform.class_prior_, np.full(n_classes, 1 / n_classes))
            # Bayes' theorem: the posterior without the shares of the classes.
            odds = by_vote.label_posterior_ / by_vote.class_prior_
            assert_allclose(
                uniform.label_posterior_, odds / odds.sum(1, keepdims=True), rtol=1e-9
            )

    @never_converges
    def test_a_rare_class_is_given_too_much_at_first(self):
        for seed in range(10):
            rng = np.random.default_rng(seed)
            truth = (rng.random(1000) < 0.1).astype(int)
            codes = give_labels(rng, truth, workers_who_know(rng, 5, 2, 0.6, 0.9))
            by_vote, uniform = (
                DawidSkene(init=init, max_iter=1).fit(codes).label_posterior_[:, 1]
                for init in ("vote", "uniform")
            )
            assert uniform.mean() > by_vote.mean() + 0.05 > 0.15

    @pytest.mark.parametrize("seed", range(5))
    def test_both_come_to_the_same_maximum_where_workers_tell_enough(self, seed):
        rng = np.random.default_rng(seed)
        truth = (rng.random(3000) < 0.15).astype(int)
        codes = give_labels(rng, truth, workers_who_know(rng, 9, 2, 0.7, 0.95))
        by_vote, uniform = (
            DawidSkene(init=init, tol=1e-10).fit(codes) for init in ("vote", "uniform")
        )
        assert_allclose(
            uniform.confusion_matrices_, by_vote.confusion_matrices_, atol=1e-3
        )
        assert_allclose(uniform.class_prior_, by_vote.class_prior_, atol=1e-3)
        assert (uniform.label_posterior_.argmax(1) == truth).mean() > 0.97

    def test_equal_shares_that_are_not_learned_are_the_same(self):
        codes, _, _ = random_problem(5)
        params = {"fit_prior": False, "tol": 1e-4}
        by_vote = DawidSkene(**params).fit(codes)
        uniform = DawidSkene(init="uniform", **params).fit(codes)
        assert_array_equal(uniform.log_posterior_, by_vote.log_posterior_)

    def test_shares_that_are_given_leave_no_choice(self):
        codes, _, _ = random_problem(5)
        model = DawidSkene(init="uniform", fit_prior=False, class_prior=[0.9, 0.1])
        with pytest.raises(
            ValueError, match=r"init='uniform' is not used where class_prior=\[0.9, 0.1"
        ):
            model.fit(codes)


class TestRecovery:
    @pytest.mark.parametrize(
        ("n_rows", "n_workers", "n_classes", "missing"),
        [(500, 15, 2, 0), (2000, 12, 3, 0.2), (5000, 15, 5, 0.3)],
    )
    @pytest.mark.parametrize("seed", range(10))
    def test_planted_workers(self, seed, n_rows, n_workers, n_classes, missing):
        rng = np.random.default_rng(seed)
        # The last class has a third of the rows of the first.
        prior = np.linspace(3, 1, n_classes)
        prior /= prior.sum()
        truth = rng.choice(n_classes, p=prior, size=n_rows)
        planted = workers_who_know(rng, n_workers, n_classes)
        codes = give_labels(rng, truth, planted, missing)
        model = DawidSkene().fit(codes)
        # Five standard errors that a share has among as many rows of the class as the
        # worker annotated, and a tenth more since the class is in doubt.
        n_given = np.array(
            [
                [((truth == c) & (w >= 0)).sum() for c in range(n_classes)]
                for w in codes.T
            ]
        )
        spread = np.sqrt(np.maximum(planted * (1 - planted), 0.01))
        tolerance = 5 * 1.1 * spread / np.sqrt(n_given)[:, :, None]
        assert (np.abs(model.confusion_matrices_ - planted) < tolerance).all()
        prior_tolerance = 5 * 1.1 * np.sqrt(prior * (1 - prior) / n_rows)
        assert (np.abs(model.class_prior_ - prior) < prior_tolerance).all()
        right = (model.label_posterior_.argmax(1) == truth).mean()
        # A few rows in doubt may fall to either side.
        assert right > (MajorityVote().fit_predict(codes) == truth).mean() - 0.01

    def test_error_shrinks_with_the_root_of_the_rows(self):
        errors = {n_rows: [] for n_rows in (400, 6400)}
        for seed in range(10):
            rng = np.random.default_rng(seed)
            planted = workers_who_know(rng, 10, 3)
            for n_rows, found in errors.items():
                truth = rng.integers(3, size=n_rows)
                model = DawidSkene().fit(give_labels(rng, truth, planted))
                found.append(np.abs(model.confusion_matrices_ - planted).mean())
        ratio = np.mean(errors[400]) / np.mean(errors[6400])
        assert 3 < ratio < 5.5

    def test_a_rare_class(self):
        rng = np.random.default_rng(0)
        truth = (rng.random(20_000) < 0.02).astype(int)
        planted = workers_who_know(rng, 9, 2, 0.7, 0.9)
        model = DawidSkene().fit(give_labels(rng, truth, planted))
        assert_allclose(model.class_prior_[1], 0.02, atol=0.005)
        assert_allclose(model.confusion_matrices_, planted, atol=0.15)

    def test_one_worker_is_believed(self):
        rng = np.random.default_rng(0)
        codes = rng.integers(3, size=(30, 1))
        model = DawidSkene(smoothing=0).fit(codes)
        assert_allclose(model.confusion_matrices_, [np.eye(3)], atol=1e-300)
        assert_allclose(model.label_posterior_, np.eye(3)[codes[:, 0]], atol=1e-300)
        assert_allclose(model.worker_error_rates_, [0], atol=1e-15)

    def test_one_expert_against_many_who_guess(self):
        rng = np.random.default_rng(1)
        truth = rng.integers(2, size=2000)
        # Three workers are right in 95 of 100 rows, eight in 50.
        right = np.array([0.95] * 3 + [0.5] * 8)[:, None, None]
        planted = np.where(np.eye(2, dtype=bool), right, 1 - right)
        codes = give_labels(rng, truth, planted)
        learned = (DawidSkene().fit_predict(codes) == truth).mean()
        voted = (MajorityVote().fit_predict(codes) == truth).mean()
        assert learned > 0.98 > 0.9 > voted


class TestManyWorkers:
    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("smoothing", [0, 0.01])
    @pytest.mark.parametrize("assignment", ["soft", "hard"])
    def test_probabilities_that_underflow(self, assignment, smoothing):
        rng = np.random.default_rng(0)
        n_classes, n_workers = 40, 200
        truth = rng.integers(n_classes, size=800)
        # Right in 1 of 5 annotations, so that those of a row are less probable than the
        # least number that a float holds.
        planted = np.full((n_workers, n_classes, n_classes), 0.8 / (n_classes - 1))
        planted[:, np.arange(n_classes), np.arange(n_classes)] = 0.2
        rows = np.log([0.2, 0.8 / (n_classes - 1)]) @ (0.2 * n_workers, 0.8 * n_workers)
        assert np.exp(rows - np.log(n_classes)) < 1e-250
        codes = give_labels(rng, truth, planted)
        model = DawidSkene(assignment=assignment, smoothing=smoothing).fit(codes)
        for values in (
            model.label_posterior_,
            model.confusion_matrices_,
            model.class_prior_,
            model.log_posterior_,
            model.worker_error_rates_,
        ):
            assert np.isfinite(values).all()
        assert model.log_likelihood_[-1] / len(codes) < -500
        assert_allclose(model.label_posterior_.sum(1), 1)
        assert_allclose(model.confusion_matrices_.sum(2), 1)
        assert (model.predict(codes) == truth).mean() > 0.99

    def test_two_thousand(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(2, size=200)
        right = np.full((2000, 1, 1), 0.6)
        codes = give_labels(rng, truth, np.where(np.eye(2) == 1, right, 1 - right))
        model = DawidSkene().fit(codes)
        # The least positive float is exp(-745).
        assert model.log_likelihood_[-1] / 200 < -1000
        assert_allclose(model.label_posterior_.sum(1), 1)
        assert_array_equal(model.predict(codes), truth)


class TestConvergence:
    @pytest.mark.slow
    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("init", ["vote", "uniform"])
    def test_simulated_annotators_need_no_more_than_the_default(self, init):
        n_iters = []
        for seed in range(4):
            for share, error_rate in [(0.5, 0.3), (0.1, 0.2), (0.1, 0.35), (0.03, 0.3)]:
                rng = np.random.default_rng(seed)
                truth = (rng.random(300) < share).astype(int)
                codes = simulate_annotators(
                    truth, n_workers=3, error_rate=error_rate, random_state=seed
                )
                n_iters.append(DawidSkene(init=init).fit(codes).n_iter_)
        # Some need many, and none comes near to the most there may be.
        assert 200 < max(n_iters) < DawidSkene().max_iter / 2

    def test_tol_is_growth_of_a_row(self):
        codes, _, _ = random_problem(5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            long = DawidSkene(tol=0, max_iter=300).fit(codes)
        growth = np.diff(long.log_posterior_) / len(codes)
        assert (np.diff(growth[:8]) < 0).all()
        # A little more and a little less than the growth of some iterations.
        for tol in np.outer(growth[[1, 4, 6]], [1 - 1e-6, 1 + 1e-6]).ravel():
            first = np.flatnonzero(growth <= tol)[0] + 2
            model = DawidSkene(tol=tol, max_iter=300).fit(codes)
            assert model.n_iter_ == first == len(model.log_likelihood_)
            assert_array_equal(model.log_posterior_, long.log_posterior_[:first])

    @pytest.mark.parametrize("method", ["fit", "fit_predict"])
    def test_warning(self, method):
        codes, _, _ = random_problem(5)
        model = DawidSkene(tol=0, max_iter=2)
        with pytest.warns(
            ConvergenceWarning,
            match=r"did not converge in max_iter=2 iterations. Raise max_iter or tol",
        ) as record:
            getattr(model, method)(codes)
        assert model.n_iter_ == len(model.log_likelihood_) == 2
        if method == "fit":
            assert record[0].filename == __file__

    @pytest.mark.filterwarnings("error")
    def test_no_warning_at_the_last_iteration(self):
        codes, _, _ = random_problem(5)
        n_iter = DawidSkene(tol=1e-4, max_iter=300).fit(codes).n_iter_
        assert DawidSkene(tol=1e-4, max_iter=n_iter).fit(codes).n_iter_ == n_iter


class TestPrior:
    codes = np.array([[0, 0, 1], [1, 1, 1], [0, -1, 0], [1, 0, -1]])

    def test_equal_if_not_given(self):
        model = DawidSkene(fit_prior=False).fit(self.codes)
        assert_array_equal(model.class_prior_, [0.5, 0.5])

    def test_given(self):
        model = DawidSkene(fit_prior=False, class_prior=[0.9, 0.1]).fit(self.codes)
        assert_array_equal(model.class_prior_, [0.9, 0.1])
        even = DawidSkene(fit_prior=False).fit(self.codes)
        # Of what is left in doubt more goes to the class that is said to be frequent.
        assert model.label_posterior_[3, 0] > even.label_posterior_[3, 0]

    def test_class_that_is_said_not_to_occur(self):
        model = DawidSkene(fit_prior=False, class_prior=[1, 0]).fit(self.codes)
        assert_array_equal(model.predict(self.codes), [0, 0, 0, 0])
        assert np.isfinite(model.log_posterior_).all()

    def test_shares_by_label(self):
        expected = DawidSkene(fit_prior=False, class_prior=[0.2, 0.8]).fit(self.codes)
        for prior in ({1: 0.8, 0: 0.2}, pd.Series([0.8, 0.2], index=[1, 0])):
            model = DawidSkene(fit_prior=False, class_prior=prior).fit(self.codes)
            assert_array_equal(model.class_prior_, [0.2, 0.8])
            assert_array_equal(model.label_posterior_, expected.label_posterior_)
        for prior in ({1: 1.0}, {0: 0.2, 1: 0.3, 2: 0.5}, {"0": 0.2, "1": 0.8}):
            with pytest.raises(ValueError, match="class_prior has the labels"):
                DawidSkene(fit_prior=False, class_prior=prior).fit(self.codes)

    @pytest.mark.parametrize(
        "prior",
        [[0.5, 0.6], [1.5, -0.5], [1.0], [0.5, 0.3, 0.2], [[0.5, 0.5]], [np.nan, 1]],
    )
    def test_no_shares(self, prior):
        with pytest.raises(ValueError) as error:
            DawidSkene(fit_prior=False, class_prior=prior).fit(self.codes)
        assert str(error.value) == (
            "class_prior must hold a share for each of the 2 classes [0, 1] and sum to "
            f"1, got {prior}."
        )

    def test_given_but_learned(self):
        with pytest.raises(
            ValueError,
            match=r"class_prior=\[0.5, 0.5\] is not used as long .*fit_prior=False",
        ):
            DawidSkene(class_prior=[0.5, 0.5]).fit(self.codes)


class TestSmoothing:
    def test_very_much_leaves_nothing_to_learn(self):
        codes, _, n_classes = random_problem(7)
        model = DawidSkene(smoothing=1e9, classes=range(n_classes)).fit(codes)
        assert_allclose(model.confusion_matrices_, 1 / n_classes, rtol=1e-5)
        assert_allclose(model.class_prior_, 1 / n_classes, rtol=1e-5)

    def test_very_little_is_none(self):
        rng = np.random.default_rng(2)
        codes = give_labels(rng, rng.integers(2, size=100), workers_who_know(rng, 6, 2))
        without, with_some = (DawidSkene(smoothing=s).fit(codes) for s in (0, 1e-9))
        assert_allclose(
            without.confusion_matrices_, with_some.confusion_matrices_, atol=1e-7
        )

    @pytest.mark.filterwarnings("error")
    def test_annotations_that_contradict_each_other(self):
        """Workers who never erred, and then all say something else."""
        truth = np.array([0, 1, 2] * 5)
        model = DawidSkene(smoothing=0).fit(np.column_stack([truth] * 4))
        assert_array_equal(model.confusion_matrices_, [np.eye(3)] * 4)
        given = np.array([[0, 1, 2, 1], [0, 0, 1, 1], [2, 1, 2, 2], [2, -1, -1, 2]])
        proba = model.predict_proba(given)
        assert_allclose(proba.sum(1), 1)
        # Of impossible labels that with the fewest contradictions.
        assert_allclose(proba[0], [0, 1, 0], atol=1e-12)
        assert_allclose(proba[1], [0.5, 0.5, 0], atol=1e-12)
        assert_array_equal(model.predict(given[[0, 2, 3]]), [1, 2, 2])


class TestErrorRates:
    @never_converges
    def test_share_of_wrong_annotations_if_all_rows_are_annotated(self):
        rng = np.random.default_rng(0)
        codes = give_labels(rng, rng.integers(3, size=60), workers_who_know(rng, 5, 3))
        model = DawidSkene(smoothing=0, tol=1e-12, max_iter=500).fit(codes)
        expected = [
            np.mean([1 - model.label_posterior_[i, codes[i, w]] for i in range(60)])
            for w in range(5)
        ]
        assert_allclose(model.worker_error_rates_, expected, rtol=1e-5)

    def test_slow_derivation(self):
        rng = np.random.default_rng(0)
        confusion = rng.dirichlet(np.ones(4), size=(6, 4))
        prior = rng.dirichlet(np.ones(4))
        rates = error_rates(confusion, prior, np.array([3, 1, 0, 9, 9, 9]))
        for w in range(6):
            wrong = sum(
                prior[true] * confusion[w, true, given]
                for true in range(4)
                for given in range(4)
                if given != true
            )
            assert np.isnan(rates[w]) if w == 2 else np.isclose(rates[w], wrong)

    def test_who_sees_few_rows_of_a_class(self):
        """The share of a class counts, not how many rows of it a worker got."""
        truth = np.repeat([0, 1], [80, 20])
        codes = np.column_stack([truth] * 5)
        # The last worker calls every row 1, and saw but two of the 80.
        codes[:, 4] = 1
        codes[2:80, 4] = -1
        for model in (DawidSkene(smoothing=0), MajorityVote()):
            rates = model.fit(codes).worker_error_rates_
            assert_allclose(rates, [0, 0, 0, 0, 0.8], atol=1e-9)
