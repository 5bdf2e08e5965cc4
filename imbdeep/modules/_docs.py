"""Entries that the docstrings of several modules share."""

SHARED = {
    "channels": """\
n_features : int
    Channels of an image: 1 for grey, 3 for colour, more for satellite bands.
""",
    "head": """\
head : {'linear', 'cosine'}, default='linear'
    Last layer; 'cosine' for margin losses.
""",
    "image_size": """\
image_size : int, at least 8, default=64
    Shorter side of the images, for the choice of the stem; ``fit`` takes it from
    the data. The net itself takes images of any size above the smallest.
""",
    "momentum": """\
momentum : float in (0, 1], default=0.1
    Share of a step's batch in the running statistics of batch norm.
""",
}
