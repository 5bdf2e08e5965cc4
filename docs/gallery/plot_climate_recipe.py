"""
========================================
The climate recipe, beside simpler means
========================================

How many cows can the land around a place feed? Rawal and Pradhan [1]_ read it from
satellite tiles of ten bands. Most land feeds none, so they combine balanced batches,
the LDAM loss, deferred weights, a cyclical learning rate, averaged weights, flips, and
three of the bands. We train a small net by their recipe on tiles that are made, and
look at what simpler means give.

.. [1] R. Rawal, P. Pradhan. "Climate adaptation: reliably predicting from imbalanced
   satellite data". CVPR Workshops 2020.
"""

# %%
# The tiles
# ---------
# Synthetic ones, of 32 by 32 pixels. Green plants and dry grass feed cows; dry grass
# looks like bare soil but in short-wave infrared, band 6. So **the bands 6-5-2 tell the
# classes best by design**, and nothing here says anything about Kenya.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.pipeline import make_pipeline

from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.datasets import make_satellite_tiles
from imbdeep.metrics import intra_class_variance
from imbdeep.preprocessing import BandScaler, BandSelector

N_TRAIN, N_SHOWN = 1000, 5
tiles = make_satellite_tiles(1800, size=32, random_state=0)
X, X_test = np.split(tiles.data, [N_TRAIN])
y, y_test = np.split(tiles.target, [N_TRAIN])
pd.Series(np.bincount(y), index=tiles.target_names)

# %%
# The first tiles of each class, three bands as red, green and blue, stretched:

BANDS = {"natural": "4-3-2, as we see it", "agriculture": "6-5-2"}
fig, axes = plt.subplots(4, 2 * N_SHOWN, figsize=(9, 4), layout="constrained")
for column, bands in enumerate(BANDS):
    shown = BandSelector(bands).fit_transform(X)
    low, high = np.percentile(shown, (2, 98), axis=(0, 2, 3))[:, :, None, None]
    for label, name in enumerate(tiles.target_names):
        line = axes[label, column * N_SHOWN : (column + 1) * N_SHOWN]
        for ax, tile in zip(line, shown[y == label], strict=False):
            ax.imshow(((tile - low) / (high - low)).clip(0, 1).transpose(1, 2, 0))
            ax.set(xticks=[], yticks=[])
        axes[label, 0].set_ylabel(name, rotation=0, ha="right", va="center")
    axes[0, column * N_SHOWN + N_SHOWN // 2].set_title(BANDS[bands], fontsize=10)
plt.show()

# %%
# Four fits
# ---------
# Net, flips and epochs are the same. ``average_from=0.5`` averages the weights at the
# ends of the last two cycles of the rate; by default, sixteen epochs would have one.

shared = {
    "module": "conv",
    "module__n_filters": (16, 32, 64),
    "augment": "flips",
    "max_epochs": 16,
    "batch_size": 32,
    "early_stopping": False,
    "train_split": None,
    "random_state": 0,
}
recipe = {
    "iterator_train": "balanced",
    "lr_schedule": "triangular",
    "weight_averaging": "swa",
    "average_from": 0.5,
}
fits = {
    "cross-entropy": (NetClassifier(**shared), "agriculture"),
    "balanced batches": (
        NetClassifier(**shared, iterator_train="balanced"),
        "agriculture",
    ),
    "the recipe": (LDAMClassifier(**shared, **recipe), "agriculture"),
    "the recipe, bands 4-3-2": (LDAMClassifier(**shared, **recipe), "natural"),
}
models = {
    name: make_pipeline(BandSelector(bands), BandScaler(), net).fit(X, y)
    for name, (net, bands) in fits.items()
}
predicted = {name: model.predict(X_test) for name, model in models.items()}

# %%
# And one without a fit: Bayes' rule takes the class shares out of the probabilities of
# cross-entropy, as ``prior_correction=True`` and a ``target_prior`` of equal shares do.

proba = models["cross-entropy"].predict_proba(X_test)
predicted["cross-entropy, by Bayes' rule"] = (proba / np.bincount(y)).argmax(axis=1)

# %%
# What they find
# --------------
# The root of the intra-class variance (ICV) is small where all classes have a recall
# near the accuracy.

order = list(predicted)
order.insert(1, order.pop())
recalls = pd.DataFrame(
    [recall_score(y_test, predicted[name], average=None) for name in order],
    index=order,
    columns=tiles.target_names,
)
scores = pd.DataFrame(
    {
        name: {
            "accuracy": (predicted[name] == y_test).mean(),
            "balanced accuracy": balanced_accuracy_score(y_test, predicted[name]),
            "root ICV": intra_class_variance(y_test, predicted[name], root=True),
        }
        for name in order
    }
).T
scores.round(2)

# %%

COLORS = ("#8C8C8C", "#56B4E9", "#009E73", "#D55E00")
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
places = np.arange(len(recalls))
ax.hlines(places, recalls.min(axis=1), recalls.max(axis=1), color="#CCCCCC", zorder=1)
for name, color in zip(recalls, COLORS, strict=True):
    ax.scatter(recalls[name], places, color=color, label=name, s=40, zorder=2)
ax.set_yticks(places, recalls.index)
ax.set(xlim=(0, 1), ylim=(len(recalls) - 0.5, -0.5), xlabel="recall")
ax.legend(ncols=4, frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1))
plt.show()

# %%
# Cross-entropy finds the empty and the richest land, and about a quarter of what is
# between. Bayes' rule moves its borders: more tiles of one cow are found, and nearly
# none of two. Balanced batches alone do best here, by balanced accuracy and by ICV. The
# recipe has the recalls of Bayes' rule rather than those of balanced batches, although
# it has these, too. On the bands that we see it is far worse, by design.
#
# This is one run of a small net, of a thousand tiles and sixteen epochs. But in the
# paper, too, ResNet-50 does no better by the loss, the weights and the cycles than by
# balanced batches alone: balanced accuracies of 0.641 and 0.647. There they lower the
# ICV, from 0.276 to 0.208; here the recipe does not.
#
# The schedule of the recipe
# --------------------------
# The rate of each step; the epochs whose weights are averaged, where the rate is
# lowest; and the last fifth, in which rare classes weigh more.

net = models["the recipe"][-1]
rates = [rate for epoch in net.history_[:, "batches", :, "event_lr"] for rate in epoch]
epochs = np.arange(len(rates)) * net.max_epochs / len(rates)
averaged = dict(net.callbacks_)["weight_averaging"].epochs_

fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.plot(epochs, rates, color="#0072B2", label="learning rate")
ax.plot(averaged, [1e-5] * len(averaged), "o", color="#D55E00", label="averaged")
deferred = net.reweight_from * net.max_epochs
ax.axvspan(round(deferred), net.max_epochs, color="#EEEEEE", label="classes weighted")
ax.set(xlabel="epochs", ylabel="learning rate", ylim=(0, None))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()

# %%
# The rate of the recipe is half of the others' on average, and begins and ends near
# zero: allow it more epochs. Forty are those of the paper's authors.
#
# What this shows
# ---------------
#
# - The recipe is one call, and so is each of its parts. Try the parts alone first.
# - Look at the recall of every class. Balanced accuracy hides that one class of four is
#   hardly found.
# - Which bands a net gets can matter more than how it is trained. A search over
#   ``bandselector__bands`` finds out.
