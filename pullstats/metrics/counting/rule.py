"""What a counting rule is, and what it needs to know.

To add one: a function from events to the rows that count, an entry in `rules.COUNTING_RULES`, and
its cases in `cases.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

PULL_GAP: Final = timedelta(seconds=5)
PART_GAP: Final = timedelta(minutes=10)
SESSION_GAP: Final = timedelta(minutes=5)
RUN_GAP: Final = timedelta(minutes=5)
"""Pause that ends the files of one data set, and a trace; no option changes it."""

COUNTED: Final = ("downloads", "pulls", "checks", "attempts")
"""What a rule may say of a request: 0 or 1 each, null where it says nothing."""

RUN_START: Final = "run_start"
RUN_END: Final = "run_end"
"""First and last instant of the run a counted row stands for: who reads a window sees whether it was cut."""

RULE_COLUMNS: Final = (
    "timestamp",
    "origin_id",
    "http_request_method",
    "http_response_status_code",
    "url_path",
    "package_type",
    "package_name",
    "package_version",
    "reference_kind",
    "action",
    "is_downloadable",
    "source_id",
    "source_offset",
)
IMAGE_COLUMNS: Final = tuple(name for name in RULE_COLUMNS if name != "url_path")
"""What the pull groups read of an event."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Pauses that end what belongs together.

    Attributes:
        pull: a pull group.
        session: a session.
    """

    pull: timedelta = PULL_GAP
    session: timedelta = SESSION_GAP

    @property
    def longest(self) -> timedelta:
        """The longest pause within a run, under any rule."""
        return max(RUN_GAP, self.pull, self.session)

    @property
    def margin(self) -> timedelta:
        """How far beyond a window a rule must look at least: the longest gap, with room."""
        return max(PART_GAP, self.pull, self.session) * 1.5


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a rule.

    Attributes:
        wanted: which of `COUNTED`.
        kept: columns to give of the requests that count.
        gaps: pauses that end what belongs together.
    """

    wanted: tuple[str, ...]
    kept: tuple[str, ...]
    gaps: Gaps = Gaps()


Count = Callable[[pl.LazyFrame, Terms], pl.LazyFrame]
"""From events with `source_rank` to the rows that count: `Terms.kept`, what is wanted, and `RUN_START` and `RUN_END` of runs."""


@dataclass(frozen=True, slots=True)
class CountingRule:
    """A named, versioned rule.

    Attributes:
        name: without its version.
        version: raised whenever an answer changes; the old one is kept.
        text: the rule in words.
        source: where it is laid down.
        defines: which of `COUNTED` it says something of.
        count: applies it.
        columns: event columns it reads.
    """

    name: str
    version: int
    text: str
    source: str
    defines: tuple[str, ...]
    count: Count
    columns: tuple[str, ...] = RULE_COLUMNS

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"
