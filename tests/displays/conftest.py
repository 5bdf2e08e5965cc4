import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import expit


@pytest.fixture(autouse=True)
def close_figures():
    """Draw without a screen, and leave no figure open."""
    before = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture
def predictions():
    """Labels of two classes and probabilities that are right, of 400 rows."""
    rng = np.random.RandomState(0)
    proba = expit(rng.normal(-2, 1.5, 400))
    return (rng.uniform(size=400) < proba).astype(int), proba
