"""Figures 1 and 4: what a GAN makes of noise, epoch by epoch."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imbdeep.over_sampling import DCGANSampler
from imbdeep_bench.engine import command
from imbdeep_bench.engine.command import Part
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.climate.methods import AGRICULTURE, positions_of
from imbdeep_bench.papers.climate.tiles import SIDE, Droughtwatch, Synthetic
from imbdeep_bench.report.markdown import write_all

# Of the rare class, which the GAN has to make most of.
LABEL = 3
N_SHOWN = 10
EPOCHS = (1, 10, 45, 60)
SMOKE = {"epochs": (1, 2), "n_filters": 4, "n_train": 80}


def train_gans(X, y, epochs, params):
    """Fit a GAN of each number of epochs to one class; return them by that number.

    A fit of more epochs begins as one of fewer does.
    """
    fitted = {}
    n_made = int((y == LABEL).sum()) + 1
    for n in epochs:
        sampler = DCGANSampler(
            sampling_strategy={LABEL: n_made},
            max_epochs=n,
            min_diversity=0,
            **params,
        )
        sampler.fit_resample(X, y)
        fitted[n] = sampler
    return fitted


def draw_tiles(lines):
    """Draw tiles in lines, by their title; bands are red, green and blue.

    All are stretched alike, by the values of the first line.
    """
    first = next(iter(lines.values()))
    low, high = (
        np.percentile(first, q, axis=(0, 2, 3))[:, None, None] for q in (1, 99)
    )
    size = (N_SHOWN + 2, 1.08 * len(lines))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(lines), N_SHOWN, squeeze=False)
    for line, (title, tiles) in zip(panels, lines.items(), strict=True):
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, tile in zip(line, tiles, strict=False):
            shown = ((tile - low) / np.maximum(high - low, 1)).clip(0, 1)
            axes.imshow(shown.transpose(1, 2, 0))
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def spread_table(fitted):
    """Return losses and spreads after each number of epochs."""
    rows = []
    for n, sampler in fitted.items():
        losses = sampler.loss_history_[LABEL]
        last = {f"{name} loss": values[-1] for name, values in losses.items()}
        rows.append({"epochs": n, **last, **sampler.diversity_[LABEL]})
    return pd.DataFrame(rows)


class Images(Part):
    """Figures 1 and 4: tiles that a GAN makes, epoch by epoch.

        python benchmarks/papers.py climate images
        python benchmarks/papers.py climate images --data droughtwatch \\
            --device cuda --gan-filters 64 --gan-batch 128

    GANs of 1, 10, 45 and 60 epochs learn the rarest class, bands 6-5-2, which are shown
    as red, green and blue. Writes images.png and images.csv to <out>: ten tiles each,
    none picked by hand, and losses and spreads. Without --data tiles are synthetic.
    """

    out = "results/climate"

    @staticmethod
    def add_own_arguments(parser):
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="folder of the real set"
        )
        parser.add_argument(
            "--n-train",
            type=command.at_least(40),
            metavar="N",
            help="tiles of all classes (default: 3000 synthetic ones, all real ones)",
        )
        for name, least in (("filters", 1), ("batch", 2)):
            words = f"as in tables: --gan-{name} (default: %(default)s)"
            parser.add_argument(
                f"--gan-{name}",
                type=command.at_least(least),
                metavar="N",
                default=16,
                help=words,
            )
        command.add_seed(parser, "tiles and GANs")
        command.add_device(parser)
        command.add_smoke(parser, "80 small tiles and two epochs")

    @staticmethod
    def report(args):
        """Write images.png and images.csv; return the path of the former."""
        n_train = SMOKE["n_train"] if args.smoke else args.n_train
        if args.data is None:
            size = SIDE // 4 if args.smoke else SIDE
            source = Synthetic(n_train or Synthetic.n_train, n_test=1, size=size)
        else:
            source = Droughtwatch(args.data, args.out / "tiles", n_train, n_test=1)
        rows = source.draw(args.seed)
        X = rows.X_train[:, positions_of(AGRICULTURE)]
        params = {
            "n_filters": SMOKE["n_filters"] if args.smoke else args.gan_filters,
            "batch_size": args.gan_batch,
            "device": command.choose_device(args.device),
            "random_state": derive_seed(args.seed, source.name, "gan"),
        }
        epochs = SMOKE["epochs"] if args.smoke else EPOCHS
        fitted = train_gans(X, rows.y_train, epochs, params)
        lines = {"real": X[rows.y_train == LABEL][:N_SHOWN]}
        lines |= {
            f"{n} epochs": sampler.sample(N_SHOWN, LABEL)
            for n, sampler in fitted.items()
        }
        write_all(
            args.out,
            frames={"images.csv": spread_table(fitted)},
            pictures={"images.png": draw_tiles(lines)},
        )
        return args.out / "images.png"
