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
_PLAIN: Final = r"^[A-Za-z][A-Za-z_-]{1,30} /[!-~]* HTTP/[0-9]\.[0-9]$"
"""Nearly all request lines, which need no groups of a pattern: those cost ten times as much as cutting at blanks."""
_TUNNEL: Final = "CONNECT "

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
    is_plain = (requests.str.contains(_PLAIN) & ~requests.str.starts_with(_TUNNEL)).fill_null(value=False)
    plain, odd = is_plain.arg_true(), (~is_plain).arg_true()
    if not odd.len():
        return _cut_plain(requests)
    if not plain.len():
        return match_requests(requests)
    both = pl.concat([_cut_plain(requests.gather(plain)), match_requests(requests.gather(odd))])
    return both[pl.concat([plain, odd]).arg_sort()]


def _cut_plain(requests: pl.Series) -> pl.DataFrame:
    """Cut lines that `_PLAIN` matches at their two blanks and the target's first question mark."""
    line = pl.col("request").str.split_exact(" ", 2)
    target = line.struct.field("field_1").str.splitn("?", 2)
    return pl.DataFrame({"request": requests}).select(
        http_request_method=line.struct.field("field_0"),
        url_scheme=pl.lit(None, pl.String),
        url_domain=pl.lit(None, pl.String),
        url_path=target.struct.field("field_0"),
        url_query=target.struct.field("field_1"),
        network_protocol_version=_short_version(line.struct.field("field_2").str.slice(len("HTTP/"))),
        parse_status=pl.lit("ok"),
    )


def match_requests(requests: pl.Series) -> pl.DataFrame:
    """Match whatever stands where a request line should."""
    line = pl.col("request").str.extract_groups(_LINE)
    frame = pl.DataFrame({"request": requests}).select(
        http_request_method=line.struct.field("method"),
        target=line.struct.field("target"),
        network_protocol_version=_short_version(line.struct.field("version")),
    )
    return split_target(frame)


def _short_version(version: pl.Expr) -> pl.Expr:
    return version.replace({"2.0": "2", "3.0": "3"})


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
