"""The commands that look after the store."""

from __future__ import annotations

from typing import Any

import click
import polars as pl

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import emit, output_options
from pullstats.pipeline.answer import store_overview
from pullstats.render.table import format_bytes
from pullstats.reports import Column, Report

_COLUMNS = (
    Column("source", "source", "text"),
    Column("format", "format", "text"),
    Column("lines", "lines", "count", additive=True),
    Column("events", "events", "count", additive=True),
    Column("ignored", "ignored", "count", additive=True),
    Column("rejected", "rejected", "count", additive=True),
    Column("first", "first", "time"),
    Column("last", "last", "time"),
)


@click.command(cls=Command)
@combine(output_options, general_options)
def status(**options: Any) -> int:
    """Show what is in the store, and how fresh it is: one row per log."""
    overview = store_overview(options["store"])
    found = overview.status
    rows = (
        overview.runs.group_by("source_id", maintain_order=True)
        .agg(
            pl.col("name").last().alias("source"),
            pl.col("format").last(),
            pl.col("lines", "events", "ignored", "rejected").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .sort("last", "source", descending=[True, False], nulls_last=True)
        .select(column.name for column in _COLUMNS)
    )
    headline = f"{found.events:,} events, {found.rejects:,} rejected lines, {rows.height:,} logs"
    footer = f"{found.files:,} files, {format_bytes(found.bytes)}"
    if found.first and found.last:
        footer += f" · events from {found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M} UTC"
    if found.events:
        sets = overview.rule_sets
        footer += " · rule set " + ", ".join(
            f"{version or 'unknown'}" + (f" ({count:,} events)" if len(sets) > 1 else "") for version, count in sorted(sets.items())
        )
    return emit(Report(rows, _COLUMNS, headline=headline, footer=footer, meta={"warnings": overview.warnings}), options)
