"""The benchmark as an experiment: a checked request for a run."""

from dataclasses import dataclass

from imbdeep_bench.data.suites import load_suite
from imbdeep_bench.engine.command import pick_methods
from imbdeep_bench.engine.protocol import parse_protocol
from imbdeep_bench.engine.supervised import Supervised, grid_on
from imbdeep_bench.imblearn27.methods import METHODS
from imbdeep_bench.imblearn27.presets import PRESETS


@dataclass(frozen=True)
class Imblearn27(Supervised):
    """All methods at their defaults on a suite of data sets."""

    preset: str = ""  # for the record

    def about(self):
        return {"preset": self.preset, "n_repeats": self.split_by.n_repeats}


def plan(args):
    """Turn the parsed command line into a grid."""
    preset = PRESETS[args.preset]
    if args.methods is None:
        args.methods = preset.method_names()
    methods = pick_methods(args, METHODS)
    protocol = parse_protocol(args.protocol or preset.protocol)
    suite = load_suite(args.datasets, preset, args.data_home)
    fields = {"seed": args.seed, "device": args.device, "preset": args.preset}
    experiment = Imblearn27(split_by=protocol, suite_name=suite.name, **fields)
    return grid_on(experiment, suite, methods)
