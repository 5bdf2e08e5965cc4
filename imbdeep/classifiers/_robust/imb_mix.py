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
from imbdeep.batches import BalancedBatches, SMOTEBatches
from imbdeep.batches._label_mass import shares_of_mixed_labels
from imbdeep.batches._rebalanced_mixup import label_moments, rebalanced_mixup
from imbdeep.batches._tensor_batches import join_rows, rows_of
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier
from imbdeep.metrics import under_represented

# Most copies of a row with n_copies='auto'.
MOST_COPIES = 5


@shared_docs(SHARED)
class ImbMixClassifier(AdversarialNetClassifier):
    r"""Adversarial training on mixtures of attacked rows, Imb-Mix [1]_.

    - *Batches*: an attack moves each row within ``eps`` to where the net errs most,
      :math:`x'`. Each row of the rarer half of the classes gives ``n_copies`` more,
      :math:`x + \alpha (x' - x) N(0, 1)`. All these rows are then mixed with a permuted
      partner, :math:`\lambda_x x_i + (1 - \lambda_x) x_j`, and so are the labels. If
      one class is ``kappa`` times as frequent as the other, the label is the rarer
      one's alone (``rebalanced_mixup``). The net trains on the mixtures only.
    - *Objective*: cross-entropy of the soft labels.
    - *Schedule*: the learning rate drops at 80 % and at 90 % of the epochs; the net
      predicts with the mean of its weights since ``average_from``.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    n_copies : int, at least 0, or 'auto', default='auto'
        Copies of each rare row, the paper's :math:`t`, which it leaves to the user.
        'auto' takes 5, or fewer for a class that would otherwise outgrow the most
        frequent one, which ``kappa`` would then treat as the rarer.
    copy_scale : float, at least 0, default=1.0
        The paper's :math:`\alpha`: the spread of the copies, in units of the attack.
    mix : {'rebalanced', 'mixup', None}, default='rebalanced'
        'mixup' mixes labels as it mixes rows; None mixes nothing.
    alpha : float, greater than 0, default=1.0
        :math:`\lambda_x \sim Beta(` ``alpha`` :math:`,` ``alpha`` :math:`)`, drawn for
        each mixture, as in :class:`ReMixClassifier`; the paper's :math:`\gamma`.
    kappa : float, at least 1, default=3.0
        A class must be this many times as frequent as another to lose its label to it.
    tau : float in [0, 1], default=0.5
        Largest weight of a row of the frequent class in a mixture with the label of the
        rare class alone; 0 is 'mixup'.
    weight_averaging : {'swa', 'ema', None}, default='swa'
        Predict with an average of the weights, see
        :class:`~imbdeep.callbacks.WeightAveraging`.
    {average_from}
    **kwargs
        Further parameters of :class:`AdversarialClassifier`, such as ``eps``,
        ``eps_unit``, ``norm``, ``attack_steps``, ``perturb`` or ``box``, or of
        :class:`LDAMClassifier`, such as ``average_every``. If ``reweight_from`` is less
        than 1, weights have mean 1 over the rows and their copies, before mixing.

    Attributes
    ----------
    {eps_}
    {step_size_}
    box_ : tuple of ndarray (low, high) or None
    {feature_std_}
    n_copies_ : ndarray of shape (n_classes,), int
        Copies per row of each class; more than 0 for rare classes only, see
        :func:`~imbdeep.metrics.under_represented`.
    augmented_counts_ : ndarray of shape (n_classes,)
        Number of rows per class, copies included, which ``kappa`` refers to.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch. Callbacks compute training scores on mixtures.

    See Also
    --------
    AdversarialClassifier : Without copies and mixtures.
    SRATClassifier : Keeps the features of the classes apart.
    imbdeep.attacks.robust_accuracy : Accuracy under attack.

    Notes
    -----
    The paper's baselines are ``n_copies=0, mix='mixup', weight_averaging=None``,
    "mixup + adv.", and the same with ``mix='rebalanced'``, "remix + adv.".

    With the defaults, labels are rebalanced only between classes whose sizes have a
    ratio of at least 18. Eq. (5.4) compares the sizes after copying: 'auto' makes a
    class up to six times as large, and ``kappa=3`` is left of a ratio of 18. Below it,
    the copies alone balance, and 'rebalanced' is 'mixup'; ``n_copies=0`` rebalances
    from a ratio of ``kappa`` on.

    The copies stay within ``box`` and differ only in features that the attack may move,
    but may go beyond ``eps``, as in the paper.

    NOTE[DIFF]: the paper has pixels. The attack leaves levels and missing numbers of a
    table as they are, and rows that have some are mixed as they are encoded, see
    :class:`ReMixClassifier`.

    NOTE[DIFF]: the paper does not say which classes are the minority; here they are the
    rarer half. Nor does it say whether a copy has one factor N(0, 1) or one per
    feature; here it has one per feature. The net trains on the attacked rows of the
    rare classes as well as on their copies. Copies stay within the box. Epochs and
    optimizer are those of :class:`AdversarialClassifier`.

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
        if self._training_iterator() in (BalancedBatches, SMOTEBatches) and balances:
            raise ValueError(
                f"{type(self).__name__} compares the sizes of classes, and "
                f"iterator_train={self.iterator_train!r} has made them alike. Use "
                "'shuffled', or n_copies=0 with mix='mixup' or None."
            )

    def _train(self, train, valid, method, epochs=None):
        counts = self.class_counts_
        copies = self.n_copies
        if copies == "auto":
            # A class that partial_fit has not seen yet has no rows to divide by.
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

    def _loss_shares(self, batches, class_weight):
        unmixed = super()._loss_shares(batches, class_weight)
        if self.mix is None:
            return unmixed
        shares = self._class_shares(batches)
        weight = torch.where(shares > 0, unmixed / shares, 0.0)
        moments = label_moments(
            torch.as_tensor(self.augmented_counts_),
            self.alpha,
            self.kappa,
            self.tau if self.mix == "rebalanced" else 0.0,
        )
        return shares_of_mixed_labels(shares, weight, *moments)

    def training_rows(self, X, y):
        attacked, y = super().training_rows(X, y)
        return self._mix(*self._augment(X, attacked, y))

    def _augment(self, X, attacked, y):
        """Append copies of the rare rows to the attacked ones, eq. (5.2)."""
        n_copies = torch.as_tensor(self.n_copies_, device=y.device)[y]
        again = torch.arange(len(y), device=y.device).repeat_interleave(n_copies)
        copies = supplementary_rows(
            rows_of(X)[again],
            rows_of(attacked)[again],
            1,
            self.copy_scale,
            current_generator(y.device),
        )
        weight = X["sample_weight"][again] if isinstance(X, dict) else None
        rows = join_rows(attacked, self.run_.ball.into_box(copies), weight)
        return rows, torch.cat([y, y[again]])

    def _mix(self, X, y):
        """Mix rows and labels, eq. (5.3) and (5.4)."""
        if self.mix is None:
            return X, y
        alpha = torch.tensor(float(self.alpha), device=y.device)
        partner = torch.randperm(
            len(y), device=y.device, generator=current_generator(y.device)
        )
        # Distributions of torch take no generator.
        with drawing_for_fit():
            mixing = Beta(alpha, alpha).sample((len(y),))
        return rebalanced_mixup(
            X,
            one_hot(y, len(self.classes_)).float(),
            torch.as_tensor(self.augmented_counts_, device=y.device),
            partner=partner,
            mixing=mixing,
            kappa=self.kappa,
            # With 0 no label is moved, which is plain MixUp.
            tau=self.tau if self.mix == "rebalanced" else 0.0,
            as_pairs=self.is_level_ is not None,
        )
