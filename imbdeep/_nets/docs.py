"""Entries of the docstring of the nets' base class."""

SHARED = {
    "augment": """\
augment : {'flips', 'standard'}, callable or None, default=None
    What is done to the images of a training batch, see :mod:`imbdeep.augmentations`.
    It is drawn anew whenever a row is taken, after rows are re-sampled and before they
    are mixed or attacked, and never changes rows to validate or predict. A callable,
    such as an :class:`torch.nn.Module`, takes the rows of a batch, a tensor of shape
    (n, ...) on the CPU, and a :class:`torch.Generator` to draw from. It returns rows of
    that shape, finite but for the gaps of a table, and no step trains it. In a table,
    columns of levels hold whole numbers: 0, 1, ... for the levels, the most frequent
    first, and their count for one not seen. One level may take the place of another;
    anything else is refused there.
""",
    "members": """\
n_members : int, at least 1, default=1
    Number of nets that are trained as one, each with weights, batches and draws of
    its own; they predict by the mean of their probabilities.
member_holdout : {'folds', 'bootstrap'} or None, default=None
    Which rows a member does not train on. 'folds': one of five stratified folds,
    drawn anew for every five members; fewer folds where the rarest class has fewer
    rows. 'bootstrap': those that it did not draw, with replacement. Early stopping
    then looks at all rows, each judged by the members that did not see it, and
    training cannot go on with others. None: all train on the same rows.
member_sampling : float, str, dict, callable or None, default=None
    Which classes each member under-samples, to rows of its own; see
    :class:`imblearn.under_sampling.RandomUnderSampler`.
refit : bool, default=False
    With ``member_holdout``: whether the members, once it is known how many epochs
    are best, are trained anew for so many on all rows.
""",
    "prior_correction": """\
prior_correction : bool, default=False
    Whether probabilities refer to the class shares of the data, or to
    ``target_prior``, where training saw others: balanced batches, class weights,
    deferred weights or members that under-sample. False leaves them as they are
    learned. Training itself does not change.
target_prior : array-like of shape (n_classes,), dict, Series or None, default=None
    With ``prior_correction``: shares of the classes in the rows to predict, in the
    order of ``classes_`` or by label. None takes those of the rows in ``fit``,
    weighted by ``sample_weight``.
""",
    "trained_prior_": """\
trained_prior_ : ndarray of shape (n_classes,)
    With ``prior_correction``: share of each class in the loss; of several members the
    mean, and each is corrected by its own.
target_prior_ : ndarray of shape (n_classes,)
    With ``prior_correction``: shares that probabilities refer to.
""",
    "prior_notes": """\
With ``prior_correction`` the log of ``target_prior_`` / ``trained_prior_`` is added to
the log-probabilities of a row, for each member before members are averaged: Bayes'
rule, exact for a net that has learned the probabilities of its batches. The trained
prior is derived, not counted:

- The share of a class in the rows of a batch times its weight, which is its weight in
  the loss times the mean ``sample_weight`` of its rows. 'balanced' batches have equal
  shares, 'remix' and 'smote' those of their way of balancing.
- With ``weight_reduction='weights'`` a batch with more rows of a heavy class is divided
  by more, so that this class counts less: the expectation of the class's part of a
  batch. In batches of few rare rows that is far from the product of the two.
- Soft labels count in parts: a mixture lends its weight to both labels.
- If weights change between epochs, as deferred ones do, those of the epoch that is
  kept; with weight averaging, the geometric mean over the epochs that are averaged,
  which is exact for a linear module.
- ``module='nca'``: the shares of the votes, which follow ``class_weight`` and
  ``sample_weight``. Its neighbours are all rows, whatever batches look like: with
  balanced batches nothing is left to correct.
- ``partial_fit`` and ``warm_start`` add up over calls, weighted by their rows.

No such rule is exact for losses whose minimum is not the probability, the focal loss
and the margins of LDAM, nor for mixed, synthetic or attacked rows: there the class
shares alone are corrected. Validation scores, ``oof_proba_`` and attacks on the fitted
net see corrected probabilities, and ``valid_loss`` is then without class weights.
""",
    "fits": """\
A ``fit`` or ``partial_fit`` that fails or is interrupted, however late, leaves the
net exactly as it was: unfitted, or with all that it had learned. ``partial_fit``
and ``warm_start`` keep a copy of the weights and of the optimizer's state for that.

A fit draws from generators of its own: it neither affects nor sees what other
threads draw from torch's global generators, and several threads can fit nets at
once. A user's own code, such as :class:`torch.nn.Dropout` in a module, can draw
from the global generators only. These are seeded for the fit and restored
afterwards if the module, criterion, optimizer, training iterator or data set is an
instance, or a class of neither this library nor torch, or with ``compile=True``.
Such fits take turns, and other threads should not draw meanwhile. Two threads
cannot fit the same net at once.
""",
    "by_batch": """\
Sparse tables are made dense one batch at a time, and give the same net. Images of
bytes or other small integers, and images in a mapped file, such as
``np.load(path, mmap_mode='r')``, become float32 one batch at a time, with the same
values (0 to 255 are not scaled) and the same net: there is never a copy of all. This
holds for the iterators of :mod:`imbdeep.batches`; others, and methods that compute with
all rows before they train, such as attacks, make a copy.
""",
    "on_changes": """\
``set_params`` does not change what a fitted net predicts, except for the parameters
of prediction: ``device``, ``batch_size`` and ``predict_nonlinearity``. Training
that continues, with ``partial_fit`` or ``warm_start``, adopts the new parameters:
it rebuilds the callbacks and the criterion, and the optimizer keeps its state where
that fits. Parameters that shape the module, such as ``module__hidden_sizes`` or
``n_bins``, raise an error then, because its weights would be lost.
""",
}
