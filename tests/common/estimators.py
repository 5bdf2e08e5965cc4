"""One table of small, seeded instances, for every check that runs over all of them."""

from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from imbdeep.calibration import PriorCorrectedClassifier
from imbdeep.callbacks import TriangularLR
from imbdeep.classifiers import (
    AdversarialClassifier,
    AdversarialNoiseClassifier,
    AugMixClassifier,
    CrowdLayerClassifier,
    DeepAugmentClassifier,
    ICEDClassifier,
    ImbalancedClassifier,
    ImbMixClassifier,
    InferThenFit,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
    NetEnsembleClassifier,
    ReMixClassifier,
    SharedAdversarialClassifier,
    SRATClassifier,
    UniversalAdversarialClassifier,
)
from imbdeep.crowds import DawidSkene, MajorityVote
from imbdeep.over_sampling import (
    GLGAN,
    ConditionalGAN,
    ConditionalWGAN,
    DCGANSampler,
    LatentSMOTE,
    MetaAugment,
    ReMix,
)
from imbdeep.preprocessing import BandScaler, BandSelector

from .slow import slow_if

# They train in the same way, and read tables with the same code: what is asked of every
# estimator is asked of the first, and of the others among the slow tests. What is their
# own has tests of its own.
STANDS_FOR = {
    AdversarialClassifier: (
        SRATClassifier,
        ImbMixClassifier,
        UniversalAdversarialClassifier,
        SharedAdversarialClassifier,
        AdversarialNoiseClassifier,
    ),
    AugMixClassifier: (DeepAugmentClassifier,),
    LatentSMOTE: (GLGAN,),
    ConditionalGAN: (ConditionalWGAN,),
}
_STOOD_FOR = {cls for family in STANDS_FOR.values() for cls in family}


def firsts(instances):
    """The name of the first instance of each class; later ones vary its options."""
    by_class = {type(one): name for name, one in reversed(instances.items())}
    return [name for name in instances if name in by_class.values()]


def is_quick(name, instances):
    """Whether an instance is tried by default."""
    return name in firsts(instances) and type(instances[name]) not in _STOOD_FOR


def each(instances):
    """Their names, to parametrize a test: those that are not quick are slow."""
    return [slow_if(not is_quick(name, instances), name) for name in instances]


def each_that_reads(instances):
    """The same, for tests of what is read or refused, whatever is learned from it.

    Batches, losses and members come after that: NetClassifier stands for theirs.
    """
    later = (LDAMClassifier, NetEnsembleClassifier, ReMixClassifier)
    return [
        slow_if(isinstance(one, later) or not is_quick(name, instances), name)
        for name, one in instances.items()
    ]


# The checks train on a few dozen rows, some on standardised blobs: enough steps to
# learn them, no more. Of the blobs 0.83 must be right; with 15 seeds the first
# instances of the classes get 0.85 at least.
_SMALL = {
    "module__hidden_sizes": (16,),
    "n_bins": 4,
    "max_epochs": 3,
    "batch_size": 32,
    "lr": 0.1,
    "random_state": 0,
}

_SHIFT = {"eps": 0.1, "eps_unit": "std"}
_ATTACK = {**_SHIFT, "attack_steps": 1}

