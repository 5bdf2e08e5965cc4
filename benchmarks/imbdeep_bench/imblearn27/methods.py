"""The methods of the benchmark.

A ``'stopped'`` method gets the validation part as ``eval_set`` and stops early by it; a
``'refitted'`` one has no use for it while it is fitted, and is fitted on it too, once
the threshold is tuned; a ``'held_out'`` one is fitted on it at once, and tells the
probabilities of rows that it held out itself. Each is made by
``make(random_state, device)``.
"""

from dataclasses import replace

from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as SamplingPipeline
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep_bench import members, peers
from imbdeep_bench.engine.experiment import Method, by_name

# What every net shares, beside its seed and device. Empty: the defaults are what the
# benchmark is about, and all nets have the same net and optimiser by default.
NET_SETTINGS = {}


def _learner(cls, **params):
    """Return a factory of a learner that is no net."""
    return lambda random_state, device: cls(random_state=random_state, **params)


_LOGISTIC = _learner(LogisticRegression, max_iter=1000)
_FOREST = _learner(RandomForestClassifier)
_HIST_GB = _learner(HistGradientBoostingClassifier)
_SAMPLED = {"logistic": _LOGISTIC, "random_forest": _FOREST, "hist_gb": _HIST_GB}


def _scaled_logistic(random_state, device):
    return make_pipeline(StandardScaler(), _LOGISTIC(random_state, device))


def _meta_augment(random_state, device):
    # Imported here so that `--help` and a run of baselines do not wait for torch.
    from imbdeep.classifiers import MetaAugmentClassifier
    from imbdeep.over_sampling import MetaAugment

    net = MetaAugmentClassifier(device=device)
    return MetaAugment(estimator=net, random_state=random_state)


def _sampled(learner, make_sampler):
    """Return a factory of a learner behind a sampler.

    Columns are scaled first: SMOTE's neighbours depend on it, and nothing else does.
    """

    def make(random_state, device):
        parts = make_sampler, _SAMPLED[learner]
        made = [make_part(random_state, device) for make_part in parts]
        return make_sampling_pipeline(StandardScaler(), *made)

    return make


def _net(class_name="NetClassifier", **params):
    """Return a factory of a classifier of `imbdeep.classifiers`."""

    def make(random_state, device):
        # Imported here so that `--help` and a run of baselines do not wait for torch.
        from imbdeep import classifiers

        told = {"random_state": random_state, "device": device, **NET_SETTINGS}
        return getattr(classifiers, class_name)(**told, **params)

    return make


class StoppedPipeline(SamplingPipeline):
    """A net behind a sampler, stopped early by rows that were not over-sampled."""

    def fit(self, X, y, eval_set):
        """Over-sample ``X`` and fit the net; ``eval_set`` goes to the net as it is."""
        return super().fit(X, y, learner__eval_set=eval_set)


