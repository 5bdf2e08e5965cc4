"""The experiments of the climate-adaptation paper: forage from satellite tiles."""

from imbdeep_bench.papers.climate.experiment import Tables
from imbdeep_bench.papers.climate.images import Images

PARTS = {"tables": Tables, "images": Images}
