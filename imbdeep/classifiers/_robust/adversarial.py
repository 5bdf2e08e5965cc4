"""Adversarial training, plain and re-weighted."""

from imbdeep._docs import shared_docs
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.base import AdversarialNetClassifier


@shared_docs(SHARED)
class AdversarialClassifier(AdversarialNetClassifier):
    """Net trained on rows that an attack has moved against it [1]_.

    - *Batches*: each row is moved within ``eps`` to where the net errs most, by
      projected gradient ascent (:func:`~imbdeep.attacks.pgd`).
    - *Objective*: cross-entropy, the focal loss or the LDAM loss of the moved rows.
    - *Schedule*: classes weigh alike until ``reweight_from``, then by their effective
      number of samples; the learning rate drops at 80 % and at 90 % of the epochs.

    With its options it is each of the baselines of [2]_: ``reweight_from=1``, the
    default, never weighs (CE, Focal, LDAM); 0 weighs from the start (CB-Reweight,
    CB-Focal); 0.8 defers (DRCB-CE, DRCB-Focal, DRCB-LDAM).
    ``iterator_train='balanced'`` re-samples instead; with
    ``iterator_train__balance='expected'`` and ``iterator_train__beta=0.9999`` it is
    "adv. + resample" of chapter 5.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    eps : float, array-like that broadcasts to a row, mapping or Series by column \
            name, or None, at least 0, default=None
        How far the attack may move a row. For a table it must be given: use
        ``eps_unit='std'`` and the error of its measurements, such as 0.1. None is for
        images of pixels in [0, 1], with 'linf' and 'input', and takes the paper's
        8/255. 0 trains on clean rows.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps`` and ``step_size``: that of X, or the standard deviation of each
        feature in the training rows.
    norm : {'linf', 'l2'}, default='linf'
        What ``eps`` bounds: the shift of each feature, or its Euclidean length. With
        different ``eps`` for the features, 'l2' is the ellipsoid of these half-axes.
    attack_steps : int, at least 1, default=10
        Steps of the attack; a training step costs about this many more.
    step_size : float, array-like, mapping, Series or None, default=None
        Length of a step of the attack, as ``eps`` is given. None takes ``2.5 * eps /
        attack_steps``, the paper's 2/255 for its 8/255.
    random_start : bool, default=True
        Whether the attack begins at a random point of the ball rather than at the row.
    perturb : array-like of bool of the shape of a row, list of columns, mapping or \
            Series of bool by column name, or None, default=None
        Which features the attack may move; columns of a table also by position or name.
        Leave out categories. None lets all move.
    box : 'data', tuple (low, high), mapping, DataFrame of two rows or None, \
            default=None
        Least and largest value of each feature that may move, which moved rows keep
        within: those of the training rows, in each call of ``partial_fit`` anew; or
        numbers, arrays that broadcast to a row, mappings or Series, such as ``(0, 1)``
        for pixels; or a mapping from each column to its pair, or a data frame such as
        ``X_train.agg(["min", "max"])``.
    criterion : {'cross_entropy', 'focal', 'ldam'} or nn.Module class, \
            default='cross_entropy'
    reweight_from : float in [0, 1], default=1.0
        Fraction of ``max_epochs`` trained without weights; 0 weighs from the start, 1
        never does.
    **kwargs
        Further parameters of :class:`LDAMClassifier`, such as ``max_margin``,
        ``weight_reduction``, ``lr_schedule``, ``weight_averaging``, ``max_epochs`` or
        ``random_state``. Of the iterators by name, those that mix rows cannot be had.

    Attributes
    ----------
    {eps_}
    {step_size_}
    box_ : tuple of ndarray (low, high) or None
    feature_std_ : ndarray of the shape of a row
        Standard deviation of each feature in the training rows, of the first call of
        ``partial_fit``.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        What each epoch recorded. Validation rows, if there are any, are not attacked.

    See Also
    --------
    SRATClassifier : Keeps the features of the classes apart.
    ImbMixClassifier : Mixes attacked rows.
    imbdeep.attacks.robust_accuracy : What withstood an attack.

    Notes
    -----
    What is given by column name, in a mapping or a Series, must name each column that
    may move, in any order, and none that X does not have. Where X has no names, whole
    numbers as names are positions.

    ``fit`` warns of an ``eps`` that moves no feature by a thousandth of its standard
    deviation.

    The attack raises the log odds against the label, whose direction of steepest ascent
    is that of each of the losses. It sees the net as it predicts, without dropout and
    with the statistics of batch norm.

    Weighted losses are divided by the number of rows, eq. (4.11), unless
    ``weight_reduction='weights'``.

    NOTE[DIFF]: the paper trains 200 epochs with SGD; the defaults here are 50 epochs of
    Adam with rate 1e-3, as with :class:`LDAMClassifier`. Weights have the mean 1 over
    the training rows; the paper does not say which, but Figure 4.5 gives frequent
    classes 1: ``weight_normalization='frequent'``.

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
