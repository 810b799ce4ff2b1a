"""The nginx variables that carry what an event needs, and how each looks in a line.

Raw columns of every format are named by these variables, nginx being the vocabulary that most
logs share; a format of another program maps its own names onto them.

To add one: append a `Variable`. A variable that is not listed here is read past.

Source: nginx.org/en/docs/varindex.html and the modules it links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# What an unquoted value may look like. Quoted and bracketed values are bounded by their quotes.
WORD: Final = r"\S*"
NUMBER: Final = r"[-+]?[0-9.]*"  # HAProxy writes +147 for what had not ended yet (logasap)
STATUS: Final = r"[0-9]{1,3}|-"
LIST: Final = r"(?:[^\s,]+(?:(?:, | : )[^\s,]+)*)?"  # upstream lists hold blanks: "a, b : c"
ADDRESSES: Final = r'(?:(?:"[^"]*"|[^\s,"]*(?:, ?[^\s,"]+)+)(?: [^\s,"]+)??|[^\s,"]*)'  # one, or a list and perhaps the peer behind it
PEER: Final = r'[^\s,"]*'  # an address, and perhaps its port
ISO: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)? ?(?:Z|[+-][0-9]{2}:?[0-9]{2})?|-"
HOST: Final = r'(?:[^\s",:\[]*|\[[0-9A-Fa-f:.]*\])(?::[^\s",:]*)?'  # a name or an address in brackets, and a port: never a time
FREE: Final = r".*?"
CLF_TIME: Final = r"[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8} ?[+-]?[0-9:]*"
HTTP_DATE: Final = r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} (?:GMT|UTC)"
DATED: Final = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2} [0-9:]{8}(?:[.,][0-9]+)?"
CAPTURES: Final = r"(?:\{[^}]*\} ){0,2}"  # HAProxy's captured headers, each blank behind it


BLANKS: Final = (FREE, CAPTURES, HTTP_DATE, DATED)
"""Patterns of values that hold blanks though nothing bounds them."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable pullstats keeps.

    Attributes:
        name: as nginx spells it, without `$`.
        bare: pattern of the value where no quotes bound it.
    """

    name: str
    bare: str = WORD


KEPT: Final[dict[str, Variable]] = {
    variable.name: variable
    for variable in (
        Variable("remote_addr", ADDRESSES),
        Variable("realip_remote_addr", PEER),
        Variable("proxy_protocol_addr", PEER),
        Variable("http_x_forwarded_for", ADDRESSES),
        Variable("downstream_remote_addr"),  # not nginx's: Envoy's peer, mostly another proxy
        Variable("http_forwarded", FREE),
        Variable("http_x_real_ip", PEER),
        Variable("http_cf_connecting_ip", PEER),
        Variable("remote_user", FREE),
        Variable("time_local", CLF_TIME),
        Variable("time_iso8601"),
        Variable("msec", NUMBER),
        Variable("time_digits", NUMBER),  # 20140508154145, not nginx's: Artifactory 6
        Variable("time_http", HTTP_DATE),  # Mon, 30 Nov 2015 21:00:05 GMT, not nginx's: Varnish's and Fastly's `now`
        Variable("accept_date", FREE),  # 06/Feb/2009:12:14:14.655, not nginx's: HAProxy
        Variable("time_dated", DATED),  # 2023-01-01 12:00:00,123 or 2023/01/01 12:00:00, not nginx's: Python's logging, Go's
        Variable("w3c_date"),  # not nginx's: the W3C extended format holds date and time apart, in UTC
        Variable("w3c_time"),
        Variable("request", FREE),
        Variable("request_method"),
        Variable("request_uri"),
        Variable("operation"),  # not nginx's: Azure Storage, which names no method
        Variable("uri", FREE),
        Variable("args", FREE),
        Variable("query_string", FREE),
        Variable("server_protocol"),
        Variable("scheme"),
        Variable("host", HOST),
        Variable("http_host", HOST),
        Variable("server_name", HOST),
        Variable("status", STATUS),
        Variable("body_bytes_sent", NUMBER),
        Variable("bytes_sent", NUMBER),
        Variable("request_time", NUMBER),
        Variable("request_time_ms", NUMBER),  # not nginx's: Artifactory, Nexus
        Variable("duration_us", NUMBER),  # not nginx's: Google Cloud Storage, Apache's %D
        Variable("duration_text"),  # not nginx's: 8.937191ms, 1m2.5s
        Variable("upstream_response_time", LIST),
        Variable("upstream_addr", LIST),
        Variable("upstream_cache_status"),
        Variable("proxy_upstream_name"),
        Variable("request_id"),
        Variable("req_id"),
        Variable("http_referer", FREE),
        Variable("http_user_agent", FREE),
        Variable("http_range", FREE),
        Variable("http_authorization", FREE),
    )
}

FORWARDED: Final = ("http_x_forwarded_for", "http_forwarded", "http_cf_connecting_ip", "http_x_real_ip")
"""Variables in which a proxy names the client."""

LISTS: Final = ("upstream_", "proxy_add_x_forwarded_for", "http_x_forwarded")
"""Variables, by prefix, whose unquoted value may hold blanks though we do not keep them."""

TIMES: Final = ("msec", "time_iso8601", "time_local", "time_http", "time_dated", "time_digits", "accept_date", "w3c_date")
"""Variables that give the time, the most exact first."""

HOSTS: Final = ("host", "http_host", "server_host", "server_name")
"""Variables that name the site, the best first; `server_host` is what JSON calls `host`, which may be the machine."""

FROM_UTC: Final = ("time_utc", "time_naive")
"""Raw columns that are times already and go before `TIMES`: instants, and local times of the log's zone."""

ADDRESS: Final = (
    "remote_addr", "realip_remote_addr", "proxy_protocol_addr", "http_x_forwarded_for", "downstream_remote_addr",
    "http_cf_connecting_ip", "http_x_real_ip",
)  # fmt: skip
"""Variables that give the client, the best first: who was connected, else whom a header names."""


REST: Final = "rest"
"""Whatever a server's administrator put behind a known format; never nginx's name."""

IDENT: Final = r"-|[A-Za-z_][\w.-]*(?::[0-9]{1,5})?"  # or the site, as some put it there
"""An RFC 1413 identity, which may hold a dot, or the site (`%h %v %u`); what looks like an address there is the line of another format."""


_OTHERS: Final = {"ident": IDENT, "captures": CAPTURES, REST: FREE}


def bare_pattern(name: str) -> str:
    """Pattern of a variable's value where nothing bounds it but a blank."""
    if name in _OTHERS:
        return _OTHERS[name]
    if name in KEPT:
        return KEPT[name].bare
    return LIST if name.startswith(LISTS) else WORD
