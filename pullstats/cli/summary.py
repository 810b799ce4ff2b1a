"""What an ingest did, for people."""

from __future__ import annotations

import polars as pl

from pullstats.percentages import write_share
from pullstats.pipeline.plan import IngestSummary
from pullstats.render import RenderOptions, render
from pullstats.reports import Column, Report

_COLUMNS = (
    Column("name", "log", "text"),
    Column("format", "format", "text"),
    Column("lines", "lines", "count", additive=True),
    Column("events", "events", "count", additive=True),
    Column("ignored", "ignored", "count", additive=True),
    Column("rejected", "rejected", "count", additive=True),
    Column("duplicates", "known", "count", additive=True),
)
_SHOWN = 30


def summary_text(summary: IngestSummary, options: RenderOptions) -> str:
    """Write an ingest's summary: a row per log, the sum that must hold, what was passed over."""
    rows = [{column.name: getattr(source, column.name) for column in _COLUMNS} for source in summary.sources[:_SHOWN]]
    schema = {column.name: pl.String if column.kind == "text" else pl.Int64 for column in _COLUMNS}
    totals = [summary.total(name) for name in ("lines", "events", "ignored", "rejected", "duplicates")]
    lines = [
        f"{totals[0]:,} lines = {totals[1]:,} events + {totals[2]:,} ignored + {totals[3]:,} rejected + {totals[4]:,} already in the store",
    ]
    if len(summary.sources) > _SHOWN:
        lines.append(f"and {len(summary.sources) - _SHOWN:,} more logs")
    if summary.rejects:
        lines.append("rejected: " + ", ".join(f"{reason} {count:,}" for reason, count in summary.rejects.items()))
    if summary.address_fields:
        named = sum(summary.address_fields.values())
        lines.append("clients from " + ", ".join(f"${name} {_share(count, named)}".rstrip() for name, count in summary.address_fields.items()))
    if totals[1]:
        lines.append(f"places from {summary.geo}; rule set {summary.rule_set_version}")
    read = totals[0] - totals[4]
    if summary.seconds and read:
        lines.append(f"{summary.seconds:.1f} s, {read / summary.seconds:,.0f} lines/s")
    if summary.is_dry_run:
        lines.append("dry run: nothing was kept")
    report = Report(pl.DataFrame(rows, schema=schema), _COLUMNS, footer=lines[0], meta={"warnings": [*lines[1:], *summary.notes]})
    return str(render(report, "table", options))


def _share(count: int, total: int) -> str:
    """Write a share that is all as nothing more."""
    return "" if count == total else write_share(count / total)
