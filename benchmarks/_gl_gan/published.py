"""The scores that the dissertation published (Tables 2.2 to 2.6)."""

from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).with_name("published.csv")
PUBLISHED_R = 0.01

# The dissertation's name of each method that is run here.
NAMES = {
    "none": "Imbalanced",
    "random": "Random",
    "smote": "SMOTE",
    "gl_gan": "GL-GAN",
}


def published_scores(dataset):
    """Return what was published on a data set.

    Parameters
    ----------
    dataset : {'usps', 'sensorless', 'gas', 'madelon', 'gisette'}

    Returns
    -------
    scores : DataFrame of shape (8, 9)
        Methods, by the dissertation's names, by classifier and metric. NaN where there
        is a dash: SWIM on Gisette.
    """
    long = pd.read_csv(PUBLISHED)
    long = long[long["dataset"] == dataset]
    scores = long.pivot(
        index="method", columns=["classifier", "metric"], values="score"
    )
    return scores.loc[long["method"].unique()]
