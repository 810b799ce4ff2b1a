"""Which JSON objects of a log are known to be no request: those are passed over, all others that are not read are rejected.

The list is data, `rules/notices.toml`; a request in keys that nobody knows looks like none of it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pullstats.clients import ADDRESS

IGNORED: Final = "ignored"
KEYS: Final = "keys"
"""Reason of an object that looks like a request, or like nothing known, in keys that are not understood."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "PURGE"})
_MAX_DEPTH: Final = 3
_MAX_VALUES: Final = 200
_DEEPEST: Final = 64
_TARGET: Final = re.compile(r"(?:/|https?://)\S*")
_LINE: Final = re.compile(rf"(?:{'|'.join(sorted(METHODS))}) (?:/|https?://)\S*(?: HTTP/[0-9.]+)?")
_CLIENT: Final = rf"{ADDRESS}|ADDRESS(?::[0-9]+)?"  # as a rejected line shows one
_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\],]')
"""Strings, the last of which may lack its end, and the signs between them; no character of a string is looked at twice."""
_NO_TARGET: Final = re.compile(
    r"file|root|dir|referr?er|origin|location|source|server|upstream|backend|proxy|host|log|content|exec|cwd", re.IGNORECASE
)
"""What a key is called that holds a path or a URL, but not what was asked for."""
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(files("pullstats.formats.rules").joinpath("notices.toml").read_text(encoding="utf-8"))


def tell_object(item: Mapping[str, Any]) -> str:
    """Tell why an object is not read: `IGNORED` where it is known to be no request, else `KEYS`."""
    if any(_says(item, notice) for notice in _rules()["notices"]):
        return IGNORED
    message = _rules()["message"]
    is_message = not item.keys().isdisjoint(message["level"]) and not item.keys().isdisjoint(message["text"])
    return IGNORED if is_message and not looks_like_request(item) else KEYS


def _says(item: Mapping[str, Any], notice: Mapping[str, Any]) -> bool:
    value = item.get(notice["key"])
    return isinstance(value, str) and value in notice["values"]


def looks_like_request(item: Mapping[str, Any]) -> bool:
    """Tell from its values alone: a request line, a method and something of the request, or target, client and status."""
    kinds = {kind for _, value in walk(item) if (kind := kind_of(value)) is not None}
    return "request" in kinds or ("method" in kinds and len(kinds) > 1) or {"path", "client", "status"} <= kinds


def kind_of(value: Any) -> str | None:
    """Tell what of a request a value could be: `request`, `method`, `path`, `client` or `status`; None for anything else."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or len(text) > 8_000:
        return None
    for kind, pattern in (("status", _STATUS), ("path", _TARGET), ("request", _LINE), ("client", _CLIENT)):
        if re.fullmatch(pattern, text):
            return kind
    return "method" if text in METHODS else None


def walk(item: Mapping[str, Any], prefix: str = "", depth: int = _MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """Give the values of an object and of those in it, under dotted keys."""
    for key, value in list(item.items())[:_MAX_VALUES]:
        if isinstance(value, dict) and depth:
            yield from walk(value, f"{prefix}{key}.", depth - 1)
        else:
            yield f"{prefix}{key}", value


def hides_target(item: Mapping[str, Any], known: Collection[str]) -> bool:
    """Tell whether an object has what looks like the target of its request under a key that is not known.

    Args:
        item: the object.
        known: keys that are known, nested ones dotted; what they hold was read, or is something else.
    """
    return any(kind_of(value) in ("path", "request") and key not in known and not _NO_TARGET.search(key) for key, value in walk(item))


def parse_object(line: str) -> dict[str, Any] | None:
    """Read a line as a JSON object, as far as it goes where it was cut; None if it is none."""
    return load_object(line, _close)


def load_object(line: str, mend: Callable[[str], str]) -> dict[str, Any] | None:
    """Read a line as a JSON object, mended where it is none as it stands; None if it is none then either."""
    try:
        item = _load_json(line)
    except ValueError:
        try:
            item = _load_json(mend(line))
        except ValueError:
            return None
    return item if isinstance(item, dict) else None


def _load_json(text: str) -> Any:
    """Read JSON; what nests deeper than any request does is left out.

    Raises:
        ValueError: the text is none.
    """
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        return json.loads(_cut_deep(text), strict=False)


def _cut_deep(text: str) -> str:
    """Put null for what lies deeper than `_DEEPEST` objects and lists."""
    depth, start = 0, 0
    kept: list[str] = []
    for found in _MARKS.finditer(text):
        if found[0] in "{[":
            depth += 1
            if depth == _DEEPEST:
                kept.append(text[start : found.start()] + "null")
        elif found[0] in "}]":
            start = found.end() if depth == _DEEPEST else start
            depth -= 1
    return "".join(kept) + (text[start:] if depth < _DEEPEST else "")


def _close(line: str) -> str:
    """End an object that was cut behind its last whole value."""
    marks = [found for found in _MARKS.finditer(line) if found[0][0] != '"']
    last = next((place for place in range(len(marks) - 1, -1, -1) if marks[place][0] == ","), None)
    open_ones: list[str] = []
    for found in marks[: last or 0]:
        if found[0] in "{[":
            open_ones.append("}" if found[0] == "{" else "]")
        elif found[0] in "}]" and open_ones:
            open_ones.pop()
    return (line[: marks[last].start()] if last is not None else "") + "".join(reversed(open_ones))
