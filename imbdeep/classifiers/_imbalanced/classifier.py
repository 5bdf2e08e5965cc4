"""The one to start with: learners of several kinds, blended, with a threshold."""

import time
import warnings
from numbers import Integral

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from imbdeep._all_or_nothing import all_or_nothing, refuse_other_threads
from imbdeep._arguments import FiniteReal
from imbdeep._docs import shared_docs
from imbdeep._nets.member_rows import read_groups
from imbdeep._tables.column_selection import automatic_columns, select_columns
from imbdeep._tables.dates import DateColumns
from imbdeep._tables.levels import LevelCodes
from imbdeep._tables.reading import read_rows, read_rows_and_labels
from imbdeep._tables.torch_data import arrays_of
from imbdeep._tables.validation import sorted_labels
from imbdeep._torch.device import check_device, resolve_device
from imbdeep._torch.seeding import own_state, seed_from
from imbdeep._torch.switches import usual_switches
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._imbalanced.blending import fit_blend
from imbdeep.classifiers._imbalanced.calibrating import METHODS
from imbdeep.classifiers._imbalanced.deciding import DecidesByThreshold
from imbdeep.classifiers._imbalanced.learners import (
    REBALANCED,
    fit_learner,
    read_learners,
    read_weights,
    suit_to_size,
)
from imbdeep.classifiers._imbalanced.report.report import Reports
from imbdeep.classifiers._imbalanced.threshold_checks import (
    check_decisions,
    check_rows,
    positive_index,
    warn_of_lone_rows,
)


