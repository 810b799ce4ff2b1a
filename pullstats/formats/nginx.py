"""The formats of nginx that need no configuration to be read.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: nginx.org/en/docs/http/ngx_http_log_module.html (combined), the stock nginx image's
`main`, Debian's `vhost_combined`, kubernetes.github.io/ingress-nginx (upstreaminfo).
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.lines import LogFormat
from pullstats.formats.log_format import compile_log_format
from pullstats.formats.text_lines import TextReader

COMBINED: Final = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

_MODULE: Final = "https://nginx.org/en/docs/http/ngx_http_log_module.html"


def nginx_format(name: str, log_format: str, help: str, doc_url: str = _MODULE, sample: str = "", rank: int = 0) -> LogFormat:  # noqa: A002 - named for the field
    """Build a format from a `log_format` string."""
    return LogFormat(name, help, doc_url, sample, TextReader(compile_log_format(log_format)), rank)


FORMATS: Final[tuple[LogFormat, ...]] = (
    nginx_format(
        "nginx-combined",
        COMBINED,
        "nginx and Apache combined",
        # beats/nginx-access/access.log
        sample='172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0 (Windows NT 6.1; rv:15.0)"',
        rank=1,
    ),
    nginx_format(
        "nginx-main",
        COMBINED + ' "$http_x_forwarded_for"',
        "combined and X-Forwarded-For, the stock image's main",
        # containers/podman docs/tutorials/podman_tutorial.md
        sample='10.88.0.1 - - [07/Feb/2018:15:22:11 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.55.1" "-"',
        rank=2,
    ),
    nginx_format(
        "nginx-vhost",
        "$host " + COMBINED,
        "host in front of combined",
        doc_url="https://httpd.apache.org/docs/2.4/logs.html#virtualhost",
        # beats/nginx-access/test-with-host.log
        sample='example.com 172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0"',
        rank=2,
    ),
    nginx_format(
        "nginx-vhost-main",
        "$host " + COMBINED + ' "$http_x_forwarded_for"',
        "host in front of main",
        doc_url="https://httpd.apache.org/docs/2.4/logs.html#virtualhost",
        # beats/nginx-access/test-with-host.log
        sample='example.com:80 172.17.0.1 - - [29/May/2017:19:02:48 +0000] "GET /stringpatch HTTP/1.1" 404 612 "-" "Mozilla/5.0" "-"',
        rank=3,
    ),
    nginx_format(
        "nginx-ingress",
        COMBINED + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr"
        " $upstream_response_length $upstream_response_time $upstream_status $req_id",
        "ingress-nginx for Kubernetes",
        doc_url="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/",
        # beats/nginx-ingress/test.log
        sample='192.168.64.1 - - [07/Feb/2020:11:48:51 +0000] "POST /products HTTP/1.1" 200 59 "-" "curl/7.54.0" 89 0.001 '
        "[default-web-8080] [] 172.17.0.5:8080 59 0.000 200 529a007902362a5f51385a5fa7049884",
        rank=3,
    ),
)
