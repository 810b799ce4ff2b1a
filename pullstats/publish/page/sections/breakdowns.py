"""What is taken, with what, and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pullstats.metrics import Breakdown, Query
from pullstats.metrics.question import Question
from pullstats.publish.page.section import Figure, Section

_SHOWN: Final = 20
_LEAST: Final = 5
"""Endpoints that an organisation must have to be named, unless somebody says how many."""


def _by(*dimensions: str) -> Callable[[Query], Question]:
    def ask(query: Query) -> Question:
        return Breakdown(replace(query, metrics=("downloads", "downloaders"), dimensions=dimensions, limit=_SHOWN))

    return ask


def _by_org(query: Query) -> Question:
    asked = replace(query, metrics=("downloads", "downloaders"), dimensions=("org", "network-type"), limit=_SHOWN)
    return Breakdown(replace(asked, min_origins=query.min_origins or _LEAST))


SECTION: Final = Section(
    "breakdowns",
    "What, with what, from where",
    (
        Figure("by-package", "Packages", _by("package"), "report --by package"),
        Figure("by-version", "Versions", _by("package", "version"), "report --by package,version"),
        Figure("by-client", "Clients", _by("client"), "report --by client"),
        Figure("by-platform", "Platforms", _by("platform"), "report --by platform"),
        Figure("by-country", "Countries", _by("country"), "report --by country"),
        Figure("by-network-type", "Kinds of network", _by("network-type"), "report --by network-type"),
        Figure(
            "by-org",
            "Organisations",
            _by_org,
            "report --by org,network-type",
            "Owners of the networks that asked; of a cloud or an Internet provider not who asks, but who carries it. Those of fewer than five "
            "endpoints, or of as few as --min-origins says, are folded into one row.",
        ),
    ),
)
