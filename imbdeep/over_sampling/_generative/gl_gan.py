"""GL-GAN: SMOTE in a latent space, and a GAN that makes its rows look real."""

from copy import deepcopy
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from imbdeep._docs import shared_docs
from imbdeep._generative import (
    class_batches,
    classifier_loss,
    discriminator_loss,
    generator_loss,
    outputs_of,
    reconstruction_loss,
    train,
)
from imbdeep._torch.draws import drawing_for_fit
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._generative.autoencoded import AutoencodedSampler
from imbdeep.over_sampling._generative.base import AT_LEAST_0, COUNT


@drawing_for_fit()
def start_players(autoencoder, n_latent, n_classes):
    """Initialise discriminator and classifier as the encoder, generator as the decoder.

    Parameters
    ----------
    autoencoder : nn.Module
        Trained, with ``encoder`` and ``decoder``.
    n_latent : int
        Length of its latents.
    n_classes : int

    Returns
    -------
    discriminator : nn.Module
        The encoder, a dense layer and softmax; returns the probabilities that a row is
        synthetic, and that it is real.
    classifier : nn.Module
        The encoder and a dense layer; returns a score per class.
    generator : nn.Module
    """
    discriminator = nn.Sequential(
        deepcopy(autoencoder.encoder), nn.Linear(n_latent, 2), nn.Softmax(1)
    )
    classifier = nn.Sequential(
        deepcopy(autoencoder.encoder), nn.Linear(n_latent, n_classes)
    )
    return discriminator, classifier, deepcopy(autoencoder.decoder)


def _batches_of_originals_and_new(originals, new, n_batches):
    """Yield equal shares of X_org with classes and weights, and of Z with classes."""
    rows, target_org, weight, z_org = originals
    z_syn, target_syn = new
    dealt_org, _ = class_batches([torch.arange(len(z_org))], n_batches)
    dealt_syn, _ = class_batches([torch.arange(len(z_syn))], n_batches)
    for org, syn in zip(
        dealt_org.to(rows.device), dealt_syn.to(rows.device), strict=True
    ):
        z = torch.cat([z_org[org], z_syn[syn]])
        target = torch.cat([target_org[org], target_syn[syn]])
        yield rows[org], target_org[org], weight[org], z, target


