"""Which key of a JSON access log says what: the alias table.

Raw columns are named by nginx variables (`variables.py`); each lists the keys that carry it in
the logs of nginx (`escape=json`, by habit named after its variables), Traefik, Caddy,
Fastly/rubygems, Cloudflare Logpush and common shippers, the most telling first. A dot goes into
a nested object.

To add one: put the key where it belongs, and a case in `tests/cases/formats/`.

Sources: doc.traefik.io/traefik/observability/access-logs, caddyserver.com/docs/json/logging,
developers.cloudflare.com/logs (http_requests), rubytogether/kirby test/, elastic and crowdsec
sample logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "remote_addr": (
        "remote_addr", "client_ip", "clientip", "clientIp", "client_addr", "ClientIP", "ClientHost", "request.client_ip",
        "request.remote_ip", "remote_ip", "remoteIp", "remoteAddr", "ip", "source_ip", "client", "host_ip", "remote",
        "httpRequest.remoteIp", "peer_addr",
    ),
    "http_x_forwarded_for": (
        "http_x_forwarded_for", "x_forwarded_for", "xff", "forwarded_for", "request_X-Forwarded-For", "request.headers.X-Forwarded-For",
        "ClientXForwardedFor",
    ),
    "http_forwarded": ("http_forwarded", "forwarded", "request_Forwarded", "request.headers.Forwarded"),
    "http_x_real_ip": ("http_x_real_ip", "x_real_ip", "real_ip", "request_X-Real-Ip", "request.headers.X-Real-Ip"),
    "http_cf_connecting_ip": (
        "http_cf_connecting_ip", "cf_connecting_ip", "request_Cf-Connecting-Ip", "request.headers.Cf-Connecting-Ip",
    ),
    "msec": (
        "msec", "StartUTC", "ts", "EdgeStartTimestamp", "time_iso8601", "@timestamp", "timestamp", "time", "datetime", "date_time",
        "time_local", "timestamp_ns", "timestamp_ms", "epoch", "StartLocal", "date",
    ),
    "request": ("request", "request_line", "http_request"),
    "request_method": (
        "request_method", "method", "RequestMethod", "ClientRequestMethod", "request.method", "requestMethod", "http_method", "verb",
        "httpRequest.requestMethod",
    ),
    "request_uri": (
        "request_uri", "uri", "RequestPath", "ClientRequestURI", "request.uri", "requestUri", "requestUrl", "request_url", "url",
        "http_uri", "http_url", "httpRequest.requestUrl", "path",
    ),
    "uri": ("request_path", "ClientRequestPath", "url_path"),
    "args": ("request_query", "args", "query_string", "query"),
    "server_protocol": (
        "server_protocol", "protocol", "RequestProtocol", "ClientRequestProtocol", "request.proto", "proto", "http_version", "request_protocol",
        "http.protocol", "httpRequest.protocol",
    ),
    "status": (
        "status", "response_status", "DownstreamStatus", "EdgeResponseStatus", "status_code", "statusCode", "http_status", "response_code",
        "response", "code", "responseStatus", "httpRequest.status",
    ),
    "body_bytes_sent": (
        "body_bytes_sent", "response_bytes", "DownstreamContentSize", "EdgeResponseBytes", "bodyBytesSent", "response_body_bytes", "size",
        "bytes", "length", "httpRequest.responseSize", "response_size", "responseSize", "body_size", "bytes_sent", "bytesSent",
    ),
    "http_user_agent": (
        "http_user_agent", "user_agent", "userAgent", "request_User-Agent", "request.headers.User-Agent", "ClientRequestUserAgent",
        "http.useragent", "httpRequest.userAgent", "request_user_agent", "useragent", "agent", "ua",
    ),
    "http_referer": (
        "http_referer", "http_referrer", "referer", "referrer", "request_Referer", "request.headers.Referer", "ClientRequestReferer",
        "request_referer", "http.referer", "httpRequest.referer",
    ),
    "host": (
        "host", "http_host", "RequestHost", "ClientRequestHost", "request.host", "request_host", "vhost", "domain", "server_name", "authority",
    ),
    "scheme": ("scheme", "RequestScheme", "ClientRequestScheme", "request_scheme"),
    "remote_user": ("remote_user", "ClientUsername", "user_id", "remoteUser", "auth_user", "user", "username"),
    "request_time": ("request_time", "requestTime", "duration", "response_time", "elapsed", "httpRequest.latency"),
    "duration_ns": ("Duration",),
    "request_id": ("request_id", "requestId", "x_request_id", "RayID", "req_id", "http_x_request_id"),
    "http_range": ("http_range", "range", "request.headers.Range", "request_Range"),
    "http_authorization": ("http_authorization", "authorization", "request.headers.Authorization", "request_Authorization"),
    "upstream_cache_status": ("upstream_cache_status", "cache_status", "CacheCacheStatus", "cache_state", "cacheStatus", "CacheStatus"),
    "upstream_addr": ("proxy_upstream_name", "upstream_addr", "ServiceName", "upstream", "backend", "upstreamAddr"),
}  # fmt: skip

KeyTree = dict[str, "KeyTree | None"]

NEST: Final = "\x1f"
"""Joins the keys of a path: no key holds it, while a dot may well be part of one."""

Path = tuple[str, ...]
"""Keys from the outermost object to a value."""


class KeyTable:
    """Which keys of some log say what, by variable, the most telling first."""

    def __init__(self, keys: Mapping[str, Sequence[Path]], *, is_own: bool = False) -> None:
        """Arrange the keys.

        Args:
            keys: paths by variable.
            is_own: somebody said so of this very log, so that whatever has one of the keys is a request.
        """
        self.is_own = is_own
        self.keys: Final = {name: tuple(NEST.join(path) for path in paths) for name, paths in keys.items()}
        self.tree: Final = build_tree(self.keys)
        self.paths: Final = frozenset(path for paths in self.keys.values() for path in paths)
        self.names: Final = frozenset(name for path in self.paths for name in path.split(NEST))
        listed = [path for name in _LISTS for path in self.keys.get(name, ())]
        self.address_keys: Final = frozenset(path.rpartition(NEST)[2] for path in listed)


def build_tree(keys: Mapping[str, Sequence[str]]) -> KeyTree:
    """Arrange all keys by nesting; None marks a leaf, a node may be a leaf in other logs."""
    tree: KeyTree = {}
    for path in (path for paths in keys.values() for path in paths):
        node = tree
        *parents, leaf = path.split(NEST)
        for parent in parents:
            below = node.get(parent)
            if below is None:
                below = node[parent] = {}
            node = below
        node.setdefault(leaf, None)
    return tree


_LISTS: Final = ("remote_addr", "http_x_forwarded_for")
"""Variables that may be a list of addresses."""

KNOWN: Final = KeyTable({name: [tuple(path.split(".")) for path in paths] for name, paths in KEYS.items()})
"""The keys above."""
