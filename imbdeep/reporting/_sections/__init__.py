"""The sections of the report, each a function from cells to blocks."""

from imbdeep.reporting._sections._choices import report_title
from imbdeep.reporting._sections._failures import failures_section
from imbdeep.reporting._sections._pictures import pictures_section
from imbdeep.reporting._sections._provenance import provenance_section
from imbdeep.reporting._sections._reading import reading_section
from imbdeep.reporting._sections._scores import scores_section
from imbdeep.reporting._sections._significance import significance_section
from imbdeep.reporting._sections._summary import summary_section
from imbdeep.reporting._sections._threshold import threshold_section

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
