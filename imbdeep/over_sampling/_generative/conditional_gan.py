"""The conditional GAN as a sampler."""

import torch

from imbdeep._generative import log_loss_of_made, log_loss_of_real, train
from imbdeep.over_sampling._generative.base import COUNT
from imbdeep.over_sampling._generative.conditional import ConditionalSampler


class ConditionalGAN(ConditionalSampler):
    r"""Over-sample with a conditional GAN [1]_.

    A generator turns noise and a class into a row; a discriminator sees rows with their
    classes and tells real from made. Batches hold each class as often, so that the rare
    ones are not left to chance.

    Read more in the :ref:`User Guide <conditional_gans>`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default='auto'
        How many rows each class has afterwards, as in imbalanced-learn: 'auto' or
        'not majority' grows every class but the largest to its size, 'minority' only
        the rarest, 'all' every class; a float is the ratio of minority to majority
        rows afterwards (two classes only); a dict gives the number of rows of each
        class; a callable takes ``y`` and returns such a dict.
    hidden_sizes : sequence of int, default=(128, 128)
        Widths of the hidden layers of each net; the generator's are in the same order.
    n_latent : int, at least 1, default=32
        Length of the noise.
    temperature : float, greater than 0, default=0.5
        Of the Gumbel-softmax that draws categories: the smaller, the closer to one-hot,
        and the steeper the gradient.
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
        Learning rate of Adam. Much smaller ones leave the generator deaf to its class
        where a class has few rows.
    max_epochs : int, at least 1, default=200
        Most epochs: as many generator steps as batches make up the rows.
    discriminator_steps : int, at least 1, default=1
        Steps of the discriminator before each of the generator.
    batch_size : int, at least 1, or 'auto', default='auto'
        Rows of a step. 'auto' takes an eighth of the rows, at least 64 and at most
        1024.
    tol : float, at least 0, default=0.01
        Training has converged when no loss changes by more than this share of itself
        from the mean of ``patience`` epochs to that of the next.
    patience : int, at least 1, default=20
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
    generator_ : nn.Module
        Makes encoded rows of noise and a one-hot class.
    discriminator_ : nn.Module
        Logit that an encoded row with its one-hot class is real, of shape (n, 1).
    loss_history_ : dict of str to ndarray of shape (n_epochs_,)
        'discriminator' and 'generator' at each epoch.
    n_epochs_ : int
    is_synthetic_ : ndarray of shape (n_samples_new,), bool
        Which of the rows returned were made. The original rows come first, unchanged.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If ``X`` is a data frame with string column names.

    See Also
    --------
    ConditionalWGAN : A smoother game, for tables.
    GLGAN : Starts from the rows' codes instead of noise.

    Notes
    -----
    The discriminator minimises
    :math:`-\log D(x, y) - \log(1 - D(G(z, y), y))`, the generator
    :math:`-\log D(G(z, y), y)`, which does not fade when the discriminator wins.

    The nets see a table as its scaled numeric columns, followed by one column a
    category for each categorical column; constant columns are left out and put back.
    Nets are on the CPU and in evaluation mode after the fit.

    Sparse matrices come back sparse, but are dense while the nets are trained, and made
    rows have few zeros. The nets are trained even if there is nothing to make, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    the sampler is as if it had not been fitted.

    NOTE[DIFF]: the paper draws rows as they come; here classes are drawn evenly.
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
                    on_made = log_loss_of_made(D(torch.cat([made, condition], 1)))
                    yield "discriminator", on_real + on_made, {}
                _, condition = draw()
                made = G(self._noise_and(condition))
                loss = log_loss_of_real(D(torch.cat([made, condition], 1)))
                yield "generator", loss, {}

        self.loss_history_ = train(
            {"discriminator": D, "generator": G},
            one_epoch,
            betas=(0.5, 0.999),
            **self._training_params(self.max_epochs),
        )
        self.n_epochs_ = len(self.loss_history_["generator"])
        self.discriminator_, self.generator_ = D, G
        return self._make(n_new)
