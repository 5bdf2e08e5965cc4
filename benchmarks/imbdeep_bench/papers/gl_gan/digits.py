"""The case study of section 2.5: digits, and their codes."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from imbdeep_bench.data import pairs
from imbdeep_bench.engine.command import Part, add_seed, add_smoke
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.gl_gan.experiment import draw_rows
from imbdeep_bench.papers.gl_gan.methods import METHODS, make_sampler
from imbdeep_bench.report.markdown import write_all

PAIR, R = "4-7", 0.01
MADE_BY = ("smote", "plain_autoencoder", "latent_smote", "gl_gan", "conditional_gan")
WITH_CODES = ("plain_autoencoder", "latent_smote", "gl_gan")
N_SHOWN = 10
MAJORITY, MINORITY, SYNTHETIC = "#0072B2", "#000000", "#D55E00"


def make_digits(rows, seed, *, smoke=False):
    """Balance the training rows with each method.

    By name: the fitted sampler, and its synthetic rows in the order it made them.
    """
    n_minority = rows.told["n_train_minority"]
    made = {}
    for name in MADE_BY:
        sampler = make_sampler(
            METHODS[name], derive_seed(seed, "usps", "sampler"), n_minority, smoke=smoke
        )
        X, _ = sampler.fit_resample(rows.X_train, rows.y_train)
        made[name] = sampler, X[len(rows.X_train) :]
    return made


def minority_share(rows, made):
    """Return the share of made rows that are nearest a real row of the minority.

    Real rows are those that no sampler has seen: tests and withdrawn candidates, as
    many of either class, so that none is nearest for its number.
    """
    X_minority = np.concatenate([rows.X_test[rows.y_test == 1], rows.more])
    X_majority = rows.X_test[rows.y_test == 0]
    n_class = min(len(X_minority), len(X_majority))
    X = np.concatenate([X_majority[:n_class], X_minority[:n_class]])
    nearest = KNeighborsClassifier(n_neighbors=1).fit(X, np.repeat([0, 1], n_class))
    return float(nearest.predict(made).mean())


def draw_digits(rows):
    """Draw the first ten digits of each row, by their title."""
    figure = Figure(figsize=(N_SHOWN + 3, 1.05 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), N_SHOWN, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for line, (title, digits) in zip(panels, rows.items(), strict=True):
        side = int(np.sqrt(digits.shape[1]))
        for axes, digit in zip(line, digits, strict=False):
            axes.imshow(digit.reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=10)
    return figure


def draw_codes(made, y_train):
    """Draw codes in their first two principal components, a panel a method.

    Those of synthetic rows are what the encoder says of them; the components are those
    of the training rows.
    """
    figure = Figure(figsize=(4.4 * len(WITH_CODES), 4.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(WITH_CODES)), WITH_CODES, strict=True):
        sampler, synthetic = made[name]
        pca = PCA(n_components=2).fit(sampler.latent_)
        codes = pca.transform(sampler.latent_)
        clouds = {
            "majority": (codes[y_train == 0], MAJORITY, ".", 2),
            "synthetic": (pca.transform(sampler.encode(synthetic)), SYNTHETIC, "x", 3),
            "minority": (codes[y_train == 1], MINORITY, "o", 4),
        }
        for label, (points, color, marker, order) in clouds.items():
            axes.scatter(
                *points.T, s=16, color=color, marker=marker, label=label, zorder=order
            )
        share = pca.explained_variance_ratio_.sum()
        title = f"{METHODS[name].title}\n{share:.0%} of the variance"
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    below = {"loc": "outside lower center", "ncols": len(labels), "frameon": False}
    figure.legend(handles, labels, **below)
    return figure


class Digits(Part):
    """The case study (2.5): digits 7 made from six of them beside 634 of 4.

        python benchmarks/papers.py gl_gan digits --data raw

    USPS in place of MNIST, majority 4, minority 7, r = 0.01. Writes digits.png,
    digits.csv and codes.png to <out>. A row of the picture shows the first digits that
    a method made, none picked by hand; beside it stands the share of all its digits
    whose nearest neighbour among the real ones that no method has seen is a 7.
    """

    out = "results/gl_gan"

    @staticmethod
    def add_own_arguments(parser):
        """Add the options that no other part has."""
        pairs.add_data(parser)
        add_seed(parser, "rows and samplers")
        add_smoke(parser, "100 rows of a class and 2 epochs")

    @staticmethod
    def report(args):
        """Write pictures and shares; return the path of the first picture."""
        usps = pairs.read_dataset("usps", pairs.data_folder(args.data))
        if args.smoke:
            usps = pairs.shrink(usps)
        rows = draw_rows(usps, pairs.parse_pairs(PAIR), R, args.seed)
        made = make_digits(rows, args.seed, smoke=args.smoke)

        real = rows.X_train[rows.y_train == 1]
        shares = {"real, withdrawn or test": minority_share(rows, real)}
        shown = {f"all {len(real)} real": real}
        for name, (_, digits) in made.items():
            title = METHODS[name].title
            shares[title] = minority_share(rows, digits)
            shown[f"{title}\n{shares[title]:.0%} nearest a 7"] = digits

        table = pd.Series(shares, name="nearest_a_7").rename_axis("digits")
        pictures = {
            "digits.png": draw_digits(shown),
            "codes.png": draw_codes(made, rows.y_train),
        }
        frames = {"digits.csv": table.reset_index()}
        write_all(args.out, frames=frames, pictures=pictures)
        return args.out / "digits.png"
