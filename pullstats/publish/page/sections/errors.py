"""What was refused, and what was asked for and is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.metrics import Breakdown, Query, find_unique_metric
from pullstats.metrics.question import Question
from pullstats.publish.page.section import Figure, Section

_SHOWN: Final = 20


def _ask_statuses(query: Query) -> Question:
    return Breakdown(replace(query, metrics=("requests", "bytes"), dimensions=("status",), limit=_SHOWN))


def _ask_errors(query: Query) -> Question:
    return Breakdown(replace(query, metrics=("errors", "requests", "error-rate"), dimensions=("package",), limit=_SHOWN))


def _ask_demand(query: Query) -> Question:
    asked = replace(query, metrics=("attempts", "downloads", "missing", find_unique_metric(query.unique_by)), dimensions=("package", "platform"))
    return Breakdown(replace(asked, sort="missing", limit=_SHOWN))


SECTION: Final = Section(
    "errors",
    "Errors and unmet demand",
    (
        Figure("statuses", "Answers by status", _ask_statuses, "report --by status --metric requests,bytes"),
        Figure("errors-by-package", "Errors by package", _ask_errors, "report --by package --metric errors,requests,error-rate"),
        Figure("demand", "Asked for, answered and missing, by platform", _ask_demand, "demand"),
    ),
)
