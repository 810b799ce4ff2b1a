"""Find `log_format` directives in an nginx configuration.

Source: nginx.org/en/docs/http/ngx_http_log_module.html#log_format, and nginx's own tokeniser
(quotes, backslash escapes, comments), as nginx 1.22 answers it; lua-nginx-module for blocks of Lua.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<mark>[;{}])"""
    r"""|(?P<word>(?:\\.|\$\{|[^\s;{}"'\#\\])(?:\\.|\$\{|[^\s;{\\])*)""",
    re.DOTALL,
)
"""A word goes on to a blank, a `;` or a `{`: quotes in it are its own, `${name}` belongs to it, and what a backslash stands before."""
_LUA: Final = re.compile(
    r"--\[(?P<long>=*)\[.*?(?:\](?P=long)\]|\Z)|--[^\n]*|\[(?P<text>=*)\[.*?(?:\](?P=text)\]|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?P<mark>[{}])",
    re.DOTALL,
)
"""Comments, texts and braces of Lua."""


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
    place = 0
    while match := _TOKEN.search(text, place):
        place = match.end()
        if match["mark"]:
            if directive[:1] == ["log_format"] and len(directive) > 2:
                found.append(_to_format(directive[1], directive[2:]))
            if match["mark"] == "{" and directive and directive[0].endswith("_by_lua_block"):
                place = _pass_lua(text, place)
            directive = []
        elif (word := next((match[kind] for kind in ("double", "single", "word") if match[kind] is not None), None)) is not None:
            directive.append(_unescape(word))
    return found


def _pass_lua(text: str, place: int) -> int:
    """Find where a block of Lua ends, in which quotes and braces are Lua's; the end of the text if it does not."""
    depth = 1
    for match in _LUA.finditer(text, place):
        if match["mark"]:
            depth += 1 if match["mark"] == "{" else -1
        if not depth:
            return match.end()
    return len(text)


def _to_format(name: str, arguments: list[str]) -> ConfFormat:
    escape = "default"
    if arguments[0].startswith("escape="):
        escape = arguments.pop(0).removeprefix("escape=")
    return ConfFormat(name, "".join(arguments), escape)


def _unescape(text: str) -> str:
    r"""Undo the escapes that nginx knows: `\"`, `\'`, `\\`, `\t`, `\r`, `\n`; others stay."""
    known = {"t": "\t", "r": "\r", "n": "\n"}
    return re.sub(r"\\([\"'\\trn])", lambda match: known.get(match[1], match[1]), text)
