"""Adversarial noise training: against a generator of noise."""

from itertools import chain, islice, repeat

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from skorch.dataset import unpack_data
from torch.nn.functional import cross_entropy

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._docs import shared_docs
from imbdeep._torch.draws import current_generator, drawing_for_fit
from imbdeep.attacks._nets import net_logits
from imbdeep.attacks._noise import add_noise
from imbdeep.attacks._pgd import raise_no_gradient
from imbdeep.batches._tensor_batches import rows_of, with_rows
from imbdeep.classifiers._docs import SHARED
from imbdeep.classifiers._robust.noise_generator import NoiseGenerator
from imbdeep.classifiers._robust.threat import (
    PixelEps,
    ThreatNetClassifier,
    ThreatRun,
)

_KERNEL_SIZES = {"1x1": 1, "3x3": 3}


class NoiseRun(ThreatRun):
    """State of a fit on noisy rows.

    Attributes
    ----------
    noise, optimizer : NoiseGenerator and its torch.optim.Optimizer
    earlier : list of NoiseGenerator
        Those of the epochs before.
    """

    noise = optimizer = None
    earlier = ()


@shared_docs(SHARED)
class AdversarialNoiseClassifier(ThreatNetClassifier):
    """Net trained on noise that a generator learns to mislead it with [1]_.

    - *Batches*: half of the rows stay clean. To the others comes noise of a generator,
      or of one of an earlier epoch, scaled to the length ``eps``.
    - *Objective*: cross-entropy, the focal loss or the LDAM loss of all these rows.
      Before each step the generator makes one that raises the cross-entropy.
    - *Schedule*: each epoch after the first begins with a fresh generator, trained for
      ``fresh_steps`` steps; the last one joins those of earlier epochs. Weights and
      learning rate are those of :class:`AdversarialClassifier`.

    The generator does not see the rows. Of an image it sees a pixel at a time, and of a
    table a row: so it learns how bands, or columns, should err together, and not what
    each row is weak against. What withstands that withstands much other noise.

    Read more in the :ref:`User Guide <robust>`.

    Parameters
    ----------
    {module}
    noise : {'1x1', '3x3'}, default='1x1'
        Whether pixels have noise of their own, or noise that neighbours share. Tables
        take '1x1'.
    clean_share : float in [0, 1], default=0.5
        Share of a batch that stays clean; 1 trains on clean rows only.
    earlier_share : float in [0, 1], default=0.2
        Share of a batch with noise of earlier generators, so that the net does not
        forget them; none in the first epoch. The rest has noise of the current one.
    generator_lr : float, greater than 0, default=1e-4
        Learning rate of the generator during an epoch.
    fresh_lr : float, greater than 0, default=5e-4
        Learning rate of a fresh generator before an epoch.
    fresh_steps : int, at least 0, default=100
        Steps of a fresh generator before an epoch, on batches of training rows. Each
        costs about as much as a plain step. The paper makes a thousand at most.
    eps : float, array-like that broadcasts to a row, mapping or Series by column \
            name, or None, at least 0, default=None
        Root mean square of the noise over the features that may move. Tables need it,
        best with ``eps_unit='std'``, such as 0.5. None is for pixels in [0, 1] and
        takes 0.348, the paper's length of 135 for three bands of 224 by 224 pixels. 0
        trains on clean rows. If ``eps`` differs between features, so does the noise.
    eps_unit : {'input', 'std'}, default='input'
        Unit of ``eps``: that of X, or the standard deviation of each feature in the
        training rows.
    {movable}
    {attack_kwargs}

    Attributes
    ----------
    {eps_}
    box_ : tuple of ndarray (low, high) or None
    {feature_std_}
    {classes_}
    {class_counts_}
    n_features_in_ : int
    {feature_names_in_}
    {history_}

    See Also
    --------
    AdversarialClassifier : The worst shift of each row instead of noise.
    AugMixClassifier : Mixtures of operations instead of noise.

    Notes
    -----
    The generator has four layers, of 20 units in between, and adds their output to the
    normal noise that goes in. Noise is scaled so that its length is ``eps`` *after* the
    row has been clipped to ``box``; if that is too small for it, all numbers go to its
    border. The generator learns by the gradient for a fixed scale, and
    from the net as it predicts: without dropout, and with the running statistics of
    batch norm.

    A step costs about two plain ones, and an epoch ``fresh_steps`` more. Generators
    last for one call: ``partial_fit`` begins with a new one and forgets the earlier
    ones.

    NOTE[DIFF]: the paper fine-tunes a trained net; this one trains from its first
    weights. Its fresh generators train until they get no better. Here all rows with
    earlier noise have that of one generator, drawn for each step. Epochs and optimizer
    are those of :class:`AdversarialClassifier`.

    NOTE[DIFF]: the paper has pixels. In a table, a fully connected generator makes the
    noise of a row, in units of ``eps``. Levels and missing numbers stay as they are.

    References
    ----------
    .. [1] E. Rusak, L. Schott, R. S. Zimmermann, J. Bitterwolf, O. Bringmann, M.
       Bethge, W. Brendel. "A simple way to make neural networks robust against diverse
       image corruptions". ECCV 2020.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import AdversarialNoiseClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = AdversarialNoiseClassifier(
    ...     eps=0.5, eps_unit="std", fresh_steps=10, max_epochs=5, random_state=0
    ... )
    >>> net.fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    _run_class = NoiseRun
    norm = "l2"
    _pixel_eps = PixelEps(0.348, "0.348", {"eps_unit": "input"})
    _parameter_constraints = {
        **ThreatNetClassifier._parameter_constraints,
        "noise": [StrOptions(set(_KERNEL_SIZES))],
        "clean_share": [FiniteReal(0, 1)],
        "earlier_share": [FiniteReal(0, 1)],
        "generator_lr": [FiniteReal(0, None, closed="neither")],
        "fresh_lr": [FiniteReal(0, None, closed="neither")],
        "fresh_steps": [WholeNumber(0)],
    }

    def __init__(
        self,
        module="mlp",
        *,
        noise="1x1",
        clean_share=0.5,
        earlier_share=0.2,
        generator_lr=1e-4,
        fresh_lr=5e-4,
        fresh_steps=100,
        eps=None,
        eps_unit="input",
        perturb=None,
        box=None,
        **kwargs,
    ):
        super().__init__(
            module, eps=eps, eps_unit=eps_unit, perturb=perturb, box=box, **kwargs
        )
        self.noise = noise
        self.clean_share = clean_share
        self.earlier_share = earlier_share
        self.generator_lr = generator_lr
        self.fresh_lr = fresh_lr
        self.fresh_steps = fresh_steps

    def _check_parameters(self):
        super()._check_parameters()
        if self.clean_share < 1 < self.clean_share + self.earlier_share:
            raise ValueError(
                f"clean_share={self.clean_share!r} and earlier_share="
                f"{self.earlier_share!r} are shares of a batch, and more than 1 "
                "together. Lower one of them."
            )

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        if X.ndim not in (2, 4):
            raise ValueError(
                f"{type(self).__name__} makes noise for tables and for images of shape "
                f"(n, bands, height, width), got X of shape {X.shape}. Give images "
                "without bands one, X[:, None]."
            )
        if X.ndim == 2 and self.noise != "1x1":
            raise ValueError(
                f"noise={self.noise!r} is for images, and X is a table of shape "
                f"{X.shape}. Use '1x1'."
            )

    def radius_of_ball(self):
        # Of n numbers with the root mean square 1 the length is the root of n.
        return self.eps_ * np.sqrt(np.count_nonzero(self.eps_))

    def begin_attack(self):
        self.run_.earlier = []
        if self._makes_noise():
            self._set_generator(self._new_generator())

    def _makes_noise(self):
        return self.clean_share < 1 and not self.run_.ball.is_point

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        super().on_epoch_begin(net, dataset_train=dataset_train, **kwargs)
        if self._makes_noise() and self.run_.n_epochs:
            self._renew_generator(dataset_train)

    # --- The generator ---------------------------------------------------------------

    def _new_generator(self):
        shape = self.run_.ball.radius.shape
        with drawing_for_fit():
            generator = NoiseGenerator(shape, _KERNEL_SIZES[self.noise])
        return generator.to(**self.like_rows())

    def _set_generator(self, generator, lr=None):
        lr = self.generator_lr if lr is None else lr
        self.run_.noise = generator
        self.run_.optimizer = torch.optim.Adam(generator.parameters(), lr=lr)

    def _renew_generator(self, dataset_train):
        """Train a fresh generator against the net, and keep the last one."""
        self.run_.earlier.append(self.run_.noise)
        self._set_generator(self._new_generator(), self.fresh_lr)
        iterator = self.get_iterator(dataset_train, training=True)
        for batch in islice(chain.from_iterable(repeat(iterator)), self.fresh_steps):
            self._teach_generator(batch)
        self._set_generator(self.run_.noise)

    def _teach_generator(self, batch):
        """Make a step of the generator that raises the cross-entropy of a batch."""
        self._set_training(False)
        X, y = self.on_device(*unpack_data(batch))
        rows = self._noisy(rows_of(self.inside_box(X)), self.run_.noise)
        objective = -cross_entropy(net_logits(self, rows), y)
        parameters = list(self.run_.noise.parameters())
        # backward would add to the gradients of the net.
        gradients = torch.autograd.grad(objective, parameters, allow_unused=True)
        if gradients[-1] is None:
            raise_no_gradient()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.run_.optimizer.step()

    def _noisy(self, rows, generator):
        """Rows with noise of a generator, of the length that it shall have."""
        drawn = torch.empty_like(rows).normal_(
            generator=current_generator(self.device or "cpu")
        )
        ball = self.run_.ball
        return add_noise(rows, generator(drawn) * ball.radius, ball)

    # --- A step ----------------------------------------------------------------------

    def train_step(self, batch, **fit_params):
        if self._makes_noise():
            self._teach_generator(batch)
        return super().train_step(batch, **fit_params)

    def training_rows(self, X, y):
        X = self.inside_box(X)
        if not self._makes_noise():
            return X, y
        rows, draws = rows_of(X), current_generator(self.device or "cpu")
        earlier = self.run_.earlier
        n_clean = round(self.clean_share * len(rows))
        n_earlier = round(self.earlier_share * len(rows)) if earlier else 0
        # By chance, as a user's iterator may give rows in their order.
        order = torch.randperm(len(rows), generator=draws, device=rows.device)
        noisy = rows.clone()
        with torch.no_grad():
            current = order[n_clean + n_earlier :]
            noisy[current] = self._noisy(rows[current], self.run_.noise)
            if n_earlier:
                place = torch.randint(
                    len(earlier), (), generator=draws, device=rows.device
                )
                again = order[n_clean : n_clean + n_earlier]
                noisy[again] = self._noisy(rows[again], earlier[place])
        return with_rows(X, noisy), y
