"""
======================
First steps on a table
======================

Train a net in a few lines, on a data frame, with the tools you know from scikit-learn
and imbalanced-learn: cross-validation, pipelines, a precision-recall curve and a
threshold.
"""

# %%
# The table
# ---------
# We use scikit-learn's breast cancer data, ten columns in their own units. To make it
# imbalanced, we keep 36 of the 212 malignant tumours.

import matplotlib.pyplot as plt
import pandas as pd
from imblearn.pipeline import make_pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import PrecisionRecallDisplay, confusion_matrix
from sklearn.model_selection import (
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.preprocessing import StandardScaler

from imbdeep.classifiers import NetClassifier
from imbdeep.over_sampling import ReMix

cancer = load_breast_cancer(as_frame=True)
malignant = (cancer.target == 0).rename("malignant")
kept = malignant[malignant].sample(36, random_state=0).index
rows = malignant.index[~malignant].union(kept)
X, y = cancer.data.filter(like="mean ").loc[rows], malignant[rows]

y.value_counts()

# %%
# A net that takes the table as it is
# -----------------------------------
# You need no scaling and no label encoding: the net learns an encoding of each column
# and predicts the original labels. It holds out a fifth of the rows for early stopping
# if they include enough rare ones. Of 18 rare training rows, four would be held out,
# too few to tell when to stop, so the net trains for a fixed number of epochs on all
# rows. Here we set that explicitly, because behind a sampler the net would count
# synthetic rows, too.

settings = {
    "max_epochs": 100,
    "early_stopping": False,
    "train_split": None,
    "random_state": 0,
}
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
net = NetClassifier(**settings).fit(X_train, y_train)

shown = [*y_test.index[y_test][:3], *y_test.index[~y_test][:3]]
probabilities = net.predict_proba(X_test.loc[shown]).round(3)
pd.DataFrame(probabilities, columns=net.classes_, index=y_test[shown])

# %%
# Is it any good?
# ---------------
# Average precision measures how well the rare rows are ranked before the others; a
# random ranking would score the share of rare rows, 0.09. With so few rare rows, scores
# vary widely over the folds. Put a sampler into a pipeline of imbalanced-learn, so that
# it resamples the training folds only.

models = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    "ReMix, gradient boosting": make_pipeline(
        ReMix(random_state=0), HistGradientBoostingClassifier(random_state=0)
    ),
    "net": NetClassifier(**settings),
    "net, class weights": NetClassifier(class_weight="balanced", **settings),
}
folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = pd.DataFrame(
    {
        name: cross_val_score(model, X, y, cv=folds, scoring="average_precision")
        for name, model in models.items()
    }
)
scores.agg(["mean", "std"]).T.round(2)

# %%
# The precision-recall curve
# --------------------------
# How many of the alarms are right (precision), for each share of the malignant tumours
# found (recall)? Each row is predicted by a model that has not seen it.

STYLES = {
    "logistic regression": ("#0072B2", "-"),
    "gradient boosting": ("#D55E00", "--"),
    "net": ("#009E73", "-"),
}
fig, ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
for name, (color, style) in STYLES.items():
    p = cross_val_predict(models[name], X, y, cv=folds, method="predict_proba")[:, 1]
    PrecisionRecallDisplay.from_predictions(
        y,
        p,
        ax=ax,
        name=name,
        plot_chance_level=name == "net",
        curve_kwargs={"color": color, "linestyle": style, "linewidth": 2},
    )
ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
ax.legend(loc="center left", frameon=False)
plt.show()

# %%
# A threshold for the purpose
# ---------------------------
# ``predict`` returns the more probable class, a threshold of 0.5. Missing a tumour
# costs more than a false alarm, so scikit-learn finds the threshold with the best
# balanced accuracy, by cross-validation within the training rows.

tuned = TunedThresholdClassifierCV(
    NetClassifier(**settings), scoring="balanced_accuracy", random_state=0
).fit(X_train, y_train)
print(f"threshold {tuned.best_threshold_:.3f}")

pd.DataFrame(
    {
        name: confusion_matrix(y_test, model.predict(X_test)).ravel()
        for name, model in {"0.5": net, "tuned": tuned}.items()
    },
    index=["true negatives", "false alarms", "missed tumours", "tumours found"],
)

# %%
# What this shows
# ---------------
#
# - The net works wherever a scikit-learn classifier does: in cross-validation, with a
#   tuned threshold, beside pipelines. It needed no preparation of the table.
# - On this table it is as good as logistic regression and gradient boosting, but no
#   better: the means differ by less than the folds do, and another draw of the 36
#   tumours puts the models in another order. Class weights do not change the ranking.
# - The threshold decides how useful the labels are. The tuned one finds one more tumour
#   at the price of false alarms; whether that is a good trade is for you to decide,
#   with a scoring function that counts their costs.
