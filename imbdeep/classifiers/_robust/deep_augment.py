"""DeepAugment: images that nets of perturbed or random weights distort."""

import torch
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._generative import reconstruction_loss, train
from imbdeep._nets.run import Run
from imbdeep._torch.draws import current_generator, drawing_for_fit
from imbdeep.augmentations._unit_bands import from_unit_bands, of_bands, to_unit_bands
from imbdeep.batches._tensor_batches import rows_of, with_rows
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.augmix_base import AugMixNetClassifier
from imbdeep.classifiers._robust.image_autoencoder import (
    ImageAutoencoder,
    perturb,
    reconstruct,
)
from imbdeep.classifiers._robust.noise2net import draw_noise_net, noise2net
from imbdeep.preprocessing._band_scaler import band_moments

_AUTOENCODER_LR = 3e-3


class DeepAugmentRun(Run):
    """State of a fit on images that nets distort.

    Attributes
    ----------
    autoencoder : ImageAutoencoder or None
    """

    autoencoder = None


@shared_docs(SHARED)
class DeepAugmentClassifier(AugMixNetClassifier):
    r"""Net for images that trains on what other nets make of them [1]_.

    - *Batches*: some of the images are distorted by nets of random weights, others are
      reconstructed by an autoencoder whose weights are perturbed. With ``augmix``, each
      image comes twice more, as mixtures of what has become of it.
    - *Objective*: cross-entropy, and with ``augmix`` the divergence of the predictions,
      see :class:`AugMixClassifier`.
    - *Schedule*: before the net, the autoencoder learns the training rows. Weights and
      learning rate are those of :class:`AugMixClassifier`.

    It is meant for images that look other than those in training: other cameras,
    seasons, renditions. A perturbed net changes colours, textures and edges in ways
    that nobody wrote down as operations, and leaves things where they are. Labels stay
    as they are, and so do the numbers of rows of the classes.

    Read more in the :ref:`User Guide <robust_images>`.

    Parameters
    ----------
    module : {'conv', 'squeezenet', 'resnet18', ...} or nn.Module, default='conv'
        A name of :class:`NetClassifier` that takes images, a class or an instance.
    noise_share : float in [0, 1], default=0.5
        Share of a batch that nets of random weights distort (Noise2Net): another net
        for each image, drawn anew in each step. With a small module they take most of
        the time of a step; 0 leaves them out.
    noise_eps : float, at least 0, default=0.75
        How much each of their four blocks may add, in standard deviations of a band. A
        step draws between half of it and all of it; 0 leaves images as they are.
    autoencoder_share : float in [0, 1], default=0.25
        Share of a batch that the perturbed autoencoder reconstructs; 0 trains none.
        What neither share covers stays as it is.
    autoencoder_epochs : int, at least 1, default=10
        Passes of the autoencoder over the training rows. With ``verbose=1`` a bar shows
        its loss, the squared error summed over an image. One that has learned little
        blurs what tells classes apart.
    augmix : bool, default=True
        Whether AugMix comes on top. It triples the cost of the module.
    **kwargs
        Further parameters of :class:`AugMixClassifier`, such as ``value_range``, which
        is also black and white for the autoencoder, ``ops``, ``consistency``,
        ``criterion``, ``iterator_train``, ``max_epochs`` or ``random_state``.

    Attributes
    ----------
    value_range_ : tuple of ndarray (low, high), each of shape (n_bands,)
        Smallest and largest value of each band, as the autoencoder and the operations
        have them.
    band_mean_, band_std_ : ndarray of shape (n_bands,)
        Of the training rows, by which Noise2Net scales them.
    {classes_}
    {class_counts_}
    n_features_in_ : int
    history_ : skorch.history.History
        Records of each epoch; with ``augmix``, of each training batch also
        ``consistency_loss``. Validation rows, if there are any, stay as they are.

    See Also
    --------
    AugMixClassifier : Mixtures alone, at less cost.
    AdversarialNoiseClassifier : Noise that misleads the net, for tables as well.
    imbdeep.datasets.corrupt_images : Noise, blur and fog, to test with.

    Notes
    -----
    Noise2Net: four blocks :math:`x \leftarrow x + \epsilon\, b(x)` on standardised
    images, :math:`\epsilon \sim U(e/2, e)` with ``noise_eps`` :math:`e`. A block is
    that of a Res2Net: 64 channels in four parts, each of which but the last is
    convolved after the one before has been added, with norms over the pixels of an
    image. Kernels are 1 or 3 wide, dilated by 1 to 3. What it makes is not clipped.

    The autoencoder halves height and width once, has three residual blocks and is
    perturbed anew in each step, in three of the six convolutions of its blocks. One of
    these happens to each: its filters are put into the reverse order, a fifth of them
    are negated, or left out, its weights are multiplied by a factor in [-1, 3], half of
    them are left out, or negated, or its kernels are turned. It lasts for one call:
    ``partial_fit`` trains another, on its rows.

    Rows are augmented before all this (``augment``). Which rows of a batch are
    distorted is drawn by chance, whatever their class.

    NOTE[DIFF]: the paper perturbs two nets that others have trained, an autoencoder for
    compression and one for super-resolution, once before training, and trains on the
    images and on both copies. There Noise2Net is an alternative that needs no such
    nets. Here both distort parts of one batch, and nothing is downloaded. The authors'
    code also perturbs latents, swaps channels and skips layers, changes weights in
    three more ways (by a GELU, by keeping the largest, by a convolution), and draws the
    kernel sizes of Noise2Net once in an epoch.

    NOTE[DIFF]: slips of the authors' code are not taken over. Where it changes two
    layers, it takes the weight of the second for its bias, and if both are the same,
    flips twice. Its factors of weights subtract 1 in the wrong place, and are never
    below 1; here they are as often below. Its skipped layers overwrite those before.

    References
    ----------
    .. [1] D. Hendrycks, S. Basart, N. Mu, S. Kadavath, F. Wang, E. Dorundo, R. Desai,
       T. Zhu, S. Parajuli, M. Guo, D. Song, J. Steinhardt, J. Gilmer. "The many faces
       of robustness: a critical analysis of out-of-distribution generalization". ICCV
       2021.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers import DeepAugmentClassifier
    >>> X = np.random.RandomState(0).rand(60, 2, 8, 8)
    >>> y = np.repeat([0, 1], [45, 15])
    >>> X[y == 1, 1] += 1
    >>> net = DeepAugmentClassifier(
    ...     module__n_filters=(4,), lr=0.01, max_epochs=20, random_state=0
    ... ).fit(X, y)
    >>> net.score(X, y)
    1.0
    """

    _run_class = DeepAugmentRun
    _parameter_constraints = {
        **AugMixNetClassifier._parameter_constraints,
        "noise_share": [FiniteReal(0, 1)],
        "noise_eps": [FiniteReal(0, None)],
        "autoencoder_share": [FiniteReal(0, 1)],
        "autoencoder_epochs": [WholeNumber(1)],
        "augmix": ["boolean"],
    }

    def __init__(
        self,
        module="conv",
        *,
        noise_share=0.5,
        noise_eps=0.75,
        autoencoder_share=0.25,
        autoencoder_epochs=10,
        augmix=True,
        **kwargs,
    ):
        super().__init__(module, **kwargs)
        self.noise_share = noise_share
        self.noise_eps = noise_eps
        self.autoencoder_share = autoencoder_share
        self.autoencoder_epochs = autoencoder_epochs
        self.augmix = augmix

    def _check_parameters(self):
        super()._check_parameters()
        if self.noise_share + self.autoencoder_share > 1:
            raise ValueError(
                f"noise_share={self.noise_share!r} and autoencoder_share="
                f"{self.autoencoder_share!r} are shares of a batch, and more than 1 "
                "together. Lower one of them."
            )

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        self.band_mean_, self.band_std_ = band_moments(X)

    def mixes(self):
        return bool(self.augmix) and super().mixes()

    # --- The autoencoder -------------------------------------------------------------

    def on_train_begin(self, net, X=None, **kwargs):
        super().on_train_begin(net, X=X, **kwargs)
        if self.autoencoder_share:
            self.run_.autoencoder = self._fit_autoencoder(X)

    def _fit_autoencoder(self, dataset):
        with drawing_for_fit():
            autoencoder = ImageAutoencoder(len(self.band_mean_)).to(self.device)
        batches = self.get_iterator(dataset, training=True)

        def one_epoch():
            for batch in batches:
                X = to_tensor(unpack_data(batch)[0], device=self.device)
                images = self.in_unit_range(rows_of(X))
                loss = reconstruction_loss(autoencoder(images), images)
                yield "autoencoder", loss, {}

        train(
            {"autoencoder": autoencoder},
            one_epoch,
            method=f"the autoencoder of {type(self).__name__}",
            lr=_AUTOENCODER_LR,
            max_epochs=self.autoencoder_epochs,
            tol=0.0,
            # Never met: two spans of patience are longer than the training.
            patience=self.autoencoder_epochs,
            verbose=self.verbose,
        )
        return autoencoder

    def in_unit_range(self, images):
        """Images as the autoencoder sees them.

        Parameters
        ----------
        images : Tensor of shape (n, bands, height, width)

        Returns
        -------
        Tensor of shape (n, bands, height, width), in [0, 1]
        """
        return to_unit_bands(images, *self.value_range_)

    # --- A step ----------------------------------------------------------------------

    def training_rows(self, X, y):
        """Distort some rows of a batch, and append mixtures if there are any.

        Parameters
        ----------
        X : Tensor of shape (n, bands, height, width) or dict with keys 'X' and \
                'sample_weight'
        y : Tensor of shape (n,) or (n, n_classes)

        Returns
        -------
        X, y
            Of n rows, or of 3 n with mixtures.
        """
        X = with_rows(X, self.distorted(rows_of(X)))
        return super().training_rows(X, y)

    def distorted(self, images):
        """Distort the shares of a batch that are to be.

        Parameters
        ----------
        images : Tensor of shape (n, bands, height, width)

        Returns
        -------
        Tensor of shape (n, bands, height, width)
        """
        n_noisy, n_redrawn = (
            round(share * len(images))
            for share in (self.noise_share, self.autoencoder_share)
        )
        if not n_noisy + n_redrawn:
            return images
        # By chance, as a user's iterator may give rows in their order.
        order = torch.randperm(
            len(images),
            generator=current_generator(images.device),
            device=images.device,
        )
        noisy, redrawn = order[:n_noisy], order[n_noisy:][:n_redrawn]
        made = images.clone()
        if len(noisy):
            made[noisy] = self.with_noise(images[noisy])
        if len(redrawn):
            made[redrawn] = self.redrawn(images[redrawn])
        return made

    @torch.no_grad()
    def with_noise(self, images):
        """Distort each image by a net of random weights."""
        generator = current_generator(images.device)
        mean, std = (
            of_bands(part, images) for part in (self.band_mean_, self.band_std_)
        )
        # A band that does not vary stays as it is.
        scaled = (images - mean) / std.masked_fill(std == 0, 1)
        blocks = draw_noise_net(images, generator)
        drawn = torch.rand((), generator=generator, device=images.device)
        eps = 0.5 * self.noise_eps * (1 + drawn)
        # Their difference: nothing is lost on the way there and back.
        return images + std * (noise2net(scaled, blocks, eps) - scaled)

    def redrawn(self, images):
        """Reconstruct images by the perturbed autoencoder."""
        autoencoder = self.run_.autoencoder
        perturbed = perturb(autoencoder, current_generator(images.device))
        made = reconstruct(autoencoder, self.in_unit_range(images), perturbed)
        return from_unit_bands(made, *self.value_range_)
