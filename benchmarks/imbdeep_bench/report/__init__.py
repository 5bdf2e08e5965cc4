"""The report on a file of cells, and what the papers' reports share."""

from imbdeep_bench.report.cells import BenchmarkCells, independent_blocks, read_cells
from imbdeep_bench.report.tables import mean_table, rank_sums, rank_table
from imbdeep_bench.report.write import write_report
