"""The experiments of the GL-GAN chapter: synthetic rows judged by other classifiers."""

from imbdeep_bench.papers.gl_gan.digits import Digits
from imbdeep_bench.papers.gl_gan.experiment import Samplers
from imbdeep_bench.papers.gl_gan.report import Series, Tables

PARTS = {"run": Samplers, "tables": Tables, "series": Series, "digits": Digits}
