"""Shared adversarial training: against one shift of each heap of rows."""

import math
from functools import partial

import torch
from torch.nn.functional import one_hot

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._torch.draws import current_generator
from imbdeep.attacks._nets import net_logits
from imbdeep.attacks._shared import shared_pgd
from imbdeep.batches._tensor_batches import join_rows, rows_of
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier


def smoothed(values, amount):
    """Move a share of values, along their last axis, to their mean.

    Parameters
    ----------
    values : Tensor of shape (*, n_classes), floating point
        Labels, shares or weights of classes.
    amount : float in [0, 1]

    Returns
    -------
    Tensor of shape (*, n_classes)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._robust.shared import smoothed
    >>> smoothed(torch.tensor([1.0, 0.0]), 0.25)
    tensor([0.8750, 0.1250])
    """
    return torch.lerp(values, values.mean(-1, keepdim=True), amount)


@shared_docs(SHARED)
class SharedAdversarialClassifier(AdversarialNetClassifier):
    r"""Net trained on heaps of rows that share a shift, and on clean rows [1]_.

    - *Batches*: a batch is split into heaps of ``heap_size`` rows, and projected
      gradient ascent moves the rows of a heap by the same shift :math:`\xi`, within
      ``eps``, to where the sum of their truncated losses, :math:`\min(-\log p_y,
      \kappa)`, is greatest.
    - *Objective*: :math:`\sigma L(f(x + \xi), y) + (1 - \sigma) L(f(x), y)`:
      cross-entropy, the focal loss or the LDAM loss of moved and of clean rows.
    - *Schedule*: that of :class:`AdversarialClassifier`, without weights by default.

    Between :class:`AdversarialClassifier`, heaps of one row, and a universal
    perturbation, a heap of all. Small heaps withstand more attacks, and large ones cost
    less accuracy on clean rows.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    heap_size : int, at least 1, default=8
        Most rows that share a shift; the paper tries 1, 8 and 64. If a batch is no
        multiple of it, some heaps have a row less.
    sigma : float in [0, 1], default=0.5
        Weight of moved rows in the loss; the paper tries 0.3 to 0.9. 0 trains on clean
        rows only, 1 on moved ones only.
    kappa : float, greater than 0, or None, default=1.609
        Bound of the loss of a row that a shift climbs, the paper's :math:`-\log 0.2`: a
        row whose label has less than a fifth of the probability counts no more, so that
        the shift turns to the others of its heap. None sets no bound.
    label_smoothing : float in [0, 1), default=0.0
        Share of each label that is spread evenly over all classes.
    {shift_eps}
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or its Euclidean length.
    attack_steps : int, at least 1, default=4
        Steps of the attack. Each costs about as much as a plain training step.
    step_size : float, array-like, mapping, Series or None, default=None
        Step length of the attack, given like ``eps``. None takes ``0.5 * eps``, as the
        paper does.
    random_start : bool, default=True
        Whether a shift begins at a random point of the ball rather than at 0.
    {movable}
    {attack_kwargs}

    Attributes
    ----------
    {eps_}
    {step_size_}
    box_ : tuple of ndarray (low, high) or None
    {feature_std_}
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch. Validation rows, if there are any, are neither attacked
        nor are their labels smoothed. Callbacks see the predictions of moved rows.

    See Also
    --------
    UniversalAdversarialClassifier : One shift for all rows.
    AdversarialClassifier : A shift for each row.
    imbdeep.attacks.universal_perturbation : Learns a shift against a fitted net.

    Notes
    -----
    Moved and clean rows pass through the net together, so that batch norm sees both. A
    step costs about ``attack_steps + 2`` plain ones.

    Heaps take the rows of a batch in turn, and so hold several classes, even of a
    balanced batch.

    With ``heap_size=1``, ``sigma=1`` and ``kappa=None`` it is
    :class:`AdversarialClassifier`, as long as no ``box`` is met: there a shared shift
    has no gradient.

    NOTE[DIFF]: the paper has pixels. Levels and missing numbers of a table stay as they
    are. Epochs and optimizer are those of :class:`AdversarialClassifier`.

    References
    ----------
    .. [1] C. K. Mummadi, T. Brox, J. H. Metzen. "Defending against universal
       perturbations with shared adversarial training". ICCV 2019.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import SharedAdversarialClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = SharedAdversarialClassifier(
    ...     eps=0.2, eps_unit="std", max_epochs=5, random_state=0
    ... )
    >>> net.fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    _parameter_constraints = {
        **AdversarialNetClassifier._parameter_constraints,
        "heap_size": [WholeNumber(1)],
        "sigma": [FiniteReal(0, 1)],
        "kappa": [FiniteReal(0, None, closed="neither"), None],
        "label_smoothing": [FiniteReal(0, 1, closed="left")],
    }

    def __init__(
        self,
        module="mlp",
        *,
        heap_size=8,
        sigma=0.5,
        kappa=1.609,
        label_smoothing=0.0,
        eps=None,
        eps_unit="input",
        norm="linf",
        attack_steps=4,
        step_size=None,
        random_start=True,
        perturb=None,
        box=None,
        **kwargs,
    ):
        super().__init__(
            module,
            eps=eps,
            eps_unit=eps_unit,
            norm=norm,
            attack_steps=attack_steps,
            step_size=step_size,
            random_start=random_start,
            perturb=perturb,
            box=box,
            **kwargs,
        )
        self.heap_size = heap_size
        self.sigma = sigma
        self.kappa = kappa
        self.label_smoothing = label_smoothing

    def default_step(self, radius):
        return 0.5 * radius

    def begin_attack(self):
        self.run_.attack = partial(
            shared_pgd,
            partial(net_logits, self),
            ball=self.run_.ball,
            heap_size=self.heap_size,
            attack_steps=self.attack_steps,
            step_size=torch.as_tensor(self.step_size_, **self.like_rows()),
            kappa=math.inf if self.kappa is None else self.kappa,
            random_start=self.random_start,
            generator=current_generator(self.device or "cpu"),
        )

    def _loss_shares(self, batches, class_weight):
        # The weight of a row is that of its soft label.
        weight = smoothed(class_weight.double(), self.label_smoothing)
        shares = super()._loss_shares(batches, weight)
        return smoothed(shares, self.label_smoothing)

    # --- A step ----------------------------------------------------------------------

    def _has_both(self):
        """Whether a step trains on moved rows and on clean ones."""
        return 0 < self.sigma < 1 and not self.run_.ball.is_point

    def training_rows(self, X, y):
        if self.sigma == 0:
            return X, y
        moved, _ = super().training_rows(X, y)
        if not self._has_both():
            return moved, y
        weight = X["sample_weight"] if isinstance(X, dict) else None
        clean = rows_of(self.inside_box(X))
        return join_rows(moved, clean, weight), torch.cat([y, y])

    def training_loss(self, X, y, fit_params):
        if self.label_smoothing:
            labels = one_hot(y, len(self.classes_)).float()
            y = smoothed(labels, self.label_smoothing)
        if not self._has_both():
            return super().training_loss(X, y, fit_params)
        y_pred = self.infer(X, **fit_params)
        n_rows = len(y) // 2
        moved, clean = (
            self.get_loss(y_pred[half], y[half], X=_part(X, half), training=True)
            for half in (slice(n_rows), slice(n_rows, None))
        )
        return y_pred, self.sigma * moved + (1 - self.sigma) * clean


def _part(X, rows):
    return {k: x[rows] for k, x in X.items()} if isinstance(X, dict) else X[rows]
