"""The conditional GAN as a sampler."""

import torch

from imbdeep._docs import shared_docs
from imbdeep._generative import log_loss_of_real, log_loss_of_synthetic, train
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._generative.base import COUNT
from imbdeep.over_sampling._generative.conditional import ConditionalSampler


@shared_docs(SHARED)
class ConditionalGAN(ConditionalSampler):
    r"""Over-sample with a conditional GAN [1]_.

    A generator turns noise and a class into a row. A discriminator sees rows with their
    classes and distinguishes real from synthetic ones. Batches have equal shares of all
    classes, so that rare ones are not left to chance.

    Read more in the :ref:`User Guide <conditional_gans>`.

    Parameters
    ----------
    {sampling_strategy}
    hidden_sizes : sequence of int, default=(128, 128)
        Widths of the hidden layers of each net, in the same order for the generator.
    {n_latent}
    {temperature}
    {categorical_features}
    {integer_features}
    {scaling}
    {clip}
    lr : float, greater than 0, default=2e-3
        Learning rate of Adam. With a much smaller one, the generator ignores its class
        input if a class has few rows.
    max_epochs : int, at least 1, default=200
        Maximum number of epochs. An epoch has one generator step per batch of rows.
    discriminator_steps : int, at least 1, default=1
        Discriminator steps before each generator step.
    {batch_size}
    {tol}
    patience : int, at least 1, default=20
    {device}
    {verbose}
    {random_state}

    Attributes
    ----------
    {sampling_strategy_}
    {generator_}
    discriminator_ : nn.Module
        Returns the logit that an encoded row with its one-hot class is real, of shape
        (n, 1).
    loss_history_ : dict of str to ndarray of shape (n_epochs_,)
        'discriminator' and 'generator' loss of each epoch.
    n_epochs_ : int
    {is_synthetic_}
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    ConditionalWGAN : Smoother training, for tables.
    GLGAN : Starts from latents of the rows instead of noise.

    Notes
    -----
    The discriminator minimises
    :math:`-\log D(x, y) - \log(1 - D(G(z, y), y))`, the generator
    :math:`-\log D(G(z, y), y)`, whose gradient does not vanish when the discriminator
    wins.

    The nets see a table as its scaled numeric columns, followed by one column per
    category; constant columns are dropped and restored. After the fit, nets are on the
    CPU and in evaluation mode.

    Sparse matrices are returned sparse, but are dense while the nets train, and
    synthetic rows have few zeros. The nets train even if no rows are needed, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    leaves the sampler as it was.

    NOTE[DIFF]: the paper draws rows at random; here classes are drawn evenly.
    Categories are drawn with Gumbel-softmax.

    References
    ----------
    .. [1] M. Mirza, S. Osindero. "Conditional generative adversarial nets". 2014.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.over_sampling import ConditionalGAN
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = ConditionalGAN(max_epochs=20, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    >>> sampler.sample(5, 1).shape
    (5, 20)
    """

    _parameter_constraints = {
        **ConditionalSampler._parameter_constraints,
        "discriminator_steps": COUNT,
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        hidden_sizes=(128, 128),
        n_latent=32,
        temperature=0.5,
        categorical_features="auto",
        integer_features=None,
        scaling="standard",
        clip=True,
        lr=2e-3,
        max_epochs=200,
        discriminator_steps=1,
        batch_size="auto",
        tol=1e-2,
        patience=20,
        device="auto",
        verbose=0,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.hidden_sizes = hidden_sizes
        self.n_latent = n_latent
        self.temperature = temperature
        self.categorical_features = categorical_features
        self.integer_features = integer_features
        self.scaling = scaling
        self.clip = clip
        self.lr = lr
        self.max_epochs = max_epochs
        self.discriminator_steps = discriminator_steps
        self.batch_size = batch_size
        self.tol = tol
        self.patience = patience
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def _train(self, rows, codes, n_new):
        n_classes = len(n_new)
        G = self._build_generator(rows, n_classes)
        D = self._build_judge(rows, rows.shape[1] + n_classes, 1)
        draw = self._draws(rows, codes)

        def one_epoch():
            for _ in range(self._n_batches(len(rows))):
                for _ in range(self.discriminator_steps):
                    x, condition = draw()
                    with torch.no_grad():
                        made = G(self._noise_and(condition))
                    on_real = log_loss_of_real(D(torch.cat([x, condition], 1)))
                    on_made = log_loss_of_synthetic(D(torch.cat([made, condition], 1)))
                    yield "discriminator", on_real + on_made, {}
                _, condition = draw()
                made = G(self._noise_and(condition))
                loss = log_loss_of_real(D(torch.cat([made, condition], 1)))
                yield "generator", loss, {}

        self.loss_history_ = train(
            {"discriminator": D, "generator": G},
            one_epoch,
            # DCGAN's: with Adam's default of 0.9 the players oscillate.
            betas=(0.5, 0.999),
            **self._training_params(self.max_epochs),
        )
        self.n_epochs_ = len(self.loss_history_["generator"])
        self.discriminator_, self.generator_ = D, G
        return self._make(n_new)
