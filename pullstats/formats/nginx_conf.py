"""Find `log_format` directives in an nginx configuration.

Source: nginx.org/en/docs/http/ngx_http_log_module.html#log_format, and nginx's own tokeniser
(quotes, backslash escapes, comments).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pullstats.errors import InputError, unknown_name

_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<mark>[;{}])|(?P<word>[^\s;{}"']+)""", re.DOTALL
)
_MAX_CONF: Final = 16 << 20


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


def read_log_format(reference: str) -> ConfFormat:
    """Read the format that `@nginx.conf` or `@nginx.conf:name` points to.

    Raises:
        InputError: the file cannot be read, holds no `log_format`, or several and no name is given.
    """
    path_text, _, name = reference.removeprefix("@").partition(":")
    formats = {found.name: found for found in parse_conf(_read(Path(path_text)))}
    if not formats:
        message = f"'{path_text}' holds no log_format directive; without one nginx writes nginx-combined"
        raise InputError(message)
    if name and name not in formats:
        noun = f"log_format in {path_text}"
        raise unknown_name(noun, name, formats)
    if not name and len(formats) > 1:
        message = f"'{path_text}' holds several log formats ({', '.join(sorted(formats))}); choose one with @{path_text}:NAME"
        raise InputError(message)
    return formats[name] if name else next(iter(formats.values()))


def _read(path: Path) -> str:
    try:
        return path.read_bytes()[:_MAX_CONF].decode("utf-8", "replace")
    except OSError as error:
        message = f"cannot read the nginx configuration '{path}': {error.strerror}"
        raise InputError(message) from error


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
