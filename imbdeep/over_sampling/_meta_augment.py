"""Meta-augmentation as a sampler: learned rows for any classifier."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from imbdeep._docs import shared_docs
from imbdeep._nets.splits import stratified_split
from imbdeep._tables.validation import check_class_sizes
from imbdeep._torch.seeding import seed_from
from imbdeep.classifiers import MetaAugmentClassifier
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._tables import TableOverSampler, as_dense, as_numbers


@shared_docs(SHARED)
class MetaAugment(TableOverSampler):
    r"""Over-sample with rows that a net's validation loss has moved [1]_.

    Rows of the rare classes are duplicated, and a
    :class:`~imbdeep.classifiers.MetaAugmentClassifier` learns where they should be. Any
    classifier can use the learned rows, trees included.

    Read more in the :ref:`User Guide <meta_augment>`.

    Parameters
    ----------
    {sampling_strategy}
    estimator : MetaAugmentClassifier or None, default=None
        The net that learns the rows, with all its parameters, such as ``synth_lr``. The
        sampler replaces its ``sampling_strategy``, ``categorical_features`` and
        ``random_state`` by its own, and its ``train_split`` by a stratified one. None
        is ``MetaAugmentClassifier()``.
    {categorical_features}
    random_state : int, RandomState instance or None, default=None
        Determines the validation rows and all draws of the net.

    Attributes
    ----------
    {sampling_strategy_}
    estimator_ : MetaAugmentClassifier or None
        The net that learned the rows; None if no rows were needed.
    {is_synthetic_}
    parents_ : ndarray of shape (n_samples_new,), int
        Position in ``X`` of the row that each row started as. An original row is its
        own parent.
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    imbdeep.classifiers.MetaAugmentClassifier : The net trained with its rows.
    ReMix : Rows mixed from two, without training.

    Notes
    -----
    Synthetic rows start as duplicates of training rows; the validation rows only
    determine where they move.

    Columns of a data frame keep their dtypes: integer columns are rounded. Sparse
    matrices are returned sparse, but are dense while the net trains.

    NOTE[DIFF]: the paper moves numbers. Categories, booleans included, and missing
    numbers stay those of the row that a synthetic one began as.

    NOTE[DIFF]: the paper limits its method to one net and calls tree-based models out
    of reach.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import MetaAugmentClassifier
    >>> from imbdeep.over_sampling import MetaAugment
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = MetaAugmentClassifier(pretrain_epochs=10, max_epochs=5)
    >>> sampler = MetaAugment(estimator=net, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    """

    _parameter_constraints = {
        **TableOverSampler._parameter_constraints,
        "estimator": [MetaAugmentClassifier, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        estimator=None,
        categorical_features="auto",
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.categorical_features = categorical_features
        self.estimator = estimator
        self.random_state = random_state

    def _fit_resample(self, X, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        parents, rows = self._learn(as_dense(X), y, codes)
        self.parents_ = np.concatenate([np.arange(len(y)), parents])
        return rows, parents

    def _learn(self, X, y, codes):
        """Learn the synthetic rows; return their parents and the rows."""
        # Learned integers are not integers; floating point keeps its precision.
        dtype = X.dtype if X.dtype.kind == "f" else np.float64
        self.estimator_ = None
        if not any(self.sampling_strategy_.values()):
            return np.empty(0, dtype=np.intp), np.empty((0, X.shape[1]), dtype)
        counts = np.bincount(codes)
        check_class_sizes(self.classes_, counts, 2, self)
        net = MetaAugmentClassifier() if self.estimator is None else self.estimator
        net._check_parameters()  # before the split below reads one of them
        own = net.categorical_features
        if not (own is None or (isinstance(own, str) and own == "auto")):
            raise ValueError(
                f"estimator__categorical_features={own!r} would be ignored: give it as "
                "categorical_features to the sampler, whose net follows it."
            )
        random_state = check_random_state(self.random_state)
        train, valid = stratified_split(codes, net.validation_fraction, random_state)
        train_counts = np.bincount(codes[train])
        wanted = {
            label: train_counts[np.searchsorted(self.classes_, label)] + number
            for label, number in self.sampling_strategy_.items()
        }
        self.estimator_ = clone(net).set_params(
            sampling_strategy=wanted,
            train_split="stratified",
            categorical_features=self._categorical.tolist() or None,
            # The rows of an interrupted net would be indistinguishable from others.
            on_interrupt="raise",
            random_state=seed_from(random_state),
        )
        self.estimator_.fit(X[train], y[train], eval_set=(X[valid], y[valid]))
        parents = train[self.estimator_.synth_parents_]
        return parents, self._rows_in_own_precision(X, parents, train, net.clip)

    def _rows_in_own_precision(self, X, parents, train, clip):
        """Learned rows: numbers where the net moved them, categories as they were."""
        numeric = np.setdiff1d(np.arange(X.shape[1]), self._categorical)
        learned = self.estimator_.X_synth_
        if len(numeric) == X.shape[1] and learned.dtype == X.dtype:
            return learned
        rows = as_numbers(X[parents], numeric)
        # The shift of each row, added to the row in its own precision: columns that may
        # not move keep all their digits.
        shift = rows.astype(np.float32)
        np.subtract(learned[:, numeric], shift, out=shift)
        rows += shift
        if clip:
            box = as_numbers(X[train], numeric)
            np.clip(rows, np.fmin.reduce(box), np.fmax.reduce(box), out=rows)
        if len(numeric) == X.shape[1]:
            return rows
        made = X[parents]
        if len(numeric):
            made[:, numeric] = rows
        return made
