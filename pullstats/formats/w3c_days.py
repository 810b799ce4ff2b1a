"""The day of W3C lines that have a time and no date: that of the `#Date:` directive before them, or the day behind it where their time is earlier.

    #Date: 2024-03-12 23:50:00
    #Fields: time c-ip cs-method cs-uri-stem sc-status
    23:55:01 …     12 March
    00:00:07 …     13 March

A directive whose date cannot be read says nothing, and lines behind it have no day.

Source: w3.org/TR/WD-logfile.html (`Date: <date> <time>`, "when the entry was added"; its own example has `12-Jan-1996`).
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Final

import polars as pl

_DATE: Final = "^#[Dd]ate:"
_SAID: Final = re.compile(
    r"#[Dd]ate:\s*(?:(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2})|(?P<named>[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}))"
    r"(?:[T\s]\s*(?P<clock>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2})?(?:\.[0-9]+)?\s*(?:Z|GMT|UTC|[+-]00:?00)?)?\s*"
)
_CLOCK_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Since:
    """What a `#Date:` directive says.

    Attributes:
        day: ISO date of lines whose time is not before its own.
        following: that of the others.
        clock: its time, to the second.
    """

    day: str
    following: str
    clock: str


_SINCE: Final = pl.Schema({field.name: pl.String() for field in fields(Since)})


def read_since(directive: str) -> Since | None:
    """Read a `#Date:` directive; None if it names no day."""
    said = _SAID.fullmatch(directive)
    if said is None:
        return None
    clock = f"{said['clock'] or '00:00'}{said['second'] or ':00'}"
    try:
        day = datetime.strptime(f"{said['iso'] or said['named']} {clock} +0000", f"{'%Y-%m-%d' if said['iso'] else '%d-%b-%Y'} %H:%M:%S %z").date()
        return Since(day.isoformat(), (day + timedelta(days=1)).isoformat(), clock)
    except (ValueError, OverflowError):
        return None


def add_day(raw: pl.DataFrame, since: Since | None) -> pl.DataFrame:
    """Give raw rows under one directive the day they lack; without one they stay as they are."""
    if since is None or "w3c_time" not in raw.columns:
        return raw
    return _add(raw, *(pl.lit(text) for text in (since.day, since.following, since.clock)))


def add_days(raw: pl.DataFrame, lines: pl.Series, since: Since | None) -> pl.DataFrame:
    """Give raw rows the day they lack.

    Args:
        raw: a row per line.
        lines: the lines, directives among them.
        since: what the directive before the first says.
    """
    if "w3c_time" not in raw.columns:
        return raw
    is_directive = lines.str.contains(_DATE)
    if not is_directive.any():
        return add_day(raw, since)
    said = [(None,) * 3 if one is None else astuple(one) for one in (since, *map(read_since, lines.filter(is_directive)))]
    held = pl.DataFrame(said, schema=_SINCE, orient="row")[is_directive.cast(pl.UInt32).cum_sum()]
    return _add(raw, *(pl.lit(held[name]) for name in held.columns))


def _add(raw: pl.DataFrame, day: pl.Expr, following: pl.Expr, clock: pl.Expr) -> pl.DataFrame:
    time = pl.col("w3c_time")
    found = pl.when(time.str.slice(0, _CLOCK_LENGTH) < clock).then(following).when(time.is_not_null()).then(day)
    return raw.with_columns(w3c_date=pl.coalesce("w3c_date", found) if "w3c_date" in raw.columns else found)
