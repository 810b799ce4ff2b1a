"""The sections of the page, in order."""

from typing import Final

from pullstats.publish.page.section import Section
from pullstats.publish.page.sections import breakdowns, series

SECTIONS: Final[tuple[Section, ...]] = (
    series.SECTION,
    breakdowns.SECTION,
)
