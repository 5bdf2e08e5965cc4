"""
==================================
DCGAN on digits: threes from noise
==================================

:class:`~imbdeep.over_sampling.DCGANSampler` trains a generative adversarial network of
convolutions for each class to grow. We watch one learn to write threes, look at how
much they vary, and take away most of the threes that it learns from. The images are
scikit-learn's digits, 8 by 8 pixels each: the nets for them are small enough for this
page.
"""

# %%
# The data
# --------
# All 1,797 digits: 183 threes, and 1,614 others. Pixels are whole numbers from 0 to 16,
# and so are those of the synthetic images.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.spatial import KDTree
from sklearn.datasets import load_digits

from imbdeep.over_sampling import DCGANSampler

N_SHOWN = 14
digits = load_digits()
X = digits.images[:, None].astype(np.uint8)
y = (digits.target == 3).astype(int)
X.shape, X.dtype, np.bincount(y)


def show(lines):
    """Images in lines, by the name of the line."""
    _, axes = plt.subplots(
        len(lines), N_SHOWN, figsize=(9, 0.72 * len(lines)), layout="constrained"
    )
    for line, (name, images) in zip(axes, lines.items(), strict=True):
        for ax, image in zip(line, images, strict=False):
            ax.imshow(image[0], cmap="gray_r", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    plt.show()


# %%
# Epoch by epoch
# --------------
# A fit of more epochs begins as one of fewer does, with the same seed. By default a
# batch has 128 images, as in the paper of DCGAN, which makes two steps an epoch for 183
# threes; batches of 32 make six. ``min_diversity=0`` keeps the sampler from warning of
# what we are about to see.


def fit(X, y, **params):
    """A sampler that has made threes until there are 200."""
    sampler = DCGANSampler(
        sampling_strategy={1: 200}, n_filters=32, min_diversity=0, random_state=0,
        **params,
    )  # fmt: skip
    sampler.fit_resample(X, y)
    return sampler


samplers = {n: fit(X, y, max_epochs=n, batch_size=32) for n in (1, 10, 45, 200)}
made = {f"epoch {n}": sampler.sample(N_SHOWN, 1) for n, sampler in samplers.items()}
show({"real": X[y == 1]} | made)

# %%
# None are picked by hand. After one epoch the generator makes grey, after ten it knows
# that the edges are white, after 45, the default, it makes grey threes.
# After 200 they are black on white; some are threes that nobody wrote.
#
# How much they vary
# ------------------
# ``diversity_`` holds the spread over synthetic images and over real ones: the mean
# over all pixels of their standard deviation. It measures this for the generator, not
# for the few images above.

spread = pd.DataFrame({n: sampler.diversity_[1] for n, sampler in samplers.items()}).T
spread["share"] = spread["synthetic"] / spread["real"]
spread.rename_axis("epochs").round(3)

# %%

fig, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.plot(spread.index, spread["synthetic"], "o-", color="#D55E00", label="synthetic")
ax.axhline(spread["real"].iloc[0], color="k", linestyle="--", label="real")
ax.set(xscale="log", ylim=(0, None), xlabel="epochs", ylabel="spread over images")
ax.set_xticks(spread.index, spread.index)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()

# %%
# With fewer than 75 % of the spread of real images, the default of ``min_diversity``,
# the sampler warns: here after 45 epochs, still. The losses would not tell. For grey
# images and for threes alike they are near those of a discriminator that cannot tell
# real from synthetic, 1.39, and of its opponent, 0.69:

pd.DataFrame(
    {
        n: {name: values[-1] for name, values in sampler.loss_history_[1].items()}
        for n, sampler in samplers.items()
    }
).T.rename_axis("epochs").round(2)

# %%
# From twenty threes
# ------------------
# Now the generator sees twenty threes alone, for as many steps: batches of four, five
# an epoch. The other 163 are held out.

threes = np.random.default_rng(0).permutation(np.flatnonzero(y == 1))
kept = np.concatenate([np.flatnonzero(y == 0), threes[:20]])
few = fit(X[kept], y[kept], max_epochs=240, batch_size=4)
show(
    {
        "the twenty": X[threes[:20]],
        "made from them": few.sample(N_SHOWN, 1),
        "made from 183": made["epoch 200"],
    }
)

# %%
# They are threes, too, but muddier. They vary a little less than the twenty, which vary
# less than all threes:

pd.DataFrame(
    {"from 20": few.diversity_[1], "from 183": samplers[200].diversity_[1]}
).T.round(3)

# %%
# Are they copies? Their distance to the nearest of the twenty, and to the nearest of
# twenty others that were held out:


def nearest(images, others):
    """Mean distance of each image to the nearest of the others."""
    tree = KDTree(others.reshape(len(others), -1).astype(float))
    return tree.query(images.reshape(len(images), -1).astype(float))[0].mean()


rows = {"made from 20": few.sample(200, 1), "real, in neither": X[threes[40:]]}
pd.DataFrame(
    {
        name: {
            "to the nearest of the twenty": nearest(images, X[threes[:20]]),
            "to the nearest of 20 others": nearest(images, X[threes[20:40]]),
        }
        for name, images in rows.items()
    }
).T.round(1)

# %%
# No copies: they are as far from the twenty as real threes are. But they lie closer to
# the twenty than to others, which real threes hardly do.
#
# What this shows
# ---------------
#
# - A GAN needs steps, not epochs. The default of 45 epochs is that of a paper with
#   about ten thousand images a class; a class of 183 has made 270 steps by then, at six
#   an epoch. Raise ``max_epochs``, or lower ``batch_size``, until ``diversity_`` no
#   longer rises.
# - Look at the images as well. Mud varies, too: the threes made from twenty have nine
#   tenths of the spread of these.
# - A generator adds to the number of images rather than to their variety. From twenty
#   threes it learns the variety of twenty.
