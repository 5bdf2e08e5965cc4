"""The one place where skorch meets scikit-learn."""

import inspect
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from numbers import Integral

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import (
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_sample_weight
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.callbacks import EpochTimer, PassthroughScoring
from skorch.dataset import Dataset, get_len, unpack_data
from skorch.history import History
from skorch.utils import is_dataset, to_tensor
from torch.utils.data import Subset

from imbdeep._all_or_nothing import all_or_nothing, refuse_other_threads
from imbdeep._arguments import FiniteReal, WholeNumber, naming_value
from imbdeep._nets.eval_set import read_eval_set
from imbdeep._nets.going_on import GoesOn
from imbdeep._nets.interrupts import raised_by_a_handler, watch_interrupts
from imbdeep._nets.nested_parameters import (
    check_callbacks,
    check_iterator,
    check_names_of_callbacks,
    check_optimizer,
    check_sizes,
    naming_batches,
    naming_failures,
    naming_parameters,
)
from imbdeep._nets.scoring import score_in_labels
from imbdeep._tables.precision import (
    check_finite_outputs,
    check_spans,
    columns_losing_digits,
    to_float32,
    warn_of_lost_digits,
)
from imbdeep._tables.reading import read_rows, read_rows_and_labels
from imbdeep._tables.rows import column_range
from imbdeep._tables.validation import sorted_labels, warn_of_lone_rows
from imbdeep._torch.device import check_device, resolve_device
from imbdeep._torch.draws import drawing_for_fit, draws_globally
from imbdeep._torch.seeding import seeded_torch
from imbdeep._torch.switches import usual_switches
from imbdeep.batches import TensorBatches
from imbdeep.batches._registry import BATCHES
from imbdeep.callbacks import EarlyStopping, EpochMetrics, FiniteLoss, PrintLog
from imbdeep.losses import ClassificationLoss
from imbdeep.losses._reduction import reduce_losses
from imbdeep.losses._registry import LOSSES
from imbdeep.modules._numeric_encoding import encoding_recipe
from imbdeep.modules._registry import MODULES

# Parameters that a property resolves, so that skorch never sees their 'auto'.
_RESOLVED = ("batch_size", "device")

# Validation rows of the rarest class that average precision needs to tell when to stop.
_LEAST_RARE_ROWS = 5

# Least rows of a batch when nothing is learned from it: the larger, the fewer steps.
_INFERENCE_BATCH_SIZE = 1024


def accepts(function, name):
    """Whether a class or function takes a keyword argument of this name.

    Examples
    --------
    >>> from imbdeep.base import accepts
    >>> accepts(sorted, 'key'), accepts(sorted, 'lock')
    (True, False)
    """
    try:
        return name in inspect.signature(function).parameters
    except ValueError:  # of a class that is not written in Python
        return False


def scaled_softmax(logits, scale=1.0):
    """Probabilities of logits, in float64 so that the rows sum to 1.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.base import scaled_softmax
    >>> scaled_softmax(torch.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """
    return (scale * logits.double()).softmax(-1)


def scaled_log_softmax(logits, scale=1.0):
    """Logarithms of the probabilities of logits, finite where these are too small.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.base import scaled_log_softmax
    >>> scaled_log_softmax(torch.tensor([[0.0, 1000.0]]))
    tensor([[-1000.,     0.]], dtype=torch.float64)
    """
    return (scale * logits.double()).log_softmax(-1)


def auto_batch_size(n_rows, n_classes=2):
    """Rows of a step for a table of ``n_rows``: 128, or fewer for eight steps.

    Examples
    --------
    >>> from imbdeep.base import auto_batch_size
    >>> [auto_batch_size(n) for n in (50, 400, 2_000)]
    [16, 50, 128]
    """
    return max(16, 2 * n_classes, min(128, n_rows // 8))


def _identity(probabilities):
    return probabilities


def _as_tensor(nonlinearity, logits):
    """What a nonlinearity of the user's makes of logits, if that is a tensor."""
    with naming_parameters("predict_nonlinearity", nonlinearity, {}):
        outputs = nonlinearity(logits)
    if not isinstance(outputs, torch.Tensor):
        raise ValueError(
            "predict_nonlinearity must turn the logits, a tensor, into a tensor of "
            f"probabilities, got {outputs!r}."
        )
    return outputs


def _writeable(X):
    # torch cannot share memory that NumPy holds read-only.
    return X if sparse.issparse(X) or X.flags.writeable else X.copy()


def stratified_split(y, fraction, random_state):
    """Split rows into training and validation part, class by class.

    Every class of at least two rows has rows on both sides; a class of one row stays
    in training.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class indices.
    fraction : float in (0, 1)
        Share of each class that goes to validation.
    random_state : RandomState

    Returns
    -------
    train, valid : ndarray of int
        Positions of the rows, increasing.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.base import stratified_split
    >>> y = np.array([0] * 8 + [1] * 2)
    >>> train, valid = stratified_split(y, 0.2, np.random.RandomState(0))
    >>> np.bincount(y[train]), np.bincount(y[valid])
    (array([6, 1]), array([2, 1]))
    """
    in_valid = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        rows = random_state.permutation(np.flatnonzero(y == label))
        n_valid = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        in_valid[rows[:n_valid]] = True
    return np.flatnonzero(~in_valid), np.flatnonzero(in_valid)


class BaseNetClassifier(GoesOn, NeuralNetClassifier):
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
        16) so that an epoch has eight steps: with one step an epoch, early stopping
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
        by an entry an epoch with one for each batch in it, and so does that of
        ``partial_fit``: a net that is trained for ever wants
        ``net.history[:] = net.history[-1:]`` from time to time.
    verbose : int, default=0
        1 prints a line an epoch.
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
        Labels, sorted. During training, whose targets are encoded, they are
        0 .. n_classes - 1, and so is what ``predict`` returns; but scoring callbacks,
        such as :class:`skorch.callbacks.EpochScoring`, see the labels.
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

    n_epochs_done_ = 0
    rows_dtype_ = np.dtype(np.float32)
    column_range_ = None
    allows_nd_ = True
    scores_in_labels_ = False

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

    # --- Parameters ------------------------------------------------------------------

    @property
    def device(self):
        """Device that training and prediction run on; never ``'auto'``."""
        return resolve_device(vars(self)["device"])

    @device.setter
    def device(self, device):
        vars(self)["device"] = device

    @property
    def batch_size(self):
        """Rows of a step; never ``'auto'``."""
        size = vars(self)["batch_size"]
        if isinstance(size, str) and size == "auto":
            return getattr(self, "auto_batch_size_", 128)
        return size

    @batch_size.setter
    def batch_size(self, batch_size):
        vars(self)["batch_size"] = batch_size

    def _get_param_names(self):
        return [name for name in super()._get_param_names() if name[0] != "_"]

    def get_params(self, deep=True, **kwargs):
        params = super().get_params(deep=deep, **kwargs)
        # skorch lists the defaults of default callbacks whatever was set.
        params |= self._prefixed("callbacks")
        if hasattr(self, "training_"):
            return params  # callbacks want what is in use
        return {**params, **{name: vars(self)[name] for name in _RESOLVED}}

    def _check_parameters(self):
        # skorch unpacks them where parameters are listed.
        check_names_of_callbacks(self.callbacks)
        validate_parameter_constraints(
            self._parameter_constraints,
            self.get_params(deep=False),
            caller_name=type(self).__name__,
        )
        for prefix, iterator in (
            ("iterator_train", self._training_iterator()),
            ("iterator_valid", self.iterator_valid),
        ):
            check_iterator(prefix, iterator, self._set_by_user(prefix))
        check_device("cpu" if self.device is None else self.device)

    def _component(self, name, registry):
        """The class, instance or function behind a parameter that may be a name."""
        value = getattr(self, name)
        return registry[value] if isinstance(value, str) else value

    def _training_iterator(self):
        return self._component("iterator_train", BATCHES)

    # --- Training --------------------------------------------------------------------

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

    def _starts_warm(self):
        # Whatever else it is, an error will say when parameters are checked.
        return isinstance(self.warm_start, bool | np.bool_) and self.warm_start

    @usual_switches()
    def _fit(self, X, y, sample_weight, eval_set, reset, method, classes=None):
        with all_or_nothing(self, going_on=not reset):
            self._check_parameters()
            self.check_training_readiness()
            changes = {} if reset else self._changed_parameters()
            X, y = self._check_rows(X, y, reset=reset)
            if reset:
                self._reset_random_state()
                self._learn_labels(y, classes)
                self._learn_from_columns(X)
            else:
                self._check_declared(classes)
                self._check_declared(self.classes)
            self._learn_column_range(X, reset)
            self._learn_from_rows(X)
            target = self._encode(y)
            counts = np.bincount(target, minlength=len(self.classes_))
            self._check_class_counts(counts, method, eval_set)
            if eval_set is not None:
                eval_set = self._check_eval_set(eval_set)
            if sample_weight is not None:
                weight = _check_sample_weight(
                    sample_weight, X, dtype=np.float32, ensure_non_negative=True
                )
                if self.weight_reduction == "rows":
                    weight /= weight.mean(dtype=np.float64)
                if (weight != 1).any():
                    X = {"X": X, "sample_weight": weight}
            self._learn_class_counts(counts, reset)
            if "random_state" in changes:
                self._reset_random_state()
            with self._training(eval_set):
                if reset:
                    self.initialize()
                else:
                    self._take_up(changes)
                    self._update_criterion(self.class_counts_)
                return self._train(X, target, method)

    def _train(self, X, target, method, epochs=None):
        """Train an initialized net on checked rows and encoded targets.

        Methods that train in stages override this and call it once for each stage.
        """
        self.n_epochs_done_ = 0
        with watch_interrupts() as interrupts:
            super().partial_fit(X, target, epochs=epochs, _routing_method=method)
        if interrupts.seen or self.interrupted_:
            self._stop_early()
        return self

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        try:
            return super().fit_loop(X, y, epochs=epochs, **fit_params)
        except KeyboardInterrupt as error:
            # Not a callback's way to stop.
            self.interrupted_ = raised_by_a_handler(error)
            raise

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is not None:
            own = "iterator_train" if training else "iterator_valid"
            find_params = partial(self._set_by_user, own)
            iterator = naming_batches(own, type(iterator), find_params, iterator)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)

    def _step_optimizer(self, step_fn):
        # The optimizer calls what calls module and criterion.
        failed = []

        def remember_failure():
            try:
                return step_fn()
            except Exception as error:
                failed.append(error)
                raise

        try:
            super()._step_optimizer(remember_failure)
        except Exception:
            if failed:
                raise
            with self._naming("optimizer", self.optimizer):
                raise

    def _stop_early(self):
        """Pass an interrupt on, or say that there was one."""
        if self.on_interrupt == "raise":
            raise KeyboardInterrupt
        self.interrupted_ = True
        warnings.warn(
            f"Training was interrupted after {len(self.history)} epochs, and the net "
            "keeps what it learned until then. on_interrupt='raise' ends the program "
            "instead.",
            stacklevel=2,
        )

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        self.n_epochs_done_ += 1

    @property
    def do_early_stopping_(self):
        """Whether validation rows decided when the last training ended."""
        return any(getattr(c, "watched_", True) for c in self._early_stoppings())

    def _early_stoppings(self):
        return [c for _, c in self.callbacks_ if isinstance(c, SkorchEarlyStopping)]

    def _was_interrupted(self, epochs):
        """Whether the last stage ended before its time, and not by early stopping."""
        stopped = any(c.misses_ >= c.patience for c in self._early_stoppings())
        return self.n_epochs_done_ < epochs and not stopped

    @contextmanager
    def _training(self, eval_set):
        """Mark the net as in training: labels are encoded, torch is seeded."""
        self.training_, self.eval_set_ = True, eval_set
        self.interrupted_ = False
        try:
            with self._seeded():
                yield
        finally:
            del self.training_, self.eval_set_

    def _seeded(self):
        return seeded_torch(
            self._draw_seed, self.device or "cpu", shared=self._draws_globally()
        )

    def _draws_globally(self):
        """Whether a part may draw from torch's global generators, not from ours."""
        parts = [
            type(self),
            self._component("module", MODULES),
            self._component("criterion", LOSSES),
            self._training_iterator(),
            self.optimizer,
            self.dataset,
        ]
        for prefix in ("module", "criterion", "iterator_train"):
            parts += filter(callable, self._prefixed(prefix).values())
        # What is compiled has dropout of its own.
        return bool(self.compile) or any(draws_globally(part) for part in parts)

    def notify(self, method_name, **cb_kwargs):
        getattr(self, method_name)(self, **cb_kwargs)
        # Those of the user may draw, and so does skorch's Initializer.
        with drawing_for_fit():
            for name, callback in self.callbacks_:
                with self._naming(f"callbacks__{name}", callback):
                    getattr(callback, method_name)(self, **cb_kwargs)

    def _draw_seed(self):
        if not hasattr(self, "random_state_"):
            self._reset_random_state()
        return int(self.random_state_.randint(np.iinfo(np.int32).max))

    def _reset_random_state(self):
        # A generator of its own, so that the net never draws from a shared one again.
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        self.random_state_ = np.random.RandomState(seed)

    # --- Data ------------------------------------------------------------------------

    def _check_rows(self, X, y="no_validation", *, reset):
        """Rows, and labels unless there are none to check, as the net uses them."""
        if reset:
            module = self._component("module", MODULES)
            self.allows_nd_ = getattr(module, "input_ndim", None) != 2
        params = {"reset": reset, "allow_nd": self.allows_nd_}
        if isinstance(y, str):
            return self._as_used(read_rows(self, X, **params))
        X, y = read_rows_and_labels(self, X, y, **params)
        if X.ndim == 2:
            self._choose_dtype(X, reset)
        return self._as_used(X), y

    def _as_used(self, X):
        if X.ndim == 2 and self.rows_dtype_ == np.float64:
            return _writeable(X.astype(np.float64, copy=False))
        return _writeable(to_float32(X))

    def _choose_dtype(self, X, reset):
        """Take float64 for rows of which float32 loses digits, if the net can."""
        losing = columns_losing_digits(X)
        if reset:
            precise = len(losing) and self._encodes_columns()
            self.rows_dtype_ = np.dtype(np.float64 if precise else np.float32)
        if len(losing):
            check_spans(*column_range(X), self._column_names())
            if self.rows_dtype_ == np.float32:
                warn_of_lost_digits(self._column_names()[losing].tolist())

    def _column_names(self):
        return getattr(self, "feature_names_in_", np.arange(self.n_features_in_))

    def _encodes_columns(self):
        takes_encoding = accepts(self._component("module", MODULES), "encoding")
        return takes_encoding and self.numeric_encoding is not None

    def _check_eval_set(self, eval_set):
        X, y = self._check_rows(*eval_set, reset=False)
        target = self._encode(y)
        absent = np.setdiff1d(self.classes_, y)
        if self.early_stopping != "auto" and self.early_stopping and len(absent):
            raise ValueError(
                f"eval_set has no row of class {absent.tolist()}, so early stopping on "
                "average precision has nothing to rank. Add some, or pass "
                "early_stopping=False."
            )
        return X, target

    def _learn_labels(self, y, classes):
        declared = classes if self.classes is None else self.classes
        labels = (
            sorted_labels("y", y)
            if declared is None
            else sorted_labels("classes", declared)
        )
        if len(labels) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes, got one class: "
                f"{labels.tolist()}. Pass classes= if y may lack some."
            )
        self.classes_inferred_ = labels

    def _check_declared(self, classes):
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} are not those of the first "
                f"call, {self.classes_.tolist()}."
            )

    def _check_class_counts(self, counts, method, eval_set):
        """Tell of classes with few rows; ``partial_fit`` may see none of a class."""
        if self._splits_small_classes(method, eval_set):
            warn_of_lone_rows(self.classes_, counts)

    def _splits_small_classes(self, method, eval_set):
        """Whether ``fit`` sets rows aside however few there are of a class."""
        stratified = self.train_split == "stratified" and self.early_stopping != "auto"
        return method == "fit" and eval_set is None and stratified

    def _learn_class_counts(self, counts, reset):
        self.class_counts_ = counts if reset else self.class_counts_ + counts
        self.auto_batch_size_ = auto_batch_size(int(counts.sum()), len(counts))
        self.class_weight_ = self._weigh_classes(self.class_counts_)

    def _weigh_classes(self, counts):
        """Weight of each class of which there are so many rows, or None."""
        if self.class_weight is None:
            return None
        labels, present = self.classes_inferred_, counts > 0
        weights = np.ones(len(labels))
        with naming_value("class_weight", self.class_weight):
            weights[present] = compute_class_weight(
                self.class_weight, classes=labels[present], y=np.repeat(labels, counts)
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(
                f"class_weight must be finite and at least 0, got {weights}."
            )
        if not weights.any():
            raise ValueError("class_weight gives every class weight 0.")
        return weights

    def _update_criterion(self, counts):
        """Tell a criterion in use that there are so many rows of each class now."""
        if isinstance(self.criterion_, ClassificationLoss):
            self.criterion_.set_class_counts(torch.from_numpy(counts))
            self.criterion_.weight_reduction = self._criterion_reduction()
            weights = self._weigh_classes(counts)
            if weights is not None:
                weights = torch.as_tensor(weights, dtype=torch.float32)
                self.criterion_.weight = weights.to(self.device)

    def _learn_from_columns(self, X):
        self.encoding_recipe_ = None
        if self._encodes_columns():
            self.encoding_recipe_ = encoding_recipe(
                X, self.numeric_encoding, self.n_bins
            )

    def _learn_column_range(self, X, reset):
        if reset or self.column_range_ is None:
            self.column_range_ = column_range(X) if X.ndim == 2 else None
        else:
            low, high = column_range(X)
            self.column_range_ = (
                np.minimum(low, self.column_range_[0]),
                np.maximum(high, self.column_range_[1]),
            )

    def _learn_from_rows(self, X):
        """Learn what a method takes from the rows of every call, or refuse them."""

    def _encode(self, y):
        labels = self.classes_inferred_
        unknown = np.setdiff1d(y, labels)
        if len(unknown):
            raise ValueError(
                f"y has labels {unknown.tolist()} that are not among the classes "
                f"{labels.tolist()}. Fit anew, or pass classes= with all labels."
            )
        return np.searchsorted(labels, y)

    @property
    def classes_(self):
        labels = self.classes_inferred_
        # Callbacks compare predictions with the targets of training, which are encoded.
        encoded = hasattr(self, "training_") and not self.scores_in_labels_
        return np.arange(len(labels)) if encoded else labels

    def check_data(self, X, y=None):
        """Nothing is left to check: ``fit`` has done it."""

    def get_dataset(self, X, y=None):
        with naming_parameters("dataset", self.dataset, {}):
            return super().get_dataset(X, y)

    def get_split_datasets(self, X, y=None, **fit_params):
        if self.eval_set_ is not None:
            return self.get_dataset(X, y), self.get_dataset(*self.eval_set_)
        if self.train_split != "stratified":
            with naming_parameters("train_split", self.train_split, {}):
                train, valid = super().get_split_datasets(X, y, **fit_params)
            return train, self._check_valid_dataset(valid)
        dataset = self.get_dataset(X, y)
        train, valid = stratified_split(y, self.validation_fraction, self.random_state_)
        if not self._sets_rows_aside(y[valid]):
            return dataset, None
        return Subset(dataset, train), Subset(dataset, valid)

    def _sets_rows_aside(self, y):
        """Whether validation rows of these classes are worth not training on them."""
        stopping = dict(self.callbacks_).get("early_stopping")
        if isinstance(stopping, EarlyStopping):
            return len(y) > 0 and stopping.has_enough(y, self.class_counts_)
        return len(y) > 0

    def _check_valid_dataset(self, dataset):
        """Check and encode a validation set that a split brought along."""
        if dataset is None or isinstance(dataset, Subset):
            return dataset
        # What the user gave has the user's labels, not those of training.
        X, y = self._check_rows(dataset, None, reset=False)
        return self.get_dataset(X, self._encode(y))

    def _rows_of_a_step(self, n_rows):
        """Rows of a step where there are so many in all."""
        return n_rows if self.batch_size == -1 else self.batch_size

    def get_iterator(self, dataset, training=False):
        prefix = "iterator_train" if training else "iterator_valid"
        iterator = self._training_iterator() if training else self.iterator_valid
        params = {"batch_size": self.batch_size} | self.get_params_for(prefix)
        if params["batch_size"] == -1:
            params["batch_size"] = len(dataset)
        if not training and f"{prefix}__batch_size" not in vars(self):
            params["batch_size"] = max(params["batch_size"], _INFERENCE_BATCH_SIZE)
        if "generator" not in params and accepts(iterator, "generator"):
            # A DataLoader draws from it even when it does not shuffle.
            seed = self._draw_seed() if training else 0
            params["generator"] = torch.Generator().manual_seed(seed)
        samplers = {"shuffle", "sampler", "batch_sampler"}
        if training and accepts(iterator, "shuffle") and not samplers & set(params):
            params["shuffle"] = True
        if training and "n_classes" not in params and accepts(iterator, "n_classes"):
            params["n_classes"] = len(self.classes_)
        with naming_parameters(prefix, iterator, self._set_by_user(prefix)):
            batches = iterator(dataset, **params)
        if training:
            self.n_train_batches_ = len(batches)
            self.class_shares_ = self._class_shares(batches)
        return batches

    def _class_shares(self, batches):
        """Share of each class in the rows of training batches, or None if unknown."""
        if not isinstance(batches, TensorBatches):
            return None
        return batches.class_shares(len(self.classes_))

    # --- Parts -----------------------------------------------------------------------

    @property
    def _default_callbacks(self):
        callbacks = [
            ("epoch_timer", EpochTimer()),
            ("finite_loss", FiniteLoss()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("epoch_metrics", EpochMetrics()),
            ("print_log", PrintLog()),
        ]
        # get_params lists the callbacks before fit has checked the parameter's type.
        stops = self.early_stopping
        if isinstance(stops, bool | np.bool_ | str) and stops:
            least = _LEAST_RARE_ROWS if stops == "auto" else 0
            stopping = EarlyStopping(patience=self.patience, least_rare_rows=least)
            callbacks.append(("early_stopping", stopping))
        return callbacks

    def initialize_history(self):
        # skorch empties the history of the last fit, which a failure may bring back.
        self.history_ = History()
        return self

    def initialize_callbacks(self):
        given = self._prefixed("callbacks")
        self._check_callbacks_exist(given)
        check_callbacks(self._uniquely_named_callbacks(), given)
        super().initialize_callbacks()
        score_in_labels(self.callbacks_)
        return self

    def initialize_module(self):
        module = self._component("module", MODULES)
        learned = {
            "n_features": getattr(self, "n_features_in_", None),
            "n_classes": len(getattr(self, "classes_inferred_", ())) or None,
            "encoding": getattr(self, "encoding_recipe_", None),
            "head": getattr(self._component("criterion", LOSSES), "head", None),
        }
        with self._seeded(), drawing_for_fit():
            if learned["encoding"] is not None:
                learned["encoding"] = learned["encoding"]()
            self.module_ = self._build("module", module, learned)
        return self

    def get_params_for(self, prefix):
        params = super().get_params_for(prefix)
        if prefix == "criterion" and accepts(
            self._component("criterion", LOSSES), "weight_reduction"
        ):
            params.setdefault("weight_reduction", self.weight_reduction)
        return params

    def _suits_head(self):
        """Whether the module has the last layer that the criterion is made for."""
        heads = [
            getattr(criterion, "head", None) or "linear"
            for criterion in (self._component("criterion", LOSSES), self.criterion_)
        ]
        chosen = "head" in self.get_params_for("module")
        takes = accepts(self._component("module", MODULES), "head")
        return heads[0] == heads[1] or chosen or not takes

    def initialize_criterion(self):
        criterion = self._component("criterion", LOSSES)
        learned = {
            "weight": getattr(self, "class_weight_", None),
            "class_counts": getattr(self, "class_counts_", None),
        }
        if learned["weight"] is not None and not accepts(criterion, "weight"):
            raise ValueError(
                f"class_weight needs a criterion that takes a weight, got "
                f"{criterion!r}. Use a loss of imbdeep.losses or leave class_weight."
            )
        learned = {
            name: torch.as_tensor(value, dtype=torch.float32)
            for name, value in learned.items()
            if value is not None
        }
        with self._seeded(), drawing_for_fit():
            self.criterion_ = self._build("criterion", criterion, learned)
        if self._uses_class_weights():
            self._check_weight_reduction()
        # Kept apart from the criterion, which trim_for_prediction drops.
        self.gives_probabilities_ = isinstance(self.criterion_, torch.nn.NLLLoss)
        self.logit_scale_ = getattr(self.criterion_, "scale", 1.0)
        return self

    def _uses_class_weights(self):
        return self.class_weight is not None

    def _criterion_reduction(self):
        params = self.get_params_for("criterion")
        return params.get("weight_reduction", self.weight_reduction)

    def _check_weight_reduction(self):
        """Refuse a criterion that divides by the weights where rows are asked for."""
        wanted = self._criterion_reduction()
        own = getattr(self.criterion_, "weight_reduction", "weights")
        reduces = getattr(self.criterion_, "reduction", "mean") == "mean"
        if reduces and (wanted, own) == ("rows", "weights"):
            raise ValueError(
                f"weight_reduction='rows' cannot be had with {self.criterion_!r}, "
                "which divides a weighted loss in its own way. Use a loss of "
                "imbdeep.losses by its name or class, or weight_reduction='weights'."
            )

    def _build(self, name, component, learned):
        """Build a component from its parameters and what it takes of the learned."""
        params = self.get_params_for(name)
        if isinstance(component, torch.nn.Module):
            # A copy: fit must not change a parameter, or a clone would know the data.
            return self.initialized_instance(deepcopy(component), params)
        for key, value in learned.items():
            if value is not None and accepts(component, key):
                params.setdefault(key, value)
        if component in MODULES.values():
            check_sizes(params, learned)
        missing = [
            key
            for key in learned
            if key not in params
            and accepts(component, key)
            and inspect.signature(component).parameters[key].default
            is inspect.Parameter.empty
        ]
        if missing:
            raise ValueError(
                f"{name} needs {missing}, which fit learns from the data. Call fit, "
                f"or pass {', '.join(f'{name}__{key}=' for key in missing)}."
            )
        with naming_parameters(name, component, self._set_by_user(name)):
            part = component(**params)
        if not isinstance(part, torch.nn.Module):
            raise ValueError(
                f"{name}={component!r} must make an nn.Module, not {part}."
            )
        return part

    def _naming(self, prefix, component):
        return naming_failures(prefix, component, partial(self._set_by_user, prefix))

    def _set_by_user(self, prefix):
        """Parameters with a prefix that were given to the net, without the prefix."""
        given = self._prefixed(prefix)
        return {key.removeprefix(f"{prefix}__"): given[key] for key in given}

    def initialize_optimizer(self, triggered_directly=None):
        given = self._set_by_user("optimizer")
        check_optimizer(self.optimizer, given)
        with naming_parameters("optimizer", self.optimizer, given):
            return super().initialize_optimizer(triggered_directly)

    def get_params_for_optimizer(self, prefix, named_parameters):
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        optimizer = getattr(self, prefix)
        alternatives = {"fused", "foreach", "capturable", "differentiable"}
        if accepts(optimizer, "fused") and not alternatives & set(kwargs):
            kwargs["fused"] = True
        return args, kwargs

    def _set_training(self, training=True):
        # Switching walks over every submodule, and few steps change the mode.
        if self.module_.training != training:
            super()._set_training(training)

    def training_rows(self, X, y):
        """Rows that a step trains on instead of those of its batch, and their labels.

        Parameters
        ----------
        X : Tensor of shape (n, ...), or dict if weights or annotations travel along
        y : Tensor of shape (n,) or (n, n_classes)

        Returns
        -------
        X, y
        """
        return X, y

    def look_at_batch(self, batch):
        """Run the module on what a step would train on, in training mode.

        Nothing is learned but what the module itself keeps of what passes through it,
        such as running statistics.

        Parameters
        ----------
        batch : tuple (X, y)
            Of a training iterator.
        """
        X, y = (to_tensor(part, device=self.device) for part in unpack_data(batch))
        X, _ = self.training_rows(X, y)
        self._set_training(True)
        with torch.no_grad():
            self.infer(X)

    def infer(self, x, **fit_params):
        if isinstance(x, Mapping) and "X" in x:
            # Weights or annotations travel with the rows.
            x = x["X"]
        x = self.within_range(to_tensor(x, device=self.device))
        return super().infer(x, **fit_params)

    def within_range(self, x):
        """Rows as the module sees them: no value beyond those of training.

        What a column holds that did not vary in training makes no difference, nor does
        how far a value lies outside of the range seen there. Rows pass through here on
        their way to the module, in prediction, validation and attacks; the steps of
        training see the rows that their method makes as they are.

        Parameters
        ----------
        x : Tensor of shape (*, n, n_features), or of images

        Returns
        -------
        Tensor of the shape of x
            Images as they are.
        """
        steps = hasattr(self, "training_") and self.module_.training
        if steps or self.column_range_ is None:
            return x
        low, high = (
            torch.as_tensor(end, device=x.device) for end in self.column_range_
        )
        # The gradient of a clamp is not 0 at its ends, where a constant column lies.
        return torch.where(low < high, x.clamp(low, high), low)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        self._check_has_outputs(y_pred)
        weight = None
        if isinstance(X, Mapping) and "sample_weight" in X:
            weight = to_tensor(X["sample_weight"], device=self.device)
        with self._naming("criterion", type(self.criterion_)):
            if isinstance(self.criterion_, ClassificationLoss):
                y_true = to_tensor(y_true, device=self.device)
                return self.criterion_.batch_loss(y_pred, y_true, weight)
            losses = super().get_loss(y_pred, y_true, X=X, training=training)
        if losses.ndim:
            return reduce_losses(losses, weight, weight_reduction=self.weight_reduction)
        if weight is not None:
            raise ValueError(
                "sample_weight needs one loss a row, but the criterion "
                f"{type(self.criterion_).__name__} gave one for {len(weight)} rows. "
                "Pass criterion__reduction='none'."
            )
        return losses

    def _check_has_outputs(self, logits):
        """Refuse a module that does not give a logit for each class."""
        n_classes = len(self.classes_inferred_)
        if logits.ndim < 2 or logits.shape[-1] != n_classes:
            raise ValueError(
                f"The module {type(self.module_).__name__} gives outputs of shape "
                f"{tuple(logits.shape)}, and {n_classes} classes need as many logits "
                f"for each row, two classes two: {self.classes_inferred_.tolist()}."
            )

    # --- Prediction ------------------------------------------------------------------

    def forward_iter(self, X, training=False, device="cpu"):
        batches = self._forward_batches(X, training, device)
        while True:
            # Between two batches the switches are those of the caller.
            with usual_switches():
                outputs = next(batches, None)
            if outputs is None:
                return
            yield outputs

    def _forward_batches(self, X, training, device):
        # Half-trained weights beside the labels of before, or the other way round.
        refuse_other_threads(self)
        self.check_is_fitted()
        if hasattr(self, "training_") and isinstance(X, Mapping) and "X" in X:
            # Callbacks pass what the net trains on, with weights.
            X = X["X"]
        if not (hasattr(self, "training_") and is_dataset(X)):
            X = self._check_rows(X, reset=False)
        n_outputs = 0
        for outputs in super().forward_iter(X, training=training, device=device):
            first = outputs[0] if isinstance(outputs, tuple) else outputs
            n_outputs += len(first)
            yield outputs
        if n_outputs != get_len(X):
            raise ValueError(
                f"iterator_valid={self.iterator_valid!r} gave {n_outputs} of "
                f"{get_len(X)} rows. It must give each row once."
            )

    def _get_predict_nonlinearity(self):
        if self.predict_nonlinearity != "auto":
            return partial(_as_tensor, super()._get_predict_nonlinearity())
        self.check_is_fitted()
        if self.gives_probabilities_:
            return _identity
        return partial(scaled_softmax, scale=self.logit_scale_)

    def probabilities(self, logits):
        """Probabilities of the outputs of the module.

        Parameters
        ----------
        logits : Tensor of shape (*, n_classes)

        Returns
        -------
        Tensor of shape (*, n_classes)
        """
        return self._get_predict_nonlinearity()(logits)

    @usual_switches()
    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.

        Raises
        ------
        ValueError
            If the module gives what is no number; says for which row, and which value
            is to blame. If ``predict_nonlinearity=None`` leaves its outputs as they
            are, and they are no probabilities.
        """
        probabilities = super().predict_proba(X)
        if np.isnan(probabilities).any():
            rows = self._check_rows(X, reset=False)
            names = self._column_names() if rows.ndim == 2 else None
            check_finite_outputs(probabilities, rows, names)
        if self.predict_nonlinearity != "auto":
            self._check_are_probabilities(probabilities)
        return probabilities

    def _check_are_probabilities(self, outputs):
        has_columns = outputs.ndim == 2 and outputs.shape[1] == len(self.classes_)
        if has_columns and callable(self.predict_nonlinearity):
            return
        is_positive = has_columns and (outputs >= 0).all()
        if is_positive and np.allclose(outputs.sum(axis=1), 1, atol=1e-3):
            return
        raise ValueError(
            f"With predict_nonlinearity={self.predict_nonlinearity!r} outputs are no "
            f"probabilities of {len(self.classes_)} classes: the first row has "
            f"{outputs[0].tolist()}. Pass 'auto' for a module that gives logits; "
            "net.forward(X) gives these themselves."
        )

    def predict_log_proba(self, X):
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Finite where the probability is too small for a float; ``-inf`` where the
            module, or ``predict_nonlinearity``, gives 0 itself.
        """
        self.check_is_fitted()
        if self.predict_nonlinearity != "auto" or self.gives_probabilities_:
            with np.errstate(divide="ignore"):
                return np.log(self.predict_proba(X))
        outputs = [
            output[0] if isinstance(output, tuple) else output
            for output in self.forward_iter(X)
        ]
        logits = torch.cat(outputs)
        return scaled_log_softmax(logits, self.logit_scale_).numpy()

    def predict(self, X):
        """Most probable label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # --- Pickles ---------------------------------------------------------------------

    def __getstate__(self):
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k not in ("training_", "eval_set_")}

    def __setstate__(self, state):
        requested = state["device"]
        if requested == "auto":
            state["device"] = resolve_device("auto")
        super().__setstate__(state)
        if requested == "auto":
            self.device = "auto"
