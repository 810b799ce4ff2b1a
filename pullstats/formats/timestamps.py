"""Read the times that logs write, as expressions over text, to UTC microseconds.

A time that cannot be read, or lies before 1995 or after tomorrow, becomes null: the line that
carries it is rejected, for a request without a time cannot be counted in any window.

Sources: Apache mod_log_config `%t` (CLF), RFC 3339, nginx `$msec`, Caddy `ts`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

EARLIEST: Final = datetime(1995, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = 1_000_000
_ISO: Final = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?\s*(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?$"
)
_EPOCH: Final = r"^(?P<whole>[0-9]{9,19})(?:\.(?P<fraction>[0-9]*))?$"
_CLF: Final = r"^\[?(?P<time>[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2})(?: (?P<zone>[+-][0-9]{2}:?[0-9]{2}))?\]?$"
_CLF_CLOCK: Final = "%d/%b/%Y:%H:%M:%S"


def parse_clf(clock: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """Read `10/Oct/2000:13:55:36` and its zone `-0700`, held apart; a missing zone is UTC."""
    return _to_utc(clock.str.to_datetime(_CLF_CLOCK, strict=False, time_unit="us"), zone)


def parse_time(text: pl.Expr) -> pl.Expr:
    """Read any of the shapes a log may hold: CLF, ISO 8601, epoch in s, ms, µs or ns."""
    iso = text.str.extract_groups(_ISO)
    clf = text.str.extract_groups(_CLF)
    return pl.coalesce(
        _parse_iso(iso),
        _parse_epoch(text.str.extract_groups(_EPOCH)),
        parse_clf(clf.struct.field("time"), clf.struct.field("zone")),
    )


def keep_plausible(timestamp: pl.Expr) -> pl.Expr:
    """Null the times that no access log can hold: before 1995 or after tomorrow."""
    latest = datetime.now(UTC) + timedelta(days=1)
    return pl.when(timestamp.is_between(EARLIEST, latest)).then(timestamp)


def _parse_iso(groups: pl.Expr) -> pl.Expr:
    clock = pl.concat_str(groups.struct.field("date"), pl.lit("T"), groups.struct.field("clock"))
    naive = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    micros = groups.struct.field("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False).fill_null(0)
    return _to_utc(naive + pl.duration(microseconds=micros), groups.struct.field("zone"))


def _parse_epoch(groups: pl.Expr) -> pl.Expr:
    """Tell the unit by the number of digits: up to 11 are seconds, 14 ms, 17 µs, more ns."""
    whole = groups.struct.field("whole")
    digits = whole.str.len_bytes()
    number = whole.cast(pl.Int64, strict=False)
    fraction = groups.struct.field("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False).fill_null(0)
    micros = (
        pl.when(digits <= 11)
        .then(number * _MICROSECOND + fraction)
        .when(digits <= 14)
        .then(number * 1_000)
        .when(digits <= 17)
        .then(number)
        .otherwise(number // 1_000)
    )
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _to_utc(naive: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """Subtract a zone's offset from a local time; no zone is UTC."""
    return (naive - pl.duration(minutes=_offset_minutes(zone).fill_null(0))).dt.replace_time_zone("UTC")


def _offset_minutes(zone: pl.Expr) -> pl.Expr:
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int32, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int32, strict=False)
    sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
    return sign * (hours * 60 + minutes)
