"""Read how long a request took, in the unit its field or its text names.

    0.113 (request_time)   12 (request_time_ms)   101000 (duration_us)   8.9ms   1m2.5s   452.1\u00b5s

A number whose unit neither its field nor its text tells is no duration: a thousand times too long
is worse than unknown.

Source: nginx $request_time; Go time.Duration.String (units h, m, s, ms, \u00b5s, ns); protobuf
JSON (a number and `s`).
"""

from __future__ import annotations

from typing import Final

import polars as pl

_UNITS: Final = {"duration_us": 1.0, "request_time": 1e6, "request_time_ms": 1e3, "duration_ns": 1e-3}
"""Microseconds of a plain number, by variable, the most exact first."""
_TEXT: Final = "duration_text"
_LONGEST: Final = 2**53
_PARTS: Final = (
    r"^(?:(?P<hours>[0-9]+)h)?(?:(?P<minutes>[0-9]+)m)?(?:(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?P<unit>s|sec|ms|msec|us|\u00b5s|\u03bcs|ns))?$"
)
_OF_UNIT: Final = {"s": 1e6, "sec": 1e6, "ms": 1e3, "msec": 1e3, "us": 1.0, "\u00b5s": 1.0, "\u03bcs": 1.0, "ns": 1e-3}


def read_durations(raw: pl.DataFrame) -> pl.Series:
    """Read durations.

    Args:
        raw: text columns named by variables.

    Returns:
        Microseconds per row, whole; null where nothing says a duration.
    """
    found = [_read(raw[name], unit) for name, unit in _UNITS.items() if name in raw.columns]
    if _TEXT in raw.columns:
        found.append(read_spelled(raw[_TEXT]))
    if not found:
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, raw.height)
    micros = pl.coalesce(found).round()
    return raw.select(pl.when(micros.is_between(0, _LONGEST)).then(micros).cast(pl.Int64).alias("duration")).to_series()


def _read(texts: pl.Series, unit: float) -> pl.Series:
    """Read plain numbers in a unit; the few that spell one out go by that."""
    numbers = texts.cast(pl.Float64, strict=False) * unit
    odd = numbers.is_null() & texts.is_not_null() & (texts != "-") & (texts != "")
    return numbers.scatter(odd.arg_true(), read_spelled(texts.filter(odd))) if odd.any() else numbers


def read_spelled(texts: pl.Series) -> pl.Series:
    """Read durations that spell out their units, in microseconds; null where one is none."""
    parts = pl.DataFrame({"text": texts.cast(pl.String)}).select(pl.col("text").str.extract_groups(_PARTS).alias("parts")).unnest("parts")
    hours, minutes, number = (pl.col(name).cast(pl.Float64, strict=False) for name in ("hours", "minutes", "number"))
    unit = pl.col("unit").replace_strict(_OF_UNIT, default=None, return_dtype=pl.Float64)
    said = pl.any_horizontal(pl.col("hours", "minutes", "unit").is_not_null())
    total = hours.fill_null(0) * 3.6e9 + minutes.fill_null(0) * 6e7 + (number * unit).fill_null(0)
    return parts.select(pl.when(said).then(total).alias("micros")).to_series()
