"""The methods of the benchmark.

A ``'stopped'`` method gets the validation part as ``eval_set`` and stops early by it; a
``'refitted'`` one has no use for it while it is fitted, and is fitted on it too, once
the threshold is tuned. Each is made by ``make(random_state, device)``.
"""

from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as SamplingPipeline
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep_bench.engine.experiment import Method, by_name

# What every net shares, beside its seed and device. Empty: the defaults are what the
# benchmark is about, and all nets have the same net and optimiser by default.
NET_SETTINGS = {}


def _logistic_regression(random_state, device):
    return LogisticRegression(max_iter=1000, random_state=random_state)


def _logistic(random_state, device):
    return make_pipeline(StandardScaler(), _logistic_regression(random_state, device))


def _random_forest(random_state, device):
    return RandomForestClassifier(random_state=random_state)


def _balanced_random_forest(random_state, device):
    return BalancedRandomForestClassifier(
        sampling_strategy="all",
        replacement=True,
        bootstrap=False,
        random_state=random_state,
    )


def _hist_gb(random_state, device):
    return HistGradientBoostingClassifier(random_state=random_state)


def _hist_gb_weighted(random_state, device):
    return HistGradientBoostingClassifier(
        class_weight="balanced", random_state=random_state
    )


def _smote(random_state, device):
    return SMOTE(random_state=random_state)


def _meta_augment(random_state, device):
    # Imported here so that `--help` and a run of baselines do not wait for torch.
    from imbdeep.classifiers import MetaAugmentClassifier
    from imbdeep.over_sampling import MetaAugment

    return MetaAugment(
        estimator=MetaAugmentClassifier(device=device), random_state=random_state
    )


_SAMPLED = {
    "logistic": _logistic_regression,
    "random_forest": _random_forest,
    "hist_gb": _hist_gb,
}


def _sampled(learner, make_sampler):
    """Return a factory of a learner behind a sampler.

    Columns are scaled first: SMOTE's neighbours depend on it, and nothing else does.
    """

    def make(random_state, device):
        return make_sampling_pipeline(
            StandardScaler(),
            make_sampler(random_state, device),
            _SAMPLED[learner](random_state, device),
        )

    return make


def _net(class_name, **params):
    """Return a factory of a classifier of `imbdeep.classifiers`."""

    def make(random_state, device):
        # Imported here so that `--help` and a run of baselines do not wait for torch.
        from imbdeep import classifiers

        return getattr(classifiers, class_name)(
            random_state=random_state, device=device, **NET_SETTINGS, **params
        )

    return make


class StoppedPipeline(SamplingPipeline):
    """A net behind a sampler, stopped early by rows that were not over-sampled."""

    def fit(self, X, y, eval_set):
        """Over-sample ``X`` and fit the net; ``eval_set`` goes to the net as it is."""
        return super().fit(X, y, learner__eval_set=eval_set)


_GENERATED = {
    "net": ("stopped", StoppedPipeline, _net("NetClassifier")),
    "hist_gb": ("refitted", SamplingPipeline, _hist_gb),
}


def _generated(class_name, learner):
    """Return a factory of a learner behind a generative sampler.

    These samplers scale the columns themselves, and look at them to see which hold
    categories or whole numbers: they get them as they are.
    """
    _, make_pipeline_of, make_learner = _GENERATED[learner]

    def make(random_state, device):
        # Imported here so that `--help` and a run of baselines do not wait for torch.
        from imbdeep import over_sampling

        sampler = getattr(over_sampling, class_name)(
            random_state=random_state, device=device
        )
        return make_pipeline_of(
            [("sampler", sampler), ("learner", make_learner(random_state, device))]
        )

    return make


def _method(name, kind, description, make):
    return Method(name, make, description, kind)


METHODS = by_name(
    [
        _method("logistic", "refitted", "scaled logistic regression", _logistic),
        _method(
            "random_forest", "refitted", "random forest, 100 trees", _random_forest
        ),
        _method(
            "balanced_random_forest",
            "refitted",
            "random forest, each tree on a class-balanced sample",
            _balanced_random_forest,
        ),
        _method("hist_gb", "refitted", "histogram gradient boosting", _hist_gb),
        _method(
            "hist_gb_weighted",
            "refitted",
            "histogram gradient boosting with balanced class weights",
            _hist_gb_weighted,
        ),
        _method("net", "stopped", "the net, untouched", _net("NetClassifier")),
        _method(
            "net_weighted",
            "stopped",
            "the net with balanced class weights",
            _net("NetClassifier", class_weight="balanced"),
        ),
        _method(
            "net_ros",
            "stopped",
            "the net on class-balanced batches (random over-sampling)",
            _net(
                "NetClassifier",
                iterator_train="balanced",
                iterator_train__balance="expected",
            ),
        ),
        _method(
            "net_smote",
            "stopped",
            "the net with SMOTE inside the batch",
            _net("NetClassifier", iterator_train="smote"),
        ),
        _method(
            "mixup",
            "stopped",
            "the net with MixUp, which leaves the class ratio alone",
            _net("ReMixClassifier", mix="mixup"),
        ),
        _method(
            "remix",
            "stopped",
            "ReMix, classes balanced from the whole training data",
            _net("ReMixClassifier"),
        ),
        _method(
            "remix_batch",
            "stopped",
            "ReMix as in the paper, classes balanced within the batch",
            _net("ReMixClassifier", balance="batch"),
        ),
        _method(
            "remix_alpha_0.1",
            "stopped",
            "ReMix with the alpha of the paper's tables",
            _net("ReMixClassifier", alpha=0.1),
        ),
        _method(
            "remix_batch_alpha_0.1",
            "stopped",
            "ReMix as in the paper, with the alpha of its tables",
            _net("ReMixClassifier", balance="batch", alpha=0.1),
        ),
        _method(
            "focal",
            "stopped",
            "the net with focal loss",
            _net("NetClassifier", criterion="focal"),
        ),
        _method(
            "ldam_drw",
            "refitted",  # it trains a fixed number of epochs
            "LDAM margins with deferred re-weighting",
            _net("LDAMClassifier"),
        ),
        _method(
            "meta_augment",
            "stopped",
            "the net trained with synthetic rows that validation rows move",
            _net("MetaAugmentClassifier"),
        ),
        *(
            _method(
                f"{learner}_{name}",
                "refitted",
                f"{learner.replace('_', ' ')} on rows over-sampled by {words}",
                _sampled(learner, make_sampler),
            )
            for name, words, make_sampler in [
                ("smote", "SMOTE", _smote),
                ("meta_augment", "meta-augmentation", _meta_augment),
            ]
            for learner in _SAMPLED
        ),
        *(
            _method(
                f"{learner}_{name}",
                kind,
                f"{learner.replace('_', ' ')} on rows over-sampled by {words}",
                _generated(class_name, learner),
            )
            for name, words, class_name in [
                ("latent_smote", "SMOTE in a latent space", "LatentSMOTE"),
                ("gl_gan", "GL-GAN", "GLGAN"),
                ("conditional_gan", "a conditional GAN", "ConditionalGAN"),
                ("conditional_wgan", "a conditional WGAN", "ConditionalWGAN"),
            ]
            for learner, (kind, *_) in _GENERATED.items()
        ),
    ]
)
