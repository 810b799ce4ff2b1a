"""Why they come: classes of origins, running instances, and downloads, checks and attempts apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pullstats.metrics import Breakdown, Query, find_unique_metric
from pullstats.metrics.question import Question
from pullstats.metrics.questions.behaviour import Behaviour
from pullstats.publish.page.section import Figure, Section

_SHOWN: Final = 20
_KINDS: Final = ("downloads", "checks", "attempts", "invocations")


def _ask_mix(query: Query) -> Question:
    return Behaviour(replace(query, metrics=(find_unique_metric(query.unique_by), "downloads", "requests"), limit=_SHOWN))


def _ask_instances(query: Query) -> Question:
    return Breakdown(replace(query, metrics=("instances",), dimensions=("package",), limit=_SHOWN))


def _ask_kinds(query: Query) -> Question:
    return Breakdown(replace(query, metrics=_KINDS, dimensions=("package",), limit=_SHOWN))


SECTION: Final = Section(
    "reasons",
    "Why they come",
    (
        Figure("classes", "Classes of those who ask", _ask_mix, "behaviour", has_headline=True),
        Figure(
            "instances",
            "Running instances, estimated",
            _ask_instances,
            "report --by package --metric instances",
            "An estimate from those who ask at regular times, with what it lies between.",
        ),
        Figure(
            "kinds",
            "Downloads, checks and attempts apart",
            _ask_kinds,
            f"report --by package --metric {','.join(_KINDS)}",
            "A check asks whether something is new and takes nothing; an attempt is a download asked for, whatever was answered; "
            "an invocation is one run of a client.",
        ),
    ),
)
