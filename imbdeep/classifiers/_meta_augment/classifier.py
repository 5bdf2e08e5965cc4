"""Meta-augmentation: a net and its synthetic rows, trained together."""

import numpy as np
import torch
from sklearn.utils._param_validation import HasMethods, StrOptions
from skorch.utils import to_numpy
from torch.func import functional_call
from torch.nn.functional import one_hot

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._nets.parameters_in_use import refuse_changes
from imbdeep.base import BaseNetClassifier
from imbdeep.batches import TensorBatches
from imbdeep.batches._tensor_batches import join_rows, rows_of
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._meta_augment.moving import (
    MetaAugmentRun,
    MovesRows,
    rows_to_make,
)
from imbdeep.classifiers._meta_augment.step import bilevel_step


def _no_rows(X):
    """An empty batch like ``X``, which may be a dict with weights."""
    return {name: x[:0] for name, x in X.items()} if isinstance(X, dict) else X[:0]


@shared_docs(SHARED)
class MetaAugmentClassifier(MovesRows, BaseNetClassifier):
    r"""Net trained together with synthetic rows that validation rows move [1]_.

    The net first trains on the training part. Then the rows of rare classes that it is
    uncertain about are duplicated, and each step of Algorithm 1

    - trains on a mini-batch of training rows :math:`X_1` and one of synthetic rows
      :math:`X_s`: :math:`\theta' = \theta - \eta_1 \nabla_\theta L(X_1 \cup X_s;
      \theta)`;
    - moves the synthetic rows to where that step would have been better for a
      mini-batch :math:`X_2` of the validation part: :math:`X_s \leftarrow X_s - \eta_2
      \nabla_{X_s} L(X_2; \theta')`;
    - continues from :math:`\theta'`.

    The net and its synthetic rows are those of the epoch with synthetic rows that has
    the best average precision on the validation part; or of the last epoch, if the
    validation part has fewer than five rows of a class.

    Read more in the :ref:`User Guide <meta_augment>`.

    Parameters
    ----------
    module : {'mlp', 'nca', 'conv'} or nn.Module, default='mlp'
        A name, a class or an instance: any module that changes no buffer in a forward
        pass, as batch norm would.
    sampling_strategy : 'duplicate', float, str, dict or callable, default='duplicate'
        Number of synthetic rows. 'duplicate', the paper's, takes each uncertain row of
        every class but the largest once. Otherwise as many as imbalanced-learn's
        over-samplers would make from the training part: 'auto' or 'not majority'
        balances the classes; or 'minority', 'all', a float, a dict or a callable.
        Uncertain rows are then repeated before they move.
    confidence : float in [0, 1], default=1.0
        Rows are uncertain if, after pre-training, the net gives their class at most
        this probability. 1 takes all rows, as the paper advises for small data.
    inner_lr : float, greater than 0, default=0.01
        Learning rate :math:`\eta_1` of the net's plain gradient steps, after
        pre-training.
    synth_lr : float, at least 0, default=10.0
        Learning rate :math:`\eta_2` of the synthetic rows. 0 leaves them duplicates:
        random over-sampling.
    synth_unit : {'range', 'std', 'input'}, default='range'
        Unit of ``synth_lr``: features divided by their range in the training part, as
        the paper's min-max scaling does beforehand; by their standard deviation; or as
        they are.
    inner_steps : int, at least 1, default=1
        Steps on the same mini-batches before the validation rows are consulted.
    inner_rows : {'both', 'synthetic'}, default='both'
        What these steps train on. 'both' is Algorithm 1, :math:`X_1 \cup X_s`.
        'synthetic' is eq. (1): :math:`\theta' = \theta - \eta_1 \nabla_\theta L(X_s;
        \theta)`. The net then sees the training rows in pre-training only.
    clip : bool, default=True
        Whether synthetic rows stay within the range of each feature.
    pretrain_epochs : int, at least 0, default=200
        Maximum number of epochs on the training part alone, with ``optimizer`` and
        ``lr``.
    max_epochs : int, at least 1, default=200
        Maximum number of epochs with synthetic rows. ``early_stopping`` and
        ``patience`` apply to both stages.
    store_synth_history : bool, default=False
        Whether to keep the rows of each epoch in ``synth_history_``.
    **kwargs
        Further parameters of :class:`~imbdeep.base.BaseNetClassifier`, such as
        ``lr`` or ``random_state``. ``iterator_train`` yields :math:`X_1`. Either
        ``train_split`` yields validation rows of each class, or ``fit`` gets an
        ``eval_set``. ``compile`` must stay off: compiled modules have no second
        derivatives.

    Attributes
    ----------
    X_synth_ : ndarray of shape (n_synthetic, n_features)
        The synthetic rows of the best epoch; float32, or float64 if ``fit`` uses its
        rows as float64.
    y_synth_ : ndarray of shape (n_synthetic,)
        Labels of the synthetic rows.
    synth_parents_ : ndarray of shape (n_synthetic,), int
        Positions of the rows that they began as, in the ``X`` of the call that made
        them.
    synth_history_ : ndarray of shape (n_epochs + 1, n_synthetic, n_features)
        Synthetic rows at the beginning and after each epoch, if
        ``store_synth_history``.
    {classes_}
    class_counts_ : ndarray of shape (n_classes,)
        Number of rows per class in ``fit``, validation rows included.
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch, such as ``n_synthetic``, the number of synthetic rows (0
        in pre-training), and ``synth_shift``, their mean distance from where they were
        when the call began, in units of ``synth_unit``.

    See Also
    --------
    imbdeep.over_sampling.MetaAugment : The same rows for any classifier.
    NetClassifier : The plain net.

    Notes
    -----
    The paper states its inner step twice: on training and synthetic rows together in
    Algorithm 1, on the synthetic rows alone in eq. (1). Those are all of rare classes,
    so with ``inner_rows='synthetic'`` only the moves of the rows keep the net from
    predicting rare classes everywhere.

    Duplicates inflate the probabilities of rare classes. Moving the rows reverses that
    in part, since the validation rows are as imbalanced as the data.

    With few validation rows of a rare class, the epoch with the best average precision
    is a matter of chance, and often one of the first, when the rows have hardly moved.
    So with fewer than five, both stages train all their epochs; see ``early_stopping``
    of :class:`~imbdeep.base.BaseNetClassifier`. If it happens with more, pass
    ``early_stopping=False``: compare ``X_synth_`` with the rows of ``synth_parents_``.

    ``augment`` changes the rows of :math:`X_1`, neither synthetic nor validation rows.

    Dropout stays on in the training step: the gradient is that of the step with the
    units that it left out. The validation rows pass without dropout.

    A ``fit`` with ``warm_start``, and ``partial_fit`` after the first call, continue
    with the existing synthetic rows. Each call splits its rows anew, so it needs rows
    of each class on both sides, or an ``eval_set``.

    Steps with synthetic rows use neither ``optimizer`` nor callbacks that act on it,
    such as learning-rate schedules or gradient clipping. Parameters of the criterion
    stay as they are. The module must return one tensor of logits. Callbacks see two
    trainings, and those that count in ``max_epochs`` refer to the second.
    ``save_params`` and ``Checkpoint`` save the net without its synthetic rows; a pickle
    holds both.

    NOTE[DIFF]: the paper moves numbers; levels and missing numbers stay those of the
    row that a synthetic one began as.

    NOTE[DIFF]: synthetic rows stay in the box of the training rows (``clip=False`` is
    the paper's), and ``synth_unit`` makes its min-max scaling unnecessary; more than
    two classes are the paper's future work. The paper trains 200 epochs; here early
    stopping can end either stage, as with the other classifiers.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import MetaAugmentClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = MetaAugmentClassifier(
    ...     pretrain_epochs=10, max_epochs=5, random_state=0
    ... ).fit(X, y)
    >>> net.X_synth_.shape
    (7, 20)
    """

    _trains_one_net = True
    # Rows are moved.
    _keeps_images = False
    _hides_prior = (
        "whose synthetic rows add to rare classes and are moved by validation rows, "
        "which have the shares of the data"
    )
    _run_class = MetaAugmentRun
    _parameter_constraints = {
        **BaseNetClassifier._parameter_constraints,
        "sampling_strategy": [
            FiniteReal(0, 1, closed="right"),
            StrOptions(
                {"duplicate", "auto", "minority", "not minority", "not majority", "all"}
            ),
            HasMethods("items"),
            callable,
        ],
        "confidence": [FiniteReal(0, 1)],
        "inner_lr": [FiniteReal(0, None, closed="neither")],
        "synth_lr": [FiniteReal(0, None)],
        "synth_unit": [StrOptions({"range", "std", "input"})],
        "inner_steps": [WholeNumber(1)],
        "inner_rows": [StrOptions({"both", "synthetic"})],
        "clip": ["boolean"],
        "pretrain_epochs": [WholeNumber(0)],
        "store_synth_history": ["boolean"],
    }

    def __init__(
        self,
        module="mlp",
        *,
        sampling_strategy="duplicate",
        confidence=1.0,
        inner_lr=0.01,
        synth_lr=10.0,
        synth_unit="range",
        inner_steps=1,
        inner_rows="both",
        clip=True,
        pretrain_epochs=200,
        max_epochs=200,
        store_synth_history=False,
        **kwargs,
    ):
        super().__init__(module, max_epochs=max_epochs, **kwargs)
        self.sampling_strategy = sampling_strategy
        self.confidence = confidence
        self.inner_lr = inner_lr
        self.synth_lr = synth_lr
        self.synth_unit = synth_unit
        self.inner_steps = inner_steps
        self.inner_rows = inner_rows
        self.clip = clip
        self.pretrain_epochs = pretrain_epochs
        self.store_synth_history = store_synth_history

    _read_once = BaseNetClassifier._read_once | {
        "sampling_strategy": "which decides how many synthetic rows there are",
        "confidence": "which decides what synthetic rows there are",
        "pretrain_epochs": "which come before there are synthetic rows",
    }

    def _changed_parameters(self):
        changes = super()._changed_parameters()
        if self.X_synth_ is not None and len(self.X_synth_):
            refuse_changes(
                changes.get("optimizer", {}),
                "which the steps with synthetic rows, at inner_lr, do not use",
            )
        return changes

    def _check_parameters(self):
        super()._check_parameters()
        if self.compile:
            raise ValueError(
                f"{type(self).__name__} differentiates through its training steps, and "
                f"compiled modules have no second derivatives: got compile="
                f"{self.compile!r}. Use compile=False."
            )

    def initialize(self):
        self.X_synth_ = None
        return super().initialize()

    # --- Algorithm 1 -----------------------------------------------------------------

    def _train(self, train, valid, method):
        self._check_valid(valid)
        rows, held_out = TensorBatches(train), TensorBatches(valid)
        self._check_parts(training=rows, validation=held_out)
        self._check_module(rows)
        positions = np.asarray(getattr(train, "indices", np.arange(len(train))))
        # One copy of each part, shared by both stages: a Subset would make another
        # in each.
        train, valid = self._in_memory(rows), self._in_memory(held_out)
        begins, parents = self.X_synth_ is None, None
        if begins:
            labels = self.classes_inferred_
            wanted = rows_to_make(to_numpy(rows.y), self.sampling_strategy, labels)
            interrupted = False
            if self.pretrain_epochs:
                super()._train(train, valid, method, self.pretrain_epochs)
                interrupted = self._was_interrupted(self.pretrain_epochs)
            parents = self._duplicate(rows, wanted, positions)
            if interrupted:
                return self
        if len(self.X_synth_):
            with self._moving_rows(rows, valid, parents):
                super()._train(train, valid, method)
        elif not (begins and self.pretrain_epochs):
            super()._train(train, valid, method)
        return self

    def train_step(self, batch, **fit_params):
        moving = self.run_.moving
        if moving is None:
            return super().train_step(batch, **fit_params)
        X1, y1 = self._on_device(batch)
        X2, y2 = self._on_device(next(moving.valid_batches))
        synthetic, ys = self._on_device(next(moving.batches))
        index = synthetic["index"]
        if y1.ndim > ys.ndim:  # soft labels
            ys = one_hot(ys, y1.shape[-1]).to(y1.dtype)
        # autograd.grad refuses frozen ones; functional_call takes them from the module.
        parameters = {
            name: value
            for name, value in self.module_.named_parameters()
            if value.requires_grad
        }
        X_inner, y_inner = X1, y1
        outputs = []
        if self.inner_rows == "synthetic":
            X_inner, y_inner = _no_rows(X1), y1[:0]
            # For callbacks, which compare predictions with the labels of the batch.
            self._set_training(True)
            with torch.no_grad():
                outputs.append(self._call_with(parameters, X1))
        target = torch.cat([y_inner, ys])

        def inner_loss(parameters, rows):
            self._set_training(True)
            X = join_rows(X_inner, rows, synthetic["weight"])
            outputs.append(self._call_with(parameters, X))
            return self.get_loss(outputs[-1], target, X=X, training=True)

        def outer_loss(parameters):
            self._set_training(False)
            return self.get_loss(self._call_with(parameters, X2), y2, X=X2)

        step = bilevel_step(
            inner_loss,
            outer_loss,
            parameters,
            moving.synthetic.rows[index],
            inner_lr=self.inner_lr,
            inner_steps=self.inner_steps,
        )
        moving.synthetic.move(index, step.gradient, self.synth_lr)
        # In place: the optimizer and callbacks hold these very tensors.
        with torch.no_grad():
            for name, value in parameters.items():
                value.copy_(step.parameters[name])
        return {"loss": step.inner_loss, "y_pred": outputs[0][: len(y1)].detach()}

    def _call_with(self, parameters, X):
        # Not clipped to the training range, which rows without a box may leave.
        return functional_call(self.module_, parameters, (rows_of(X),))
