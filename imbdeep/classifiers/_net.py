"""The plain net: the baseline for the methods."""

from imbdeep._docs import shared_docs
from imbdeep.base import BaseNetClassifier
from imbdeep.classifiers._docs import SHARED


@shared_docs(SHARED)
class NetClassifier(BaseNetClassifier):
    """Plain neural network: the baseline, with the usual remedies as options.

    By default a multi-layer perceptron with piecewise-linear encodings of its columns,
    trained on cross-entropy with early stopping on average precision.

    Read more in the :ref:`User Guide <net>`.

    Parameters
    ----------
    module : {'mlp', 'nca', 'tabm', 'conv', 'squeezenet', 'resnet18', 'resnet50', \
            'efficientnet_b0', 'efficientnet_b4'} or nn.Module, default='mlp'
        See :class:`~imbdeep.base.BaseNetClassifier`.
    **kwargs
        All parameters of :class:`~imbdeep.base.BaseNetClassifier`. The usual
        remedies for imbalance are ``class_weight='balanced'``;
        ``iterator_train='balanced'``, random over-sampling inside the training loop;
        ``iterator_train='smote'``, SMOTE inside the mini-batch; and
        ``criterion='focal'``.

    Attributes
    ----------
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    {history_}

    See Also
    --------
    LDAMClassifier : Margins that grow with rarity, and deferred re-weighting.
    ReMixClassifier : Balanced mini-batches of mixed rows.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> net = NetClassifier(class_weight='balanced', max_epochs=20, random_state=0)
    >>> net.fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    _has_plain_steps = True
