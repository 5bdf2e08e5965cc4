"""ReMix as a sampler: mixed rows for any classifier."""

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import FiniteReal
from imbdeep._docs import shared_docs
from imbdeep._generative import as_pixels
from imbdeep.batches._class_draws import RowsByClass
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._tables import TableOverSampler, as_numbers

_IMAGES_AT_ONCE = 256


def draw_mixing(size, alpha, label, random_state):
    r"""Draw the weight of the parent that gives a mixed row its label.

    ReMix mixes two rows with :math:`\lambda \sim Beta(\alpha, \alpha)`. Given that the
    hard label comes from one of them, the weight of that parent is distributed as

    - 'argmax': :math:`\max(\lambda, 1 - \lambda)`;
    - 'sample': :math:`Beta(\alpha + 1, \alpha)`, because a label drawn with
      probability :math:`\lambda` multiplies the density by :math:`\lambda`.

    Parameters
    ----------
    size : int
    alpha : float, greater than 0
    label : {'argmax', 'sample'}
    random_state : RandomState

    Returns
    -------
    ndarray of shape (size,)
        In [0, 1].
    """
    if label == "sample":
        return random_state.beta(alpha + 1, alpha, size)
    mixing = random_state.beta(alpha, alpha, size)
    return np.maximum(mixing, 1 - mixing)


def mix(X, parents, mixing):
    """Compute the rows ``mixing * first parent + (1 - mixing) * second parent``.

    Parameters
    ----------
    X : {ndarray, CSR or CSC matrix} of shape (n, n_features)
    parents : ndarray of shape (m, 2), int
    mixing : ndarray of shape (m,)

    Returns
    -------
    {ndarray, CSR matrix} of shape (m, n_features)
    """
    first, second = X[parents[:, 0]], X[parents[:, 1]]
    if sparse.issparse(X):
        return sparse.diags(mixing) @ first + sparse.diags(1 - mixing) @ second
    mixing = mixing[:, None]
    return mixing * first + (1 - mixing) * second


def mix_table(X, parents, mixing, categorical=()):
    """Mix rows that may have categories and missing numbers.

    A category is that of the parent that weighs more. So is a number where one of the
    two is missing.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Numbers, or objects.
    parents : ndarray of shape (m, 2), int
    mixing : ndarray of shape (m,)
    categorical : array-like of int, default=()
        Positions of the columns of categories.

    Returns
    -------
    ndarray of shape (m, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._remix import mix_table
    >>> X = np.array([[0.0, 1.0], [4.0, np.nan]])
    >>> mix_table(X, np.array([[0, 1], [0, 1]]), np.array([0.75, 0.25]))
    array([[ 1.,  1.],
           [ 3., nan]])
    """
    numeric = np.setdiff1d(np.arange(X.shape[1]), np.asarray(categorical, dtype=int))
    heavier = parents[np.arange(len(parents)), (mixing < 0.5).astype(int)]
    numbers = as_numbers(X, numeric)
    mixed = mix(numbers, parents, mixing)
    missing = np.isnan(mixed)
    mixed[missing] = numbers[heavier][missing]
    if not len(categorical):
        return mixed
    made = X[heavier]
    if len(numeric):
        made[:, numeric] = mixed
    return made


def mix_images(X, parents, mixing):
    """Mix images, whose pixels keep their dtype: whole numbers are rounded.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
    parents : ndarray of shape (m, 2), int
    mixing : ndarray of shape (m,)

    Returns
    -------
    ndarray of shape (m, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._remix import mix_images
    >>> X = np.array([[[0, 100]], [[255, 100]]], dtype=np.uint8)
    >>> mix_images(X, np.array([[0, 1]]), np.array([0.75]))
    array([[[ 64, 100]]], dtype=uint8)
    """
    made = np.empty((len(parents), *X.shape[1:]), X.dtype)
    weights = mixing.reshape(-1, *[1] * (X.ndim - 1))
    # In parts: all of them in float64 might not fit into memory.
    for start in range(0, len(parents), _IMAGES_AT_ONCE):
        part = slice(start, start + _IMAGES_AT_ONCE)
        first, second = X[parents[part, 0]], X[parents[part, 1]]
        weight = weights[part]
        made[part] = as_pixels(weight * first + (1 - weight) * second, X.dtype)
    return made


