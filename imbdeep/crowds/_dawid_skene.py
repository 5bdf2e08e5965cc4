"""Dawid and Skene's model: each worker has error rates of its own."""

import warnings

import numpy as np
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import MISSING_VALUES, FiniteReal, WholeNumber
from imbdeep._tables.by_name import by_label
from imbdeep.crowds._aggregator import Aggregator
from imbdeep.crowds._annotations import count_votes, indicator_matrix
from imbdeep.crowds._worker_model import (
    estimate_confusion,
    estimate_prior,
    log_joint,
    vote_shares,
)


class DawidSkene(Aggregator):
    r"""Infer labels and each worker's errors by Dawid and Skene's EM algorithm [1]_.

    Worker :math:`w` gives label :math:`l` to a row of class :math:`c` with probability
    :math:`\Psi_w(c, l)`, independently of the other workers, and a share :math:`\Phi_c`
    of the rows is of class :math:`c`. Starting from the shares of the votes,
    expectation maximisation learns both, and with them the label of each row, eq.
    (3.1)-(3.2) of [2]_.

    Read more in the :ref:`User Guide <crowds>`.

    Parameters
    ----------
    init : {'vote', 'uniform'}, default='vote'
        Starting point. The first confusion matrices come from the shares of the votes;
        with 'vote' so do the first class shares, as in [1]_. 'uniform' starts from
        equal class shares, which section 3.2.4 of [2]_ calls the convention; if classes
        are imbalanced, the first labels then lean towards the rare ones.
    max_iter : int, at least 1, default=2000
        Maximum number of iterations. Most fits need fewer than 100, some several
        hundred.
    tol : float, at least 0, default=1e-6
        Iterations end when the log posterior density grows by no more than this per
        row. It may pause before it rises again, so larger values end some fits far from
        a maximum.
    assignment : {'soft', 'hard'}, default='soft'
        'soft' counts a row for each class with its probability, as in [1]_. 'hard'
        counts it for the most probable class only, as in [2]_, and stays nearer to the
        majority vote.
    smoothing : float, at least 0, default=0.01
        Added to the count of each class and of each pair of labels, like a Dirichlet
        prior, so that no probability becomes 0 for good. 0 is as in [1]_.
    fit_prior : bool, default=True
        Whether to learn the class shares. If not, ``class_prior`` gives them.
    class_prior : array-like of shape (n_classes,), mapping or None, default=None
        Class shares that are not learned, in the order of ``classes_`` or by label.
        None means equal shares.
    classes : array-like of shape (n_classes,) or None, default=None
        All labels, if ``fit`` may not see every one.
    missing_values : int, float, NaN or None, default=-1
        Number that marks a missing annotation, in addition to NaN and None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    confusion_matrices_ : ndarray of shape (n_workers, n_classes, n_classes)
        Probability that a worker gives a label (third axis) to a row of a class
        (second); rows sum to 1. Uniform for a worker without annotations.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each class.
    label_posterior_ : ndarray of shape (n_samples, n_classes)
        Probability of each label of the rows of ``fit``.
    worker_error_rates_ : ndarray of shape (n_workers,)
        Error rate of each worker by its confusion matrix and ``class_prior_``; NaN for
        a worker without annotations.
    log_likelihood_ : ndarray of shape (n_iter_,)
        Log-likelihood of the annotations after each iteration; with hard assignment
        that of the annotations together with the inferred labels, eq. (3.1).
    log_posterior_ : ndarray of shape (n_iter_,)
        The same plus the log density of the smoothing's Dirichlet prior, up to a
        constant. No iteration decreases it. Without smoothing both are equal.
    n_iter_ : int
    n_features_in_ : int
        Number of workers.
    feature_names_in_ : ndarray of shape (n_workers,)
        If ``annotations`` is a data frame with string column names.

    See Also
    --------
    MajorityVote : All workers count equally.
    imbdeep.classifiers.InferThenFit : Any classifier, trained on inferred labels.

    Notes
    -----
    Annotations alone cannot distinguish a crowd that is right from one that is wrong
    throughout: if most workers err on most rows, the labels come out swapped.

    Iterations find the local maximum next to the majority vote. If all workers err on
    the same, hard rows, it can be far from the truth: the model takes hard rows for one
    class, and the easy rows of the larger class for the other. Compare with
    :class:`MajorityVote`, especially if one class is rare.

    NOTE[DIFF]: neither [1]_ nor [2]_ mentions smoothing.

    NOTE[DIFF]: [2]_ starts with a uniform prior and does not give the first confusion
    matrices or labels. They cannot be uniform as well: uniform labels give all classes
    the same confusion matrix, which gives uniform labels again. Here they come from the
    votes for either ``init``.

    References
    ----------
    .. [1] A. P. Dawid, A. M. Skene. "Maximum likelihood estimation of observer
       error-rates using the EM algorithm". Journal of the Royal Statistical Society C
       28(1), 1979.
    .. [2] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Section 3.2.3.

    Examples
    --------
    The first two workers are right, the third always says yes:

    >>> import numpy as np
    >>> from imbdeep.crowds import DawidSkene
    >>> annotations = np.array([["no", "no", "yes"]] * 8 + [["yes", "yes", "yes"]] * 2)
    >>> crowd = DawidSkene().fit(annotations)
    >>> crowd.worker_error_rates_.round(2)
    array([0. , 0. , 0.8])
    >>> crowd.predict([["no", None, "yes"]])
    array(['no'], dtype='<U3')
    """

    _parameter_constraints = {
        "init": [StrOptions({"vote", "uniform"})],
        "max_iter": [WholeNumber(1)],
        "tol": [FiniteReal(0, None)],
        "assignment": [StrOptions({"soft", "hard"})],
        "smoothing": [FiniteReal(0, None)],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
        "classes": ["array-like", None],
        "missing_values": MISSING_VALUES,
    }

    def __init__(
        self,
        *,
        init="vote",
        max_iter=2000,
        tol=1e-6,
        assignment="soft",
        smoothing=0.01,
        fit_prior=True,
        class_prior=None,
        classes=None,
        missing_values=-1,
    ):
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.assignment = assignment
        self.smoothing = smoothing
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.classes = classes
        self.missing_values = missing_values

    def _learn(self, codes):
        n_classes = len(self.classes_)
        given_prior = self._given_prior(n_classes)
        first_prior = given_prior
        if self.init == "uniform":
            first_prior = np.full(n_classes, 1 / n_classes)
        indicators = indicator_matrix(codes, n_classes)
        posterior = vote_shares(count_votes(codes, n_classes))
        likelihoods, objectives = [], []
        for _ in range(self.max_iter):
            if self.assignment == "hard":
                posterior = np.eye(n_classes)[posterior.argmax(1)]
            confusion = estimate_confusion(indicators, posterior, self.smoothing)
            # A uniform start has no say after the first iteration.
            prior = given_prior if likelihoods else first_prior
            if prior is None:
                prior = estimate_prior(posterior, self.smoothing)
            # In logarithms: with many workers the products underflow.
            joint = log_joint(indicators, prior, confusion)
            evidence = logsumexp(joint, axis=1, keepdims=True)
            posterior = np.exp(joint - evidence)
            best = joint.max(1) if self.assignment == "hard" else evidence
            likelihoods.append(best.sum())
            objectives.append(likelihoods[-1] + self._log_density(prior, confusion))
            if self._has_converged(objectives, len(codes)):
                break
        else:
            warnings.warn(
                f"DawidSkene did not converge in max_iter={self.max_iter} iterations. "
                "Raise max_iter or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.confusion_matrices_, self.class_prior_ = confusion, prior
        self.label_posterior_ = posterior
        self.log_likelihood_ = np.array(likelihoods)
        self.log_posterior_ = np.array(objectives)
        self.n_iter_ = len(likelihoods)

    def _has_converged(self, objectives, n_rows):
        if len(objectives) < 2:
            return False
        return objectives[-1] - objectives[-2] <= self.tol * n_rows

    def _log_density(self, prior, confusion):
        """Log density of the smoothing's Dirichlet prior, up to a constant."""
        if not self.smoothing:
            return 0.0
        shares = [confusion.ravel()] + [prior] * bool(self.fit_prior)
        return self.smoothing * np.log(np.concatenate(shares)).sum()

    def _given_prior(self, n_classes):
        """Class shares given by the user, or None if they are learned."""
        if self.fit_prior:
            if self.class_prior is not None:
                raise ValueError(
                    f"class_prior={self.class_prior!r} is not used as long as the "
                    "shares of the classes are learned. Pass fit_prior=False, too."
                )
            return None
        if self.class_prior is not None and self.init == "uniform":
            raise ValueError(
                f"init='uniform' is not used where class_prior={self.class_prior!r} "
                "gives the shares of the classes. Leave one of them out."
            )
        if self.class_prior is None:
            return np.full(n_classes, 1 / n_classes)
        prior = by_label("class_prior", self.class_prior, self.classes_.tolist())
        prior = np.asarray(prior, dtype=np.float64)
        valid = prior.shape == (n_classes,) and (prior >= 0).all()
        if not valid or not np.isclose(prior.sum(), 1):
            raise ValueError(
                f"class_prior must hold a share for each of the {n_classes} classes "
                f"{self.classes_.tolist()} and sum to 1, got {self.class_prior!r}."
            )
        return prior

    def _posterior(self, codes):
        indicators = indicator_matrix(codes, len(self.classes_))
        joint = log_joint(indicators, self.class_prior_, self.confusion_matrices_)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
