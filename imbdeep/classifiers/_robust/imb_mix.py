"""Imb-Mix: adversarial training on mixtures of attacked rows."""

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch.distributions import Beta
from torch.nn.functional import one_hot

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._torch.draws import current_generator, drawing_for_fit
from imbdeep.attacks._supplementary import supplementary_rows
from imbdeep.batches._rebalanced_mixup import rebalanced_mixup
from imbdeep.batches._tensor_batches import join_rows, rows_of
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier
from imbdeep.metrics import under_represented

# Copies of a row at most, where their number is left to the data.
MOST_COPIES = 5


@shared_docs(SHARED)
class ImbMixClassifier(AdversarialNetClassifier):
    r"""Adversarial training on mixtures of attacked rows, Imb-Mix [1]_.

    - *Batches*: each row is moved within ``eps`` to where the net errs most,
      :math:`x'`. Rows of the rarer half of the classes give ``n_copies`` more,
      :math:`x + \alpha (x' - x) N(0, 1)`. Each of all these rows is then mixed with a
      permuted partner, :math:`\lambda_x x_i + (1 - \lambda_x) x_j`, and so are the
      labels, but where a rare class meets one that is ``kappa`` times as frequent the
      label is the rare one's alone (``rebalanced_mixup``). Only
      the mixtures are trained on.
    - *Objective*: cross-entropy of the soft labels.
    - *Schedule*: the learning rate drops at 80 % and at 90 % of the epochs; the net
      predicts with the mean of its weights since ``average_from``.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    n_copies : int, at least 0, or 'auto', default='auto'
        Further rows of each rare one, the paper's :math:`t`, which it leaves to the
        user. 'auto' takes 5, or fewer for a class that would otherwise outgrow the most
        frequent one and be taken for it by ``kappa``.
    copy_scale : float, at least 0, default=1.0
        The paper's :math:`\alpha`: how far the copies scatter, in units of the attack.
    mix : {'rebalanced', 'mixup', None}, default='rebalanced'
        'mixup' mixes labels as it mixes rows; None mixes nothing.
    alpha : float, greater than 0, default=1.0
        :math:`\lambda_x \sim Beta(` ``alpha`` :math:`,` ``alpha`` :math:`)`, drawn for
        each mixture, as in :class:`ReMixClassifier`; the paper's :math:`\gamma`.
    kappa : float, at least 1, default=3.0
        How many times as frequent as another a class must be to lose its label.
    tau : float in [0, 1], default=0.5
        How much of a row of the frequent class may be in a mixture that has the label
        of the rare class alone; 0 is 'mixup'.
    weight_averaging : {'swa', 'ema', None}, default='swa'
        Predict with an average of the weights, see
        :class:`~imbdeep.callbacks.WeightAveraging`.
    {average_from}
    **kwargs
        Further parameters of :class:`AdversarialClassifier`, such as ``eps``,
        ``eps_unit``, ``norm``, ``attack_steps``, ``perturb`` or ``box``, or of
        :class:`LDAMClassifier`, such as ``average_every``. Where ``reweight_from`` is
        less than 1, weights have the mean 1 over the rows and their copies, before
        these are mixed.

    Attributes
    ----------
    {eps_}
    {step_size_}
    box_ : tuple of ndarray (low, high) or None
    {feature_std_}
    n_copies_ : ndarray of shape (n_classes,), int
        Copies of each row of a class; more than 0 for rare classes only, see
        :func:`~imbdeep.metrics.under_represented`.
    augmented_counts_ : ndarray of shape (n_classes,)
        Rows of each class, copies included, that ``kappa`` refers to.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        What each epoch recorded. Training scores of callbacks are those of mixtures.

    See Also
    --------
    AdversarialClassifier : Without copies and mixtures.
    SRATClassifier : Keeps the features of the classes apart.
    imbdeep.attacks.robust_accuracy : What withstood an attack.

    Notes
    -----
    The paper's baselines are ``n_copies=0, mix='mixup', weight_averaging=None``,
    "mixup + adv.", and the same with ``mix='rebalanced'``, "remix + adv.".

    The copies keep within ``box`` and leave alone what the attack may not move, but may
    go beyond ``eps``, as the paper has it. A mixture of categories is none; encode them
    before, and know that the net is trained between them.

    NOTE[DIFF]: the paper does not say which classes are the minority; here they are the
    rarer half. Nor whether a copy has one factor N(0, 1) or one per feature; here it
    has one per feature. The attacked rows of the rare classes are trained on beside
    their copies. Copies keep within the box. Epochs and optimizer are those of
    :class:`AdversarialClassifier`.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Chapter 5, eq. (5.2)-(5.5), Algorithm 5.1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import ImbMixClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = ImbMixClassifier(eps=0.1, eps_unit="std", max_epochs=5, random_state=0)
    >>> net.fit(X, y).augmented_counts_
    array([91, 54])
    """

    _parameter_constraints = {
        **AdversarialNetClassifier._parameter_constraints,
        "n_copies": [WholeNumber(0), StrOptions({"auto"})],
        "copy_scale": [FiniteReal(0, None)],
        "mix": [StrOptions({"rebalanced", "mixup"}), None],
        "alpha": [FiniteReal(0, None, closed="neither")],
        "kappa": [FiniteReal(1, None)],
        "tau": [FiniteReal(0, 1)],
    }

    def __init__(
        self,
        module="mlp",
        *,
        n_copies="auto",
        copy_scale=1.0,
        mix="rebalanced",
        alpha=1.0,
        kappa=3.0,
        tau=0.5,
        weight_averaging="swa",
        average_from=0.75,
        **kwargs,
    ):
        super().__init__(
            module,
            weight_averaging=weight_averaging,
            average_from=average_from,
            **kwargs,
        )
        self.n_copies = n_copies
        self.copy_scale = copy_scale
        self.mix = mix
        self.alpha = alpha
        self.kappa = kappa
        self.tau = tau

    def _check_parameters(self):
        super()._check_parameters()
        balances = self.n_copies != 0 or self.mix == "rebalanced"
        if self.iterator_train in ("balanced", "smote") and balances:
            raise ValueError(
                f"{type(self).__name__} compares the sizes of classes, and "
                f"iterator_train={self.iterator_train!r} has made them alike. Use "
                "'shuffled', or n_copies=0 with mix='mixup' or None."
            )

    def _train(self, train, valid, method, epochs=None):
        counts = self.class_counts_
        copies = self.n_copies
        if copies == "auto":
            copies = np.minimum(MOST_COPIES, counts.max() // np.maximum(counts, 1) - 1)
        self.n_copies_ = copies * under_represented(counts)
        self.augmented_counts_ = counts * (1 + self.n_copies_)
        return super()._train(train, valid, method, epochs)

    def _class_shares(self, batches):
        shares = super()._class_shares(batches)
        if shares is None:
            return None
        augmented = shares * torch.as_tensor(1 + self.n_copies_)
        return augmented / augmented.sum()

    def training_rows(self, X, y):
        attacked, y = super().training_rows(X, y)
        return self._mix(*self._augment(X, attacked, y))

    def _augment(self, X, attacked, y):
        """The attacked rows, then copies of those of rare classes, eq. (5.2)."""
        n_copies = torch.as_tensor(self.n_copies_, device=y.device)[y]
        again = torch.arange(len(y), device=y.device).repeat_interleave(n_copies)
        copies = supplementary_rows(
            rows_of(X)[again],
            rows_of(attacked)[again],
            1,
            self.copy_scale,
            current_generator(y.device),
        )
        ball = self.run_.attack.keywords["ball"]
        weight = X["sample_weight"][again] if isinstance(X, dict) else None
        rows = join_rows(attacked, ball.into_box(copies), weight)
        return rows, torch.cat([y, y[again]])

    def _mix(self, X, y):
        """Mixtures of rows and labels, eq. (5.3) and (5.4)."""
        if self.mix is None:
            return X, y
        alpha = torch.tensor(float(self.alpha), device=y.device)
        partner = torch.randperm(
            len(y), device=y.device, generator=current_generator(y.device)
        )
        with drawing_for_fit():
            mixing = Beta(alpha, alpha).sample((len(y),))
        return rebalanced_mixup(
            X,
            one_hot(y, len(self.classes_)).float(),
            torch.as_tensor(self.augmented_counts_, device=y.device),
            partner=partner,
            mixing=mixing,
            kappa=self.kappa,
            tau=self.tau if self.mix == "rebalanced" else 0.0,
        )
