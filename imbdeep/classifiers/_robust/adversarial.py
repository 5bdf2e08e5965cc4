"""Adversarial training, plain and re-weighted."""

from imbdeep._docs import shared_docs
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier


@shared_docs(SHARED)
class AdversarialClassifier(AdversarialNetClassifier):
    """Net trained on rows that an attack has moved against it [1]_.

    - *Batches*: projected gradient ascent (:func:`~imbdeep.attacks.pgd`) moves each row
      within ``eps`` to where the net errs most.
    - *Objective*: cross-entropy, the focal loss or the LDAM loss of the moved rows.
    - *Schedule*: classes have equal weights until ``reweight_from``, then weights by
      their effective number of samples; the learning rate drops at 80 % and at 90 % of
      the epochs.

    Its options cover all baselines of [2]_: ``reweight_from=1``, the default, uses no
    weights (CE, Focal, LDAM); 0 uses them from the start (CB-Reweight, CB-Focal); 0.8
    defers them (DRCB-CE, DRCB-Focal, DRCB-LDAM).
    ``iterator_train='balanced'`` re-samples instead; with
    ``iterator_train__balance='expected'`` and ``iterator_train__beta=0.9999`` it is
    "adv. + resample" of chapter 5.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    eps : float, array-like that broadcasts to a row, mapping or Series by column \
            name, or None, at least 0, default=None
        How far the attack may move a row. Tables need it: use ``eps_unit='std'`` and
        the measurement error, such as 0.1. None is for images with pixels in [0, 1],
        with 'linf' and 'input', and takes the paper's 8/255. 0 trains on clean rows.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps`` and ``step_size``: that of X, or the standard deviation of each
        feature in the training rows.
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or the Euclidean length of the
        shift. If ``eps`` differs between features, 'l2' is the ellipsoid with these
        half-axes.
    attack_steps : int, at least 1, default=10
        Steps of the attack. Each costs about as much as a plain training step.
    step_size : float, array-like, mapping, Series or None, default=None
        Step length of the attack, given like ``eps``. None takes ``2.5 * eps /
        attack_steps``, the paper's 2/255 for its 8/255.
    random_start : bool, default=True
        Whether the attack begins at a random point of the ball rather than at the row.
    perturb : array-like of bool of the shape of a row, list of columns, mapping or \
            Series of bool by column name, or None, default=None
        Features that the attack may move; columns of a table also by position or name.
        None lets all numbers move; levels cannot.
    box : 'data', tuple (low, high), mapping, DataFrame of two rows or None, \
            default=None
        Smallest and largest value that a moved feature may have. 'data' takes those of
        the training rows, anew in each call of ``partial_fit``. Otherwise numbers,
        arrays that broadcast to a row, mappings or Series, such as ``(0, 1)`` for
        pixels; a mapping from each column to its pair; or a data frame such as
        ``X_train.agg(["min", "max"])``. Rows that ``augment`` changes are clipped to
        it, and it cannot be 'data' then.
    criterion : {'cross_entropy', 'focal', 'ldam'} or nn.Module class, \
            default='cross_entropy'
    reweight_from : float in [0, 1], default=1.0
        Fraction of ``max_epochs`` trained without weights; 0 uses them from the start,
        1 never does.
    **kwargs
        Further parameters of :class:`LDAMClassifier`, such as ``max_margin``,
        ``weight_reduction``, ``lr_schedule``, ``weight_averaging``, ``max_epochs`` or
        ``random_state``. Iterators that mix rows are not available.

    Attributes
    ----------
    {eps_}
    {step_size_}
    box_ : tuple of ndarray (low, high) or None
    feature_std_ : ndarray of the shape of a row
        Standard deviation of each feature in the training rows; with ``partial_fit``,
        those of the first call.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch. Validation rows, if there are any, are not attacked.

    See Also
    --------
    SRATClassifier : Keeps the features of the classes apart.
    ImbMixClassifier : Mixes attacked rows.
    imbdeep.attacks.robust_accuracy : Accuracy under attack.

    Notes
    -----
    Values given by column name, in a mapping or a Series, must name each column that
    may move, in any order, and no column that X lacks. If X has no names, whole numbers
    as names are positions.

    ``fit`` warns of an ``eps`` that moves no feature by a thousandth of its standard
    deviation.

    The attack raises the log odds against the label; each of the losses has the same
    direction of steepest ascent. The attack sees the net as it predicts: without
    dropout, and with the running statistics of batch norm.

    Weighted losses are divided by the number of rows, eq. (4.11), unless
    ``weight_reduction='weights'``.

    NOTE[DIFF]: the paper has pixels. Levels and missing numbers of a table stay as they
    are.

    NOTE[DIFF]: the paper trains 200 epochs with SGD; the defaults here are 50 epochs of
    Adam with rate 1e-3, as with :class:`LDAMClassifier`. Weights have mean 1 over the
    training rows. The paper does not give its normalisation, but in Figure 4.5 frequent
    classes have weight 1: ``weight_normalization='frequent'``.

    References
    ----------
    .. [1] A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu. "Towards deep
       learning models resistant to adversarial attacks". ICLR 2018.
    .. [2] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University, 2023. Chapter 4, Table 4.1.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import robust_accuracy
    >>> from imbdeep.classifiers import AdversarialClassifier
    >>> X, y = make_classification(
    ...     200, weights=[0.8], class_sep=3, flip_y=0, random_state=0
    ... )
    >>> attack = {"eps": 0.3, "eps_unit": "std", "norm": "linf"}
    >>> net = AdversarialClassifier(
    ...     **attack, reweight_from=0, lr=0.01, max_epochs=5, random_state=0
    ... ).fit(X, y)
    >>> attack |= {"rows": "per_class", "random_state": 0}
    >>> bool(min(robust_accuracy(net, X, y, **attack)) > 0.5)
    True
    """
