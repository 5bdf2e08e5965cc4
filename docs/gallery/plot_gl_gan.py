"""
===================================
GL-GAN on a ring: rows between rows
===================================

We compare three deep samplers with SMOTE on a table of two columns, so that you can see
their synthetic rows: :class:`~imbdeep.over_sampling.LatentSMOTE`,
:class:`~imbdeep.over_sampling.GLGAN`, which starts from it [1]_, and
:class:`~imbdeep.over_sampling.ConditionalGAN`, which makes rows from noise. A table of
two columns does not test methods designed for wide ones, but shows what they do.

.. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
   State University, 2023, chapter 2.
"""

# %%
# The data
# --------
# A rare ring surrounds a frequent one. The radius of a row is normal around 2 for the
# rare class and around 1 for the frequent one; the angle carries no information. Of 320
# rows 20 are rare. The classes overlap: one rare row in thirteen belongs inside the
# circle of radius 1.5, where the frequent class would be more probable for classes of
# equal size.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from scipy.spatial import KDTree
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

from imbdeep.over_sampling import GLGAN, ConditionalGAN, LatentSMOTE

N_FREQUENT, N_RARE = 300, 20
RADIUS = {"frequent": 1.0, "rare": 2.0}
SPREAD = 0.35
BORDER = 1.5


