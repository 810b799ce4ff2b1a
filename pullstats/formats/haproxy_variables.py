r"""HAProxy's `log-format` strings: `%ci:%cp\ [%tr]\ %ft\ %b/%s\ %ST\ %B\ %{+Q}r`.

Source: docs.haproxy.org/2.8/configuration.html#8.2.6 (variables, flags, sample expressions). What a
capture holds is not told by the string: `%hr`, `%[capture.req.hdr(0)]` are read past.
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import QUERY, Directive, Language, TimePiece, header_variable

_NAMES: Final = {
    "ci": "remote_addr",
    "t": "accept_date",
    "tr": "accept_date",
    "b": "proxy_upstream_name",
    "ST": "status",
    "B": "bytes_sent",
    "Ta": "request_time_ms",
    "Tt": "total_time",
    "ID": "request_id",
    "r": "request",
    "HM": "request_method",
    "HU": "request_uri",
    "HP": "uri",
    "HPO": "uri",
    "HQ": QUERY,
    "HV": "server_protocol",
    "CC": "captured_cookie",
    "hr": "captures",
    "hs": "captures",
}
_TIMES: Final = {"T": "%d/%b/%Y:%H:%M:%S %z", "Tl": "%d/%b/%Y:%H:%M:%S %z", "trg": "%d/%b/%Y:%H:%M:%S %z", "trl": "%d/%b/%Y:%H:%M:%S %z", "Ts": "s"}
_SAMPLES: Final = {
    "src": "remote_addr",
    "method": "request_method",
    "path": "uri",
    "pathq": "request_uri",
    "url": "request_uri",
    "query": "args",
    "status": "status",
    "unique-id": "request_id",
    "capture.req.method": "request_method",
    "capture.req.uri": "request_uri",
    "capture.req.ver": "server_protocol",
}
"""Variables by sample expression, what follows a comma left out."""
_HEADER: Final = re.compile(r"(?:req\.)?f?hdr\(\s*([^),\s]+)[^)]*\)")


def _read(match: re.Match[str]) -> Directive:
    if match[0] == "%%":
        return Directive(None, "%")
    around = '"' if "+Q" in (match["flags"] or "") else ""
    name, sample = match["name"], match["sample"]
    if name == "o":
        return Directive(None)
    if sample is not None:
        header = _HEADER.match(sample)
        variable = header_variable(header[1]) if header else _SAMPLES.get(sample.partition(",")[0].strip(), "sample")
        return Directive(TimePiece("s") if sample.strip() == "date" else variable, around=around)
    if name in _TIMES:
        return Directive(TimePiece(_TIMES[name]))
    return Directive(_NAMES.get(name, f"haproxy_{name}"), around=around)


def _unescape(text: str) -> str:
    r"""Undo what a configuration escapes: `\ `, `\"`, `\\`; blanks that stand side by side are one."""
    text = re.sub(r" {2,}", " ", re.sub(r"\\([ \"'\\#\[\]{}%])", r"\1", text))
    return re.sub(r"(?:%hrl? )?%hsl? |%hrl? ", "%hr", text)  # captures that are not there take their blanks along


LANGUAGE: Final = Language(
    "haproxy-custom",
    "HAProxy, as its log-format says",
    "https://docs.haproxy.org/2.8/configuration.html#8.2.6",
    re.compile(r"%(?:\{[+-][^}]*\})?(?:\[|(?:ci|cp|fi|fp|ft|ST|tr|trg|trl|Ts|Ta|HM|HU|HP|HPO|HV|tsc|ac|fc)\b)|%\{[+-][QXE]"),
    re.compile(r"%%|%(?:\{(?P<flags>[^}]*)\})?(?:\[(?P<sample>[^\]]*)\]|(?P<name>[A-Za-z]+))"),
    _read,
    _unescape,
    {("uri", QUERY): "request_uri"},
)
