"""
===============================================
Pictures of a classifier, and how sure they are
===============================================

With few rare rows, every curve is a matter of chance to some degree. The displays of
:mod:`imbdeep.displays` draw it with a band. Of 2,000 rows here 5 % are rare.
"""

# %%
# How the nets learned
# --------------------
# Members of an ensemble hold rows out in turn: its scores are those of all rows, each
# by the members that did not see it. The dashed line is the epoch that was kept.

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from imbdeep import ImbalancedClassifier
from imbdeep.displays import (
    LearningCurveDisplay,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    ThresholdDisplay,
)

# sphinx_gallery_thumbnail_number = 2
X, y = make_classification(
    6000, 12, n_informative=6, weights=[0.95], class_sep=0.9, random_state=1
)
X, X_test, y, y_test = train_test_split(
    X, y, train_size=2000, stratify=y, random_state=0
)
model = ImbalancedClassifier(["hist_gb", "mlp"], threshold="f1", random_state=0)
model.fit(X, y)
LearningCurveDisplay.from_estimator(
    model.learners_["mlp"], scores=["average_precision", "g_mean"], name="mlp"
)
plt.show()

# %%
# The threshold
# -------------
# Two metrics on the same axes: F1, which the threshold maximises, and recall, which it
# costs. Rows are out of fold, and the model knows their labels.

display = ThresholdDisplay.from_estimator(model, metric="f1", name="blend")
ThresholdDisplay.from_estimator(model, metric="recall", name="blend", ax=display.ax_)
plt.show()

# %%
# The top is flat: between 0.2 and 0.5 F1 changes less than it would with other rows.
# Recall falls by a fifth meanwhile, so that it may be the one to choose by.
#
# Probabilities
# -------------
# Bins hold 400 rows each. On axes of square roots the small probabilities of a rare
# class have room, and its bins have bands of about the same width.

naive = GaussianNB().fit(X, y)
display = ReliabilityDisplay.from_estimator(model, X_test, y_test)
ReliabilityDisplay.from_estimator(naive, X_test, y_test, ax=display.ax_)
plt.show()

# %%
# Precision and recall
# --------------------
# The dotted line is what chance gives. Where bands are apart, it is not the choice of
# test rows that makes the difference.

display = PrecisionRecallDisplay.from_estimator(model, X_test, y_test)
PrecisionRecallDisplay.from_estimator(naive, X_test, y_test, ax=display.ax_)
plt.show()
