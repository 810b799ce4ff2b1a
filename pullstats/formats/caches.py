"""Caches and what stands in front of a site: Squid, Varnish, Nginx Proxy Manager, APISIX, Kong.

Squid pads its durations with blanks, names no agent in its native log, and joins result and status
(`TCP_MISS/200`). Varnish writes Apache's combined with whole URLs; what hits stands behind it.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/vendors/`.

Sources: wiki.squid-cache.org/Features/LogFormat; varnish-cache.org/docs/trunk/reference/
varnishncsa.html; NginxProxyManager/nginx-proxy-manager docker/rootfs/etc/nginx/conf.d/include/
log-proxy.conf; apisix.apache.org (access_log_format); docs.konghq.com (log_format kong_log_format).
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.nginx import COMBINED
from pullstats.formats.text_lines import text_format

_COMMON: Final = '$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent'
_SQUID: Final = "https://wiki.squid-cache.org/Features/LogFormat"
_RESULT: Final = r"(?:TCP|UDP|TAG|NONE)[A-Z_]*"
_SQUID_VALUES: Final = {"upstream_cache_status": _RESULT}
_VARNISH: Final = "https://varnish-cache.org/docs/trunk/reference/varnishncsa.html"
_HANDLING: Final = {"upstream_cache_status": r"hit|miss|pass|pipe|synth|error|hitmiss|hitpass"}
_NPM: Final = "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/conf.d/include/log-proxy.conf"
_NPM_TAIL: Final = ' - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio]'

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "squid",
        "$msec  $request_time_ms $remote_addr $upstream_cache_status/$status $bytes_sent $request_method $request_uri $remote_user $hierarchy/$peer $rest",
        "Squid's native log",
        _SQUID,
        # wiki.squid-cache.org/SquidFaq/SquidLogs, addresses changed
        "1528380000.123    243 198.51.100.43 TCP_MISS/200 21457 GET http://deb.example.org/pool/main/d/demo/demo_1.0-1_amd64.deb - "
        "FIRST_UP_PARENT/192.0.2.194 application/vnd.debian.binary-package",
        3,
        values=_SQUID_VALUES,
    ),
    text_format(
        "squid-common",
        _COMMON + " $upstream_cache_status:$hierarchy",
        "Squid's logformat common",
        _SQUID,
        # allinurl/goaccess issue 2575, addresses and names changed
        '198.51.100.21 - - [23/Dec/2024:18:36:38 +0100] "GET http://deb.example.org/pool/main/d/demo/demo_1.0-1_amd64.deb HTTP/1.1" 200 21457'
        " TCP_MISS:HIER_DIRECT",
        3,
        values=_SQUID_VALUES,
    ),
    text_format(
        "squid-combined",
        _COMMON + ' "$http_referer" "$http_user_agent" $upstream_cache_status:$hierarchy',
        "Squid's logformat combined",
        _SQUID,
        '198.51.100.21 - - [23/Dec/2024:18:36:38 +0100] "GET http://deb.example.org/dists/stable/InRelease HTTP/1.1" 304 312 "-"'
        ' "Debian APT-HTTP/1.3 (2.6.1)" TCP_REFRESH_UNMODIFIED:HIER_DIRECT',
        3,
        values=_SQUID_VALUES,
    ),
    text_format(
        "varnish",
        COMBINED + " $upstream_cache_status",
        "varnishncsa with %{Varnish:hitmiss}x behind combined",
        _VARNISH,
        '198.51.100.7 - - [12/Mar/2024:10:11:12 +0000] "GET http://dl.example.org/dl/demo-1.0.zip HTTP/1.1" 200 1222 "-" "curl/8.5.0" hit',
        3,
        values=_HANDLING,
    ),
    text_format(
        "varnish-timed",
        COMBINED + " $time_firstbyte $upstream_cache_status",
        "varnishncsa with %{Varnish:time_firstbyte}x and what hits behind combined",
        _VARNISH,
        '198.51.100.7 - - [12/Mar/2024:10:11:12 +0000] "GET http://dl.example.org/dl/demo-1.0.zip HTTP/1.1" 200 1222 "-" "curl/8.5.0" 0.000214 miss',
        3,
        values={**_HANDLING, "time_firstbyte": r"[0-9.]+"},
    ),
    text_format(
        "nginx-proxy-manager",
        "[$time_local] $upstream_cache_status $upstream_status $status" + _NPM_TAIL + ' [Sent-to $server] "$http_user_agent" "$http_referer"',
        "Nginx Proxy Manager: proxy hosts",
        _NPM,
        # NginxProxyManager/nginx-proxy-manager issue 2537, addresses and names changed
        '[21/Jul/2023:10:53:59 +0000] - 200 200 - GET https dl.example.org "/demo-1.0.zip" [Client 198.51.100.9] [Length 588] [Gzip -]'
        ' [Sent-to 192.0.2.5] "curl/8.0" "-"',
        3,
    ),
    text_format(
        "nginx-proxy-manager-standard",
        "[$time_local] $status" + _NPM_TAIL + ' "$http_user_agent" "$http_referer"',
        "Nginx Proxy Manager: redirections, dead hosts and the rest",
        _NPM,
        '[21/Jul/2023:10:53:59 +0000] 301 - GET http dl.example.org "/demo-1.0.zip" [Client 198.51.100.9] [Length 166] [Gzip -] "curl/8.0" "-"',
        3,
    ),
    text_format(
        "apisix",
        '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $rest',
        "Apache APISIX",
        "https://apisix.apache.org/docs/apisix/FAQ/#how-do-i-modify-the-access-log-format",
        '198.51.100.8 - - [12/Mar/2024:10:11:12 +0000] dl.example.org "GET /dl/demo-1.0.zip HTTP/1.1" 200 1222 0.012 "-" "curl/8.5.0" 192.0.2.13:80'
        ' 200 0.011 "http://dl.example.org/dl/demo-1.0.zip"',
        3,
    ),
    text_format(
        "kong",
        COMBINED + ' kong_request_id: "$request_id"',
        "Kong Gateway from 3.5 on",
        "https://developer.konghq.com/gateway/configuration/#proxy-access-log",
        '198.51.100.8 - - [12/Mar/2024:10:11:12 +0000] "GET /dl/demo-1.0.zip HTTP/1.1" 200 1222 "-" "curl/8.5.0"'
        ' kong_request_id: "7d6f3f5f4b0f5a4b8f3cfa4c1e4c2b1d"',
        3,
    ),
)