@shared_docs(SHARED)
class ImbalancedClassifier(DecidesByThreshold, Reports, ClassifierMixin, BaseEstimator):
    """Nets and trees, blended by rows that none of them saw: the one to start with.

    Each learner holds out folds of the rows in turn. Its weight in the blend is what
    makes the labels of these rows likeliest, so that the kind of learner that suits
    the table counts most. The same out-of-fold probabilities set the threshold: no row
    is set aside for anything.

    It takes a raw data frame, with text, categories, dates and missing values.

    Read more in the :ref:`User Guide <imbalanced_classifier>`.

    Parameters
    ----------
    learners : sequence of str or tuple (str, classifier), \
            default=('random_forest', 'hist_gb', 'nca', 'mlp')
        What is blended, in the order of fitting. 'nca' and 'mlp' are
        :class:`NetEnsembleClassifier` with nearest neighbours in a learned space and
        with perceptrons, of ten members, or of five with more than 1,000 rows;
        'random_forest' is scikit-learn's of 200 trees, and 'hist_gb' its boosting with
        settings for few rare rows. A classifier of your own, with its name, is fitted
        once for each fold. It sees an array without names: levels as numbers, those
        beyond the 254 most frequent of a column as one, and missing values as NaN.
    rebalance : {'auto', 'balanced', 'under_sampled', 'remix', 'ldam', 'focal'} or \
            None, default='auto'
        How 'mlp' trains: on batches with as many rows of each class, the same on an
        under-sample of each member's own, on mixed rows (:class:`ReMixClassifier`),
        with margins (:class:`LDAMClassifier`), or by focal loss; None, plainly. The
        first three are corrected to the shares of the data. 'auto' is what ranks rows
        best on tables for development: None, as no remedy helps there.
    threshold : 'default', float in [0, 1], {'balanced_accuracy', 'f1', 'g_mean', \
            'mcc'}, ('recall', r), ('precision', p), callable, str, or array-like of \
            shape (n_classes, n_classes), default='default'
        When :meth:`predict` says the positive one of two classes: if its probability
        is at least the threshold. 'default' is .5. A metric is maximised over the
        out-of-fold probabilities; ``('recall', 0.9)`` finds the share .9 of the
        positive rows there, with as few false alarms as that allows, and
        ``('precision', 0.5)`` as many of them as it can; where nothing is as precise,
        it warns and takes what is most precise. A callable takes true and predicted
        labels, and ``sample_weight`` if it has that parameter, and returns a number,
        the greater the better. It sees only rows that were held out and have a weight
        above 0. It may be a scorer of labels, such as
        ``make_scorer(fbeta_score, beta=2)``, or the name of one of scikit-learn's, such
        as 'f1_macro'; at most 200 thresholds are tried. A matrix holds the cost of each
        true class (rows) and predicted class (columns), in the order of ``classes_`` or
        as a data frame names them; the least expected cost decides. With more than two
        classes: 'default', the most probable; 'balanced_accuracy', where each counts
        by the inverse of its share; or costs. :meth:`set_threshold` learns it anew.
    pos_label : label or None, default=None
        Which of two classes is positive: what metrics and scorers by name, 'recall',
        'precision' and numbers are about, as well as ``threshold_``. None is the second
        one, ``classes_[1]``. Functions and scorers have a ``pos_label`` of their own.
    calibration : {'sigmoid', 'beta', 'isotonic', 'temperature'} or None, default=None
        Map of the blended probabilities, learned out of fold. 'sigmoid' (Platt) scales
        and shifts logits, 'temperature' scales them, 'beta' treats low and high
        probabilities apart, and 'isotonic' is any rising step function, which needs
        hundreds of rare rows and gives zeros and ones at its ends. None leaves the
        blend, whose weights are those of the best log loss already. 'beta' is for two
        classes; 'temperature' needs scikit-learn 1.8.
    categorical_features : 'auto', array-like of int, str or bool, or None, \
            default='auto'
        Columns of levels, see :class:`~imbdeep.base.BaseNetClassifier`.
    time_budget : float, greater than 0, or None, default=None
        Seconds. Learners that would begin later are left out, with a warning, and nets
        whose members hold rows out end with the epoch in which it is spent. The first
        learner is fitted in any case.
    device : str, torch.device or None, default='auto'
        For the nets, unless they name one themselves.
    n_jobs : int or None, default=None
        Models of folds to fit at the same time; of nets, all members are one tensor.
    verbose : int, default=0
        1 prints a line for each learner, 2 or more also each epoch of the nets.
    random_state : int, RandomState or None, default=None
        For the folds, and the learners that have a ``random_state`` that is None.

    Attributes
    ----------
    {classes_}
    {class_counts_}
    learners_ : dict
        The fitted learners, by name. Each has its own ``oof_proba_``; they take rows
        as numbers.
    learner_weights_ : dict of float
        Share of each learner in the blend.
    calibrator_ : object or None
        Maps blended to calibrated probabilities by ``predict_proba``.
    oof_proba_ : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities of the training rows; NaN for a class of one row or,
        with groups, of one group. With ``calibration`` they are calibrated by a map
        that was learned on these rows.
    oof_y_ : ndarray of shape (n_samples,)
        Labels of these rows, for metrics and curves.
    oof_sample_weight_ : ndarray of shape (n_samples,) or None
        Their weights, with mean 1; None if there were none.
    threshold_ : float or None
        Probability of the positive class from which on it is predicted; None with more
        than two classes.
    level_codes_ : object
        The levels of columns that hold any, by numbers.
    fit_seconds_ : dict of float
        That the fit of each learner took.
    report_ : object
        What out-of-fold rows say: text, HTML in a notebook and by ``save(path)``.
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    NetEnsembleClassifier : The nets alone.
    sklearn.ensemble.StackingClassifier : Fits each learner once more, on all rows.
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes the threshold of any
        classifier, by fitting it once more for each fold.

    Notes
    -----
    Weights of learners, the calibration and the threshold are chosen on the same
    out-of-fold probabilities. They are few numbers, but for 'isotonic', so that they
    hardly overfit; still a metric of ``oof_proba_`` at ``threshold_`` is a little
    better than that of new rows.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbdeep import ImbalancedClassifier
    >>> X, y = make_classification(200, weights=[0.9], flip_y=0, random_state=0)
    >>> learners = ["random_forest", ("linear", LogisticRegression())]
    >>> model = ImbalancedClassifier(learners, threshold="f1", random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (200, 2)
    >>> sorted(model.learner_weights_)
    ['linear', 'random_forest']
    """

    _parameter_constraints = {
        "learners": "no_validation",
        "rebalance": [StrOptions({"auto", *REBALANCED}), None],
        "threshold": "no_validation",
        "pos_label": "no_validation",
        "calibration": [StrOptions(set(METHODS)), None],
        "categorical_features": "no_validation",
        "time_budget": [FiniteReal(0, None, closed="neither"), None],
        "device": [str, torch.device, None],
        # joblib would start as many threads, whatever the number.
        "n_jobs": [Interval(Integral, -1024, 1024, closed="both"), None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        learners=("random_forest", "hist_gb", "nca", "mlp"),
        *,
        rebalance="auto",
        threshold="default",
        pos_label=None,
        calibration=None,
        categorical_features="auto",
        time_budget=None,
        device="auto",
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.learners = learners
        self.rebalance = rebalance
        self.threshold = threshold
        self.pos_label = pos_label
        self.calibration = calibration
        self.categorical_features = categorical_features
        self.time_budget = time_budget
        self.device = device
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @usual_switches()
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Fit the learners, and weigh them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Numbers, or levels in columns of text, categories or booleans; gaps may be
            NaN, None or pandas.NA. Dates of a data frame are days since 1970.
        y : array-like of shape (n_samples,)
            Labels of any type that can be sorted.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows, at least 0, for the learners, the blend, the
            calibration and the threshold. Only their ratios matter.
        groups : array-like of shape (n_samples,) or None, default=None
            Rows of one group, such as a patient, are held out together.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used; before any training, but for
            what a learner itself refuses.
        """
        started = time.monotonic()
        self._validate_params()
        learners = read_learners(self.learners, self.rebalance)
        if self.device is not None:
            check_device(resolve_device(self.device))
        with all_or_nothing(self):
            state = own_state(self.random_state)
            X, target = self._read(X, y, state)
            told = self.classes_, self.class_counts_
            check_decisions(self.threshold, self.calibration, *told)
            positive_index(self.pos_label, self.classes_)
            warn_of_lone_rows(*told)
            if sample_weight is not None:
                sample_weight = read_weights(sample_weight, X, learners)
            if groups is not None:
                groups = read_groups(groups, X)
            given = {"sample_weight": sample_weight, "groups": groups}
            check_rows(self.threshold, self.calibration, self.classes_, target, **given)
            ends = started + (self.time_budget or np.inf)
            suit_to_size(learners, self.learners, len(target))
            self.learners_, self.fit_seconds_ = {}, {}
            for name, learner in learners.items():
                given["random_state"] = seed_from(state)
                if self.learners_ and time.monotonic() >= ends:
                    self._warn_of_left_out(learners)
                    break
                self.learners_[name] = self._fit_one(
                    name, learner, X, target, ends, given
                )
            # A copy: y may be the caller's.
            self.oof_y_ = self.classes_[target]
            self.oof_sample_weight_ = sample_weight
            self._blend(target, sample_weight)
            self._learn_decision()
            self._record_fit(X, target, list(learners), **given)
            return self

    def _read(self, X, y, random_state):
        X, y = arrays_of(X, y)
        self._dates = DateColumns()
        X = self._dates.fit_transform(X)
        self.level_codes_ = LevelCodes(self._level_columns(X)).fit(X, random_state)
        X, y = read_rows_and_labels(self, X, y, reset=True, **self._how_to_read())
        self.classes_ = sorted_labels("y", y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes, got one class: "
                f"{self.classes_.tolist()}."
            )
        target = np.searchsorted(self.classes_, y)
        self.class_counts_ = np.bincount(target)
        return X, target

    def _level_columns(self, X):
        chosen = self.categorical_features
        if isinstance(chosen, str):
            return automatic_columns(X)
        return select_columns(X, chosen, "categorical_features")

    def _how_to_read(self):
        return {"levels": self.level_codes_, "allow_missing": True, "allow_nd": False}

    def _warn_of_left_out(self, learners):
        left_out = [name for name in learners if name not in self.learners_]
        warnings.warn(
            f"time_budget={self.time_budget} was spent after {list(self.learners_)}: "
            f"{left_out} are left out.",
            UserWarning,
            stacklevel=2,
        )

    def _fit_one(self, name, learner, X, target, ends, given):
        started = time.monotonic()
        # Each epoch of nets is a line more than most want to see.
        if self.verbose > 1 and "verbose" in learner.get_params():
            learner.set_params(verbose=self.verbose - 1)
        try:
            fitted = fit_learner(
                learner,
                X,
                target,
                self.level_codes_.positions.tolist(),
                classes=self.classes_,
                ends=ends,
                device=self.device,
                n_jobs=self.n_jobs,
                **given,
            )
        except Exception as error:
            error.add_note(f"In the learner {name!r}.")
            raise
        self.fit_seconds_[name] = time.monotonic() - started
        if self.verbose:
            print(f"{name}: {self.fit_seconds_[name]:.1f} s")
        return fitted

    def _blend(self, target, sample_weight):
        out_of_fold = np.stack([one.oof_proba_ for one in self.learners_.values()])
        blend = fit_blend(out_of_fold, target, sample_weight, self.calibration)
        weights = blend.weights.tolist()
        self.learner_weights_ = dict(zip(self.learners_, weights, strict=True))
        self.oof_proba_, self.calibrator_ = blend.oof_proba, blend.calibrator

    @usual_switches()
    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The learners' mean, by ``learner_weights_``, calibrated, at any threshold.
        """
        refuse_other_threads(self)
        check_is_fitted(self)
        X = self._dates.transform(self, arrays_of(X)[0])
        X = read_rows(self, X, reset=False, **self._how_to_read())
        with warnings.catch_warnings():
            # They see codes for levels, and would name these; it has been said.
            warnings.filterwarnings("ignore", ".* hold no level that training had")
            blended = sum(
                weight * self.learners_[name].predict_proba(X)
                for name, weight in self.learner_weights_.items()
            )
        if self.calibrator_ is None:
            return blended
        return self.calibrator_.predict_proba(blended)

    def predict_log_proba(self, X):
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            ``-inf`` where a probability is 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
