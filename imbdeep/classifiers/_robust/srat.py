"""SRAT: adversarial training with deferred weights and separated features."""

from numbers import Real

import torch
from skorch.callbacks import PassthroughScoring
from skorch.dataset import unpack_data
from skorch.utils import to_tensor
from torch.utils.data import Subset

from imbdeep._arguments import FiniteReal
from imbdeep._docs import shared_docs
from imbdeep.attacks._nets import evaluation_mode
from imbdeep.batches._tensor_batches import rows_of
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier
from imbdeep.losses import feature_separation
from imbdeep.losses._reduction import reduce_losses
from imbdeep.modules._penultimate import find_head, head_inputs, penultimate


@shared_docs(SHARED)
class SRATClassifier(AdversarialNetClassifier):
    r"""Separable re-weighted adversarial training [1]_.

    - *Batches*: an attack moves each row within ``eps`` to where the net errs most.
    - *Objective*: :math:`w_y L(f(x'), y) + \lambda L_{sep}(x')`: cross-entropy, the
      focal loss or the LDAM loss of the moved rows, plus the feature separation loss
      (:func:`~imbdeep.losses.feature_separation`) of the inputs of the last layer.
    - *Schedule*: all classes have weight 1 until ``reweight_from``, then weights by
      their effective number of samples; the learning rate drops at 80 % and at 90 % of
      the epochs.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    module : {'mlp', 'conv', 'squeezenet', ...} or nn.Module, default='mlp'
        A name of :class:`NetClassifier`, or your own module, which must name its last
        layer ``head``, unless ``separation`` is 0.
    criterion : {'ldam', 'focal', 'cross_entropy'} or nn.Module class, default='ldam'
        The paper's SRAT-LDAM, SRAT-Focal and SRAT-CE.
    separation : float, at least 0, default=0.1
        Weight :math:`\lambda` of the feature separation loss. With 0 the net is an
        :class:`AdversarialClassifier`. The paper does not give its value. Of 0.1, 0.3
        and 1, small nets learned digits best with 0.1; with 1 and cross-entropy they
        hardly learned them at all. The LDAM loss has a larger scale and tolerates more.
    temperature : float, greater than 0, default=0.1
        Temperature of the feature separation loss. Small values consider only the
        nearest rows.
    reweight_from : float in [0, 1], default=0.8
        Fraction of ``max_epochs`` trained without weights.
    **kwargs
        Further parameters of :class:`AdversarialClassifier`, such as ``eps``,
        ``eps_unit``, ``norm``, ``attack_steps``, ``perturb`` or ``box``.

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
        Records of each epoch, such as ``separation_loss`` and ``no_positive``: the
        number of rows that were the only ones of their class in their batch, with
        nothing to pull them towards.

    See Also
    --------
    AdversarialClassifier : Without the feature separation loss.
    ImbMixClassifier : Mixes attacked rows.
    imbdeep.attacks.robust_accuracy : Accuracy under attack.

    Notes
    -----
    Both losses are divided by the number of rows, eq. (4.13), unless
    ``weight_reduction='weights'``. Weights have mean 1 over the rows, so that
    :math:`\lambda` means the same before and after they set in
    (``weight_normalization``).

    NOTE[DIFF]: features are normalised before the separation loss, and the paper gives
    no temperature. Epochs, optimizer and the scale of the weights are those of
    :class:`AdversarialClassifier`.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Chapter 4, eq. (4.11)-(4.13), Algorithm 4.1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import SRATClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = SRATClassifier(eps=0.1, eps_unit="std", max_epochs=5, random_state=0)
    >>> net.fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    _parameter_constraints = {
        **AdversarialNetClassifier._parameter_constraints,
        "separation": [FiniteReal(0, None)],
        "temperature": [FiniteReal(0, None, closed="neither")],
    }

    def __init__(
        self,
        module="mlp",
        *,
        criterion="ldam",
        separation=0.1,
        temperature=0.1,
        reweight_from=0.8,
        **kwargs,
    ):
        super().__init__(
            module, criterion=criterion, reweight_from=reweight_from, **kwargs
        )
        self.separation = separation
        self.temperature = temperature

    def _check_parameters(self):
        super()._check_parameters()
        if self.compile and self.separation:
            raise ValueError(
                f"{type(self).__name__} looks at the features inside the module, and a "
                f"compiled module does not show them: got compile={self.compile!r}. "
                "Use compile=False, or separation=0."
            )

    @property
    def _default_callbacks(self):
        callbacks = super()._default_callbacks
        # get_params lists the callbacks before fit has checked this parameter.
        if isinstance(self.separation, Real) and self.separation > 0:
            scoring = PassthroughScoring("separation_loss", on_train=True)
            callbacks.append(("separation_loss", scoring))
        return callbacks

    def initialize_module(self):
        super().initialize_module()
        if self.separation:
            find_head(self.module_)
        return self

    def _train(self, train, valid, method, epochs=None):
        if self.separation:
            # Refuses a module that has a head but does not use it.
            few = Subset(train, range(min(2, len(train))))
            X, _ = unpack_data(next(iter(self.get_iterator(few))))
            few = to_tensor(rows_of(X), device=self.device)
            with evaluation_mode(self.module_), torch.no_grad():
                penultimate(self.module_, few)
        return super()._train(train, valid, method, epochs)

    def training_loss(self, X, y, fit_params):
        if not self.separation:
            return super().training_loss(X, y, fit_params)
        with head_inputs(self.module_) as features:
            y_pred, loss = super().training_loss(X, y, fit_params)
        losses, no_positive = feature_separation(features[-1], y, self.temperature)
        weight = X["sample_weight"] if isinstance(X, dict) else None
        separation = reduce_losses(
            losses, weight, weight_reduction=self.weight_reduction
        )
        self.history.record_batch("separation_loss", separation.item())
        self.history.record_batch("no_positive", int(no_positive.sum()))
        return y_pred, loss + self.separation * separation

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        if self.separation:
            batches = self.history[-1, "batches"]
            # Batches of validation have no such entry.
            lonely = [batch.get("no_positive", 0) for batch in batches]
            self.history.record("no_positive", sum(lonely))
