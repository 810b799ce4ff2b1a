"""Take a request line apart: method, target, protocol; the target into host, path and query.

Real logs hold TLS hellos, `-`, words, `GET /` without a protocol, `- /path` where the log names no
method, CONNECT and whole URLs. None
of them is an error: the event keeps what can be read and `parse_status` says `partial`.

Source: RFC 9112 section 3 (request line and its four forms of target).
"""

from __future__ import annotations

from typing import Final

import polars as pl

_LINE: Final = r"^(?:(?P<method>[A-Za-z][A-Za-z_-]{1,30})|-) (?P<target>\S.*?)(?: HTTP/(?P<version>[0-9](?:\.[0-9])?))?$"
_TARGET: Final = r"^(?:(?P<scheme>[a-z][a-z0-9+]{1,8})://(?P<authority>[^/?#]*))?(?P<path>/[^?]*|\*)?(?:\?(?P<query>.*))?$"

REQUEST_COLUMNS: Final = (
    "http_request_method",
    "url_scheme",
    "url_domain",
    "url_path",
    "url_query",
    "network_protocol_version",
    "parse_status",
)


def split_request(requests: pl.Series) -> pl.DataFrame:
    """Take request lines apart.

    Args:
        requests: distinct unescaped request lines, null where the log had none.

    Returns:
        A row per request with `REQUEST_COLUMNS`, all text; null where it says nothing.
    """
    line = pl.col("request").str.extract_groups(_LINE)
    frame = pl.DataFrame({"request": requests}).select(
        http_request_method=line.struct.field("method"),
        target=line.struct.field("target"),
        network_protocol_version=line.struct.field("version").str.replace(r"^([23])\.0$", "$1"),
    )
    return split_target(frame)


def split_target(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the `target` column of a frame apart into scheme, domain, path and query."""
    parts = pl.col("target").str.extract_groups(_TARGET)
    is_tunnel = pl.col("http_request_method") == "CONNECT"
    authority = pl.when(is_tunnel).then(pl.col("target")).otherwise(parts.struct.field("authority"))
    return frame.with_columns(
        url_scheme=parts.struct.field("scheme"),
        url_domain=domain_of(authority),
        url_path=pl.when(is_tunnel.fill_null(value=False)).then(None).otherwise(parts.struct.field("path")),
        url_query=parts.struct.field("query"),
    ).select(
        *REQUEST_COLUMNS[:-1],
        pl.when(pl.col("http_request_method").is_null() | (pl.col("url_path").is_null() & ~is_tunnel.fill_null(value=False)))
        .then(pl.lit("partial"))
        .otherwise(pl.lit("ok"))
        .alias("parse_status"),
    )


def domain_of(authority: pl.Expr) -> pl.Expr:
    """Cut user, port and a trailing dot off an authority; lower case; null if nothing is left.

    AWS's load balancers write `host:80- -` where a request was none: no path, and no protocol.
    """
    host = authority.str.replace(r"^.*@", "").str.replace(r":[0-9]*(?:-(?: -)?)?$", "").str.strip_suffix(".").str.to_lowercase()
    return pl.when(host.str.len_bytes() > 0).then(host)
