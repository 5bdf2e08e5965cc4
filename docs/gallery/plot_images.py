"""
==================================================
Images: augmentation and mixing for classes of few
==================================================

A net for images, and five tiles of each rare class. What do balanced batches, random
changes of the tiles and ReMix [1]_ make of them? First the changes, on a satellite tile
and on a photo tile, then the recall of each class.

.. [1] C. Bellinger, R. Corizzo, N. Japkowicz. "ReMix training for calibrated imbalanced
   deep learning". 2020.
"""

# %%
# What an augmentation does
# -------------------------
# ``augment='flips'`` mirrors and turns by quarters, for images from above, where no
# direction is special. ``augment='standard'`` turns by up to 20 degrees and shifts by
# up to a fifth of the side, for photographs, which have a top and a bottom. The edge is
# repeated where pixels are missing. All bands of an image move alike.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, recall_score
from sklearn.pipeline import make_pipeline

from imbdeep.augmentations import flips, standard
from imbdeep.classifiers import NetClassifier, ReMixClassifier
from imbdeep.datasets import load_photo_tiles, make_satellite_tiles
from imbdeep.preprocessing import BandScaler

N_SHOWN = 7


def augmented(image, augment):
    """The image, and what an augmentation makes of it."""
    copies = torch.tensor(image).float().repeat(N_SHOWN, 1, 1, 1)
    made = augment(copies, torch.Generator().manual_seed(0)).numpy()
    return np.concatenate([image[None], made])


def as_colours(image):
    """Three bands as red, green and blue, from the darkest value to the brightest."""
    low, high = np.percentile(image, [1, 99])
    return ((image - low) / (high - low)).clip(0, 1).transpose(1, 2, 0)


satellite = make_satellite_tiles(20, bands="agriculture", random_state=0)
photos = load_photo_tiles(n_per_class=20)
page = photos.data[photos.target == photos.target_names.index("page")]
lines = {
    "flips": augmented(satellite.data[3], flips),
    "standard": augmented(page[4], standard),
}
fig, axes = plt.subplots(2, N_SHOWN + 1, figsize=(9, 2.6), layout="constrained")
for line, (name, images) in zip(axes, lines.items(), strict=True):
    for ax, image in zip(line, images, strict=True):
        ax.imshow(as_colours(image))
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(name)
axes[0, 0].set_title("original", fontsize=10)
plt.show()

# %%
# Above, a synthetic tile of 64 x 64 pixels in the bands 6, 5 and 2, drawn as red, green
# and blue; below, 32 x 32 pixels of a photograph.
#
# Eight textures, four of them rare
# ---------------------------------
# The task is to tell which of eight grey photographs a tile is from, so that there is
# nothing but texture to go by. Tiles for training are from the left of each photograph,
# those for the test from the right. Half the resolution keeps this page quick. Four
# classes keep 100 tiles, and four keep five.

FREQUENT = ["brick", "camera", "coins", "grass"]
RARE = ["gravel", "moon", "page", "text"]
N_FREQUENT, N_RARE, N_TEST = 100, 5, 100


def load(subset, n_per_class):
    """Tiles of the eight photographs, 16 x 16 pixels, with the names of the photos."""
    tiles = load_photo_tiles(subset=subset, n_per_class=n_per_class, bands=[3])
    names = np.array(tiles.target_names)[tiles.target]
    chosen = np.isin(names, FREQUENT + RARE)
    halved = tiles.data[chosen].reshape(-1, 1, 16, 2, 16, 2).mean((3, 5))
    return halved.round().astype(np.uint8), names[chosen]


def draw(y, seed):
    """Positions of the tiles that are kept."""
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(np.flatnonzero(y == name))[:n]
        for n, group in ((N_FREQUENT, FREQUENT), (N_RARE, RARE))
        for name in group
    ]
    return np.concatenate(kept)


X, y = load("train", 120)
X_test, y_test = load("test", N_TEST)

