"""Envoy's command operators: `[%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" %RESPONSE_CODE%`.

Source: envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#command-operators.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import Directive, Language, TimePiece, header_variable, response_variable

_NAMES: Final = {
    "PROTOCOL": "server_protocol",
    "RESPONSE_CODE": "status",
    "BYTES_SENT": "body_bytes_sent",
    "DURATION": "request_time_ms",
    "UPSTREAM_HOST": "upstream_addr",
    "UPSTREAM_CLUSTER": "proxy_upstream_name",
    "DOWNSTREAM_REMOTE_ADDRESS": "remote_addr",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": "remote_addr",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS": "realip_remote_addr",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": "realip_remote_addr",
    "REQUESTED_SERVER_NAME": "server_name",
    "STREAM_ID": "req_id",
}
_PSEUDO: Final = {
    ":METHOD": "request_method",
    ":PATH": "request_uri",
    "X-ENVOY-ORIGINAL-PATH": "request_uri",
    ":AUTHORITY": "host",
    ":SCHEME": "scheme",
}


def _read(match: re.Match[str]) -> Directive:
    if match["name"] is None:
        return Directive(None, "%")
    name, argument = match["name"], match["argument"]
    if name == "START_TIME":
        return Directive(TimePiece(argument) if argument else "time_iso8601")
    if name == "REQ" and argument:
        header = argument.partition("?")[0].strip()
        return Directive(_PSEUDO.get(header.upper()) or header_variable(header))
    if name == "RESP" and argument:
        return Directive(response_variable(argument.partition("?")[0]))
    return Directive(_NAMES.get(name, f"envoy_{name.lower()}"))


def _unescape(text: str) -> str:
    r"""Undo what YAML or JSON escapes, and the newline that ends the format there."""
    return re.sub(r'\\(["\\])', r"\1", re.sub(r"(?:\\n|\n)+$", "", text))


LANGUAGE: Final = Language(
    "envoy-custom",
    "Envoy and Istio, as their format says",
    "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#command-operators",
    re.compile(r"%[A-Z][A-Z0-9_]{2,}(?:\([^)]*\))?(?::[0-9]+)?%"),
    re.compile(r"%%|%(?P<name>[A-Z][A-Z0-9_]{2,})(?:\((?P<argument>[^)]*)\))?(?::[0-9]+)?%"),
    _read,
    _unescape,
)
