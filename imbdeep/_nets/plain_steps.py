"""Whether a net learns the class shares of its rows, as its parameters say."""

from skorch.dataset import Dataset
from torch import nn

from imbdeep.batches import TensorBatches
from imbdeep.batches._tensor_batches import ShuffledBatches
from imbdeep.losses import CrossEntropyLoss
from imbdeep.losses._registry import LOSSES
from imbdeep.modules import NCA
from imbdeep.modules._registry import MODULES

# Of these one may move the shares.
_DECISIVE = {
    "callbacks",
    "class_weight",
    "criterion",
    "dataset",
    "early_stopping",
    "iterator_train",
    "member_holdout",
    "member_sampling",
    "module",
    "predict_nonlinearity",
    "train_split",
    "validation_fraction",
    "weight_reduction",
}
# With no more validation rows, rounding moves the odds by 3 % at most.
_MOST_VALIDATION = 0.2


def _is_decisive(key):
    """Whether a parameter, with the way to it, may move the class shares."""
    *path, last = key.split("__")
    # Of the parts of a module none does.
    return last in _DECISIVE or bool(_DECISIVE.difference({"module"}) & {*path})


def _holds_out_by_class(net):
    if net.train_split in (None, False):
        return True
    # Fewer than five rows of a class are not held out, and rounding hardly matters.
    return (
        isinstance(net.train_split, str)
        and net.early_stopping == "auto"
        and net.validation_fraction <= _MOST_VALIDATION
    )


def keeps_prior(net, tried=(), has_weights=False):
    """Whether the probabilities of a net refer to the class shares of its rows.

    Only what its parameters prove counts: plain batches, of all rows but a part of
    each class for validation, and an unweighted cross-entropy.

    Parameters
    ----------
    net : BaseNetClassifier
        Not fitted.
    tried : iterable of str, default=()
        Parameters that a search will set, with the way to them.
    has_weights : bool, default=False
        Whether rows have weights. A loss that divides a batch by their sum gives less
        to a class of large weights.

    Returns
    -------
    bool
        False if it is not known.

    Examples
    --------
    >>> from imbdeep._nets.plain_steps import keeps_prior
    >>> from imbdeep.classifiers import NetClassifier
    >>> keeps_prior(NetClassifier())
    True
    >>> keeps_prior(NetClassifier(iterator_train="balanced"))
    False
    >>> keeps_prior(NetClassifier(), tried=["estimator__iterator_train"])
    False
    """
    # Of the class itself: one that is derived from it may take other steps.
    if not vars(type(net)).get("_has_plain_steps", False):
        return False
    if any(map(_is_decisive, tried)):
        return False
    module = net._component("module", MODULES)
    loss = net._component("criterion", LOSSES)
    return (
        net._training_iterator() in (TensorBatches, ShuffledBatches)
        and loss in (CrossEntropyLoss, nn.CrossEntropyLoss)
        and not net._set_by_user("criterion")
        and net.class_weight is None
        and not (net.callbacks or net._set_by_user("callbacks"))
        and net.dataset is Dataset
        and net.predict_nonlinearity == "auto"
        and net.member_holdout is net.member_sampling is None
        # Its neighbours vote with shares of their own.
        and not (module is NCA or isinstance(module, NCA))
        and _holds_out_by_class(net)
        and not (has_weights and net.weight_reduction != "rows")
    )