CLASSIFIERS = {
    "net": NetClassifier(**_SMALL),
    "net-smote": NetClassifier(iterator_train="smote", criterion="focal", **_SMALL),
    "net-members": NetClassifier(n_members=2, **_SMALL),
    "net-members-holdout": NetClassifier(
        n_members=3,
        member_holdout="folds",
        member_sampling="auto",
        early_stopping=True,
        refit=True,
        **_SMALL,
    ),
    "net-ensemble": NetEnsembleClassifier(
        n_members=2,
        module__n_latent=16,
        **{k: v for k, v in _SMALL.items() if k != "module__hidden_sizes"},
    ),
    "ldam": LDAMClassifier(scale=2.0, **_SMALL),
    "ldam-full-recipe": LDAMClassifier(
        iterator_train="balanced",
        lr_schedule=None,
        # A class: scikit-learn's checks want parameters that fit leaves as they are,
        # and skorch keeps the state of a callback in the instance it was given.
        callbacks=[("cycle", TriangularLR)],
        callbacks__cycle__max_lr=0.05,
        weight_averaging="swa",
        # Some checks train for fewer epochs than a cycle has.
        average_every=1,
        scale=2.0,
        **_SMALL,
    ),
    "remix": ReMixClassifier(**_SMALL),
    "remix-batch": ReMixClassifier(balance="batch", **_SMALL),
    "mixup": ReMixClassifier(mix="mixup", **_SMALL),
    "meta-augment": MetaAugmentClassifier(inner_lr=0.1, pretrain_epochs=3, **_SMALL),
    "meta-augment-full": MetaAugmentClassifier(
        sampling_strategy="all",
        confidence=0.9,
        inner_steps=3,
        synth_unit="std",
        clip=False,
        pretrain_epochs=5,
        early_stopping=False,
        store_synth_history=True,
        inner_lr=0.1,
        **_SMALL,
    ),
    "adversarial": AdversarialClassifier(**_SMALL | _ATTACK),
    "adversarial-l2": AdversarialClassifier(
        norm="l2",
        random_start=False,
        box="data",
        criterion="focal",
        **_SMALL | _ATTACK,
    ),
    "srat": SRATClassifier(scale=2.0, **_SMALL | _ATTACK),
    "srat-ce": SRATClassifier(
        criterion="cross_entropy", temperature=0.5, **_SMALL | _ATTACK
    ),
    "imb-mix": ImbMixClassifier(**_SMALL | _ATTACK),
    "imb-mix-mixup": ImbMixClassifier(
        mix="mixup", n_copies=0, weight_averaging=None, **_SMALL | _ATTACK
    ),
    "universal": UniversalAdversarialClassifier(**_SMALL | _SHIFT),
    "universal-simultaneous": UniversalAdversarialClassifier(
        method="simultaneous", norm="l2", step_size=0.02, box="data", **_SMALL | _SHIFT
    ),
    "shared": SharedAdversarialClassifier(**_SMALL | _ATTACK),
    "shared-smooth": SharedAdversarialClassifier(
        heap_size=5, sigma=0.7, label_smoothing=0.1, norm="l2", **_SMALL | _ATTACK
    ),
    "noise": AdversarialNoiseClassifier(fresh_steps=2, **_SMALL | _SHIFT),
    "imbalanced-members": ImbalancedClassifier(
        [
            ("tree", DecisionTreeClassifier(max_depth=4)),
            ("nets", NetEnsembleClassifier("mlp", n_members=2, **_SMALL)),
        ],
        random_state=0,
    ),
    # The labels of the checks are those of one annotator.
    "crowd-layer": CrowdLayerClassifier(**_SMALL),
    "iced": ICEDClassifier(**_SMALL),
    "infer-then-fit": InferThenFit(DawidSkene(), LogisticRegression()),
    "infer-then-fit-net": InferThenFit(estimator=NetClassifier(**_SMALL)),
    "prior-corrected": PriorCorrectedClassifier(LogisticRegression()),
    "prior-corrected-weighted": PriorCorrectedClassifier(
        LogisticRegression(class_weight="balanced")
    ),
}

# They take no tables: see test_image_classifiers for the checks that give them some.
IMAGE_CLASSIFIERS = {
    "augmix": AugMixClassifier(**_SMALL),
    "deep-augment": DeepAugmentClassifier(autoencoder_epochs=1, **_SMALL),
}

# Their checks ask for what comes out, not for what is learned.
_TINY = {
    "hidden_sizes": (8,),
    "n_latent": 2,
    "max_epochs": 2,
    "batch_size": 256,
    "random_state": 0,
}

SAMPLERS = {
    "remix": ReMix(random_state=0),
    "remix-sample": ReMix(label="sample", random_state=0),
    "meta-augment": MetaAugment(
        estimator=MetaAugmentClassifier(
            **_SMALL | {"pretrain_epochs": 2, "max_epochs": 2, "batch_size": 256}
        ),
        random_state=0,
    ),
    "latent-smote": LatentSMOTE(**_TINY),
    "gl-gan": GLGAN(pretrain_epochs=2, **_TINY),
    "conditional-gan": ConditionalGAN(**_TINY),
    "conditional-wgan": ConditionalWGAN(critic_steps=2, **_TINY),
}

# They take no tables: see test_image_samplers for the checks that give them some.
IMAGE_SAMPLERS = {
    "dcgan": DCGANSampler(
        n_filters=2,
        n_latent=2,
        max_epochs=2,
        batch_size=256,
        # After two epochs there is little of it.
        min_diversity=0,
        random_state=0,
    ),
}

AGGREGATORS = {
    "majority-vote": MajorityVote(),
    "dawid-skene": DawidSkene(),
    "dawid-skene-hard": DawidSkene(assignment="hard"),
}

# Of images.
TRANSFORMERS = {
    "band-selector": BandSelector("natural"),
    "band-selector-names": BandSelector(("red", 2), band_names=("red", "green", 2)),
    "band-scaler": BandScaler(),
    "band-scaler-mean": BandScaler(with_std=False),
}
