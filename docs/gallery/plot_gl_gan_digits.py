"""
====================================
GL-GAN on digits: more of ten sevens
====================================

The dissertation behind GL-GAN compares its images with those of other samplers: sevens
made from a few sevens among many fours [1]_. We do the same with scikit-learn's digits,
8 by 8 pixels each. :class:`~imbdeep.over_sampling.LatentSMOTE` and
:class:`~imbdeep.over_sampling.GLGAN` take images as they are; a small convolutional
autoencoder learns their latents.

.. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
   State University, 2023, section 2.5.
"""

# %%
# The data
# --------
# We use all 181 fours and ten of the 179 sevens. The other sevens are held out, for
# comparison with the synthetic ones.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from imbdeep.over_sampling import GLGAN, LatentSMOTE

N_RARE = 10
digits = load_digits()


def make_task(seed):
    """Images of fours and of ten sevens, their labels, and the other sevens."""
    fours = np.flatnonzero(digits.target == 4)
    sevens = np.flatnonzero(digits.target == 7)
    sevens = np.random.default_rng(seed).permutation(sevens)
    kept = np.concatenate([fours, sevens[:N_RARE]])
    return digits.images[kept], digits.target[kept], digits.images[sevens[N_RARE:]]


# %%
# Four samplers
# -------------
# SMOTE takes no images and gets rows of 64 pixels. The plain autoencoder is LatentSMOTE
# without the loss that keeps the classes apart.


def flat(images):
    """Images as rows of pixels."""
    return images.reshape(len(images), -1)


def make_sevens(seed):
    """The task, the sevens of each sampler, and the samplers of images."""
    X, y, unseen = make_task(seed)
    samplers = {
        "plain autoencoder": LatentSMOTE(cluster_weight=0, random_state=seed),
        "LatentSMOTE": LatentSMOTE(random_state=seed),
        "GLGAN": GLGAN(random_state=seed),
    }
    rows, _ = SMOTE(random_state=seed).fit_resample(flat(X), y)
    made = {"SMOTE": rows[len(X) :].reshape(-1, *X.shape[1:])}
    for name, sampler in samplers.items():
        made[name] = sampler.fit_resample(X, y)[0][len(X) :]
    return (X, y, unseen), made, samplers


runs = [make_sevens(seed) for seed in range(3)]

# %%
# The first ten sevens of each sampler, none picked by hand, below the ten it was given.

(X, y, unseen), made, samplers = runs[0]
lines = {"the ten": X[y == 7]} | made
fig, axes = plt.subplots(len(lines), 10, figsize=(9, 4.6), layout="constrained")
for line, (name, images) in zip(axes, lines.items(), strict=True):
    for ax, image in zip(line, images, strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# All samplers make sevens. SMOTE lays two images over each other, and where their
# strokes do not meet, both show in grey. A decoder's images are smoother and more
# alike. LatentSMOTE and GLGAN begin with the same latents here, so each column shows
# what the GAN has done to the image above: hardly more than a change of contrast. On 64
# pixels there is little left to repair.
#
# The latents
# -----------
# The first two principal components of the latents, for original and synthetic images.

COLORS = {"4": "#0072B2", "synthetic": "#D55E00", "7": "k"}
shown = {
    "plain autoencoder": samplers["plain autoencoder"],
    "GLGAN": samplers["GLGAN"],
}
fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
for ax, (name, sampler) in zip(axes, shown.items(), strict=True):
    pca = PCA(n_components=2).fit(sampler.latent_)
    codes = pca.transform(sampler.latent_)
    made_codes = pca.transform(sampler.encode(made[name]))
    ax.plot(*codes[y == 4].T, ".", color=COLORS["4"], label="4")
    ax.plot(
        *made_codes.T, "x", color=COLORS["synthetic"], markersize=4, label="synthetic"
    )
    ax.plot(*codes[y == 7].T, "o", color=COLORS["7"], markersize=4, label="7")
    share = pca.explained_variance_ratio_.sum()
    ax.set(title=f"{name}, {share:.0%} of the variance", xticks=[], yticks=[])
axes[1].legend(frameon=False)
plt.show()

# %%
# In the plain autoencoder the sevens lie at the edge of the fours, some of them among
# fours, and so do the synthetic ones. With the cluster loss, the classes are far apart
# and synthetic latents stay near those of sevens. That is the purpose of the loss, and
# it clearly works. Whether it matters is another question: here the images of the plain
# autoencoder are sevens as well.
#
# How like, and how unlike
# ------------------------
# Distances between images, over three draws of the ten sevens. A synthetic seven should
# be as near to an unseen one as unseen ones are to each other, and the reverse; and two
# synthetic images should differ as much as two real ones do.


def nearest(images, others):
    """Mean distance of each image to the nearest of the others, excluding itself."""
    is_same = images is others
    distance, _ = KDTree(flat(others)).query(flat(images), k=[1 + is_same])
    return distance.mean()


rows = []
for (X_run, y_run, unseen), made_run, _ in runs:
    sets = {"unseen 7": unseen, "the ten 7": X_run[y_run == 7]} | made_run
    for name, images in sets.items():
        rows.append(
            {
                "images": name,
                "to the nearest unseen 7": nearest(images, unseen),
                "of an unseen 7 to the nearest": nearest(unseen, images),
                "between two": pdist(flat(images)).mean(),
            }
        )

table = pd.DataFrame(rows).groupby("images", sort=False).agg(["mean", "std"])
mean, std = (
    table.xs(part, axis=1, level=1).map("{:.1f}".format) for part in ("mean", "std")
)
mean + " ± " + std

# %%
# What this shows
# ---------------
#
# - Synthetic images are as close to unseen sevens as unseen sevens are to each other,
#   or closer: the mean of two images is closer to most images than either.
# - They differ much less among themselves than real ones do, for every sampler. Ten
#   sevens vary less than 179, and lines between them, straight or bent, add to their
#   number rather than to their variety.
# - Unseen sevens are closer to the synthetic ones than to the ten. SMOTE does at least
#   as well in this as the three with an autoencoder, and these do not differ by more
#   than the draws do.
# - A larger ``cluster_weight`` makes tighter clusters, and images ever more alike: with
#   1, two synthetic sevens differ less than half as much as two real ones.
