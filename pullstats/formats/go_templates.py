"""Go templates as Gitea and Forgejo take them: `{{.Ctx.RemoteHost}} - {{.Identity}} {{.Start.Format "[02/Jan/2006:15:04:05 -0700]" }} …`.

Source: docs.gitea.com/administration/logging-config (ACCESS_LOG_TEMPLATE); pkg.go.dev/text/template (actions,
trim markers); pkg.go.dev/time (layouts).
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.formats.languages import Directive, Language, Meaning, TimePiece, header_variable

_NAMES: Final[dict[str, Meaning]] = {
    "Ctx.RemoteHost": "remote_addr",
    "Ctx.RemoteAddr": "remote_addr",
    "Ctx.Req.RemoteAddr": "remote_addr",
    "Identity": "remote_user",
    "RequestID": "request_id",
    "Start.Unix": TimePiece("s"),
    "Start.UnixMilli": TimePiece("ms"),
    "Start.UnixMicro": TimePiece("us"),
    "Start.UnixNano": TimePiece("ns"),
    "Ctx.Req.Method": "request_method",
    "Ctx.Req.RequestURI": "request_uri",
    "Ctx.Req.URL.RequestURI": "request_uri",
    "Ctx.Req.URL.Path": "uri",
    "Ctx.Req.URL.RawQuery": "args",
    "Ctx.Req.Proto": "server_protocol",
    "Ctx.Req.Host": "host",
    "Ctx.Req.Referer": "http_referer",
    "Ctx.Req.UserAgent": "http_user_agent",
    "ResponseWriter.Status": "status",
    "ResponseWriter.Size": "body_bytes_sent",
    "ResponseWriter.WrittenStatus": "status",
    "ResponseWriter.WrittenSize": "body_bytes_sent",
}
_LAYOUT: Final = {
    "2006": "%Y", "06": "%y", "January": "%B", "Jan": "%b", "01": "%m", "Monday": "%A", "Mon": "%a", "02": "%d", "_2": "%e", "15": "%H", "03": "%I",
    "04": "%M", "05": "%S", "PM": "%p", "-0700": "%z", "-07:00": "%:z", "Z07:00": "%:z", "MST": "%Z", ".000000000": "%.9f", ".000000": "%.6f",
    ".000": "%.3f", "%": "%%",
}  # fmt: skip
"""Letters of strftime by what stands for them in a layout of Go."""
_WORD: Final = re.compile("|".join(re.escape(word) for word in sorted(_LAYOUT, key=len, reverse=True)))
_SETTING: Final = re.compile(r"\s*ACCESS_LOG_TEMPLATE\s*=\s*")


def _read(match: re.Match[str]) -> Directive:
    path, argument = match["path"], (match["argument"] or "")[1:-1]
    if path == "Start.Format":
        return Directive(TimePiece(_WORD.sub(lambda word: _LAYOUT[word[0]], argument)))
    if path == "Ctx.Req.Header.Get" and argument:
        return Directive(header_variable(argument))
    return Directive(_NAMES.get(path, "go_" + path.lower().replace(".", "_")))


def _unescape(text: str) -> str:
    """Take off what a configuration has around the template."""
    text = _SETTING.sub("", text, count=1).strip() if _SETTING.match(text) else text
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "`" else text


LANGUAGE: Final = Language(
    "gitea-custom",
    "Gitea and Forgejo, as their ACCESS_LOG_TEMPLATE says",
    "https://docs.gitea.com/administration/logging-config",
    re.compile(r"\{\{-?\s*\.[A-Z]"),
    re.compile(r'(?:\s*\{\{-\s|\{\{)\s*\.(?P<path>[A-Za-z][A-Za-z0-9.]*)(?:\s+(?P<argument>"(?:[^"\\]|\\.)*"|`[^`]*`))?(?:\s+-\}\}\s*|\s*\}\})'),
    _read,
    _unescape,
)
