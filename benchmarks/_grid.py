"""What to run: presets, and the cells of a run in a useful order."""

from dataclasses import dataclass

from _methods import METHODS


@dataclass(frozen=True)
class Preset:
    """Datasets, methods and protocol that go together.

    Attributes
    ----------
    protocol : str
        As :func:`_protocol.parse_protocol` reads it.

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


# Small enough to be run again and again, and of every kind that the 27 hold.
TEN_SETS = (
    "ecoli",
    "abalone",
    "spectrometer",
    "car_eval_34",
    "us_crime",
    "libras_move",
    "arrhythmia",
    "oil",
    "wine_quality",
    "yeast_me2",
)

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


def grid(datasets, methods, n_folds):
    """Every (dataset, method, fold), fold by fold.

    A run that is stopped early has then compared all methods on all sets, on fewer
    folds, rather than all folds of the first set.

    Parameters
    ----------
    datasets, methods : list of str
        Names.

    n_folds : int
        Folds of the protocol.

    Returns
    -------
    keys : list of tuple

    Examples
    --------
    >>> grid(["a", "b"], ["m"], 2)
    [('a', 'm', 0), ('b', 'm', 0), ('a', 'm', 1), ('b', 'm', 1)]
    """
    return [
        (dataset, method, fold)
        for fold in range(n_folds)
        for dataset in datasets
        for method in methods
    ]