def make_rings(n_frequent, n_rare, seed):
    """Two concentric rings; label 1 is the outer one."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_frequent, n_rare])
    centre = np.where(y == 1, RADIUS["rare"], RADIUS["frequent"])
    radius = rng.normal(centre, SPREAD)
    angle = rng.uniform(0, 2 * np.pi, len(y))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


# %%
# Four samplers
# -------------
# All run at their defaults, on five data sets, with one seed each. The pictures show
# the first.


def make_rows(seed):
    """A data set, the four fitted samplers, and the synthetic rows of each."""
    samplers = {
        "SMOTE": SMOTE(random_state=seed),
        "LatentSMOTE": LatentSMOTE(random_state=seed),
        "GLGAN": GLGAN(random_state=seed),
        "ConditionalGAN": ConditionalGAN(random_state=seed),
    }
    X, y = make_rings(N_FREQUENT, N_RARE, seed)
    made = {
        name: sampler.fit_resample(X, y)[0][len(X) :]
        for name, sampler in samplers.items()
    }
    return X, y, samplers, made


runs = [make_rows(seed) for seed in range(5)]
X, y, samplers, made = runs[0]

COLORS = {"frequent": "0.6", "rare": "#E69F00", "synthetic": "#A50F15"}
fig, axes = plt.subplots(2, 2, figsize=(8, 8.4), layout="constrained")
for ax, (name, rows) in zip(axes.flat, made.items(), strict=True):
    ax.plot(*X[y == 0].T, ".", color=COLORS["frequent"], markersize=4, label="frequent")
    ax.plot(*rows.T, "x", color=COLORS["synthetic"], markersize=4, label="synthetic")
    ax.plot(*X[y == 1].T, "o", color=COLORS["rare"], markeredgecolor="k", label="rare")
    ax.add_patch(plt.Circle((0, 0), BORDER, fill=False, linestyle="--"))
    ax.set(title=name, aspect="equal", xticks=[], yticks=[])
    ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
handles, labels = axes[0, 0].get_legend_handles_labels()
fig.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %%
# SMOTE draws straight lines between rare rows, and on a ring of few rows these are
# chords. LatentSMOTE and GLGAN draw lines between latents; in the table these are bent,
# but only a little: the latents of neighbours are neighbours. All three trust the lone
# rare row inside the circle: synthetic rows lie on the way to it. ConditionalGAN knows
# no neighbours. Its rows lie around most of the ring, densely in some places and not at
# all in others, and more of them inside the circle.
#
# The latents
# -----------
# GLGAN's autoencoder turns a row into a latent of 16 numbers. These are the first two
# principal components of the latents, for original and for synthetic rows.

sampler = samplers["GLGAN"]
pca = PCA(n_components=2).fit(sampler.latent_)
codes = pca.transform(sampler.latent_)
clouds = {
    "frequent": (codes[y == 0], "."),
    "synthetic": (pca.transform(sampler.encode(made["GLGAN"])), "x"),
    "rare": (codes[y == 1], "o"),
}
fig, ax = plt.subplots(figsize=(5.5, 4.6), layout="constrained")
for name, (points, marker) in clouds.items():
    edge = {"markeredgecolor": "k"} if name == "rare" else {}
    ax.plot(*points.T, marker, color=COLORS[name], markersize=5, label=name, **edge)
ax.set(xlabel="first component", ylabel="second component")
ax.legend(frameon=False)
plt.show()

# %%
# The table has been bent into a bowl. The first component is nearly the distance from
# the centre, and separates the classes; the second runs across the ring, and so does
# the third, which is not shown. The distance is no straight line in the table: the
# cluster loss makes it one. Classes that overlap in the table also overlap here, and
# the rare row inside the circle has its latent among the frequent ones.
#
# The losses
# ----------
# First the autoencoder trains, then the GAN. ``loss_history_`` has one entry per epoch.

history = sampler.loss_history_
stages = {
    "autoencoder": ("reconstruction", "cluster"),
    "GAN": ("discriminator", "classifier", "generator"),
}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for ax, (title, names) in zip(axes, stages.items(), strict=True):
    for name in names:
        ax.plot(np.arange(1, len(history[name]) + 1), history[name], label=name)
    ax.set(title=title, xlabel="epoch", ylabel="loss", yscale="log")
    ax.legend(frameon=False)
plt.show()

# %%
# The autoencoder learns to reconstruct the rows early on, and spends the remaining
# epochs arranging the latents. It ended by ``pretrain_epochs``, not by convergence. In
# the GAN the classifier learns most. The discriminator stays at 0.5, its loss if it
# calls every row half real: the decoder's rows pass for real from the beginning, which
# leaves little for the adversary to do.
#
# Is it the seed?
# ---------------
# We score all five data sets. Besides the four samplers, the table has the original
# rows alone ("nothing"), and duplicates of the rare rows. The columns are the share of
# synthetic rows inside the dashed circle, which should be 0.08; the distance of an
# unseen rare row from the nearest synthetic one; and the average precision of gradient
# boosting, trained on the resampled rows and tested on data of the natural share.

X_test, y_test = make_rings(7_500, 500, seed=100)


def score(X, y, rows):
    """Where the synthetic rows lie, and how well trees trained on them rank."""
    X_resampled = np.concatenate([X, rows])
    y_resampled = np.concatenate([y, np.ones(len(rows))])
    trees = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    p = trees.fit(X_resampled, y_resampled).predict_proba(X_test)[:, 1]
    scores = {"average precision": average_precision_score(y_test, p)}
    if len(rows):
        scores["inside the circle"] = (np.linalg.norm(rows, axis=1) < BORDER).mean()
        distance, _ = KDTree(rows).query(X_test[y_test == 1])
        scores["distance of an unseen row"] = distance.mean()
    return scores


rows = []
for seed, (X_seed, y_seed, _, made_seed) in enumerate(runs):
    duplicates, _ = RandomOverSampler(random_state=seed).fit_resample(X_seed, y_seed)
    others = {"nothing": X_seed[:0], "duplicates": duplicates[len(X_seed) :]}
    for name, made_rows in (others | made_seed).items():
        rows.append({"rows": name} | score(X_seed, y_seed, made_rows))

table = pd.DataFrame(rows).groupby("rows", sort=False).agg(["mean", "std"])
mean, std = (
    table.xs(part, axis=1, level=1).map("{:.2f}".format) for part in ("mean", "std")
)
columns = ["inside the circle", "distance of an unseen row", "average precision"]
(mean + " ± " + std)[columns].replace("nan ± nan", "")

# %%
# What this shows
# ---------------
#
# - Duplicates already give these trees most of the gain. A leaf needs twenty rows, and
#   there are twenty rare ones; any more of them help.
# - SMOTE, LatentSMOTE and GLGAN come closer to unseen rare rows than duplicates do, and
#   GLGAN perhaps a little closer than SMOTE. In average precision these three and the
#   duplicates differ by no more than the seeds do.
# - ConditionalGAN's rows lie inside the circle too often, and their scores depend most
#   on the seed: twenty rows are not always enough for a game between two nets.
# - SMOTE takes a hundredth of a second, the others about a second. On a table like
#   this one there is no reason to go beyond it.
