"""How a net learned, epoch by epoch."""

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from imbdeep.displays._axes import (
    axes_to_draw_on,
    escaped,
    in_words,
    reference_line,
)

_LOSSES = {"train_loss": "training loss", "valid_loss": "validation loss"}


def _check_is_net(net):
    if not hasattr(type(net), "history_frame_"):
        raise ValueError(
            f"{type(net).__name__} has no history of epochs: pass a net classifier. "
            "That of a pipeline is its last step, of a search best_estimator_, and of "
            "an ImbalancedClassifier one of learners_."
        )
    check_is_fitted(net)


def _judged(net):
    """Losses and scores of rows that training did not see, a line per epoch."""
    if hasattr(net, "oof_scores_"):
        # After a refit, whose history knows no such rows.
        frame = pd.DataFrame(net.oof_scores_)
        return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="epoch"))
    frame = net.history_frame_
    return frame[[name for name in frame if name.startswith("valid_")]]


def _scores_to_draw(net, scores, judged):
    """Entries of the history, by what a user asks for."""
    if scores is None:
        # What early stopping looks at; a scorer of the user's is called "score".
        named = (f"valid_{net.scoring}", "valid_score", "valid_average_precision")
        return [name for name in named if name in judged][:1]
    scores = [scores] if isinstance(scores, str) else list(scores)
    known = [name for name in judged if not name.endswith(("_best", "_batch_count"))]
    entries = [f"valid_{_entry.removeprefix('valid_')}" for _entry in scores]
    for asked, entry in zip(scores, entries, strict=True):
        if entry not in known or entry == "valid_loss":
            words = [name.removeprefix("valid_") for name in known]
            words = [word for word in words if word != "loss"]
            raise ValueError(
                f"scores must be among {words}, which the history has, got {asked!r}."
            )
    return entries


class LearningCurveDisplay:
    """Losses and scores of a net by epoch, with the best epoch marked.

    Losses belong to the axis on the left, scores to that on the right. If members hold
    rows out, losses and scores are those of all rows, each judged by the members that
    did not see it.

    Create it by :meth:`from_estimator`.

    Read more in the :ref:`User Guide <displays>`.

    Parameters
    ----------
    losses : DataFrame of shape (n_epochs, n_losses)
        By the number of the epoch; columns may be ``train_loss`` and ``valid_loss``.
    scores : DataFrame of shape (n_epochs, n_scores) or None, default=None
        By the number of the epoch.
    best_epoch : int or None, default=None
        The one to mark.
    out_of_fold : bool, default=False
        Whether scores are of rows that members held out in turn.
    name : str or None, default=None
        Of the net, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the losses.
    score_ax_ : matplotlib Axes or None
        Of the scores.
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The first loss.
    lines_ : dict of str to matplotlib Line2D
        All losses and scores, by their names in the history.
    best_epoch_line_ : matplotlib Line2D or None

    See Also
    --------
    imbdeep.base.BaseNetClassifier : Its ``history_frame_`` has the numbers.
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of rows.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import NetClassifier
    >>> from imbdeep.displays import LearningCurveDisplay
    >>> X, y = make_classification(200, weights=[0.8], random_state=0)
    >>> net = NetClassifier(max_epochs=5, early_stopping=True, random_state=0)
    >>> display = LearningCurveDisplay.from_estimator(net.fit(X, y))
    >>> list(display.lines_)
    ['train_loss', 'valid_loss', 'valid_average_precision']
    """

    def __init__(
        self, losses, scores=None, *, best_epoch=None, out_of_fold=False, name=None
    ):
        self.losses = losses
        self.scores = scores
        self.best_epoch = best_epoch
        self.out_of_fold = out_of_fold
        self.name = name

    @classmethod
    def from_estimator(cls, net, *, scores=None, name=None, ax=None):
        """Draw how a fitted net learned.

        Parameters
        ----------
        net : BaseNetClassifier
            Any net classifier of this library, fitted.
        scores : str, sequence of str or None, default=None
            Which scores to draw, such as 'g_mean' or 'balanced_accuracy'; an empty
            sequence draws none. None draws the one that early stopping looks at.
        name : str or None, default=None
            For the title. None takes that of the class.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ValueError
            If it is not a net, if it is not fitted
            (:exc:`~sklearn.exceptions.NotFittedError`), or if it has no such score.
        """
        _check_is_net(net)
        judged = _judged(net)
        drawn = _scores_to_draw(net, scores, judged)
        losses = net.history_frame_.filter(["train_loss"])
        if "valid_loss" in judged:
            losses = losses.join(judged["valid_loss"], how="outer")
        out_of_fold = hasattr(net, "oof_scores_")
        # Where early stopping has not decided, there is no best one.
        best = net._best_epoch()
        if out_of_fold and best is None and net.refit:
            # Callbacks are those of the second training.
            best = net.best_epoch_
        display = cls(
            losses,
            judged[drawn],
            best_epoch=best,
            out_of_fold=out_of_fold,
            name=type(net).__name__ if name is None else name,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None, *, name=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.
        name : str or None, default=None
            For the title. None takes ``name`` of the display.

        Returns
        -------
        LearningCurveDisplay
            Itself, with ``ax_``, ``figure_`` and ``line_``.
        """
        ax = axes_to_draw_on(self, ax)
        self.score_ax_ = None
        name = self.name if name is None else name
        judged = "out-of-fold" if self.out_of_fold else "validation"
        self.lines_ = {}
        for entry, losses in self.losses.items():
            label = _LOSSES[entry].replace("validation", judged)
            (self.lines_[entry],) = ax.plot(losses.index, losses, label=label)
        self.line_ = next(iter(self.lines_.values()), None)
        if self.scores is not None and not self.scores.empty:
            self._plot_scores(judged)
        self.best_epoch_line_ = None
        handles = list(self.lines_.values())
        if self.best_epoch is not None:
            label = f"best epoch: {self.best_epoch}"
            self.best_epoch_line_ = reference_line(
                ax.axvline, self.best_epoch, label=label, linestyle="--"
            )
            handles.append(self.best_epoch_line_)
        ax.set(xlabel="epoch", ylabel="loss")
        ax.xaxis.get_major_locator().set_params(integer=True)
        if name is not None:
            ax.set_title(escaped(name))
        # Below, where curves on neither axis are hidden.
        ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.14),
            ncols=2,
            frameon=False,
        )
        return self

    def _plot_scores(self, judged):
        self.score_ax_ = score_ax = self.ax_.twinx()
        score_ax.spines["top"].set_visible(False)
        for number, (entry, scores) in enumerate(self.scores.items()):
            words = in_words(entry.removeprefix("valid_"))
            (self.lines_[entry],) = score_ax.plot(
                scores.index,
                scores,
                color=f"C{number + 2}",
                label=f"{judged} {words} (right)",
            )
        only_one = len(self.scores.columns) == 1
        score_ax.set_ylabel(words if only_one else "score")
