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
from pullstats.formats.log_format import LogFormat

_READER: Final = JsonReader()

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "json",
        "JSON lines, whatever the keys are called: nginx escape=json and others",
        "https://nginx.org/en/docs/http/ngx_http_log_module.html",
        '{"time":"2026-11-23T23:35:37+00:00","remote_addr":"133.11.5.20","request":"GET /v2/ HTTP/1.1","status":200,"body_bytes_sent":2}',
        _READER,
        2,
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
        "gcp-load-balancer",
        "Google Cloud: external Application Load Balancer",
        "https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring",
        '{"httpRequest":{"remoteIp":"203.0.113.7","requestMethod":"GET","requestSize":"577","requestUrl":"https://dl.example.com/dl/demo-1.0.zip",'
        '"responseSize":"24162","serverIp":"10.8.0.3","status":200,"userAgent":"curl/8.5.0","latency":"0.248406s"},"insertId":"mr6p8jfcxlde5",'
        '"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","remoteIp":"203.0.113.7",'
        '"statusDetails":"response_sent_by_backend"},"resource":{"type":"http_load_balancer"},"timestamp":"2023-04-21T15:59:24.827008Z"}',
        _READER,
        1,
        sign="LoadBalancerLogEntry|http_load_balancer",
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
    LogFormat(
        "cloudfront-json",
        "CloudFront standard logs (v2) as JSON",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html",
        '{"date":"2025-01-15","time":"10:20:30","x-edge-location":"CDG50-P2","sc-bytes":"703","c-ip":"198.51.100.4","cs-method":"GET",'
        '"cs(Host)":"d111111abcdef8.cloudfront.net","cs-uri-stem":"/dl/demo-1.0.tar.gz","sc-status":"200","cs(Referer)":"-",'
        '"cs(User-Agent)":"curl/7.81.0","cs-uri-query":"a=1","x-edge-result-type":"Hit","x-host-header":"dl.example.org","cs-protocol":"https",'
        '"time-taken":"0.113","x-forwarded-for":"-","cs-protocol-version":"HTTP/2.0"}',
        _READER,
        sign='"x-edge-[a-z-]+":|"cs-uri-stem":',
    ),
    LogFormat(
        "azure-storage",
        "Azure Storage resource logs (StorageRead, StorageBlobLogs)",
        "https://learn.microsoft.com/azure/storage/blobs/monitor-blob-storage-reference",
        '{"time":"2023-07-10T01:40:00.1234567Z","category":"StorageRead","operationName":"GetBlob","schemaVersion":"1.0","statusCode":200,'
        '"statusText":"Success","durationMs":5,"callerIpAddress":"198.51.100.6:11234","correlationId":"2a","properties":{"accountName":"demo",'
        '"userAgentHeader":"curl/8.0.1","responseBodySize":1024},"uri":"https://demo.blob.core.windows.net/releases/demo-1.0.tar.gz","protocol":"HTTPS"}',
        _READER,
        sign='"category": ?"Storage(?:Read|Write|Delete)"|"CallerIpAddress":',
    ),
    LogFormat(
        "azure-front-door",
        "Azure Front Door access log",
        "https://learn.microsoft.com/azure/frontdoor/monitor-front-door",
        # MicrosoftDocs/azure-docs articles/web-application-firewall/afds/waf-front-door-monitor.md, address changed
        '{"time":"2020-06-09T22:32:17.8383427Z","category":"FrontdoorAccessLog","operationName":"Microsoft.Network/FrontDoor/AccessLog/Write",'
        '"properties":{"trackingReference":"08Q3gXgAAAAAe0s71BET","httpMethod":"GET","httpVersion":"2.0",'
        '"requestUri":"https://wafdemofrontdoorwebapp.azurefd.net:443/dl/demo-1.0.zip","requestBytes":"715","responseBytes":"380",'
        '"userAgent":"curl/8.5.0","clientIp":"198.51.100.7","timeTaken":"0.003","httpStatusCode":"403","cacheStatus":"CONFIG_NOCACHE"}}',
        _READER,
        sign='"category": ?"Front[Dd]oorAccessLog"',
    ),
    LogFormat(
        "akamai",
        "Akamai DataStream 2 as JSON",
        "https://techdocs.akamai.com/datastream2/docs/log-format",
        '{"version":"1","cp":"123456","reqId":"1239f220","reqTimeSec":"1573840000","bytes":"4995","cliIP":"198.51.100.9","statusCode":"206",'
        '"proto":"HTTPS","reqHost":"dl.example.org","reqMethod":"GET","reqPath":"dl/demo-1.0.zip","reqPort":"443","UA":"curl%2F8.5.0",'
        '"queryStr":"a=1","cacheStatus":"1"}',
        _READER,
        sign='"reqTimeSec":|"cliIP":',
    ),
    LogFormat(
        "kong-json",
        "Kong's log plugins (file-log, http-log, tcp-log)",
        "https://developer.konghq.com/plugins/file-log/",
        '{"request":{"method":"GET","uri":"/dl/demo-1.0.zip","url":"http://dl.example.org:8000/dl/demo-1.0.zip","size":"75","querystring":{},'
        '"headers":{"host":"dl.example.org:8000","user-agent":"curl/8.5.0"}},"response":{"status":200,"size":434,"headers":{"via":"kong/3.4.0"}},'
        '"latencies":{"kong":9,"proxy":1430,"request":1436},"client_ip":"198.51.100.10","started_at":1710238272104,"tries":[],"route":{"id":"r"}}',
        _READER,
        sign='"latencies":',
    ),
    LogFormat(
        "gitlab",
        "GitLab: Workhorse, the container registry, production_json.log, api_json.log",
        "https://docs.gitlab.com/administration/logs/",
        '{"correlation_id":"01H","duration_ms":41,"host":"gitlab.example.org","level":"info","method":"GET","msg":"access","proto":"HTTP/1.1",'
        '"referrer":"","remote_addr":"198.51.100.3:0","remote_ip":"198.51.100.3","route":"","status":200,"system":"http",'
        '"time":"2023-10-29T12:49:43Z","ttfb_ms":41,"uri":"/api/v4/projects/1/packages/npm/demo/-/demo-1.0.0.tgz","user_agent":"npm/9.5.1",'
        '"written_bytes":7310}',
        _READER,
        sign='"written_bytes":|"gitaly_calls":|"db_duration_s":|"meta\\.caller_id":|"controller":',
    ),
    LogFormat(
        "verdaccio-json",
        "Verdaccio as JSON",
        "https://verdaccio.org/docs/logger/",
        # verdaccio/verdaccio packages/logger test
        '{"level":35,"time":1585411248203,"pid":27029,"hostname":"macbook-touch","sub":"in","request":{"method":"GET","url":"/demo/-/demo-1.0.0.tgz"},'
        '"user":null,"remoteIP":"127.0.0.1","status":200,"bytes":{"in":0,"out":150186},"msg":"@{status}, user: @{user}(@{remoteIP})"}',
        _READER,
        sign='"sub": ?"in"',
    ),
    LogFormat(
        "zot",
        "zot registry",
        "https://zotregistry.dev/latest/admin-guide/admin-configuration/#logging",
        '{"level":"info","module":"http","clientIP":"198.51.100.12:52528","method":"GET","path":"/v2/acme/app/manifests/1.0","statusCode":200,'
        '"latency":"1.203ms","bodySize":1222,"headers":{"User-Agent":["containerd/1.7.2"]},"time":"2024-03-12T10:11:12.104718Z","message":"HTTP API"}',
        _READER,
        sign='"message": ?"HTTP API"',
    ),
    LogFormat(
        "docker-registry-proxy",
        "rpardini/docker-registry-proxy, which names no client",
        "https://github.com/rpardini/docker-registry-proxy/blob/master/nginx.conf",
        '{"access_time":"12/Mar/2024:10:11:12 +0000","upstream_cache_status":"HIT","method":"GET","uri":"/v2/library/nginx/manifests/1.25",'
        '"request_type":"manifest-mutable","status":"200","bytes_sent":"1862","upstream_response_time":"","host":"registry-1.docker.io",'
        '"proxy_host":"registry-1.docker.io","upstream":""}',
        _READER,
        sign='"access_time":',
    ),
    LogFormat(
        "distribution-json",
        "distribution's own messages as JSON, where its access log is off",
        "https://distribution.github.io/distribution/about/configuration/#log",
        '{"go.version":"go1.20.8","http.request.host":"registry.example.org","http.request.id":"0b2d8c60","http.request.method":"GET",'
        '"http.request.remoteaddr":"198.51.100.9","http.request.uri":"/v2/acme/app/manifests/1.0","http.request.useragent":"docker/24.0.7",'
        '"http.response.duration":"8.9ms","http.response.status":200,"http.response.written":1222,"level":"info","msg":"response completed",'
        '"time":"2023-11-23T23:35:44.123456789Z"}',
        _READER,
        sign='"http\\.request\\.remoteaddr":',
    ),
    LogFormat(
        "envoy-json",
        "Envoy and Istio as JSON",
        "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
        '{"start_time":"2024-03-12T10:11:12.104Z","method":"GET","path":"/dl/demo-1.0.zip","protocol":"HTTP/1.1","response_code":200,'
        '"response_flags":"-","bytes_received":0,"bytes_sent":1222,"duration":12,"x_forwarded_for":"198.51.100.13","user_agent":"curl/8.5.0",'
        '"request_id":"cc21d9b0","authority":"dl.example.org","upstream_host":"10.0.2.1:80","downstream_remote_address":"10.0.0.9:41854"}',
        _READER,
        sign='"response_flags":',
    ),
)
