"""Traefik's CLF: common, the two headers, a counter, router, server, and the time it took.

Releases before 1.5 write a missing referrer as a bare `-`. A status may be `-`.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Source: doc.traefik.io/traefik/observability/access-logs/#clf-common-log-format.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.nginx import COMBINED
from pullstats.formats.text_lines import text_format

_DOCS: Final = "https://doc.traefik.io/traefik/observability/access-logs/#clf-common-log-format"
_TAIL: Final = ' $request_count "$router" "$server_url" ${request_time_ms}ms'

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "traefik",
        COMBINED + _TAIL,
        "Traefik CLF",
        _DOCS,
        # crowdsecurity/hub .tests/traefik-logs
        '172.17.0.1 - - [08/Dec/2021:13:59:39 +0000] "GET /index?toto=tata HTTP/1.1" 200 352 "-" "Nikto" 242 "test@docker" '
        '"http://172.17.0.3:80" 1ms',
        3,
    ),
    text_format(
        "traefik-1",
        COMBINED.replace('"$http_referer"', "-") + _TAIL,
        "Traefik CLF before 1.5: a missing referrer is a bare -",
        _DOCS,
        # beats/traefik-access/test.log
        '67.43.156.15 - - [28/Feb/2018:17:30:33 +0000] "GET /en/ HTTP/2.0" 200 2814 - "Mozilla/5.0 (iPhone)" 13 "Host-host1-com-0" '
        '"http://172.19.0.6:14008" 247ms',
        3,
    ),
)
