"""What an ingest is asked to do, and what it says it did."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pullstats.enrich import NetworkSources, RuleSources
from pullstats.formats import FormatChoice
from pullstats.pipeline.balancers import Forwarding
from pullstats.sources.blocks import BLOCK_SIZE

if TYPE_CHECKING:
    from pullstats.pipeline.block_results import BlockResult

EndpointId = int
MAX_EXPANDED: Final = "1000x"

WORKERS: Final = max(2, min(8, (os.cpu_count() or 2) + 1))


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What to ingest, and how.

    Attributes:
        paths: files, folders, globs, `-`.
        store: folder of the store; made if it is not there.
        formats: which formats the logs may have.
        source_name: name of the source, which gives standard input an identity.
        tz_in: IANA name of the zone of times that name none.
        max_expanded: how far a compressed log may expand: a multiple of its size (`1000x`) or a size (`20GB`).
        trusted_proxies: ranges, or names of presets, whose word about the client counts.
        geo_db: a MaxMind-format database instead of the bundled one.
        digests: image indexes that name the platform of a digest.
        networks: what the user has to say of networks.
        rules: the user's own rules and routes.
        key_file: the key of the hashes, None for the user's own.
        keep_addresses: keep client addresses in clear.
        is_new_key_epoch: hash from now on with another key than before.
        is_again: read logs in full that may have been read before, where a lost identity key leaves no telling.
        is_dry_run: read and count everything, keep nothing.
        lock_timeout: seconds to wait for another process that writes to the store.
        workers: blocks that are worked on side by side.
        block_size: bytes read at a time.
    """

    paths: tuple[str, ...]
    store: Path
    formats: FormatChoice = field(default_factory=FormatChoice)
    source_name: str | None = None
    tz_in: str = "UTC"
    max_expanded: str = MAX_EXPANDED
    trusted_proxies: tuple[str, ...] = ()
    geo_db: Path | None = None
    digests: tuple[Path, ...] = ()
    networks: NetworkSources = field(default_factory=NetworkSources)
    rules: RuleSources = field(default_factory=RuleSources)
    key_file: Path | None = None
    keep_addresses: bool = False
    is_new_key_epoch: bool = False
    is_again: bool = False
    is_dry_run: bool = False
    lock_timeout: float = 0
    workers: int = WORKERS
    block_size: int = BLOCK_SIZE


@dataclass(slots=True)
class SourceSummary:
    """What became of one log. `lines = events + ignored + rejected + duplicates`."""

    name: str
    source_id: str = ""
    format: str = ""
    confidence: float = 0.0
    wrapper: str | None = None
    lines: int = 0
    events: int = 0
    ignored: int = 0
    rejected: int = 0
    duplicates: int = 0
    bytes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    unread_object: str = ""
    dominants: Counter[EndpointId] = field(default_factory=Counter)
    forwarding: Forwarding = field(default_factory=Forwarding)

    @property
    def dominant(self) -> float:
        """Share of the events that the most frequent endpoint made up, where it made up nearly all of a block; else 0."""
        return max(self.dominants.values(), default=0) / self.events if self.events else 0.0

    def add(self, result: BlockResult) -> None:
        """Count a block."""
        self.lines += result.lines
        self.events += result.events
        self.ignored += result.ignored
        self.rejected += result.rejects.height
        self.duplicates += result.duplicates
        self.reasons += result.reasons
        self.fields += result.fields
        self.told += result.told
        if not self.unread_object and result.reasons["keys"]:
            self.unread_object = result.rejects.filter(pl.col("reason") == "keys")["line"][0]
        if result.dominant is not None:
            self.dominants[result.dominant[0]] += result.dominant[1]
        self.forwarding += result.forwarding
        self.first = min((time for time in (self.first, result.first) if time is not None), default=None)
        self.last = max((time for time in (self.last, result.last) if time is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        return {
            "source_id": self.source_id,
            "name": self.name,
            "format": self.format,
            "confidence": round(self.confidence, 4),
            "wrapper": self.wrapper,
            "lines": self.lines,
            "events": self.events,
            "ignored": self.ignored,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "address_fields": dict(self.fields.most_common()),
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
        }


@dataclass(slots=True)
class IngestSummary:
    """What an ingest did.

    Attributes:
        sources: what became of each log.
        notes: what the user should know.
        failures: those of the notes that tell of logs that could not be read, or not to their end; all else was read.
        seconds: how long it took.
        is_dry_run: nothing was kept.
        geo: the geo database used.
        rule_set_version: the rules used.
    """

    sources: list[SourceSummary] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    is_dry_run: bool = False
    geo: str = ""
    rule_set_version: str = ""

    def note(self, name: str, text: str) -> None:
        """Say something of a log, once."""
        note = f"{name}: {text}"
        if note not in self.notes:
            self.notes.append(note)

    def fail(self, text: str, *, is_failure: bool = True) -> None:
        """Say what could not be read."""
        self.notes.append(text)
        if is_failure:
            self.failures.append(text)

    def total(self, name: str) -> int:
        """Add a count over all sources."""
        return sum(getattr(source, name) for source in self.sources)

    @property
    def address_fields(self) -> dict[str, int]:
        """Clients by the field of the log that named them, most frequent first."""
        return dict(sum((source.fields for source in self.sources), Counter()).most_common())

    @property
    def rejects(self) -> dict[str, int]:
        """Rejected lines by reason, most frequent first."""
        return dict(sum((source.reasons for source in self.sources), Counter()).most_common())

    def to_json(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        counts = {name: self.total(name) for name in ("lines", "events", "ignored", "rejected", "duplicates", "bytes")}
        return {
            **counts,
            "sources": [source.to_json() for source in self.sources],
            "rejects": self.rejects,
            "failures": self.failures,
            "geo_database": self.geo,
            "rule_set_version": self.rule_set_version,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is.

    Attributes:
        name: the log being read.
        bytes_done: bytes of it read so far, as they lie on disk.
        bytes_total: bytes of all logs on disk, 0 if unknown.
        lines: lines read so far.
    """

    name: str
    bytes_done: int
    bytes_total: int
    lines: int


ProgressHandler = Callable[[Progress], None]
