"""The one place where skorch meets scikit-learn."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils._param_validation import (
    Options,
    StrOptions,
)
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._nets.eval_set import read_eval_set
from imbdeep._nets.going_on import GoesOn
from imbdeep._nets.labels import LearnsLabels
from imbdeep._nets.parameters import NetParameters
from imbdeep._nets.parts import BuildsParts
from imbdeep._nets.prediction import Predicts
from imbdeep._nets.splits import SplitsRows
from imbdeep._nets.tables import ReadsTables
from imbdeep._nets.training import Trains
from imbdeep.batches import TensorBatches
from imbdeep.batches._registry import BATCHES
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._registry import MODULES


class BaseNetClassifier(
    NetParameters,
    ReadsTables,
    LearnsLabels,
    SplitsRows,
    BuildsParts,
    Trains,
    Predicts,
    GoesOn,
    NeuralNetClassifier,
):
    """Base of the classifiers: a skorch net that is a scikit-learn classifier.

    Takes labels and tables as scikit-learn classifiers do, sizes the module from the
    data, and keeps every option of :class:`skorch.NeuralNetClassifier`:
    ``module__*``, ``criterion__*``, ``optimizer__*``, ``iterator_train__*``,
    ``callbacks``, ``history``, ``partial_fit``, ``save_params``.

    Parameters
    ----------
    module : {'mlp', 'conv', 'resnet18'} or nn.Module class or instance, default='mlp'
        Gives logits of shape (n, n_classes). A class is called with ``module__*`` and,
        where its constructor takes them, ``n_features``, ``n_classes`` and ``encoding``
        (see ``numeric_encoding``), learned from the data.
    criterion : {'cross_entropy', 'focal', 'ldam'} or nn.Module class, \
            default='cross_entropy'
        Loss of logits and class indices, or soft labels. A class is called with
        ``criterion__*`` and, where its constructor takes them, ``weight`` (from
        ``class_weight``) and ``class_counts``.
    optimizer : torch.optim.Optimizer class, default=torch.optim.Adam
        The fused version is used where there is one.
    lr : float, greater than 0, default=1e-3
        Learning rate.
    max_epochs : int, at least 1, default=200
        Most passes over the training rows; early stopping may end sooner.
    batch_size : int, at least 1, -1 or 'auto', default='auto'
        Rows of a step; -1 takes all rows at once. 'auto' takes 128, or fewer (at least
        16) so that an epoch has eight steps: with one step per epoch, early stopping
        would end training before it has begun.
    iterator_train : {'shuffled', 'balanced', 'smote', 'mixup', 'remix'} or class, \
            default='shuffled'
        Which rows a step sees, see :mod:`imbdeep.batches`, or another iterator such as
        :class:`torch.utils.data.DataLoader`.
    iterator_valid : class, default=TensorBatches
        Iterator for validation and prediction. Unless ``iterator_valid__batch_size``
        is given, its batches have at least 1024 rows.
    dataset : class, default=skorch.dataset.Dataset
    train_split : 'stratified', callable or None, default='stratified'
        How validation rows are set aside: shuffled and stratified, at least one row of
        each class on either side; a skorch split such as ``predefined_split(dataset)``;
        None trains on all rows, without early stopping.
    validation_fraction : float in (0, 1), default=0.2
        Share of each class set aside by the stratified split.
    early_stopping : bool or 'auto', default='auto'
        True stops when the average precision on the validation rows has not improved
        for ``patience`` epochs, and goes back to the best epoch. 'auto' does so where
        each class has at least five validation rows. With fewer, the best epoch is a
        matter of chance: the stratified split sets no rows aside then, and the net
        trains on all of them for ``max_epochs``; validation rows that are given, as
        ``eval_set`` or by another split, are scored but end nothing. False never
        stops early; the split is made all the same.
    patience : int, at least 1, default=20
        Epochs without improvement before stopping.
    numeric_encoding : {'piecewise_linear', 'standard', None}, \
            default='piecewise_linear'
        How a module that takes ``encoding`` sees its columns: by their quantiles,
        standardised, or as they are. The default makes an unscaled table work.
    n_bins : int, at least 2, default=16
        Most bins of a feature in the piecewise-linear encoding.
    class_weight : dict, 'balanced' or None, default=None
        Weight of each class in the loss, by label; 'balanced' is inversely
        proportional to the number of rows.
    weight_reduction : {'weights', 'rows'}, default='weights'
        What the weighted loss of a batch is divided by, whatever its weights come from.
        'weights', the sum of its weights: as :class:`torch.nn.CrossEntropyLoss` and
        scikit-learn's :class:`~sklearn.neural_network.MLPClassifier` do, so that
        batches have the same influence and only the ratios of weights matter. 'rows',
        the number of its rows: rows have the same influence whatever batch they are in,
        as the losses of most papers are written. ``class_weight`` is then used as it
        is given, and ``sample_weight`` divided by its mean, so that equal weights are
        no weights.
    callbacks : list of callbacks, 'disable' or None, default=None
        Added to the default ones.
    predict_nonlinearity : callable, 'auto' or None, default='auto'
        Turns logits into probabilities. 'auto' is the softmax of the logits times the
        ``scale`` of the criterion, if it has one, and the identity for
        :class:`torch.nn.NLLLoss`, whose module gives probabilities.
    warm_start : bool, default=False
        Whether ``fit`` goes on from where the last one ended. Its history goes on, too,
        by an entry per epoch with one for each batch in it, and so does that of
        ``partial_fit``: a net that is trained for ever wants
        ``net.history[:] = net.history[-1:]`` from time to time.
    verbose : int, default=0
        1 prints a line per epoch.
    device : str, torch.device or None, default='auto'
        'auto' is CUDA where there is one, else the CPU. None leaves the module where it
        is.
    compile : bool, default=False
        Whether to compile the module, see :func:`torch.compile`.
    classes : array-like or None, default=None
        All labels, when ``fit`` or the first ``partial_fit`` may not see each of them.
    on_interrupt : {'raise', 'stop'}, default='raise'
        What a Ctrl-C does to training. 'raise' raises :exc:`KeyboardInterrupt` out of
        ``fit``, so that a script, a search or a cross-validation ends, and the net is
        what it was before. 'stop' is for interactive use, and skorch's way: training
        ends and keeps what was learned; a warning and ``interrupted_`` say so.
    use_caching : 'auto' or bool, default='auto'
        See :class:`skorch.NeuralNet`.
    torch_load_kwargs : dict or None, default=None
        See :class:`skorch.NeuralNet`.
    random_state : int, RandomState instance or None, default=None
        Decides the split, the weights at the start, the order of the rows and dropout.
        The global generators of NumPy and torch are left as they were. None draws a
        seed from NumPy's global generator.
    **kwargs
        Further skorch arguments with a prefix, such as ``module__hidden_sizes``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted. Targets of training, which callbacks see, are positions in
        them; scoring callbacks, such as :class:`skorch.callbacks.EpochScoring`, see
        the labels.
    class_counts_ : ndarray of shape (n_classes,)
        Rows of each class in ``fit``, validation rows included.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If ``X`` is a data frame with string column names.
    do_early_stopping_ : bool
        Whether validation rows decided when the last training ended.
    interrupted_ : bool
        Whether a Ctrl-C ended the last training, which ``on_interrupt='stop'`` allows.
    module_, criterion_, optimizer_ : torch objects
        The initialised parts.
    history_ : skorch.history.History
        What each epoch recorded.

    Notes
    -----
    The bins of the numeric encoding are quantiles of all rows given to ``fit``, the
    rows set aside for validation included; their labels are not used.

    Every ``fit`` begins anew. A module that is given as an instance begins with its
    weights; it is copied and stays as it is.

    ``partial_fit`` keeps the labels and the numeric encoding of the first call and adds
    to ``class_counts_``.

    ``set_params`` leaves what a fitted net predicts as it is, but for the parameters of
    prediction: ``device``, ``batch_size`` and ``predict_nonlinearity``. Training that
    goes on, with ``partial_fit`` or ``warm_start``, takes up the new parameters:
    callbacks and the criterion are built anew, and the optimizer keeps its state where
    that fits. What decides the module, such as ``module__hidden_sizes`` or ``n_bins``,
    raises an error then, because its weights would be lost.

    X is used as float32. Where that would merge the values of a column of a table, such
    as those of time stamps, or cannot hold them, rows are float64 as far as the numeric
    encoding, which then works in double precision. A module that takes no ``encoding``
    and ``numeric_encoding=None`` have no such place: ``fit`` warns and names the
    columns.

    Sparse tables are made dense a batch at a time, and give the same net.

    In prediction the module sees each column of a table kept to the range of the
    training rows: a value beyond counts as the outermost one there, and a column that
    did not vary in training makes no difference, whatever it holds later.

    What global switches of torch, NumPy and scikit-learn are set to, such as torch's
    default dtype and device, gradients and inference mode, NumPy's treatment of errors
    or ``transform_output``, does not matter to ``fit`` and prediction. The number of
    threads and the precision of matrix products are left to the user.

    A ``fit`` or ``partial_fit`` that fails or is interrupted, for whatever reason and
    however late, leaves the net exactly as it was: unfitted, or with all that it had
    learned. ``partial_fit`` and ``warm_start`` keep a copy of the weights and of the
    optimizer's state for that.

    A fit draws from generators of its own: nothing changes for what other threads draw
    from torch's global generators meanwhile, nor for the fit, and several threads can
    fit nets at once. Code of the user's, such as :class:`torch.nn.Dropout` in a module,
    knows the global generators alone. They are seeded for the fit and put back where
    the module, criterion, optimizer, training iterator or data set is an instance or a
    class that is not the library's or torch's, or with ``compile=True``. Such fits take
    turns, and other threads had better not draw meanwhile. One net cannot be fitted by
    two threads at once.
    """

    _parameter_constraints = {
        "module": [StrOptions(set(MODULES)), torch.nn.Module, callable],
        "criterion": [StrOptions(set(LOSSES)), torch.nn.Module, callable],
        "optimizer": [callable],
        "lr": [FiniteReal(0, None, closed="neither")],
        "max_epochs": [WholeNumber(1)],
        "batch_size": [
            WholeNumber(1),
            Options(Integral, {-1}),
            StrOptions({"auto"}),
        ],
        "iterator_train": [StrOptions(set(BATCHES)), callable],
        "iterator_valid": [callable],
        "train_split": [StrOptions({"stratified"}), callable, None],
        "validation_fraction": [FiniteReal(0, 1, closed="neither")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "patience": [WholeNumber(1)],
        "numeric_encoding": [StrOptions({"piecewise_linear", "standard"}), None],
        "n_bins": [WholeNumber(2)],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "weight_reduction": [StrOptions({"weights", "rows"})],
        "dataset": [callable],
        "classes": ["array-like", None],
        "use_caching": ["boolean", StrOptions({"auto"})],
        "torch_load_kwargs": [dict, None],
        "predict_nonlinearity": [StrOptions({"auto"}), callable, None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "compile": ["boolean"],
        "on_interrupt": [StrOptions({"raise", "stop"})],
        "device": [str, torch.device, None],
        "random_state": ["random_state"],
        "callbacks": [list, StrOptions({"disable"}), None],
    }

    rows_dtype_ = np.dtype(np.float32)
    column_range_ = None
    allows_nd_ = True

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
        iterator_valid=TensorBatches,
        dataset=Dataset,
        train_split="stratified",
        validation_fraction=0.2,
        early_stopping="auto",
        patience=20,
        numeric_encoding="piecewise_linear",
        n_bins=16,
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
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.numeric_encoding = numeric_encoding
        self.n_bins = n_bins
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
        eval_set=None,
        eval_X=None,
        eval_y=None,
    ):
        """Fit the net.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
                array-like with more axes if the module takes them
            Finite numbers. Or a dict with one such entry, or a map-style
            :class:`torch.utils.data.Dataset` that yields pairs (x, y) of arrays, all of
            whose rows are read into memory.
        y : array-like of shape (n_samples,) or None, default=None
            None only if ``X`` is a data set that yields labels. Labels of any type that
            can be sorted. A class of one row is learned from, and no validation row is
            set aside of it; a warning says so.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows in the loss, at least 0. Only their ratios matter. All
            ones equals None.
        eval_set : tuple (X_valid, y_valid) or None, default=None
            Validation rows to use instead of setting some of ``X`` aside.
        eval_X, eval_y : array-like or None, default=None
            The same in two arguments, of which a pipeline can transform the first:
            ``Pipeline(..., transform_input=['eval_X'])``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used; before any training.
        """
        reset = not (self._starts_warm() and self.initialized_)
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit(X, y, sample_weight, eval_set, reset, "fit")

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
        """Go on training for another ``max_epochs``, without starting anew.

        Parameters
        ----------
        X, y
            See :meth:`fit`.
        classes : array-like or None, default=None
            All labels, in the first call, if ``y`` may lack some.
        sample_weight : array-like of shape (n_samples,) or None, default=None
        eval_set : tuple (X_valid, y_valid) or None, default=None
        eval_X, eval_y : array-like or None, default=None

        Returns
        -------
        self : object
        """
        reset = not self.initialized_
        eval_set = read_eval_set(eval_set, eval_X, eval_y)
        return self._fit(X, y, sample_weight, eval_set, reset, "partial_fit", classes)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
