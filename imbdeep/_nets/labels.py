"""Labels, the number of rows of each, and the weight of each."""

import numpy as np
from sklearn.utils import compute_class_weight

from imbdeep._arguments import naming_value
from imbdeep._nets.parameters import auto_batch_size
from imbdeep._tables.validation import sorted_labels, warn_of_lone_rows


class LearnsLabels:
    """Labels, the number of rows of each, and the weight of each.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    @property
    def classes_(self):
        # skorch's own gives back the parameter ``classes`` in the order of the user.
        return self.classes_inferred_

    def _learn_labels(self, y, classes):
        declared = classes if self.classes is None else self.classes
        labels = (
            sorted_labels("y", y)
            if declared is None
            else sorted_labels("classes", declared)
        )
        if len(labels) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes, got one class: "
                f"{labels.tolist()}. Pass classes= if y may lack some."
            )
        self.classes_inferred_ = labels

    def _check_declared(self, classes):
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} are not those of the first "
                f"call, {self.classes_.tolist()}."
            )

    def _encode(self, y):
        labels = self.classes_inferred_
        unknown = np.setdiff1d(y, labels)
        if len(unknown):
            raise ValueError(
                f"y has labels {unknown.tolist()} that are not among the classes "
                f"{labels.tolist()}. Fit anew, or pass classes= with all labels."
            )
        return np.searchsorted(labels, y)

    def _check_eval_set(self, eval_set):
        X, y = self._check_rows(*eval_set, reset=False)
        target = self._encode(y)
        absent = np.setdiff1d(self.classes_, y)
        if self.early_stopping != "auto" and self.early_stopping and len(absent):
            raise ValueError(
                f"eval_set has no row of class {absent.tolist()}, so early stopping on "
                "average precision has nothing to rank. Add some, or pass "
                "early_stopping=False."
            )
        return X, target

    def _check_class_counts(self, counts, method, eval_set):
        """Warn of classes with one row; ``partial_fit`` may see none of a class."""
        if self._splits_small_classes(method, eval_set):
            warn_of_lone_rows(self.classes_, counts)

    def _splits_small_classes(self, method, eval_set):
        """Whether ``fit`` sets rows aside even where a class has very few."""
        stratified = self.train_split == "stratified" and self.early_stopping != "auto"
        is_split = stratified and self.member_holdout is None
        return method == "fit" and eval_set is None and is_split

    def _learn_class_counts(self, counts, reset):
        self.class_counts_ = counts if reset else self.class_counts_ + counts
        self.auto_batch_size_ = auto_batch_size(int(counts.sum()), len(counts))
        self.class_weight_ = self._weigh_classes(self.class_counts_)

    def _weigh_classes(self, counts):
        """Weight of each class, given its number of rows, or None."""
        if self.class_weight is None:
            return None
        labels, present = self.classes_inferred_, counts > 0
        weights = np.ones(len(labels))
        # A declared class may have no rows yet, which scikit-learn refuses to weigh.
        with naming_value("class_weight", self.class_weight):
            weights[present] = compute_class_weight(
                self.class_weight, classes=labels[present], y=np.repeat(labels, counts)
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(
                f"class_weight must be finite and at least 0, got {weights}."
            )
        if not weights.any():
            raise ValueError("class_weight gives every class weight 0.")
        return weights
