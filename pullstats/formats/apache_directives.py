r"""Apache's `LogFormat` strings: `%h %l %u %t "%r" %>s %b "%{Referer}i"`.

Source: httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats, mod_logio (%I %O %S %^FB);
lighttpd's accesslog.format takes the same letters.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import QUERY, Directive, Language, TimePiece, header_variable, response_variable

_LETTERS: Final = {
    "h": "remote_addr",
    "a": "remote_addr",
    "b": "body_bytes_sent",
    "B": "body_bytes_sent",
    "O": "bytes_sent",
    "D": "duration_us",
    "T": "request_time",
    "r": "request",
    "m": "request_method",
    "U": "uri",
    "q": QUERY,
    "H": "server_protocol",
    "s": "status",
    "u": "remote_user",
    "v": "server_name",
    "V": "host",
}
"""Variables by letter; of the others nothing is kept."""

_CLF: Final = Directive("time_local", around="[]")
_DURATIONS: Final = {"ms": "request_time_ms", "us": "duration_us", "s": "request_time"}
_COUNTS: Final = {"sec": "s", "msec": "ms", "usec": "us", "msec_frac": "%3f", "usec_frac": "%6f"}
_ENVIRONMENT: Final = {"unique_id": "request_id", "remote_user": "remote_user"}
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r"}


def _read(match: re.Match[str]) -> Directive:
    letter, argument = match["letter"], match["argument"]
    if letter == "%":
        return Directive(None, "%")
    if argument is None:
        return _CLF if letter == "t" else Directive(_LETTERS.get(letter, f"apache_{letter}".replace("^", "")))
    return _CLF if letter == "t" and argument in ("", "begin", "end") else Directive(_with_argument(letter, argument))


def _with_argument(letter: str, argument: str) -> str | TimePiece:
    if letter == "t":
        form = re.sub(r"^(?:begin|end):?", "", argument)
        return TimePiece(_COUNTS.get(form, form))
    if letter == "i":
        return header_variable(argument)
    if letter == "o":
        return TimePiece("%a, %d %b %Y %H:%M:%S %Z") if argument.lower() == "date" else response_variable(argument)
    if letter == "T":
        return _DURATIONS.get(argument, "request_time")
    if letter in ("a", "h"):
        return "realip_remote_addr" if argument == "c" else "remote_addr"
    if letter in ("e", "n", "x"):
        return _ENVIRONMENT.get(argument.lower(), "environment")
    return f"apache_{letter}"


def _unescape(text: str) -> str:
    r"""Undo what a configuration escapes: `\"`, `\\`, `\t`, `\n`, `\r`."""
    return re.sub(r"\\([\"'\\tnr])", lambda match: _ESCAPES.get(match[1], match[1]), text)


LANGUAGE: Final = Language(
    "apache-custom",
    "Apache, as its LogFormat says",
    "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats",
    re.compile(r"%[<>!0-9,]*(?:\{[^}]*\})?(?:\^\w{2}|[a-zA-Z])"),
    re.compile(r"%(?:!?[0-9]{3}(?:,[0-9]{3})*|[<>])*(?:\{(?P<argument>[^}]*)\})?(?:[<>])?(?P<letter>\^t[io]|\^\w{2}|[a-zA-Z%])"),
    _read,
    _unescape,
    {("uri", QUERY): "request_uri"},
    re.compile(r"%[!0-9,]*>s|%(?:\{[^c}][^}]*\})?a"),
)
