"""Envoy, and Istio with its own formats for it.

Envoy names the client in X-Forwarded-For, its peer (mostly another proxy) behind it, if at all.
Lines of connections that carried no HTTP hold `"- - -"` for the request.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage (default
format string); istio.io/latest/docs/tasks/observability/logs/access-log, and istio/istio
pilot/pkg/networking/core/v1alpha3/listener.go (EnvoyTextLogFormat, EnvoyTextLogFormat12 …13) before 1.6.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.text_lines import text_format

_TUNNEL: Final = r'^\[[^\]]*\] "- - -" '
_OLD_TAIL: Final = " $upstream_cluster $upstream_local_addr $downstream_local_addr $downstream_remote_addr $server_name_indication"
_ENVOY_TAIL: Final = ' "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr"'

FORMATS: Final[tuple[LogFormat, ...]] = (
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
    text_format(
        "istio-1.5",
        '[$time_iso8601] "$request" $status $response_flags "$mixer_status" "$transport_failure" $request_length $body_bytes_sent'
        " $request_time_ms $upstream_service_time" + _ENVOY_TAIL + _OLD_TAIL + " $route_name",
        "Istio 1.2 to 1.5",
        "https://istio.io/v1.5/docs/tasks/observability/logs/access-log/",
        # istio/istio issue 24014, addresses and names changed
        '[2020-05-13T22:03:44.187Z] "GET /dl/demo-1.0.zip HTTP/1.1" 200 - "-" "-" 0 770 26 26 "-" "curl/7.64.0" '
        '"f097c809-302a-48fd-984f-445fe529d68a" "dl.example.org" "192.0.2.13:80" outbound|80|example|istio-egressgateway.istio-system.svc.cluster.local'
        " - 203.0.113.115:80 198.51.100.93:39849 - default",
        3,
        ignored=_TUNNEL,
    ),
    text_format(
        "istio-1.1",
        '[$time_iso8601] "$request" $status $response_flags "$mixer_status" $request_length $body_bytes_sent $request_time_ms $upstream_service_time'
        + _ENVOY_TAIL
        + _OLD_TAIL,
        "Istio up to 1.1",
        "https://istio.io/v1.1/docs/tasks/telemetry/logs/access-log/",
        # istio/istio issue 13362, addresses and names changed
        '[2019-04-23T12:07:22.912Z] "GET /productpage HTTP/1.1" 200 - "-" 0 5723 32 31 "198.51.100.195" "curl/7.64.0" '
        '"8cda8b91-df5c-46db-aa52-47db3581137d" "dl.example.org" "127.0.0.1:9080" inbound|9080|http|productpage.default.svc.cluster.local'
        " - 192.0.2.30:9080 198.51.100.195:0 -",
        3,
        ignored=_TUNNEL,
    ),
)
