"""Deferred re-weighting: learn features first, balance classes later."""

import torch
from sklearn.utils._param_validation import StrOptions
from skorch.callbacks import Callback

from imbdeep._arguments import FiniteReal
from imbdeep.callbacks._checked import ChecksParameters
from imbdeep.losses import class_balanced_weights


class DeferredReweighting(ChecksParameters, Callback):
    """Re-weight classes only after a fraction of the epochs [1]_.

    Until then every class has weight 1; afterwards the weights are class-balanced. The
    weight is a buffer of the criterion, so the optimizer keeps its state.

    Parameters
    ----------
    reweight_from : float in [0, 1], default=0.8
        Fraction of ``max_epochs`` trained without weights; 0 uses them from the start
        and 1 never does. The default is the paper's epoch 160 of 200.
    beta : float in [0, 1), default=0.9999
        See :func:`~imbdeep.losses.class_balanced_weights`.
    normalization : {'rows', 'frequent', 'classes'}, default='rows'
        What has mean weight 1, see :func:`~imbdeep.losses.class_balanced_weights`. This
        matters if the loss is divided by the number of rows: 'rows' then keeps the size
        of the loss, and with it the meaning of the learning rate.

    Attributes
    ----------
    weights_ : Tensor of shape (n_classes,)
        The deferred weights.

    Notes
    -----
    The criterion must have a ``weight`` buffer, as those of :mod:`imbdeep.losses` and
    :class:`torch.nn.CrossEntropyLoss` do. A ``class_weight`` applies until the deferred
    weights replace it.

    The papers divide the weighted loss of a batch by its number of rows; that is
    ``weight_reduction='rows'`` of the net and the default of
    :class:`~imbdeep.classifiers.LDAMClassifier`, not that of
    :class:`~imbdeep.classifiers.NetClassifier`.

    References
    ----------
    .. [1] K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma. "Learning imbalanced datasets
       with label-distribution-aware margin loss". NeurIPS 2019.

    Examples
    --------
    >>> from imbdeep.callbacks import DeferredReweighting
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(callbacks=[DeferredReweighting(reweight_from=0.5)])
    """

    _parameter_constraints = {
        "reweight_from": [FiniteReal(0, 1)],
        "beta": [FiniteReal(0, 1, closed="left")],
        "normalization": [StrOptions({"rows", "frequent", "classes"})],
    }

    def __init__(self, reweight_from=0.8, beta=0.9999, normalization="rows"):
        self.reweight_from = reweight_from
        self.beta = beta
        self.normalization = normalization

    def on_train_begin(self, net, **kwargs):
        self._check_criterion(net.criterion_)
        self.first_epoch_ = len(net.history)
        self.earlier_weight_ = net.criterion_.weight

    def on_epoch_begin(self, net, **kwargs):
        epochs_done = len(net.history) - 1 - self.first_epoch_
        if epochs_done == 0:
            # Not in on_train_begin: the class shares of the batches are not known yet.
            self.weights_ = self.deferred_weights(net)
        first = round(self.reweight_from * net.max_epochs)
        if self.reweight_from < 1 and epochs_done >= first:
            # A copy, which the criterion may move or change.
            net.criterion_.weight = self.weights_.to(net.device, copy=True)

    def deferred_weights(self, net):
        """Hook: the weights that set in, class-balanced ones.

        Parameters
        ----------
        net : skorch net
            Its training has begun: ``class_counts_`` and ``class_shares_`` are known.

        Returns
        -------
        Tensor of shape (n_classes,)
        """
        return class_balanced_weights(
            torch.as_tensor(net.class_counts_),
            self.beta,
            self.normalization,
            net.class_shares_,
        )

    def on_train_end(self, net, **kwargs):
        # Training that continues defers again.
        net.criterion_.weight = self.earlier_weight_
        # On the training device, which a pickle must not need.
        self.earlier_weight_ = None

    def _check_criterion(self, criterion):
        if not hasattr(criterion, "weight"):
            raise ValueError(
                "DeferredReweighting needs a criterion with a class weight, got "
                f"{type(criterion).__name__}. Use a loss of imbdeep.losses or "
                "torch.nn.CrossEntropyLoss."
            )
