"""Data sets, methods and protocol that go together."""

from dataclasses import dataclass

from imbdeep_bench.data.suites import TEN_SETS
from imbdeep_bench.imblearn27.methods import METHODS


@dataclass(frozen=True)
class Preset:
    """Datasets, methods and protocol that go together.

    Attributes
    ----------
    protocol : str
        As :func:`~imbdeep_bench.engine.protocol.parse_protocol` reads it.

    methods : tuple of str or None
        Names from the table of methods; None for all of them.

    imblearn27, embedded : tuple of str or None
        Datasets of either suite; None for the whole suite.

    description : str
        One line for ``--help``.
    """

    protocol: str
    methods: tuple | None
    imblearn27: tuple | None
    embedded: tuple | None
    description: str

    def method_names(self):
        """Return the names of the preset's methods."""
        return list(METHODS if self.methods is None else self.methods)

    def dataset_names(self, suite, known):
        """Return the names of the preset's sets in `suite`; `known` lists them all."""
        names = getattr(self, suite)
        return list(known if names is None else names)


PRESETS = {
    "smoke": Preset(
        protocol="1x2",
        methods=("logistic", "hist_gb", "net", "remix"),
        imblearn27=("ecoli", "libras_move", "solar_flare_m0", "oil"),
        embedded=None,
        description="4 small sets, 4 methods, 1x2 folds; a minute on 2 cores",
    ),
    "quick": Preset(
        protocol="2x2",
        methods=(
            "logistic",
            "random_forest",
            "hist_gb",
            "hist_gb_weighted",
            "net",
            "net_weighted",
            "net_smote",
            "remix",
            "ldam_drw",
            "meta_augment",
        ),
        imblearn27=TEN_SETS,
        embedded=None,
        description="10 sets, 10 methods, 2x2 folds; minutes on 2 cores",
    ),
    "samplers": Preset(
        protocol="10x2",
        methods=(
            "logistic",
            "logistic_smote",
            "logistic_meta_augment",
            "random_forest",
            "random_forest_smote",
            "random_forest_meta_augment",
            "hist_gb",
            "hist_gb_smote",
            "hist_gb_meta_augment",
            "hist_gb_latent_smote",
            "hist_gb_gl_gan",
            "hist_gb_conditional_gan",
            "hist_gb_conditional_wgan",
            "net",
            "net_latent_smote",
            "net_gl_gan",
            "net_conditional_gan",
            "net_conditional_wgan",
        ),
        imblearn27=TEN_SETS,
        embedded=None,
        description="10 sets, 4 learners alone and behind samplers, 10x2 folds; hours",
    ),
    "full": Preset(
        protocol="10x2",
        methods=None,
        imblearn27=None,
        embedded=None,
        description="all sets, all methods, 10x2 folds; hours",
    ),
}
