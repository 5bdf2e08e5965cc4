"""Entries that the docstrings of several samplers share."""

SHARED = {
    "autoencoder": """\
autoencoder : nn.Module or None, default=None
    A module with submodules ``encoder`` and ``decoder`` for encoded rows (see Notes).
    A copy of it is trained. None takes :class:`~imbdeep.modules.MLPAutoencoder` for
    tables and :class:`~imbdeep.modules.ConvAutoencoder` for images.
""",
    "batch_size": """\
batch_size : int, at least 1, or 'auto', default='auto'
    Rows per step. 'auto' takes an eighth of the rows, at least 64 and at most 1024.
""",
    "categorical_features": """\
categorical_features : 'auto', array-like or None, default='auto'
    Columns that hold categories: names, positions or a boolean mask. 'auto' takes
    columns with text, categories or booleans in a data frame or an array of objects.
    Synthetic rows hold only categories that occur. Numbers are positions, even if a
    data frame has numbers for names.
""",
    "classes_": """\
classes_ : ndarray of shape (n_classes,)
""",
    "clip": """\
clip : bool, default=True
    Whether to clip synthetic values to the range of their column.
""",
    "cluster_weight": """\
cluster_weight : float, at least 0, default=0.01
    :math:`\\Lambda_1` of eq. (2.3), the weight of the cluster loss. The default
    separates the classes, but lets the latents within a class differ; with larger
    values, latents and synthetic rows become ever more alike. 0 gives a plain
    autoencoder.
""",
    "device": """\
device : str or torch.device, default='auto'
    'auto' is CUDA if available, else the CPU.
""",
    "feature_names_in_": """\
feature_names_in_ : ndarray of shape (n_features_in_,)
    If ``X`` is a data frame with string column names.
""",
    "generator_": """\
generator_ : nn.Module
    Generates encoded rows from noise and a one-hot class.
""",
    "hidden_sizes": """\
hidden_sizes : sequence of int, default=(128,)
    Widths of the encoder's hidden layers for tables; the decoder has them in
    reverse order.
""",
    "integer_features": """\
integer_features : 'auto', array-like or None, default=None
    Columns whose synthetic values are whole numbers: names, positions or a boolean
    mask. 'auto' takes columns that hold nothing else. Columns of integer dtype in a
    data frame always stay whole.
""",
    "is_synthetic_": """\
is_synthetic_ : ndarray of shape (n_samples_new,), bool
    Which of the returned rows are synthetic. The original rows come first,
    unchanged.
""",
    "latent_": """\
latent_ : ndarray of shape (n_samples, n_latent), float32
    Latents of the training rows.
""",
    "lr": """\
lr : float, greater than 0, default=2e-3
    Learning rate of Adam.
""",
    "margin": """\
margin : float, at least 0, default=3.0
    Distance to which two classes are pushed apart: in spreads, and at least absolute.
""",
    "minority_weight": """\
minority_weight : float, at least 0, default=1.0
    :math:`\\lambda_1` of eq. (2.2): the pull of classes other than the largest.
""",
    "n_latent": """\
n_latent : int, at least 1, default=32
    Length of the noise.
""",
    "n_neighbors": """\
n_neighbors : int, at least 1, default=5
    Neighbours of the same class to interpolate with; a class with fewer other rows
    uses all of them.
""",
    "push_weight": """\
push_weight : float, at least 0, default=1.0
    :math:`\\lambda_2` of eq. (2.2): the push between classes.
""",
    "random_state": """\
random_state : int, RandomState instance or None, default=None
    Determines initial weights, batches and draws.
""",
    "sampling_strategy": """\
sampling_strategy : float, str, dict or callable, default='auto'
    Number of rows per class afterwards, as in imbalanced-learn: 'auto' or
    'not majority' grows every class to the size of the largest, 'minority' only
    the rarest, 'all' every class; a float is the ratio of minority to majority
    rows afterwards (two classes only); a dict gives the number of rows per class;
    a callable takes ``y`` and returns such a dict.
""",
    "sampling_strategy_": """\
sampling_strategy_ : dict
    Number of synthetic rows per class.
""",
    "scaling": """\
scaling : {'standard', 'minmax', 'quantile'}, default='standard'
    How to scale numeric columns for the net: to mean 0 and variance 1; to [0, 1]; or
    by their ranks to a normal distribution, for heavy tails. Images are always scaled
    to [0, 1], with one scale for all pixels.
""",
    "temperature": """\
temperature : float, greater than 0, default=0.5
    Temperature of the Gumbel-softmax that draws categories: the smaller, the closer
    to one-hot, and the steeper the gradient.
""",
    "tol": """\
tol : float, at least 0, default=0.01
    Training has converged when no loss changes by more than this share between the
    means of successive spans of ``patience`` epochs.
""",
    "verbose": """\
verbose : int, default=0
    At least 1 shows a progress bar with the losses.
""",
    "weight_decay": """\
weight_decay : float, at least 0, default=0.0
    :math:`\\Lambda_2` of eq. (2.3): weight of the squared norm of all parameters.
""",
}
