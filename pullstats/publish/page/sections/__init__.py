"""The sections of the page, in order."""

from typing import Final

from pullstats.publish.page.section import Section
from pullstats.publish.page.sections import breakdowns, concentration, definitions, errors, quality, reasons, series, uniques, versions

SECTIONS: Final[tuple[Section, ...]] = tuple(
    part.SECTION for part in (series, uniques, breakdowns, reasons, concentration, versions, errors, quality, definitions)
)
