r"""What keys of JSON logs mean by who writes them, where a name alone does not tell.

    "duration":0.001      seconds in Caddy's log, milliseconds in Envoy's; unknown elsewhere (GitLab changed its mind)
    "date":…,"time":…     CloudFront holds the two apart, in UTC
    "UA":"curl%2F8.5.0"   Akamai encodes what is no word (`+` for a blank), CloudFront as in its other logs
    "sub":"in"            of what Verdaccio says of one request only what has a status, and something sent or another status
    "req":{…}             what a Node server says of a request when it comes has no status, and is no answer; its durations are milliseconds
    "verb":"GET"          Logstash's pattern of combined leaves quotes around agent and referrer
    "msg":"response"      of what distribution says of one request only `response completed` is the answer

To add one: its keys go into `json_keys.py`, and a case into `tests/cases/vendors/`.

Sources: caddyserver.com/docs/caddyfile/directives/log; envoyproxy.io (%DURATION%);
docs.gitlab.com/administration/logs; docs.aws.amazon.com/AmazonCloudFront (standard logging v2);
techdocs.akamai.com/datastream2/docs/data-set-parameters; distribution registry/handlers/app.go and
internal/dcontext/http.go; logstash-plugins/logstash-patterns-core
patterns/legacy/httpd; pinojs/pino-http logger.js; fastify docs/Reference/Logging.md; verdaccio packages/middleware/src/middlewares/log.ts (`sub`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

import polars as pl

from pullstats.escaping import unescape_percent

_CLOCK: Final = r"^[0-9]{2}:[0-9]{2}:[0-9]{2}"
_NGINX_TIME: Final = r"^[0-9]+\.[0-9]{3}$"
"""Three decimals: how nginx writes its seconds."""
_ENCODED: Final = ("http_user_agent", "http_referer")
SIGNS: Final = (
    "clock", "day", "edge", "said", "direction", "response_flags", "akamai_agent", "cloudfront_agent", "cloudfront_column", "caddy_peer", "registry_method",
    "bare_path", "duration_nginx", "node_method", "logstash_method",
)  # fmt: skip
"""Columns that only tell what others mean."""


def read_by_vendor(raw: pl.DataFrame) -> pl.DataFrame:
    """Settle what depends on who wrote a line.

    Args:
        raw: text columns named by variables, and those of `SIGNS` that the log has.

    Returns:
        The same rows without the columns of `SIGNS`.
    """
    for settle in (_join_time, _settle_duration, _settle_path, _decode_agents, _unquote_agents, _name_peer, _await_answer):
        raw = settle(raw)
    return raw.drop(SIGNS, strict=False)


def is_no_request(raw: pl.DataFrame) -> pl.Expr:
    """Tell lines that hold a request's fields and are not its answer."""
    other = pl.lit(value=False)
    if "registry_method" in raw.columns:
        completed = pl.col("said").str.starts_with("response completed").fill_null(value=False) if "said" in raw.columns else pl.lit(value=False)
        other |= pl.col("registry_method").is_not_null() & ~completed
    if "direction" in raw.columns:
        other |= pl.col("direction").eq_missing("out") | (pl.col("direction").eq_missing("in") & _is_before_answer(raw))
    return other


def _is_before_answer(raw: pl.DataFrame) -> pl.Expr:
    """Tell what Verdaccio says of a request when it comes (no status), and when it was read: status 200 and nothing sent."""
    status, sent, method = (_text(raw, name).cast(pl.String) for name in ("status", "body_bytes_sent", "request_method"))
    return status.is_null() | (status.eq_missing("200") & sent.eq_missing("0") & method.ne_missing("HEAD"))


def _join_time(raw: pl.DataFrame) -> pl.DataFrame:
    if not {"clock", "day", "msec"} <= set(raw.columns) or not raw["clock"].str.contains(_CLOCK).any():
        return raw
    zone = pl.when(pl.col("edge").is_not_null()).then(pl.lit("Z")).otherwise(pl.lit("")) if "edge" in raw.columns else pl.lit("")
    joined = pl.concat_str("day", pl.lit("T"), "clock", zone)
    return raw.with_columns(msec=pl.when(pl.col("clock").str.contains(_CLOCK)).then(joined).otherwise("msec"))


