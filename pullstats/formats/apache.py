"""The Apache family, where it differs from nginx: no referrer and agent, or an identity in front of the user.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Source: httpd.apache.org/docs/2.4/logs.html.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.lines import LogFormat
from pullstats.formats.text_lines import text_format

_LOGS: Final = "https://httpd.apache.org/docs/2.4/logs.html"
_COMMON: Final = '$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent'

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
        _COMMON + ' "$http_referer" "$http_user_agent"',
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
    ),
)
