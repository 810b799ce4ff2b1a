"""How many asked: networks, endpoints, origins, organisations and users side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.metrics.questions.uniques import Uniques
from pullstats.publish.page.section import Figure, Section


def _ask(query: Query) -> Question:
    return Uniques(replace(query, metrics=("origins",), limit=0))


SECTION: Final = Section(
    "how-many",
    "How many asked",
    (
        Figure(
            "uniques",
            "Networks, endpoints, origins",
            _ask,
            "uniques",
            "Networks are usually fewer than the people behind them, origins usually more; none bounds their number.",
            has_headline=True,
        ),
    ),
)
