"""
======================================================
Members: many nets, chosen by rows that they never saw
======================================================

A net that stops early has to set rows aside, and of a rare class few can be spared.
Members that hold out different rows lose none: each row is judged by the nets that did
not train on it. This example shows what that does to the choice of the epoch, and how
many members it takes.
"""

# %%
# One noisy choice, or one that all rows make
# -------------------------------------------
# Of 1,200 rows 4 % are rare. A single net sets a fifth of them aside: its validation
# score rests on 10 rare rows. The members judge all 48.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split

from imbdeep.classifiers import NetClassifier

# sphinx_gallery_thumbnail_number = 1
X, y = make_classification(
    9200,
    12,
    n_informative=6,
    n_clusters_per_class=3,
    weights=[0.96],
    class_sep=0.8,
    random_state=1,
)
X, X_test, y, y_test = train_test_split(
    X, y, train_size=1200, stratify=y, random_state=0
)


def score(net):
    """Average precision on test rows, of which there are 8,000."""
    return average_precision_score(y_test, net.predict_proba(X_test)[:, 1])


fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), sharey=True, layout="constrained"
)
net = {"max_epochs": 60, "patience": 60, "early_stopping": True}
chosen, scores = [], []
for seed in range(8):
    single = NetClassifier(**net, random_state=seed).fit(X, y)
    curve = np.array(single.history[:, "valid_average_precision"])
    left.plot(np.arange(1, len(curve) + 1), curve, color="0.75", linewidth=0.8)
    best = len(curve) - np.argmax(curve[::-1])
    chosen.append((best, curve[best - 1]))
    scores.append(score(single))
left.plot(*zip(*chosen, strict=True), "o", color="tab:red", label="chosen epoch")
left.set(title="single nets, 8 splits", ylabel="validation average precision")
members = NetClassifier(
    n_members=10, member_holdout="folds", random_state=0, **net
).fit(X, y)
curve = members.oof_scores_["valid_average_precision"]
right.plot(np.arange(1, len(curve) + 1), curve, color="0.4")
best = members.best_epoch_
right.plot(best, curve[best - 1], "o", color="tab:red")
right.set(title="ten members, all rows held out in turn")
left.legend(frameon=False, loc="lower right")
for ax in (left, right):
    ax.set_xlabel("epoch")
plt.show()

# %%
# The scores of single nets differ because their ten rare rows do; the pooled score
# moves little from one epoch to the next, and the epoch with it.

print(
    f"single nets: {np.mean(scores):.3f} on test rows, from {min(scores):.3f} to ",
    end="",
)
print(f"{max(scores):.3f}")
print(f"ten members: {score(members):.3f}")

# %%
# How many
# --------
# Members of a fitted ensemble can be looked at one by one. The mean of a few of them
# already ranks better than a typical one alone; after ten, little is gained.

import torch

x_test = members.within_range(torch.as_tensor(X_test, dtype=torch.float32))
with torch.no_grad():
    proba = [
        member.eval()(x_test).softmax(1)[:, 1].numpy() for member in members.members_
    ]
rng = np.random.default_rng(0)
sizes = range(1, len(proba) + 1)
of_size = [
    [
        average_precision_score(
            y_test, np.mean([proba[i] for i in rng.choice(10, size, False)], axis=0)
        )
        for _ in range(10)
    ]
    for size in sizes
]
fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(sizes, np.mean(of_size, axis=1), color="k", label="mean of ten draws")
ax.fill_between(
    sizes,
    np.min(of_size, axis=1),
    np.max(of_size, axis=1),
    color="0.88",
    label="least to largest",
)
ax.set(xlabel="members", ylabel="average precision on test rows", xticks=list(sizes))
ax.legend(frameon=False, loc="lower right")
plt.show()
