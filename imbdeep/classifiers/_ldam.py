"""LDAM-DRW: margins that grow with rarity, and deferred re-weighting."""

from imbdeep._docs import shared_docs
from imbdeep.classifiers._deferred import BaseDeferredClassifier
from imbdeep.classifiers._docs import SHARED


@shared_docs(SHARED)
class LDAMClassifier(BaseDeferredClassifier):
    r"""Net with label-distribution-aware margins and deferred re-weighting [1]_.

    - *Objective*: the LDAM loss, cross-entropy of :math:`s (z - m_y e_y)` with margins
      :math:`m_j = m_{max} (n_{min} / n_j)^{1/4}`, on the cosines of a cosine head.
    - *Schedule*: all classes have weight 1 until ``reweight_from``, then weights by
      their effective number of samples; the learning rate drops at 80 % and at 90 % of
      the epochs.
    - *Batches*: shuffled, or balanced with ``iterator_train='balanced'``.

    The recipe of [2]_ for extreme imbalance is ``LDAMClassifier(
    iterator_train='balanced', lr_schedule='triangular', weight_averaging='swa')``.
    Its paper draws the rows of balanced batches one by one:
    ``iterator_train__balance='expected'``.
    With ``criterion='focal'`` or ``'cross_entropy'`` the schedule gives DRW focal loss
    and DRW cross-entropy.

    Read more in the :ref:`User Guide <ldam>`.

    Parameters
    ----------
    module : {'mlp', 'tabm', 'conv', 'squeezenet', ...} or nn.Module, default='mlp'
        A name of :class:`NetClassifier`, a class or an instance. The MLP gets a cosine
        head for the LDAM loss, as TabM does, unless ``module__head`` says otherwise. A
        module of your own should return cosines, or be used with ``scale=1``.
    criterion : {'ldam', 'focal', 'cross_entropy'} or nn.Module class, default='ldam'
    max_margin : float, at least 0, default=0.5
        Margin of the rarest class, in units of an unscaled logit; for 'ldam'. 0 is
        cross-entropy of scaled cosines.
    scale : float, greater than 0, default=30
        Factor of the logits in the loss and in the softmax of ``predict_proba``; for
        'ldam'. Use 1 with ``module__head='linear'``.
    gamma : float, at least 0, default=2
        How strongly the focal loss discounts rows that are already right; for 'focal'.
    beta : float in [0, 1), default=0.9999
        See :func:`~imbdeep.losses.class_balanced_weights`.
    reweight_from : float in [0, 1], default=0.8
        Fraction of ``max_epochs`` trained without weights. 0 weights from the start
        (class-balanced loss), 1 never does.
    weight_reduction : {'rows', 'weights'}, default='rows'
        What the weighted loss of a batch is divided by. 'rows' is its number of rows,
        as in the papers: a row of a rare class counts as much as its weight says.
        'weights' is the sum of its weights, as in :class:`NetClassifier`: a batch
        without rare rows counts as much as any other, so rare rows count less. Either
        way the scale of ``sample_weight`` does not matter. 'rows' needs a criterion of
        :mod:`imbdeep.losses`; torch's own divide by the weights.
    weight_normalization : {'rows', 'frequent', 'classes'}, default='rows'
        What is 1 among the deferred weights. 'rows': their mean over the training rows,
        so that the loss keeps its size when the weights set in. 'frequent': the weight
        of the most frequent class, as in Figure 4.5 of the dissertation on SRAT.
        'classes': their mean over the classes. ``class_weight`` is used as it is given.
    lr_schedule : {'step', 'triangular', None}, default='step'
        'step' multiplies the learning rate by 0.01 at 80 % and again at 90 % of
        ``max_epochs``, epochs 160 and 180 of the paper's 200; 'triangular' cycles
        between 1e-5 and 1e-3, two epochs up and two down.
    weight_averaging : {'swa', 'ema', None}, default=None
        Predict with an average of the weights, see
        :class:`~imbdeep.callbacks.WeightAveraging`.
    {average_from}
    average_every : int, at least 1, or 'auto', default='auto'
        Epochs between the snapshots that 'swa' averages. With
        ``lr_schedule='triangular'``, 'auto' is the length of a cycle, 4, so that
        snapshots are taken where the rate is lowest; else it is 1.
    max_epochs : int, at least 1, default=50
        Number of passes over the training rows.
    early_stopping : bool, default=False
        Off, because stopping early would skip the deferred part.
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
    ``prior_correction=True`` takes back the shares of the deferred weights, not what
    margins do.

    NOTE[DIFF]: the papers train 200 epochs with SGD on images; the defaults here are
    50 epochs of Adam with rate 1e-3, because a net over-fits a small table long before
    epoch 200. For theirs, pass ``max_epochs=200, optimizer=torch.optim.SGD, lr=0.1,
    optimizer__momentum=0.9, optimizer__weight_decay=2e-4``.

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
