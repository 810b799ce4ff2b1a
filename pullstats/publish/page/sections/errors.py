"""What was refused, and what was asked for and is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.metrics import Breakdown, Query, find_unique_metric
from pullstats.metrics.question import Question
from pullstats.publish.page.section import Figure, Section

_SHOWN: Final = 20
_ANSWERED: Final = ("requests", "bytes")
_FAILED: Final = ("errors", "requests", "error-rate")


def _ask_statuses(query: Query) -> Question:
    return Breakdown(replace(query, metrics=_ANSWERED, dimensions=("status",), limit=_SHOWN))


def _ask_errors(query: Query) -> Question:
    return Breakdown(replace(query, metrics=_FAILED, dimensions=("package",), limit=_SHOWN))


def _ask_demand(query: Query) -> Question:
    asked = replace(query, metrics=("attempts", "downloads", "missing", find_unique_metric(query.unique_by)), dimensions=("package", "platform"))
    return Breakdown(replace(asked, sort="missing", limit=_SHOWN))


SECTION: Final = Section(
    "errors",
    "Errors and unmet demand",
    (
        Figure("statuses", "Answers by status", _ask_statuses, f"report --by status --metric {','.join(_ANSWERED)}"),
        Figure("errors-by-package", "Errors by package", _ask_errors, f"report --by package --metric {','.join(_FAILED)}"),
        Figure("demand", "Asked for, answered and missing, by platform", _ask_demand, "demand"),
    ),
)
