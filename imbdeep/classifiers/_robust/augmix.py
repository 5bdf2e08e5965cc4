"""AugMix: images that are to be classified like mixtures made of them."""

from imbdeep._docs import shared_docs
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.augmix_base import AugMixNetClassifier


@shared_docs(SHARED)
class AugMixClassifier(AugMixNetClassifier):
    r"""Net for images that predicts alike for an image and for mixtures of it [1]_.

    - *Batches*: each image comes three times, as it is and as two mixtures with chains
      of random operations on it (:func:`~imbdeep.augmentations.augmix`).
    - *Objective*: cross-entropy of the images as they are, and ``consistency`` times
      the divergence of the three predictions,
      :math:`\frac{1}{3} \sum_k KL(p_k || M)` with their mean :math:`M`
      (:func:`~imbdeep.losses.jensen_shannon`).
    - *Schedule*: classes have equal weights until ``reweight_from``, then weights by
      their effective number of samples; the learning rate drops at 80 % and at 90 % of
      the epochs.

    It is meant for noise, blur and weather that training has not seen
    (:func:`~imbdeep.datasets.corrupt_images`). The labels of mixtures are never asked
    for: only predictions are to agree.

    Read more in the :ref:`User Guide <robust_images>`.

    Parameters
    ----------
    module : {'conv', 'squeezenet', 'resnet18', ...} or nn.Module, default='conv'
        A name of :class:`NetClassifier` that takes images, a class or an instance.
    ops : 'all' or sequence of str, default='all'
        Operations by name, see :func:`~imbdeep.augmentations.augmix`. Leave out those
        that change what the class depends on: 'autocontrast' and 'equalize' change the
        ratios of bands, 'shear_x', 'shear_y', 'translate_x' and 'translate_y' move a
        labelled centre.
    value_range : 'data' or tuple (low, high), default='data'
        What is black and white for the operations, and ``low`` what comes in from
        outside where pixels are moved. 'data' takes the smallest and largest value of
        each band in the training rows, anew in each call of ``partial_fit``. Otherwise
        numbers, or arrays with one for each band, such as ``(0, 1)``.
    severity : float in [0.1, 10], default=3
        Largest strength of an operation.
    width : int, at least 1, default=3
        Number of chains in a mixture. With a small module they take most of the time
        of a step.
    depth : int, at least 1, or None, default=None
        Operations of each chain. None draws 1, 2 or 3.
    alpha : float, greater than 0, default=1.0
        Weights of the chains are drawn from a Dirichlet and the share of their mixture
        from a Beta distribution with this parameter.
    consistency : float, at least 0, default=12.0
        Weight of the divergence; the paper's :math:`\lambda`. With 0 no mixtures are
        made: the net is that of :class:`LDAMClassifier` with the same ``criterion``.
    criterion : {'cross_entropy', 'focal', 'ldam'} or class, default='cross_entropy'
        A class is derived from :class:`~imbdeep.losses.ClassificationLoss`.
    reweight_from : float in [0, 1], default=1.0
        Fraction of ``max_epochs`` trained without weights; 0 uses them from the start,
        1 never does.
    **kwargs
        Further parameters of :class:`LDAMClassifier`, such as ``iterator_train``,
        ``augment``, ``lr_schedule``, ``weight_averaging``, ``max_epochs`` or
        ``random_state``.

    Attributes
    ----------
    value_range_ : tuple of ndarray (low, high), each of shape (n_bands,)
        Smallest and largest value of each band, as the operations have them.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    history_ : skorch.history.History
        Records of each epoch; of each training batch also ``consistency_loss``, the
        divergence. Validation rows, if there are any, are not mixed.

    See Also
    --------
    imbdeep.augmentations.augmix : The mixtures alone, which any net takes as
        ``augment``.
    AdversarialClassifier : Trains on attacked rows, of tables as well.
    imbdeep.datasets.corrupt_images : Noise, blur and fog, to test with.

    Notes
    -----
    A step runs the module once, on the three views one after the other, and costs three
    times as much as a plain one, and the mixtures. Batch norm sees all three: its
    statistics are those of images and mixtures together.

    ``sample_weight`` and class weights multiply both terms of a row: a row of weight 2
    counts as two rows. Were only the cross-entropy weighted, a class of little weight
    would be asked to agree with itself rather than to be right.

    Rows are augmented before they are mixed (``augment``), and the three views are of
    the same augmented row. What an augmentation brings beyond ``value_range`` is
    clipped for the operations.

    NOTE[DIFF]: the paper trains 100 to 200 epochs of SGD with Nesterov momentum, rate
    0.1 and a cosine schedule, on images that are flipped and cropped at random. The
    defaults here are 50 epochs of Adam with rate 1e-3, as with
    :class:`LDAMClassifier`, without ``augment``. The operations differ as
    :func:`~imbdeep.augmentations.augmix` says.

    NOTE[DIFF]: the paper has three bands of eight bits, the same range for all. Here a
    range belongs to a band, and each band is recoloured by itself.

    References
    ----------
    .. [1] D. Hendrycks, N. Mu, E. D. Cubuk, B. Zoph, J. Gilmer, B. Lakshminarayanan.
       "AugMix: A simple data processing method to improve robustness and uncertainty".
       ICLR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers import AugMixClassifier
    >>> X = np.random.RandomState(0).rand(60, 2, 8, 8)
    >>> y = np.repeat([0, 1], [45, 15])
    >>> X[y == 1, 1] += 1
    >>> net = AugMixClassifier(
    ...     module__n_filters=(4,), lr=0.01, max_epochs=20, random_state=0
    ... ).fit(X, y)
    >>> net.score(X, y)
    1.0
    """
