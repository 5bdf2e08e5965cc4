"""Entries that the docstrings of several classifiers share."""

SHARED = {
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
