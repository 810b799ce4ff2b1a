"""Choose what the keys of JSON objects say of a request: a value for each variable, and which objects are no request."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.formats.json_keys import KeyTable
from pullstats.formats.json_vendors import is_no_request, read_by_vendor
from pullstats.formats.log_format import IGNORED
from pullstats.formats.notices import KEYS
from pullstats.formats.variables import ADDRESS

_HEADERS: Final = (
    "http_user_agent", "http_referer", "http_range", "http_authorization", "http_forwarded", "http_x_real_ip", "http_cf_connecting_ip",
)  # fmt: skip
_NAMES: Final = ("server_host", "remote_user")
"""Variables whose keys hold objects in other logs: of the machine, of an account."""
_NUMBERS: Final = ("status", "body_bytes_sent")
"""Variables that may stay numbers."""
_TELLING: Final = ("status", "request", "request_method", "request_uri", "uri", *ADDRESS)
"""Variables of which an object must say some to be a request."""
_OF_ANSWERS: Final = (
    "body_bytes_sent",
    "bytes_sent",
    "http_user_agent",
    "http_referer",
    "server_protocol",
    "request_time",
    "request_time_ms",
    "args",
)
"""Variables of which something must be said beside a client and a status where no request is named: logins and probes have these two as well."""
_DIGITS: Final = r"^[0-9]{1,3}$"
"""What a status looks like: `"status":"ok"` alone is somebody's health."""
_SPELLED: Final = r"^([0-9]{3})(?:\.0+| [A-Za-z][A-Za-z '-]*)$"
"""A status with its phrase (`200 OK`), or as a program writes it that holds all numbers as fractions."""
_LOOSE: Final = frozenset({"response", "code"})
"""Keys that name a status only where a status stands there: others hold an answer, or an error's name."""
_BARE_TARGET: Final = r"^(?:/|https?://)\S*$"


def pick_values(flat: pl.DataFrame, table: KeyTable) -> pl.DataFrame:
    """Choose, for each variable, the first of its keys that says something: raw columns, and `reason` where a row is no request.

    Args:
        flat: texts by key, nested keys joined by `NEST`.
        table: what the keys mean.
    """
    present = {name: [key for key in keys if key in flat.columns] for name, keys in table.keys.items()}
    whole = {name for name, keys in present.items() if name in _NUMBERS and len(keys) == 1 and flat.schema[keys[0]] == pl.Int64}
    if "bytes_sent" in table.keys:
        whole.discard("body_bytes_sent")  # the two are taken one for the other, as texts
    single = {present[name][0] for name in whole}
    flat = flat.with_columns(pl.col(name).cast(pl.String) for name, dtype in flat.schema.items() if dtype == pl.Int64 and name not in single)
    raw = flat.select(**{name: pl.col(keys[0]) if name in whole else _coalesce(keys) for name, keys in present.items() if keys})
    if raw.schema.get("status") == pl.String:
        raw = raw.with_columns(status=_pick_status(flat, present["status"], is_said="status" in table.said))
    raw = raw.with_columns(_first_of_list(name) for name in ("remote_addr", "http_x_forwarded_for") if name in raw.columns)
    raw = raw.with_columns(_first_item(name) for name in _HEADERS if name in raw.columns)
    raw = raw.with_columns(pl.when(~pl.col(name).str.starts_with("{")).then(name).alias(name) for name in _NAMES if name in raw.columns)
    if "request" in raw.columns:
        raw = _split_request_key(raw)
    other = is_no_request(raw)
    raw = raw.with_columns(is_other=other)
    raw = read_by_vendor(raw)
    says = {name: pl.col(name).is_not_null() if name in raw.columns else pl.lit(value=False) for name in _TELLING}
    is_client = pl.any_horizontal(says[name] for name in ADDRESS)
    is_target = says["request"] | says["request_uri"] | says["uri"]
    has_status = says["status"]
    if raw.schema.get("status") == pl.String:
        has_status = pl.col("status").str.contains(_DIGITS).fill_null(value=False)
    is_asked = says["request"] | says["request_method"]
    is_answered = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).is_not_null() for name in _OF_ANSWERS if name in raw.columns))
    is_event = (is_asked & (has_status | is_client | (says["status"] & is_target))) | (has_status & is_client & (is_target | is_answered))
    if table.is_own:
        is_event = pl.any_horizontal(says.values())
    reason = pl.when("is_other").then(pl.lit(IGNORED)).when(~is_event).then(pl.lit(KEYS))
    return raw.with_columns(reason=reason).drop("is_other")


def _split_request_key(raw: pl.DataFrame) -> pl.DataFrame:
    """Tell what `request` holds: a request line, an object (Caddy), the method alone (Fastly, rubygems), or the target alone (Logstash)."""
    lone = pl.col("request").str.contains(r"^[A-Z]{3,10}$")
    bare = pl.col("request").str.contains(_BARE_TARGET)
    method = pl.coalesce("request_method", pl.when(lone).then("request")) if "request_method" in raw.columns else pl.when(lone).then("request")
    target: pl.Expr = pl.when(bare).then("request")
    target = pl.coalesce(target, "request_uri") if "request_uri" in raw.columns else target
    line = pl.when(~lone & ~bare & ~pl.col("request").str.starts_with("{")).then("request")
    return raw.with_columns(request_method=method, request_uri=target, request=line)


def _pick_status(flat: pl.DataFrame, keys: list[str], *, is_said: bool) -> pl.Series:
    """Take the first of some keys under which a status stands; where none does, what else is told of one, but for an object or a list."""
    found = flat.select(_coalesce(keys).alias("status")).to_series()
    if found.str.contains(_DIGITS).all():
        return found
    texts = [(key, _coalesce([key])) for key in keys]
    sane = [pl.when(text.str.contains(_DIGITS)).then(text).otherwise(text.str.extract(_SPELLED)) for _, text in texts]
    odd = [pl.when(~text.str.contains(r"^[{\[]")).then(text) for key, text in texts if is_said or key not in _LOOSE]
    return flat.select(pl.coalesce(*sane, *odd).alias("status")).to_series()


def _coalesce(keys: list[str]) -> pl.Expr:
    """Take the first of some keys that says something; `-` and nothing say nothing."""
    return pl.coalesce(pl.when((pl.col(key) != "") & (pl.col(key) != "-")).then(pl.col(key)) for key in keys)


def _first_of_list(name: str) -> pl.Expr:
    """Write a JSON list of addresses as a plain list: `["a", "b"]` as `a, b`."""
    column = pl.col(name)
    return pl.when(column.str.starts_with('["')).then(column.str.replace_all(r'[\[\]"]', "")).otherwise(column).alias(name)


def _first_item(name: str) -> pl.Expr:
    """Take the first item of a list of header values (Caddy, Go servers)."""
    column = pl.col(name)
    return pl.when(column.str.starts_with('["')).then(column.str.json_path_match("$[0]")).otherwise(column).alias(name)
