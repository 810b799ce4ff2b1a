"""Raw texts to columns: what a reader gives, named by nginx variables (`variables.py`), becomes the same for every format."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.clock import Clock
from pullstats.events import TIMESTAMP
from pullstats.formats.durations import read_durations
from pullstats.formats.operations import method_of
from pullstats.formats.parsed import ADDRESS_FIELD, READING_SCHEMA, TIMESTAMP_SOURCE
from pullstats.formats.variables import ADDRESS, FORWARDED, FROM_UTC, HOSTS, TIMES
from pullstats.timestamps import keep_plausible, one_or_each, parse_clf, parse_digits, parse_times

_NO_SITE: Final = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?)(?::[0-9]+)?$|\.cloudfront\.net$|^_$"
"""A host that names no site: an address, CloudFront's own name of a distribution, nginx's nameless server."""

_BARE_VERSION: Final = r"^([0-9](?:\.[0-9])?)$"
_SCHEME: Final = r"^(?i:(https?))$"
"""What is called a protocol may be a scheme (Azure, Google), or a version without its name."""
_TWO_FIELDS: Final = "- -"
"""What a user looks like where the site stands in front of identity and user: nobody."""


def shape_reading(raw: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Turn raw text columns into the columns of `READING_SCHEMA`.

    Args:
        raw: text columns named by variables, `source_line` and `source_offset`.
        clock: reads times that name no zone.

    Returns:
        A row per row of `raw`; `timestamp` is null where the time is unusable.
    """
    columns = {
        "timestamp": keep_plausible(_timestamp(raw, clock)),
        "timestamp_source": pl.lit("log"),
        "http_response_status_code": _status(raw.columns),
        "http_response_body_size": _number(raw.columns, "body_bytes_sent", "bytes_sent"),
        "http_request_duration_us": pl.lit(read_durations(raw)),
        "http_request_id": _first(raw.columns, "request_id", "req_id"),
        "http_request_range": _first(raw.columns, "http_range"),
        "cache_status": _first(raw.columns, "upstream_cache_status").str.strip_prefix("TCP_"),
        "backend": _first(raw.columns, "proxy_upstream_name", "upstream_addr"),
        "scheme": pl.coalesce(_first(raw.columns, "scheme"), _first(raw.columns, "server_protocol").str.extract(_SCHEME))
        .str.to_lowercase()
        .str.extract(r"^([a-z][a-z0-9+.-]{1,9})$"),
        "host": _host(raw),
        "request": _request(raw),
        "address": _text(raw.columns, *ADDRESS),
        "address_field": _field(raw.columns, *ADDRESS),
        **{name: _text(raw.columns, name) for name in FORWARDED},
        "user": _user(raw.columns),
        "authorization": _first(raw.columns, "http_authorization"),
        "agent": _text(raw.columns, "http_user_agent"),
        "referrer": _text(raw.columns, "http_referer"),
        "attributes": _first(raw.columns, "rest_of_object"),
    }
    return raw.select(
        *(expression.cast(READING_SCHEMA[name]).alias(name) for name, expression in columns.items()),
        pl.col("source_line", "source_offset").cast(pl.Int64),
    )


def read_times(raw: pl.DataFrame, clock: Clock) -> pl.Series:
    """Read the times of raw text columns alone; null where one is unusable."""
    return raw.with_columns(keep_plausible(_timestamp(raw, clock)).alias("timestamp"))["timestamp"] if raw.height else pl.Series(dtype=TIMESTAMP)


def read_statuses(raw: pl.DataFrame) -> pl.Series:
    """Read the statuses of raw text columns alone; null where one is no status."""
    return raw.select(_status(raw.columns).alias("status")).to_series() if "status" in raw.columns else pl.Series([None] * raw.height, dtype=pl.Int32)


def fill_times(reading: pl.DataFrame, times: pl.Series | None) -> pl.DataFrame:
    """Give lines without a usable time of their own the one their wrapper stamped on them.

    Args:
        reading: columns of `READING_SCHEMA`, `source_line` counting from 1.
        times: the wrapper's time of every line; None if there is no wrapper.
    """
    if times is None or not reading["timestamp"].null_count():
        return reading
    stamped = keep_plausible(pl.lit(times[reading["source_line"] - 1]))
    is_late = pl.col("timestamp").is_null()
    return reading.with_columns(
        timestamp=pl.coalesce("timestamp", stamped),
        timestamp_source=pl.when(is_late).then(pl.lit("envelope")).otherwise(pl.col("timestamp_source").cast(pl.String)).cast(TIMESTAMP_SOURCE),
    )


def _first(present: list[str], *names: str) -> pl.Expr:
    """Take the first of some columns that says something; `-` and nothing are null."""
    found = [_known(pl.col(name)) for name in names if name in present]
    return pl.coalesce(found) if found else pl.lit(None, pl.String)


def _text(present: list[str], *names: str) -> pl.Expr:
    """Take a text whose distinct values are looked at later; `-` and nothing are told there."""
    found = [pl.col(name) for name in names if name in present]
    return found[0] if len(found) == 1 else _first(present, *names)


