"""Universal adversarial training: against one shift of all rows."""

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from skorch.dataset import unpack_data

from imbdeep._arguments import FiniteReal
from imbdeep._docs import shared_docs
from imbdeep.attacks._pgd import gradient_of, raise_no_gradient
from imbdeep.batches._tensor_batches import rows_of, with_rows
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.threat import ThreatNetClassifier, ThreatRun


class UniversalRun(ThreatRun):
    """State of a fit on rows that one shift has moved.

    Attributes
    ----------
    shift, step : Tensor of the shape of a row
    """

    shift = step = None


@shared_docs(SHARED)
class UniversalAdversarialClassifier(ThreatNetClassifier):
    """Net trained on rows that are all moved by the same shift, against it [1]_.

    - *Batches*: each row is moved by one shift :math:`\\delta`, which lasts over
      batches and epochs: :math:`x + \\delta`.
    - *Objective*: cross-entropy, the focal loss or the LDAM loss :math:`L` of the moved
      rows. After each step the shift climbs the loss of the same batch, :math:`\\delta
      \\leftarrow \\Pi_\\epsilon(\\delta + s \\, \\mathrm{sign} \\nabla_\\delta L)`.
    - *Schedule*: that of :class:`AdversarialClassifier`, without weights by default.

    Against :func:`~imbdeep.attacks.universal_perturbation`, which an attacker can learn
    without seeing the rows to come, it costs one or two plain steps instead of the ten
    of :class:`AdversarialClassifier`.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    method : {'alternating', 'simultaneous'}, default='alternating'
        Whether the shift is updated by a gradient of its own, at the new weights, or by
        the backward pass of the step of the weights, at the old ones. A step of
        'alternating' costs as much as two plain ones, of 'simultaneous' as one.
    {shift_eps}
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or its Euclidean length. For
        'l2' the shift climbs by the unit vector of the gradient.
    step_size : float, array-like, mapping, Series or None, default=None
        Step length :math:`s` of the shift, given like ``eps``. None takes ``eps``
        itself, as the paper does; with 'linf' most features are then shifted by
        -``eps``, 0 or ``eps``. Smaller steps let the shift settle.
    {movable}
    {attack_kwargs}

    Attributes
    ----------
    universal_perturbation_ : ndarray of the shape of a row
        The shift after the last step, in the unit of X. ``partial_fit`` goes on with
        it.
    {eps_}
    step_size_ : ndarray of the shape of a row
        Step length of the shift, likewise.
    box_ : tuple of ndarray (low, high) or None
    {feature_std_}
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    {history_}

    See Also
    --------
    SharedAdversarialClassifier : A shift for each heap of rows.
    AdversarialClassifier : A shift for each row.
    imbdeep.attacks.universal_perturbation : Learns a shift against a fitted net.

    Notes
    -----
    A shift of all rows is less than what each row can suffer on its own: the net
    withstands :func:`~imbdeep.attacks.universal_perturbation`, and hardly
    :func:`~imbdeep.attacks.pgd`.

    With 'alternating' the shift sees the net as it predicts: without dropout, and with
    the running statistics of batch norm. With 'simultaneous' it sees the net as it
    trains.

    ``universal_perturbation_`` was the worst shift for the net of one batch before. Do
    not evaluate a net by it; learn one with
    :func:`~imbdeep.attacks.universal_perturbation`. If early stopping goes back to an
    earlier epoch, the shift remains that of the last.

    NOTE[DIFF]: the paper has pixels and no classes that are rare. Levels and missing
    numbers of a table stay as they are, and the loss that the shift climbs has the
    weights of the one that the net descends. Epochs and optimizer are those of
    :class:`AdversarialClassifier`.

    References
    ----------
    .. [1] A. Shafahi, M. Najibi, Z. Xu, J. Dickerson, L. S. Davis, T. Goldstein.
       "Universal adversarial training". AAAI 2020. Algorithms 2 and 3.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import UniversalAdversarialClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = UniversalAdversarialClassifier(
    ...     eps=0.2, eps_unit="std", max_epochs=5, random_state=0
    ... ).fit(X, y)
    >>> net.universal_perturbation_.shape
    (20,)
    """

    _run_class = UniversalRun
    _parameter_constraints = {
        **ThreatNetClassifier._parameter_constraints,
        "method": [StrOptions({"alternating", "simultaneous"})],
        "norm": [StrOptions({"linf", "l2"})],
        "step_size": [FiniteReal(0, None), "array-like", None],
    }

    def __init__(
        self,
        module="mlp",
        *,
        method="alternating",
        eps=None,
        eps_unit="input",
        norm="linf",
        step_size=None,
        perturb=None,
        box=None,
        **kwargs,
    ):
        super().__init__(
            module, eps=eps, eps_unit=eps_unit, perturb=perturb, box=box, **kwargs
        )
        self.method = method
        self.norm = norm
        self.step_size = step_size

    def _learn_from_columns(self, X):
        super()._learn_from_columns(X)
        self.universal_perturbation_ = np.zeros(X.shape[1:], self.rows_dtype_)

    def default_step(self, radius):
        return radius

    def begin_attack(self):
        like_rows = self.like_rows()
        self.run_.step = torch.as_tensor(self.step_size_, **like_rows)
        # A copy: the run changes it, and a fit that fails must not.
        self._set_shift(torch.tensor(self.universal_perturbation_, **like_rows))

    def _train(self, train, valid, method, epochs=None):
        super()._train(train, valid, method, epochs)
        self.universal_perturbation_ = self.run_.shift.detach().cpu().numpy()
        return self

    def _set_shift(self, shift):
        """Keep a shift, projected to the ball of this fit."""
        free = self.run_.ball.without_box()
        (shift,) = free.project(shift[None], torch.zeros_like(shift[None]))
        self.run_.shift = shift.requires_grad_(self.method == "simultaneous")

    # --- A step ----------------------------------------------------------------------

    def training_rows(self, X, y):
        X = self.inside_box(X)
        if self.run_.ball.is_point:
            return X, y
        # Some optimizers pass backwards more than once in a step.
        self.run_.shift.grad = None
        return with_rows(X, self.run_.ball.add(rows_of(X), self.run_.shift)), y

    def train_step(self, batch, **fit_params):
        step = super().train_step(batch, **fit_params)
        if self.run_.ball.is_point:
            return step
        if self.method == "simultaneous":
            gradient = self.run_.shift.grad
            if gradient is None:
                raise_no_gradient()
        else:
            gradient = self._gradient(*self.on_device(*unpack_data(batch)))
        shift = self.run_.shift.detach()
        self._set_shift(self.run_.ball.ascend(shift, gradient, self.run_.step))
        return step

    def _gradient(self, X, y):
        """Gradient of the loss with respect to the shift, at the new weights."""
        self._set_training(False)
        shift = self.run_.shift.requires_grad_()
        X = self.inside_box(X)
        X = with_rows(X, self.run_.ball.add(rows_of(X), shift))
        return gradient_of(self.get_loss(self.infer(X), y, X=X, training=True), shift)
