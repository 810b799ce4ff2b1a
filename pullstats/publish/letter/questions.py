"""What a letter asks, and the commands that print the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pullstats.metrics import Breakdown, Query
from pullstats.metrics.filtering.writing import join_filters
from pullstats.metrics.over_time.lifecycle import CHURNED
from pullstats.metrics.question import Question
from pullstats.metrics.questions.orgs import METRICS as ORG_METRICS
from pullstats.metrics.questions.orgs import Organisations
from pullstats.metrics.questions.versions import Versions
from pullstats.publish.period import CHANGE, CONCENTRATION, COUNTED, OPTIONAL, TOTALS, ask_period
from pullstats.reports import Report

PACKAGES: Final = "packages"
VERSIONS: Final = "versions"
NEW_ORGS: Final = "new organisations"
LOST_ORGS: Final = "lost organisations"
DAYS: Final = "days"
UNKNOWN: Final = "unknown"
REFUSABLE: Final = OPTIONAL | {VERSIONS, NEW_ORGS, LOST_ORGS, DAYS}
"""What a letter does without where it is refused."""
_NEW: Final = "new"
_ROWS: Final = 10
_NOBODY: Final = "client is null"
_COMMANDS: Final = {
    TOTALS: ("report", "--by", "", "--metric", ",".join(COUNTED)),
    CONCENTRATION: ("concentration",),
    PACKAGES: ("report", "--limit", str(_ROWS)),
    VERSIONS: ("versions", "--limit", str(_ROWS)),
    NEW_ORGS: ("orgs", "--state", _NEW, "--limit", str(_ROWS)),
    LOST_ORGS: ("orgs", "--state", CHURNED, "--limit", str(_ROWS)),
    DAYS: ("series", "--metric", "downloads"),
    UNKNOWN: ("report", "--by", "", "--metric", "requests"),
}


def ask_letter(query: Query) -> dict[str, Question]:
    """Give the questions of a letter.

    Args:
        query: window, filters, zone and rules; its metrics and dimensions are not looked at.
    """
    bare = replace(query, dimensions=(), every=None, limit=_ROWS)
    organisations = replace(bare, metrics=ORG_METRICS, is_complete=True)
    return {
        **ask_period(query),
        PACKAGES: Breakdown(replace(bare, metrics=("downloads", "downloaders"), dimensions=("package",))),
        VERSIONS: Versions(replace(bare, metrics=("downloads",))),
        NEW_ORGS: Organisations(organisations, _NEW, has_classes=False),
        LOST_ORGS: Organisations(organisations, CHURNED, has_classes=False),
        DAYS: Breakdown(replace(bare, metrics=("downloads",), every="d", limit=0)),
        UNKNOWN: Breakdown(replace(bare, metrics=("requests",), where=join_filters(query.where, _NOBODY))),
    }


def write_commands(reports: Mapping[str, Report], flags: Sequence[str], query: Query) -> dict[str, str]:
    """Write for each question the command that prints its report; nothing for one that was refused.

    Args:
        reports: the answers, by name.
        flags: options of filters, zone and rules that were given, without the window and `--where`.
        query: what was asked.
    """
    window, where = ("--window", query.window), ("--where", query.where) if query.where else ()
    commands = {name: (*words, *window, *where, *flags) for name, words in _COMMANDS.items()}
    commands[UNKNOWN] = (*_COMMANDS[UNKNOWN], *window, "--where", join_filters(query.where, _NOBODY), *flags)
    sides = [reports[CHANGE].meta[side]["side"] for side in "ab" if side in reports[CHANGE].meta]
    commands[CHANGE] = ("compare", *sides, *where, *flags)
    refused = {name for name, report in reports.items() if not report.columns} | (set() if sides else {CHANGE})
    return {name: "" if name in refused else shlex.join(("pullstats", *words)) for name, words in commands.items()}
