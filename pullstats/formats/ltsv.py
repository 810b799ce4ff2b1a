"""Labelled tab-separated values: `time:… <tab> host:… <tab> req:…`, labels in any order.

Source: ltsv.org (recommended labels); real lines of nginx 1.22.1.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.column_keys import LABEL_NAMES, ColumnKeys
from pullstats.formats.labels import LabelReader
from pullstats.formats.log_format import LogFormat
from pullstats.formats.variables import KEPT

_LABELS: Final = {
    "time": "time_local",
    "host": "remote_addr",
    "forwardedfor": "http_x_forwarded_for",
    "user": "remote_user",
    "req": "request",
    "method": "request_method",
    "uri": "request_uri",
    "protocol": "server_protocol",
    "status": "status",
    "size": "body_bytes_sent",
    "referer": "http_referer",
    "ua": "http_user_agent",
    "vhost": "host",
    "server": "server_name",
    "scheme": "scheme",
    "reqtime": "request_time",
    "reqtime_microsec": "duration_us",
    "cache": "upstream_cache_status",
    "reqid": "request_id",
    "range": "http_range",
    "xff": "http_x_forwarded_for",
    "msec": "msec",
}
"""Variables by label; a label that is nginx's own name of a variable is that variable."""

LTSV_NAMES: Final = {
    variable: [
        *(label for label, name in _LABELS.items() if name == variable),
        *dict.fromkeys([*([variable] if variable in KEPT else []), *(name for name in LABEL_NAMES.get(variable, ()) if name not in _LABELS)]),
    ]
    for variable in dict.fromkeys([*_LABELS.values(), *KEPT, *LABEL_NAMES])
}
"""Labels by variable: what ltsv.org calls them goes before what they are called elsewhere."""

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "ltsv",
        "labelled tab-separated values",
        "http://ltsv.org/",
        # recorded from nginx 1.22.1 (the gateway's `ltsv`)
        "time:23/Nov/2026:23:36:04 +0000\thost:192.168.7.9\tforwardedfor:192.168.7.9\treq:GET /v2/_catalog HTTP/1.1\tstatus:200\tsize:69\treferer:-"
        "\tua:Mozilla/5.0 zgrab/0.x\treqtime:0.002\tvhost:127.0.0.1:18109",
        LabelReader(ColumnKeys(LTSV_NAMES, has_places=False), is_tabbed=True),
    ),
)