@shared_docs(SHARED)
class GLGAN(AutoencodedSampler):
    r"""Over-sample with GL-GAN: local structure from SMOTE, global from a GAN [1]_.

    An autoencoder learns latents with one cluster per class, and SMOTE interpolates
    between latents of a class: the local structure. Then the decoder becomes the
    generator of a GAN. A discriminator distinguishes real rows from synthetic ones, a
    classifier the classes. The generator learns to turn latents, real and interpolated,
    into rows that pass as real and as their class: the global structure.

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
        Weights of the classes in means over the training rows, eq. (2.1) and (2.4) to
        (2.6). 'balanced' gives all classes the same weight: the synthetic rows are of
        rare classes, and a discriminator that sees few real rows of a class among many
        synthetic ones takes the whole class for synthetic. None gives all rows the same
        weight, as in the paper.
    {cluster_weight}
    {minority_weight}
    {push_weight}
    {margin}
    {weight_decay}
    fake_weight : float, at least 0, default=1.0
        :math:`\lambda` of eq. (2.4) and (2.5): weight of synthetic rows, relative to
        real ones, for discriminator and classifier.
    adversarial_weight : float, at least 0, default=1.0
        :math:`\lambda_1` of eq. (2.6): weight of fooling the discriminator, relative to
        reconstruction.
    classification_weight : float, at least 0, default=1.0
        :math:`\lambda_2` of eq. (2.6): weight of being classified as the latent's
        class.
    {categorical_features}
    {integer_features}
    {scaling}
    {clip}
    {lr}
    pretrain_epochs : int, at least 1, default=100
        Maximum number of passes over the rows for the autoencoder.
    max_epochs : int, at least 1, default=50
        Maximum number of rounds of the GAN.
    discriminator_epochs, classifier_epochs, generator_epochs : int, default=1
        Passes over the rows for each net in a round.
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
        The autoencoder.
    discriminator_ : nn.Module
        Returns the probabilities that an encoded row is synthetic, and that it is real,
        of shape (n, 2).
    classifier_ : nn.Module
        Returns a score per class, of shape (n, n_classes): least-squares fits of 1 for
        a row's class and of 0 for the others, not probabilities.
    generator_ : nn.Module
        Turns latents into encoded rows.
    {latent_}
    loss_history_ : dict of str to ndarray
        Losses of each of ``n_pretrain_epochs_``: 'autoencoder', eq. (2.3), and its
        parts 'reconstruction', eq. (2.1), and 'cluster', eq. (2.2). Losses of each of
        ``n_epochs_``: 'discriminator', eq. (2.4), 'classifier', eq. (2.5), and
        'generator', eq. (2.6).
    n_pretrain_epochs_ : int
        Epochs of the autoencoder.
    n_epochs_ : int
        Rounds of the GAN.
    {is_synthetic_}
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    LatentSMOTE : The autoencoder and SMOTE only.
    ConditionalGAN : A GAN only.

    Notes
    -----
    A class to over-sample needs at least two rows.

    As in the paper, the discriminator ends in a two-way softmax and the classifier in a
    plain dense layer. :math:`D(x)` of eq. (2.4) and (2.6) is the probability that a row
    is real; the squared distance between both probabilities and a one-hot target would
    be twice the loss.

    The nets see a table as its scaled numeric columns, followed by one column per
    category; constant columns are dropped and restored. They see images scaled to [0,
    1]. After the fit, nets are on the CPU and in evaluation mode.

    Sparse matrices are returned sparse, but are dense while the nets train, and
    synthetic rows have few zeros. The nets train even if no rows are needed, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    leaves the sampler as it was.

    NOTE[DIFF]:

    - The push between classes of eq. (2.2) has no lower bound in the paper; here it
      ends ``margin`` spreads apart, or at ``margin`` if the spreads are small.
    - The paper treats two classes. Here one GAN serves all classes: clusters are pushed
      apart pair by pair, and the classifier knows all classes.
    - Classes have the same weight in means over the training rows, unless
      ``class_weight=None``.
    - Means and spreads of eq. (2.2) are those of a mini-batch, which holds at least
      eight rows of each class, or all there are. Every mini-batch of a GAN round holds
      latents of real and of synthetic rows; the latter count more than their share if
      there are fewer of them than mini-batches.
    - The paper gives no weights, sizes, learning rates or test of convergence.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation,
       Michigan State University, 2023, chapter 2.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.over_sampling import GLGAN
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = GLGAN(pretrain_epochs=20, max_epochs=10, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    >>> sampler.n_epochs_, len(sampler.loss_history_["generator"])
    (10, 10)
    >>> sampler.sample(5, 1).shape
    (5, 20)
    """

    _parameter_constraints = {
        **AutoencodedSampler._parameter_constraints,
        "pretrain_epochs": COUNT,
        "discriminator_epochs": COUNT,
        "classifier_epochs": COUNT,
        "generator_epochs": COUNT,
        "fake_weight": AT_LEAST_0,
        "adversarial_weight": AT_LEAST_0,
        "classification_weight": AT_LEAST_0,
    }

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
        fake_weight=1.0,
        adversarial_weight=1.0,
        classification_weight=1.0,
        categorical_features="auto",
        integer_features=None,
        scaling="standard",
        clip=True,
        lr=2e-3,
        pretrain_epochs=100,
        max_epochs=50,
        discriminator_epochs=1,
        classifier_epochs=1,
        generator_epochs=1,
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
        self.fake_weight = fake_weight
        self.adversarial_weight = adversarial_weight
        self.classification_weight = classification_weight
        self.categorical_features = categorical_features
        self.integer_features = integer_features
        self.scaling = scaling
        self.clip = clip
        self.lr = lr
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.discriminator_epochs = discriminator_epochs
        self.classifier_epochs = classifier_epochs
        self.generator_epochs = generator_epochs
        self.batch_size = batch_size
        self.tol = tol
        self.patience = patience
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def _train(self, rows, codes, n_new):
        # Steps 1 and 2 of Algorithm 2.1: E and Q.
        autoencoder, losses = self._learn_latents(
            rows, codes, n_new, self.pretrain_epochs
        )
        z_org = torch.from_numpy(self.latent_).to(rows.device)
        # Steps 3 and 4: Z is Z_org and Z_syn.
        z_syn = self._new_latents(n_new).to(rows.device)
        n_classes = len(n_new)
        one_hot = F.one_hot(codes, n_classes).float()
        row_weight = self._row_weight(codes)
        target_syn = torch.eye(n_classes).repeat_interleave(torch.tensor(n_new), 0)
        target_syn = target_syn.to(rows)

        D, C, G = start_players(autoencoder, z_org.shape[1], n_classes)
        players = {"discriminator": D, "classifier": C, "generator": G}
        for player in players.values():
            player.to(rows)
        batches = partial(
            _batches_of_originals_and_new,
            (rows, one_hot, row_weight, z_org),
            (z_syn, target_syn),
            self._n_batches(len(rows)),
        )
        losses |= train(
            players,
            partial(self._one_round, D, C, G, batches),
            # DCGAN's: with Adam's default of 0.9 the players oscillate.
            betas=(0.5, 0.999),
            **self._training_params(self.max_epochs),
        )
        self.loss_history_ = losses
        self.n_pretrain_epochs_ = len(losses["autoencoder"])
        self.n_epochs_ = len(losses["generator"])
        self.encoder_, self.decoder_ = autoencoder.encoder, autoencoder.decoder
        self.discriminator_, self.classifier_, self.generator_ = D, C, G
        return outputs_of(G, z_syn)

    def _one_round(self, D, C, G, batches):
        """Yield steps 5 to 7 of Algorithm 2.1: each player in turn, with its loss."""
        for _ in range(self.discriminator_epochs):
            for x, _, weight, z, _ in batches():
                with torch.no_grad():
                    made = G(z)
                loss = discriminator_loss(
                    D(x)[:, 1], D(made)[:, 1], self.fake_weight, weight
                )
                yield "discriminator", loss, {}
        for _ in range(self.classifier_epochs):
            for x, x_target, weight, z, z_target in batches():
                with torch.no_grad():
                    made = G(z)
                loss = classifier_loss(
                    C(x), x_target, C(made), z_target, self.fake_weight, weight
                )
                yield "classifier", loss, {}
        for _ in range(self.generator_epochs):
            for x, _, weight, z, z_target in batches():
                made = G(z)
                loss = generator_loss(
                    # Z_org comes first in z; rows made from Z_syn have no original.
                    reconstruction_loss(made[: len(x)], x, weight),
                    D(made)[:, 1],
                    C(made),
                    z_target,
                    adversarial_weight=self.adversarial_weight,
                    classification_weight=self.classification_weight,
                )
                yield "generator", loss, {}

    def _make(self, n_new):
        return outputs_of(self.generator_, self._new_latents(n_new))
