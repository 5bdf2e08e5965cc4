"""What people would pick instead of a net: at its defaults, in one thread.

All take numbers as they are. The kind of a method says what text columns and gaps have
to become where a table has any: 'categories' (it knows gaps), 'filled' (categories and
medians), 'codes' (numbers and medians), '' (it sees to both itself).
"""

import logging

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier

from imbdeep_bench.engine.experiment import Method, by_name

TEXT = ["object", "string"]


class CatBoostOnFrames(ClassifierMixin, BaseEstimator):
    """CatBoost, which wants to be told which columns are text."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit it to a frame, or to an array of numbers."""
        from catboost import CatBoostClassifier

        is_frame = hasattr(X, "select_dtypes")
        self.text_ = list(X.select_dtypes(TEXT)) if is_frame else []
        self.model_ = CatBoostClassifier(
            cat_features=self.text_,
            random_seed=self.random_state,
            thread_count=1,
            verbose=0,
            allow_writing_files=False,
        ).fit(self._filled(X), y)
        self.classes_ = self.model_.classes_
        return self

    def _filled(self, X):
        return X.fillna(dict.fromkeys(self.text_, "missing")) if self.text_ else X

    def predict_proba(self, X):
        """Probability of each class."""
        return self.model_.predict_proba(self._filled(X))


def _catboost(random_state, device="cpu"):
    return CatBoostOnFrames(random_state)


def _lightgbm(random_state, device="cpu"):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=random_state, n_jobs=1, verbose=-1)


def _pytabkit(class_name):
    def make(random_state, device="cpu"):
        import pytabkit

        # It says before every fit what hardware it found.
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        cls = getattr(pytabkit, class_name)
        # It counts on from its seed, and numpy ends at 2**32.
        seed = random_state % 2**31
        return cls(random_state=seed, device=device, n_threads=1)

    return make


def _imblearn(class_name):
    def make(random_state, device="cpu"):
        from imblearn import ensemble

        return getattr(ensemble, class_name)(random_state=random_state)

    return make


def _voting(random_state, device="cpu"):
    from imbdeep.classifiers import NetClassifier

    parts = [
        ("net", NetClassifier(random_state=random_state, device=device)),
        ("boosting", HistGradientBoostingClassifier(random_state=random_state)),
    ]
    return VotingClassifier(parts, voting="soft")


def _peer(name, make, title, kind, needs=""):
    return Method(name, make, title, kind, group="peers", needs=needs)


_REALMLP = _pytabkit("RealMLP_TD_Classifier")
_TABM = _pytabkit("TabM_D_Classifier")
_EASY_ENSEMBLE = _imblearn("EasyEnsembleClassifier")
_BALANCED_BAGGING = _imblearn("BalancedBaggingClassifier")
_VOTING_TITLE = "mean of the net and HistGradientBoosting"
PEERS = by_name(
    [
        _peer("catboost", _catboost, "CatBoost", "", "catboost"),
        _peer("lightgbm", _lightgbm, "LightGBM", "categories", "lightgbm"),
        _peer("realmlp", _REALMLP, "RealMLP-TD of pytabkit", "filled", "pytabkit"),
        _peer("tabm_d", _TABM, "TabM-D of pytabkit", "filled", "pytabkit"),
        _peer("easy_ensemble", _EASY_ENSEMBLE, "EasyEnsemble", "codes"),
        _peer("balanced_bagging", _BALANCED_BAGGING, "BalancedBagging", "codes"),
        _peer("voting", _voting, _VOTING_TITLE, "categories"),
    ]
)
