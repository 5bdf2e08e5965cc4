"""The images of the experiment: CIFAR 10, and what stands in for it."""

from imbdeep.datasets import load_cifar10
from imbdeep_bench.data.pairs import keep_found
from imbdeep_bench.data.pictures import READERS as ALL_READERS
from imbdeep_bench.data.pictures import read_all, read_photo_tiles
from imbdeep_bench.engine.names import check_names
from imbdeep_bench.papers.remix.problems import BINARY, SEVERAL, TASKS, Problem

# Dog; automobile, bird and cat. The stand-ins have classes of the same numbers.
RARE = {BINARY: (5,), SEVERAL: (1, 2, 3)}
RATIOS = (0.25, 0.1, 0.05)
# Tiles of a class, to train on and to test on.
TRAIN_TILES, TEST_TILES = 400, 100


def problems():
    """Return what is made of any of the images, mildest first.

    NOTE[DIFF]: the ratio of two classes is to the mean of the frequent ones, too. To
    all of them together, 0.25 would be 11,250 dogs, of which there are 5,000.
    """
    return [Problem(task, RARE[task], ratio) for task in TASKS for ratio in RATIOS]


def _read_cifar10(folder):
    # The 50,000 that Table 1 counts.
    bunch = load_cifar10(folder, subset="train", dtype="uint8")
    return bunch.data, bunch.target, None


def _read_tiles(folder):
    return read_photo_tiles(TRAIN_TILES, TEST_TILES)


READERS = {
    "usps": ALL_READERS["usps"],
    "photo_tiles": _read_tiles,
    "cifar10": _read_cifar10,
}
# CIFAR 10 takes a day of a processor, and is run when it is asked for.
DEFAULT = ("usps", "photo_tiles")


def read_images(names, folder):
    """Read images by name; None reads the stand-ins that are at hand."""
    asked = DEFAULT if names is None else names
    check_names(asked, READERS, "--datasets")
    found = read_all(READERS, asked, folder)
    where = (
        "Give as --data the folder of usps.npz or of CIFAR's python archives; photo "
        'tiles need scikit-image: pip install "imbdeep[vision]".'
    )
    return keep_found(found, were_asked=names is not None, where=where)
