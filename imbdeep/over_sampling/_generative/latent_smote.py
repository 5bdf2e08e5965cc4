"""SMOTE in the latent space of an autoencoder."""

from imbdeep._generative import evaluate
from imbdeep.over_sampling._generative.autoencoded import AutoencodedSampler


class LatentSMOTE(AutoencodedSampler):
    r"""Over-sample between the codes of an autoencoder: SMOTE in its latent space [1]_.

    An autoencoder learns codes that hold the rows and lie in one cluster a class; SMOTE
    interpolates between the codes of a class, and the decoder turns what it makes into
    rows. In a space where classes are apart and the data is bent straight, a line
    between two rows is less likely to cross another class.

    Read more in the :ref:`User Guide <gl_gan>`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default='auto'
        How many rows each class has afterwards, as in imbalanced-learn: 'auto' or
        'not majority' grows every class but the largest to its size, 'minority' only
        the rarest, 'all' every class; a float is the ratio of minority to majority
        rows afterwards (two classes only); a dict gives the number of rows of each
        class; a callable takes ``y`` and returns such a dict.
    n_neighbors : int, at least 1, default=5
        Neighbours of the same class to interpolate with; a class of fewer other rows
        uses those it has.
    autoencoder : nn.Module or None, default=None
        A module with submodules ``encoder`` and ``decoder``, which see rows as they are
        encoded (see Notes). It is copied, never changed. None takes
        :class:`~imbdeep.modules.MLPAutoencoder` for tables and
        :class:`~imbdeep.modules.ConvAutoencoder` for images.
    hidden_sizes : sequence of int, default=(128,)
        Widths of the encoder's hidden layers for tables; the decoder has them in
        reverse order.
    n_latent : int, at least 1, default=16
        Length of a code, of the default autoencoders.
    class_weight : {'balanced'} or None, default='balanced'
        What the classes weigh in the reconstruction loss. 'balanced' gives each the
        same say: the rows that will be made are of the rare ones. None weighs all rows
        alike, as the paper does.
    cluster_weight : float, at least 0, default=0.01
        :math:`\Lambda_1` of eq. (2.3), the weight of the cluster loss. The default sets
        classes apart and leaves the codes of a class room to differ; larger values
        make clusters, and what is made of them, ever more alike. 0 gives a plain
        autoencoder.
    minority_weight : float, at least 0, default=1.0
        :math:`\lambda_1` of eq. (2.2): the pull of classes other than the largest.
    push_weight : float, at least 0, default=1.0
        :math:`\lambda_2` of eq. (2.2): the push between classes.
    margin : float, at least 0, default=3.0
        How many spreads, and at least how far, apart two classes are pushed.
    weight_decay : float, at least 0, default=0.0
        :math:`\Lambda_2` of eq. (2.3): weight of the squared norm of all parameters.
    categorical_features : 'auto', array-like or None, default='auto'
        Columns that hold categories: names, positions or a boolean mask. 'auto' takes
        those with text, categories or booleans of a data frame or an array of objects.
        Synthetic rows hold categories that occur. Numbers are positions, also where a
        data frame has numbers for names.
    integer_features : 'auto', array-like or None, default=None
        Columns whose made values are whole numbers: names, positions or a boolean mask;
        'auto' takes those that hold nothing else. Columns of integer dtype in a data
        frame are so in any case.
    scaling : {'standard', 'minmax', 'quantile'}, default='standard'
        How numeric columns are scaled for the net, and back again: to mean 0 and
        variance 1; to [0, 1]; or by their ranks to a normal distribution, for heavy
        tails. Images are always scaled to [0, 1], all pixels alike.
    clip : bool, default=True
        Keep made values between the least and the largest of their column.
    lr : float, greater than 0, default=2e-3
        Learning rate of Adam.
    max_epochs : int, at least 1, default=100
        Most passes over the rows.
    batch_size : int, at least 1, or 'auto', default='auto'
        Rows of a step. 'auto' takes an eighth of the rows, at least 64 and at most
        1024.
    tol : float, at least 0, default=0.01
        Training has converged when no loss changes by more than this share of itself
        from the mean of ``patience`` epochs to that of the next.
    patience : int, at least 1, default=10
    device : str or torch.device, default='auto'
        'auto' is CUDA when there is one.
    verbose : int, default=0
        At least 1 shows a progress bar with the losses.
    random_state : int, RandomState instance or None, default=None
        Decides weights, batches and draws.

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows to make of each class.
    encoder_, decoder_ : nn.Module
    latent_ : ndarray of shape (n_samples, n_latent), float32
        Codes of the rows fitted on.
    loss_history_ : dict of str to ndarray of shape (n_epochs_,)
        'autoencoder', eq. (2.3), and its parts 'reconstruction', eq. (2.1), and
        'cluster', eq. (2.2), at each epoch.
    n_epochs_ : int
    is_synthetic_ : ndarray of shape (n_samples_new,), bool
        Which of the rows returned were made. The original rows come first, unchanged.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If ``X`` is a data frame with string column names.

    See Also
    --------
    GLGAN : Goes on to make the rows look real.
    imblearn.over_sampling.SMOTE : Interpolates between the rows themselves.

    Notes
    -----
    Each class to be grown needs two rows.

    The nets see a table as its scaled numeric columns, followed by one column a
    category for each categorical column; constant columns are left out and put back.
    They see images scaled to [0, 1]. Nets are on the CPU and in evaluation mode after
    the fit.

    Sparse matrices come back sparse, but are dense while the nets are trained, and made
    rows have few zeros. The nets are trained even if there is nothing to make, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    the sampler is as if it had not been fitted.

    NOTE[DIFF]: the paper's push between classes, eq. (2.2), has no lower bound; here it
    ends ``margin`` spreads apart, or at ``margin`` if the spreads are small. It treats
    two classes; here all pairs are pushed. Means and spreads are those of a mini-batch,
    which holds at least eight rows of each class, or all there are. Classes weigh the
    same in the reconstruction, unless ``class_weight=None``.

    The dissertation calls this part of GL-GAN "Auto-only".

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023, chapter 2.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.over_sampling import LatentSMOTE
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = LatentSMOTE(max_epochs=20, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    >>> sampler.encode(X).shape
    (100, 16)
    >>> sampler.sample(5, 1).shape
    (5, 20)
    """

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        n_neighbors=5,
        autoencoder=None,
        hidden_sizes=(128,),
        n_latent=16,
        class_weight="balanced",
        cluster_weight=0.01,
        minority_weight=1.0,
        push_weight=1.0,
        margin=3.0,
        weight_decay=0.0,
        categorical_features="auto",
        integer_features=None,
        scaling="standard",
        clip=True,
        lr=2e-3,
        max_epochs=100,
        batch_size="auto",
        tol=1e-2,
        patience=10,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_neighbors = n_neighbors
        self.autoencoder = autoencoder
        self.hidden_sizes = hidden_sizes
        self.n_latent = n_latent
        self.class_weight = class_weight
        self.cluster_weight = cluster_weight
        self.minority_weight = minority_weight
        self.push_weight = push_weight
        self.margin = margin
        self.weight_decay = weight_decay
        self.categorical_features = categorical_features
        self.integer_features = integer_features
        self.scaling = scaling
        self.clip = clip
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.tol = tol
        self.patience = patience
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def _train(self, rows, codes, n_new):
        autoencoder, self.loss_history_ = self._learn_codes(
            rows, codes, n_new, self.max_epochs
        )
        self.encoder_, self.decoder_ = autoencoder.encoder, autoencoder.decoder
        self.n_epochs_ = len(self.loss_history_["autoencoder"])
        return self._make(n_new)

    def _make(self, n_new):
        return evaluate(self.decoder_, self._new_codes(n_new))
