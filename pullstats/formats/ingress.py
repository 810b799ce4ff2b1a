"""ingress-nginx for Kubernetes, as its releases wrote it.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: kubernetes.github.io/ingress-nginx (upstreaminfo), kubernetes/ingress-nginx
internal/ingress/controller/config/config.go through its releases.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.nginx import COMBINED
from pullstats.formats.text_lines import text_format

_DOCS: Final = "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/"
_REAL_IP: Final = COMBINED.replace("$remote_addr -", "$remote_addr - [$http_x_forwarded_for] -")
_SIZES: Final = " $request_length $request_time [$proxy_upstream_name]"
_UPSTREAM: Final = " $upstream_addr $upstream_response_length $upstream_response_time $upstream_status"

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "nginx-ingress",
        COMBINED + _SIZES + " [$proxy_alternative_upstream_name]" + _UPSTREAM + " $req_id",
        "ingress-nginx from 0.26 on",
        _DOCS,
        # beats/nginx-ingress/test.log
        '192.168.64.1 - - [07/Feb/2020:11:48:51 +0000] "POST /products HTTP/1.1" 200 59 "-" "curl/7.54.0" 89 0.001 '
        "[default-web-8080] [] 172.17.0.5:8080 59 0.000 200 529a007902362a5f51385a5fa7049884",
        3,
    ),
    text_format(
        "nginx-ingress-0.25",
        _REAL_IP + _SIZES + " [$proxy_alternative_upstream_name]" + _UPSTREAM + " $req_id",
        "ingress-nginx 0.24 and 0.25",
        _DOCS,
        '10.240.0.4 - [10.240.0.4] - - [02/Sep/2019:08:05:06 +0000] "GET /api HTTP/2.0" 200 16 "-" "curl/7.54.0" 35 0.004 '
        "[default-api-80] [] 10.240.0.20:8080 16 0.004 200 c1ad7b5d3f6e4cbe9ab4cd1b3f8c2b9d",
        4,
    ),
    text_format(
        "nginx-ingress-0.2x",
        _REAL_IP + _SIZES + _UPSTREAM + " $rest",
        "ingress-nginx up to 0.23",
        _DOCS,
        # an ingress-nginx controller's log of December 2018, as a bug report gives it
        '127.0.0.1 - [127.0.0.1] - - [04/Dec/2018:19:09:56 +0000] "GET /foo/bar HTTP/1.1" 200 17 "-" "curl/7.47.0" 84 0.002 '
        "[default-node-app-9080] 10.1.155.63:9080 17 0.000 200 20a11ce132da4abe937a1e4e8063f4c8",
        4,
    ),
    text_format(
        "nginx-ingress-0.1x",
        _REAL_IP + _SIZES + _UPSTREAM,
        "ingress-nginx up to 0.17, without a request id",
        _DOCS,
        '10.2.1.1 - [10.2.1.1] - - [10/Apr/2018:12:01:02 +0000] "GET / HTTP/1.1" 200 45 "-" "curl/7.54.0" 75 0.002 '
        "[default-web-80] 10.2.1.7:80 45 0.002 200",
        4,
    ),
)
