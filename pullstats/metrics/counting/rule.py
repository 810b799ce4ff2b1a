"""What a counting rule is, and what it needs to know.

To add one: a function from events to the rows that count, an entry in `rules.COUNTING_RULES`, and
its cases in `cases.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import polars as pl

PULL_GAP: Final = timedelta(seconds=5)
VISIT_GAP: Final = timedelta(seconds=30)
PART_GAP: Final = timedelta(minutes=10)
SESSION_GAP: Final = timedelta(minutes=30)
ISLAND_GAP: Final = timedelta(minutes=5)
"""Pause that ends the files of one data set, a trace, and what version 1 called a session; no option changes it."""
VISIT_LENGTH: Final = timedelta(minutes=5)
"""After its first request a visit lasts this long at most."""
GROUP_LENGTH: Final = timedelta(minutes=1)
"""After its first request a pull group lasts this long at most."""

INVOCATIONS: Final = "invocations"
COUNTED: Final = ("downloads", "pulls", "checks", "attempts", INVOCATIONS)
"""What a rule may say of a request: 0 or 1 each, null where it says nothing."""
SESSIONS: Final = "sessions"
"""What is counted by no rule, but in runs all the same."""

ISLAND_START: Final = "island_start"
ISLAND_END: Final = "island_end"
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
class Pauses:
    """Pauses that end what belongs together.

    Attributes:
        pull: a pull group.
        visit: a visit.
        session: a session.
    """

    pull: timedelta = PULL_GAP
    visit: timedelta = VISIT_GAP
    session: timedelta = SESSION_GAP

    @property
    def longest(self) -> timedelta:
        """The longest pause within a run, under any rule; sessions have no runs, for where one begins is seen from the pause before it."""
        return max(PART_GAP, self.pull, self.visit)

    def margin(self, label: str) -> timedelta:
        """How far beyond a window the rule of a label (`pullstats@2`), or `SESSIONS`, must look at least: the longest gap, with room."""
        return (self.session if label == SESSIONS else self.longest) * 1.5


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a rule.

    Attributes:
        wanted: which of `COUNTED`.
        kept: columns to give of the requests that count.
        pauses: they end what belongs together.
        is_timed: whether a log tells how long requests took; then the events have `pauses.TIMES`.
        mute: `source_id` of the logs that tell no client's agent; only for a rule that asks for them.
    """

    wanted: tuple[str, ...]
    kept: tuple[str, ...]
    pauses: Pauses = Pauses()
    is_timed: bool = False
    mute: tuple[str, ...] = ()


Reason = tuple[str, pl.Expr]
"""Why a request is out by itself, in words, and whether it is."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why requests are not what a rule counts.

    Attributes:
        own: why a request is out by itself; the first that holds is told.
        rest: why it is out though none of these holds.
    """

    own: tuple[Reason, ...] = ()
    rest: str = "out: the rule does not count it, or counts it with another request"


Count = Callable[[pl.LazyFrame, Terms], pl.LazyFrame]
"""From events (what the rule reads, `Terms.kept`, `source_rank`) to the rows that count: `Terms.kept`, what is wanted (0 or 1), and `ISLAND_START` and
`ISLAND_END` of runs."""


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
        reasons: by what it counts, why requests are out.
        differs: how its answers differ from those of the version before it.
        asks_agents: it asks for the agent where a log tells agents at all.
        is_timed: pauses run from the end of a request where the log says how long it took.
        fewer_columns: what of it, wanted alone, reads less, and what that reads.
        unnamed: what of it counts requests as they are: a digest that a tag names stays a digest.
    """

    name: str
    version: int
    text: str
    source: str
    defines: tuple[str, ...]
    count: Count
    columns: tuple[str, ...] = RULE_COLUMNS
    reasons: Mapping[str, Reasons] = field(default_factory=dict)
    differs: str = ""
    asks_agents: bool = False
    is_timed: bool = False
    fewer_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    def columns_for(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Name the event columns that it reads for what is wanted of it."""
        return self.fewer_columns.get(wanted[0], self.columns) if len(wanted) == 1 else self.columns
