"""The one place where skorch meets scikit-learn."""

import torch
from sklearn.utils.metaestimators import available_if
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset

from imbdeep._docs import shared_docs
from imbdeep._nets.augmenting import Augments
from imbdeep._nets.display import Displays
from imbdeep._nets.docs import SHARED
from imbdeep._nets.eval_set import read_eval_set
from imbdeep._nets.going_on import GoesOn
from imbdeep._nets.holding_out import HoldsOut, can_go_on
from imbdeep._nets.labels import LearnsLabels
from imbdeep._nets.members import TrainsMembers
from imbdeep._nets.parameters import NetParameters
from imbdeep._nets.parts import BuildsParts
from imbdeep._nets.prediction import Predicts
from imbdeep._nets.prior_correction import CorrectsPrior
from imbdeep._nets.splits import SplitsRows
from imbdeep._nets.tables import ReadsTables
from imbdeep._nets.training import Trains
from imbdeep.batches import TensorBatches


@shared_docs(SHARED)
class BaseNetClassifier(
    HoldsOut,
    CorrectsPrior,
    TrainsMembers,
    Augments,
    NetParameters,
    ReadsTables,
    LearnsLabels,
    SplitsRows,
    BuildsParts,
    Trains,
    Predicts,
    GoesOn,
    Displays,
    NeuralNetClassifier,
):
    """Base class of the classifiers: a skorch net that is a scikit-learn classifier.

    It takes labels and tables as scikit-learn classifiers do, sizes the module from the
    data, and keeps every option of :class:`skorch.NeuralNetClassifier`:
    ``module__*``, ``criterion__*``, ``optimizer__*``, ``iterator_train__*``,
    ``callbacks``, ``history``, ``partial_fit``, ``save_params``.

    Parameters
    ----------
    module : {'mlp', 'nca', 'tabm', 'conv', 'squeezenet', 'resnet18', 'resnet50', \
            'efficientnet_b0', 'efficientnet_b4'} or nn.Module, default='mlp'
        Returns logits of shape (n, n_classes); or (n, k, n_classes), of k members
        that are trained each and predict by the mean of their probabilities. A class
        is called with ``module__*`` and, if its constructor takes them, ``n_features``,
        ``n_classes`` and ``encoding`` (see ``numeric_encoding``) learned from the data.
    criterion : {'cross_entropy', 'focal', 'ldam'} or nn.Module class, \
            default='cross_entropy'
        Loss of logits and class indices or soft labels. A class is called with
        ``criterion__*`` and, if its constructor takes them, with ``weight`` (from
        ``class_weight``) and ``class_counts``.
    optimizer : torch.optim.Optimizer class, default=torch.optim.Adam
        Used in its fused version if there is one.
    lr : float, greater than 0, default=1e-3
        Learning rate.
    max_epochs : int, at least 1, default=200
        Maximum number of passes over the training rows; early stopping may end sooner.
    batch_size : int, at least 1, -1 or 'auto', default='auto'
        Rows per step; -1 takes all rows at once. 'auto' takes 128, or fewer (at least
        16) so that an epoch has eight steps: with one step per epoch, early stopping
        would end training before it has begun.
    iterator_train : {'shuffled', 'balanced', 'smote', 'mixup', 'remix'} or class, \
            default='shuffled'
        Which rows a step sees, see :mod:`imbdeep.batches`; or another iterator, such
        as :class:`torch.utils.data.DataLoader`.
    {augment}
    iterator_valid : class, default=TensorBatches
        For validation and prediction, with ``iterator_valid__batch_size`` or else at
        1024 rows per batch, of large images fewer.
    dataset : class, default=skorch.dataset.Dataset
        Called with rows and labels, of which it holds all.
    train_split : 'stratified', callable or None, default='stratified'
        How validation rows are set aside. 'stratified' shuffles and stratifies, with at
        least one row of each class on either side. A callable is a skorch split, such
        as ``predefined_split(dataset)``. None trains on all rows, without early
        stopping.
    validation_fraction : float in (0, 1), default=0.2
        Share of each class set aside by the stratified split.
    early_stopping : bool or 'auto', default='auto'
        True stops when the average precision on the validation rows has not improved
        for ``patience`` epochs, and goes back to the best epoch. 'auto' does so if each
        class has five validation rows. With fewer, the best epoch is a matter of
        chance: the stratified split then sets no rows aside, and the net trains on all
        for ``max_epochs``; other validation rows are scored but never end training.
        False never stops early, but still makes the split.
    patience : int, at least 1, default=20
        Epochs without improvement before stopping.
    scoring : str or callable, default='average_precision'
        What early stopping looks at: 'average_precision' (of the rarer class, or the
        mean over more), 'balanced_accuracy', 'g_mean', or a scorer of scikit-learn.
    numeric_encoding : str or None, default='piecewise_linear'
        How a module that takes ``encoding`` sees numbers: 'piecewise_linear', by their
        quantiles; 'standard' or 'robust', scaled; 'periodic', by waves; several with
        '+' between; None, as they are. With the default, a table needs no scaling.
    categorical_features : 'auto', array-like or None, default='auto'
        Columns of levels: names, positions or a mask. 'auto' takes text, categories,
        enums and booleans of a data frame, and text in an array of objects. Each level,
        an unseen and a missing one included, has a place of its own: one-hot up to 16
        levels, else embedded. The module must take ``encoding``.
    n_bins : int, at least 2, default=16
        Maximum number of bins per feature in the piecewise-linear encoding. More than
        1,024 columns get fewer bins each, 16,384 in all but at least two a column.
    {members}
    {prior_correction}
    class_weight : dict, 'balanced' or None, default=None
        Weight of each class in the loss, by label; 'balanced' is inversely
        proportional to the number of rows.
    weight_reduction : {'weights', 'rows'}, default='weights'
        What the weighted loss of a batch is divided by. 'weights' divides by the sum of
        the batch's weights, as :class:`torch.nn.CrossEntropyLoss` and scikit-learn's
        :class:`~sklearn.neural_network.MLPClassifier` do: all batches have the same
        influence, and only the ratios of weights matter. 'rows' divides by the number
        of rows: a row has the same influence in any batch, as in the losses of most
        papers. ``class_weight`` is then used as it is given, and ``sample_weight`` is
        divided by its mean, so that equal weights make no difference.
    callbacks : list of callbacks, 'disable' or None, default=None
        Callbacks in addition to the default ones.
    predict_nonlinearity : callable, 'auto' or None, default='auto'
        Turns logits into probabilities. 'auto' is the softmax of the logits times the
        ``scale`` of the criterion, if it has one, and the identity for
        :class:`torch.nn.NLLLoss`, whose module returns probabilities.
    warm_start : bool, default=False
        Whether ``fit`` continues where the last one ended. The history then grows by
        one entry per epoch, which itself holds one per batch; ``partial_fit`` does the
        same. A net in endless training should do
        ``net.history[:] = net.history[-1:]`` from time to time.
    verbose : int, default=0
        1 prints a line per epoch.
    device : str, torch.device or None, default='auto'
        'auto' is CUDA if available, else the CPU. None leaves the module where it is.
    compile : bool, default=False
        Whether to compile the module, see :func:`torch.compile`.
    classes : array-like or None, default=None
        All labels, if ``fit`` or the first ``partial_fit`` may not see every one.
    on_interrupt : {'raise', 'stop'}, default='raise'
        What a Ctrl-C does to training. 'raise' lets ``fit`` raise
        :exc:`KeyboardInterrupt`, which ends a script, a search or a cross-validation
        and leaves the net as it was. 'stop' is for interactive use, and skorch's way:
        training ends and keeps what was learned, with a warning and ``interrupted_``.
    use_caching : 'auto' or bool, default='auto'
        See :class:`skorch.NeuralNet`.
    torch_load_kwargs : dict or None, default=None
        See :class:`skorch.NeuralNet`.
    random_state : int, RandomState instance or None, default=None
        Determines the split, the initial weights, the order of the rows and dropout.
        The global generators of NumPy and torch are left as they were. None draws a
        seed from NumPy's global generator.
    **kwargs
        Further skorch arguments with a prefix, such as ``module__hidden_sizes``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted. Training targets, which callbacks see, are positions in this
        array; scoring callbacks, such as :class:`skorch.callbacks.EpochScoring`, see
        the labels.
    class_counts_ : ndarray of shape (n_classes,)
        Rows per class in ``fit``, validation rows included.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If ``X`` is a data frame with string column names.
    do_early_stopping_ : bool
        Whether validation rows decided when the last training ended.
    interrupted_ : bool
        Whether a Ctrl-C ended the last training, which ``on_interrupt='stop'`` allows.
    {trained_prior_}
    module_, criterion_, optimizer_ : torch objects
        The initialised parts.
    members_ : list of nn.Module
        Copies of the members, ``n_members`` modules.
    oof_proba_ : ndarray of shape (n_samples, n_classes)
        With ``member_holdout``: probabilities of each row, by the members that held it
        out and before any refit; NaN if none did, as for the only row of a class.
    held_out_ : ndarray of shape (n_samples, n_members), bool
        Which rows each member did not train on, for :meth:`predict_held_out`; not after
        a refit.
    oof_scores_ : dict of ndarray of shape (n_epochs,)
        Scores after each epoch, of 10,000 of these rows at most, by name.
    best_epoch_ : int
        Number of epochs that gave the members of ``oof_proba_``.
    history_, history_frame_ : skorch.history.History, DataFrame
        What each epoch recorded; as a table, a line per epoch without its batches.

    Notes
    -----
    The bins of the numeric encoding are quantiles of all rows given to ``fit``,
    including the rows set aside for validation; their labels are not used.

    Every ``fit`` starts from scratch. A module given as an instance starts with its own
    weights; the net trains a copy of it.

    ``partial_fit`` keeps the labels and the numeric encoding of the first call and adds
    to ``class_counts_``.

    {on_changes}

    X is used as float32. If float32 would merge the values of a column, such as time
    stamps, or cannot hold them, rows stay float64 up to the numeric encoding, which
    then works in double precision. Without an encoding (a module that takes none, or
    ``numeric_encoding=None``), ``fit`` warns and names the columns.

    {by_batch}

    In prediction, each column of a table is clipped to the range of the training rows.
    A column that did not vary in training makes no difference, whatever it holds later.

    Global switches of torch, NumPy and scikit-learn do not affect ``fit`` and
    prediction: torch's default dtype and device, gradients and inference mode, NumPy's
    error handling, ``transform_output``. The number of threads and the precision of
    matrix products are left to the user.

    {fits}

    {prior_notes}
    """

    def __init__(
        self,
        module="mlp",
        *,
        criterion="cross_entropy",
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=200,
        batch_size="auto",
        iterator_train="shuffled",
        augment=None,
        iterator_valid=TensorBatches,
        dataset=Dataset,
        train_split="stratified",
        validation_fraction=0.2,
        early_stopping="auto",
        patience=20,
        scoring="average_precision",
        numeric_encoding="piecewise_linear",
        categorical_features="auto",
        n_bins=16,
        n_members=1,
        member_holdout=None,
        member_sampling=None,
        refit=False,
        prior_correction=False,
        target_prior=None,
        class_weight=None,
        weight_reduction="weights",
        callbacks=None,
        predict_nonlinearity="auto",
        warm_start=False,
        verbose=0,
        device="auto",
        compile=False,
        classes=None,
        on_interrupt="raise",
        use_caching="auto",
        torch_load_kwargs=None,
        random_state=None,
        **kwargs,
    ):
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            dataset=dataset,
            train_split=train_split,
            callbacks=callbacks,
            predict_nonlinearity=predict_nonlinearity,
            warm_start=warm_start,
            verbose=verbose,
            device=device,
            compile=compile,
            classes=classes,
            use_caching=use_caching,
            torch_load_kwargs=torch_load_kwargs,
            **kwargs,
        )
        self.augment = augment
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.scoring = scoring
        self.numeric_encoding = numeric_encoding
        self.categorical_features = categorical_features
        self.n_bins = n_bins
        self.n_members = n_members
        self.member_holdout = member_holdout
        self.member_sampling = member_sampling
        self.refit = refit
        self.prior_correction = prior_correction
        self.target_prior = target_prior
        self.class_weight = class_weight
        self.weight_reduction = weight_reduction
        self.on_interrupt = on_interrupt
        self.random_state = random_state

    def fit(
        self,
        X,
        y=None,
        *,
        sample_weight=None,
        groups=None,
        eval_set=None,
        eval_X=None,
        eval_y=None,
    ):
        """Fit the net.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
                array-like with more axes if the module takes them
            Finite numbers; or a dict with one such entry; or a map-style
            :class:`torch.utils.data.Dataset` that yields pairs (x, y) of arrays, which
            is read into memory as a whole.
        y : array-like of shape (n_samples,) or None, default=None
            Labels of any type that can be sorted. If ``X`` is a data set, they take the
            place of the labels that it yields, and None keeps those. A class of one row
            stays in training as a whole, with a warning.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows in the loss, at least 0. Only their ratios matter. All
            ones equals None.
        groups : array-like of shape (n_samples,) or None, default=None
            Rows of one group, such as a patient, are held out together; for
            ``member_holdout``.
        eval_set : tuple (X_valid, y_valid) or None, default=None
            Validation rows to use instead of setting some of ``X`` aside. A pipeline
            cannot transform a pair; see the next.
        eval_X, eval_y : array-like or None, default=None
            The same as two arguments, so that a pipeline can transform the first:
            ``Pipeline(..., transform_input=['eval_X'])``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used. Raised before any training.
        """
        reset = not (self._starts_warm() and self.initialized_)
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit(X, y, sample_weight, eval_set, reset, "fit", groups=groups)

    @available_if(can_go_on)
    def partial_fit(
        self,
        X,
        y=None,
        *,
        classes=None,
        sample_weight=None,
        eval_set=None,
        eval_X=None,
        eval_y=None,
    ):
        """Continue training for another ``max_epochs``, without starting anew.

        Parameters
        ----------
        X, y
            See :meth:`fit`.
        classes : array-like or None, default=None
            In the first call: all labels, if ``y`` may lack some.
        sample_weight, eval_set, eval_X, eval_y
            See :meth:`fit`.

        Returns
        -------
        self : object
        """
        reset = not self.initialized_
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit(X, y, sample_weight, eval_set, reset, "partial_fit", classes)
