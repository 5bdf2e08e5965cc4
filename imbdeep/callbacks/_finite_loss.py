"""An error instead of a net of NaN."""

import math

from skorch.callbacks import Callback


class FiniteLoss(Callback):
    """Raise an error when the training loss is not finite.

    Examples
    --------
    >>> from imbdeep.callbacks import FiniteLoss
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks__finite_loss=None)  # never stops training
    """

    def on_batch_end(self, net, training=False, **kwargs):
        if not training:
            return
        # skorch has recorded a number; the tensor would wait for the device again.
        loss = net.history[-1, "batches", -1, "train_loss"]
        if not math.isfinite(loss):
            raise ValueError(
                f"{type(net).__name__}: the training loss is {loss} in epoch "
                f"{len(net.history)}. Lower the learning rate lr, scale extreme "
                "columns of X, or check class_weight and sample_weight."
            )
