"""AugMix: images that are to be classified like mixtures made of them."""

import torch
from sklearn.utils._param_validation import StrOptions
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._arguments import FiniteReal
from imbdeep._docs import shared_docs
from imbdeep._nets.members import has_members
from imbdeep._torch.draws import current_generator
from imbdeep._value_range import (
    check_in_range,
    check_span,
    range_of_bands,
    read_value_range,
)
from imbdeep.augmentations._augmix import (
    CONSTRAINTS,
    draw_augmix,
    mix_chains,
    named_operations,
)
from imbdeep.batches._tensor_batches import join_rows, rows_of
from imbdeep.classifiers._deferred import BaseDeferredClassifier
from imbdeep.classifiers._docs import SHARED
from imbdeep.losses import ClassificationLoss, jensen_shannon

# A batch as it is, and twice mixed.
_VIEWS = 3


@shared_docs(SHARED)
class AugMixClassifier(BaseDeferredClassifier):
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

    _trains_one_net = True
    _parameter_constraints = {
        **BaseDeferredClassifier._parameter_constraints,
        **CONSTRAINTS,
        "ops": [StrOptions({"all"}), "array-like"],
        "value_range": [StrOptions({"data"}), "array-like"],
        "consistency": [FiniteReal(0, None)],
    }

    def __init__(
        self,
        module="conv",
        *,
        ops="all",
        value_range="data",
        severity=3.0,
        width=3,
        depth=None,
        alpha=1.0,
        consistency=12.0,
        criterion="cross_entropy",
        reweight_from=1.0,
        **kwargs,
    ):
        super().__init__(
            module, criterion=criterion, reweight_from=reweight_from, **kwargs
        )
        self.ops = ops
        self.value_range = value_range
        self.severity = severity
        self.width = width
        self.depth = depth
        self.alpha = alpha
        self.consistency = consistency

    # --- Images ----------------------------------------------------------------------

    def _check_parameters(self):
        super()._check_parameters()
        named_operations(self.ops)

    def _check_are_images(self, X):
        if len(X.shape) == 2:
            raise ValueError(
                f"{type(self).__name__} turns, shifts and recolours images of shape "
                f"(n, bands, height, width), and X is a table of shape {X.shape}, "
                "whose columns are no neighbours. Reshape flat images, X.reshape(-1, "
                "bands, height, width); for tables take AdversarialClassifier, which "
                "trains on rows moved within the error of their measurements."
            )
        if len(X.shape) != 4:
            raise ValueError(
                f"{type(self).__name__} takes images of shape (n, bands, height, "
                f"width), got X of shape {X.shape}. Give images without bands one, "
                "X[:, None]."
            )
        super()._check_are_images(X)

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        least, greatest = range_of_bands(X)
        if isinstance(self.value_range, str):
            check_span(least, greatest)
            self.value_range_ = least, greatest
            return
        low, high = read_value_range(self.value_range, len(least))
        check_in_range(low, high, least, greatest)
        self.value_range_ = low, high

    def _train(self, train, valid, method, epochs=None):
        if self.mixes() and not isinstance(self.criterion_, ClassificationLoss):
            raise ValueError(
                f"criterion={type(self.criterion_).__name__} keeps its class weights "
                "to itself, and the divergence of the predictions is weighted by them. "
                "Take 'cross_entropy', 'focal' or 'ldam', derive a class from "
                "ClassificationLoss, or pass consistency=0."
            )
        return super()._train(train, valid, method, epochs)

    # --- A step ----------------------------------------------------------------------

    def mixes(self):
        """Whether a step sees mixtures."""
        return self.consistency > 0

    def train_step_single(self, batch, **fit_params):
        X, y = (to_tensor(part, device=self.device) for part in unpack_data(batch))
        self._set_training(True)
        views, _ = self.training_rows(X, y)
        outputs = self.infer(views, **fit_params)
        self._check_has_outputs(outputs)
        outputs = outputs.unflatten(0, (-1, len(y)))
        loss = self.get_loss(outputs[0], y, X=X, training=True)
        if self.mixes():
            divergence = self.consistency_loss(outputs, y, X)
            self.history.record_batch("consistency_loss", divergence.item())
            loss = loss + self.consistency * divergence
        loss.backward()
        # Callbacks compare predictions with the labels of the batch.
        return {"loss": loss, "y_pred": outputs[0]}

    def training_rows(self, X, y):
        """Append two mixtures of each row to those of a batch.

        Parameters
        ----------
        X : Tensor of shape (n, bands, height, width) or dict with keys 'X' and \
                'sample_weight'
        y : Tensor of shape (n,) or (n, n_classes)

        Returns
        -------
        X, y
            Of 3 n rows.
        """
        if not self.mixes():
            return X, y
        again = _VIEWS - 1
        weight = X["sample_weight"].repeat(again) if isinstance(X, dict) else None
        # All in one call: for small images, calls cost more than pixels.
        mixtures = self.mixtures(torch.cat([rows_of(X)] * again))
        return join_rows(X, mixtures, weight), torch.cat([y] * _VIEWS)

    def mixtures(self, images):
        """Mix each image with chains of random operations on it.

        Parameters
        ----------
        images : Tensor of shape (n, bands, height, width)

        Returns
        -------
        Tensor of shape (n, bands, height, width)
        """
        operations = named_operations(self.ops)
        draws = draw_augmix(
            images,
            current_generator(images.device),
            len(operations),
            severity=self.severity,
            width=self.width,
            depth=self.depth,
            alpha=self.alpha,
        )
        return mix_chains(images, draws, operations, *self.value_range_)

    def consistency_loss(self, outputs, y, X):
        """Compute how far the predictions for the views of a batch disagree.

        Parameters
        ----------
        outputs : Tensor of shape (3, n, n_classes) or (3, n, k, n_classes)
            Several for each view are members of an ensemble, which agree each.
        y : Tensor of shape (n,) or (n, n_classes)
        X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'

        Returns
        -------
        Tensor of shape ()
        """
        losses = jensen_shannon(self.logit_scale_ * outputs)
        if has_members(outputs[0]):
            losses = losses.mean(-1)
        weight = X["sample_weight"] if isinstance(X, dict) else None
        return self.criterion_.reduce_also(losses, y, weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = False
        return tags
