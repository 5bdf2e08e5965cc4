"""
Robustness, class by class
==========================

Training on attacked rows makes a net robust, but if classes are imbalanced, mainly for
the frequent ones: rare classes lose more than in ordinary training, and a class weight
moves accuracy from one class to another rather than adding any. The paper behind SRAT
shows this on photographs. We show it on small digits, and what separation and mixing do
about it.
"""

# %%
# Ten digits of which five are rare
# ---------------------------------
#
# :func:`~imbdeep.datasets.make_imbalanced` leaves each of the last five digits a
# twentieth of the rows of the others. The test rows are balanced.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from imbdeep.attacks import robust_accuracy
from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    SRATClassifier,
)
from imbdeep.datasets import make_imbalanced

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8) / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=600, stratify=y, random_state=0
)
X_train, y_train = make_imbalanced(X_train, y_train, "step", ratio=20, random_state=0)
np.bincount(y_train)

# %%
# Four nets
# ---------
#
# The attack may change each pixel by 0.1. All four train for the same number of epochs.

attack = {"eps": 0.1, "box": (0, 1)}
net = {
    "module": "conv",
    "module__n_filters": (8, 16),
    "max_epochs": 60,
    "lr": 3e-3,
    "random_state": 0,
}
nets = {
    "natural": LDAMClassifier(criterion="cross_entropy", reweight_from=1.0, **net),
    "adversarial": AdversarialClassifier(**attack, **net),
    "SRAT": SRATClassifier(criterion="cross_entropy", **attack, **net),
    "Imb-Mix": ImbMixClassifier(**attack, **net),
}
for classifier in nets.values():
    classifier.fit(X_train, y_train)

# %%
# Standard and robust accuracy of each class
# ------------------------------------------
#
# Robust accuracy counts the rows that are still right after 20 steps of projected
# gradient ascent. The rare digits are on the right of the line. Adversarial training
# helps the frequent digits at the expense of the rare ones; mixing gives these some
# robustness.

fig, axes = plt.subplots(2, 2, figsize=(9, 5), sharex=True, sharey=True)
for ax, (name, classifier) in zip(axes.flat, nets.items(), strict=True):
    for shift, eps, label in ((-0.2, 0, "standard"), (0.2, attack["eps"], "robust")):
        accuracies = robust_accuracy(
            classifier,
            X_test,
            y_test,
            **attack | {"eps": eps},
            rows="per_class",
            random_state=0,
        )
        ax.bar(np.arange(10) + shift, accuracies, width=0.4, label=label)
    ax.axvline(4.5, color="0.4", linewidth=1)
    ax.set_title(name)
    ax.set_xticks(range(10))
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper right", ncols=2)
fig.supxlabel("digit")
fig.supylabel("accuracy")
fig.tight_layout()

# %%
# The tension between two classes
# -------------------------------
#
# The digits 3 and 8 look alike; there is one eight for every twenty threes. The larger
# the weight of an eight, the more of them the net gets right. In natural training that
# costs the threes little, under attack a lot.

pair = np.isin(y, (3, 8))
X_pair, y_pair = X[pair], y[pair]
X_train, X_test, y_train, y_test = train_test_split(
    X_pair, y_pair, test_size=0.4, stratify=y_pair, random_state=0
)
X_train, y_train = make_imbalanced(X_train, y_train, "step", ratio=20, random_state=0)

ratios = [1, 5, 20, 50, 200]
curves = {}
for eps in (0, 0.08):
    for ratio in ratios:
        classifier = AdversarialClassifier(
            eps=eps, box=(0, 1), class_weight={3: 1, 8: ratio}, **net
        ).fit(X_train, y_train)
        curves[eps, ratio] = robust_accuracy(
            classifier,
            X_test,
            y_test,
            eps=eps,
            box=(0, 1),
            rows="per_class",
            random_state=0,
        )

fig, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
titles = ["natural training, clean rows", "adversarial training, attacked rows"]
for ax, eps, title in zip(axes, (0, 0.08), titles, strict=True):
    accuracies = np.array([curves[eps, ratio] for ratio in ratios])
    ax.plot(ratios, accuracies[:, 0], "o-", label="3, frequent")
    ax.plot(ratios, accuracies[:, 1], "s--", label="8, rare")
    ax.set_xscale("log")
    ax.set_xticks(ratios, [f"{ratio}:1" for ratio in ratios])
    ax.minorticks_off()
    ax.set_title(title)
    ax.set_xlabel("weight of an eight")
axes[0].set_ylabel("accuracy")
axes[0].legend(loc="lower right")
fig.tight_layout()
