"""Which versions are taken, who is still active on each, and who came again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.metrics.questions.versions import Versions
from pullstats.publish.page.section import Figure, Section

_SHOWN: Final = 20


def _ask_versions(query: Query) -> Question:
    return Versions(replace(query, metrics=("downloads",), limit=_SHOWN))


def _ask_cohorts(query: Query) -> Question:
    return Cohorts(replace(query, metrics=("requests",), window="all", limit=_SHOWN, annotations=()))


SECTION: Final = Section(
    "versions",
    "Versions, and who comes again",
    (
        Figure("versions-taken", "Versions, the newest first", _ask_versions, "versions", has_headline=True),
        Figure(
            "cohorts",
            "Of those first seen in a week, who came again",
            _ask_cohorts,
            "cohorts",
            "Of the whole history of the store, whatever the window of the page is.",
            has_headline=True,
        ),
    ),
)
