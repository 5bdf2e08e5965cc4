"""LDAM-DRW: margins that grow with rarity, and re-weighting deferred."""

from numbers import Real

from sklearn.utils._param_validation import Interval, StrOptions

from imbdeep.base import ImbalancedNetClassifier, accepts
from imbdeep.callbacks import (
    DeferredReweighting,
    LRDrops,
    TriangularLR,
    WeightAveraging,
)
from imbdeep.losses import LOSSES

_LR_SCHEDULES = {"step": LRDrops, "triangular": TriangularLR}


class LDAMClassifier(ImbalancedNetClassifier):
    r"""Net with label-distribution-aware margins and deferred re-weighting [1]_.

    - *Objective*: the LDAM loss, cross-entropy of :math:`s (z - m_y e_y)` with margins
      :math:`m_j = m_{max} (n_{min} / n_j)^{1/4}`, on the cosines of a cosine head.
    - *Schedule*: all classes weigh 1 until ``reweight_from``, then by their effective
      number of samples; the learning rate drops at 80 % and at 90 % of the epochs.
    - *Batches*: shuffled, or balanced with ``iterator_train='balanced'``.

    The recipe of [2]_ for extreme imbalance is ``LDAMClassifier(
    iterator_train='balanced', lr_schedule='triangular', weight_averaging='swa')``.
    With ``criterion='focal'`` or ``'cross_entropy'`` the schedule makes DRW focal loss
    and DRW cross-entropy.

    Read more in the :ref:`User Guide <ldam>`.

    Parameters
    ----------
    module : {'mlp'} or nn.Module class or instance, default='mlp'
        The MLP gets a cosine head for the LDAM loss, unless ``module__head`` says
        otherwise. A module of your own should give cosines, or be used with
        ``scale=1``.
    criterion : {'ldam', 'focal', 'cross_entropy'} or nn.Module class, default='ldam'
    max_margin : float, at least 0, default=0.5
        Margin of the rarest class, in units of a logit before scaling; for 'ldam'. 0 is
        cross-entropy of scaled cosines.
    scale : float, greater than 0, default=30
        What the logits are multiplied with, in the loss and before the softmax of
        ``predict_proba``; for 'ldam'. Use 1 with ``module__head='linear'``.
    gamma : float, at least 0, default=2
        How much the focal loss discounts rows that are already right; for 'focal'.
    beta : float in [0, 1), default=0.9999
        See :func:`~imbdeep.losses.class_balanced_weights`.
    reweight_from : float in [0, 1], default=0.8
        Fraction of ``max_epochs`` trained without weights; 0 weighs from the start
        (class-balanced loss), 1 never does.
    lr_schedule : {'step', 'triangular', None}, default='step'
        'step' multiplies the learning rate by 0.01 at 80 % and again at 90 % of
        ``max_epochs``, epochs 160 and 180 of the paper's 200; 'triangular' cycles
        between 1e-5 and 1e-3, two epochs up and two down.
    weight_averaging : {'swa', 'ema', None}, default=None
        Predict with an average of the weights, see
        :class:`~imbdeep.callbacks.WeightAveraging`.
    max_epochs : int, at least 1, default=50
        Passes over the training rows, all of them made.
    early_stopping : bool, default=False
        Off, because stopping early would leave the deferred part out.
    train_split : 'stratified', callable or None, default=None
        None trains on all rows.
    **kwargs
        Further parameters of :class:`~imbdeep.base.ImbalancedNetClassifier`, such as
        ``lr`` or ``random_state``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_counts_ : ndarray of shape (n_classes,)
        Rows of each class in ``fit``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If ``X`` is a data frame with string column names.
    history_ : skorch.history.History
        What each epoch recorded.

    See Also
    --------
    NetClassifier : The plain net.
    ReMixClassifier : Balanced mini-batches of mixed rows.

    Notes
    -----
    ``predict_proba`` is the softmax of ``scale`` times the logits, without margins.

    NOTE[DIFF]: the papers train 200 epochs with SGD on images; the defaults here are
    50 epochs of Adam with rate 1e-3, because small tables are over-fitted long before
    epoch 200. Pass ``max_epochs=200, optimizer=torch.optim.SGD, lr=0.1,
    optimizer__momentum=0.9, optimizer__weight_decay=2e-4`` for theirs.

    References
    ----------
    .. [1] K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma. "Learning imbalanced datasets
       with label-distribution-aware margin loss". NeurIPS 2019.
    .. [2] R. Rawal, P. Pradhan. "Climate adaptation: reliably predicting from
       imbalanced satellite data". CVPR Workshops 2020.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import LDAMClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = LDAMClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> net.criterion_.margins
    tensor([0.2804, 0.5000])
    """

    _parameter_constraints = {
        **ImbalancedNetClassifier._parameter_constraints,
        "max_margin": [Interval(Real, 0, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, 1, closed="left")],
        "reweight_from": [Interval(Real, 0, 1, closed="both")],
        "lr_schedule": [StrOptions(set(_LR_SCHEDULES)), None],
        "weight_averaging": [StrOptions({"swa", "ema"}), None],
    }

    def __init__(
        self,
        module="mlp",
        *,
        criterion="ldam",
        max_margin=0.5,
        scale=30.0,
        gamma=2.0,
        beta=0.9999,
        reweight_from=0.8,
        lr_schedule="step",
        weight_averaging=None,
        max_epochs=50,
        early_stopping=False,
        train_split=None,
        **kwargs,
    ):
        super().__init__(
            module,
            criterion=criterion,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            train_split=train_split,
            **kwargs,
        )
        self.max_margin = max_margin
        self.scale = scale
        self.gamma = gamma
        self.beta = beta
        self.reweight_from = reweight_from
        self.lr_schedule = lr_schedule
        self.weight_averaging = weight_averaging

    def get_params_for(self, prefix):
        params = super().get_params_for(prefix)
        if prefix == "criterion":
            own = {
                "max_margin": self.max_margin,
                "scale": self.scale,
                "gamma": self.gamma,
            }
            criterion = self._component("criterion", LOSSES)
            own = {k: v for k, v in own.items() if accepts(criterion, k)}
            return own | params
        return params

    @property
    def _default_callbacks(self):
        callbacks = [
            *super()._default_callbacks,
            ("reweighting", DeferredReweighting(self.reweight_from, self.beta)),
        ]
        if self.lr_schedule is not None:
            schedule = _LR_SCHEDULES.get(str(self.lr_schedule))
            callbacks.append(("lr_schedule", schedule and schedule()))
        if self.weight_averaging is not None:
            average = WeightAveraging(self.weight_averaging)
            callbacks.append(("weight_averaging", average))
        return callbacks
