"""
===========================
Who are the bad annotators?
===========================

Eight annotators label a table in which one class is rare. Most are careful, some are
not, and nobody knows the truth. Majority vote, Dawid and Skene's model and
:class:`~imbdeep.classifiers.ICEDClassifier` each say whom to trust. In this example the
truth is known, so we can see which of them is right.
"""

# %%
# The crowd
# ---------
# Of the tumours, 240 are benign and 40 malignant; 117 of each class are kept for a
# test. Six annotators err on 10 to 40 % of the rows, more often on hard rows. A net
# trained until 98 % of its training rows are right decides which rows are hard. Gil
# always answers "benign", and Hal mixes up the two words. Each of them skips a fifth of
# the rows.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.classifiers import ICEDClassifier, InferThenFit, NetClassifier
from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators

ERROR_RATES = {
    "Ada": 0.10,
    "Ben": 0.15,
    "Cem": 0.20,
    "Dee": 0.25,
    "Eve": 0.30,
    "Fay": 0.40,
    "Gil": 0.10,  # overwritten below
    "Hal": 0.90,
}


def make_tumours(seed):
    """Rows and labels, 240 benign and 40 malignant, and a test set of 117 each."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.map({0: "malignant", 1: "benign"}).to_numpy()
    rng = np.random.default_rng(seed)
    benign, malignant = (
        rng.permutation(np.flatnonzero(y == label)) for label in ("benign", "malignant")
    )
    train = np.concatenate([benign[117:], malignant[117:157]])
    test = np.concatenate([benign[:117], malignant[:117]])
    return X.iloc[train], y[train], X.iloc[test], y[test]


def ask_annotators(X, truth, seed):
    """Annotations of the eight, None where they skipped a row."""
    net = make_pipeline(
        StandardScaler(), MLPClassifier((32,), max_iter=1, warm_start=True)
    )
    net.set_params(mlpclassifier__random_state=seed)
    with warnings.catch_warnings():
        # One epoch at a time does not converge, and is not meant to.
        warnings.simplefilter("ignore", ConvergenceWarning)
        while net.fit(X, truth).score(X, truth) < 0.98:
            pass
    annotations = simulate_annotators(
        truth,
        net.predict_proba(X),
        n_workers=len(ERROR_RATES),
        error_rate=list(ERROR_RATES.values()),
        annotation_rate=0.8,
        random_state=seed,
    )
    table = pd.DataFrame(annotations, X.index, list(ERROR_RATES))
    table["Gil"] = table["Gil"].where(table["Gil"].isna(), "benign")
    return table


X, truth, X_test, y_test = make_tumours(seed=0)
annotations = ask_annotators(X, truth, seed=0)
annotations.assign(truth=truth).sample(6, random_state=1)

# %%
# Three opinions about them
# -------------------------
# A majority vote measures annotators by how often they disagree with it. Dawid and
# Skene's model learns how often each annotator gives each answer to rows of each class.
# ICED infers labels with the same model, but uses its synthetic rows, too.

net = ICEDClassifier(random_state=0).fit(X, annotations)
vote = MajorityVote().fit(annotations)
model = DawidSkene().fit(annotations)


def true_error_rates(annotations, truth):
    """Share of wrong answers among those that an annotator gave."""
    given = annotations.notna()
    wrong = annotations.ne(truth, axis=0) & given
    return wrong.sum() / given.sum()


rates = pd.DataFrame(
    {
        "truth": true_error_rates(annotations, truth),
        "majority vote": vote.worker_error_rates_,
        "Dawid-Skene": model.worker_error_rates_,
        "ICED": net.worker_error_rates_,
    }
)
COLORS = ["0.3", "#0072B2", "#009E73", "#E69F00"]
ax = rates.plot.bar(figsize=(8, 3.6), color=COLORS, width=0.75, rot=0)
ax.set(ylabel="share of wrong answers")
ax.legend(frameon=False)
plt.show()

# %%
# What kind of errors
# -------------------
# By his error rate, Gil is among the best. A confusion matrix shows why, and how little
# his answers say: he has never called a tumour malignant.

NAMES = ["Ada", "Fay", "Gil", "Hal"]


def true_confusion(annotations, truth, name):
    """How often an annotator gave each answer to rows of each class."""
    return pd.crosstab(truth, annotations[name].to_numpy(), normalize="index").reindex(
        columns=["benign", "malignant"], fill_value=0
    )


fig, axes = plt.subplots(2, len(NAMES), figsize=(8, 4.4), layout="constrained")
for column, name in enumerate(NAMES):
    position = annotations.columns.get_loc(name)
    matrices = {
        "truth": true_confusion(annotations, truth, name).to_numpy(),
        "Dawid-Skene": model.confusion_matrices_[position],
    }
    axes[0, column].set_xticks([])
    axes[1, column].set_xticks([0, 1], ["says\nbenign", "says\nmalignant"], fontsize=8)
    for ax, (title, matrix) in zip(axes[:, column], matrices.items(), strict=True):
        ax.imshow(matrix, vmin=0, vmax=1, cmap="Blues")
        for (i, j), share in np.ndenumerate(matrix):
            color = "white" if share > 0.5 else "black"
            ax.text(j, i, f"{share:.2f}", ha="center", va="center", color=color)
        ax.set_yticks(
            [0, 1], ["is benign", "is malignant"] if column == 0 else ["", ""]
        )
        ax.set_title(f"{name}, {title}", fontsize=9)
plt.show()

# %%
# Does it help?
# -------------
# Knowing the annotators gives better labels, and better labels give better nets. We use
# five seeds, each with its own tumours and annotators. The columns are the share of
# correctly inferred labels, the same with each class counting half, and the balanced
# accuracy of nets on the test set, which uses no annotations.


def score(seed):
    """Inferred labels, and nets trained on them."""
    X, truth, X_test, y_test = make_tumours(seed)
    annotations = ask_annotators(X, truth, seed)
    schedule = {"early_stopping": False, "train_split": None, "random_state": seed}
    plain = NetClassifier(max_epochs=10, **schedule)
    models = {
        "majority vote, net": InferThenFit(MajorityVote(), plain),
        "Dawid-Skene, net": InferThenFit(DawidSkene(), plain),
        "ICED": ICEDClassifier(random_state=seed),
    }
    for name, model in models.items():
        model.fit(X, annotations)
        inferred, predicted = model.inferred_labels_, model.predict(X_test)
        yield {
            "method": name,
            "labels right": (inferred == truth).mean(),
            "balanced": balanced_accuracy_score(truth, inferred),
            "test": balanced_accuracy_score(y_test, predicted),
        }
    predicted = plain.fit(X, truth).predict(X_test)
    yield {
        "method": "the truth, net",
        "test": balanced_accuracy_score(y_test, predicted),
    }


table = pd.DataFrame([row for seed in range(5) for row in score(seed)])
table = table.groupby("method", sort=False).agg(["mean", "std"])
mean, std = (
    table.xs(part, axis=1, level=1).map("{:.2f}".format) for part in ("mean", "std")
)
(mean + " ± " + std).replace("nan ± nan", "")

# %%
# What this shows
# ---------------
#
# - Disagreement with the majority flatters bad annotators and wrongs good ones: Ada
#   appears worse than she is, and Fay better. Dawid-Skene comes nearer to the truth for
#   nearly all, ICED for most, and both find that Hal is as useful as Ada once his
#   answers are swapped.
# - A rate hides what kind of errors an annotator makes. Look at the matrices before you
#   dismiss anyone, above all if one class is rare.
# - Both models infer more labels correctly than the majority vote does, and nets
#   trained on them are better. Five seeds show no difference between Dawid-Skene and
#   ICED.
# - Nothing here would warn you of a crowd in which most are like Hal. The labels would
#   be swapped, and Ada would be called the liar.
