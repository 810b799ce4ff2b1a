"""JSON access logs by who writes them. All are read through one table of keys (`json_keys.py`).

A dialect is told by a key that no other has; what none claims is `json`.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`; its keys go into `json_keys.py`.

Sources: doc.traefik.io/traefik/observability/access-logs, caddyserver.com/docs/json/logging,
developers.cloudflare.com/logs/logpush (http_requests), cloud.google.com/logging/docs/reference/v2/
rest/v2/LogEntry (HttpRequest), rust-lang/crates.io crates/crates_io_cdn_logs.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.json_lines import JsonReader
from pullstats.formats.lines import LogFormat

_READER: Final = JsonReader()

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "json",
        "JSON lines, whatever the keys are called: nginx escape=json and others",
        "https://nginx.org/en/docs/http/ngx_http_log_module.html",
        '{"time":"2026-11-23T23:35:37+00:00","remote_addr":"133.11.5.20","request":"GET /v2/ HTTP/1.1","status":200,"body_bytes_sent":2}',
        _READER,
        1,
    ),
    LogFormat(
        "caddy",
        "Caddy 2",
        "https://caddyserver.com/docs/caddyfile/directives/log",
        # tstack/lnav test/logfile_caddy_log.1
        '{"level":"info","ts":1716723772.601480,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"95.94.107.30",'
        '"client_ip":"95.94.107.30","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/","headers":{"User-Agent":["Mozilla/5.0"]}},'
        '"bytes_read":0,"user_id":"","duration":0.001,"size":2164,"status":200}',
        _READER,
        sign=r'"logger":"http\.log\.access|"request":\{"remote_(?:ip|addr)":',
    ),
    LogFormat(
        "traefik-json",
        "Traefik JSON",
        "https://doc.traefik.io/traefik/observability/access-logs/",
        # crowdsecurity/hub .tests/traefik-logs
        '{"ClientAddr":"172.17.0.1:39496","ClientHost":"172.17.0.1","ClientUsername":"-","DownstreamContentSize":357,"DownstreamStatus":200,'
        '"Duration":357313,"RequestHost":"test.docker.localhost","RequestMethod":"GET","RequestPath":"/594VAEoi.save","RequestProtocol":"HTTP/1.1",'
        '"StartUTC":"2021-12-08T14:02:43.587782192Z","request_User-Agent":"Nikto"}',
        _READER,
        sign='"DownstreamStatus":|"ClientHost":',
    ),
    LogFormat(
        "cloudflare",
        "Cloudflare Logpush: HTTP requests",
        "https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/",
        # tstack/lnav test/logfile_cloudflare.json
        '{"ClientIP":"87.226.160.250","ClientRequestHost":"www.ripe.net","ClientRequestMethod":"HEAD","ClientRequestURI":"/",'
        '"EdgeEndTimestamp":"2022-10-30T00:00:02Z","EdgeResponseBytes":570,"EdgeResponseStatus":301,"EdgeStartTimestamp":"2022-10-30T00:00:02Z",'
        '"RayID":"761fde4e984e5ab2"}',
        _READER,
        sign='"EdgeResponseStatus":|"ClientRequestMethod":',
    ),
    LogFormat(
        "gcp",
        "Google Cloud Logging: httpRequest",
        "https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest",
        '{"httpRequest":{"requestMethod":"GET","requestUrl":"https://dl.example.com/v1/app.tar.gz","requestSize":"84","status":200,'
        '"responseSize":"12088","userAgent":"curl/8.5.0","remoteIp":"203.0.113.7","latency":"0.063122s"},"insertId":"1gsr2mrg1kvkbfw",'
        '"timestamp":"2024-03-12T15:22:28.104718Z"}',
        _READER,
        sign='"httpRequest":',
    ),
    LogFormat(
        "fastly",
        "Fastly real-time logs as crates.io has them, the syslog prefix taken off",
        "https://github.com/rust-lang/crates.io/tree/main/crates/crates_io_cdn_logs",
        # rust-lang/crates.io crates/crates_io_cdn_logs/test_data/fastly/full-info.log
        '{"bytes":24828,"content_type":"application/gzip","date_time":"2025-10-26T23:57:34.776171793Z","ddsource":"fastly","edge_location":"WSI",'
        '"host":"static.crates.io","http":{"protocol":"HTTP/2","referer":null,"useragent":"cargo/1.88.0 (873a06493 2025-05-10)"},"ip":"192.0.2.1",'
        '"method":"GET","service":"static.crates.io","status":200,"url":"https://static.crates.io/crates/dashmap/6.1.0/download","version":"1"}',
        _READER,
        sign='"ddsource":"fastly"|"edge_location":"[A-Z]{3}"',
    ),
)
