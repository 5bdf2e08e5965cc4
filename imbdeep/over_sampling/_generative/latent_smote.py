"""SMOTE in the latent space of an autoencoder."""

from imbdeep._docs import shared_docs
from imbdeep._generative import outputs_of
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._generative.autoencoded import AutoencodedSampler


@shared_docs(SHARED)
class LatentSMOTE(AutoencodedSampler):
    r"""Over-sample with SMOTE in the latent space of an autoencoder [1]_.

    An autoencoder learns latents that represent the rows, with one cluster per class.
    SMOTE interpolates between latents of a class, and the decoder turns the result into
    rows. In a space that separates the classes and straightens the data, a line between
    two rows is less likely to cross another class.

    Read more in the :ref:`User Guide <gl_gan>`.

    Parameters
    ----------
    {sampling_strategy}
    {n_neighbors}
    {autoencoder}
    {hidden_sizes}
    n_latent : int, at least 1, default=16
        Length of a latent vector in the default autoencoders.
    class_weight : {'balanced'} or None, default='balanced'
        Weights of the classes in the reconstruction loss. 'balanced' gives all classes
        the same weight, because the synthetic rows are of rare classes. None gives all
        rows the same weight, as in the paper.
    {cluster_weight}
    {minority_weight}
    {push_weight}
    {margin}
    {weight_decay}
    {categorical_features}
    {integer_features}
    {scaling}
    {clip}
    {lr}
    max_epochs : int, at least 1, default=100
        Maximum number of passes over the rows.
    {batch_size}
    {tol}
    patience : int, at least 1, default=10
    {device}
    {verbose}
    {random_state}

    Attributes
    ----------
    {sampling_strategy_}
    encoder_, decoder_ : nn.Module
    {latent_}
    loss_history_ : dict of str to ndarray of shape (n_epochs_,)
        Losses of each epoch: 'autoencoder', eq. (2.3), and its parts 'reconstruction',
        eq. (2.1), and 'cluster', eq. (2.2).
    n_epochs_ : int
    {is_synthetic_}
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    GLGAN : Also trains a GAN to make the rows look real.
    imblearn.over_sampling.SMOTE : Interpolates between the rows themselves.

    Notes
    -----
    A class to over-sample needs at least two rows.

    The nets see a table as its scaled numeric columns, followed by one column per
    category; constant columns are dropped and restored. They see images scaled to
    [0, 1]. After the fit, nets are on the CPU and in evaluation mode.

    Sparse matrices are returned sparse, but are dense while the nets train, and
    synthetic rows have few zeros. The nets train even if no rows are needed, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    leaves the sampler as it was.

    NOTE[DIFF]: the paper's push between classes, eq. (2.2), has no lower bound; here it
    ends ``margin`` spreads apart, or at ``margin`` if the spreads are small. The paper
    treats two classes; here all pairs are pushed. Means and spreads are those of a
    mini-batch, which holds at least eight rows of each class, or all there are. Classes
    have the same weight in the reconstruction, unless ``class_weight=None``.

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
        autoencoder, self.loss_history_ = self._learn_latents(
            rows, codes, n_new, self.max_epochs
        )
        self.encoder_, self.decoder_ = autoencoder.encoder, autoencoder.decoder
        self.n_epochs_ = len(self.loss_history_["autoencoder"])
        return self._make(n_new)

    def _make(self, n_new):
        return outputs_of(self.decoder_, self._new_latents(n_new))
