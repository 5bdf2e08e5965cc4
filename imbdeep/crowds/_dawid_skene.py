"""Dawid and Skene's model: workers err in ways of their own."""

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
    r"""Labels, and each worker's errors, by Dawid and Skene's EM algorithm.

    Worker :math:`w` gives label :math:`l` to a row of class :math:`c` with probability
    :math:`\Psi_w(c, l)`, whatever the other workers say, and :math:`\Phi_c` of the rows
    are of class :math:`c`. Beginning with the shares of the votes, expectation
    maximisation learns both, and with them the label of each row, eq. (3.1)-(3.2) of
    [2]_.

    Read more in the :ref:`User Guide <crowds>`.

    Parameters
    ----------
    init : {'vote', 'uniform'}, default='vote'
        Where iterations begin. The first confusion matrices are those of the shares of
        the votes, and for 'vote' so are the first shares of the classes, as with Dawid
        and Skene. 'uniform' takes all classes to be equally frequent at first, which
        section 3.2.4 of [2]_ calls the convention; where they are not, the first labels
        are drawn to the rare ones.
    max_iter : int, at least 1, default=2000
        Most iterations. Most fits need fewer than 100, some several hundred.
    tol : float, at least 0, default=1e-6
        Iterations end when the log posterior density grows by no more than this for
        each row. It can grow slowly for a while before it rises again, so that larger
        values end some fits far from a maximum.
    assignment : {'soft', 'hard'}, default='soft'
        Whether a row counts for each class with its probability, as with Dawid and
        Skene, or for the most probable one alone, as the paper's counts have it. The
        latter stays nearer to the majority vote.
    smoothing : float, at least 0, default=0.01
        Added to each count of a class and of a pair of labels, as a Dirichlet prior
        does, so that no probability becomes 0 for good. 0 is Dawid and Skene's.
    fit_prior : bool, default=True
        Whether to learn the shares of the classes. If not, they are ``class_prior``.
    class_prior : array-like of shape (n_classes,), mapping or None, default=None
        Shares of the classes where they are not learned, in the order of ``classes_``
        or by label. None takes all to be equal.
    classes : array-like of shape (n_classes,) or None, default=None
        All labels, if ``fit`` may not see each of them.
    missing_values : int, float, NaN or None, default=-1
        Number that stands for an annotation that was not given, beside NaN and None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    confusion_matrices_ : ndarray of shape (n_workers, n_classes, n_classes)
        Probability that a worker gives a row of one class (second axis) a label
        (third); rows sum to 1. Uniform for a worker who gave no annotations.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each class.
    label_posterior_ : ndarray of shape (n_samples, n_classes)
        Probability of each label of the rows of ``fit``.
    worker_error_rates_ : ndarray of shape (n_workers,)
        How often a worker errs, by its confusion matrix and with the classes in the
        shares of ``class_prior_``; NaN for one who gave no annotations.
    log_likelihood_ : ndarray of shape (n_iter_,)
        Log-likelihood of the annotations after each iteration; with hard assignment
        that of the annotations together with the inferred labels, eq. (3.1).
    log_posterior_ : ndarray of shape (n_iter_,)
        The same plus the log density of the smoothing's Dirichlet prior, up to a
        constant. This is what an iteration never makes smaller; without smoothing they
        are equal.
    n_iter_ : int
    n_features_in_ : int
        Workers.
    feature_names_in_ : ndarray of shape (n_workers,)
        If ``annotations`` is a data frame with string column names.

    See Also
    --------
    MajorityVote : Every worker counts alike.
    imbdeep.classifiers.InferThenFit : Any classifier, trained on inferred labels.

    Notes
    -----
    Nothing in annotations tells a crowd that is right from one that is wrong
    throughout: if most workers err on most rows, the labels come out exchanged.

    Iterations find a local maximum, that next to the majority vote. Where all workers
    err on the same rows, the hard ones, it can be far from the truth: the model takes
    hard rows for a class of their own, and the larger class for the easy part of it.
    Compare with :class:`MajorityVote`, above all if one class is rare.

    NOTE[DIFF]: the original has no smoothing, and the paper does not mention any.

    NOTE[DIFF]: the paper begins with a uniform prior and does not say with which
    confusion matrices or labels. They cannot be uniform, too: labels that are all alike
    give every class the same confusion matrix, and these the same labels again. Here
    they come from the votes for either ``init``.

    References
    ----------
    .. [1] A. P. Dawid, A. M. Skene. "Maximum likelihood estimation of observer
       error-rates using the EM algorithm". Journal of the Royal Statistical Society C
       28(1), 1979.
    .. [2] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Section 3.2.3.

    Examples
    --------
    The first two workers know, the third always says yes:

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
            prior = given_prior if likelihoods else first_prior
            if prior is None:
                prior = estimate_prior(posterior, self.smoothing)
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
        """Shares of the classes that are not learned, or None if they are."""
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
