"""Times of an answer as clocks of the question's zone show them: whatever the question, and for programs, too."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from pullstats.reports import Report


def put_in_zone(report: Report, zone: str) -> Report:
    """Give every instant of a report in a zone; it stays the same instant, and programs get it with its offset.

    Args:
        report: with instants in any zone.
        zone: IANA name.
    """
    flat = report.flat and (_convert(report.flat[0], zone), report.flat[1])
    return replace(report, frame=_convert(report.frame, zone), flat=flat)


def _convert(frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    instants = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime) and dtype.time_zone not in {None, zone}]
    return frame.with_columns(pl.col(instants).dt.convert_time_zone(zone)) if instants else frame