fig, axes = plt.subplots(3, 8, figsize=(9, 3.6), layout="constrained")
for column, name in zip(axes.T, FREQUENT + RARE, strict=True):
    for ax, image in zip(column, X[y == name], strict=False):
        ax.imshow(image[0], cmap="gray")
        ax.set(xticks=[], yticks=[])
    column[0].set_title(name, fontsize=10)
plt.show()

# %%
# Five ways to train
# ------------------
# The last four balance their batches, the last three are those that the paper compares:
# its "Augment" changes the tiles, ReMix mixes them, and "ReMix (Aug)" does both. All
# else is the same. Each is trained three times, on other tiles and from other weights.


def methods(seed):
    params = {"module": "conv", "lr": 2e-3, "max_epochs": 18, "batch_size": 64}
    params |= {"early_stopping": False, "random_state": seed}
    return {
        "plain": NetClassifier(**params),
        "balanced": NetClassifier(iterator_train="balanced", **params),
        "Augment": NetClassifier(
            iterator_train="balanced", augment="standard", **params
        ),
        "ReMix": ReMixClassifier(**params),
        "ReMix (Aug)": ReMixClassifier(augment="standard", **params),
    }


def evaluate(net, seed):
    """Recall of each class, and the mean average precision of the rare ones."""
    kept = draw(y, seed)
    model = make_pipeline(BandScaler(), net).fit(X[kept], y[kept])
    recall = recall_score(
        y_test, model.predict(X_test), average=None, labels=FREQUENT + RARE
    )
    proba = dict(zip(model.classes_, model.predict_proba(X_test).T, strict=True))
    ranked = [average_precision_score(y_test == name, proba[name]) for name in RARE]
    return [*recall, np.mean(ranked)]


scores = pd.DataFrame(
    [
        [name, seed, *evaluate(net, seed)]
        for seed in range(3)
        for name, net in methods(seed).items()
    ],
    columns=["method", "seed", *FREQUENT, *RARE, "average precision, rare"],
)
mean = scores.drop(columns="seed").groupby("method", sort=False).mean()

# %%
# Recall by class
# ---------------

recall = mean[FREQUENT + RARE]
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.imshow(recall, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
for row, line in enumerate(recall.to_numpy()):
    for column, value in enumerate(line):
        colour = "white" if value > 0.7 else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
ax.axvline(3.5, color="white", linewidth=4)
ax.set_xticks(range(8), recall.columns)
ax.set_yticks(range(5), recall.index)
for centre, n in ((1.5, N_FREQUENT), (5.5, N_RARE)):
    ax.text(centre, -0.65, f"{n} tiles of each", ha="center", va="bottom")
ax.spines[:].set_visible(False)
ax.tick_params(length=0)
plt.show()

# %%
# Means over the classes, and in brackets how far the three trainings are apart. The
# average precision is the mean of the four rare classes, each against all others:

parts = {"frequent": FREQUENT, "rare": RARE, "all": FREQUENT + RARE}
for part, names in parts.items():
    scores[f"recall, {part}"] = scores[names].mean(axis=1)
shown = [f"recall, {part}" for part in parts] + ["average precision, rare"]
by_method = scores.groupby("method", sort=False)[shown]
table = by_method.mean().map("{:.2f}".format)
spread = (by_method.max() - by_method.min()).map("{:.2f}".format)
table + " (" + spread + ")"

# %%
# The average precision of each training:

scores.pivot(index="method", columns="seed", values="average precision, rare").loc[
    mean.index
].round(2)

# %%
# What this shows
# ---------------
#
# - The plain net hardly ever names a rare class. Balanced batches are what changes
#   that, and they are part of all other ways.
# - Augmentation is what makes rare classes easier to tell: with it, their average
#   precision is higher in each of the three trainings, with and without mixing.
# - Mixing changes less than trainings differ, alone and beside augmentation.
# - What rare classes gain, others lose: fewer tiles of *camera* are recognised with
#   each of the last four. The mean recall of all classes gains less from augmentation
#   than trainings differ. What has been gained is a ranking, and where to cut it is a
#   choice of its own.
# - These are tiles of eight photographs. Nothing follows for photographs of things.
