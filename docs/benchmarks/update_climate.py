"""Write the tables of the docs on the climate paper from a run.

    python docs/benchmarks/update_climate.py results/climate

Run it from the repository root, after ``benchmarks/papers.py climate tables``. The
tables go to ``docs/benchmarks/climate/``, two for each data set and net, with the
differences of the paper and whether they hold; the pictures go there, too.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep_bench.papers.climate import report  # noqa: E402
from imbdeep_bench.papers.climate.numbers import (  # noqa: E402
    BY,
    MAIN,
    RECALLS,
    claim_table,
)
from imbdeep_bench.report import runs  # noqa: E402

PICTURES = ("recall.png", "variance.png", "losses.png", "images.png")


def main(results, out=HERE / "climate"):
    """Write the tables, and copy the pictures that there are."""
    out.mkdir(exist_ok=True)
    cells = report.STUDY.read(results / "cells.jsonl")
    means, claims = report.STUDY.means(cells), claim_table(report.STUDY.scores(cells))
    for data, module in runs.keys_of(means, BY):
        part = runs.pick(means, BY, (data, module))
        own = runs.pick(claims, BY, (data, module))
        tables = {
            "scores": report.beside_published(part, module, MAIN),
            "recalls": report.beside_published(part, module, RECALLS),
            "claims": report.lay_out_claims(
                own[own["published"].notna()], report.pair_of
            ).rename_axis("difference"),
        }
        for name, table in tables.items():
            table.to_csv(out / f"{data}_{module}_{name}.csv")
    for name in PICTURES:
        if (results / name).exists():
            shutil.copy(results / name, out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
