"""Entries that the docstrings of several classifiers share."""

SHARED = {
    "attack_kwargs": """\
**kwargs
    Further parameters of :class:`AdversarialClassifier`, such as ``criterion`` or
    ``reweight_from``, or of :class:`LDAMClassifier`.
""",
    "average_from": """\
average_from : float in [0, 1), default=0.75
    Fraction of ``max_epochs`` after which averaging begins.
""",
    "class_counts_": """\
class_counts_ : ndarray of shape (n_classes,)
    Number of rows per class in ``fit``.
""",
    "classes_": """\
classes_ : ndarray of shape (n_classes,)
    Labels, sorted.
""",
    "eps_": """\
eps_ : ndarray of the shape of a row
    ``eps`` of each feature in the unit of X; 0 for features that may not move.
""",
    "feature_names_in_": """\
feature_names_in_ : ndarray of shape (n_features_in_,)
    If ``X`` is a data frame with string column names.
""",
    "feature_std_": """\
feature_std_ : ndarray of the shape of a row
    Standard deviation of each feature in the training rows.
""",
    "history_": """\
history_ : skorch.history.History
    Records of each epoch.
""",
    "kwargs": """\
**kwargs
    Further parameters of :class:`~imbdeep.base.BaseNetClassifier`, such as
    ``lr`` or ``random_state``.
""",
    "module": """\
module : {'mlp', 'nca', 'tabm', 'conv', 'squeezenet', 'resnet18', 'resnet50', \
        'efficientnet_b0', 'efficientnet_b4'} or nn.Module, default='mlp'
""",
    "movable": """\
perturb : array-like of bool of the shape of a row, list of columns, mapping or \
        Series of bool by column name, or None, default=None
    Features that may be moved, see :class:`AdversarialClassifier`; levels cannot.
box : 'data', tuple (low, high), mapping, DataFrame of two rows or None, \
        default=None
    Smallest and largest value of a moved feature, to which moved rows are clipped,
    see :class:`AdversarialClassifier`.
""",
    "shift_eps": """\
eps : float, array-like that broadcasts to a row, mapping or Series by column \
        name, or None, at least 0, default=None
    How far the shift may move a row, see :class:`AdversarialClassifier`. Tables need
    it, best with ``eps_unit='std'``; None is 8/255 for pixels in [0, 1]. 0 trains on
    clean rows.
eps_unit : {'input', 'std'}, default='input'
    Unit of ``eps`` and ``step_size``: that of X, or the standard deviation of each
    feature in the training rows.
""",
    "step_size_": """\
step_size_ : ndarray of the shape of a row
    Step length of the attack, likewise.
""",
    "truth_column": """\
truth_column : int, str or None, default=None
    Column of ``y`` that holds the true label. It is split off and never trained on;
    see :func:`~imbdeep.crowds.split_truth`.
""",
}
