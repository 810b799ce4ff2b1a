r"""Which key of a JSON access log says what: the alias table.

Raw columns are named by nginx variables (`variables.py`); each lists the keys that carry it in
the logs of nginx (`escape=json`, by habit named after its variables), Traefik, Caddy,
Fastly/rubygems, Cloudflare Logpush and common shippers, the most telling first. A dot goes into
a nested object, `\.` is a dot of the key's own. The last few are no variables: `json_vendors.py`
tells by them what the others mean.

To add one: put the key where it belongs, and a case in `tests/cases/formats/`.

Sources: doc.traefik.io/traefik/observability/access-logs, caddyserver.com/docs/json/logging,
developers.cloudflare.com/logs (http_requests), rubytogether/kirby test/, elastic and crowdsec
sample logs; docs.aws.amazon.com/AmazonCloudFront (standard logging v2); learn.microsoft.com
(StorageBlobLogs, AGWAccessLogs, Front Door's access log); techdocs.akamai.com/datastream2; developer.konghq.com
(file-log); docs.gitlab.com/administration/logs; verdaccio packages/middleware; project-zot/zot
pkg/api/session.go; rpardini/docker-registry-proxy nginx.conf; distribution internal/dcontext;
elastic.co/guide/en/ecs; docs.datadoghq.com (standard attributes); docs.bunny.net/cdn/logging;
pinojs/pino-http; serilog/serilog-aspnetcore; jfrog/log-analytics;
docs.aws.amazon.com/apigateway ($context); vercel.com/docs/drains/reference/logs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

_SPANS: Final = ("duration", "request_duration", "latency", "elapsed", "response_time", "total_time", "processing_time", "request_time")
"""What a duration is called in front of its unit."""


def _spans(*units: str) -> tuple[str, ...]:
    """Name the keys of a duration in a unit, however that is spelled: `duration_ms`, `latency_msec`, `elapsedMillis`, `responseTimeInMs`."""
    return tuple(name for span in _SPANS for unit in units for name in _spell(span, unit))


def _spell(span: str, unit: str) -> tuple[str, ...]:
    camel = span.partition("_")[0] + span.partition("_")[2].title()
    return (f"{span}_{unit}", f"{camel}{unit.title()}", *((f"{camel}In{unit.title()}", f"{span}_in_{unit}") if len(unit) > 1 else ()))


KEYS: Final[dict[str, tuple[str, ...]]] = {
    "remote_addr": (
        "remote_addr", "client_ip", "clientip", "clientIp", "client_addr", "ClientIP", "ClientHost", "request.client_ip",
        "request.remote_ip", "remote_ip", "remoteIp", "remoteAddr", "remoteIP", "clientIP", "ip", "source_ip", "client.ip", "source.ip",
        "network.client.ip", "client", "host_ip", "remote", "httpRequest.remoteIp", "peer_addr", "request.remote_addr", "c-ip", "c_ip", "cliIP",
        "callerIpAddress", "CallerIpAddress", "properties.clientIp", "properties.clientIP", "ClientIp", r"http\.request\.remoteaddr",
        "client.address", "source.address", "network.peer.address",
        "req.remoteAddress", "remoteAddress", "RemoteIp", "remote_address", "Properties.ClientIp", "proxy.clientIp",
    ),
    "downstream_remote_addr": ("downstream_remote_address",),
    "http_x_forwarded_for": (
        "http_x_forwarded_for", "x_forwarded_for", "xff", "fwd", "forwarded_for", "request_X-Forwarded-For", "request.headers.X-Forwarded-For",
        "ClientXForwardedFor", "x-forwarded-for", "xForwardedFor", "request.headers.x-forwarded-for", "headers.X-Forwarded-For",
        "req.headers.x-forwarded-for",
    ),
    "http_forwarded": ("http_forwarded", "forwarded", "request_Forwarded", "request.headers.Forwarded"),
    "http_x_real_ip": ("http_x_real_ip", "x_real_ip", "real_ip", "request_X-Real-Ip", "request.headers.X-Real-Ip"),
    "http_cf_connecting_ip": (
        "http_cf_connecting_ip", "cf_connecting_ip", "request_Cf-Connecting-Ip", "request.headers.Cf-Connecting-Ip",
    ),
    "msec": (
        "msec", "StartUTC", "ts", "EdgeStartTimestamp", "timestamp(ms)", "time_iso8601", "@timestamp", "timestamp", "time", "datetime", "date_time",
        "time_local", "timestamp_ns", "timestamp_ms", "epoch", "StartLocal", "start_time", "started_at", "access_time", "reqTimeSec",
        "TimeGenerated", "time_micros", "date", "Timestamp", "@t", "requestTimeEpoch", "requestTime", "proxy.timestamp",
    ),
    "request": ("request", "request_line", "http_request"),
    "request_method": (
        "request_method", "method", "RequestMethod", "ClientRequestMethod", "request.method", "requestMethod", "http_method", "verb",
        "httpRequest.requestMethod", "cs-method", "cs_method", "reqMethod", "properties.httpMethod", "HttpMethod", "http.request.method", "http.method",
        "req.method", "httpMethod", "Properties.RequestMethod", "proxy.method",
        r"http\.request\.method",
    ),
    "operation": ("operationName", "OperationName"),
    "request_uri": (
        "request_uri", "uri", "RequestPath", "ClientRequestURI", "request.uri", "requestUri", "requestUrl", "request_url", "request.url",
        "url.original", "url", "http_uri", "http_url", "httpRequest.requestUrl", "properties.requestUri", "RequestUri", "Uri", "http.url",
        r"http\.request\.uri", "url.full", "http.target", "cs_uri", "path",
        "req.originalUrl", "req.url", "Url", "Properties.RequestPath", "proxy.path",
    ),
    "uri": ("request_path", "ClientRequestPath", "url_path", "cs-uri-stem", "cs_uri_stem", "url.path"),
    "bare_path": ("reqPath",),
    "args": ("request_query", "args", "query_string", "query", "cs-uri-query", "cs_uri_query", "queryStr", "url.query"),
    "server_protocol": (
        "server_protocol", "protocol", "RequestProtocol", "ClientRequestProtocol", "request.proto", "proto", "http_version", "request_protocol",
        "http.protocol", "httpRequest.protocol", "cs-protocol-version", "cs_protocol_version", "properties.httpVersion", "HttpVersion", "http.version", "Protocol",
    ),
    "status": (
        "status", "response_status", "DownstreamStatus", "EdgeResponseStatus", "status_code", "statusCode", "http_status", "response_code",
        "response.status", "response", "code", "responseStatus", "httpRequest.status", "sc-status", "sc_status", "StatusCode",
        "properties.httpStatusCode", "properties.httpStatus", "HttpStatus", "http.response.status_code", "http.status_code", r"http\.response\.status",
        "res.statusCode", "return_status", "Properties.StatusCode", "proxy.statusCode",
    ),
    "body_bytes_sent": (
        "body_bytes_sent", "response_bytes", "DownstreamContentSize", "EdgeResponseBytes", "bodyBytesSent", "response_body_bytes", "size",
        "bytes.out", "bytes", "length", "httpRequest.responseSize", "response_size", "responseSize", "body_size", "bytes_sent", "bytesSent",
        "written_bytes", "bodySize", "sc-bytes", "sc_bytes", "properties.responseBodySize", "ResponseBodySize", "properties.responseBytes",
        "properties.sentBytes", "SentBytes", "response.size", "http.response.body.bytes", "network.bytes_written", r"http\.response\.written",
        "BytesSent", "bytes_out", "bytesOut", "resp_bytes", "respBytes", "sizeBytes", "responseBytes", "bytes_written", "bytesWritten", "responseLength", "response_content_length", "res.headers.content-length",
    ),
    "http_user_agent": (
        "http_user_agent", "user_agent.original", "user_agent", "userAgent", "request_User-Agent", "request.headers.User-Agent",
        "ClientRequestUserAgent", "http.useragent", "httpRequest.userAgent", "request_user_agent", "useragent", "agent", "ua", "cs(User-Agent)",
        "cs_user_agent", "UA", "properties.userAgent", "UserAgent", "properties.userAgentHeader", "UserAgentHeader", "request.headers.user-agent",
        "headers.User-Agent", r"http\.request\.useragent", "req.headers.user-agent", "proxy.userAgent",
    ),
    "http_referer": (
        "http_referer", "http_referrer", "referer", "referrer", "request_Referer", "request.headers.Referer", "ClientRequestReferer",
        "request_referer", "http.referer", "httpRequest.referer", "cs(Referer)", "cs_referer", "cs_referrer", "properties.referer", "properties.referrerHeader",
        "ReferrerHeader", "request.headers.referer", "headers.Referer", "http.request.referrer", r"http\.request\.referer",
        "req.headers.referer", "refererUrl", "RefererUrl", "proxy.referer",
    ),
    "host": (
        "http_host", "host_header", "Host", "RequestHost", "ClientRequestHost", "request.host", "request_host", "vhost", "domain", "authority", "x-host-header",
        "x_host_header", "reqHost", "properties.hostName", "properties.originalHost", "OriginalHost", "request.headers.host", "url.domain", r"http\.request\.host",
        "req.headers.host", "proxy.host",
    ),
    "http_host": ("cs(Host)", "cs_host"),
    "server_host": ("host",),
    "server_name": ("server_name",),
    "scheme": ("scheme", "RequestScheme", "ClientRequestScheme", "request_scheme", "cs-protocol", "cs_protocol", "url.scheme"),
    "remote_user": ("remote_user", "ClientUsername", "user_id", "remoteUser", "auth_user", "consumer.username", "user", "username", "cs-username"),
    "request_time": ("request_time", "requestTime", "responsetime", "httpRequest.latency", "time-taken", *_spans("s", "sec", "seconds")),
    "request_time_ms": (
        "took_ms", "time_taken_ms", "DurationMs", "latencies.request", "Elapsed", "Properties.Elapsed",
        *_spans("ms", "msec", "millis"),
    ),
    "duration_us": ("reqtime_microsec", "time_taken_micros", *_spans("us", "usec", "micros")),
    "duration_ns": ("Duration", "event.duration", *_spans("ns", "nanos")),
    "duration_text": ("latency_human", "duration", "latency", r"http\.response\.duration"),
    "duration_nginx": ("response_time", "responseTime", "elapsed", "took", "time_taken", "timeTaken", "properties.timeTaken", "TimeTaken"),
    "request_id": (
        "request_id", "requestId", "x_request_id", "RayID", "req_id", "http_x_request_id", "x-edge-request-id", "x_edge_request_id", "reqId",
        "properties.trackingReference", "correlationId", "CorrelationId", "correlation_id", r"http\.request\.id", "s_request_id",
    ),
    "http_range": ("http_range", "range", "request.headers.Range", "request_Range", "request.headers.range", "headers.Range", "req.headers.range"),
    "http_authorization": (
        "http_authorization", "authorization", "Authorization", "request.headers.Authorization", "request_Authorization",
        "request.headers.authorization", "headers.Authorization", "headers.authorization", "http.request.headers.authorization",
        "cs(Authorization)", "request_authorization", "req.headers.authorization",
    ),
    "upstream_cache_status": (
        "upstream_cache_status", "cache_status", "CacheCacheStatus", "cache_state", "cacheStatus", "CacheStatus", "x-edge-result-type",
        "x_edge_result_type", "properties.cacheStatus",
    ),
    "upstream_addr": ("proxy_upstream_name", "upstream_addr", "ServiceName", "upstream", "backend", "upstreamAddr"),
    "clock": ("time",),
    "day": ("date",),
    "edge": ("x-edge-location", "x_edge_location"),
    "said": ("msg",),
    "direction": ("sub",),
    "response_flags": ("bytes_received", "response_flags", "upstream_cluster"),
    "akamai_agent": ("UA",),
    "cloudfront_agent": ("cs(User-Agent)",),
    "cloudfront_column": ("x_edge_location",),
    "caddy_peer": ("request.remote_ip", "request.remote_addr"),
    "registry_method": (r"http\.request\.method",),
    "node_method": ("req.method",),
    "logstash_method": ("verb",),
}  # fmt: skip

KeyTree = dict[str, "KeyTree | None"]

NEST: Final = "\x1f"
"""Joins the keys of a path: no key holds it, while a dot may well be part of one."""

Path = tuple[str, ...]
"""Keys from the outermost object to a value."""


class KeyTable:
    """Which keys of some log say what, by variable, the most telling first."""

    def __init__(self, keys: Mapping[str, Sequence[Path]], *, is_own: bool = False, said: Collection[str] = ()) -> None:
        """Arrange the keys.

        Args:
            keys: paths by variable.
            is_own: somebody said so of this very log, so that whatever has one of the keys is a request.
            said: the variables of which a key was named; what does not fit them is nonsense, and not another log's key.
        """
        self.is_own = is_own
        self.said = frozenset(said)
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

_DOT: Final = re.compile(r"(?<!\\)\.")
KNOWN_PATHS: Final[dict[str, list[Path]]] = {
    name: [tuple(key.replace(r"\.", ".") for key in _DOT.split(path)) for path in paths] for name, paths in KEYS.items()
}
"""The keys above, taken apart."""

KNOWN: Final = KeyTable(KNOWN_PATHS)
"""The keys above."""
