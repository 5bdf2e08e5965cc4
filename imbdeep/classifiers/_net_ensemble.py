"""The strong default for tables: an ensemble judged by rows that members held out."""

from imbdeep._docs import shared_docs
from imbdeep.base import BaseNetClassifier
from imbdeep.classifiers._docs import SHARED


@shared_docs(SHARED)
class NetEnsembleClassifier(BaseNetClassifier):
    """Ensemble of nets for tables, chosen by rows that its members never saw.

    Ten nets are trained as one. Each holds out a fifth of the rows; the epoch is the
    one in which all of them together rank the held-out rows best. So no row is set
    aside, and the choice rests on every rare row there is.

    By default the nets learn a space in which rows of a class are near
    (:class:`~imbdeep.modules.NCA`), which ranks rows better than perceptrons do and has
    more honest probabilities on tables for development.

    Read more in the :ref:`User Guide <members>`.

    Parameters
    ----------
    module : {'nca', 'mlp', 'tabm', 'conv'}, nn.Module class or instance, default='nca'
        Architecture of the members. Nets with batch norm need ``n_members=1``.
    n_members : int, at least 1, default=10
        Number of nets. Five hold each row out once, ten twice.
    member_holdout : {'folds', 'bootstrap'} or None, default='folds'
        Which rows a member does not train on, see
        :class:`~imbdeep.base.BaseNetClassifier`.
    numeric_encoding : str or None, default='piecewise_linear+robust'
        How the members see numbers.
    lr : float, greater than 0, default=3e-3
        Learning rate.
    max_epochs : int, at least 1, default=100
        Maximum number of passes over the rows of a member.
    {kwargs}

    Attributes
    ----------
    {classes_}
    {class_counts_}
    oof_proba_ : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities of the training rows, each by the members that held
        it out.
    held_out_ : ndarray of shape (n_samples, n_members), bool
        Which rows each member did not train on, for :meth:`predict_held_out`.
    oof_scores_ : dict of ndarray of shape (n_epochs,)
        Their scores after each epoch, of 10,000 rows at most.
    best_epoch_ : int
        Number of epochs that was best.
    members_ : list of nn.Module
        Copies of the nets.
    n_features_in_ : int
    {feature_names_in_}
    {history_}

    See Also
    --------
    NetClassifier : One net.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import NetEnsembleClassifier
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> nets = NetEnsembleClassifier(max_epochs=5, random_state=0).fit(X, y)
    >>> nets.predict_proba(X).shape, nets.oof_proba_.shape
    ((100, 2), (100, 2))
    """

    def __init__(
        self,
        module="nca",
        *,
        n_members=10,
        member_holdout="folds",
        numeric_encoding="piecewise_linear+robust",
        lr=3e-3,
        max_epochs=100,
        **kwargs,
    ):
        super().__init__(
            module,
            n_members=n_members,
            member_holdout=member_holdout,
            numeric_encoding=numeric_encoding,
            lr=lr,
            max_epochs=max_epochs,
            **kwargs,
        )
