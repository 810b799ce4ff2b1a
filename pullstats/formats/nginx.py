"""The formats of nginx that need no configuration to be read.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: nginx.org/en/docs/http/ngx_http_log_module.html (combined), the stock nginx image's
`main`, Debian's `vhost_combined`.
"""

from __future__ import annotations

from typing import Final

from pullstats.clients import NAME
from pullstats.formats.log_format import LogFormat
from pullstats.formats.text_lines import text_format

COMBINED: Final = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
HOST_IN_FRONT: Final = rf"^{NAME} "
"""A line that begins with a name: an address there may be a client that X-Forwarded-For names as well as a virtual host."""
_XFF: Final = ' "$http_x_forwarded_for"'

MODULE: Final = "https://nginx.org/en/docs/http/ngx_http_log_module.html"
_VHOST: Final = "https://httpd.apache.org/docs/2.4/logs.html#virtualhost"

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "nginx-combined",
        COMBINED,
        "nginx and Apache combined",
        MODULE,
        # beats/nginx-access/access.log
        '172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0 (Windows NT 6.1; rv:15.0)"',
        1,
    ),
    text_format(
        "nginx-main",
        COMBINED + _XFF,
        "combined and X-Forwarded-For, the stock image's main",
        MODULE,
        # containers/podman docs/tutorials/podman_tutorial.md
        '10.88.0.1 - - [07/Feb/2018:15:22:11 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.55.1" "-"',
        2,
    ),
    text_format(
        "nginx-vhost",
        "$host " + COMBINED,
        "host in front of combined",
        _VHOST,
        # beats/nginx-access/test-with-host.log
        'example.com 172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0"',
        2,
        proof=HOST_IN_FRONT,
    ),
    text_format(
        "nginx-vhost-main",
        "$host " + COMBINED + _XFF,
        "host in front of main",
        _VHOST,
        # beats/nginx-access/test-with-host.log
        'example.com:80 172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0" "-"',
        3,
        proof=HOST_IN_FRONT,
    ),
    text_format(
        "nginx-msec",
        '$msec $remote_addr $status $request_length $bytes_sent "$request" "$http_user_agent" $rest',
        "$msec, address, status and sizes in front of the request",
        MODULE,
        # recorded from nginx 1.22.1 (the gateway's `epoch`)
        '1795476964.697 192.168.7.9 404 134 308 "GET /actuator/health HTTP/1.1" "Mozilla/5.0 zgrab/0.x" "-" "-"',
        1,
    ),
    text_format(
        "nginx-main-plus",
        COMBINED + _XFF + " $rest",
        "main, and what an administrator put behind it, which is not read",
        MODULE,
        # recorded from nginx 1.22.1 (the gateway's `ext`)
        '192.168.7.9 - - [23/Nov/2026:23:36:04 +0000] "GET /v2/ HTTP/1.1" 200 2 "-" "skopeo/1.9.3" "192.168.7.9" 0.002 0.001 0f4eef962a526d66',
        2,
        is_catch_all=True,
    ),
    text_format(
        "nginx-combined-plus",
        COMBINED + " $rest",
        "combined, and what an administrator put behind it, which is not read",
        MODULE,
        # martin-helmich/prometheus-nginxlog-exporter features/message_sizes.feature
        '172.17.0.1 - - [23/Jun/2016:16:04:20 +0000] "GET / HTTP/1.1" 200 1000 "-" "curl/7.29.0" 300 400',
        1,
        is_catch_all=True,
    ),
)
