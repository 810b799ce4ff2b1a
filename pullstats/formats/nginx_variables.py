r"""nginx's `log_format` strings: `$remote_addr [$time_local] "$request" $status`; and names of fields for servers that have none.

`${time:FORM}` is a time in a form of `strftime`, or in `s`, `ms`, `us` or `ns` since 1970, and
`${duration:ms}` a duration in another unit: what nginx itself never writes, but other servers do.

Source: nginx.org/en/docs/varindex.html.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import Directive, Language, TimePiece, header_variable

DURATIONS: Final = {"s": "request_time", "ms": "request_time_ms", "us": "duration_us", "ns": "duration_ns"}
"""Variables of a duration by its unit."""
_OTHER_NAMES: Final = {
    "proxy_add_x_forwarded_for": "http_x_forwarded_for",
    "http_x_request_id": "request_id",
    "http_x_correlation_id": "req_id",
    "http_referrer": "http_referer",
}


def _read(match: re.Match[str]) -> Directive:
    if match["field"]:
        form = match["form"]
        return Directive(TimePiece(form) if match["field"] == "time" else DURATIONS.get(form, "duration_other"))
    name = match["braced"] or match["name"]
    if name in ("date_gmt", "date_local"):
        return Directive(TimePiece("%A, %d-%b-%Y %H:%M:%S %Z"))
    if name in ("sent_http_date", "upstream_http_date"):
        return Directive(TimePiece("%a, %d %b %Y %H:%M:%S %Z"))
    if name in _OTHER_NAMES:
        return Directive(_OTHER_NAMES[name])
    return Directive(header_variable(name[5:]) if name.startswith("http_x_") else name)


def _unescape(text: str) -> str:
    r"""Write `\t` as the tab that it is in nginx's strings (src/core/ngx_conf_file.c); a terminal takes no other tab."""
    return text.replace(r"\t", "\t")


LANGUAGE: Final = Language(
    "nginx-custom",
    "as --log-format describes",
    "https://nginx.org/en/docs/http/ngx_http_log_module.html",
    re.compile(r"\$(?:\{\w+(?::[^{}]+)?\}|\w+)"),
    re.compile(r"\$(?:\{(?P<field>time|duration):(?P<form>[^{}]+)\}|\{(?P<braced>\w+)\}|(?P<name>\w+))"),
    _read,
    _unescape,
    joined={("uri", "is_args", "args"): "request_uri", ("uri", "is_args", "query_string"): "request_uri"},
)
