r"""Weights for a rare class of two Gaussians, in closed form: section 4.3, corrected.

The setting is that of eq. (4.1): rows of class +1 are :math:`N(\mu, \sigma^2 I)` and
those of class -1 are :math:`N(-\mu, \sigma^2 I)`, each of the :math:`d` entries of
:math:`\mu` is :math:`\eta`, and class +1 is :math:`K` times as frequent. A linear
classifier says +1 where :math:`w^T x > b`; :math:`w = \mathbf 1` by symmetry. Class -1
has weight :math:`\rho`.

Under it :math:`\mathbf 1^T x` is :math:`N(\pm d \eta, d \sigma^2)`. With the distance
:math:`t = \sqrt d \, \eta / \sigma` and :math:`u = b / (\sqrt d \, \sigma)` the errors
are

.. math:: e_- = \Phi(-u - t), \qquad e_+ = \Phi(u - t),

and the derivative of the risk :math:`\rho e_- + K e_+` is 0 where
:math:`\rho \phi(u + t) = K \phi(u - t)`, so where :math:`2 u t = \log(\rho / K)`:

.. math:: u = \frac{1}{2 t} \log \frac{\rho}{K}, \qquad
          b = \frac{1}{2} \log \Big( \frac{\rho}{K} \Big) \frac{\sigma^2}{\eta} .

What is printed departs from that in three places.

- Lemma 4.3.1 has :math:`d \sigma` for the deviation of a sum of :math:`d` independent
  entries, and so a threshold that is :math:`d` times as far from 0. With :math:`d = 1`
  it is right.
- The test error in the proof of Theorem 4.3.3 has arguments
  :math:`\mp \frac{1}{2} \log(\rho / K) - \sigma / \eta`. Putting its own threshold into
  the line above gives
  :math:`\mp \frac{1}{2} \log(\rho / K) \, \sigma / \eta - \eta / \sigma`.
- The theorems order distributions by :math:`S = \eta / \sigma^2`, which changes when
  rows are rescaled, while errors do not: they follow from :math:`t` and :math:`K`
  alone. With :math:`t` for :math:`S` both hold, and for every :math:`K > 1`, because
  both sides decrease in :math:`t`; with :math:`S` neither does.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


@dataclass(frozen=True)
class Mixture:
    """Two classes, eq. (4.1): their means' entries, their deviation, their features."""

    eta: float
    sigma: float
    n_features: int

    @property
    def separability(self):
        """S of the dissertation."""
        return self.eta / self.sigma**2

    @property
    def distance(self):
        """From the middle to the mean of a class, in standard deviations."""
        return np.sqrt(self.n_features) * self.eta / self.sigma

    def draw(self, label, n_rows, random_state):
        """Draw rows of class +1 or -1."""
        noise = random_state.normal(size=(n_rows, self.n_features))
        return label * self.eta + self.sigma * noise


def threshold(mixture, ratio, weight):
    """Best b of the weighted training risk (4.2), with w = 1.

    ``ratio`` is K, rows of class +1 for each of class -1, whose weight is rho.

    Examples
    --------
    >>> threshold(Mixture(1.0, 2.0, 5), ratio=100, weight=100)
    0.0
    """
    return float(0.5 * np.log(weight / ratio) * mixture.sigma**2 / mixture.eta)


def printed_threshold(mixture, ratio, weight):
    """The b that Lemma 4.3.1 prints."""
    return mixture.n_features * threshold(mixture, ratio, weight)


def class_errors(mixture, b):
    """Errors of class -1 and class +1 of the classifier with w = 1 and a threshold.

    Examples
    --------
    >>> rare, frequent = class_errors(Mixture(1.0, 1.0, 1), b=0.0)
    >>> round(float(rare), 4), round(float(frequent), 4)
    (0.1587, 0.1587)
    """
    scale = np.sqrt(mixture.n_features) * mixture.sigma
    middle = mixture.n_features * mixture.eta
    return norm.cdf(-(b + middle) / scale), norm.cdf((b - middle) / scale)


def printed_test_errors(mixture, ratio, weight):
    """Errors of class -1 and class +1 as the proof of Theorem 4.3.3 prints them."""
    half, inverse = 0.5 * np.log(weight / ratio), mixture.sigma / mixture.eta
    return norm.cdf(-half - inverse), norm.cdf(half - inverse)


def drawn_errors(mixture, b, n_rows, random_state):
    """Shares of drawn rows of class -1 and of class +1 that are on the wrong side."""
    rare, frequent = (
        mixture.draw(label, n_rows, random_state).sum(axis=1) for label in (-1, 1)
    )
    return (rare > b).mean(), (frequent <= b).mean()


def error_gap(mixture, ratio):
    """Error of class -1 minus that of class +1 without weights, Theorem 4.3.2."""
    rare, frequent = class_errors(mixture, threshold(mixture, ratio, 1))
    return rare - frequent


def price_of_weighting(mixture, ratio):
    """What the weight K of class -1 adds to the error of class +1, Theorem 4.3.3."""
    _, weighted = class_errors(mixture, threshold(mixture, ratio, ratio))
    _, plain = class_errors(mixture, threshold(mixture, ratio, 1))
    return weighted - plain
