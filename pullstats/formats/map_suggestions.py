"""Tell from keys and values of some objects which key could say what, as `--map` takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pullstats.formats.notices import kind_of

_DEPTH: Final = 3
"""Objects within objects that are looked into."""
_NAMES: Final[dict[str, str]] = {
    "time": r"time|date|^ts$|stamp|epoch|start|(?:^|[._])at$|when",
    "client": r"client|remote|peer|source|caller|^c-ip$|^ip$|addr|ip$",
    "method": r"method|verb|^request$|action",
    "path": r"path|uri|url|target",
    "status": r"status|code|result",
    "bytes": r"bytes|size|length|sent",
    "agent": r"agent|^ua$",
    "request": r"request|line",
}
"""What a key is called that says it; asked only where several values could be it, or none can be told by its looks."""
_OTHERS: Final = re.compile(
    r"server|upstream|backend|local|dest|dst|requestheader|requestbody|^cs-bytes|edge|proxy|port|referr?er|forwarded|x-host|host", re.IGNORECASE
)
_WANTED: Final = ("time", "client", "request", "method", "path", "status", "bytes", "agent")
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_CLF: Final = re.compile(r"\[?\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}.*")
_UNITS: Final = ((1e9, ":s"), (1e12, ":ms"), (1e15, ":us"), (1e18, ":ns"))
"""From which value on a number can be a time since 1970 (2001 on), and in which unit."""
_CLF_FORM: Final = ':"%d/%b/%Y:%H:%M:%S %z"'
_BARE: Final = re.compile(r"[\w@$-]+", re.ASCII)
"""A key that `--map` takes without quotes."""


def suggest_map(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Tell from keys and values of some objects which key could say what: `--map`'s names and keys, with units of times."""
    found: dict[str, str] = {}
    values = _values(items)
    for name in _WANTED:
        keys = [key for key, value in values.items() if _could_be(name, key, value)]
        if keys:
            order = list(values)
            key = max(keys, key=lambda key: (_is_called(name, key), not _OTHERS.search(key), -order.index(key)))
            found[name] = key + (_unit(values.pop(key)) if name == "time" else "")
            values.pop(key, None)
    if "request" in found:
        found = {name: key for name, key in found.items() if name not in ("method", "path")}
    return found


def _values(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give each key, as `--map` takes it, with the first value that says something."""
    said: dict[str, Any] = {}
    for item in items:
        for key, value in _walk_keys(item):
            if value not in (None, "", "-") and key.isprintable():
                said.setdefault(key, value)
    return said


def _walk_keys(item: Mapping[str, Any], prefix: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """Give the values of an object and of those in it, under keys of which each that holds a sign of `--map` is quoted."""
    for name, value in item.items():
        key = prefix + (name if _BARE.fullmatch(name) else '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"')
        if isinstance(value, dict) and depth:
            yield from _walk_keys(value, f"{key}.", depth - 1)
        else:
            yield key, value


def _is_called(name: str, key: str) -> bool:
    return re.search(_NAMES[name], key, re.IGNORECASE) is not None


def _could_be(name: str, key: str, value: Any) -> bool:
    if name == "time":
        return _is_time(value) and (isinstance(value, str) or _is_called(name, key))
    if name == "bytes":
        return (_is_called(name, key) and not isinstance(value, (bool, str, float, list, dict))) or (_is_called(name, key) and str(value).isdigit())
    if name == "agent":
        return _is_called(name, key) and isinstance(value, str)
    kind = kind_of(value[0] if name == "client" and isinstance(value, list) and value else value)
    if name == "status":
        return kind == "status" and _is_called(name, key)
    return kind == name


def _is_time(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_ISO.fullmatch(value) or _CLF.fullmatch(value)) or (value.replace(".", "", 1).isdigit() and float(value) >= _UNITS[0][0])
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= _UNITS[0][0]


def _unit(value: Any) -> str:
    """Name the unit of a time that is a number, or the form of one that is not ISO 8601."""
    if isinstance(value, str) and _CLF.fullmatch(value):
        return _CLF_FORM
    try:
        number = float(value)
    except ValueError:
        return ""
    return [unit for least, unit in _UNITS if number >= least][-1]