def _settle_duration(raw: pl.DataFrame) -> pl.DataFrame:
    """Give a bare `duration` its unit, where the rest of the line names who wrote it."""
    known = {"request_time": _text(raw, "request_time"), "request_time_ms": _text(raw, "request_time_ms")}
    if "duration_nginx" in raw.columns:
        is_seconds = pl.col("duration_nginx").str.contains(_NGINX_TIME)
        known["request_time"] = pl.coalesce(known["request_time"], pl.when(is_seconds).then("duration_nginx"))
        raw = raw.with_columns(duration_text=pl.coalesce(_text(raw, "duration_text"), "duration_nginx"))
    if "node_method" in raw.columns and "duration_text" in raw.columns:
        is_node = pl.col("node_method").is_not_null()
        known["request_time_ms"] = pl.coalesce(known["request_time_ms"], pl.when(is_node).then("duration_text"))
    if "duration_text" not in raw.columns:
        return raw
    if "caddy_peer" in raw.columns:
        is_caddy = pl.col("caddy_peer").is_not_null()
        known["request_time"] = pl.coalesce(known["request_time"], pl.when(is_caddy).then("duration_text"))
    if "response_flags" in raw.columns:
        is_envoy = pl.col("response_flags").is_not_null()
        known["request_time_ms"] = pl.coalesce(known["request_time_ms"], pl.when(is_envoy).then("duration_text"))
    return raw.with_columns(**known)


def _settle_path(raw: pl.DataFrame) -> pl.DataFrame:
    """Put the slash in front that Akamai leaves out."""
    if "bare_path" not in raw.columns:
        return raw
    path = pl.concat_str(pl.lit("/"), pl.col("bare_path").str.strip_prefix("/"))
    return raw.with_columns(uri=pl.coalesce(_text(raw, "uri"), path))


def _unquote_agents(raw: pl.DataFrame) -> pl.DataFrame:
    """Take off the quotes that Logstash's pattern of combined leaves around texts."""
    if "logstash_method" not in raw.columns:
        return raw
    is_logstash = pl.col("logstash_method").is_not_null()
    quoted = {name: pl.col(name).str.extract(r'^"(.*)"$') for name in _ENCODED if name in raw.columns}
    return raw.with_columns(pl.when(is_logstash & text.is_not_null()).then(text).otherwise(name).alias(name) for name, text in quoted.items())


def _await_answer(raw: pl.DataFrame) -> pl.DataFrame:
    """Leave nothing of what a Node server says of a request before it is answered: it would count twice, or as one without a status."""
    if "node_method" not in raw.columns:
        return raw
    is_open = pl.col("node_method").is_not_null() & _text(raw, "status").is_null()
    return raw.with_columns(
        pl.when(~is_open).then(name).alias(name) for name in ("request_method", "request_uri", "remote_addr") if name in raw.columns
    )


def _decode_agents(raw: pl.DataFrame) -> pl.DataFrame:
    for sign, decode in (("akamai_agent", unquote_plus), ("cloudfront_agent", unescape_percent), ("cloudfront_column", unescape_percent)):
        if sign in raw.columns:
            encoded = raw[sign].is_not_null()
            raw = raw.with_columns(_decode(raw[name], encoded, decode) for name in _ENCODED if name in raw.columns)
    return raw


def _decode(texts: pl.Series, encoded: pl.Series, decode: Callable[[str], str]) -> pl.Series:
    """Decode the distinct texts of some rows."""
    distinct = texts.filter(encoded).drop_nulls().unique()
    changes = {text: decoded for text in distinct if (decoded := decode(text)) != text}
    return texts.replace(changes).zip_with(encoded, texts) if changes else texts


def _name_peer(raw: pl.DataFrame) -> pl.DataFrame:
    """Take `1.2.3.4 via 10.0.0.1` (Verdaccio) apart: what the header says, and the peer."""
    if "remote_addr" not in raw.columns or not raw["remote_addr"].str.contains(" via ", literal=True).any():
        return raw
    parts = pl.col("remote_addr").str.extract_groups(r"^(?P<named>.*) via (?P<peer>\S+)$")
    return raw.with_columns(
        remote_addr=pl.coalesce(parts.struct.field("peer"), "remote_addr"),
        http_x_forwarded_for=pl.coalesce(_text(raw, "http_x_forwarded_for"), parts.struct.field("named")),
    )


def _text(raw: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in raw.columns else pl.lit(None, pl.String)
