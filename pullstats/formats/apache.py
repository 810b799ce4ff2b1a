"""The Apache family, where it differs from nginx: no referrer and agent, or an identity in front of the user.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Source: httpd.apache.org/docs/2.4/logs.html.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.nginx import HOST_IN_FRONT
from pullstats.formats.text_lines import text_format

_LOGS: Final = "https://httpd.apache.org/docs/2.4/logs.html"
_REST_OF_COMMON: Final = '$ident $remote_user [$time_local] "$request" $status $body_bytes_sent'
_COMMON: Final = f"$remote_addr {_REST_OF_COMMON}"
_HEADERS: Final = ' "$http_referer" "$http_user_agent"'
_REST: Final = _REST_OF_COMMON + _HEADERS

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "apache-common",
        _COMMON,
        "Apache common: no referrer, no agent",
        _LOGS + "#common",
        # beats/apache-access/darwin-2.4.23.log
        '::1 - - [26/Dec/2016:16:16:28 +0200] "GET / HTTP/1.1" 200 45',
    ),
    text_format(
        "apache-combined",
        _COMMON + _HEADERS,
        "Apache combined with an identity",
        _LOGS + "#combined",
        # crowdsecurity/hub .tests/apache2-logs
        '127.0.0.1 ident frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 "-" "Mozilla/4.08 [en] (Win98; I ;Nav)"',
    ),
    text_format(
        "apache-vhost-common",
        "$host " + _COMMON,
        "host in front of common",
        _LOGS + "#virtualhost",
        'www.example.com:80 ::1 - - [26/Dec/2016:16:16:28 +0200] "GET / HTTP/1.1" 200 45',
        1,
        proof=HOST_IN_FRONT,
    ),
    text_format(
        "apache-forwarded",
        f"$remote_addr ($http_x_forwarded_for) {_REST}",
        "the peer, X-Forwarded-For in parentheses, and the rest of combined",
        _LOGS + "#combined",
        # allinurl/goaccess issue 1161
        '192.0.2.100 (198.51.100.41, 203.0.113.157) - - [27/Jun/2018:06:54:33 -0400] "GET /a.tar.gz HTTP/1.1" 200 24917 "-" "Wget/1.19"',
        2,
    ),
    text_format(
        "apache-forwarded-peer",
        f"$http_x_forwarded_for $remote_addr {_REST}",
        "X-Forwarded-For, the peer, and the rest of combined; told by a list of addresses in some line",
        _LOGS + "#combined",
        # allinurl/goaccess issue 1059
        '198.51.100.46, 203.0.113.9 192.0.2.195 - - [31/May/2018:00:00:01 +0630] "GET /a.zip HTTP/1.1" 200 409 "-" "curl/7"',
        3,
        proof=r"^[^,\s\[(]+(?:, ?[^,\s\[(]+)+ [^,\s\[(]+ ",
        proof_share=0.0,
    ),
)
