"""Definitions, and where each number was computed."""

from imbdeep_bench.report.document import Bullets, Paragraph, Section
from imbdeep_bench.report.metrics import METRICS
from imbdeep_bench.report.sections.text import join


def reading_section(cells):
    """Definitions, and where each number was computed."""
    found = sorted(set(cells.scores["metric"]))
    known = [metric for metric in METRICS if metric in found]
    definitions = [
        f"{METRICS[metric].label}: {METRICS[metric].definition}; "
        f"{'higher' if METRICS[metric].greater_is_better else 'lower'} is better."
        for metric in known
    ]
    blocks = [
        Paragraph(
            "Every metric comes from one set of predicted probabilities per fold, on "
            "the test part, which keeps its natural class ratio. Scaling, "
            "resampling, early stopping and the choice of the threshold happen inside "
            "the training part. All methods see the same splits."
        ),
        Paragraph(
            "The training part is split once more, 70 to 30 in two-fold protocols. "
            "Nets that stop early learn their weights from the larger share, and stop "
            "and tune their threshold by the other. Learners that need no validation "
            "rows are fitted on the larger share to tune their threshold on the "
            "other, then once more on the whole training part, with that threshold."
        ),
        Paragraph(
            "Label metrics at 0.5 and the balanced Brier score reward probabilities "
            "moved to equal classes, which a threshold or Bayes' rule can do as well. "
            "Look at the tuned threshold, average precision and log loss too."
        ),
        Paragraph(
            "Protocols: 'RxF' is R repeats of stratified F-fold cross-validation, "
            "'Sx60-20-20' S random stratified splits into 60 % training, 20 % "
            "validation and 20 % test rows."
        ),
        Paragraph(
            "Ranks are computed on each data set from means over folds; ties share "
            "their mean rank, failures come last. The standard deviation is over "
            "folds that share rows: it describes the spread and is no standard error."
        ),
    ]
    if definitions:
        blocks.append(Bullets(definitions))
    unknown = [metric for metric in found if metric not in METRICS]
    if unknown:
        blocks.append(
            Paragraph(
                f"Recorded but not shown, since their direction is unknown: "
                f"{join(unknown)}."
            )
        )
    return Section("How to read this report", blocks)
