"""How much a few make up."""

from __future__ import annotations

from typing import Final

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.publish.page.section import Figure, Section
from pullstats.publish.period import CONCENTRATION, ask_period


def _ask(query: Query) -> Question:
    return ask_period(query)[CONCENTRATION]


SECTION: Final = Section(
    "concentration-of-downloads",
    "How much a few make up",
    (Figure(CONCENTRATION, "Downloads of the largest, and without them", _ask, "concentration"),),
)
