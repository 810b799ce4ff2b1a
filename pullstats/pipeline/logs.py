"""What is in a store as a report: its logs, and why lines of them were rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pullstats.pipeline.answer import Overview, list_sources
from pullstats.pipeline.asking import ask_store
from pullstats.render.cells import format_bytes
from pullstats.reports import Column, Report

_COLUMNS: Final = (
    Column("source", "source", "text"),
    Column("format", "format", "text"),
    Column("lines", "lines", "count", additive=True),
    Column("events", "events", "count", additive=True),
    Column("ignored", "ignored", "count", additive=True),
    Column("rejected", "rejected", "count", additive=True),
    Column("first", "first", "time"),
    Column("last", "last", "time"),
)
_REASONS: Final = (Column("reason", "reason", "text"), Column("lines", "lines", "count", additive=True, bar=True))


def report_logs(overview: Overview) -> Report:
    """Give one row a log, the freshest first: format, lines, what became of them, first and last request.

    Args:
        overview: what is in the store.
    """
    found = overview.status
    rows = list_sources(overview.runs).select(column.name for column in _COLUMNS)
    headline = f"{found.events:,} events, {found.rejects:,} rejected lines, {rows.height:,} logs"
    return Report(rows, _COLUMNS, headline=headline, footer=_describe(overview), meta={"warnings": overview.warnings})


def _describe(overview: Overview) -> str:
    """Say how much lies on the disk, from when to when, and by which rules it was read."""
    found, sets = overview.status, overview.rule_sets
    footer = f"{found.files:,} files, {format_bytes(found.bytes)}"
    if found.first and found.last:
        footer += f" · events from {found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M} UTC"
    if found.events:
        footer += " · rule set " + ", ".join(
            f"{version or 'unknown'}" + (f" ({count:,} events)" if len(sets) > 1 else "") for version, count in sorted(sets.items())
        )
    return footer


def report_rejects(store: Path) -> Report:
    """Give one row a reason for which lines were rejected, the commonest first.

    Args:
        store: folder of the store.
    """
    rows, _ = ask_store(store, lambda opened: opened.scan_rejects().group_by("reason").agg(pl.len().alias("lines")).collect())
    return Report(rows.sort("lines", "reason", descending=[True, False]), _REASONS, headline="" if rows.height else "No line was rejected.")
