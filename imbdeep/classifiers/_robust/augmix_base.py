"""Base class of the nets whose predictions for mixtures of images are to agree."""

import torch
from sklearn.utils._param_validation import StrOptions
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._arguments import FiniteReal
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
from imbdeep.losses import ClassificationLoss, jensen_shannon

# A batch as it is, and twice mixed.
_VIEWS = 3


class AugMixNetClassifier(BaseDeferredClassifier):
    """Net that predicts alike for an image and for mixtures of it.

    See :class:`AugMixClassifier` for its parameters. Subclasses override :meth:`mixes`,
    whether there are mixtures, and :meth:`training_rows`, the rows that a step trains
    on.
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
