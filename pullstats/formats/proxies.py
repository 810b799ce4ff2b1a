"""Proxies with a format of their own: HAProxy and Envoy.

HAProxy's `option httplog` names no agent and writes its time without a zone; it writes through
syslog, which is taken off before. Envoy names the client in X-Forwarded-For alone.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: docs.haproxy.org/2.8/configuration.html#8.2.3, envoyproxy.io/docs/envoy/latest/
configuration/observability/access_log/usage (default format string), istio.io/latest/docs/tasks/
observability/logs/access-log.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.lines import LogFormat
from pullstats.formats.text_lines import text_format

_ENVOY_TAIL: Final = ' "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr"'

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "haproxy",
        "$remote_addr:$client_port [$accept_date] $frontend $backend_name/$server $tr/$tw/$tc/$tresp/$request_time_ms $status $bytes_sent"
        ' $request_cookie $response_cookie $termination_state $actconn/$feconn/$beconn/$srv_conn/$retries $srv_queue/$backend_queue $captures"$request"',
        "HAProxy HTTP log (option httplog)",
        "https://docs.haproxy.org/2.8/configuration.html#8.2.3",
        "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "
        '"GET /index.html HTTP/1.1"',
        3,
    ),
    text_format(
        "envoy",
        '[$time_iso8601] "$request" $status $response_flags $request_length $body_bytes_sent $request_time_ms $upstream_service_time' + _ENVOY_TAIL,
        "Envoy's default",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string",
        '[2016-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" '
        '"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://10.0.2.1:80"',
        3,
    ),
    text_format(
        "istio",
        '[$time_iso8601] "$request" $status $response_flags $response_code_details $connection_termination "$transport_failure" $request_length'
        " $body_bytes_sent $request_time_ms $upstream_service_time" + _ENVOY_TAIL + " $rest",
        "Istio's default",
        "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
        '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "10.1.0.4" "curl/7.73.0-DEV" '
        '"84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "127.0.0.1:80" inbound|8000|| 127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 - default',
        3,
    ),
)
