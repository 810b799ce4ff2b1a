"""Find `log_format` directives in an nginx configuration.

Source: nginx.org/en/docs/http/ngx_http_log_module.html#log_format, and nginx's own tokeniser
(quotes, backslash escapes, comments).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<mark>[;{}])|(?P<word>[^\s;{}"']+)""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ConfFormat:
    """A `log_format` directive.

    Attributes:
        name: its name.
        text: the format, its strings joined.
        escape: `default`, `json` or `none`.
    """

    name: str
    text: str
    escape: str


def parse_conf(text: str) -> list[ConfFormat]:
    """List the `log_format` directives of a configuration, in order."""
    found: list[ConfFormat] = []
    directive: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["mark"]:
            if directive[:1] == ["log_format"] and len(directive) > 2:
                found.append(_to_format(directive[1], directive[2:]))
            directive = []
        elif match["double"] is not None or match["single"] is not None:
            directive.append(_unquote(match["double"] if match["double"] is not None else match["single"]))
        elif match["word"]:
            directive.append(match["word"])
    return found


def _to_format(name: str, arguments: list[str]) -> ConfFormat:
    escape = "default"
    if arguments[0].startswith("escape="):
        escape = arguments.pop(0).removeprefix("escape=")
    return ConfFormat(name, "".join(arguments), escape)


def _unquote(text: str) -> str:
    r"""Undo the escapes nginx knows in strings: `\"`, `\'`, `\\`, `\t`, `\r`, `\n`; others stay."""
    known = {"t": "\t", "r": "\r", "n": "\n"}
    return re.sub(r"\\([\"'\\trn])", lambda match: known.get(match[1], match[1]), text)
