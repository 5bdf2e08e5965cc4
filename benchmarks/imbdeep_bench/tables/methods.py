"""What is compared: encodings, ways with levels and gaps, members and their peers."""

from dataclasses import replace

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from imbdeep.classifiers import NetClassifier
from imbdeep_bench.engine.experiment import Method, by_name
from imbdeep_bench.members import BLEND, MLP, PLAIN, REBALANCED, TABM, WIDE, members
from imbdeep_bench.peers import PEERS, TEXT

CONTROL = {"encodings": "piecewise_linear", "levels": "native", "gaps": "native"}
CONTROL |= {"members": "members", "thresholds": "out_of_fold", "raw": "imbalanced"}


def net(**params):
    """Return a factory of the plain net."""
    return lambda seed: NetClassifier(random_state=seed, **params)


def behind(transformer, learner):
    """Return a factory of a learner that sees text columns transformed."""

    def make(seed):
        text = make_column_selector(dtype_include=TEXT)
        columns = make_column_transformer((transformer, text), remainder="passthrough")
        return make_pipeline(columns, learner(seed))

    return make


def imputed(seed):
    """Return the net behind medians and columns that say where they are."""
    gaps = SimpleImputer(strategy="median", add_indicator=True)
    return make_pipeline(gaps, NetClassifier(random_state=seed))


def as_categories(X):
    """Turn text columns into categories."""
    return X.astype(dict.fromkeys(X.select_dtypes(TEXT), "category"))


def with_categories(learner):
    """Return a factory of a learner that sees text columns as categories."""
    return lambda seed: make_pipeline(FunctionTransformer(as_categories), learner(seed))


def trees(seed):
    """Return boosted trees that know categories and gaps."""
    return HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=seed
    )


boosting = with_categories(trees)


def forest(seed):
    """Return a random forest of more trees than by default."""
    return RandomForestClassifier(500, random_state=seed)


def own_epochs(seed):
    """Return single nets, as many as members, each stopped by a split of its own."""
    net = members(**SINGLE)(seed)
    n_nets = PLAIN.make(seed).n_members
    return BaggingClassifier(net, n_nets, bootstrap=False, random_state=seed)


def filled(learner):
    """Return a factory of a learner that sees medians in place of missing numbers."""

    def make(seed):
        numbers = make_column_selector(dtype_include="number")
        medians = make_column_transformer(
            (SimpleImputer(strategy="median"), numbers),
            remainder="passthrough",
            verbose_feature_names_out=False,
        )
        return make_pipeline(medians.set_output(transform="pandas"), learner(seed))

    return make


def on_frames(peer):
    """Return a peer that is told of text columns and gaps in the way of its kind."""
    told = {
        "": peer.make,
        "categories": with_categories(peer.make),
        "filled": filled(with_categories(peer.make)),
        "codes": filled(behind(ORDINAL, peer.make)),
    }
    return replace(peer, make=told[peer.kind], kind="")


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
        Method("one_hot", behind(ONE_HOT, net()), "net, one-hot"),
        Method("ordinal", behind(ORDINAL, net()), "net, ordinal codes"),
        Method("boosting", boosting, "HistGradientBoosting"),
        PEERS["catboost"],
    ]
)
GAPS = by_name(
    [
        Method("native", net(), "net, native"),
        Method("imputed", imputed, "net, median and indicator"),
        Method("boosting", boosting, "HistGradientBoosting"),
    ]
)
_MLP = {"module": "mlp", **WIDE}
SINGLE = {"n_members": 1, "member_holdout": None}
ABLATION = {
    "single": ("one net", members(**SINGLE)),
    "no_holdout": (
        "members on all rows, fixed epochs",
        members(member_holdout=None, train_split=None),
    ),
    "own_epochs": ("ten single nets, each with its own split and epoch", own_epochs),
    "last_epoch": ("members of the last epoch", members(early_stopping=False)),
    "log_loss": ("members chosen by log loss", members(scoring="neg_log_loss")),
    "refit": ("members, trained anew on all rows", members(refit=True)),
    "bootstrap": (
        "members that hold out what a bootstrap leaves",
        members(member_holdout="bootstrap"),
    ),
    "blocks": ("members with a residual block", members(module__n_blocks=1)),
    "lr_1e-3": ("members with the rate 0.001", members(lr=1e-3)),
    **{
        kind: (f"members, {kind} encoding", members(numeric_encoding=kind))
        for kind in ("standard", "robust", "piecewise_linear")
    },
    "mlp": ("members that are perceptrons", members(**_MLP)),
    "linear_skip": (
        "these with a linear skip",
        members(**_MLP, module__linear_skip=True),
    ),
}
_BOOSTING = Method("hist_gb", boosting, "HistGradientBoosting", group="peers")
RAW = by_name([BLEND, _BOOSTING, on_frames(PEERS["catboost"])])
MEMBERS = by_name(
    [
        PLAIN,
        BLEND,
        _BOOSTING,
        Method(
            "random_forest",
            behind(ORDINAL, forest),
            "random forest, 500 trees",
            group="peers",
        ),
        *map(on_frames, PEERS.values()),
        Method("net", net(), "net at its defaults"),
        MLP,
        TABM,
        *REBALANCED,
        *(
            Method(name, make, title, group="ablation")
            for name, (title, make) in ABLATION.items()
        ),
    ]
)
