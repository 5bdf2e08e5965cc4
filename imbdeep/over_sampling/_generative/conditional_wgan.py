"""The conditional Wasserstein GAN with gradient penalty as a sampler."""

import torch
import torch.nn.functional as F

from imbdeep._docs import shared_docs
from imbdeep._generative import gradient_penalty, train
from imbdeep._torch.draws import current_generator
from imbdeep.over_sampling._docs import SHARED
from imbdeep.over_sampling._generative.base import AT_LEAST_0, COUNT
from imbdeep.over_sampling._generative.conditional import ConditionalSampler


@shared_docs(SHARED)
class ConditionalWGAN(ConditionalSampler):
    r"""Over-sample with a conditional Wasserstein GAN with gradient penalty [1]_.

    A generator turns noise and a class into a row. A critic scores rows with their
    classes, and the generator reduces the distance between the scores of real and
    synthetic rows. A classifier that learns from real rows tells the generator which
    class its rows look like.

    Read more in the :ref:`User Guide <conditional_gans>`.

    Parameters
    ----------
    {sampling_strategy}
    hidden_sizes : sequence of int, default=(128, 128)
        Widths of the hidden layers of each net, in the same order for the generator.
    {n_latent}
    {temperature}
    gradient_penalty : float, at least 0, default=10.0
        Weight of the penalty on slopes of the critic that differ from 1.
    classification_weight : float, at least 0, default=1.0
        Weight of the classifier's log loss for the generator.
    {categorical_features}
    {integer_features}
    {scaling}
    {clip}
    lr : float, greater than 0, default=5e-4
        Learning rate of Adam.
    max_epochs : int, at least 1, default=100
        Maximum number of epochs. An epoch has one generator step per batch of rows.
    critic_steps : int, at least 1, default=5
        Critic steps before each generator step.
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
        The critic: returns the score of an encoded row with its one-hot class, of shape
        (n, 1).
    classifier_ : nn.Module
        Returns the class logits of an encoded row, of shape (n, n_classes).
    loss_history_ : dict of str to ndarray of shape (n_epochs_,)
        Losses of each epoch: 'discriminator', its part 'distance' (the mean score of
        real rows minus that of synthetic ones, which estimates the distance between
        them), 'classifier' and 'generator'.
    n_epochs_ : int
    {is_synthetic_}
    {classes_}
    n_features_in_ : int
    {feature_names_in_}

    See Also
    --------
    ConditionalGAN : The classical GAN.
    GLGAN : Starts from latents of the rows instead of noise.

    Notes
    -----
    The critic minimises :math:`E[D(G(z, y), y)] - E[D(x, y)]` plus the penalty of
    Gulrajani et al. [2]_, the generator :math:`-E[D(G(z, y), y)]` plus the log loss of
    the classifier on its rows.

    The nets see a table as its scaled numeric columns, followed by one column per
    category; constant columns are dropped and restored. After the fit, nets are on the
    CPU and in evaluation mode.

    Sparse matrices are returned sparse, but are dense while the nets train, and
    synthetic rows have few zeros. The nets train even if no rows are needed, for
    ``sample``.

    A loss or gradient that is not finite ends the fit with an error that names it, and
    leaves the sampler as it was.

    NOTE[DIFF]: classes are drawn evenly; nets are plain multi-layer perceptrons,
    without the paper's crossing layers, and the classifier trains along with the
    others.

    References
    ----------
    .. [1] J. Engelmann, S. Lessmann. "Conditional Wasserstein GAN-based oversampling of
       tabular data for imbalanced learning". Expert Systems with Applications 174,
       2021.
    .. [2] I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin, A. Courville. "Improved
       training of Wasserstein GANs". NeurIPS 2017.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.over_sampling import ConditionalWGAN
    >>> X, y = make_classification(weights=[0.9], flip_y=0, random_state=0)
    >>> sampler = ConditionalWGAN(max_epochs=10, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> Counter(y_resampled.tolist())
    Counter({0: 91, 1: 91})
    >>> sampler.sample(5, 1).shape
    (5, 20)
    """

    _parameter_constraints = {
        **ConditionalSampler._parameter_constraints,
        "critic_steps": COUNT,
        "gradient_penalty": AT_LEAST_0,
        "classification_weight": AT_LEAST_0,
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        hidden_sizes=(128, 128),
        n_latent=32,
        temperature=0.5,
        gradient_penalty=10.0,
        classification_weight=1.0,
        categorical_features="auto",
        integer_features=None,
        scaling="standard",
        clip=True,
        lr=5e-4,
        max_epochs=100,
        critic_steps=5,
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
        self.gradient_penalty = gradient_penalty
        self.classification_weight = classification_weight
        self.categorical_features = categorical_features
        self.integer_features = integer_features
        self.scaling = scaling
        self.clip = clip
        self.lr = lr
        self.max_epochs = max_epochs
        self.critic_steps = critic_steps
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
        C = self._build_judge(rows, rows.shape[1], n_classes)
        draw = self._draws(rows, codes)

        def one_epoch():
            for _ in range(self._n_batches(len(rows))):
                for _ in range(self.critic_steps):
                    x, condition = draw()
                    with torch.no_grad():
                        made = G(self._noise_and(condition))
                    real = torch.cat([x, condition], 1)
                    made = torch.cat([made, condition], 1)
                    distance = D(real).mean() - D(made).mean()
                    mixing = x.new_empty(len(x)).uniform_(
                        generator=current_generator(x.device)
                    )
                    penalty = gradient_penalty(D, real, made, mixing)
                    loss = -distance + self.gradient_penalty * penalty
                    yield "discriminator", loss, {"distance": distance}
                x, condition = draw()
                yield "classifier", F.cross_entropy(C(x), condition), {}
                _, condition = draw()
                made = G(self._noise_and(condition))
                loss = -D(torch.cat([made, condition], 1)).mean()
                loss = loss + self.classification_weight * F.cross_entropy(
                    C(made), condition
                )
                yield "generator", loss, {}

        self.loss_history_ = train(
            {"discriminator": D, "classifier": C, "generator": G},
            one_epoch,
            # As in the WGAN-GP authors' code for MNIST.
            betas=(0.5, 0.9),
            **self._training_params(self.max_epochs),
        )
        self.n_epochs_ = len(self.loss_history_["generator"])
        self.discriminator_, self.classifier_, self.generator_ = D, C, G
        return self._make(n_new)
