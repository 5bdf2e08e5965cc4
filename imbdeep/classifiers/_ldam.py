"""LDAM-DRW: margins that grow with rarity, and re-weighting deferred."""

from imbdeep._docs import shared_docs
from imbdeep.classifiers._deferred import BaseDeferredClassifier
from imbdeep.classifiers._docs import SHARED


@shared_docs(SHARED)
class LDAMClassifier(BaseDeferredClassifier):
    r"""Net with label-distribution-aware margins and deferred re-weighting [1]_.

    - *Objective*: the LDAM loss, cross-entropy of :math:`s (z - m_y e_y)` with margins
      :math:`m_j = m_{max} (n_{min} / n_j)^{1/4}`, on the cosines of a cosine head.
    - *Schedule*: all classes weigh 1 until ``reweight_from``, then by their effective
      number of samples; the learning rate drops at 80 % and at 90 % of the epochs.
    - *Batches*: shuffled, or balanced with ``iterator_train='balanced'``.

    The recipe of [2]_ for extreme imbalance is ``LDAMClassifier(
    iterator_train='balanced', lr_schedule='triangular', weight_averaging='swa')``.
    Its paper draws the rows of balanced batches one by one:
    ``iterator_train__balance='expected'``.
    With ``criterion='focal'`` or ``'cross_entropy'`` the schedule makes DRW focal loss
    and DRW cross-entropy.

    Read more in the :ref:`User Guide <ldam>`.

    Parameters
    ----------
    module : {'mlp', 'conv', 'resnet18'} or nn.Module class or instance, default='mlp'
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
    weight_reduction : {'rows', 'weights'}, default='rows'
        What the weighted loss of a batch is divided by: its number of rows, as the
        papers have it, so that a row of a rare class counts as much as its weight says;
        or the sum of its weights, as :class:`NetClassifier` does, so that a batch
        without rare rows counts as much as any other and rare rows the less. Either
        way the scale of ``sample_weight`` does not matter. Weights need a criterion of
        :mod:`imbdeep.losses` for 'rows'; torch's own divide by the weights.
    weight_normalization : {'rows', 'frequent', 'classes'}, default='rows'
        Which deferred weights are 1: their mean over the rows that are trained on, so
        that the loss and the learning rate keep their size when the weights come; that
        of the most frequent class, as in Figure 4.5 of the dissertation on SRAT; or
        their mean over the classes. ``class_weight`` is used as it is given.
    lr_schedule : {'step', 'triangular', None}, default='step'
        'step' multiplies the learning rate by 0.01 at 80 % and again at 90 % of
        ``max_epochs``, epochs 160 and 180 of the paper's 200; 'triangular' cycles
        between 1e-5 and 1e-3, two epochs up and two down.
    weight_averaging : {'swa', 'ema', None}, default=None
        Predict with an average of the weights, see
        :class:`~imbdeep.callbacks.WeightAveraging`.
    {average_from}
    average_every : int, at least 1, or 'auto', default='auto'
        Epochs between the snapshots that 'swa' averages. 'auto' is the length of a
        cycle, 4, with ``lr_schedule='triangular'``, so that they are taken where the
        rate is lowest, else 1.
    max_epochs : int, at least 1, default=50
        Passes over the training rows, all of them made.
    early_stopping : bool, default=False
        Off, because stopping early would leave the deferred part out.
    train_split : 'stratified', callable or None, default=None
        None trains on all rows.
    {kwargs}

    Attributes
    ----------
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    {history_}

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
