"""Placeholders of Caddy's `format transform`: `{request>remote_ip} - {user_id} [{ts}] "{request>method} …"`, and of Caddy 1.

Source: github.com/caddyserver/transform-encoder (README); caddyserver.com/v1/docs/placeholders.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import ANY_TIME, Directive, Language, TimePiece, header_variable, response_variable

_COMMON: Final = '{request>remote_ip} - {user_id} [{ts}] "{request>method} {request>uri} {request>proto}" {status} {size}'
_COMBINED: Final = _COMMON + ' "{request>headers>Referer>[0]}" "{request>headers>User-Agent>[0]}"'
_NAMES: Final = {
    "request>remote_ip": "realip_remote_addr",
    "request>client_ip": "remote_addr",
    "request>method": "request_method",
    "request>uri": "request_uri",
    "request>proto": "server_protocol",
    "request>host": "host",
    "user_id": "remote_user",
    "status": "status",
    "size": "body_bytes_sent",
    "duration": "request_time",
    "remote": "remote_addr",
    "host": "host",
    "method": "request_method",
    "uri": "request_uri",
    "path": "uri",
    "query": "args",
    "proto": "server_protocol",
    "scheme": "scheme",
    "user": "remote_user",
    "latency_ms": "request_time_ms",
    "request_id": "request_id",
}
_HEADER: Final = re.compile(r"(?:request>headers)?>([^>]+?)(?:>\[0\])?")
_RESPONSE: Final = re.compile(r"(?:resp_headers>|<)([^>]+?)(?:>\[0\])?")


def _read(match: re.Match[str]) -> Directive:
    name = match["name"]
    if name in ("ts", "when_iso"):
        return Directive(ANY_TIME)
    if name == "when":
        return Directive("time_local")
    if name == "when_unix":
        return Directive(TimePiece("s"))
    response = _RESPONSE.fullmatch(name)
    if response:
        return Directive(response_variable(response[1]))
    header = _HEADER.fullmatch(name)
    return Directive(header_variable(header[1]) if header else _NAMES.get(name, "caddy_placeholder"))


def _unescape(text: str) -> str:
    r"""Undo quotes of a Caddyfile, and write the names of whole formats out."""
    return text.replace('\\"', '"').replace("{common_log}", _COMMON).replace("{common}", _COMMON).replace("{combined}", _COMBINED)


LANGUAGE: Final = Language(
    "caddy-custom",
    "Caddy's format transform, as its template says",
    "https://github.com/caddyserver/transform-encoder",
    re.compile(r"(?:^|[^%>])\{(?:request>[^{}]+|[<>~?][^{}]+|common_log|common|combined|ts|when(?:_iso|_unix)?|user_id|status|remote)\}"),
    re.compile(r"\{(?P<name>[A-Za-z_<>~?][^{}\s\"]*)\}"),
    _read,
    _unescape,
)
