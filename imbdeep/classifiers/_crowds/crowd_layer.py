"""Crowd-Layer: a net that learns from every annotation, and models the workers."""

from collections.abc import Mapping

from sklearn.utils._param_validation import StrOptions
from skorch.utils import to_tensor

from imbdeep._docs import shared_docs
from imbdeep._nets.parameters import accepts
from imbdeep.batches import MixUpBatches, ReMixBatches, SMOTEBatches
from imbdeep.classifiers._crowds.base import CrowdNetClassifier
from imbdeep.classifiers._docs import SHARED
from imbdeep.losses import ClassificationLoss, CrowdLayerLoss

# Batches of mixed rows, which nobody annotated.
_MIXTURES = (MixUpBatches, ReMixBatches, SMOTEBatches)


@shared_docs(SHARED)
class CrowdLayerClassifier(CrowdNetClassifier):
    """Net with a layer per worker behind its softmax, trained on annotations.

    It infers no labels: the layers learn how each worker's labels arise from the true
    class, and prediction leaves them out [1]_.

    Read more in the :ref:`User Guide <crowds>`.

    Parameters
    ----------
    {module}
    criterion : nn.Module class, default=CrowdLayerLoss
        Loss of logits and annotations. It gets ``n_workers``, ``n_classes`` and
        ``layer`` if its constructor takes them.
    layer : {'matrix', 'vector', 'vector_bias'}, default='matrix'
        What a worker's layer multiplies the probabilities by: a matrix, initially the
        identity; or one factor per class, with a bias ('vector_bias') or without.
    {truth_column}
    missing_values : int, float, NaN or None, default=-1
        Number that marks a missing annotation, in addition to NaN and None.
    **kwargs
        Further parameters of :class:`~imbdeep.base.BaseNetClassifier`, such as
        ``random_state`` or ``class_weight``, which weights an annotation by its label.

    Attributes
    ----------
    {classes_}
    class_counts_ : ndarray of shape (n_classes,)
        Number of rows per class by majority vote.
    n_workers_ : int
    criterion_ : CrowdLayerLoss
        ``criterion_.worker_weight`` holds the layers, one per worker.
    n_features_in_ : int
    {feature_names_in_}
    history_ : skorch.history.History
        Records of each epoch. Validation scores refer to the majority vote.

    See Also
    --------
    ICEDClassifier : Infers labels, and synthesises rows of rare classes.
    InferThenFit : Infers labels first, then trains any classifier.

    Notes
    -----
    The labels of a single annotator are taken as true: the net is then a
    :class:`NetClassifier` with the same parameters.

    References
    ----------
    .. [1] F. Rodrigues, F. Pereira. "Deep learning from crowds". AAAI 2018.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import CrowdLayerClassifier
    >>> from imbdeep.crowds import simulate_annotators
    >>> X, truth = make_classification(300, weights=[0.8], flip_y=0, random_state=0)
    >>> annotations = simulate_annotators(truth, n_workers=5, random_state=0)
    >>> net = CrowdLayerClassifier(max_epochs=10, random_state=0).fit(X, annotations)
    >>> net.criterion_.worker_weight.shape
    torch.Size([5, 2, 2])
    """

    _parameter_constraints = {
        **CrowdNetClassifier._parameter_constraints,
        "criterion": [callable],
        "layer": [StrOptions({"matrix", "vector", "vector_bias"})],
    }

    def __init__(
        self,
        module="mlp",
        *,
        criterion=CrowdLayerLoss,
        layer="matrix",
        truth_column=None,
        missing_values=-1,
        **kwargs,
    ):
        super().__init__(
            module,
            criterion=criterion,
            truth_column=truth_column,
            missing_values=missing_values,
            **kwargs,
        )
        self.layer = layer

    def _check_parameters(self):
        super()._check_parameters()
        iterator = self._training_iterator()
        if isinstance(iterator, type) and issubclass(iterator, _MIXTURES):
            raise ValueError(
                f"iterator_train={self.iterator_train!r} mixes rows, and nobody "
                "annotated a mixture. Use 'shuffled' or 'balanced'."
            )
        criterion = self.criterion
        ours = isinstance(criterion, type) and issubclass(criterion, ClassificationLoss)
        if ours and not issubclass(criterion, CrowdLayerLoss):
            raise ValueError(
                f"criterion={criterion.__name__} takes one label per row, and there "
                "are annotations. Use CrowdLayerLoss, or InferThenFit."
            )

    def get_params_for(self, prefix):
        params = super().get_params_for(prefix)
        # Before a fit there are no workers to count.
        if prefix != "criterion" or not hasattr(self, "n_workers_"):
            return params
        own = {
            "n_workers": self.n_workers_,
            "n_classes": len(self.classes_inferred_),
            "layer": self.layer,
        }
        return {k: v for k, v in own.items() if accepts(self.criterion, k)} | params

    def _with_company(self, X, sample_weight):
        crowd = self.run_.crowd
        return X if crowd is None else {"X": X, "annotations": crowd.codes}

    def loss_of_logits(self, y_pred, y_true, X, training):
        # Validation rows have labels, not annotations.
        if not (training and isinstance(X, Mapping)):
            return super().loss_of_logits(y_pred, y_true, X, training)
        annotations = to_tensor(X["annotations"], device=self.device)
        if isinstance(self.criterion_, ClassificationLoss):
            return self.criterion_.batch_loss(y_pred, annotations)
        losses = self.criterion_(y_pred, annotations)
        # Unreduced losses are 0 for missing annotations, which the mean leaves out.
        return losses.sum() / (annotations >= 0).sum() if losses.ndim else losses
