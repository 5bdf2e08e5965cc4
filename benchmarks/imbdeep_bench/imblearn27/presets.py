"""Data sets, methods and protocol that go together."""

from dataclasses import dataclass

from imbdeep_bench.data.suites import TEN_SETS
from imbdeep_bench.imblearn27.methods import METHODS


@dataclass(frozen=True)
class Preset:
    """Datasets, methods and protocol that go together; None is all of them."""

    description: str  # one line for --help
    protocol: str
    methods: tuple | None = None
    imblearn27: tuple | None = None  # datasets of either suite
    embedded: tuple | None = None

    def method_names(self):
        """Return the names of the preset's methods."""
        return list(METHODS if self.methods is None else self.methods)

    def dataset_names(self, suite, known):
        """Return the names of the preset's sets in `suite`; `known` lists them all."""
        names = getattr(self, suite)
        return list(known if names is None else names)


SMOKE_SETS = ("ecoli", "libras_move", "solar_flare_m0", "oil")
QUICK_METHODS = (
    *("logistic", "random_forest", "hist_gb", "hist_gb_weighted"),
    *("net", "net_weighted", "net_smote", "remix", "ldam_drw", "meta_augment"),
)
# A learner alone, then behind samplers.
SAMPLERS = ("latent_smote", "gl_gan", "conditional_gan", "conditional_wgan")
LEARNERS = {
    "logistic": ("smote", "meta_augment"),
    "random_forest": ("smote", "meta_augment"),
    "hist_gb": ("smote", "meta_augment", *SAMPLERS),
    "net": SAMPLERS,
}
ALONE_AND_BEHIND = tuple(
    name
    for learner, samplers in LEARNERS.items()
    for name in (learner, *(f"{learner}_{sampler}" for sampler in samplers))
)
GROUPED = tuple(name for name, method in METHODS.items() if method.group)
CORRECTED = tuple(k for k, method in METHODS.items() if method.group == "corrected")
BEFORE_AND_AFTER = tuple(
    name for kept in CORRECTED for name in (kept.removesuffix("_corrected"), kept)
)
COMPARED = tuple(name for name in GROUPED if name not in CORRECTED)
PRESETS = {
    "smoke": Preset(
        "4 small sets, 4 methods, 1x2 folds; a minute on 2 cores",
        *("1x2", ("logistic", "hist_gb", "net", "remix"), SMOKE_SETS),
    ),
    "quick": Preset(
        "10 sets, 10 methods, 2x2 folds; minutes on 2 cores",
        *("2x2", QUICK_METHODS, TEN_SETS),
    ),
    "samplers": Preset(
        "10 sets, 4 learners alone and behind samplers, 10x2 folds; hours",
        *("10x2", ALONE_AND_BEHIND, TEN_SETS),
    ),
    "full": Preset(
        "all sets, all methods of no group, 10x2 folds; hours",
        *("10x2", tuple(name for name in METHODS if name not in GROUPED)),
    ),
    "members": Preset(
        "all sets, nets of members and their peers, 4x80-20; a day on 2 cores",
        *("4x80-20", ("random_forest", "hist_gb", "net", *COMPARED)),
    ),
    "calibration": Preset(
        "10 sets, nets before and after prior correction, 10x2 folds; hours",
        *("10x2", ("net", *BEFORE_AND_AFTER), TEN_SETS),
    ),
}