def _field(present: list[str], *names: str) -> pl.Expr:
    """Name the first of some columns that says something."""
    found = [name for name in names if name in present]
    if len(found) < 2:
        return pl.lit(found[0] if found else None, ADDRESS_FIELD)
    return pl.coalesce(pl.when(_known(pl.col(name)).is_not_null()).then(pl.lit(name, ADDRESS_FIELD)) for name in found)


def _user(present: list[str]) -> pl.Expr:
    user = _text(present, "remote_user")
    return pl.when(user != _TWO_FIELDS).then(user)


def _known(text: pl.Expr) -> pl.Expr:
    return pl.when((text != "-") & (text != "")).then(text)


def _timestamp(raw: pl.DataFrame, clock: Clock) -> pl.Expr:
    if FROM_UTC[0] in raw.columns:
        naive = raw[FROM_UTC[1]] if FROM_UTC[1] in raw.columns else None
        utc = pl.col(FROM_UTC[0])
        return utc if naive is None or naive.null_count() == raw.height else pl.coalesce(utc, pl.lit(clock.to_utc(naive)))
    if "time_zone" in raw.columns:
        return parse_clf(pl.col("time_local"), one_or_each(raw["time_zone"], pl.col("time_zone")))
    name = next((name for name in TIMES if name in raw.columns), None)
    if name == "w3c_date" and "w3c_time" in raw.columns:
        return pl.lit(parse_times(raw.select(pl.concat_str("w3c_date", pl.lit("T"), "w3c_time", pl.lit("Z"))).to_series(), clock))
    if name == "time_digits":
        return pl.lit(parse_digits(raw[name], clock))
    return pl.lit(None, TIMESTAMP) if name is None else pl.lit(parse_times(raw[name], clock))


def _status(present: list[str]) -> pl.Expr:
    """Read a status; `000`, `009`, `0`, `-` and what is no status are null."""
    number = _text(present, "status").cast(pl.Int32, strict=False)
    return pl.when(number.is_between(100, 599)).then(number)


def _number(present: list[str], *names: str) -> pl.Expr:
    """Read a size; what is no number, or is negative, is null."""
    number = _text(present, *names).cast(pl.Int64, strict=False)
    return pl.when(number >= 0).then(number)


def _host(raw: pl.DataFrame) -> pl.Expr:
    """Take the host that was asked for.

    What is called `host` is as often the server's own address, or the CDN's own name of a site
    (CloudFront has two fields that change places between its logs): a real name goes before these.
    """
    found = [name for name in HOSTS if name in raw.columns]
    if len(found) < 2:
        return _first(raw.columns, *found)
    known = [_known(pl.col(name)) for name in found]
    return pl.coalesce(*(pl.when(~host.str.contains(_NO_SITE)).then(host) for host in known), *known)


def _request(raw: pl.DataFrame) -> pl.Expr:
    """Take the request line, or put one together from method, target and protocol.

    A log that has both may hold an empty method or target; then its request line decides. Some
    name no method at all (CDNs count what is fetched), others no target: `-` stands for it.
    """
    whole = _whole_request(raw)
    return put_together(raw.columns) if whole is None else pl.concat_str(whole, separator=" ")


def _whole_request(raw: pl.DataFrame) -> list[str] | None:
    """Name method, target and protocol where every row says all three, and there is nothing to weigh; None if not."""
    target = "request_uri" if "request_uri" in raw.columns else "uri"
    names = ["request_method", target, "server_protocol"]
    queries = [name for name in ("args", "query_string") if target == "uri" and name in raw.columns and raw[name].null_count() < raw.height]
    if queries or not raw.height or not set(names) <= set(raw.columns) or any(raw[name].null_count() for name in names):
        return None
    method, path, protocol = (pl.col(name) for name in names)
    checks = [(column != "-") & (column != "") for column in (method, path)]
    checks += [protocol.str.starts_with("HTTP/"), ~protocol.str.ends_with(" ")]
    checks += [~path.str.contains("?", literal=True)] if target == "uri" else []
    return names if raw.select(pl.all_horizontal(check.all() for check in checks)).item() else None


def put_together(present: list[str]) -> pl.Expr:
    """Put request lines together where some rows lack a part of one.

    Args:
        present: the raw columns that are there.
    """
    line = pl.col("request") if "request" in present else pl.lit(None, pl.String)
    if not {"request_method", "request_uri", "uri"}.intersection(present):
        return line
    method = _first(present, "request_method")
    if "operation" in present:
        method = pl.coalesce(method, method_of(pl.col("operation")))
    path = _first(present, "uri").str.replace_all("?", "%3F", literal=True)
    query = pl.concat_str(pl.lit("?"), _first(present, "args", "query_string"))
    target = pl.coalesce(_first(present, "request_uri"), pl.concat_str(path, query.fill_null("")))
    protocol = (
        pl.coalesce(
            pl.when(_first(present, "server_protocol").str.starts_with("HTTP/")).then("server_protocol"),
            pl.concat_str(pl.lit("HTTP/"), pl.col("server_protocol").str.extract(_BARE_VERSION)),
            pl.lit(""),
        )
        if "server_protocol" in present
        else pl.lit("")
    )
    rest = pl.concat_str(pl.lit(" "), target, pl.lit(" "), protocol).str.strip_chars_end(" ")
    return pl.coalesce(method + rest, _known(line), pl.lit("-") + rest, method + pl.lit(" -"), line)
