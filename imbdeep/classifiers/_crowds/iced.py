"""ICED: infer labels and synthesise rare rows, in turns."""

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, StrOptions
from skorch.utils import to_numpy
from torch.utils.data import Subset

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._tables.rows import as_arrays
from imbdeep.batches import TensorBatches
from imbdeep.classifiers._crowds.base import CrowdNetClassifier
from imbdeep.classifiers._crowds.rounds import (
    AnewEachEpoch,
    AugmentedRows,
    ICEDRun,
    Rounds,
)
from imbdeep.classifiers._crowds.synthesis import MakesRows
from imbdeep.classifiers._docs import SHARED
from imbdeep.crowds import DawidSkene
from imbdeep.crowds._annotations import count_votes
from imbdeep.crowds._certainty import vote_certainty
from imbdeep.crowds._generation import certainty_groups
from imbdeep.crowds._worker_model import error_rates


@shared_docs(SHARED)
class ICEDClassifier(MakesRows, CrowdNetClassifier):
    r"""Net for annotations of imbalanced classes: infers labels, synthesises rare rows.

    Learning from imbalanced crowdsourced labeled data [1]_: the net warms up on the
    rows that the workers agree on. Each round then interpolates synthetic rows between
    the embeddings of rows inferred to be of a rare class, annotates them as the workers
    annotated their neighbours, infers the labels of all rows anew with Dawid and
    Skene's model, and trains an epoch on them.

    Read more in the :ref:`User Guide <iced>`.

    Parameters
    ----------
    module : {'mlp', 'conv', 'squeezenet', ...} or nn.Module, default='mlp'
        See :class:`NetClassifier`; the inputs of its ``head`` are the embeddings.
    sampling_strategy : str, float, dict or callable, default='auto'
        Which classes get synthetic rows and how many, as in imbalanced-learn, given the
        inferred labels of each round. 'auto' makes all as large as the largest.
    n_neighbors : int, at least 1, default=5
        Neighbours of the same class that a row is interpolated with, and of any class
        that its annotations come from.
    jitter : float in [0, 1], default=0.1
        :math:`\eta` of eq. (3.5) is uniform between ``-jitter`` and ``jitter``.
    certainty_eps : float, greater than 0, default=1e-6
        :math:`\epsilon` of eq. (3.4). The smaller it is, the nearer synthetic rows are
        to rows that all workers agree on.
    warmup : {'groups', 'certain', 'all'} or None, default='groups'
        'groups' is Algorithm 3.1: rows of the third highest certainty, then of the
        second, then of the highest. 'certain' trains on the three at once, 'all' on all
        rows, for as many epochs as 'groups' takes in total. None skips the warm-up.
    warmup_epochs : int, at least 1, default=5
        Epochs on each of the three groups.
    decoder_epochs : int, at least 1, default=50
        Epochs for which the decoder learns, before the first round, to map embeddings
        back to rows.
    decoder_updates : int, at least 0, default=1
        Epochs for which it follows the embeddings in each further round. 0 leaves it
        as it is.
    dawid_skene : DawidSkene or None, default=None
        Model that infers the labels; the net sets its ``classes`` and
        ``missing_values``. None is ``DawidSkene(assignment='hard')``, whose counts are
        the paper's.
    max_epochs : int, at least 0, default=15
        Number of rounds; a round trains one epoch. Given more time, the net also learns
        the wrong labels. 0 leaves the net as it is after the warm-up.
    early_stopping : bool, default=False
        Off, because the labels that it would monitor are the workers'.
    train_split : 'stratified', callable or None, default=None
        None trains on all rows. Validation rows have the labels of the majority vote.
    {truth_column}
    missing_values : int, float, NaN or None, default=-1
        Number that marks a missing annotation, in addition to NaN and None; see
        ``encode_annotations``.
    {kwargs}

    Attributes
    ----------
    {classes_}
    class_counts_ : ndarray of shape (n_classes,)
        Number of rows per class by majority vote.
    inferred_labels_ : ndarray of shape (n_samples,)
        Labels of the rows of ``fit``, inferred in the last round.
    dawid_skene_ : DawidSkene
        The model of the workers that inferred them, learned from the annotations of
        real and synthetic rows. Its ``label_posterior_`` holds the rows of ``fit``
        first, then the synthetic ones.
    worker_error_rates_ : ndarray of shape (n_workers,)
        Share of annotations that each worker gets wrong according to that model, with
        the class shares of the rows of ``fit``; NaN for a worker without annotations.
        The model's own rates include the synthetic rows.
    X_synth_ : ndarray of shape (n_synthetic, n_features)
        Synthetic rows of the last round.
    y_synth_ : ndarray of shape (n_synthetic,)
        Their inferred labels.
    n_workers_ : int
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch: ``stage`` ('warm-up' or 'round'), ``n_synthetic``, and,
        with ``y_true``, ``inference_accuracy``: the accuracy of the labels that it
        trained on where the truth is known; in the warm-up, of the majority vote.

    See Also
    --------
    CrowdLayerClassifier : Learns from every annotation, and infers no labels.
    InferThenFit : Infers labels first, then trains any classifier.
    imbdeep.crowds.DawidSkene : The model of the workers.

    Notes
    -----
    Labels are inferred from the workers' answers alone, so wrong synthetic rows can
    make inference worse: pass the labels that are known as ``y_true``, and look at
    ``inference_accuracy``. Synthetic rows inflate the probability of rare classes.

    The labels of a single annotator leave nothing to infer: the net is then a
    :class:`NetClassifier` with the same parameters, and of the attributes about
    inference only ``inferred_labels_`` is set.

    ``class_weight='balanced'`` and the class counts of a criterion use the majority
    vote in the warm-up, and the rows that a round trains on in the rounds.

    ``fit`` consists of several trainings, one per stage, and callbacks see each of
    them; those that count in ``max_epochs`` refer to the rounds. ``partial_fit``
    continues with rounds on its rows, without a warm-up. Columns in another order give
    another net for the same seed.

    NOTE[DIFF]:

    - A synthetic row has the levels and gaps of most of its embedded neighbours.
    - The first round synthesises rows of the classes by majority vote, as Algorithm 3.1
      leaves them.
    - The paper trains the decoder beforehand, while the feature extractor keeps
      learning; here the decoder follows it, see ``decoder_updates``. Decoded rows are
      clipped to the range of each column.
    - A class with one row gives copies of it; one with none gets no rows in that round.
    - A worker's label for a synthetic row is missing if none of its neighbours has one.
    - More than two classes, future work there: each becomes as large as the largest.
    - The paper gives no sizes, numbers of epochs or test of convergence.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Chapter 3.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import ICEDClassifier
    >>> from imbdeep.crowds import simulate_annotators
    >>> X, truth = make_classification(200, weights=[0.8], flip_y=0, random_state=0)
    >>> annotations = simulate_annotators(
    ...     truth, n_workers=4, error_rate=[0.1, 0.2, 0.2, 0.5], random_state=0
    ... )
    >>> net = ICEDClassifier(random_state=0).fit(X, annotations)
    >>> int(net.worker_error_rates_.argmax())
    3
    >>> net.predict_proba(X).shape
    (200, 2)
    """

    _parameter_constraints = {
        **CrowdNetClassifier._parameter_constraints,
        "max_epochs": [WholeNumber(0)],
        "sampling_strategy": [
            FiniteReal(0, 1, closed="right"),
            StrOptions({"auto", "minority", "not minority", "not majority", "all"}),
            HasMethods("items"),
            callable,
        ],
        "n_neighbors": [WholeNumber(1)],
        "jitter": [FiniteReal(0, 1)],
        "certainty_eps": [FiniteReal(0, None, closed="neither")],
        "warmup": [StrOptions({"groups", "certain", "all"}), None],
        "warmup_epochs": [WholeNumber(1)],
        "decoder_epochs": [WholeNumber(1)],
        "decoder_updates": [WholeNumber(0)],
        "dawid_skene": [DawidSkene, None],
    }

    _read_once = CrowdNetClassifier._read_once | dict.fromkeys(
        ("warmup", "warmup_epochs"), "which training begins with"
    )

    _run_class = ICEDRun

    def __init__(
        self,
        module="mlp",
        *,
        sampling_strategy="auto",
        n_neighbors=5,
        jitter=0.1,
        certainty_eps=1e-6,
        warmup="groups",
        warmup_epochs=5,
        decoder_epochs=50,
        decoder_updates=1,
        dawid_skene=None,
        max_epochs=15,
        early_stopping=False,
        train_split=None,
        truth_column=None,
        missing_values=-1,
        **kwargs,
    ):
        super().__init__(
            module,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            train_split=train_split,
            truth_column=truth_column,
            missing_values=missing_values,
            **kwargs,
        )
        self.sampling_strategy = sampling_strategy
        self.n_neighbors = n_neighbors
        self.jitter = jitter
        self.certainty_eps = certainty_eps
        self.warmup = warmup
        self.warmup_epochs = warmup_epochs
        self.decoder_epochs = decoder_epochs
        self.decoder_updates = decoder_updates
        self.dawid_skene = dawid_skene

    def set_params(self, **params):
        """Set parameters, with or without a prefix; see :class:`skorch.NeuralNet`.

        Returns
        -------
        self : object
        """
        prefix = "dawid_skene__"
        nested = {
            key: params.pop(key) for key in list(params) if key.startswith(prefix)
        }
        super().set_params(**params)
        if nested and self.dawid_skene is None:
            raise ValueError(
                f"{min(nested)} sets a parameter of dawid_skene, which is None. Pass "
                "dawid_skene=DawidSkene(...), too."
            )
        if nested:
            self.dawid_skene.set_params(
                **{key.removeprefix(prefix): value for key, value in nested.items()}
            )
        return self

    def _check_parameters(self):
        super()._check_parameters()
        if self.warmup is None and not self.max_epochs:
            raise ValueError(
                "warmup=None and max_epochs=0 leave nothing to train. Raise max_epochs."
            )

    # --- Algorithms 3.1 and 3.2 ------------------------------------------------------

    def _split(self, X, target):
        if self.run_.crowd is None:
            self._forget_inference()
            self.inferred_labels_ = self.classes_inferred_[target]
        self.run_.X = X
        return super()._split(X, target)

    def _train(self, train, valid, method):
        if self.run_.crowd is None:
            return super()._train(train, valid, method)
        indices = self._positions(train)
        votes = count_votes(self.run_.crowd.codes[indices], len(self.classes_))
        certainty = vote_certainty(votes, self.certainty_eps)
        batches = TensorBatches(train)
        X_train = as_arrays(batches.X)
        self._check_generation(X_train, to_numpy(batches.y))
        completed = True
        if not len(self.history):
            completed = self._warm_up(train, valid, certainty, method)
        self.run_.rounds = Rounds(AugmentedRows(X_train), indices, certainty)
        if completed and self.max_epochs:
            super()._train(train, valid, method)
        self._keep_inference()
        return self

    def _warm_up(self, train, valid, certainty, method):
        """Run Algorithm 3.1; return whether it was completed."""
        highest, second, third, _ = certainty_groups(certainty)
        stages = {
            None: [],
            "groups": [(group, 1) for group in (third, second, highest)],
            "certain": [(np.concatenate([third, second, highest]), 3)],
            "all": [(np.arange(len(train)), 3)],
        }
        for group, times in stages[self.warmup]:
            if not len(group):
                continue
            epochs = times * self.warmup_epochs
            super()._train(Subset(train, group), valid, method, epochs)
            if self._was_interrupted(epochs):
                return False
        return True

    def _next_round(self):
        """Run generation and inference of Algorithm 3.2; the epoch then trains."""
        X, indices = self.run_.rounds.X, self.run_.rounds.indices
        codes = self.run_.crowd.codes
        embeddings = self._embed(X.rows)
        made = self._interpolate(embeddings, self.run_.crowd.inferred[indices])
        annotations = self._annotate(embeddings, made, codes[indices])
        X_synth = self._decode(embeddings, made)
        # Validation rows as well: their annotations say as much about the workers.
        inferred = self._infer(np.concatenate([codes, annotations]))
        self.run_.crowd.inferred, y_synth = np.split(inferred, [len(codes)])
        self.X_synth_, self.y_synth_ = X_synth, self.classes_inferred_[y_synth]
        y = np.concatenate([self.run_.crowd.inferred[indices], y_synth])
        self.run_.rounds.augmented = X.followed_by(X_synth), y
        self._update_criterion(np.bincount(y, minlength=len(self.classes_)))

    # --- True labels, section 3.2.3 --------------------------------------------------

    def _infer(self, codes):
        crowd = self.dawid_skene
        crowd = DawidSkene(assignment="hard") if crowd is None else clone(crowd)
        classes = np.arange(len(self.classes_inferred_))
        crowd.set_params(classes=classes, missing_values=-1)
        inferred = crowd.fit_predict(codes)
        self.dawid_skene_ = crowd
        return inferred

    # --- Stages ----------------------------------------------------------------------

    def _positions(self, part):
        """Positions of the rows of a part among the rows of the fit."""
        X = self.run_.X
        if isinstance(part, Subset):
            return self._positions(part.dataset)[np.asarray(part.indices)]
        if part.X is not X:
            raise ValueError(
                f"train_split={self.train_split!r} gave a {type(part).__name__} of "
                f"{len(part)} rows and does not say which of the {X.shape[0]} they "
                "are, so their annotations cannot be found. Return a "
                "torch.utils.data.Subset, or pass eval_set."
            )
        return np.arange(X.shape[0])

    def _forget_inference(self):
        """Drop the attributes that an earlier fit on annotations has left."""
        for name in ("dawid_skene_", "worker_error_rates_", "X_synth_", "y_synth_"):
            vars(self).pop(name, None)

    def _keep_inference(self):
        if self.run_.rounds.augmented is None:
            # No round was made.
            self.run_.crowd.inferred = self._infer(self.run_.crowd.codes)
            self.X_synth_ = self._no_rows()
            self.y_synth_ = self.classes_inferred_[:0]
        labels, codes = self.classes_inferred_, self.run_.crowd.codes
        self.inferred_labels_ = labels[self.run_.crowd.inferred]
        # By the class shares of the real rows: those of all are balanced.
        self.worker_error_rates_ = error_rates(
            self.dawid_skene_.confusion_matrices_,
            self.dawid_skene_.label_posterior_[: len(codes)].mean(0),
            (codes >= 0).sum(0),
        )
        # It was fitted on class indices; from here on it uses the user's labels.
        self.dawid_skene_.set_params(classes=labels, missing_values=self.missing_values)
        self.dawid_skene_.classes_ = labels
        if self.worker_names_ is not None:
            self.dawid_skene_.feature_names_in_ = np.array(
                self.worker_names_, dtype=object
            )

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        if self.run_.crowd is None:
            return
        in_rounds = self.run_.rounds is not None
        if in_rounds:
            self._next_round()
        self.history.record("stage", "round" if in_rounds else "warm-up")
        self.history.record("n_synthetic", len(self.X_synth_) if in_rounds else 0)
        if self.run_.crowd.truth is not None:
            accuracy = self.run_.crowd.inference_accuracy(self.classes_inferred_)
            self.history.record("inference_accuracy", accuracy)

    def get_iterator(self, dataset, training=False):
        batches = super().get_iterator(dataset, training)
        if not training or self.run_.rounds is None:
            return batches
        # skorch makes its iterator once for all epochs, and rows differ by round.
        make = super().get_iterator
        return AnewEachEpoch(
            lambda: make(self.get_dataset(*self.run_.rounds.augmented), training=True)
        )
