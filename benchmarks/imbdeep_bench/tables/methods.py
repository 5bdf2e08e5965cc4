"""What is compared before the same net: encodings, and ways with levels and gaps."""

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from imbdeep.classifiers import NetClassifier
from imbdeep_bench.engine.experiment import Method, by_name

TEXT = ["object", "string"]
CONTROL = {"encodings": "piecewise_linear", "levels": "native", "gaps": "native"}


def net(**params):
    """Return a factory of the plain net."""
    return lambda seed: NetClassifier(random_state=seed, **params)


def behind(transformer):
    """Return a factory of the net that sees text columns transformed."""

    def make(seed):
        text = make_column_selector(dtype_include=TEXT)
        columns = make_column_transformer((transformer, text), remainder="passthrough")
        return make_pipeline(columns, NetClassifier(random_state=seed))

    return make


def imputed(seed):
    """Return the net behind medians and columns that say where they are."""
    gaps = SimpleImputer(strategy="median", add_indicator=True)
    return make_pipeline(gaps, NetClassifier(random_state=seed))


def as_categories(X):
    """Turn text columns into categories."""
    return X.astype(dict.fromkeys(X.select_dtypes(TEXT), "category"))


def boosting(seed):
    """Return boosted trees that know levels and gaps."""
    trees = HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=seed
    )
    return make_pipeline(FunctionTransformer(as_categories), trees)


class CatBoostOnFrames(ClassifierMixin, BaseEstimator):
    """CatBoost, which wants to be told which columns are text."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit it to a frame."""
        from catboost import CatBoostClassifier

        self.text_ = list(X.select_dtypes(TEXT))
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
        return X.fillna(dict.fromkeys(self.text_, "missing"))

    def predict_proba(self, X):
        """Probability of each class."""
        return self.model_.predict_proba(self._filled(X))


def catboost(seed):
    """Return CatBoost; needs the extra ``peers``."""
    return CatBoostOnFrames(seed)


_KINDS = [
    *("piecewise_linear", "standard", "robust", "periodic", "piecewise_linear+robust"),
    *("piecewise_linear+periodic", "robust+periodic"),
]
ENCODINGS = by_name(
    [Method(kind, net(numeric_encoding=kind), kind) for kind in _KINDS]
    + [Method("boosting", boosting, "HistGradientBoosting")]
)
ONE_HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
LEVELS = by_name(
    [
        Method("native", net(), "net, native"),
        Method("one_hot", behind(ONE_HOT), "net, one-hot"),
        Method("ordinal", behind(ORDINAL), "net, ordinal codes"),
        Method("boosting", boosting, "HistGradientBoosting"),
        Method("catboost", catboost, "CatBoost"),
    ]
)
GAPS = by_name(
    [
        Method("native", net(), "net, native"),
        Method("imputed", imputed, "net, median and indicator"),
        Method("boosting", boosting, "HistGradientBoosting"),
    ]
)
