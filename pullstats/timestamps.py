"""Read the times that logs write, as expressions over text, to UTC microseconds.

A time that cannot be read, or lies before 1995 or after tomorrow, becomes null: the line that
carries it is rejected, for a request without a time cannot be counted in any window.

Sources: Apache mod_log_config `%t` (CLF), RFC 3339, nginx `$msec`, Caddy `ts`; RFC 9110 section 5.6.7 (IMF-fixdate).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import Clock
from pullstats.events import TIMESTAMP

EARLIEST: Final = datetime(1995, 1, 1, tzinfo=UTC)
_EPOCH_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = 1_000_000
_ISO: Final = (
    r"^(?P<date>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})[T ](?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?\s*(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?$"
)
_EPOCH: Final = r"^(?P<whole>[0-9]{9,19})(?:\.(?P<fraction>[0-9]*))?$"
_CLF: Final = (
    r"^\[?(?P<time>[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?"
    r"(?: (?P<zone>[+-][0-9]{2}:?[0-9]{2}))?\]?$"
)
_HTTP_DATE: Final = "%a, %d %b %Y %H:%M:%S"
_CLF_CLOCK: Final = "%d/%b/%Y:%H:%M:%S"
_CLF_CLOCK_LENGTH: Final = 20
_CLF_LENGTH: Final = 26


def parse_clf(clock: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """Read `10/Oct/2000:13:55:36` and its zone `-0700`, held apart."""
    return _to_utc(clock.str.to_datetime(_CLF_CLOCK, strict=False, time_unit="us"), zone)


def one_or_each(zones: pl.Series, each: pl.Expr) -> pl.Expr:
    """Give one value where a log has one zone, as nearly all have: reading it per row costs."""
    return pl.lit(zones[0]) if zones.len() and (zones == zones[0]).all() else each


def parse_digits(texts: pl.Series, clock: Clock) -> pl.Series:
    """Read `20140508154145`."""
    return clock.to_utc(texts.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us"))


def parse_times(texts: pl.Series, clock: Clock) -> pl.Series:
    """Read any of the shapes a log may hold: ISO 8601, epoch in s, ms, µs or ns, CLF, the date of HTTP.

    The shape of the first is read first; only what it leaves is tried with the others.

    Args:
        texts: times; null stays null.
        clock: reads those that name no zone.
    """
    times = pl.Series("time", [None], TIMESTAMP).new_from_index(0, texts.len())
    for parse in _in_order(texts):
        if times.null_count() == texts.null_count():
            break
        if times.null_count() == texts.len() and not texts.null_count():
            times = parse(texts, clock).rename("time")
        else:
            left = times.is_null() & texts.is_not_null()
            times = times.scatter(left.arg_true(), parse(texts.filter(left), clock))
    return times


def _in_order(texts: pl.Series) -> Sequence[Callable[[pl.Series, Clock], pl.Series]]:
    """Put the parser that fits the first text first."""
    place = texts.is_not_null().arg_max()
    first = (texts[place] if place is not None else None) or ""
    if first.lstrip("[")[2:3] == "/":
        return _parse_clf, _parse_iso, _parse_epoch, _parse_http_date
    if first[3:5] == ", ":
        return _parse_http_date, _parse_iso, _parse_epoch, _parse_clf
    if first[:9].isdecimal():
        return _parse_epoch, _parse_iso, _parse_clf, _parse_http_date
    return _parse_uniform_iso, _parse_iso, _parse_epoch, _parse_clf, _parse_http_date


def keep_plausible(timestamp: pl.Expr) -> pl.Expr:
    """Null the times that no access log can hold: before 1995 or after tomorrow."""
    latest = datetime.now(UTC) + timedelta(days=1)
    return pl.when(timestamp.is_between(instant(EARLIEST), instant(latest))).then(timestamp)


def instant(moment: datetime) -> pl.Expr:
    """Give an instant as an expression: told as a number it costs a tenth of what polars makes of an aware time."""
    return pl.lit((moment - _EPOCH_BEGIN) // timedelta(microseconds=1), pl.Int64).cast(TIMESTAMP)


def _parse_uniform_iso(texts: pl.Series, clock: Clock) -> pl.Series:
    """Read ISO times of one length and zone, as one server writes them, without a pattern."""
    frame = pl.DataFrame({"text": texts})
    sample = re.match(_ISO, texts.item(0))
    if sample is None or "/" in sample["date"]:
        return frame.with_columns(time=pl.lit(None, TIMESTAMP))["time"]
    zone, fraction = sample["zone"] or "", sample["fraction"]
    separator = sample[0][10]
    shape = f"%Y-%m-%d{separator}%H:%M:%S" + (f"%.{len(fraction)}f" if fraction and len(fraction) in (3, 6, 9) else "")
    naive = pl.col("text").str.strip_suffix(zone)
    fits = (pl.col("text").str.len_bytes() == len(sample[0])) & pl.col("text").str.ends_with(zone)
    if fraction and len(fraction) not in (3, 6, 9):
        fits = pl.lit(value=False)
    local = pl.when(fits).then(naive).str.strip_chars_end().str.to_datetime(shape, strict=False, time_unit="us")
    if not zone:
        return clock.to_utc(frame.select(local.alias("time")).to_series())
    return frame.select(_to_utc(local, pl.lit(zone)).alias("time")).to_series()


def _parse_iso(texts: pl.Series, clock: Clock) -> pl.Series:
    groups = texts.to_frame("text").select(pl.col("text").str.extract_groups(_ISO).alias("groups")).unnest("groups")
    return _parse_groups(
        groups,
        pl.concat_str(pl.col("date").str.replace_all("/", "-", literal=True), pl.lit("T"), "clock").str.to_datetime(
            "%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us"
        ),
        clock,
    )


def _parse_groups(groups: pl.DataFrame, local: pl.Expr, clock: Clock) -> pl.Series:
    """Read local times, `fraction` and `zone`; the clock reads those without a zone."""
    exact = groups.select((local + pl.duration(microseconds=_micros(pl.col("fraction")))).alias("local"), "zone")
    zoneless = exact["zone"].is_null() & exact["local"].is_not_null()
    times = exact.select(_to_utc(pl.col("local"), pl.col("zone"))).to_series()
    return times.scatter(zoneless.arg_true(), clock.to_utc(exact["local"].filter(zoneless))) if zoneless.any() else times


def _parse_epoch(texts: pl.Series, clock: Clock) -> pl.Series:  # noqa: ARG001 - an instant as it is
    """Tell the unit by the number of digits: up to 11 are seconds, 14 ms, 17 µs, more ns."""
    groups = pl.col("text").str.extract_groups(_EPOCH)
    whole = groups.struct.field("whole")
    digits = whole.str.len_bytes()
    number = whole.cast(pl.Int64, strict=False)
    micros = (
        pl.when(digits <= 11)
        .then(number * _MICROSECOND + _micros(groups.struct.field("fraction")))
        .when(digits <= 14)
        .then(number * 1_000)
        .when(digits <= 17)
        .then(number)
        .otherwise(number // 1_000)
    )
    time = micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame({"text": texts}).select(time.alias("time")).to_series()


def _parse_http_date(texts: pl.Series, clock: Clock) -> pl.Series:  # noqa: ARG001 - GMT by definition
    """Read `Mon, 30 Nov 2015 21:00:05 GMT`, which is always GMT."""
    text = pl.col("text")
    zoned = pl.when(text.str.ends_with(" GMT") | text.str.ends_with(" UTC")).then(text.str.head(-4))
    time = zoned.str.to_datetime(_HTTP_DATE, strict=False, time_unit="us").dt.replace_time_zone("UTC")
    return texts.to_frame("text").select(time.alias("time")).to_series()


def _parse_clf(texts: pl.Series, clock: Clock) -> pl.Series:
    text = pl.col("text")
    is_usual = (text.str.len_bytes() == _CLF_LENGTH).all() & text.str.contains(r" [+-][0-9]{4}$").all()
    frame = texts.to_frame("text")
    if frame.select(is_usual).item():
        zone = one_or_each(texts.str.tail(5), text.str.tail(5))
        return frame.select(parse_clf(text.str.head(_CLF_CLOCK_LENGTH), zone).alias("time")).to_series()
    groups = texts.to_frame("text").select(pl.col("text").str.extract_groups(_CLF).alias("groups")).unnest("groups")
    return _parse_groups(groups, pl.col("time").str.to_datetime(_CLF_CLOCK, strict=False, time_unit="us"), clock)


def _micros(fraction: pl.Expr) -> pl.Expr:
    """Cut or fill a fraction to microseconds: digits are cut, never rounded up into the next second."""
    return fraction.str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False).fill_null(0)


def _to_utc(naive: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """Subtract a zone's offset from a local time."""
    return (naive - pl.duration(minutes=_offset_minutes(zone).fill_null(0))).dt.replace_time_zone("UTC")


def _offset_minutes(zone: pl.Expr) -> pl.Expr:
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int32, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int32, strict=False)
    sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
    return sign * (hours * 60 + minutes)