_GENERATED = {
    "net": ("stopped", StoppedPipeline, _net()),
    "hist_gb": ("refitted", SamplingPipeline, _HIST_GB),
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

        cls = getattr(over_sampling, class_name)
        sampler = cls(random_state=random_state, device=device)
        learner = make_learner(random_state, device)
        return make_pipeline_of([("sampler", sampler), ("learner", learner)])

    return make


_TITLES = {
    "logistic": "scaled logistic regression",
    "random_forest": "random forest, 100 trees",
    "balanced_random_forest": "random forest, each tree on a class-balanced sample",
    "hist_gb": "histogram gradient boosting",
    "hist_gb_weighted": "histogram gradient boosting with balanced class weights",
    "net": "the net, untouched",
    "net_weighted": "the net with balanced class weights",
    "net_ros": "the net on class-balanced batches (random over-sampling)",
    "net_smote": "the net with SMOTE inside the batch",
    "mixup": "the net with MixUp, which leaves the class ratio alone",
    "remix": "ReMix, classes balanced from the whole training data",
    "remix_batch": "ReMix as in the paper, classes balanced within the batch",
    "remix_alpha_0.1": "ReMix with the alpha of the paper's tables",
    "remix_batch_alpha_0.1": "ReMix as in the paper, with the alpha of its tables",
    "focal": "the net with focal loss",
    "ldam_drw": "LDAM margins with deferred re-weighting",
    "meta_augment": "the net trained with synthetic rows that validation rows move",
}
_BALANCED_FOREST = {"sampling_strategy": "all", "replacement": True, "bootstrap": False}
_REFITTED = {
    "logistic": _scaled_logistic,
    "random_forest": _FOREST,
    "balanced_random_forest": _learner(
        BalancedRandomForestClassifier, **_BALANCED_FOREST
    ),
    "hist_gb": _HIST_GB,
    "hist_gb_weighted": _learner(
        HistGradientBoostingClassifier, class_weight="balanced"
    ),
    "ldam_drw": _net("LDAMClassifier"),  # it trains a fixed number of epochs
}
_STOPPED = {
    "net": _net(),
    "net_weighted": _net(class_weight="balanced"),
    "net_ros": _net(iterator_train="balanced", iterator_train__balance="expected"),
    "net_smote": _net(iterator_train="smote"),
    "mixup": _net("ReMixClassifier", mix="mixup"),
    "remix": _net("ReMixClassifier"),
    "remix_batch": _net("ReMixClassifier", balance="batch"),
    "remix_alpha_0.1": _net("ReMixClassifier", alpha=0.1),
    "remix_batch_alpha_0.1": _net("ReMixClassifier", balance="batch", alpha=0.1),
    "focal": _net(criterion="focal"),
    "meta_augment": _net("MetaAugmentClassifier"),
}
# Those that train on other class shares than the data have.
_BENT = ("net_weighted", "net_ros", "remix", "remix_batch", "ldam_drw")
_SAMPLERS = {
    "smote": ("SMOTE", _learner(SMOTE)),
    "meta_augment": ("meta-augmentation", _meta_augment),
}
_GENERATORS = {
    "latent_smote": ("SMOTE in a latent space", "LatentSMOTE"),
    "gl_gan": ("GL-GAN", "GLGAN"),
    "conditional_gan": ("a conditional GAN", "ConditionalGAN"),
    "conditional_wgan": ("a conditional WGAN", "ConditionalWGAN"),
}


def _plain(name):
    kind, makers = (
        ("stopped", _STOPPED) if name in _STOPPED else ("refitted", _REFITTED)
    )
    return Method(name, makers[name], _TITLES[name], kind)


def _corrected(name):
    """Return a method whose probabilities are corrected to the data's shares."""
    plain = _plain(name)

    def make(random_state, device):
        return plain.make(random_state, device).set_params(prior_correction=True)

    title = f"{plain.title}, corrected to the shares of the data"
    return Method(f"{name}_corrected", make, title, plain.kind, group="corrected")


def _behind(learner, sampler, words, kind, make):
    title = f"{learner.replace('_', ' ')} on rows over-sampled by {words}"
    return Method(f"{learner}_{sampler}", make, title, kind)


def _all_of(methods, kind, group):
    """Return methods that need no validation part, as a group."""
    return [replace(method, kind=kind, group=group) for method in methods]


_MEMBERS = [members.BLEND, replace(members.PLAIN, name="net_members")]
_MEMBERS += [members.MLP, members.TABM, *members.REBALANCED]
METHODS = by_name(
    [
        *map(_plain, _TITLES),
        *(
            _behind(learner, sampler, words, "refitted", _sampled(learner, make))
            for sampler, (words, make) in _SAMPLERS.items()
            for learner in _SAMPLED
        ),
        *(
            _behind(learner, sampler, words, kind, _generated(name, learner))
            for sampler, (words, name) in _GENERATORS.items()
            for learner, (kind, *_) in _GENERATED.items()
        ),
        *map(_corrected, _BENT),
        *_all_of(_MEMBERS, "held_out", "members"),
        *_all_of(peers.PEERS.values(), "refitted", "peers"),
    ]
)
