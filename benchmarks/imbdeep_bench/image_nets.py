"""Nets for images, the same in all experiments that choose among them."""

from imbdeep.modules._registry import MODULES
from imbdeep_bench.engine.names import check_names, split_names

NETS = {
    name: module
    for name, module in MODULES.items()
    if getattr(module, "input_ndim", 2) == 4
}
# One filter bank more than by default, as tiles have a longer side than digits.
PARAMS = {"conv": {"n_filters": (16, 32, 64)}}


def add_modules(parser):
    """Add the option that picks nets."""
    parser.add_argument(
        "--modules",
        type=split_names,
        metavar="A,B",
        default=["conv"],
        help=f"nets, of {', '.join(NETS)} (default: conv)",
    )


def check_modules(names):
    """Refuse nets that are unknown."""
    check_names(names, NETS, "--modules")
