"""
Corrupted images, from the head to the tail
===========================================

A net has seen clean images of frequent classes, and a few clean ones of rare classes.
Then images come with noise, blur and fog. We look at recall class by class, from the
most frequent to the rarest one, and at what three ways to train for such images do.
"""

# %%
# Ten digits on a long tail
# -------------------------
#
# :func:`~imbdeep.datasets.make_imbalanced` leaves the digit 9 a thirtieth of the rows
# of the digit 0, and those in between ever fewer. The test rows are balanced.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

from imbdeep.classifiers import (
    AdversarialNoiseClassifier,
    AugMixClassifier,
    NetClassifier,
    UniversalAdversarialClassifier,
)
from imbdeep.datasets import IMAGE_CORRUPTIONS, corrupt_images, make_imbalanced

X, y = load_digits(return_X_y=True)
X = (X.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=600, stratify=y, random_state=3
)
X_train, y_train = make_imbalanced(
    X_train, y_train, "exponential", ratio=30, random_state=3
)
np.bincount(y_train)

# %%
# Noise, blur and fog
# -------------------
#
# :func:`~imbdeep.datasets.corrupt_images` has thirteen corruptions. Their severities
# are meant for 32 by 32 pixels; these images have 8 by 8.

corrupted = {
    name: corrupt_images(X_test, name, severity=3, random_state=3)
    for name in IMAGE_CORRUPTIONS
}
rows = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
shown = {"clean": X_test} | corrupted
_, axes = plt.subplots(len(shown), 10, figsize=(6, 8.4), layout="constrained")
for line, (name, images) in zip(axes, shown.items(), strict=True):
    for ax, row in zip(line, rows, strict=True):
        ax.imshow(images[row, 0], cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    line[0].set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center")
plt.show()

# %%
# Four nets
# ---------
#
# All train for as many epochs. AugMix asks for one answer to an image and to its
# mixtures; a generator makes the noise that fools the net most; and one shift of all
# pixels is learned against all images. A digit that is moved or turned a little is the
# same digit, so AugMix may do it.

net = {
    "module": "conv",
    "module__n_filters": (8, 16),
    "max_epochs": 40,
    "lr": 3e-3,
    "train_split": None,
    "early_stopping": False,
    "random_state": 3,
}
nets = {
    "plain": NetClassifier(**net),
    "AugMix": AugMixClassifier(value_range=(0, 1), consistency=1, **net),
    "noise": AdversarialNoiseClassifier(eps=0.2, box=(0, 1), fresh_steps=20, **net),
    "universal shift": UniversalAdversarialClassifier(eps=0.1, box=(0, 1), **net),
}
for classifier in nets.values():
    classifier.fit(X_train, y_train)


def recalls(classifier, images):
    """Recall of each digit."""
    return recall_score(y_test, classifier.predict(images), average=None)


clean = {name: recalls(classifier, X_test) for name, classifier in nets.items()}
moved = {
    name: np.mean([recalls(classifier, images) for images in corrupted.values()], 0)
    for name, classifier in nets.items()
}

# %%
# Recall, digit by digit
# ----------------------
#
# A dot is the recall of clean images, the end of its line the mean over the thirteen
# corruptions. Dotted lines are the means of the frequent and of the rare half.

_, axes = plt.subplots(1, 4, figsize=(11, 3.2), sharey=True, layout="constrained")
digits = np.arange(10)
for ax, name in zip(axes, nets, strict=True):
    ax.vlines(digits, moved[name], clean[name], color="0.6", linewidth=2)
    ax.plot(digits, clean[name], "o", label="clean", color="#0072B2")
    ax.plot(digits, moved[name], "_", label="corrupted", color="#D55E00", mew=2)
    for half in (slice(5), slice(5, 10)):
        ends = digits[half][[0, -1]]
        ax.plot(ends, [moved[name][half].mean()] * 2, ":", color="#D55E00")
    ax.set(title=name, xlabel="digit, the rarest on the right", xticks=digits)
axes[0].set(ylabel="recall", ylim=(0, 1.02))
axes[0].legend(loc="lower left")
plt.show()

# %%
# Corruption costs the frequent digits a little and the rare ones more. Noise that a
# generator has learned wins some of it back for the frequent half, 0.02 to 0.05 in each
# of four draws (``random_state`` of 0 to 3), and takes 0.05 from the rare half in three
# of the four. Mixtures cost nobody much and gain little: frequent digits 0.01 to 0.03,
# rare ones now more and now less than without. One shift that is to fool all images is
# learned against the many, and the rare digits pay for it in every draw, on clean
# images too. A mean over all classes would have shown little of this.
