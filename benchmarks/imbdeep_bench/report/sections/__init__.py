"""The sections of the report, each a function from cells to blocks."""

from imbdeep_bench.report.sections.choices import report_title
from imbdeep_bench.report.sections.data import failures_section, provenance_section
from imbdeep_bench.report.sections.pictures import pictures_section
from imbdeep_bench.report.sections.reading import reading_section
from imbdeep_bench.report.sections.scores import scores_section, threshold_section
from imbdeep_bench.report.sections.significance import significance_section
from imbdeep_bench.report.sections.summary import summary_section

SECTIONS = (
    summary_section,
    scores_section,
    significance_section,
    threshold_section,
    pictures_section,
    provenance_section,
    failures_section,
    reading_section,
)
