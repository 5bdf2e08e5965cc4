"""The sections of the report, each a function from cells to blocks."""

from imbdeep_bench.report.sections.choices import report_title
from imbdeep_bench.report.sections.failures import failures_section
from imbdeep_bench.report.sections.pictures import pictures_section
from imbdeep_bench.report.sections.provenance import provenance_section
from imbdeep_bench.report.sections.reading import reading_section
from imbdeep_bench.report.sections.scores import scores_section
from imbdeep_bench.report.sections.significance import significance_section
from imbdeep_bench.report.sections.summary import summary_section
from imbdeep_bench.report.sections.threshold import threshold_section

__all__ = [
    "failures_section",
    "pictures_section",
    "provenance_section",
    "reading_section",
    "report_title",
    "scores_section",
    "significance_section",
    "summary_section",
    "threshold_section",
]