@shared_docs(SHARED)
class ReMix(TableOverSampler):
    r"""Over-sample by mixing rows of all classes, ReMix [1]_.

    A synthetic row of a class is a convex combination of a row of that class and a row
    drawn from the class-balanced data, :math:`\lambda x + (1 - \lambda) x'` with
    :math:`\lambda` from :math:`Beta(\alpha, \alpha)`: like the rows of a ReMix
    mini-batch, but with hard labels, for classifiers that take no soft ones. Images are
    mixed pixel by pixel.

    Read more in the :ref:`User Guide <remix>`.

    Parameters
    ----------
    {sampling_strategy}
    alpha : float, greater than 0, default=0.3
        Small values mix little; towards 0 rows are only repeated.
    label : {'argmax', 'sample'}, default='argmax'
        Which parent gives a mixed row its label: the one with the greater weight, or
        one drawn with probability equal to its weight, which is unbiased for any
        classifier.
    {categorical_features}
    random_state : int, RandomState instance or None, default=None
        Determines the parents and their weights.

    Attributes
    ----------
    {sampling_strategy_}
    {is_synthetic_}
    soft_targets_ : ndarray of shape (n_samples_new, n_classes)
        Weight of each class in each row, in the order of ``classes_``.
    parents_ : ndarray of shape (n_samples_new, 2), int
        Positions in ``X`` of the two rows that each row is mixed from; the first gives
        the label. Both parents of an original row are the row itself.
    mixing_ : ndarray of shape (n_samples_new,)
        Weight of the first parent; 1 for an original row.
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    imbdeep.classifiers.ReMixClassifier : Mixes anew for every mini-batch.

    Notes
    -----
    Columns of a data frame keep their dtypes: integer columns are rounded. Convert them
    to floating point first to keep the mixed values. So do the pixels of images.

    NOTE[DIFF]: the paper mixes numbers. A category of a mixed row, booleans included,
    is that of the parent that weighs more, and so is a number that one parent lacks: it
    is missing where the heavier parent's is.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz. "ReMix training for calibrated
       imbalanced deep learning". 2020.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.over_sampling import ReMix
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = ReMix(random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    >>> int(sampler.is_synthetic_.sum())
    82
    """

    _allow_nd = True

    _parameter_constraints = {
        **TableOverSampler._parameter_constraints,
        "alpha": [FiniteReal(0, None, closed="neither")],
        "label": [StrOptions({"argmax", "sample"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        alpha=0.3,
        label="argmax",
        categorical_features="auto",
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.categorical_features = categorical_features
        self.alpha = alpha
        self.label = label
        self.random_state = random_state

    def _fit_resample(self, X, y):
        random_state = check_random_state(self.random_state)
        self.classes_, codes = np.unique(y, return_inverse=True)
        seed_classes = np.repeat(
            np.searchsorted(self.classes_, list(self.sampling_strategy_)),
            list(self.sampling_strategy_.values()),
        )
        size = len(seed_classes)
        partner_classes = random_state.randint(len(self.classes_), size=size)
        drawn = RowsByClass(torch.from_numpy(codes)).draw(
            torch.from_numpy(np.stack([seed_classes, partner_classes], axis=1)),
            torch.Generator().manual_seed(int(random_state.randint(2**31 - 1))),
        )
        new_mixing = draw_mixing(size, self.alpha, self.label, random_state)
        if X.ndim > 2:
            made = mix_images(X, drawn.numpy(), new_mixing)
        elif sparse.issparse(X):
            made = mix(X, drawn.numpy(), new_mixing)
        else:
            made = mix_table(X, drawn.numpy(), new_mixing, self._categorical)

        n = len(codes)
        originals = np.arange(n)
        self.parents_ = np.concatenate([np.stack([originals] * 2, 1), drawn.numpy()])
        self.mixing_ = np.concatenate([np.ones(n), new_mixing])
        one_hot = np.eye(len(self.classes_))[codes]
        self.soft_targets_ = mix(one_hot, self.parents_, self.mixing_)
        return made, drawn.numpy()[:, 0]
